"""Everything that goes wrong in the field, each with how it is brought about and lifted."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TypeAlias

import aiohttp
import asyncpg

from collectors.simulator.faults import FaultKind
from jobs.base.clock import system_clock
from storage.model.core.accounts import Platform
from tests.faults.gate import Gate
from tests.faults.installation import Installation
from tests.faults.mail_server import answering, mail_server, saying
from tests.support.clients.api import Following, following
from tests.support.processes.fast_clock import off_by, suspend_until
from tests.support.servers.ports import free_port
from tests.support.servers.postgres import Postgres, ServerFailed

Put: TypeAlias = Callable[[Installation], AbstractAsyncContextManager[None]]
_USUAL = timedelta(minutes=5)
_SHORT = timedelta(minutes=4)
"""In which at least one account changes."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One of them. Its name is a sentence without a full stop."""

    area: str
    name: str
    put: Put
    lasts: timedelta = _USUAL
    shows: str = ""
    """A pattern that Health, `blockline status` or `/readyz` must match while it lasts; empty: none need."""
    may_repeat: bool = False
    """Whether an email may be taken and that not be known: it comes again under its Message-ID."""
    fills_disk: bool = False
    forgets: bool = False
    """Whether the operator goes back to an earlier database, so that later readings are gone."""


# The database


@asynccontextmanager
async def _stopped(here: Installation) -> AsyncGenerator[None]:
    await here.server.stop()
    yield
    await here.server.start()


@asynccontextmanager
async def _killed(here: Installation) -> AsyncGenerator[None]:
    await here.server.stop("immediate")
    yield
    await here.server.start()


@asynccontextmanager
async def _killed_again_and_again(here: Installation) -> AsyncGenerator[None]:
    async def kill() -> None:
        while True:
            await here.server.stop("immediate")
            await here.server.start()
            await asyncio.sleep(30)

    async with _meanwhile(kill()):
        yield
    with suppress(Exception):
        await here.server.start()


@asynccontextmanager
async def _frozen(here: Installation) -> AsyncGenerator[None]:
    here.server.send(signal.SIGSTOP)
    yield
    here.server.send(signal.SIGCONT)


@asynccontextmanager
async def _read_only(here: Installation) -> AsyncGenerator[None]:
    await here.query("alter system set default_transaction_read_only = on")
    await here.query("select pg_reload_conf()")
    await _end_sessions(here)
    yield
    conn = await asyncpg.connect(here.server.dsn)
    await conn.execute("set default_transaction_read_only = off")
    await conn.execute("alter system reset default_transaction_read_only")
    await conn.execute("select pg_reload_conf()")
    await conn.close()


@asynccontextmanager
async def _no_connection_left(here: Installation) -> AsyncGenerator[None]:
    held: list[asyncpg.Connection] = []
    with suppress(asyncpg.PostgresError):
        await _end_sessions(here)
        while True:
            held.append(await asyncpg.connect(here.server.dsn))
    yield
    for conn in held:
        await conn.close()


def _locked(table: str) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        conn = await asyncpg.connect(here.server.dsn)
        async with conn.transaction():
            await conn.execute(f"lock table {table} in access exclusive mode")
            yield
        await conn.close()

    return put


@asynccontextmanager
async def _sessions_ended(here: Installation) -> AsyncGenerator[None]:
    async def end() -> None:
        while True:
            with suppress(asyncpg.PostgresError, OSError):
                await _end_sessions(here)
            await asyncio.sleep(4)

    async with _meanwhile(end()):
        yield


@asynccontextmanager
async def _statements_cancelled(here: Installation) -> AsyncGenerator[None]:
    async def cancel() -> None:
        while True:
            with suppress(asyncpg.PostgresError, OSError):
                await here.query(
                    "select pg_cancel_backend(pid) from pg_stat_activity "
                    "where pid <> pg_backend_pid() and state = 'active' and backend_type = 'client backend'"
                )
            await asyncio.sleep(1)

    async with _meanwhile(cancel()):
        yield


@asynccontextmanager
async def _failed_over(here: Installation) -> AsyncGenerator[None]:
    """To a replica that had everything."""
    first = here.server
    replica = Postgres(here.disk / f"replica{free_port()}", free_port())
    await first.copy_to(replica, "-R")
    await replica.start()
    async with asyncio.timeout(600):
        while not await _has_caught_up(first, replica):  # noqa: ASYNC110 - it is another process
            await asyncio.sleep(1)
    here.database.silence()
    await asyncio.sleep(5)
    while not await _has_caught_up(first, replica):  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(1)
    await first.stop("immediate")
    here.database.cut()
    await replica.promote()
    here.server, here.database.to = replica, ("127.0.0.1", replica.port)
    here.stack.push_async_callback(_stop, replica)
    here.database.speak()
    yield


