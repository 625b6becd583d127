"""What became of a change, and what it would be told as now, through the real entry on a real database."""

from collections.abc import Generator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from jobs.delivery.local_inbox import Inbox, SmtpServer
from storage.alerts.rules import remove_rule
from storage.model.core.people import Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.command_line import Blockline
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.chain_rows import add_change
from tests.support.seeds.people import a_person
from tests.support.seeds.sent_alerts import (
    DESK,
    entered_late,
    muted_and_open,
    on,
    rule_by_hand,
    taken_back,
    told,
)


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch, run: Blockline) -> Generator[Inbox]:
    """A real mail server, which the settings name."""
    inbox = Inbox()
    with SmtpServer(inbox) as server:
        for name, value in {
            "SMTP_HOST": "127.0.0.1",
            "SMTP_PORT": str(server.port),
            "SMTP_SECURITY": "none",
            "MAIL_FROM": "Blockline <alerts@example.org>",
        }.items():
            monkeypatch.setenv(f"BLOCKLINE_{name}", value)
        yield inbox


def test_what_an_order_that_was_entered_later_let_tell_says_so(run: Blockline, dsn: str) -> None:
    on(dsn, entered_late)
    late = (
        "Reported under order MeitY 2021-01-31 only then, because the order, which names the account, was "
        "entered on "
        "1 Feb 2021, 02:01 UTC, after the change was seen"
    )
    assert f"    {late}." in run("alerts", "explain", 3).said
    (alert,) = run("alerts", "explain", 3, "--json").json["alerts"]
    assert [rule["late"] for rule in alert["rules"]] == [late]
    assert "only then" not in run("alerts", "explain", 1).out


def test_a_mail_that_was_sent_says_when_and_one_that_was_given_up_says_why(run: Blockline, dsn: str) -> None:
    async def settled(pool: Pool) -> None:
        await told(pool)
        await pool.execute(
            "update mail set state = 'sent', sent_at = $1, last_error = null where mail_id = 1", minutes(5)
        )
        await pool.execute("update mail set state = 'dead', last_error = 'no such user.' where mail_id = 2")

    on(dsn, settled)
    said = [line.strip() for line in run("alerts", "explain", 1).said]
    assert "Email 1 to desk@example.org: sent on 1 Feb 2021, 00:05 UTC." in said
    assert "Email 2 to night@example.org: failed permanently (no such user)." in said


def test_a_rule_that_is_gone_keeps_what_it_did_and_a_new_one_did_nothing(run: Blockline, dsn: str) -> None:
    async def changed(pool: Pool) -> None:
        await muted_and_open(pool)
        async with transaction(pool) as conn:
            await remove_rule(conn, "Desk", "test", T0)
            await rule_by_hand(conn, DESK)

    on(dsn, changed)
    muted = "  Rule Desk: not sent: a mute covers it; decided on 1 Feb 2021, 00:03 UTC."
    assert run("alerts", "explain", 1).said[1:] == [
        "Confirmed on 1 Feb 2021, 00:01 UTC: @account_0001 withheld in India (IN).",
        "  Rule Desk: matches as it is now, but decided nothing before the alert was closed on 1 Feb 2021, "
        "00:03 UTC.",
        muted,
        "    Muted by Asha (court hearing).",
    ]


def test_a_change_that_no_notifier_has_looked_at_is_said_to_be_undecided(run: Blockline, dsn: str) -> None:
    on(dsn, muted_and_open)
    assert run("alerts", "explain", 2).said[1:] == [
        "Confirmed on 1 Feb 2021, 00:11 UTC: @account_0002 withheld in India (IN).",
        "  Rule Desk: matches; nothing is decided yet.",
    ]


