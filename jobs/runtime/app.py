"""The composition root: builds and runs an installation from its settings."""

import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime, time
from enum import StrEnum
from functools import partial

from collectors.core.rate_limit_headers import longest_pause
from dashboard.asgi.process import NO_MAIL_SERVER, MailTest
from dashboard.asgi.security_headers import proxied_origin
from dashboard.asgi.settings import DashboardSettings
from jobs.base.clock import Clock, system_clock
from jobs.base.database_clock import SteadyClock
from jobs.base.wording import number
from jobs.collect.collector_factory import abilities_of, collector_of, platforms_of
from jobs.collect.name_checks import look_names_up
from jobs.collect.name_lookup import Resolver
from jobs.collect.network_measurements import network_reader
from jobs.config.dashboard_login import doubts_about_login, login_of, require_login
from jobs.config.database import read_dsn, ready, revive
from jobs.config.secret_files import permission_warnings
from jobs.config.settings import Settings, SettingsError
from jobs.delivery.channel_router import ChannelRouter, channel_router
from jobs.delivery.sender import Undeliverable
from jobs.delivery.smtp import MailServer, Security, SmtpSender
from jobs.dispatch.shared_rate_limits import SharedBudgets
from jobs.dispatch.worker import QueueWorker
from jobs.evidence.daily_anchor import authority_of, daily_anchor, seal
from jobs.messages.compose import Letterhead
from jobs.notify.database_outage import DatabaseOutage
from jobs.notify.mail_server_test import mail_server_test
from jobs.notify.pipeline import alert_pipeline
from jobs.runtime.evidence_retention import keep_to_lists
from jobs.runtime.loop_scheduler import DAILY_PAUSES_S, WAKE_S, Loop, scheduled
from jobs.runtime.maintenance import MaintenanceTask
from jobs.runtime.platform_loop import platform_loops
from jobs.selfmonitoring.watchdog import tick as check_conditions
from storage.accounts.evidence_retention import last_run
from storage.accounts.name_checks import remove_old_checks
from storage.alerts.rules import keep_to_settings
from storage.changes.hash_chain import last_anchored_at
from storage.health.condition_facts import Thresholds
from storage.health.maintenance_tasks_report import ANCHOR_AT, ARCHIVE_AT, RETENTION_AT, SEAL_AT
from storage.model.alerts.rules import AlertRule, is_channel
from storage.model.core import people
from storage.model.core.accounts import Platform
from storage.model.text.states import PLATFORM_NAME
from storage.model.text.units import span
from storage.people.api_answers import remove_old_answers
from storage.people.people import admins
from storage.postgres.audit_chain import last_sealed_at
from storage.postgres.pool import Pool, PoolLimits, open_pool, probe, transaction
from storage.postgres.replica import with_replica
from storage.tier.archiving import archive_closed
from storage.tier.months import last_run as last_archive_run

log = logging.getLogger(__name__)

SOON_S = 0.25
"""Pause between two looks for emails that are due, which people wait for."""
_SELDOM_S = 60.0
"""The same for what is not urgent."""


class ProcessRole(StrEnum):
    COLLECT = "collect"
    NOTIFY = "notify"
    WEB = "web"


POOLS = {
    ProcessRole.COLLECT: PoolLimits(6, free_within_s=900, statement_s=900, lock_s=900, idle_s=120),
    ProcessRole.NOTIFY: PoolLimits(3, free_within_s=900, statement_s=900, lock_s=900, idle_s=120),
    ProcessRole.WEB: PoolLimits(6, free_within_s=5, statement_s=60, lock_s=10, idle_s=120),
}
"""Connections of each role. No role takes those of another: a busy dashboard delays neither readings nor
emails. A large import or a purge holds locks for minutes, and a reading or a sent email is recorded after it.
"""


def letterhead(settings: Settings) -> Letterhead:
    return Letterhead(
        dashboard_url=settings.dashboard_url,
        sweep_every=settings.sweep_every,
        id_domain=settings.mail_from.rpartition("@")[2].rstrip(">"),
        operators=settings.condition_recipients,
        templates=settings.mail_templates,
    )


def sender(settings: Settings) -> SmtpSender | None:
    """The mail server of the settings; None if none is set. Raises SettingsError."""
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


def mail_test(settings: Settings) -> MailTest | str:
    """How the dashboard tries the mail server; a sentence if the settings name none or contradict."""
    try:
        configured = sender(settings)
    except SettingsError as error:
        return str(error)
    if configured is None:
        return NO_MAIL_SERVER
    head = letterhead(settings)

    async def send(to: str, asked_by: str, now: datetime) -> str | None:
        smtp = sender(settings)
        if smtp is None:
            return NO_MAIL_SERVER
        try:
            await smtp.send(mail_server_test(to, asked_by, head, now))
        except Undeliverable as error:
            return str(error)
        finally:
            await smtp.close()
        return None

    return MailTest(f"{settings.smtp_host}:{settings.smtp_port}", send)


