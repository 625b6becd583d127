"""The doctor tries every part, says of each what to do, and fails when something must be mended."""

from collections.abc import Generator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.core.findings import Finding, FindingLevel
from collectors.x.declaration import X
from jobs.base.clock import system_clock
from jobs.collect.collector_factory import connection_of, reach_of
from jobs.config.settings import load_settings, settings_from
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.doctor import doctor
from jobs.doctor.alert_rules import rule_findings
from jobs.doctor.database_checks import chosen_finding, future_finding, watch_findings
from jobs.doctor.mail_templates import template_findings
from storage.accounts.canaries import Canary, Origin
from storage.alerts.rules import save_rule
from storage.executives.signals import add_executive
from storage.health.status import DatabaseServer
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import Status
from storage.postgres.audit_log import log
from storage.postgres.pool import Pool, transaction
from storage.postgres.schema import newest
from tests.support.clients.command_line import Blockline, Ran, blockline, forget_settings
from tests.support.processes.embedded_users import public_folder
from tests.support.samples.readings import T0
from tests.support.servers.ports import closed_port, free_port
from tests.support.simulated.several_platforms import (
    ALICE,
    CHANNEL,
    HEALTHY,
    HISTORY,
    TAKEN_DOWN,
    VIDEO,
    leading_to,
    simulated,
)

CANARIES = "1001:alpha:withheld,1002:Beta:available,1003:gamma:suspended"
OBSERVED = "mastodon.example"
TR = "did:plc:cquoj7aozvmkud2gifeinkda"


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def mail_port(inbox: Inbox) -> Generator[int]:
    with SmtpServer(inbox) as server:
        yield server.port


