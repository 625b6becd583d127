"""Check whether an installation can work. Each part is tried, and each fault is reported with its fix."""

import asyncio
import os
import shutil
from datetime import timedelta

import aiohttp

from collectors.core.findings import Finding, FindingLevel
from jobs.base.clock import Clock
from jobs.config.dashboard_login import doubts_about_login, require_login
from jobs.config.database import read_dsn
from jobs.config.places import backup_folder
from jobs.config.secret_files import permission_warnings
from jobs.config.settings import Settings, SettingsError
from jobs.delivery.sender import Undeliverable
from jobs.runtime.app import sender
from jobs.runtime.web import PortTaken, listen_on
from storage.health.status import DatabaseServer, server
from storage.model.alerts.rules import is_channel
from storage.postgres.errors import SchemaBehind, address
from storage.postgres.pool import StorageError, open_pool, transaction
from storage.postgres.replica import replica_of, with_replica
from storage.postgres.schema import check_schema, newest

OLDEST_POSTGRES = 17
_LITTLE_ROOM = 1_000_000_000
_CLOCKS_MAY_DIFFER = timedelta(seconds=2)


def data_folder(settings: Settings) -> Finding:
    """Check the free space in the data folder. An earlier check started Postgres, which made the folder."""
    part, folder = "data folder", settings.data_dir
    if settings.database_url is not None:
        said = "Setting database_url names a Postgres server; only backups are written there"
        return Finding(part, FindingLevel.NOT_SET_UP, f"{said} ({backup_folder(folder)}).")
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        said = f"Setting data_dir: {folder} is not a writable folder; choose another one."
        return Finding(part, FindingLevel.MEND, said)
    free = shutil.disk_usage(folder).free
    said = f"{folder} has {free / 1e9:,.1f} GB free."
    if free < _LITTLE_ROOM:
        return Finding(
            part, FindingLevel.ADVICE, f"{said} Free some space, or set data_dir to another folder."
        )
    return Finding(part, FindingLevel.OK, said)


def secrets_finding(settings: Settings) -> Finding:
    """Check that other users cannot read the files with secrets."""
    if doubts := permission_warnings(settings.secret_files):
        return Finding("secrets", FindingLevel.ADVICE, " ".join(doubts))
    if settings.secret_files:
        return Finding("secrets", FindingLevel.OK, "Other users cannot read the files that contain secrets.")
    return Finding("secrets", FindingLevel.OK, "No file of the settings contains a secret.")


def no_database(error: StorageError) -> Finding:
    return Finding("database", FindingLevel.MEND, str(error))


async def database_findings(dsn: str, clock: Clock, *, own: bool) -> list[Finding]:
    """Check server, schema and clock of the database. `own` is the embedded one, migrated at each start."""
    try:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            before = clock()
            facts = await server(conn)
            after = clock()
    except StorageError as error:
        return [no_database(error)]
    return [
        _version(facts, dsn),
        await _schema(dsn, own=own),
        _clock(facts, before - facts.at, facts.at - after),
    ]


def _version(facts: DatabaseServer, dsn: str) -> Finding:
    said = f"Postgres {facts.version} answers at {address(dsn)}."
    if facts.major < OLDEST_POSTGRES:
        return Finding(
            "database",
            FindingLevel.MEND,
            f"{said} Blockline needs {OLDEST_POSTGRES} or newer. Upgrade the server.",
        )
    return Finding("database", FindingLevel.OK, said)


async def _schema(dsn: str, *, own: bool) -> Finding:
    try:
        await check_schema(dsn)
    except SchemaBehind as error:
        if own:
            return Finding(
                "schema", FindingLevel.OK, f"The schema is migrated to {newest()} at the next start."
            )
        return Finding("schema", FindingLevel.MEND, str(error))
    except StorageError as error:
        return Finding("schema", FindingLevel.MEND, str(error))
    return Finding("schema", FindingLevel.OK, f"The schema is {newest()}, which this version needs.")


