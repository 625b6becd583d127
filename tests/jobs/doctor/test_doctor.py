"""The doctor tries every part, says of each what to do, and fails when something must be mended."""

from collections.abc import Generator, Mapping
from pathlib import Path

import pytest

from jobs.base.clock import system_clock
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.doctor import doctor
from storage.postgres.schema import newest
from tests.support.clients.command_line import Blockline, Ran, blockline, forget_settings
from tests.support.processes.embedded_users import public_folder
from tests.support.servers.ports import closed_port, free_port
from tests.support.simulated.several_platforms import (
    ALICE,
    CHANNEL,
    HEALTHY,
    TAKEN_DOWN,
    VIDEO,
    leading_to,
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


async def test_an_empty_database_of_our_own_is_no_fault(empty_dsn: str) -> None:
    findings = await doctor.database_findings(empty_dsn, system_clock, own=True)
    assert {finding.part: finding.verdict for finding in findings}["schema"] is doctor.FindingLevel.OK
