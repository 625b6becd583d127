"""The doctor tries every part, says of each what to do, and fails when something must be mended."""

import socket
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.smtp import AuthResult

from jobs import doctor
from jobs.clock import system_clock
from jobs.inbox import Inbox, SmtpServer
from storage.status import Server
from tests.cli_runs import HISTORY, Blockline, Ran, blockline, forget_settings, simulated_x
from tests.mail_servers import free_port

CANARIES = "1001:alpha:withheld,1002:Beta:available,1003:gamma:suspended"


@pytest.fixture(scope="module")
def x(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    history = tmp_path_factory.mktemp("x") / "history.csv"
    history.write_text(HISTORY)
    with simulated_x(history) as base_url:
        yield base_url


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()


@pytest.fixture
def mail_port(inbox: Inbox) -> Generator[int]:
    with SmtpServer(inbox) as server:
        yield server.port


@pytest.fixture
def run(
    x: str,
    dsn: str,
    mail_port: int,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Blockline:
    """An installation with nothing wrong; a test spoils what it is about."""
    forget_settings(monkeypatch, tmp_path)
    for name, value in {
        "DATABASE_URL": dsn,
        "X_BASE_URL": x,
        "X_BEARER_TOKEN": "token",
        "X_CANARIES": CANARIES,
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


PARTS = ["database", "schema", "clock", "data folder", "X", "control accounts", "mail", "dashboard"]


def test_an_installation_with_nothing_wrong_passes_and_sends_no_mail(run: Blockline, inbox: Inbox) -> None:
    ran = run("doctor", "--json")
    assert (ran.code, ran.err, ran.json["ok"]) == (0, "", True)
    assert verdicts(ran) == dict.fromkeys(PARTS, "ok")
    assert inbox.mails() == []


def test_the_text_has_a_line_a_part(run: Blockline) -> None:
    ran = run("doctor")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.said] == ["ok"] * len(PARTS)


@pytest.mark.parametrize(
    ("setting", "value", "part", "sentence"),
    [
        ("X_BEARER_TOKEN", "", "X", "Setting x_bearer_token is missing"),
        ("X_CANARIES", "1002:Beta:suspended", "control accounts", "@Beta is available, not suspended"),
        ("SMTP_HOST", "", "mail", "setting smtp_host is missing"),
        ("SMTP_SECURITY", "starttls", "mail", "STARTTLS"),
        ("SMTP_PORT", str(free_port()), "mail", "Cannot hand mails to the server at 127.0.0.1:"),
        ("MAIL_FROM", "nobody", "mail", "'nobody' is not a mail address"),
        ("AUTH", "", "dashboard", "Setting auth is missing"),
        ("HOST", "0.0.0.0", "dashboard", "can be reached by other machines"),
    ],
)
def test_what_must_be_mended_is_named_with_its_setting(
    run: Blockline, monkeypatch: pytest.MonkeyPatch, setting: str, value: str, part: str, sentence: str
) -> None:
    monkeypatch.setenv(f"BLOCKLINE_{setting}", value)
    ran = run("doctor", "--json")
    assert (ran.code, ran.json["ok"]) == (1, False)
    assert [name for name, verdict in verdicts(ran).items() if verdict == "mend"] == [part]
    assert sentence in said(ran, part)
    assert ran.err == f"To mend: {part}.\n"


def test_what_could_be_better_is_advice_and_does_not_fail(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BLOCKLINE_X_CANARIES", "")
    monkeypatch.setenv("BLOCKLINE_RECIPIENTS", "")
    ran = run("doctor", "--json")
    assert ran.code == 0
    advice = {name for name, verdict in verdicts(ran).items() if verdict == "advice"}
    assert advice == {"control accounts", "recipients"}


def test_a_wrong_login_at_the_mail_server_is_found_without_showing_the_password(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> AuthResult:
        return AuthResult(success=False, handled=False)

    with SmtpServer(Inbox(), authenticator=refuse, auth_require_tls=False) as server:
        monkeypatch.setenv("BLOCKLINE_SMTP_PORT", str(server.port))
        monkeypatch.setenv("BLOCKLINE_SMTP_USERNAME", "me")
        monkeypatch.setenv("BLOCKLINE_SMTP_PASSWORD", "hush-hush")
        ran = run("doctor", "--json")
    assert ran.code == 1
    assert "refused user name or password" in said(ran, "mail")
    assert "hush-hush" not in ran.out + ran.err


def test_a_port_that_another_program_holds_must_be_mended(
    run: Blockline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("BLOCKLINE_PORT", str(taken.getsockname()[1]))
        ran = run("doctor", "--json")
    assert verdicts(ran)["dashboard"] == "mend"
    assert "Set port to a free one." in said(ran, "dashboard")


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
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", f"postgresql://u:secret@127.0.0.1:{free_port()}/x")
    ran = run("doctor", "--json")
    assert verdicts(ran) == {
        part: "mend" if part == "database" else "ok" for part in PARTS if part not in {"schema", "clock"}
    }
    assert "secret" not in ran.out + ran.err


async def test_an_empty_database_of_our_own_is_no_fault(empty_dsn: str) -> None:
    findings = await doctor.database_findings(empty_dsn, system_clock, own=True)
    assert {finding.part: finding.verdict for finding in findings}["schema"] is doctor.Verdict.OK


@pytest.mark.parametrize(
    ("off", "words"),
    [
        (timedelta(hours=1), "3600 s behind this machine"),
        (timedelta(hours=-1), "3600 s ahead of this machine"),
    ],
    ids=["behind", "ahead"],
)
async def test_a_clock_that_is_off_must_be_mended(dsn: str, off: timedelta, words: str) -> None:
    findings = await doctor.database_findings(dsn, lambda: system_clock() + off, own=False)
    (clock,) = [finding for finding in findings if finding.part == "clock"]
    assert clock.verdict is doctor.Verdict.MEND
    assert words in clock.said


@pytest.mark.parametrize(("major", "verdict"), [(16, "mend"), (17, "ok"), (18, "ok")])
def test_postgres_must_be_17_or_newer(major: int, verdict: str) -> None:
    server = Server(f"{major}.1", major, system_clock())
    assert doctor._version(server, "postgresql://u:secret@db:5433/x").verdict == verdict
