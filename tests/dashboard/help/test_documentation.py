"""The documentation as pages of the dashboard: all of it is there, and every link leads somewhere."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from dashboard.asgi.process import MailTest, WebProcess
from dashboard.asgi.settings import DashboardSettings
from dashboard.help.first_run_facts import read_first_run
from dashboard.help.first_run_page import first_run_page
from dashboard.help.readiness import platform_readiness, workers_readiness
from jobs.config.settings import settings_from
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.runtime.app import mail_test
from storage.accounts.accounts import NewAccount, add_accounts
from storage.health.collectors_report import CollectorReport
from storage.health.workers_report import WorkersReport
from storage.live.first_readings import first_readings, is_first_run
from storage.model.core.accounts import Platform
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from storage.work.workers import Worker
from tests.conftest import NOW
from tests.support.clients.page_walker import said
from tests.support.samples.readings import MINUTE, T0, WORKING
from tests.support.seeds.people import WITH_LOGIN, a_person
from tests.support.servers.dashboard import SETTINGS, only_drawing
from tests.support.servers.mail import Refusing


def words(part: Any) -> str:
    return part if isinstance(part, str) else "".join(map(words, _inside(part)))


def _inside(part: Any) -> list[Any]:
    if isinstance(part, list):
        return cast("list[Any]", part)
    return [] if part is None else [part["props"].get("children")]


REAL = replace(SETTINGS, synthetic=False)


async def first_run_words(
    pool: Pool, role: Role, settings: DashboardSettings = REAL, mail: MailTest | str = "No mail here."
) -> str:
    async with transaction(pool) as conn:
        facts = await read_first_run(conn, NOW)
    process = replace_mail(only_drawing(NOW, settings), mail)
    return said(first_run_page(facts, process, Actor("ada", role), settings, []))


def replace_mail(process: WebProcess, mail: MailTest | str) -> WebProcess:
    process.mail_test = mail
    return process


async def test_it_stands_at_the_front_until_an_account_was_read(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await is_first_run(conn)
        await add_accounts(conn, [NewAccount(X, "1", "first")], NOW)
        assert await is_first_run(conn)
        found = await first_readings(conn, NOW)
    assert (found.watched, found.is_waiting) == (1, True)
    assert "waiting to be read" in await first_run_words(pool, Role.VIEWER)


@pytest.mark.parametrize(
    ("role", "settings", "sentence"),
    [
        pytest.param(
            Role.ANALYST, REAL, "Watch your first accounts", id="who may add accounts has the box for names"
        ),
        pytest.param(
            Role.VIEWER, REAL, "the setting role gives every visitor the role viewer",
            id="without a login the setting decides, and is named",
        ),
        pytest.param(
            Role.VIEWER, replace(WITH_LOGIN, synthetic=False), "These people can add accounts: Grace.",
            id="who may not add accounts sees who can",
        ),
        pytest.param(Role.ANALYST, REAL, "No mail here.", id="what is missing for email is said"),
        pytest.param(Role.VIEWER, REAL, "blockline demo", id="the demonstration is one command"),
        pytest.param(
            Role.VIEWER, REAL, "No process that reads accounts reported", id="no worker is not a running one"
        ),
    ],
)  # fmt: skip
async def test_the_page_says_how_to_begin(
    pool: Pool, role: Role, settings: DashboardSettings, sentence: str
) -> None:
    await a_person(pool, "grace", Role.ANALYST, NOW)
    await a_person(pool, "vera", Role.VIEWER, NOW)
    assert sentence in await first_run_words(pool, role, settings)


async def test_only_an_admin_sends_a_test_email(pool: Pool) -> None:
    async def never(_to: str, _by: str, _now: datetime) -> str | None:
        raise AssertionError

    tested = MailTest("mail.example.org:587", never)
    assert "Send a test email to me" in await first_run_words(pool, Role.ADMIN, mail=tested)
    shown = await first_run_words(pool, Role.ANALYST, mail=tested)
    assert "An admin can send a test email here." in shown
    assert "Send a test email to me" not in shown


@pytest.mark.parametrize(
    ("inbox", "wanted"),
    [
        pytest.param(Inbox, None, id="accepted"),
        pytest.param(
            lambda: Refusing("RCPT", *["550 no such person"] * 3), "no such person",
            id="the refusal of the server, in its words",
        ),
    ],
)  # fmt: skip
async def test_a_test_email_says_what_the_server_answered(
    inbox: Callable[[], Inbox], wanted: str | None
) -> None:
    box = inbox()
    with SmtpServer(box) as smtp:
        host = {"smtp_host": "127.0.0.1", "smtp_port": smtp.port, "smtp_security": "none"}
        tested = mail_test(settings_from(host))
        assert isinstance(tested, MailTest)
        answer = await tested.send("me@example.org", "Ada <b>", NOW)
    if wanted is None:
        assert answer is None
        (mail,) = box.mails()
        assert "asked for by Ada <b>" in mail.text
    else:
        assert answer is not None
        assert wanted in answer


SECOND = timedelta(seconds=1)
NONE = WorkersReport((), (), ())
KEYED = replace(SETTINGS, keys={X: "x_bearer_token"})
UNKEYED = replace(KEYED, missing_keys=frozenset([X]))
HERE = Worker(UUID(int=1), "host 1", "office", ("x", "bluesky"), T0 - MINUTE, T0 - 2 * SECOND, 0 * SECOND)
WRONG = replace(HERE, name="host 2", seen_at=T0 - 2 * SECOND + 9 * MINUTE, clock_off=9 * MINUTE)
GONE = replace(HERE, name="host 3", seen_at=T0 - 40 * SECOND)


def of(*workers: Worker) -> WorkersReport:
    return WorkersReport(workers, (), ())


@pytest.mark.parametrize(
    ("platform", "reports", "workers", "settings", "status", "words", "mark"),
    [
        pytest.param(
            BLUESKY, [], NONE, KEYED, "Ready", "No key is needed. Nothing was asked yet.", "never",
            id="a platform without a key is ready, and nothing more is claimed before it answered",
        ),
        pytest.param(
            X, [], NONE, UNKEYED, "Needs a key", "Set x_bearer_token; docs/how-to/first-run.md", "stopped",
            id="a missing key is named by its setting, with where to read how to get it",
        ),
        pytest.param(
            X, [], NONE, KEYED, "Ready", "The setting x_bearer_token is set. Nothing was asked yet.", "never",
            id="a key that is set was not tried",
        ),
        pytest.param(
            X, [], of(HERE), UNKEYED, "Ready", "A worker reads it. Nothing was asked yet.", "never",
            id="a worker may have a key that this process lacks",
        ),
        pytest.param(
            X, [], of(GONE), UNKEYED, "Needs a key", "Set x_bearer_token", "stopped",
            id="one that was not heard lately shows nothing",
        ),
        pytest.param(
            BLUESKY, [], NONE, replace(KEYED, platforms=(X,)), "Not read", "The setting platforms", "never",
            id="a platform that the settings leave out is not read",
        ),
        pytest.param(
            X, [WORKING], NONE, UNKEYED, "OK", "Last answer 1 Feb 2021", "works",
            id="an answer is the only ground for OK, whatever the settings here say",
        ),
        pytest.param(
            X, [replace(WORKING, healthy=False, reason="auth", since=T0)], NONE, KEYED, "Failing",
            "key refused", "stopped",
            id="a refused key is failing, and says so",
        ),
        pytest.param(
            X, [replace(WORKING, last_answered_at=None)], NONE, KEYED, "Silent",
            "no answer yet to any request", "stopped",
            id="asked and never answered is not OK",
        ),
    ],
)  # fmt: skip
def test_a_platform_is_called_what_was_seen_of_it(
    platform: Platform,
    reports: list[CollectorReport],
    workers: WorkersReport,
    settings: DashboardSettings,
    status: str,
    words: str,
    mark: str,
) -> None:
    found = platform_readiness(platform, reports, workers, settings, T0 + MINUTE if reports else T0)
    assert (found.status, found.mark) == (status, mark)
    assert words.lower() in found.said.lower()


@pytest.mark.parametrize(
    ("workers", "status", "words"),
    [
        pytest.param(NONE, "None heard", "Start one with", id="nobody was heard: what to start"),
        pytest.param(of(GONE), "None heard", "in the last 15 s", id="an old report is no running process"),
        pytest.param(of(HERE), "Running", "can read Bluesky, X", id="who reported is running"),
        pytest.param(of(WRONG), "Failing", "clock is wrong", id="a wrong clock reads nothing"),
        pytest.param(of(HERE, GONE), "Running", "host 1 reported", id="only those that were heard count"),
    ],
)
def test_a_process_that_reads_is_only_said_to_run_when_it_reported(
    workers: WorkersReport, status: str, words: str
) -> None:
    found = workers_readiness(workers, T0, synthetic=False)
    assert found.status == status
    assert words in found.said
