"""`apply` and `setup` through the real entry on a real database."""

import re
from pathlib import Path
from typing import Any

import pytest

from jobs.base.clock import system_clock
from storage.accounts.name_checks import answer, take_waiting
from storage.model.core.accounts import Platform
from storage.model.core.orders import NameOutcome
from storage.model.tables.name_matching import ResolvedName, UnresolvedName
from storage.postgres.pool import Pool, transaction
from tests.house.source import ROOT
from tests.support.clients.command_line import Blockline, Ran
from tests.support.seeds.sent_alerts import on

DOCS = (ROOT / "docs/how-to/setup.md").read_text()
(EXAMPLE,) = re.findall(r"## A complete example\n\n```toml\n(.*?)```", DOCS, re.DOTALL)
ACCOUNT = '[[accounts]]\nplatform = "x"\nhandle = "{0}"\naccount_id = "{1}"\nlists = ["Desk"]\n'
ORDER = """[[orders]]
reference = "R1"
title = "Block"
issuer = "MeitY"
country = "IN"
legal_basis = "69A"
issued_at = 2021-02-04T00:00:00Z
"""
RULE = '[[rules]]\nname = "{0}"\nrecipients = ["desk@example.org"]\n'


def apply(run: Blockline, text: str, *options: str) -> Ran:
    Path("setup.toml").write_text(text)
    return run("apply", "setup.toml", *options)


def actions(run: Blockline) -> list[str]:
    log: list[dict[str, Any]] = run("alerts", "log", "--json").json["log"]
    return [act["action"] for act in reversed(log)]


def watched(run: Blockline) -> dict[str, list[str]]:
    accounts: list[dict[str, Any]] = run("accounts", "list", "--json").json["accounts"]
    return {one["account_id"]: one["lists"] for one in accounts}


def test_each_change_is_in_the_audit_log_and_so_is_the_file(run: Blockline) -> None:
    apply(run, EXAMPLE)
    assert actions(run) == [
        "order added",
        "order keywords changed",
        "order event added",
        "list made",
        "evidence of a list kept",
        "accounts imported",
        "names checked",
        "executive added",
        "names checked",
        "order edited",
        "order named",
        "rule added",
        "setup applied",
    ]
    apply(run, EXAMPLE)
    assert actions(run)[-1:] == ["setup applied"]
    assert len(actions(run)) == 13


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("x = 1", ": the key x is not allowed; use only [[lists]], [[accounts]], [[executives]]"),
        ("a = x", ", line 1: the file is not TOML: Invalid value."),
        ("accounts = [{a = 1}]", ": write accounts as tables, each under a line [[accounts]]."),
        ("[[accounts]]\nplatform = 'x'\n", ", line 1: handle and account_id are both missing."),
        ("[[accounts]]\nplatform = 'y'\n", ", line 2: unknown platform 'y'; known are bluesky, mastodon"),
        (
            "[[accounts]]\nplatform = 'x'\nhandle = 'a b'\n",
            ", line 3: 'a b' is not a handle, an id or an address of an account of X.",
        ),
        (
            "[[accounts]]\nplatform = 'x'\nhandle = 'a'\ntags = [\n  'b',\n  'c d',\n]\n",
            ", line 6: tag 'c d' holds a space or a semicolon, which separate tags.",
        ),
        (
            "[[accounts]]\nplatform = 'x'\nhandle = 'a'\nfollowers = 1\n",
            ", line 4: followers is not a key of this table; use platform, handle, account_id, lists, tags.",
        ),
        (ACCOUNT.format("a", "1") * 2, ", line 6: account 1 is already declared on line 1."),
        (
            "[[lists]]\nname = 'A'\nread_every = '5m'\n",
            ', line 1: list A: a guaranteed interval needs the adaptive planner. Set planner = "adaptive"',
        ),
        ("[[lists]]\nname = 'A;B'\n", ", line 1: 'A;B' cannot be the name of a list. Use 1 to 100"),
        ("[[lists]]\nname = 'A'\nevidence_days = '9'\n", ", line 3: evidence_days must be a number."),
        (
            "[[lists]]\nname = 'A'\nthresholds = 2\n",
            ', line 3: thresholds must be "none" or written as { strong_readings = 2, weak_readings = 4 }.',
        ),
        (
            "[[lists]]\nname = 'A'\nthresholds = { strong_readings = 2 }\n",
            ", line 3: thresholds must have two numbers, as in { strong_readings = 2, weak_readings = 4 }.",
        ),
        (
            "[[lists]]\nname = 'A'\nthresholds = { strong_readings = 4, weak_readings = 2 }\n",
            ", line 3: The readings needed must be from 1 to 6, and a mere absence must need",
        ),
        (
            ORDER + "named_count = -1\n",
            ", line 8: named_count is -1, but must be from 0 to 999,999,999.",
        ),
        (ORDER + "deadline_at = 2021-02-01T00:00:00Z\n", ", line 8: deadline_at is before issued_at."),
        (
            ORDER.replace("00:00:00Z", "00:00:00"),
            ", line 7: issued_at '2021-02-04T00:00:00' has no time zone; write it like",
        ),
        (
            ORDER + "[[orders.events]]\nkind = 'claim'\nat = 2021-02-05T00:00:00Z\n"
            "text = 'T'\nsource = 'S'\nclaimed = 1\n",
            ", line 8: claimed and claimed_what must both be given, or no key about a claim.",
        ),
        (RULE.format("A") + "wat = 1\n", ", line 4: rule 'A': wat is not a key of a rule; use name, "),
    ],
)
def test_a_fault_is_one_sentence_with_its_line_and_nothing_is_written(
    run: Blockline, text: str, complaint: str
) -> None:
    good = RULE.format("Good") if text.startswith("[[") and "rules" not in text else ""
    ran = apply(run, text + good)
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints[0].startswith(f"setup.toml{complaint}")
    assert actions(run) == []