@pytest.fixture
def run(
    platforms: Mapping[str, str],
    dsn: str,
    mail_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Blockline:
    """An installation with nothing wrong; a test spoils what it is about."""
    forget_settings(monkeypatch, tmp_path)
    for name, value in leading_to(platforms).items():
        monkeypatch.setenv(name, value)
    for name, value in {
        "DATABASE_URL": dsn,
        "X_CANARIES": CANARIES,
        "BLUESKY_CANARIES": f"{HEALTHY}:healthy.test:available,{TAKEN_DOWN}:takendown.test:suspended",
        "MASTODON_CANARIES": f"{ALICE}:alice@mastodon.example:available",
        "YOUTUBE_CANARIES": f"{CHANNEL}:someone:available,{VIDEO}:aBcDeFgHiJ1:withheld",
        "MASTODON_OBSERVERS": OBSERVED,
        "SMTP_HOST": "127.0.0.1",
        "SMTP_PORT": str(mail_port),
        "SMTP_SECURITY": "none",
        "RECIPIENTS": "desk@example.org",
        "AUTH": "none",
        "PORT": str(free_port()),
    }.items():
        monkeypatch.setenv(f"BLOCKLINE_{name}", value)
    return blockline(capsys)


def verdicts(ran: Ran) -> dict[str, str]:
    return {finding["part"]: finding["verdict"] for finding in ran.json["checks"]}


def said(ran: Ran, part: str) -> str:
    return next(finding["said"] for finding in ran.json["checks"] if finding["part"] == part)


PARTS = [
    "database",
    "schema",
    "clock",
    "readings",
    "chain",
    "audit log",
    "alert rules",
    "data folder",
    "secrets",
    "Bluesky",
    "Bluesky labelers",
    "Bluesky control accounts",
    "Bluesky events",
    "Mastodon control accounts",
    f"observer {OBSERVED}",
    "X",
    "X control accounts",
    "YouTube",
    "YouTube control accounts",
    "mail",
    "dashboard",
]
UNSEEN = {
    "readings": "no_data",
    "chain": "no_data",
    "audit log": "no_data",
    "data folder": "not_set_up",
}
"""Before anything was read, and with a database of its own, nothing shows that these are well."""


def test_the_text_has_a_line_a_part(run: Blockline) -> None:
    ran = run("doctor")
    assert ran.code == 0
    words = {"no_data": "no data", "not_set_up": "not set up"}
    assert [line[:10].strip() for line in ran.said] == [words.get(UNSEEN.get(p, ""), "ok") for p in PARTS]
    assert [line[11:36].strip() for line in ran.said] == PARTS


def test_secrets_that_others_can_read_are_reported_as_advice(run: Blockline) -> None:
    settings = Path("blockline.toml")
    settings.write_text(f"backup_key = '{'k' * 32}'", encoding="utf-8")
    settings.chmod(0o600)
    assert said(run("doctor", "--json"), "secrets") == (
        "Other users cannot read the files that contain secrets."
    )
    settings.chmod(0o644)
    ran = run("doctor", "--json")
    assert (ran.code, verdicts(ran)["secrets"]) == (0, "advice")
    assert said(ran, "secrets") == (
        "Every user of this machine can read blockline.toml, which contains backup_key. Let only Blockline's "
        "user read it, for example with: chmod 600 blockline.toml"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "value", "part", "sentence"),
    [
        ("X_CANARIES", "1002:Beta:suspended", "X control accounts", "@Beta is available, not suspended"),
        (
            "BLUESKY_CANARIES",
            f"{TAKEN_DOWN}:takendown.test:available",
            "Bluesky control accounts",
            "@takendown.test is taken down, not available: replace them in setting bluesky_canaries",
        ),
        (
            "YOUTUBE_CANARIES",
            f"{CHANNEL}:someone:available,{VIDEO}:aBcDeFgHiJ1:available",
            "YouTube control accounts",
            "@aBcDeFgHiJ1 is withheld in India (IN), not available: replace them in setting youtube_canaries",
        ),
        (
            "MASTODON_CANARIES",
            f"{ALICE}:alice@mastodon.example:suspended",
            "Mastodon control accounts",
            "@alice@mastodon.example is available, not suspended",
        ),
        (
            "BLUESKY_APP_VIEW",
            "http://127.0.0.1:{nobody}",
            "Bluesky",
            "check the network, the firewall and setting bluesky_app_view",
        ),
        (
            "MASTODON_OBSERVERS",
            "nowhere.invalid",
            "observer nowhere.invalid",
            "remove it from setting mastodon_observers",
        ),
        ("SMTP_HOST", "", "mail", "setting smtp_host is missing"),
        ("SMTP_SECURITY", "starttls", "mail", "STARTTLS"),
        ("SMTP_PORT", "{nobody}", "mail", "Cannot hand mails to the server at 127.0.0.1:"),
        ("MAIL_FROM", "nobody", "mail", "'nobody' is not a valid sender address"),
        ("MAIL_TEMPLATES", "nowhere", "mail templates", "the folder nowhere does not exist"),
        ("AUTH", "", "dashboard", "Setting auth is missing"),
        ("HOST", "0.0.0.0", "dashboard", "other machines can reach"),
    ],
)
def test_what_must_be_mended_is_named_with_its_setting(
    run: Blockline, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, part: str, sentence: str
) -> None:
    monkeypatch.setenv(f"BLOCKLINE_{setting}", value.replace("{nobody}", str(closed_port())))
    ran = run("doctor", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert [name for name, verdict in verdicts(ran).items() if verdict == "mend"] == [part]
    assert sentence in said(ran, part)
    assert ran.err == f"To fix: {part}.\n"


def test_a_test_email_is_sent_where_it_is_asked_for(run: Blockline, inbox: Inbox) -> None:
    ran = run("doctor", "--email", "me@example.org")
    assert (ran.code, ran.err) == (0, "")
    assert "accepted a test email to me@example.org." in ran.out
    (mail,) = inbox.mails()
    assert mail.subject == "Test: Blockline can send email"
    refused = run("doctor", "--email", "webhook:desk")
    assert (refused.code, refused.out) == (1, "")
    assert "'webhook:desk' is not an email address such as desk@example.org." in refused.err


def test_what_could_be_better_is_advice_and_does_not_fail(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_X_BEARER_TOKEN", "")
    monkeypatch.setenv("BLOCKLINE_RECIPIENTS", "")
    monkeypatch.setenv("BLOCKLINE_BLUESKY_LABELERS", f"TR={TR},AU=did:web:gone.test")
    monkeypatch.setenv("BLOCKLINE_BLUESKY_JETSTREAM", f"ws://127.0.0.1:{closed_port()}")
    monkeypatch.setenv("BLOCKLINE_AUTH", "password")
    monkeypatch.setenv("BLOCKLINE_DASHBOARD_URL", "http://watch.example.org")
    ran = run("doctor", "--json")
    assert ran.code == 0
    advice = {name for name, verdict in verdicts(ran).items() if verdict == "advice"}
    assert advice == {"X", "Bluesky labelers", "Bluesky events", "alert rules", "dashboard"}
    assert said(ran, "X") == "X is not read, because setting x_bearer_token is missing."
    assert said(ran, "Bluesky labelers").startswith("Labels received for: TR. No labels for AU: ")
    assert "until then changes are found only by reading" in said(ran, "Bluesky events")
    assert said(ran, "dashboard").startswith("Passwords go to http://watch.example.org unencrypted. ")


def test_a_replica_that_is_away_is_advice_since_the_primary_answers(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_DATABASE_READ_URL", f"postgresql://u:geheim@127.0.0.1:{closed_port()}/x")
    ran = run("doctor", "--json")
    assert ran.code == 0
    assert verdicts(ran)["replica"] == "advice"
    assert said(ran, "replica") == (
        f"Cannot reach the database at 127.0.0.1:{closed_port()} (setting database_read_url): no server "
        "listens there. The primary is read instead."
    )


def test_a_platform_that_was_named_must_have_what_it_needs(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_X_BEARER_TOKEN", "")
    monkeypatch.setenv("BLOCKLINE_PLATFORMS", "x")
    ran = run("doctor", "--json")
    assert ran.err == "To fix: X.\n"
    assert said(ran, "X").startswith("Setting x_bearer_token is missing: ")
    assert not any("Bluesky" in part or "Mastodon" in part for part in verdicts(ran))


@pytest.mark.slow
def test_each_vantage_is_tried_and_its_password_is_not_shown(
    run: Blockline, platforms: Mapping[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    away = f"http://me:hush-hush@127.0.0.1:{closed_port()}"
    monkeypatch.setenv("BLOCKLINE_VANTAGES", f"tr={platforms['bluesky']},de={away}")
    ran = run("doctor", "--json")
    assert ran.err == "To fix: vantage de.\n"
    assert said(ran, "vantage tr") == "Bluesky answered through the proxy."
    assert "the proxy does not answer as one" in said(ran, "vantage de")
    assert "hush-hush" not in ran.out + ran.err


def test_an_empty_database_of_somebody_else_needs_a_command(
    run: Blockline, empty_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", empty_dsn)
    ran = run("doctor", "--json")
    assert (ran.code, verdicts(ran)["database"], verdicts(ran)["schema"]) == (1, "ok", "mend")
    assert "blockline migrate" in said(ran, "schema")


def test_without_a_database_the_other_parts_are_tried_all_the_same(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", f"postgresql://u:geheim@127.0.0.1:{closed_port()}/x")
    ran = run("doctor", "--json")
    unknown = {"schema", "clock", "readings", "chain", "audit log", "alert rules"}
    assert verdicts(ran) == {
        part: "mend" if part == "database" else UNSEEN.get(part, "ok")
        for part in PARTS
        if part not in unknown
    }
    assert "geheim" not in ran.out + ran.err


def test_a_new_installation_has_nothing_to_fix(run: Blockline, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLOCKLINE_DATABASE_URL")
    with public_folder() as folder:
        monkeypatch.setenv("BLOCKLINE_DATA_DIR", str(folder / "data"))
        ran = run("doctor", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert said(ran, "schema") == f"The schema is migrated to {newest()} at the next start."
    assert "mend" not in verdicts(ran).values()


@pytest.fixture
def platforms(tmp_path_factory: pytest.TempPathFactory) -> Generator[Mapping[str, str]]:
    history = tmp_path_factory.mktemp("platforms") / "history.csv"
    history.write_text(HISTORY)
    with simulated(history) as addresses:
        yield addresses


def canary(handle: str, expected: Status, doubted_since: datetime | None = None) -> Canary:
    account = Account(AccountId(1), X, "1", handle)
    return Canary(
        account, expected, "", Origin.CHOSEN, T0, int(doubted_since is not None), doubted_since, None
    )


@pytest.mark.parametrize(
    ("chosen", "verdict", "words"),
    [
        ([], "no_data", "None yet. Blockline chooses stable accounts at the first reading."),
        (
            [canary("a", Status.AVAILABLE), canary("b", Status.AVAILABLE), canary("c", Status.SUSPENDED)],
            "ok",
            "Chosen by Blockline: 2 stable, 1 suspended.",
        ),
        (
            [canary("a", Status.AVAILABLE, T0)],
            "advice",
            "Chosen by Blockline: 1 stable, 0 suspended. Accounts with an unexpected status: @a since "
            "2021-02-01 00:00 UTC. Blockline replaces an account that keeps such a status.",
        ),
    ],
    ids=["none", "some", "one that is doubted"],
)
def test_chosen_control_accounts_are_counted(chosen: list[Canary], verdict: str, words: str) -> None:
    found = chosen_finding(X, chosen)
    assert (found.verdict.value, found.said) == (verdict, words)


@pytest.mark.parametrize(
    ("asked", "answered", "verdict", "words"),
    [
        pytest.param(None, None, "no_data", "No reading is stored yet.", id="none"),
        pytest.param(
            T0,
            None,
            "no_data",
            "No request gave a reading yet. The newest is of 2021-02-01 00:00:00 UTC.",
            id="a missed attempt is no reading",
        ),
        pytest.param(
            T0,
            T0 - timedelta(hours=5),
            "ok",
            "The newest reading is of 2021-01-31 19:00:00 UTC, 5 h ago.",
            id="the newest reading, with its age",
        ),
        pytest.param(T0 + timedelta(hours=1), None, "mend", "is in the future", id="the future"),
    ],
)
def test_only_an_answer_shows_that_readings_are_well(
    asked: datetime | None, answered: datetime | None, verdict: str, words: str
) -> None:
    found = future_finding(asked, answered, T0)
    assert found.verdict.value == verdict
    assert words in found.said


async def test_a_stream_that_is_switched_off_is_nothing_to_mend() -> None:
    settings = settings_from({"bluesky_jetstream": ""})
    (found,) = await connection_of(BLUESKY).further_findings(settings, reach_of(settings), system_clock())
    assert found.verdict is FindingLevel.NOT_SET_UP


async def test_what_reading_follows_costs_is_said_before_it_is_paid(
    pool: Pool, dsn: str, platforms: Mapping[str, str], now: datetime
) -> None:
    async with transaction(pool) as conn:
        await add_executive(conn, X, "1002", "Beta", "Bea Ta", "CEO", now)
    settings = load_settings(None, leading_to(platforms) | {"BLOCKLINE_X_FOLLOWS_EVERY": "1d"})
    found = {finding.part: finding for finding in await watch_findings(settings, dsn, system_clock)}
    assert found["X follows"].said.startswith("Reading whom 1 executive follows costs about $")


@pytest.mark.parametrize(("major", "verdict"), [(16, "mend"), (17, "ok"), (18, "ok")])
def test_postgres_must_be_17_or_newer(major: int, verdict: str) -> None:
    server = DatabaseServer(f"{major}.1", major, system_clock())
    assert doctor._version(server, "postgresql://u:secret@db:5433/x").verdict == verdict


NOBODY = (
    "No one receives alerts, because no enabled rule names a recipient. Set recipients, or write "
    "rules (docs/how-to/alerts.md)."
)
RECIPIENTS = {"BLOCKLINE_RECIPIENTS": "desk@example.org"}
SERVER = {"BLOCKLINE_SMTP_HOST": "mail.example.org"}
NEWSROOM = {"BLOCKLINE_CHANNELS": "newsroom=json://localhost/x"}


@pytest.mark.parametrize(
    ("by_hand", "enabled", "environment", "said"),
    [
        pytest.param([], True, {}, [("alert rules", "advice", NOBODY)], id="no rule"),
        pytest.param(
            [AlertRule(("night@example.org",), name="Night")],
            False,
            SERVER,
            [("alert rules", "advice", NOBODY)],
            id="a rule that is off",
        ),
        pytest.param([AlertRule((), name="A")], True, {}, [("alert rules", "advice", NOBODY)], id="nobody"),
        pytest.param(
            [AlertRule(("night@example.org", "desk@example.org"), name="Night")],
            True,
            RECIPIENTS | SERVER,
            [("alert rules", "ok", "2 rules notify 2 recipients.")],
            id="rules of both origins",
        ),
        pytest.param(
            [AlertRule(("night@example.org",), name="Night")],
            True,
            {},
            [
                ("alert rules", "ok", "1 rule notifies 1 recipient."),
                (
                    "mail",
                    "mend",
                    "Rule 'Night' sends email, but setting smtp_host is missing, so its emails wait.",
                ),
            ],
            id="no server for its mails",
        ),
        pytest.param(
            [AlertRule(("apprise:newsroom",), name="Chat")],
            True,
            NEWSROOM,
            [("alert rules", "ok", "1 rule notifies 1 recipient.")],
            id="a channel that there is",
        ),
        pytest.param(
            [AlertRule(("apprise:newsrom",), name="Chat")],
            True,
            NEWSROOM,
            [
                ("alert rules", "ok", "1 rule notifies 1 recipient."),
                (
                    "channels",
                    "mend",
                    "Rule 'Chat' names apprise:newsrom, which is in none of the settings channels, "
                    "webhooks and pagerduty.",
                ),
            ],
            id="a channel that there is not",
        ),
        pytest.param(
            [
                AlertRule(
                    ("night@example.org",),
                    name="Night",
                    match=Match(lists=frozenset({"Pres"}), orders=frozenset({"SYN/9"})),
                )
            ],
            True,
            SERVER,
            [
                ("alert rules", "ok", "1 rule notifies 1 recipient."),
                (
                    "alert rules",
                    "advice",
                    "Rule 'Night': there is no list 'Pres', so nothing matches it.",
                ),
                (
                    "alert rules",
                    "advice",
                    "Rule 'Night': there is no order 'SYN/9', so nothing matches it.",
                ),
            ],
            id="names that are not on file",
        ),
    ],
)
async def test_rules_of_the_database_and_of_the_settings_are_looked_at_together(
    pool: Pool,
    dsn: str,
    by_hand: list[AlertRule],
    enabled: bool,
    environment: dict[str, str],
    said: list[tuple[str, str, str]],
) -> None:
    async with transaction(pool) as conn:
        for rule in by_hand:
            await save_rule(conn, rule, "test", T0, enabled=enabled)
    found = await rule_findings(load_settings(environ=environment), dsn)
    assert [(f.part, f.verdict.value, f.said) for f in found] == said


async def test_who_was_never_told_though_others_were_is_named(pool: Pool, dsn: str) -> None:
    people = tuple(f"{name}@example.org" for name in "abcdefgh")
    settings = load_settings(environ={"BLOCKLINE_RECIPIENTS": ",".join(people), **SERVER})

    async def never() -> list[str]:
        return [f.said for f in await rule_findings(settings, dsn) if f.part == "recipients"]

    assert await never() == []
    async with transaction(pool) as conn:
        await conn.execute(
            """
            insert into mail (
                message_id, recipients, subject, text_body, html_body, created_at, state, sent_at
            ) values ('<1@x>', array['a@example.org'], '', '', '', $1, 'sent', $1)
            """,
            T0,
        )
        await log(conn, T0, "test", "test sent", "Test", {"to": "b@example.org"})
    assert await never() == [
        "No alert was ever sent to c@example.org, d@example.org, e@example.org, f@example.org, "
        "g@example.org and 1 more. Send a test with: blockline alerts test --last --to c@example.org --send"
    ]


def templates(folder: Path, **texts: str | bytes) -> list[Finding]:
    for name, text in texts.items():
        path = folder / name.replace("_", ".")
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return template_findings(load_settings(environ={"BLOCKLINE_MAIL_TEMPLATES": str(folder)}))


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        pytest.param(
            "mail_html",
            "\n{% if %}",
            "mail.html, line 2: Expected an expression, got 'end of statement block'.",
            id="not a template",
        ),
        pytest.param(
            "mail_txt", "a\nb\n{{ nope }}", "mail.txt, line 3: 'nope' is undefined.", id="a name we lack"
        ),
        pytest.param(
            "nudge_html",
            '{% extends "frame.html" %}\n{% block content %}{{ 1 + "a" }}{% endblock %}',
            "nudge.html, line 2: unsupported operand type(s) for +: 'int' and 'str'.",
            id="a sum that is none",
        ),
        pytest.param(
            "frame_html", "{{ nope }}", "frame.html, line 1: 'nope' is undefined.", id="the frame of all"
        ),
        pytest.param(
            "operator_txt", b"a\n\xff", "operator.txt, line 2: the file is not UTF-8 text.", id="not text"
        ),
        pytest.param(
            "mail_txt",
            "{% for s in sections %}{% if s.unlisted %}\n{{ s.nope }}{% endif %}{% endfor %}",
            "mail.txt, line 2: 'jobs.messages.wave_content.Section object' has no attribute 'nope'.",
            id="what only a large mail reaches",
        ),
        pytest.param(
            "mail_txt",
            "{% if not dashboard_url %}\n{{ nope }}{% endif %}",
            "mail.txt, line 2: 'nope' is undefined.",
            id="what only a bare mail reaches",
        ),
    ],
)
def test_a_template_that_fails_is_named_once_with_file_and_line(
    tmp_path: Path, name: str, text: str | bytes, said: str
) -> None:
    (found,) = templates(tmp_path, **{name: text})
    assert (found.verdict.value, found.said) == ("mend", f"{tmp_path}/{said}")


def test_a_file_that_replaces_nothing_is_advice(tmp_path: Path) -> None:
    advice, fine = templates(tmp_path, footer_txt="{% if x %}{% endif %}")
    assert (advice.verdict.value, fine.verdict.value) == ("advice", "ok")
    assert advice.said == (
        f"footer.txt in {tmp_path} is not the name of a built-in template. It is used only if another "
        "template names it."
    )