def test_each_stage_of_a_change_is_explained(run: Blockline, dsn: str) -> None:
    on(dsn, taken_back)
    said = [line for line in run("alerts", "explain", 1).said if not line.startswith("    ")]
    assert said[1:] == [
        "Provisional on 1 Feb 2021, 00:01 UTC: @ravi seen as withheld in India (IN), not confirmed yet.",
        "  Rule Desk: does not match (the rule asks for confirmed changes, and this was provisional).",
        "  Rule Eager: put into an email of its own on 1 Feb 2021, 00:03 UTC.",
        "Withdrawn on 1 Feb 2021, 00:20 UTC: @ravi seen as withheld in India (IN), not confirmed after all.",
        "  Rule Desk: does not match (it takes back a change that this rule did not send).",
        "  Rule Eager: put into an email of its own on 1 Feb 2021, 00:30 UTC.",
    ]


@pytest.mark.parametrize(
    ("kind", "source", "outcome", "sentence"),
    [
        pytest.param(
            "baseline",
            "x",
            "confirmed",
            "It is the first state that was seen of its account, or of its account in a country, not a "
            "change. First states are never sent.",
            id="a first state",
        ),
        pytest.param(
            "block",
            "import:crawl",
            "confirmed",
            "It comes from a record that others published. Such changes are never sent.",
            id="an imported record",
        ),
        pytest.param(
            "block",
            "x",
            None,
            "It is not confirmed yet, and no rule asked for provisional changes when it was seen.",
            id="not confirmed yet",
        ),
        pytest.param(
            "block",
            "x",
            "not_confirmed",
            "It was not confirmed, and no rule asked for provisional changes.",
            id="not confirmed",
        ),
    ],
)
def test_a_change_of_which_nobody_is_to_be_told_says_why(
    run: Blockline, dsn: str, kind: str, source: str, outcome: str | None, sentence: str
) -> None:
    async def recorded(pool: Pool) -> None:
        await pool.execute(
            "insert into account (platform, native_id, handle, added_at) values ('x', '1', 'a', $1)", T0
        )
        async with transaction(pool) as conn:
            change_id = await add_change(conn, 1, "feed", T0, source=source, kind=kind)
            if outcome is not None:
                await conn.execute(
                    """
                    insert into change_outcome
                        (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
                    values ($1, $2, 'enough_strong', $3, 1, $3)
                    """,
                    change_id,
                    outcome,
                    T0,
                )

    on(dsn, recorded)
    assert run("alerts", "explain", 1).said[1:] == [sentence]
    assert run("alerts", "explain", 1, "--json").json["no_alert"] == sentence
    ran = run("alerts", "test", "--change", 1)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err == f"Change 1 has no alert. {sentence}\n"


def test_a_wave_of_the_past_is_rendered_to_files_that_say_they_are_a_test(run: Blockline, dsn: str) -> None:
    on(dsn, told)
    ran = run("alerts", "test", "--last", "--rule", "Desk", "--output", "trial")
    assert (ran.code, ran.err) == (0, "")
    names = ["1-desk.eml", "1-desk.html", "1-desk.json", "1-desk.png", "1-desk.txt"]
    assert ran.said == [f"trial contains 1 email in 5 files: {', '.join(names)}."]
    assert sorted(path.name for path in Path("trial").iterdir()) == names
    mail = message_from_bytes(Path("trial/1-desk.eml").read_bytes(), policy=default)
    subject = (
        "Test: Update: 55 of 257 accounts withheld in India (IN), 30 in this mail - order MeitY 2021-01-31"
    )
    assert (mail["Subject"], mail["In-Reply-To"]) == (subject, None)
    assert Path("trial/1-desk.txt").read_text().startswith("TEST\nThis is a test, made by hand on ")
    html = Path("trial/1-desk.html").read_text()
    assert "TEST. This is a test" in html
    assert 'src="1-desk.png"' in html
    assert Path("trial/1-desk.png").read_bytes()[:4] == b"\x89PNG"
    assert '"kind":"test"' in Path("trial/1-desk.json").read_text()
    again = run("alerts", "test", "--last", "--output", "trial")
    assert again.err == "The folder trial is not empty; name a folder that is empty or does not exist yet.\n"


def test_the_text_is_printed_when_nothing_else_is_asked_for(run: Blockline, dsn: str) -> None:
    on(dsn, told)
    said = run("alerts", "test", "--change", 1, "--rule", "Copy").said
    assert said[:2] == [
        "To: night@example.org",
        "Subject: Test: @account_0000 withheld in India (IN) - order MeitY 2021-01-31",
    ]
    assert "Sent by the rule Copy." in said


