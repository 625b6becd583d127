"""Whether an installation can work: each part is tried, and what is wrong is said with what to do."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

import aiohttp

from collectors.base import Answer
from jobs.app import refuse_open_door, sender, x_collector
from jobs.clock import Clock
from jobs.mail import Undeliverable
from jobs.settings import Settings, SettingsError
from jobs.web import PortTaken, listen_on
from jobs.wording import clean, number, state_words
from storage.db import StorageError, open_pool, transaction
from storage.errors import SchemaBehind, address
from storage.migrate import check_schema, newest
from storage.model.availability import MissedReason, State, Status
from storage.status import Server, server

OLDEST_POSTGRES = 17
_LITTLE_ROOM = 1_000_000_000
_CLOCKS_MAY_DIFFER = timedelta(seconds=2)
_SOMEBODY_STABLE = "783214"
"""The account @X, asked when there is no control account."""


class Verdict(StrEnum):
    OK = "ok"
    ADVICE = "advice"
    """It works like this, but not as well as it could."""
    MEND = "mend"


@dataclass(frozen=True, slots=True)
class Finding:
    part: str
    verdict: Verdict
    said: str
    """One sentence: how it is, or what to do."""


def data_folder(settings: Settings) -> Finding:
    """Whether the embedded Postgres, which has made its folder when it was tried, has room there."""
    part, folder = "data folder", settings.data_dir
    if settings.database_url is not None:
        return Finding(part, Verdict.OK, "Not used: setting database_url names a Postgres server.")
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        said = f"Setting data_dir: {folder} is no folder that may be written to; choose another one."
        return Finding(part, Verdict.MEND, said)
    free = shutil.disk_usage(folder).free
    said = f"{folder} has {free / 1e9:,.1f} GB free."
    if free < _LITTLE_ROOM:
        return Finding(part, Verdict.ADVICE, f"{said} Make room, or choose another one in setting data_dir.")
    return Finding(part, Verdict.OK, said)


def no_database(error: StorageError) -> Finding:
    return Finding("database", Verdict.MEND, str(error))


async def database_findings(dsn: str, clock: Clock, *, own: bool) -> list[Finding]:
    """Server, schema and clock of the database. `own`: the embedded one, which is migrated at each start."""
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


def _version(facts: Server, dsn: str) -> Finding:
    said = f"Postgres {facts.version} answers at {address(dsn)}."
    if facts.major < OLDEST_POSTGRES:
        return Finding(
            "database", Verdict.MEND, f"{said} Blockline needs {OLDEST_POSTGRES} or newer: upgrade it."
        )
    return Finding("database", Verdict.OK, said)


async def _schema(dsn: str, *, own: bool) -> Finding:
    try:
        await check_schema(dsn)
    except SchemaBehind as error:
        if own:
            return Finding("schema", Verdict.OK, f"It is brought to {newest()} at the next start.")
        return Finding("schema", Verdict.MEND, str(error))
    except StorageError as error:
        return Finding("schema", Verdict.MEND, str(error))
    return Finding("schema", Verdict.OK, f"It is {newest()}, as this version needs it.")


def _clock(facts: Server, behind: timedelta, ahead: timedelta) -> Finding:
    off = max(behind, ahead)
    if off <= _CLOCKS_MAY_DIFFER:
        return Finding("clock", Verdict.OK, "This machine and the database agree on the time.")
    way = "behind" if behind > ahead else "ahead of"
    said = (
        f"The database ({facts.at:%Y-%m-%d %H:%M:%S} UTC) is {off.total_seconds():.0f} s {way} this machine"
    )
    return Finding("clock", Verdict.MEND, f"{said}: set both by NTP, for every reading is dated by a clock.")


async def platform_findings(settings: Settings, clock: Clock) -> list[Finding]:
    """One lookup at X, of the control accounts where there are some."""
    canaries = settings.canaries()
    try:
        collector = x_collector(settings)
    except SettingsError as error:
        return [Finding("X", Verdict.MEND, str(error)), *_no_controls(settings)]
    async with collector:
        asked = [native_id for native_id, _, _ in canaries] or [_SOMEBODY_STABLE]
        answer = await collector.read(asked[: collector.batch_size], clock())
    if not answer.readings:
        return [Finding("X", Verdict.MEND, _refusal(settings, answer)), *_no_controls(settings)]
    left = next((w for w in collector.windows.values() if w.remaining is not None), None)
    limit = f"; {number(left.remaining or 0, 'lookup')} left in this window" if left is not None else ""
    answers = Finding("X", Verdict.OK, f"{settings.x_base_url} takes the token{limit}.")
    return [answers, *(_no_controls(settings) or [_controls(canaries, answer)])]


def _refusal(settings: Settings, answer: Answer) -> str:
    """Why nothing was read, with what to do about it."""
    reason, detail = answer.missed[0].reason, answer.missed[0].detail
    match reason:
        case MissedReason.AUTH:
            todo = "put a valid bearer token into setting x_bearer_token"
        case MissedReason.CREDITS | MissedReason.USAGE_CAPPED:
            todo = "buy credits, or raise the cap, in X's developer console"
        case MissedReason.ACCESS:
            todo = "the app must belong to a project with access to API v2"
        case MissedReason.RATE_LIMITED:
            todo = "wait for the next window; another program may use the same token"
        case MissedReason.NETWORK:
            todo = "check the network, the firewall and setting x_base_url"
        case _:
            todo = "try again; if it stays like this, look at setting x_base_url"
    said = f": {clean(detail, 160)}" if detail else ""
    return f"{settings.x_base_url} was asked and gave no reading ({reason.value}{said}): {todo}."


def _no_controls(settings: Settings) -> list[Finding]:
    if settings.x_canaries:
        return []
    return [
        Finding(
            "control accounts",
            Verdict.ADVICE,
            "None are set: name stable accounts, and a suspended one, in setting x_canaries, so that an "
            "outage of X can be told from a mass block.",
        )
    ]


def _controls(canaries: Sequence[tuple[str, str, Status]], answer: Answer) -> Finding:
    part = "control accounts"
    states = {reading.native_id: reading.state for reading in answer.readings}
    wrong = [
        f"@{handle} is {_found(states.get(native_id))}, not {expected.value.replace('_', ' ')}"
        for native_id, handle, expected in canaries
        if (state := states.get(native_id)) is None or state.status is not expected
    ]
    if wrong:
        return Finding(part, Verdict.MEND, f"{'; '.join(wrong)}: replace them in setting x_canaries.")
    return Finding(part, Verdict.OK, f"{number(len(canaries), 'account')}, each as expected.")


def _found(state: State | None) -> str:
    return "without an answer" if state is None else state_words(state)


async def mail_findings(settings: Settings) -> list[Finding]:
    """Connect to the mail server and log in; no mail is sent."""
    part = "mail"
    if settings.smtp_host is None:
        if settings.recipients:
            return [Finding(part, Verdict.MEND, "Mails would wait for ever: setting smtp_host is missing.")]
        return [
            Finding(part, Verdict.ADVICE, "Nobody is told: settings recipients and smtp_host are missing.")
        ]
    out: list[Finding] = []
    if not settings.recipients:
        out.append(Finding("recipients", Verdict.ADVICE, "No mail goes out: setting recipients is empty."))
    try:
        configured = sender(settings)
    except SettingsError as error:
        return [Finding(part, Verdict.MEND, str(error)), *out]
    if configured is None:
        return out
    try:
        where = await configured.greet()
    except Undeliverable as error:
        todo = "Check the settings smtp_host, smtp_port, smtp_security, smtp_username and smtp_password."
        return [Finding(part, Verdict.MEND, f"{error} {todo}"), *out]
    how = {"none": "not encrypted", "starttls": "encrypted by STARTTLS", "tls": "encrypted by TLS"}
    login = "without a login" if settings.smtp_username is None else "logged in"
    said = f"{where} answers, {how[settings.smtp_security]}, {login}; no mail was sent."
    return [Finding(part, Verdict.OK, said), *out]


async def dashboard_finding(settings: Settings) -> Finding:
    """Whether the dashboard may be served, and whether its port is free."""
    part = "dashboard"
    try:
        refuse_open_door(settings)
        listen_on(settings.host, settings.port).close()
    except SettingsError as error:
        return Finding(part, Verdict.MEND, str(error))
    except PortTaken as error:
        where = f"http://{settings.host}:{settings.port}"
        if await _is_ours(where):
            return Finding(part, Verdict.OK, f"A dashboard runs on {where} already.")
        return Finding(part, Verdict.MEND, f"{error} Set port to a free one.")
    return Finding(part, Verdict.OK, f"{settings.host}:{settings.port} is free.")


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