async def _stop(server: Postgres) -> None:
    if (server.data / "postmaster.pid").exists():
        await server.stop("immediate")


async def _has_caught_up(first: Postgres, replica: Postgres) -> bool:
    conn = await asyncpg.connect(first.dsn)
    at = await conn.fetchval("select pg_current_wal_lsn()::text")
    await conn.close()
    conn = await asyncpg.connect(replica.dsn)
    has = await conn.fetchval("select pg_last_wal_replay_lsn() >= $1::text::pg_lsn", at)
    await conn.close()
    return bool(has)


@asynccontextmanager
async def _replica_cannot_write(here: Installation) -> AsyncGenerator[None]:
    """The address leads to a replica that nobody promoted."""
    replica = Postgres(here.disk / f"replica{free_port()}", free_port())
    await here.server.copy_to(replica, "-R")
    await replica.start()
    here.database.to = "127.0.0.1", replica.port
    here.database.cut()
    yield
    here.database.to = "127.0.0.1", here.server.port
    here.database.cut()
    await replica.stop("immediate")


@asynccontextmanager
async def _restored(here: Installation) -> AsyncGenerator[None]:
    """To a copy that is half an hour old."""
    first, copy = here.server, Postgres(here.disk / f"copy{free_port()}", free_port())
    await first.copy_to(copy)
    await asyncio.sleep(1800)
    await first.stop()
    await copy.start()
    here.server, here.database.to = copy, ("127.0.0.1", copy.port)
    here.stack.push_async_callback(_stop, copy)
    yield


async def _fill(filler: Path) -> None:
    """Take all that is free, also what Postgres gives back later."""
    with filler.open("wb") as file:
        while True:
            with suppress(OSError):  # Postgres may take some of it at the same time
                free = shutil.disk_usage(filler.parent).free
                os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, free)
            await asyncio.sleep(5)


@asynccontextmanager
async def _disk_full(here: Installation) -> AsyncGenerator[None]:
    assert here.disk.is_mount(), "it would fill the disk of this machine"
    filler = here.disk / "filler"
    async with asyncio.TaskGroup() as group:
        filling = group.create_task(_fill(filler))
        yield
        filling.cancel()
    filler.unlink()
    with suppress(ServerFailed):  # it may have survived
        await here.server.start()


async def _end_sessions(here: Installation) -> None:
    await here.query(
        "select pg_terminate_backend(pid) from pg_stat_activity "
        "where pid <> pg_backend_pid() and backend_type = 'client backend'"
    )


@asynccontextmanager
async def _newer_schema(here: Installation) -> AsyncGenerator[None]:
    """A newer Blockline migrated the database, and this one is started again."""
    (row,) = await here.query("select version_num from alembic_version")
    await here.query("update alembic_version set version_num = '9999'")
    await here.end("collect")
    await here.start("collect")
    yield
    await here.query("update alembic_version set version_num = $1", row[0])
    await here.end("collect", signal.SIGKILL)
    await here.start("collect")


def _damaged(damage: str, repair: str) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        await here.query(damage)
        yield
        await here.query(repair)

    return put


# What lies between


def _gates(here: Installation, which: str) -> list[Gate]:
    """Those to one platform, to all of them, to the mail server or to the database."""
    if which == "platforms":
        return list(here.platforms.values())
    named = {"mail": here.mail, "database": here.database}
    return [named[which] if which in named else here.platforms[Platform(which)]]


def _refused(which: str) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        gates = _gates(here, which)
        for gate in gates:
            await gate.close()
        yield
        for gate in gates:
            await gate.open()

    return put


def _silent(which: str) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        gates = _gates(here, which)
        for gate in gates:
            gate.silence()
        yield
        for gate in gates:
            gate.cut()
            gate.speak()

    return put


def _slow(which: str, seconds: float) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        gates = _gates(here, which)
        for gate in gates:
            gate.delay_s = seconds
        yield
        for gate in gates:
            gate.delay_s = 0.0

    return put


def _cut(which: str, every_s: float) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        async def cut() -> None:
            while True:
                for gate in _gates(here, which):
                    gate.cut()
                await asyncio.sleep(every_s)

        async with _meanwhile(cut()):
            yield

    return put


# The platforms


def _mood(*kinds: FaultKind) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        here.moods.now_on.extend(kinds)
        yield
        here.moods.now_on.clear()

    return put