def test_a_trial_is_sent_through_the_server_of_the_settings_and_only_the_audit_log_keeps_it(
    run: Blockline, dsn: str, inbox: Inbox
) -> None:
    on(dsn, told)
    story = on(dsn, lambda pool: pool.fetchval("select story_key from story"))

    async def counted(pool: Pool) -> tuple[int, ...]:
        tables = "mail", "alert", "alert_decision", "story_wave", "mail_alert"
        return tuple([await pool.fetchval(f"select count(*) from {table}") for table in tables])  # noqa: S608

    before = on(dsn, counted)
    ran = run("alerts", "test", "--story", story[:8], "--rule", "Desk", "--to", "asha@example.org", "--send")
    assert (ran.code, ran.err) == (0, "")
    (mail,) = inbox.mails()
    assert (mail.recipients, mail.copies) == (("asha@example.org",), 1)
    assert ran.said == [f"Sent to asha@example.org: {mail.subject}"]
    assert mail.subject.startswith("Test: Update: 55 of 257 accounts")
    assert mail.text.startswith("TEST")
    assert "TEST. This is a test" in mail.html
    assert "/mail-link/" not in mail.text + mail.html
    ids = on(dsn, lambda pool: pool.fetch("select message_id from mail"))
    assert mail.message_id not in {r["message_id"] for r in ids}
    assert on(dsn, counted) == before
    (act,) = run("alerts", "log", "--json", "--limit", 1).json["log"]
    assert (act["actor"], act["action"], act["subject"]) == ("command line", "test sent", "rule Desk")
    assert (act["detail"]["to"], act["detail"]["changes"]) == ("asha@example.org", 30)


def test_a_server_that_does_not_answer_leaves_nothing_on_record(
    run: Blockline, dsn: str, inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    on(dsn, told)
    monkeypatch.setenv("BLOCKLINE_SMTP_PORT", "9")
    ran = run("alerts", "test", "--last", "--to", "asha@example.org", "--send")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("The test was not sent. Cannot hand mails to the server at 127.0.0.1:9: ")
    assert "test sent" not in {act["action"] for act in run("alerts", "log", "--json").json["log"]}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        pytest.param(["--change", "99"], "There is no change with the number or the key 99.", id="no change"),
        pytest.param(
            ["--story", "zz"],
            "There is no incident zz; `blockline incidents list` lists them.",
            id="no story",
        ),
        pytest.param(
            ["--story", ""],
            "There is no incident (no name); `blockline incidents list` lists them.",
            id="nothing",
        ),
        pytest.param(
            ["--last", "--rule", "Nix"],
            "There is no rule 'Nix'; there are: Desk, Turkey, Boss, Copy.",
            id="no rule",
        ),
        pytest.param(
            ["--change", "1", "--rule", "Turkey"],
            "No one would be notified. The reasons:\n"
            "Rule Turkey does not match (country: the rule asks for TR, and this is IN).",
            id="a rule that does not match",
        ),
        pytest.param(
            ["--last", "--to", "a b"],
            "--to: 'a b' is neither an email address such as desk@example.org nor a channel such as "
            "apprise:newsroom, webhook:desk or pagerduty:duty.",
            id="no address",
        ),
        pytest.param(
            ["--last", "--to", "webhook:desk", "--send"],
            "--to: the channel webhook:desk is in none of the settings channels, webhooks and pagerduty.",
            id="no channel",
        ),
        pytest.param(
            ["--last", "--to", "asha@example.org", "--send"],
            "--send: setting smtp_host is missing, so no email can be sent.",
            id="no server",
        ),
    ],
)
def test_what_cannot_be_tried_is_refused_in_one_sentence(
    run: Blockline, dsn: str, arguments: list[str], complaint: str
) -> None:
    on(dsn, told)
    ran = run("alerts", "test", *arguments, "--output", "trial")
    assert (ran.code, ran.out, ran.err) == (1, "", complaint + "\n")
    assert not Path("trial").exists()


