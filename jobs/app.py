"""The composition root: an installation that runs, put together from its settings."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from enum import StrEnum

from dashboard.settings import DashboardSettings
from jobs.anchor import anchoring, authority_of
from jobs.clock import system_clock
from jobs.compose import Letterhead
from jobs.database import ready, revive
from jobs.mail import MailServer, Security, SmtpSender
from jobs.mail_loop import MailLoop
from jobs.platforms import collector_of, compliance_jobs, likes_readers, platforms_of
from jobs.policy import AlertRule
from jobs.reading import reading
from jobs.retention import Retention
from jobs.schedule import Loop, scheduled
from jobs.settings import Settings, SettingsError
from jobs.web import listen_on, serve
from storage.db import Pool, open_pool

WAKE_S = 1.0
"""How often the loops look whether something is due. Looking costs one small query."""
_SELDOM_S = 60.0
"""The same for what is due once a day."""


class Role(StrEnum):
    COLLECT = "collect"
    NOTIFY = "notify"
    WEB = "web"


def letterhead(settings: Settings) -> Letterhead:
    return Letterhead(
        dashboard_url=settings.dashboard_url,
        id_domain=settings.mail_from.rpartition("@")[2].rstrip(">"),
        operators=settings.told_of_trouble,
    )


def sender(settings: Settings) -> SmtpSender | None:
    """The mail server of the settings; None when none is set. Raises SettingsError."""
    if settings.smtp_host is None:
        return None
    password = settings.smtp_password
    try:
        server = MailServer(
            settings.smtp_host,
            settings.smtp_port,
            settings.mail_from,
            Security(settings.smtp_security),
            settings.smtp_username,
            None if password is None else password.get_secret_value(),
        )
    except ValueError as error:
        raise SettingsError(f"Settings smtp_* and mail_from: {error}.") from error
    return SmtpSender(server)


def refuse_open_door(settings: Settings) -> None:
    """There is no login yet, so nobody else's machine may reach the dashboard. Raises SettingsError."""
    if not settings.is_loopback:
        raise SettingsError(
            f"Setting host: {settings.host} can be reached by other machines, and there is no login yet; "
            'use 127.0.0.1 with auth = "none".'
        )
    if settings.auth != "none":
        raise SettingsError(
            'Setting auth is missing: the dashboard has no login yet; say auth = "none" to serve it on '
            f"{settings.host} all the same."
        )


def check(settings: Settings, roles: Sequence[Role]) -> None:
    """Raise SettingsError for what these roles lack, before anything is started or written."""
    if Role.WEB in roles:
        refuse_open_door(settings)
    if Role.COLLECT in roles:
        for platform in platforms_of(settings):
            for vantage in ("", *settings.vantages):
                collector_of(settings, platform, vantage)
        likes_readers(settings)
        compliance_jobs(settings)
        authority_of(settings)
    if Role.NOTIFY in roles:
        sender(settings)


@asynccontextmanager
async def running(settings: Settings, dsn: str, roles: Sequence[Role]) -> AsyncGenerator[list[str]]:
    """Run the roles until the block ends; yields a sentence about each that tells where it is.

    Raises SettingsError, PortTaken, StorageError (AlreadyHeld when another process collects).
    """
    check(settings, roles)
    mail_sender = sender(settings)
    await ready(settings, dsn)
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)  # the loops say that the database is away
    said: list[str] = []

    async def mend() -> None:
        await revive(settings)

    loops: list[tuple[Loop, float]] = []
    async with AsyncExitStack() as stack:
        listener = None
        if Role.WEB in roles:
            listener = stack.enter_context(listen_on(settings.host, settings.port))
        pool = await stack.enter_async_context(open_pool(dsn, max_size=10))
        if Role.COLLECT in roles:
            for platform in platforms_of(settings):
                turns = reading(settings, dsn, pool, platform, letterhead(settings))
                works = await stack.enter_async_context(turns)
                loops += [(Loop(name, work, mend), WAKE_S) for name, work in works.items()]
            retention = Retention(pool, system_clock)
            loops.append((Loop("Keeping to the retention of lists", retention.turn, mend), _SELDOM_S))
            daily = await stack.enter_async_context(anchoring(settings, pool, system_clock))
            if daily is not None:
                loops.append((Loop("Anchoring the chain", daily.turn, mend), _SELDOM_S))
            names = ", ".join(p.value for p in platforms_of(settings))
            said.append(f"Reading {names} every {settings.sweep_every}.")
        if Role.NOTIFY in roles:
            loops.append((Loop("Mailing", _notifying(settings, pool, mail_sender), mend), WAKE_S))
            said.append(_mail_sentence(settings))
        if listener is not None:
            view = DashboardSettings(
                title="Live", subtitle="", synthetic=False, sweep_every=settings.sweep_every
            )
            address = await stack.enter_async_context(serve(listener, pool, dsn, system_clock, view))
            said.append(f"Dashboard on {address}")
        await stack.enter_async_context(scheduled(loops))
        yield said


def _notifying(
    settings: Settings, pool: Pool, mail_sender: SmtpSender | None
) -> Callable[[], Awaitable[None]]:
    rule = AlertRule(recipients=settings.recipients, zone=settings.recipients_zone)
    mail = MailLoop(pool, mail_sender, rule, letterhead(settings))

    async def notify() -> None:
        now = system_clock()
        due = await mail.next_due(now)
        if due is not None and due <= now:
            await mail.tick(now)

    return notify


def _mail_sentence(settings: Settings) -> str:
    if not settings.recipients:
        return "No mail goes out: setting recipients is empty."
    if settings.smtp_host is None:
        return "Mails are composed and wait: setting smtp_host is missing."
    return f"Mails to {', '.join(settings.recipients)} through {settings.smtp_host}:{settings.smtp_port}."