# The mail server


def _refusing(command: str, answer: str) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        here.desk.refusals[command] = answer
        yield
        del here.desk.refusals[command]

    return put


@asynccontextmanager
async def _greylisting(here: Installation) -> AsyncGenerator[None]:
    here.desk.greylists = True
    yield
    here.desk.greylists = False


@asynccontextmanager
async def _hangs_up_after_data(here: Installation) -> AsyncGenerator[None]:
    here.desk.hangs_up_after_data = True
    yield
    here.desk.hangs_up_after_data = False


def _no_mail_server(words: bytes, pause_s: float = 0.0, *, then_hangs_up: bool = True) -> Put:
    """Something else answers at the address."""

    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        async with answering(saying(words, pause_s, then_hangs_up=then_hangs_up)) as place:
            before, here.mail.to = here.mail.to, place
            here.mail.cut()
            yield
            here.mail.to = before
            here.mail.cut()

    return put


def _certificate(name: str) -> Put:
    """Another certificate: expired, of another address, of an authority that nobody knows, or none."""

    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        if name == "none":
            context = None
        elif name == "expired":
            context = here.certificates.context("expired", expired=True)
        else:
            context = here.certificates.context("other", address="127.0.0.9")
        with mail_server(here.desk, context) as other:
            before, here.mail.to = here.mail.to, (other.host, other.port)
            here.mail.cut()
            yield
            here.mail.to = before
            here.mail.cut()

    return put


# The processes


def _process_killed(*roles: str) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        for role in roles:
            await here.end(role, signal.SIGKILL)
        yield
        for role in roles:
            await here.start(role)

    return put


def _process_ended(role: str) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        await here.end(role, signal.SIGTERM)
        yield
        await here.start(role)

    return put


def _process_killed_often(*roles: str) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        async def kill() -> None:
            while True:
                for role in roles:
                    await here.end(role, signal.SIGKILL)
                    await here.start(role)
                    await asyncio.sleep(45)

        async with _meanwhile(kill()):
            yield
        for role in roles:
            if role not in here.processes:
                await here.start(role)

    return put


def _process_stopped(*roles: str) -> Put:
    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        for role in roles:
            here.send(role, signal.SIGSTOP)
        yield
        for role in roles:
            here.send(role, signal.SIGCONT)

    return put


@asynccontextmanager
async def _second_of_all(here: Installation) -> AsyncGenerator[None]:
    """Everything is started a second time by mistake."""
    for role in ("collect", "notify"):
        await here.start(role, named=f"second {role}")
    yield
    for role in ("collect", "notify"):
        await here.end(f"second {role}")


@asynccontextmanager
async def _leader_back(here: Installation) -> AsyncGenerator[None]:
    """One that reads is stopped, another takes over, and the first goes on as if nothing had been."""
    await here.start("collect", named="second collect")
    await asyncio.sleep(30)
    here.send("collect", signal.SIGSTOP)
    yield
    here.send("collect", signal.SIGCONT)
    await asyncio.sleep(90)
    await here.end("second collect")


def _limited(role: str, limit: str) -> Put:
    """The process gets only so much of something, from its start on."""

    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        process = here.processes[role]
        limiter = await asyncio.create_subprocess_exec("prlimit", f"--pid={process.pid}", limit)
        await limiter.wait()
        yield
        await here.end(role, signal.SIGKILL)
        await here.start(role)

    return put


def _clock(role: str, seconds: int) -> Put:
    """The clock of the machine of this process is wrong."""

    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        await here.end(role)
        await here.start(role, **off_by(seconds))
        yield
        await here.end(role)
        await here.start(role)

    return put


@asynccontextmanager
async def _suspended(here: Installation) -> AsyncGenerator[None]:
    """The host sleeps for eight hours, and wakes up."""
    suspend_until(system_clock() + timedelta(hours=8))
    yield


@asynccontextmanager
async def _zone_changed(here: Installation) -> AsyncGenerator[None]:
    """The machine stands in a zone whose clocks go back by an hour in four minutes."""
    ahead = timedelta(hours=2)
    ends = system_clock() + ahead + timedelta(minutes=4)
    zone = f"XST-1XDT,J1/0,J{ends.timetuple().tm_yday}/{ends:%H:%M:%S}"
    for role in ("collect", "notify", "web"):
        await here.end(role)
        # libfaketime takes the beginning of the clock for a time of that zone.
        await here.start(role, TZ=zone, **off_by(int(ahead.total_seconds())))
    yield


# Readers of the dashboard


