"""Rules, stories, mutes and the log of who did what, through the real entry on a real database."""

from pathlib import Path
from typing import Any

import pytest

from storage.alerts.rules import keep_to_settings
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Pool, transaction
from tests.support.clients.command_line import Blockline
from tests.support.samples.readings import T0
from tests.support.seeds.sent_alerts import on, rule_by_hand, told

RULES = """
[[rules]]
name = "Desk"
recipients = ["desk@example.org"]
lists = ["Farmers", "Press"]

[[rules]]
name = "Night"
recipients = ["night@example.org", "apprise:newsroom"]
quiet = "22:00-07:00"
enabled = false
"""


def file(text: str, name: str = "rules.toml") -> str:
    Path(name).write_text(text)
    return name


def acts(run: Blockline) -> list[tuple[str, str, str]]:
    """Who did what, oldest first."""
    log: list[dict[str, Any]] = run("alerts", "log", "--json").json["log"]
    return [(act["actor"], act["action"], act["subject"]) for act in reversed(log)]


def from_settings(dsn: str, *rules: AlertRule) -> None:
    async def kept(pool: Pool) -> None:
        async with transaction(pool) as conn:
            await keep_to_settings(conn, rules, T0)

    on(dsn, kept)


def test_one_rule_that_is_refused_keeps_the_whole_file_out(run: Blockline, dsn: str) -> None:
    from_settings(dsn, AlertRule(("boss@example.org",), name="Boss"))
    boss = '[[rules]]\nname = "Boss"\nrecipients = ["desk@example.org"]\n'
    ran = run("alerts", "import", file(RULES + boss + "[[rules]]\nname = 'X'\n"))
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints == [
        "rules.toml, line 12: rule 'Boss' is defined in the settings. Change it in the settings.",
        "rules.toml, line 15: rule 'X': recipients is missing.",
        "2 rules were refused, so nothing was stored. Correct the file and import it again.",
    ]
    ran = run("alerts", "import", "rules.toml", "--json")
    assert (ran.code, ran.json["stored"], ran.json["rules"]) == (1, False, [])
    assert [refused["line"] for refused in ran.json["refused"]] == [12, 15]
    assert [rule["name"] for rule in run("alerts", "rules", "--json").json["rules"]] == ["Boss"]
    assert acts(run) == [("settings", "rule added", "Boss")]


@pytest.mark.parametrize(
    ("name", "complaint"),
    [
        ("none.toml", "none.toml: the file does not exist."),
        (".", ".: the file cannot be read (Is a directory)."),
        ("bad.toml", "bad.toml, line 1: the file is not TOML: Invalid value."),
    ],
    ids=["missing", "a folder", "not TOML"],
)
def test_a_file_that_is_none_is_one_sentence(run: Blockline, name: str, complaint: str) -> None:
    file("zone = UTC\n", "bad.toml")
    ran = run("alerts", "import", name)
    assert (ran.code, ran.out, ran.complaints) == (1, "", [complaint])


def test_what_is_exported_is_imported_unchanged_rules_of_the_settings_included(
    run: Blockline, dsn: str
) -> None:
    from_settings(dsn, AlertRule(("boss@example.org",), name="Boss"))
    run("alerts", "import", file(RULES))
    ran = run("alerts", "export", "--output", "out.toml")
    assert (ran.code, ran.said) == (0, ["out.toml contains 3 rules."])
    assert Path("out.toml").read_text() == run("alerts", "export").out
    taken = run("alerts", "import", "out.toml", "--replace", "--json").json
    assert [rule["did"] for rule in taken["rules"]] == ["unchanged"] * 3
    assert (taken["removed"], taken["reordered"]) == ([], False)
    again = run("alerts", "export", "--output", "out.toml")
    assert (again.code, again.err) == (1, "out.toml exists already; name another file.\n")


def test_a_file_that_replaces_all_removes_what_it_lacks_and_gives_its_order(run: Blockline, dsn: str) -> None:
    from_settings(dsn, AlertRule(("boss@example.org",), name="Boss"))
    run("alerts", "import", file(RULES))
    first = '[[rules]]\nname = "First"\nrecipients = []\n'
    night = '[[rules]]\nname = "Night"\nrecipients = []\n'
    run("alerts", "import", file(first + night))
    ran = run("alerts", "import", file(first + night), "--replace")
    assert ran.said == [
        "rules.toml, line 1: rule First unchanged.",
        "rules.toml, line 4: rule Night unchanged.",
        "Rule Desk removed: it is not in rules.toml.",
        "The rules are tried in the order of rules.toml now.",
    ]
    listed = run("alerts", "rules", "--json").json["rules"]
    assert [(rule["name"], rule["origin"]) for rule in listed] == [
        ("Boss", "settings"),
        ("First", "hand"),
        ("Night", "hand"),
    ]
    assert [action for _, action, _ in acts(run)][-2:] == ["rule removed", "rules ordered"]