def test_thresholds_of_a_list_are_shown_as_a_difference_written_and_removed(run: Blockline) -> None:
    own = "[[lists]]\nname = 'A'\nthresholds = { strong_readings = 1, weak_readings = 3 }\n"
    shown = apply(run, own, "--dry-run")
    assert (shown.code, shown.said[0]) == (2, "add list A: changes confirmed by 1 or 3 readings")
    assert actions(run) == []
    assert apply(run, own).said == ["add list A: changes confirmed by 1 or 3 readings", "1 change written."]
    assert apply(run, own, "--dry-run").code == 0
    assert "thresholds = { strong_readings = 1, weak_readings = 3 }" in run("setup").said
    stored = run("lists", "thresholds", "A", "--json").json
    assert (stored["strong_readings"], stored["weak_readings"]) == (1, 3)
    left_out = "[[lists]]\nname = 'A'\n"
    assert apply(run, left_out, "--dry-run", "--prune").code == 0
    gone = apply(run, left_out + "thresholds = 'none'\n")
    assert gone.said == ["change list A: changes confirmed by 2 or 4 readings (default)", "1 change written."]
    assert actions(run)[-2:] == ["thresholds of a list set", "setup applied"]


def test_one_fault_keeps_the_whole_file_out(run: Blockline) -> None:
    apply(run, ORDER + 'list = "One"\n' + ACCOUNT.format("a", "1"))
    before = actions(run)
    ran = apply(run, RULE.format("New") + ORDER + 'list = "Desk"\n')
    assert (ran.code, ran.out) == (1, "")
    assert ran.complaints[0] == "setup.toml, line 4: the list 'Desk' already exists."
    assert actions(run) == before


def test_prune_stops_disables_and_withdraws_what_is_not_in_the_file(run: Blockline) -> None:
    names = 'names = ["x:a", "x:b"]\nkeywords = ["farm"]\n'
    accounts = [ACCOUNT.format(handle, n) for n, handle in enumerate("abc", 1)]
    apply(run, "".join(accounts) + RULE.format("A") + ORDER + names)
    less = (
        '[[accounts]]\nplatform = "x"\naccount_id = "1"\nlists = ["Press"]\n'
        + RULE.format("B")
        + ORDER
        + 'names = ["x:a"]\nkeywords = []\n'
    )
    ran = apply(run, less, "--prune")
    assert ran.said == [
        "add list Press",
        "change account @a (1): on list Press, off list Desk",
        "remove account @b (2): no longer watched; its history is kept",
        "remove account @c (3): no longer watched; its history is kept",
        "add rule B",
        "remove rule A: disabled, and kept",
        "change order R1: 1 name withdrawn, 1 keyword removed",
        "7 changes written.",
    ]
    assert watched(run) == {"1": ["Press", "R1"]}
    assert apply(run, less, "--prune").said[-1] == "No changes."
    withdrawn = run("orders", "names", "R1", "--json").json["names"]
    assert [(one["said"], bool(one.get("withdrawn"))) for one in withdrawn][:1] == [("x:a", False)]