def _readers(many: int, *, read: bool) -> Put:
    """So many pages are open; those that do not read let everything pile up."""

    @asynccontextmanager
    async def put(here: Installation) -> AsyncGenerator[None]:
        async def listen(page: Following) -> None:
            with suppress(aiohttp.ClientError, OSError):
                async for _ in page.messages():
                    pass

        async with AsyncExitStack() as stack:
            session = await stack.enter_async_context(aiohttp.ClientSession())
            for _ in range(many):
                with suppress(aiohttp.ClientError, OSError):
                    base = f"http://127.0.0.1:{here.web_port}"
                    page = await stack.enter_async_context(following(session, base))
                    if read:
                        await stack.enter_async_context(_meanwhile(listen(page)))
            yield

    return put


@asynccontextmanager
async def _slow_requests(here: Installation) -> AsyncGenerator[None]:
    """Many begin a request and never end it."""
    writers: list[asyncio.StreamWriter] = []
    for _ in range(200):
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", here.web_port)
            writer.write(b"POST /link/done HTTP/1.1\r\nHost: x\r\nContent-Length: 9999\r\n\r\nx")
            writers.append(writer)
    yield
    for writer in writers:
        writer.transport.abort()


@asynccontextmanager
async def _meanwhile(work: Coroutine[object, object, None]) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            yield
        finally:
            task.cancel()


_UNREAD = "No account on .* is read|not read in the last"
_AWAY = "Cannot reach the database|does not answer or takes no writes"
_WRONG_CLOCK = "clock of .* is wrong"
_LONG = timedelta(minutes=75)

