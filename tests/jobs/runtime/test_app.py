"""An installation that runs: real clock, scheduler, sockets, database, dashboard; only X is a simulator."""

import asyncio
import os
import shutil
import signal
import tempfile
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import aiohttp
import pytest

from collectors.bluesky.simulator.labeler import SimulatedLabeler
from collectors.bluesky.simulator.labeler_app import serve_labeler
from collectors.simulator.history import History, HistoryAccount
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.simulator import X_CANARIES
from jobs.base.clock import SimulatedClock, system_clock
from jobs.base.errors import CommandError
from jobs.config.database import database
from jobs.config.settings import Settings, load_settings, settings_from
from jobs.runtime.app import ProcessRole, running
from jobs.runtime.evidence_retention import keep_to_lists
from jobs.runtime.loop_scheduler import Loop, scheduled
from jobs.runtime.maintenance import MaintenanceTask
from jobs.runtime.replay_process import TrialTurns
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.evidence_retention import list_rules, set_rule
from storage.model.core.accounts import Account
from storage.postgres.pool import Conn, Pool, StorageError, open_pool, transaction
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.samples.label_signing import KEY, LABELER, POST, SUBJECT
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN
from tests.support.seeds.changes import become, enlist, roster_of

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def account(native_id: str, handle: str) -> HistoryAccount:
    states = (AVAILABLE, SUSPENDED)
    times = (LONG_AGO, LONG_AGO + timedelta(days=1))
    return HistoryAccount(X, native_id, times, states, (LONG_AGO,), (handle,))


def settings(dsn: str, x_url: str, tmp_path: Path) -> Settings:
    return settings_from(
        {
            "database_url": dsn,
            "data_dir": tmp_path,
            "x_bearer_token": "simulated",
            "x_base_url": x_url,
            "x_canaries": [f"{c.native_id}:{c.handles[0]}:{c.states[0].status}" for c in X_CANARIES],
            "auth": "none",
            "port": 0,
        }
    )


async def until(pool: Pool, query: str, wanted: object) -> None:
    """Wait until the query gives what is wanted; the test's own time limit is the bound."""
    while True:
        with suppress(StorageError):
            async with transaction(pool) as conn:
                if await conn.fetchval(query) == wanted:
                    return
        await asyncio.sleep(0.05)