def _clock(facts: DatabaseServer, behind: timedelta, ahead: timedelta) -> Finding:
    off = max(behind, ahead)
    if off <= _CLOCKS_MAY_DIFFER:
        return Finding("clock", FindingLevel.OK, "This machine and the database agree on the time.")
    way = "behind" if behind > ahead else "ahead of"
    said = (
        f"The database ({facts.at:%Y-%m-%d %H:%M:%S} UTC) is {off.total_seconds():.0f} s {way} this machine"
    )
    return Finding(
        "clock", FindingLevel.MEND, f"{said}. Set both clocks by NTP, because they date the readings."
    )


async def replica_findings(settings: Settings, dsn: str) -> list[Finding]:
    """Check that the replica can be read. Empty without one. Raises StorageError for the primary."""
    async with open_pool(dsn, max_size=1) as pool, with_replica(pool, read_dsn(settings)):
        replica = replica_of(pool)
        if replica is None:
            return []
        state = await replica.check(pool)
    if not state.is_used:
        said = f"{state.trouble} The primary is read instead."
        return [Finding("replica", FindingLevel.ADVICE, said)]
    said = f"The replica at {replica.address} is up to date with the primary."
    return [Finding("replica", FindingLevel.OK, said)]


async def mail_findings(settings: Settings) -> list[Finding]:
    """Connect to the mail server and log in, without sending an email."""
    part = "mail"
    try:
        configured = sender(settings)
    except SettingsError as error:
        return [Finding(part, FindingLevel.MEND, str(error))]
    if configured is None:
        if _has_email_recipients(settings):
            return [
                Finding(
                    part, FindingLevel.MEND, "Emails cannot be sent and wait: setting smtp_host is missing."
                )
            ]
        return [Finding(part, FindingLevel.ADVICE, "Email cannot be sent: setting smtp_host is missing.")]
    try:
        where = await configured.greet()
    except Undeliverable as error:
        todo = "Check the settings smtp_host, smtp_port, smtp_security, smtp_username and smtp_password."
        return [Finding(part, FindingLevel.MEND, f"{error} {todo}")]
    how = {"none": "not encrypted", "starttls": "encrypted by STARTTLS", "tls": "encrypted by TLS"}
    login = "without a login" if settings.smtp_username is None else "logged in"
    said = f"{where} answers, {how[settings.smtp_security]}, {login}; no email was sent."
    return [Finding(part, FindingLevel.OK, said)]


def _has_email_recipients(settings: Settings) -> bool:
    """Return whether a recipient in the settings is an email address rather than a channel."""
    people = [r for rule in settings.alert_rules for r in (*rule.recipients, *rule.escalation_recipients)]
    return not all(map(is_channel, (*people, *settings.operators)))


async def dashboard_finding(settings: Settings) -> Finding:
    """Check whether the dashboard may be served, and whether its port is free."""
    part = "dashboard"
    try:
        require_login(settings)
        listen_on(settings.host, settings.port).close()
    except SettingsError as error:
        return Finding(part, FindingLevel.MEND, str(error))
    except PortTaken as error:
        where = f"http://{settings.host}:{settings.port}"
        if await _is_ours(where):
            return Finding(part, FindingLevel.OK, f"A dashboard already runs on {where}.")
        return Finding(part, FindingLevel.MEND, f"{error} Set port to a free port.")
    if doubts := doubts_about_login(settings, admins=1):
        return Finding(part, FindingLevel.ADVICE, " ".join(doubts))
    return Finding(part, FindingLevel.OK, f"{settings.host}:{settings.port} is free.")


async def _is_ours(where: str) -> bool:
    """Whether a dashboard answers there."""
    try:
        async with (
            asyncio.timeout(3),
            aiohttp.ClientSession() as session,
            session.get(f"{where}/healthz", allow_redirects=False) as answer,
        ):
            return answer.status == 200 and await answer.json() == {"ok": True}
    except (aiohttp.ClientError, OSError, ValueError):
        return False