@pytest.mark.parametrize(
    "arguments", [[], ["--last", "--change", "1"], ["--last", "--send"]], ids=["nothing", "both", "nobody"]
)
def test_what_is_not_asked_clearly_is_a_matter_of_usage(run: Blockline, arguments: list[str]) -> None:
    assert run("alerts", "test", *arguments).code == 2


def an_incident_and_people(dsn: str) -> None:
    async def add(pool: Pool) -> None:
        await told(pool)
        await a_person(pool, "anna", Role.ANALYST, T0)
        await a_person(pool, "vera", Role.VIEWER, T0)

    on(dsn, add)


def test_an_incident_is_assigned_noted_closed_and_reopened(run: Blockline, dsn: str) -> None:
    an_incident_and_people(dsn)
    (first, *_) = run("incidents", "list", "--unassigned", "--json").json["incidents"]
    key = first["incident"]
    assert run("incidents", "assign", key[:8], "anna").said == [f"{key[:12]}: anna has it."]
    assert run("incidents", "due", key[:8], "6h").said[0].startswith(f"{key[:12]} is due on ")
    assert run("incidents", "due", key[:8], "none").said == [f"{key[:12]} has no due time."]
    assert run("incidents", "due", key[:8], "2001-01-01").err.strip().endswith("UTC is in the past.")
    wrong = "TIME: 'soon' is not a time; write it like 2021-02-01T06:30:00Z."
    assert run("incidents", "due", key[:8], "soon").err.strip() == wrong
    assert run("incidents", "note", key[:8], "call the court").code == 0
    (mine,) = run("incidents", "list", "--assigned-to", "anna", "--json").json["incidents"]
    assert (mine["incident"], mine["note"]) == (key, "call the court")
    assert run("incidents", "close", key[:8], "a test").said == [f"{key[:12]} is closed."]
    assert run("incidents", "list", "--assigned-to", "anna", "--json").json["incidents"] == []
    (closed,) = run("incidents", "list", "--closed", "--json").json["incidents"]
    assert (closed["incident"], closed["state"]) == (key, "closed")
    assert run("incidents", "assign", key[:8]).err.strip().endswith("Reopen it first.")
    assert run("incidents", "reopen", key[:8]).said == [f"{key[:12]} is open."]
    assert run("incidents", "assign", key[:8]).said == [f"{key[:12]}: nobody has it."]
    log = run("alerts", "log", "--json").json["log"]
    assert [act["action"] for act in log if act["subject"] == f"story {key[:12]}"] == [
        "incident unassigned",
        "incident reopened",
        "incident closed",
        "incident note added",
        "incident due time set",
        "incident due time set",
        "incident assigned",
    ]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("assign", "vera"), "vera is a viewer. Incidents are assigned to analysts and admins."),
        (("assign", "nobody"), "There is no user called 'nobody'."),
        (("close", " "), "The reason is empty."),
        (("reopen",), "The incident is not closed."),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_sentence(
    run: Blockline, dsn: str, arguments: tuple[str, ...], sentence: str
) -> None:
    an_incident_and_people(dsn)
    (first, *_) = run("incidents", "list", "--json").json["incidents"]
    command, *rest = arguments
    refused = run("incidents", command, first["incident"], *rest)
    assert (refused.code, sentence in refused.err) == (1, True), refused.err


def test_a_command_says_what_each_rule_would_do_with_an_incident(run: Blockline, dsn: str) -> None:
    an_incident_and_people(dsn)
    (first, *_) = run("incidents", "list", "--json").json["incidents"]
    key = first["incident"]
    found = run("incidents", "rules", key[:8], "--json").json
    ran = run("incidents", "rules", key[:8])
    assert ran.said[0].startswith(f"Group {found['group']} of the incident")
    assert [line for line in ran.said if line.startswith("Rule ")] == [
        f"Rule {one['rule']} would notify {', '.join(one['recipients']) if one['matches'] else 'nobody'}."
        for one in found["rules"]
    ]