FAULTS: tuple[Fault, ...] = (
    Fault("database", "Postgres is stopped", _stopped, shows=_AWAY),
    Fault("database", "Postgres is killed in the middle of its work", _killed, _SHORT, _AWAY),
    Fault("database", "Postgres is killed every half minute", _killed_again_and_again),
    Fault("database", "Postgres hangs", _frozen, shows=_AWAY),
    Fault("database", "Postgres refuses to write", _read_only, shows="takes no writes"),
    Fault("database", "All connections of Postgres are taken", _no_connection_left, shows=_AWAY),
    Fault("database", "The table of readings is locked", _locked("coverage_row"), shows="in time"),
    Fault("database", "The table of changes is locked", _locked("change"), shows="in time"),
    Fault("database", "The table of mails is locked", _locked("mail"), shows="in time"),
    Fault("database", "Every session is ended every four seconds", _sessions_ended),
    Fault("database", "Every statement is cancelled that takes a second", _statements_cancelled),
    Fault("database", "Postgres fails over to a replica", _failed_over, _SHORT),
    Fault(
        "database",
        "The address leads to a replica that cannot write",
        _replica_cannot_write,
        shows="takes no writes",
    ),
    Fault(
        "database",
        "Postgres is restored to half an hour ago",
        _restored,
        _SHORT,
        may_repeat=True,
        forgets=True,
    ),
    Fault(
        "database", "The disk of Postgres is full", _disk_full, shows=f"{_AWAY}|{_UNREAD}", fills_disk=True
    ),
    Fault(
        "database",
        "A table is missing",
        _damaged("alter table collector_state rename to gone", "alter table gone rename to collector_state"),
        shows="does not exist",
    ),
    Fault("database", "A newer Blockline migrated the database", _newer_schema, shows=_UNREAD),
    Fault("database", "The network to the database refuses", _refused("database"), shows=_AWAY),
    Fault("database", "The network to the database swallows everything", _silent("database"), shows=_AWAY),
    Fault("database", "Each answer of the database takes 0.3 s", _slow("database", 0.3)),
    Fault("database", "Connections to the database are cut every ten seconds", _cut("database", 10)),
    Fault("mail", "The mail server refuses connections", _refused("mail"), _LONG, "were not accepted"),
    Fault("mail", "The mail server swallows everything", _silent("mail"), may_repeat=True),
    Fault("mail", "Each answer of the mail server takes 20 s", _slow("mail", 20)),
    Fault(
        "mail", "Connections to the mail server are cut every ten seconds", _cut("mail", 10), may_repeat=True
    ),
    Fault("mail", "It greylists", _greylisting),
    Fault(
        "mail", "It accepts and cuts the connection before it says so", _hangs_up_after_data, may_repeat=True
    ),
    Fault("mail", "It answers each sender with 421", _refusing("MAIL", "421 4.3.2 closing")),
    Fault("mail", "It answers each sender with 451", _refusing("MAIL", "451 4.3.0 try again")),
    Fault("mail", "It answers each recipient with 450", _refusing("RCPT", "450 4.2.1 mailbox busy")),
    Fault("mail", "It answers each recipient with 452", _refusing("RCPT", "452 4.2.2 over quota")),
    Fault("mail", "It answers each mail with 451", _refusing("DATA", "451 4.3.0 later")),
    Fault("mail", "It answers each mail with 452", _refusing("DATA", "452 4.3.1 disk full")),
    Fault("mail", "It does not speak SMTP", _no_mail_server(b"HTTP/1.1 400 Bad Request\r\n\r\n")),
    Fault("mail", "It greets with 421", _no_mail_server(b"421 4.3.2 too many connections\r\n")),
    Fault("mail", "It greets with 554", _no_mail_server(b"554 5.7.1 not you\r\n")),
    Fault("mail", "It greets a byte every five seconds", _no_mail_server(b"220 mail.example ESMTP\r\n", 5.0)),
    Fault("mail", "It never greets", _no_mail_server(b"", then_hangs_up=False)),
    Fault("mail", "Its certificate expired", _certificate("expired")),
    Fault("mail", "Its certificate is that of another server", _certificate("other")),
    Fault("mail", "It offers no encryption", _certificate("none")),
    *(
        Fault("platforms", f"Every request meets: {kind.value.replace('_', ' ')}", _mood(kind))
        for kind in FaultKind
        if kind not in {FaultKind.ALL_NOT_FOUND, FaultKind.LABELS_DROPPED}
    ),
    Fault(
        "platforms",
        "Every request meets another fault",
        _mood(*(k for k in FaultKind if k not in {FaultKind.ALL_NOT_FOUND, FaultKind.LABELS_DROPPED})),
    ),
    Fault("platforms", "All platforms refuse connections", _refused("platforms"), shows=_UNREAD),
    Fault("platforms", "All platforms swallow everything", _silent("platforms"), shows=_UNREAD),
    Fault("platforms", "X alone refuses connections", _refused("x"), shows=_UNREAD),
    Fault("platforms", "Each answer takes five seconds", _slow("platforms", 5)),
    Fault("platforms", "Connections are cut every two seconds", _cut("platforms", 2)),
    Fault("processes", "The process that reads is killed", _process_killed("collect"), shows=_UNREAD),
    Fault(
        "processes", "The process that mails is killed", _process_killed("notify"), _SHORT, may_repeat=True
    ),
    Fault("processes", "The dashboard is killed", _process_killed("web"), _SHORT, "no answer"),
    Fault(
        "processes",
        "All processes are killed at once",
        _process_killed("collect", "notify", "web"),
        _SHORT,
        "no answer",
        may_repeat=True,
    ),
    Fault(
        "processes",
        "One process after the other is killed",
        _process_killed_often("collect", "notify"),
        may_repeat=True,
    ),
    Fault("processes", "The process that reads is ended", _process_ended("collect"), _SHORT),
    Fault(
        "processes",
        "The process that reads hangs",
        _process_stopped("collect"),
        shows=f"{_UNREAD}|has not reported",
    ),
    Fault("processes", "The process that mails hangs", _process_stopped("notify")),
    Fault("processes", "Everything hangs", _process_stopped("collect", "notify", "web"), shows="no answer"),
    Fault("processes", "Everything runs twice by mistake", _second_of_all),
    Fault("processes", "The one that planned comes back after another took over", _leader_back),
    Fault(
        "processes",
        "The process that reads is out of descriptors",
        _limited("collect", "--nofile=12"),
        shows=_UNREAD,
    ),
    Fault("processes", "The process that mails is out of descriptors", _limited("notify", "--nofile=12")),
    Fault("processes", "The dashboard is out of descriptors", _limited("web", "--nofile=16")),
    Fault(
        "clock",
        "The clock of the reading process is an hour ahead",
        _clock("collect", 3600),
        shows=_WRONG_CLOCK,
    ),
    Fault(
        "clock",
        "The clock of the reading process is an hour behind",
        _clock("collect", -3600),
        shows=_WRONG_CLOCK,
    ),
    Fault(
        "clock",
        "The clock of the reading process is two days ahead",
        _clock("collect", 172_800),
        shows=_WRONG_CLOCK,
    ),
    Fault("clock", "The host is suspended for eight hours", _suspended, _SHORT),
    Fault("clock", "Daylight saving ends", _zone_changed, _SHORT),
    Fault("dashboard", "A hundred pages are open", _readers(100, read=True)),
    Fault("dashboard", "A hundred pages are open and read nothing", _readers(100, read=False)),
    Fault("dashboard", "Two hundred requests that never end", _slow_requests),
)
