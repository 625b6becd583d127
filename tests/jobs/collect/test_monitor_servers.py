"""Servers of one platform fail alone, are asked apart, and have control accounts of their own."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from collectors.core.collector import CollectorAnswer, RequestFailure
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.model.core.availability import Missed, MissedReason, Status
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import CHANGES, World
from tests.support.samples.readings import MINUTE, SUSPENDED, T0, FakeCollector, minutes


class Servers(FakeCollector):
    """Accounts are named `server/number`; servers in `down` do not answer."""

    def __init__(self) -> None:
        super().__init__()
        self.down: set[str] = set()

    def place(self, native_id: str) -> str:
        return native_id.partition("/")[0]

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        places = {self.place(i) for i in native_ids}
        assert len(places) == 1, "accounts of two servers in one request"
        if places & self.down:
            trouble = RequestFailure(MissedReason.NETWORK, "no answer", now + MINUTE, breaker=False)
            self.asked.append(tuple(native_ids))
            missed = tuple(Missed(i, now, MissedReason.NETWORK) for i in native_ids)
            return CollectorAnswer((), missed, (), trouble)
        return await super().read(native_ids, now)


@pytest.fixture
async def world(pool: Pool) -> World:
    ids = [f"{server}/{n}" for server in ("one", "two") for n in range(5)]
    world = World(pool, Servers())
    async with transaction(pool) as conn:
        canaries = [(f"{s}/c", f"c@{s}", Status.AVAILABLE) for s in ("one", "two")]
        await set_canaries(conn, X, canaries, T0, world.platform.place)
        await add_accounts(conn, [NewAccount(X, i, i.replace("/", "@"), ("all",)) for i in ids], T0)
    return world


async def test_each_server_is_asked_alone_with_its_own_control_account(world: World) -> None:
    await world.run(await world.start(), minutes(1))
    assert sorted(sorted(asked) for asked in world.platform.asked) == [
        [*(f"{s}/{n}" for n in range(5)), f"{s}/c"] for s in ("one", "two")
    ]


async def test_a_server_that_is_down_does_not_block_other_servers(world: World) -> None:
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    assert isinstance(world.platform, Servers)
    world.platform.down = {"one"}
    world.platform.truth["two/3"] = SUSPENDED
    await world.run(monitor, minutes(500))
    assert await world.rows(CHANGES) == [("two/3", "block", "suspended", "confirmed", "enough_strong")]
    states = await world.rows("select place, healthy, reason from collector_state")
    assert states == [("one", False, "network")]


async def test_a_server_that_recovers_is_read_again_and_nothing_was_invented(world: World) -> None:
    monitor = await world.start()
    await world.run(monitor, minutes(1))
    assert isinstance(world.platform, Servers)
    world.platform.down = {"one"}
    await world.run(monitor, minutes(300))
    world.platform.down = set()
    world.platform.truth["one/1"] = SUSPENDED
    await world.run(monitor, minutes(600))
    assert await world.rows(CHANGES) == [("one/1", "block", "suspended", "confirmed", "enough_strong")]
    assert await world.rows("select last_seen_old from change where kind = 'block'") == [(minutes(0),)]
    assert await world.rows("select healthy from collector_state where place = 'one'") == [(True,)]


async def test_a_server_with_more_accounts_than_one_request_takes_gets_more_rosters(pool: Pool) -> None:
    world = World(pool, Servers())
    world.platform.batch_size = 40
    async with transaction(pool) as conn:
        ids = [f"{server}/{n}" for server, count in (("one", 90), ("two", 1)) for n in range(count)]
        await add_accounts(conn, [NewAccount(X, i, i) for i in ids], T0)
    await world.run(await world.start(), minutes(1))
    assert sorted(len(asked) for asked in world.platform.asked) == [1, 10, 40, 40]
