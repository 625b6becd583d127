"""Several processes with one token, or at one address, never ask more than it allows them."""

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.app import serve_bluesky
from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.simulator.app import serve_mastodon
from collectors.simulator.history import History, settled
from collectors.simulator.history_conversion import recast
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from jobs.base.clock import SimulatedClock
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.local_requester import LocalRequester
from jobs.dispatch.request_slots import RequestSlots
from jobs.dispatch.shared_rate_limits import SharedBudgets
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.accounts import Platform
from storage.model.limits.rate_limits import UNPACED, NotBefore
from storage.postgres.pool import Pool, borrowed, transaction
from tests.support.pipelines.monitor import SWEEP, World
from tests.support.samples.mastodon_answers import ALICE, account
from tests.support.samples.readings import AVAILABLE, MINUTE, T0
from tests.support.simulated.scripted_mastodon import Hang, collector, ok, scripted

HISTORY = History((settled(X, "10001", [(T0 - MINUTE, AVAILABLE, "alice")]),))


class Server(Protocol):
    base_url: str

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]: ...

    def set_clock(self, now: datetime) -> None: ...


def serve(platform: Platform, history: History, limit: int) -> AbstractAsyncContextManager[Server]:
    if platform is X:
        return serve_x(history, now=T0, limit=limit)
    if platform is BLUESKY:
        return serve_bluesky(history, now=T0, limit=limit)
    return serve_mastodon(history, now=T0, limit=limit)


def used(platform: Platform, server: Server) -> int:
    """Requests that the platform counted against the limit, refused ones too."""
    name = {X: "users", BLUESKY: "com.atproto.repo.listRecords", MASTODON: "accounts"}[platform]
    return server.counts.get(name, {}).get("requests", 0)


@asynccontextmanager
async def workers(n: int, *arguments: str) -> AsyncGenerator[list[Process]]:
    async with AsyncExitStack() as stack:
        made: list[Process] = []
        for _ in range(n):
            command = [sys.executable, "-m", "tests.support.processes.rate_limit_worker", *arguments]
            process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
            stack.push_async_callback(ended, process)
            made.append(process)
        yield made


async def ended(process: Process) -> None:
    if process.returncode is None:
        process.kill()
    await process.wait()


async def tell(processes: Sequence[Process], now: datetime) -> None:
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(f"{now.isoformat()}\n".encode())
        await process.stdin.drain()


async def heard(processes: Sequence[Process]) -> list[dict[str, int]]:
    said: list[dict[str, int]] = []
    for process in processes:
        assert process.stdout is not None
        said.append(json.loads(await process.stdout.readline()))
    return said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("platform", "n", "limit"),
    [(X, 2, 60), (X, 4, 90), (BLUESKY, 2, 16), (BLUESKY, 4, 20), (MASTODON, 2, 22)],
)
async def test_processes_together_use_the_limit_of_a_window_and_no_more(
    platform: Platform, n: int, limit: int, dsn: str
) -> None:
    history = recast(HISTORY, platform)
    native_id = history.accounts[0].native_id
    host = urlsplit(native_id).netloc
    async with (
        serve(platform, history, limit) as server,
        workers(n, dsn, platform.value, server.base_url, native_id, host) as all_of_them,
    ):
        for window in (1, 2):
            now = T0 + (window - 1) * 16 * MINUTE
            server.set_clock(now)
            await tell(all_of_them, now)
            said = await heard(all_of_them)
            assert not any("HTTP 429" in detail for one in said for detail in one)
            assert used(platform, server) == window * limit


async def test_a_budget_that_cannot_be_kept_is_told_once_and_so_is_that_it_can(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "jobs")
    budgets = SharedBudgets(pool, "a", SimulatedClock(T0))
    async with borrowed(pool) as conn:
        await conn.execute("alter table budget rename to gone")
    for _ in range(3):
        assert isinstance(await budgets.take("a", X, UNPACED), NotBefore)
    async with borrowed(pool) as conn:
        await conn.execute("alter table gone rename to budget")
    for _ in range(2):
        await budgets.take("a", X, UNPACED)
    first, again = caplog.messages
    assert first.startswith("Requests against the limit “a” cannot be counted, so only a few are made: ")
    assert again == "Counting of requests against the limit “a” recovered"


HOME = ALICE.host


async def is_full(slots: RequestSlots) -> bool:
    """Whether another request has to wait, longer than for one that hangs."""

    async def ask() -> None:
        async with slots.taken(of_one_server=False):
            pass

    waiting = asyncio.ensure_future(ask())
    await asyncio.wait([waiting], timeout=0.1)
    return waiting.cancel()


async def test_a_request_that_hangs_gives_its_slot_to_another_and_gives_it_once() -> None:
    slots = RequestSlots(1, hangs_after_s=0.01)
    hangs = partial(slots.taken, of_one_server=True)
    async with asyncio.timeout(100), hangs(), hangs(), hangs():
        pass
    assert not await is_full(slots)
    async with slots.taken(of_one_server=False):
        assert await is_full(slots)


async def test_servers_that_hang_keep_nobody_on_another_server_from_being_read(pool: Pool) -> None:
    """As many of them as requests run at once, each of which gets twenty seconds."""
    world = World(pool)
    hanging = tuple(f"h{n}.example" for n in range(9))
    async with transaction(pool) as conn:
        ids = [(f"https://{host}/users/a#1", f"a@{host}") for host in hanging] + [(ALICE.native_id, "alice")]
        await add_accounts(conn, [NewAccount(MASTODON, *one) for one in ids], T0)
    routes = {f"{host}/api/v1/accounts": Hang() for host in hanging}
    async with (
        scripted({**routes, f"{HOME}/api/v1/accounts": ok([account()])}) as server,
        collector(server, (HOME, *hanging)) as mastodon,
    ):
        requester = LocalRequester(mastodon, world.clock, 2, hangs_after_s=0.05)
        monitor = reading_pipeline(
            pool, mastodon, ConfirmationRule(), MonitorSettings(SWEEP), world.clock, requester
        )
        await monitor.load()
        async with asyncio.timeout(100):
            while not monitor.tally.readings:
                await monitor.step()
        await monitor.settled(0)
    assert await world.rows("select place, outcome from coverage join roster using (roster_id)") == [
        (HOME, 0)
    ]