def senders(settings: Settings) -> ChannelRouter | None:
    """Everything that sends alerts; None if neither a mail server nor a channel is set."""
    channels = settings.every_channel()
    smtp = sender(settings)
    if smtp is None and not channels.recipients:
        return None
    return channel_router(smtp, channels, system_clock, settings.dashboard_url)


def unknown_channels(settings: Settings, rules: Iterable[AlertRule]) -> list[str]:
    """A sentence for each channel that a rule names and the settings lack."""
    known = settings.every_channel().recipients
    return [
        f"rule {rule.name!r} names {recipient}, which is in none of the settings channels, webhooks and "
        "pagerduty."
        for rule in rules
        for recipient in (*rule.recipients, *rule.escalation_recipients)
        if is_channel(recipient) and recipient not in known
    ]


def refuse_unknown_channels(settings: Settings) -> None:
    """Raise SettingsError if a rule or operator names a channel that is not set."""
    for rule in settings.alert_rules:
        name = "rules" if rule in settings.rules else "recipients"
        for said in unknown_channels(settings, [rule]):
            raise SettingsError(f"Setting {name} (in {settings.where(name)}): {said}")
    known = settings.every_channel().recipients
    for operator in filter(is_channel, settings.operators):
        if operator not in known:
            raise SettingsError(
                f"Setting operators (in {settings.where('operators')}) names the channel {operator}, which "
                "is in none of the settings channels, webhooks and pagerduty."
            )


def check(settings: Settings, roles: Sequence[ProcessRole]) -> None:
    """Raise SettingsError for a setting that these roles lack, before anything is started or written."""
    if ProcessRole.WEB in roles:
        require_login(settings)
    if ProcessRole.COLLECT in roles:
        for platform in platforms_of(settings):
            for vantage in ("", *settings.vantages):
                collector = collector_of(settings, platform, vantage)
                if not vantage:
                    abilities_of(settings, platform, collector)
        authority_of(settings)
    if ProcessRole.NOTIFY in roles:
        sender(settings)
        refuse_unknown_channels(settings)


@asynccontextmanager
async def running(
    settings: Settings, dsn: str, roles: Sequence[ProcessRole], machine: Clock = system_clock
) -> AsyncGenerator[list[str]]:
    """Run the roles until the block ends; yields a sentence about each.

    `machine` is the clock for readings, as long as it is right. This process also makes requests that another
    one planned. Raises SettingsError, PortTaken, StorageError.
    """
    check(settings, roles)
    for doubt in permission_warnings(settings.secret_files):
        log.warning("%s", doubt, extra={"event": "secrets_warning"})
    await ready(settings, dsn)
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)  # the loops log it if the database is away
    said: list[str] = []

    async def mend() -> None:
        await revive(settings)

    loops: list[tuple[Loop, float]] = []
    daily: list[tuple[Loop, time]] = []
    async with AsyncExitStack() as stack:
        listener = None
        if ProcessRole.WEB in roles:
            from jobs.runtime.web import listen_on  # the pages: no other role loads them

            listener = stack.enter_context(listen_on(settings.host, settings.port))
        if ProcessRole.COLLECT in roles:
            collect_pool = await stack.enter_async_context(open_pool(dsn, limits=POOLS[ProcessRole.COLLECT]))
            clock = SteadyClock(machine)
            async with transaction(collect_pool) as conn:
                await clock.compare(conn)
            worker = QueueWorker(dsn, collect_pool, settings.address, clock)
            budgets = SharedBudgets(
                collect_pool, settings.address, clock, longest_pause(settings.sweep_every)
            )
            for platform in platforms_of(settings):
                turns = platform_loops(settings, dsn, collect_pool, platform, worker, budgets, clock, mend)
                works = await stack.enter_async_context(turns)
                loops += [(Loop(name, work, mend), WAKE_S) for name, work in works.items()]
            await stack.enter_async_context(worker.running())
            resolver = Resolver(settings, clock, budgets)
            for platform in Platform:
                looking = partial(look_names_up, collect_pool, platform, resolver)
                loops.append((Loop(f"Looking names up on {platform.value}", looking, mend), WAKE_S))
            if settings.network_countries:
                reader = await stack.enter_async_context(network_reader(settings, dsn, collect_pool, clock))
                loops.append((Loop("Reading OONI's measurements", reader.turn, mend), _SELDOM_S))
            for task in await stack.enter_async_context(_maintenance(settings, dsn, collect_pool, clock)):
                turn = partial(task.turn, dsn, collect_pool, system_clock)
                daily.append((Loop(task.name, turn, mend, DAILY_PAUSES_S), task.at))
            names = ", ".join(PLATFORM_NAME[p] for p in platforms_of(settings))
            said.append(f"Reading {names} every {span(settings.sweep_every)}.")
        if ProcessRole.NOTIFY in roles:
            notify_pool = await stack.enter_async_context(open_pool(dsn, limits=POOLS[ProcessRole.NOTIFY]))
            works = await _notifying(settings, notify_pool)
            loops += [(Loop(name, work, mend), SOON_S) for name, work in works.items()]
            loops.append(
                (Loop("Watching the monitor itself", _watching(settings, notify_pool), mend), _SELDOM_S)
            )
            loops.append((Loop("Watching the database", _probing(settings, dsn, notify_pool)), _SELDOM_S))
            said.append(_mail_sentence(settings))
        if listener is not None:
            from jobs.runtime.web import serve

            web_pool = await stack.enter_async_context(open_pool(dsn, limits=POOLS[ProcessRole.WEB]))
            await stack.enter_async_context(with_replica(web_pool, read_dsn(settings)))
            origin = proxied_origin(settings.dashboard_url)
            view = DashboardSettings(
                platforms=settings.platforms,
                keys=settings.keys(),
                missing_keys=frozenset(p for p in Platform if settings.missing_key(p) is not None),
                title="Live",
                subtitle="",
                synthetic=False,
                sweep_every=settings.sweep_every,
                allowed_origins=(origin,) if origin else (),
                role=people.Role(settings.role),
                login=login_of(settings),
            )
            serving = serve(
                listener,
                web_pool,
                dsn,
                system_clock,
                view,
                base_url=origin,
                trusted_proxies=settings.trusted_proxies,
                mail_test=mail_test(settings),
                head=letterhead(settings),
                chromium=settings.chromium,
            )
            address = await stack.enter_async_context(serving)
            said.append(f"Dashboard on {address}")
            async with transaction(web_pool) as conn:
                doubts = doubts_about_login(settings, await admins(conn))
            for doubt in doubts:
                log.warning("%s", doubt, extra={"event": "login_warning"})
        await stack.enter_async_context(scheduled(loops, daily=daily))
        yield said