def test_a_rule_is_switched_off_and_on_and_removed(run: Blockline) -> None:
    run("alerts", "import", file(RULES))
    assert run("alerts", "disable", "Desk").said == ["The rule Desk is disabled and sends no alerts."]
    enabled = {rule["name"]: rule["enabled"] for rule in run("alerts", "rules", "--json").json["rules"]}
    assert enabled == {"Desk": False, "Night": False}
    assert run("alerts", "enable", "Desk").said == ["The rule Desk is enabled."]
    assert run("alerts", "remove", "Night").code == 0
    assert [rule["name"] for rule in run("alerts", "rules", "--json").json["rules"]] == ["Desk"]
    for command in ("enable", "disable"):
        ran = run("alerts", command, "Night")
        assert (ran.code, ran.err) == (1, "There is no rule 'Night'; there are: Desk.\n")
    assert run("alerts", "remove", "Night").err == "There is no rule 'Night'; there are: Desk.\n"
    run("alerts", "remove", "Desk")
    assert run("alerts", "enable", "Desk").err == "There is no rule 'Desk'; there are: none.\n"
    assert run("alerts", "rules").out.startswith("There are no rules, so no alert is sent. ")


def test_rules_are_listed_for_a_reader(run: Blockline) -> None:
    run("alerts", "import", file(RULES))
    on_file = run("alerts", "rules")
    listed = " ".join(on_file.out.split())
    for words in (
        "Blocks, restorations, changes of countries, accounts that are gone",
        "of accounts on Farmers or Press",
        "night@example.org, apprise:newsroom",
        "urgent news at once, the rest in a catch-up digest at 08:00 UTC",
        "quiet from 22:00 to 07:00 UTC",
    ):
        assert all(word in listed for word in words.split()), words


def test_what_the_next_run_changes_is_said(run: Blockline, dsn: str) -> None:
    desk, boss = AlertRule(("desk@example.org",), name="Desk"), AlertRule(("a@example.org",), name="Boss")
    from_settings(dsn, boss, desk)
    on(dsn, lambda pool: _by_hand(pool, AlertRule((), name="Mine")))
    rules = [("Desk", "night@example.org"), ("New", "new@example.org"), ("Mine", "me@example.org")]
    text = "".join(f'[[rules]]\nname = "{name}"\nrecipients = ["{to}"]\n' for name, to in rules)
    file(text, "blockline.toml")
    ran = run("alerts", "rules", "--json").json
    assert [(r["name"], r["on_file"]) for r in ran["rules"]] == [
        ("Boss", True),
        ("Desk", True),
        ("New", False),
        ("Mine", True),
    ]
    assert ran["notes"] == [
        "Rule 'New' is new in the settings. It takes effect at the next `blockline run`.",
        "Rule 'Desk' was changed in the settings. The change takes effect at the next `blockline run`.",
        "Rule 'Boss' is no longer in the settings. The next `blockline run` removes it.",
        "Rule 'Mine' exists in the settings and was also added by hand. Remove or rename one.",
    ]


async def _by_hand(pool: Pool, rule: AlertRule) -> None:
    async with transaction(pool) as conn:
        await rule_by_hand(conn, rule)


def test_a_story_is_acknowledged_once_and_a_second_one_hears_who_was_first(run: Blockline, dsn: str) -> None:
    on(dsn, told)
    (story,) = run("alerts", "stories", "--json").json["stories"]
    subject = "Update: 55 of 257 accounts withheld in India (IN), 30 in this mail - order MeitY 2021-01-31"
    assert (story["rule"], story["waves"], story["subject"], story["acknowledged"]) == (
        "Desk",
        2,
        subject,
        False,
    )
    ran = run("alerts", "ack", story["story"][:6], "--note", "Asha asks X")
    assert (ran.code, ran.said) == (0, [f"Acknowledged: {subject}"])
    again = run("alerts", "ack", story["story"])
    assert (again.code, again.err) == (0, "")
    assert again.out.startswith("Already acknowledged by command line on ")
    assert again.out.endswith(f" (Asha asks X): {subject}\n")
    (story,) = run("alerts", "stories", "--json").json["stories"]
    assert (story["acknowledged"], story["acknowledged_wave"], story["note"]) == (True, 2, "Asha asks X")
    assert acts(run)[-1] == ("command line", "acknowledged", f"story {story['story'][:12]}")
    assert run("alerts", "unack", story["story"]).said == [
        f"{story['story'][:12]} waits for somebody again. Its reminders and escalation go on."
    ]
    assert acts(run)[-1] == ("command line", "acknowledgement undone", f"story {story['story'][:12]}")
    assert run("alerts", "unack", story["story"]).err == (
        "Nobody has acknowledged the newest group of this incident.\n"
    )
    assert run("alerts", "ack", "zz").err == (
        "There is no incident zz; `blockline incidents list` lists them.\n"
    )
    assert run("alerts", "ack", "").code == 1