def test_prune_archives_lists_that_the_file_does_not_have(run: Blockline) -> None:
    apply(run, ACCOUNT.format("a", "1") + ORDER)
    ran = apply(run, "[[lists]]\nname = 'Press'\n", "--prune")
    assert ran.said[:2] == ["add list Press", "remove list Desk: archived, with its accounts"]
    assert watched(run) == {"1": ["Desk"]}
    assert [one["name"] for one in run("lists", "--archived", "--json").json["lists"]] == ["Desk"]
    again = apply(run, ACCOUNT.format("b", "2"))
    why = "The list 'Desk' is archived. Restore it before you put accounts on it."
    assert again.complaints == [f"setup.toml, line 1: account @b (2): {why}"]
    ran = apply(run, "[[lists]]\nname = 'Desk'\narchived = false\n" + ACCOUNT.format("b", "2"))
    assert ran.said[0] == "change list Desk: in use again"
    assert watched(run) == {"1": ["Desk"], "2": ["Desk"]}


def test_rules_are_tried_in_the_order_of_the_file(run: Blockline) -> None:
    apply(run, "".join(map(RULE.format, "ABC")))
    ran = apply(run, RULE.format("C") + RULE.format("A"))
    assert ran.said[0] == "change rule order: tried in the order of setup.toml"
    assert [rule["name"] for rule in run("alerts", "rules", "--json").json["rules"]] == ["C", "B", "A"]


def test_an_order_that_is_changed_says_what_it_was(run: Blockline) -> None:
    apply(run, ORDER)
    ran = apply(run, ORDER.replace("Block", "Blocking") + 'list = "Farmers"\nnamed_count = 3\n')
    assert ran.said[0] == (
        "change order R1: title is Blocking (it was Block), list_name is Farmers (it was R1), "
        "named_count is 3 (it was 0)"
    )
    assert run("orders", "list", "--json").json["orders"][0]["list"] == "Farmers"


def test_the_setup_is_written_to_a_new_file_that_changes_nothing(run: Blockline) -> None:
    apply(run, EXAMPLE)
    assert run("setup", "--output", "out.toml").said == ["The setup is written to out.toml."]
    assert Path("out.toml").read_text() == run("setup").out
    assert run("apply", "out.toml", "--prune").said[-1] == "No changes."
    assert run("setup", "--output", "out.toml").code == 1


def test_a_handle_without_an_id_waits_until_its_platform_gave_one(run: Blockline, dsn: str) -> None:
    known, absent = '[[accounts]]\nplatform = "x"\nhandle = "nasa"\n', 'handle = "nobody_there"\n'
    text = known + '[[accounts]]\nplatform = "x"\n' + absent
    assert apply(run, text).said == [
        "add account @nasa: X is asked for its id; apply the file again when it is found",
        "add account @nobody_there: X is asked for its id; apply the file again when it is found",
        "2 changes written.",
    ]
    assert watched(run) == {}

    async def answered(pool: Pool) -> None:
        async with transaction(pool) as conn:
            now = system_clock()
            names = await take_waiting(conn, Platform("x"), now, 9)
            gone = UnresolvedName(NameOutcome.UNRESOLVABLE, "X knows no account @nobody_there.")
            answers = {("nasa", False): ResolvedName("11348282", "NASA"), ("nobody_there", False): gone}
            await answer(conn, names, answers, now)

    on(dsn, answered)
    note = "Note: @nobody_there is not watched: X knows no account @nobody_there."
    assert apply(run, text).said == [
        "add account @NASA (11348282): watched from now on, on list Watch list",
        note,
        "1 change written.",
    ]
    assert watched(run) == {"11348282": ["Watch list"]}
    assert apply(run, text).said == ["unchanged 1 account", note, "No changes."]


def test_json_names_each_change(run: Blockline) -> None:
    ran = apply(run, RULE.format("A"), "--dry-run", "--json")
    assert (ran.code, ran.json) == (
        2,
        {
            "written": False,
            "changes": [{"do": "add", "kind": "rule", "name": "A", "what": "", "line": 1}],
            "unchanged": {},
            "notes": [],
        },
    )