async def watch(pool: Pool, native_id: str) -> None:
    """Put an account on the watch, as soon as the database takes it."""
    while True:
        with suppress(StorageError):
            async with transaction(pool) as conn:
                await add_accounts(conn, [NewAccount(X, native_id, "h")], LONG_AGO)
                return
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_it_reads_serves_and_takes_up_accounts_that_are_added_while_it_runs(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    told = History((account("1", "first"), account("2", "second"), *X_CANARIES))
    async with serve_x(told, now=datetime.now(UTC)) as x:  # noqa: TID251 - a running installation has the real time
        await watch(pool, "1")
        async with running(settings(dsn, x.base_url, tmp_path), dsn, list(ProcessRole)) as said:
            await until(pool, "select count(*) from pending_change", 1)
            await watch(pool, "2")
            await until(pool, "select count(*) from pending_change", 2)
            address = next(s for s in said if s.startswith("Dashboard on ")).removeprefix("Dashboard on ")
            async with aiohttp.ClientSession() as session, session.get(f"{address}/healthz") as answer:
                assert answer.status == 200
        async with transaction(pool) as conn:
            assert await conn.fetchval("select count(*) from coverage where outcome <> 0") == 0
            assert await conn.fetchval("select count(*) from change where status <> 'suspended'") == 0


@pytest.mark.slow
async def test_a_second_process_reads_for_the_first_and_plans_when_that_ends(
    pool: Pool, dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "jobs")
    told = History((account("1", "first"), account("2", "second"), *X_CANARIES))
    async with serve_x(told, now=datetime.now(UTC)) as x:  # noqa: TID251 - as above
        wanted = settings(dsn, x.base_url, tmp_path)
        async with AsyncExitStack() as first, AsyncExitStack() as second:
            await first.enter_async_context(running(wanted, dsn, [ProcessRole.COLLECT]))
            await second.enter_async_context(running(wanted, dsn, [ProcessRole.COLLECT]))
            await until(pool, "select count(*) from worker", 2)
            await watch(pool, "1")
            await until(pool, "select count(*) from coverage_row where outcome = 0", 1)
            await first.aclose()
            await until(pool, "select count(*) from worker", 1)
            await watch(pool, "2")
            await until(pool, "select count(*) > 1 from coverage_row where outcome = 0", True)
    assert "Another process is the leader for X." in caplog.text
    assert "This process is now the leader for X" in caplog.text


@pytest.mark.slow
async def test_it_goes_on_after_its_database_server_was_killed() -> None:
    told = History((account("1", "first"), account("2", "second"), *X_CANARIES))
    folder = Path(tempfile.mkdtemp(prefix="blockline-tests-"))
    folder.chmod(0o755)  # the server's user has to enter it
    try:
        async with serve_x(told, now=datetime.now(UTC)) as x:  # noqa: TID251 - as above
            wanted = settings("", x.base_url, folder).model_copy(update={"database_url": None})
            with database(wanted) as dsn:
                async with running(wanted, dsn, [ProcessRole.COLLECT]), open_pool(dsn) as pool:
                    await watch(pool, "1")
                    await until(pool, "select count(*) from pending_change", 1)
                    server = int((folder / "postgres/pgdata/postmaster.pid").read_text().splitlines()[0])
                    os.kill(server, signal.SIGKILL)
                    await watch(pool, "2")
                    await until(pool, "select count(*) from pending_change", 2)
    finally:
        shutil.rmtree(folder)


async def test_the_start_warns_of_secrets_that_others_can_read(
    dsn: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "blockline.toml"
    file.write_text(f"database_url = '{dsn}'", encoding="utf-8")
    warning = f"Every user of this machine can read {file}, which contains database_url."
    for mode, is_warned in ((0o600, False), (0o644, True)):
        file.chmod(mode)
        async with running(load_settings(file, {}), dsn, []):
            assert (warning in caplog.text) is is_warned


async def test_labels_of_labelers_are_collected_if_the_settings_say_so(
    pool: Pool, dsn: str, tmp_path: Path
) -> None:
    labeler = SimulatedLabeler(LABELER, KEY, LONG_AGO)
    labeler.put(SUBJECT, "!hide", LONG_AGO)
    labeler.put(POST, "!hide", LONG_AGO, forged=True)
    async with serve_labeler(labeler) as server:
        of_labels = {
            "database_url": dsn,
            "data_dir": tmp_path,
            "platforms": ["bluesky"],
            "bluesky_app_view": server.base_url,
            "bluesky_plc": server.base_url,
            "bluesky_jetstream": "",
            "bluesky_labelers": {"TR": LABELER},
            "auth": "none",
            "port": 0,
        }
        async with running(
            settings_from(of_labels | {"bluesky_collect_labels": True}), dsn, list(ProcessRole)
        ):
            await until(pool, "select listed_at is not null and seq = 2 from labeler", wanted=True)
            await until(pool, "select count(*) from refused_label", 1)
            await until(pool, "select string_agg(subject, ' ') from label", SUBJECT)
        async with running(settings_from(of_labels), dsn, list(ProcessRole)):
            await until(pool, "select ended_at is not null from labeler", wanted=True)


async def test_a_trial_that_is_cancelled_or_fails_gives_up_its_turn() -> None:
    turns = TrialTurns(1)

    async def failing() -> None:
        async with turns.turn("Asha"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await failing()
    waiting = asyncio.Event()

    async def stuck() -> None:
        async with turns.turn("Asha"):
            await waiting.wait()

    task = asyncio.ensure_future(stuck())
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(5), turns.turn("Asha"):
        assert not waiting.is_set()


HOUR = timedelta(hours=1)
AT = time(2, 40)


class DailyTask:
    """It keeps when it was done."""

    def __init__(self, clock: SimulatedClock) -> None:
        self.done: list[datetime] = []
        self._clock = clock
        self.task = MaintenanceTask("A task", AT, self._last, self._work)

    async def _last(self, _: Conn) -> datetime | None:
        return self.done[-1] if self.done else None

    async def _work(self) -> None:
        await asyncio.sleep(0.1)
        self.done.append(self._clock())


async def test_of_several_processes_one_does_it_each_day(pool: Pool, dsn: str) -> None:
    clock = SimulatedClock(T0)
    daily = DailyTask(clock)
    for at in (T0, T0 + HOUR, T0 + 3 * HOUR, T0 + 23 * HOUR, T0 + 27 * HOUR):
        clock.set(at)
        await asyncio.gather(*(daily.task.turn(dsn, pool, clock) for _ in range(3)))
    assert daily.done == [T0, T0 + 3 * HOUR, T0 + 27 * HOUR]


async def test_one_that_fails_is_tried_again_before_its_next_day(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "jobs")
    tried, mended = 0, asyncio.Event()

    async def work() -> None:
        nonlocal tried
        tried += 1
        if tried < 3:
            raise CommandError("The authority does not answer.")
        mended.set()

    loop = Loop("Anchoring the chain", work, None, (0.1, 0.2))
    at = (system_clock() - HOUR).time()
    async with scheduled([], daily=[(loop, at)]):
        await mended.wait()
        await asyncio.sleep(0)
    assert [r.getMessage() for r in caplog.records] == [
        "Anchoring the chain failed: The authority does not answer.",
        "Anchoring the chain recovered after 0 s",
    ]


DAY = timedelta(days=1)


async def rule(conn: Conn, name: str, days: int | None) -> None:
    found = {r.name: r.list_id for r in await list_rules(conn)}
    await set_rule(conn, found[name], days)


async def blocked(conn: Conn, native_id: str, lists: tuple[str, ...], day: int, said: bytes) -> Account:
    """An account that was withheld on that day, with two pieces of evidence."""
    (one,) = await enlist(conn, X, [native_id], lists)
    roster = await roster_of(conn, [one])
    await become(conn, roster, one, None, AVAILABLE, T0 + day * DAY - timedelta(hours=1))
    await become(conn, roster, one, AVAILABLE, WITHHELD_IN, T0 + day * DAY, evidence=said)
    return one


async def kept(conn: Conn) -> set[str]:
    """The accounts whose evidence is there."""
    rows = await conn.fetch(
        """
        select a.native_id from change c join account a using (account_id)
        join evidence e on e.sha256 = c.new_evidence where e.packed is not null
        """
    )
    return {r[0] for r in rows}


async def test_a_run_logs_a_row_a_list_and_says_once_what_expired(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    async with transaction(pool) as conn:
        await blocked(conn, "1", ("short",), 0, b"one")
        await blocked(conn, "2", ("ever",), 0, b"two")
        await rule(conn, "short", 10)
    caplog.set_level("INFO", "jobs")
    for days in (11, 12):
        await keep_to_lists(pool, T0 + days * DAY)
    assert [r.message for r in caplog.records] == [
        "2 pieces of evidence removed, as the retention of the lists requires; the hashes are kept."
    ]
    async with transaction(pool) as conn:
        log = await conn.fetch("select at, days, pieces from retention_log order by at")
    assert [tuple(r) for r in log] == [(T0 + 11 * DAY, 10, 2), (T0 + 12 * DAY, 10, 0)]


@pytest.fixture
def command(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    """Commands on an installation of its own with two lists, one of an order."""
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    ran = blockline(capsys)
    (tmp_path / "a.csv").write_text("platform,handle,account_id,list\nx,alpha,1001,desk\nx,beta,1002,order\n")
    (tmp_path / "o.csv").write_text(
        "reference,title,issuer,country,legal_basis,issued_at,deadline_at,named_count,list\n"
        "R/1,Order,Court,IN,Act,2021-02-01T00:00:00Z,,1,order\n"
    )
    assert ran("accounts", "import", "a.csv").code == 0
    assert ran("orders", "import", "o.csv").code == 0
    return ran


def test_lists_say_how_long_they_keep_and_can_be_told(command: Blockline) -> None:
    told = command("lists", "retention", "desk", "90d")
    assert (told.code, told.err) == (0, "")
    assert told.said == [
        "The evidence of the accounts on the list desk is kept for 90 days, or longer if another of "
        "their lists requires it. Hashes, statuses, changes and times are always kept."
    ]
    listed = {row["name"]: row["evidence_days"] for row in command("lists", "--json").json["lists"]}
    assert listed == {"desk": 90, "order": None}
    assert "90 days" in command("lists").out
    assert command("lists", "retention", "desk", "forever").said == [
        "The evidence of the accounts on the list desk is kept without a limit."
    ]
    assert "90 days" not in command("lists").out


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nobody", "90d"), "There is no list 'nobody'; there are: desk, order."),
        (("desk", "90"), "'90' is not a retention time. Write 1d to 36500d, or forever."),
        (
            ("order", "1094d"),
            "The list order belongs to the order R/1, whose evidence is kept at least 1095 days. "
            "Nothing was changed.",
        ),
    ],
)
def test_a_retention_that_cannot_be_is_one_sentence(
    command: Blockline, arguments: tuple[str, ...], sentence: str
) -> None:
    ran = command("lists", "retention", *arguments)
    assert (ran.code, ran.out, ran.err) == (1, "", f"{sentence}\n")