@asynccontextmanager
async def _maintenance(
    settings: Settings, dsn: str, pool: Pool, clock: Clock
) -> AsyncGenerator[list[MaintenanceTask]]:
    """The daily tasks, each run by one of the processes that collect."""

    async def expire() -> None:
        await keep_to_lists(pool, clock())
        async with transaction(pool) as conn:
            await remove_old_checks(conn, clock())
            await remove_old_answers(conn, clock())

    async def sealed() -> None:
        await seal(pool, clock)

    tasks = [
        MaintenanceTask("Keeping to the retention of lists", RETENTION_AT, last_run, expire),
        MaintenanceTask("Sealing the audit log", SEAL_AT, last_sealed_at, sealed),
    ]
    url, age = settings.archive_url, settings.archive_after_months
    if url is not None and age is not None:

        async def archive() -> None:
            for month in await archive_closed(dsn, url, clock(), age, "settings"):
                log.info(
                    "Month %s archived: %s",
                    f"{month.month:%Y-%m}",
                    number(month.rows, "row"),
                    extra={"event": "month_archived", "rows": month.rows},
                )

        tasks.append(MaintenanceTask("Archiving closed months", ARCHIVE_AT, last_archive_run, archive))
    async with daily_anchor(settings, pool, clock) as anchor:
        if anchor is not None:
            tasks.append(MaintenanceTask("Anchoring the chain", ANCHOR_AT, last_anchored_at, anchor))
        yield tasks


async def _notifying(settings: Settings, pool: Pool) -> dict[str, Callable[[], Awaitable[None]]]:
    """Store the rules of the settings, and return the work of the notifier by name."""
    async with transaction(pool) as conn:
        await keep_to_settings(conn, settings.alert_rules, system_clock())
    known = settings.every_channel()
    channels = channel_router(None, known, system_clock, settings.dashboard_url)
    return alert_pipeline(
        pool, letterhead(settings), sender(settings), channels, system_clock, settings.smtp_per_minute
    )


def _watching(settings: Settings, pool: Pool) -> Callable[[], Awaitable[None]]:
    head, thresholds = letterhead(settings), Thresholds(settings.sweep_every)

    async def watch() -> None:
        await check_conditions(pool, system_clock(), head, thresholds)

    return watch


def _probing(settings: Settings, dsn: str, pool: Pool) -> Callable[[], Awaitable[None]]:
    head, thresholds = letterhead(settings), Thresholds(settings.sweep_every)
    return DatabaseOutage(pool, partial(probe, dsn), senders(settings), head, thresholds, system_clock).look


def _mail_sentence(settings: Settings) -> str:
    names = ", ".join(r.name for r in settings.alert_rules)
    rules = f"Alert rules of the settings: {names}." if names else "The settings have no alert rule."
    if settings.smtp_host is None:
        return f"{rules} Emails wait in the queue, because the setting smtp_host is missing."
    return f"{rules} Emails are sent through {settings.smtp_host}:{settings.smtp_port}."