def test_a_muted_account_is_told_to_nobody_until_the_mute_ends(run: Blockline, dsn: str) -> None:
    on(dsn, told)
    made = run("alerts", "mute", "--account", "x account_0001", "--for", "6h", "--note", "hearing")
    assert (made.code, made.err) == (0, "")
    assert made.out.startswith("Mute 1: no alerts about @account_0001 from now until ")
    (mute,) = run("alerts", "mutes", "--json").json["mutes"]
    assert (mute["handle"], mute["note"], mute["by"]) == ("account_0001", "hearing", "command line")
    assert run("alerts", "unmute", 1).said == ["Mute 1 has ended. New changes are reported again."]
    assert run("alerts", "mutes").said == ["Nothing is muted."]
    assert run("alerts", "unmute", 1).err == "There is no running mute 1.\n"
    assert acts(run)[-2:] == [
        ("command line", "muted", f"account {mute['account']}"),
        ("command line", "mute ended", "mute 1"),
    ]


def test_a_list_is_muted_by_its_name_or_its_order_and_everything_in_a_window(
    run: Blockline, dsn: str
) -> None:
    on(dsn, told)
    until = ("--until", "2099-01-01T00:00Z")
    assert run("alerts", "mute", "--list", "MeitY 2021-01-31", *until, "--json").json["list"] == (
        "Order of 31 January"
    )
    ran = run("alerts", "maintenance", "--since", "2098-01-01", "--until", "2098-01-02", "--note", "move")
    assert ran.said == [
        "Mute 2: no alerts about everything from 1 Jan 2098, 00:00 UTC until 2 Jan 2098, 00:00 UTC."
    ]
    assert [m["list"] for m in run("alerts", "mutes", "--json").json["mutes"]] == [
        None,
        "Order of 31 January",
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ["mute", "--for", "6h"],
        ["mute", "--list", "A", "--account", "x b", "--for", "6h"],
        ["mute", "--list", "A"],
        ["mute", "--list", "A", "--for", "6h", "--until", "2099-01-01"],
        ["maintenance"],
        ["unmute", "x"],
        ["log", "--limit", "0"],
    ],
    ids=" ".join,
)
def test_what_is_not_asked_clearly_is_a_matter_of_usage(run: Blockline, arguments: list[str]) -> None:
    assert run("alerts", *arguments).code == 2


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        ("unmute", "'x' is not the number of a mute: `blockline alerts mutes` lists them."),
        ("resend", "'x' is not the number of a mail: it is in the address of its page."),
    ],
)
def test_what_is_no_number_is_said_in_our_words(run: Blockline, command: str, complaint: str) -> None:
    ran = run("alerts", command, "x")
    assert (ran.code, complaint in ran.err) == (2, True)


def test_a_mail_that_was_given_up_is_queued_again_under_its_message_id(run: Blockline, dsn: str) -> None:
    async def given_up(pool: Pool) -> str:
        await told(pool)
        return await pool.fetchval(
            "update mail set state = 'dead', attempts = 9 where mail_id = 1 returning message_id"
        )

    ident = on(dsn, given_up)
    ran = run("alerts", "resend", 1)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("Email 1 is queued and is sent when the notifier runs: 25 of 257 ")
    mail = on(dsn, lambda pool: pool.fetchrow("select * from mail where mail_id = 1"))
    assert mail is not None
    assert (mail["state"], mail["attempts"], mail["message_id"]) == ("queued", 0, ident)
    assert acts(run)[-1] == ("command line", "mail sent again", "mail 1")


def test_a_rule_is_tried_on_the_past_whether_it_is_imported_or_not(run: Blockline) -> None:
    run("alerts", "import", file(RULES))
    stored = run("alerts", "preview", "Desk", "--json")
    assert (stored.code, stored.json["emails"], stored.json["largest"]) == (0, 0, [])
    other = run("alerts", "preview", "Weekly", "--file", file(RULES.replace("Desk", "Weekly"), "other.toml"))
    assert other.said[0] == (
        "In the last 30 days nothing was read, so what this rule would have sent is not known."
    )
    assert [r["name"] for r in run("alerts", "rules", "--json").json["rules"]] == ["Desk", "Night"]
    missing = run("alerts", "preview", "Gone")
    assert (missing.code, missing.err.strip()) == (
        1,
        "There is no rule 'Gone'; there are: Desk, Night.",
    )
    absent = run("alerts", "preview", "Gone", "--file", "other.toml")
    assert absent.err.strip() == "other.toml has no rule 'Gone'; it has: Weekly, Night."


def test_a_rule_moves_one_place_and_the_log_says_so(run: Blockline) -> None:
    run("alerts", "import", file(RULES))
    assert run("alerts", "move", "Night", "up").said == ["The rule Night is tried one place earlier."]
    assert [r["name"] for r in run("alerts", "rules", "--json").json["rules"]] == ["Night", "Desk"]
    again = run("alerts", "move", "Night", "up")
    assert again.said == ["The rule Night is already the first of those that are not in the settings."]
    assert acts(run)[-1] == ("command line", "rules ordered", "rules by hand")
    assert run("alerts", "move", "Gone", "down").code == 1
