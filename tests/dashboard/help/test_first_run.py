"""The first run: when it stands at /, what it says to whom, the first readings, and the test of email."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

import pytest

from collectors.x.declaration import X
from dashboard.asgi.process import MailTest, WebProcess
from dashboard.asgi.settings import DashboardSettings
from dashboard.help.first_run_facts import read_first_run
from dashboard.help.first_run_page import first_run_page
from jobs.config.settings import settings_from
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.runtime.app import mail_test
from storage.accounts.accounts import NewAccount, add_accounts
from storage.live.first_readings import first_readings, is_first_run
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from tests.conftest import NOW
from tests.support.clients.page_text import said
from tests.support.seeds.changes import Story
from tests.support.seeds.people import WITH_LOGIN, a_person
from tests.support.servers.dashboard import SETTINGS, only_drawing
from tests.support.servers.mail import Refusing

REAL = replace(SETTINGS, synthetic=False)


async def words(
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
    assert "waiting to be read" in await words(pool, Role.VIEWER)


async def test_an_installation_that_reads_has_no_first_run(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        assert not await is_first_run(conn)
    assert "first read " in await words(pool, Role.VIEWER)
    async with transaction(pool) as conn:
        await conn.execute("update account set watched = false")
        assert not await is_first_run(conn), "its records are shown, although nothing is read any more"


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
    assert sentence in await words(pool, role, settings)


async def test_only_an_admin_sends_a_test_email(pool: Pool) -> None:
    async def never(_to: str, _by: str, _now: datetime) -> str | None:
        raise AssertionError

    tested = MailTest("mail.example.org:587", never)
    assert "Send a test email to me" in await words(pool, Role.ADMIN, mail=tested)
    shown = await words(pool, Role.ANALYST, mail=tested)
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
