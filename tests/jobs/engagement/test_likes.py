"""What is kept of likes: each once, and since when they can be seen or not, and why."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from collectors.core.abilities import Follows
from collectors.core.collector import RequestFailure
from collectors.x.declaration import X
from collectors.x.wire.follows import MOST_FOLLOWS
from jobs.base.clock import SimulatedClock
from jobs.engagement.follows import FollowsPoller
from jobs.engagement.likes import LikesPoller
from storage.executives.signals import add_executive
from storage.model.core.availability import MissedReason
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import MINUTE, T0, FakeCollector
from tests.support.samples.x_answers import body
from tests.support.simulated.scripted_x import OWNER, plain, reader, scripted

EVERY = timedelta(minutes=15)
ACCESS = """
    select native_id, since, observable, reason from signal_access join account using (account_id)
    order by since, native_id
"""
LIKES = "select native_id, made_at, first_seen_at from signal where kind = 'like' order by signal_id"


async def rows(pool: Pool, query: str) -> list[tuple[Any, ...]]:
    async with transaction(pool) as conn:
        return [tuple(r) for r in await conn.fetch(query)]


async def with_executives(pool: Pool, *native_ids: str) -> None:
    async with transaction(pool) as conn:
        for native_id in native_ids:
            await add_executive(conn, X, native_id, f"h{native_id}", "Name", "Title", T0)


@pytest.mark.parametrize(
    ("script", "want"),
    [
        pytest.param(plain(403, b"{}"), [False], id="a refusal is kept"),
        pytest.param(plain(401, b"{}"), [False], id="a revoked authorisation is kept"),
        pytest.param(plain(503, b"<html>"), [], id="an outage says nothing of access"),
        pytest.param(plain(429, b"{}"), [], id="a rate limit says nothing of access"),
        pytest.param(plain(402, b"{}"), [], id="used up credits say nothing of access"),
        pytest.param(plain(200, body(meta={"result_count": 0})), [True], id="no likes are an answer"),
    ],
)
async def test_only_an_answer_about_access_changes_what_is_kept_of_it(
    script: Callable[[web.BaseRequest], web.Response], want: Sequence[bool], pool: Pool
) -> None:
    await with_executives(pool, OWNER)
    async with scripted(script) as server, reader(server.base_url) as x:
        poller = LikesPoller(pool, X, {OWNER: x}, EVERY, lambda: T0)
        await poller.load()
        await poller.tick()
        due = poller.next_due()
        await poller.tick()
        assert len(server.asked) == 1
    assert due == T0 + EVERY
    assert [row[2] for row in await rows(pool, ACCESS)] == want
    assert await rows(pool, LIKES) == []


DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

SIGNALS = "select kind, target_id from signal order by first_seen_at, kind, target_id"
FOLLOWS = "select target_id, last_absent, first_seen, last_seen, first_absent from follow order by 1, 3"
FOLLOWS_ACCESS = "select since, observable from signal_access where kind = 'follow' order by since"


class Reader(FakeCollector):
    """Lists at our own seam: `says` is what the next readings give."""

    most_follows = MOST_FOLLOWS

    def __init__(self) -> None:
        super().__init__()
        self.says: list[Follows | RequestFailure] = []
        self.stated: int | RequestFailure | None = 3
        self.counted = 0

    async def follows(self, native_id: str, now: datetime) -> Follows | RequestFailure:
        return self.says.pop(0)

    async def following_counts(
        self, native_ids: Sequence[str], now: datetime
    ) -> dict[str, int] | RequestFailure:
        self.counted += 1
        if isinstance(self.stated, RequestFailure):
            return self.stated
        return {} if self.stated is None else dict.fromkeys(native_ids, self.stated)


def listed(*targets: int, complete: bool = True, trouble: RequestFailure | None = None) -> Follows:
    return Follows(tuple((str(t), "h") for t in targets), complete, trouble)


def trouble(
    at: datetime, reason: MissedReason = MissedReason.UPSTREAM, wait: timedelta = MINUTE
) -> RequestFailure:
    return RequestFailure(reason, "", at + wait, breaker=False)


@pytest.fixture
async def scene(pool: Pool) -> tuple[Reader, FollowsPoller, SimulatedClock]:
    async with transaction(pool) as conn:
        await add_executive(conn, X, "310000001", "h", "Name", "Title", T0)
    clock, reader = SimulatedClock(T0), Reader()
    poller = FollowsPoller(pool, reader, reader, DAY, clock)
    await poller.load()
    return reader, poller, clock


Scene = tuple[Reader, FollowsPoller, SimulatedClock]


async def after(
    scene: Scene, pool: Pool, second: Follows | RequestFailure
) -> tuple[list[Any], datetime | None]:
    """The signals after a baseline of 1, 2, 3 and, a day later, what `second` says; when the next is due."""
    reader, poller, clock = scene
    reader.says = [listed(1, 2, 3), second]
    await poller.tick()
    clock.set(T0 + DAY)
    await poller.tick()
    assert reader.says == []
    return await rows(pool, SIGNALS), poller.next_due()


@pytest.mark.parametrize(
    ("second", "next_hours"),
    [
        pytest.param(
            listed(1, complete=False, trouble=trouble(T0 + DAY)), 1, id="cut short: again in an hour"
        ),
        pytest.param(listed(1, complete=False), 24, id="X could not show somebody: again tomorrow"),
        pytest.param(trouble(T0 + DAY), 1, id="nothing came: again in an hour"),
        pytest.param(trouble(T0 + DAY, wait=2 * HOUR), 2, id="nothing came: again when X said"),
        pytest.param(trouble(T0 + DAY, MissedReason.ACCESS), 24, id="not shown: again tomorrow"),
    ],
)
async def test_any_other_reading_is_not_compared(
    second: Follows | RequestFailure, next_hours: int, scene: Scene, pool: Pool
) -> None:
    assert await after(scene, pool, second) == ([], T0 + DAY + next_hours * HOUR)
    assert await rows(pool, "select at, follows from follow_reading") == [(T0, 3)]


async def test_a_list_beyond_what_may_be_spent_is_not_read_at_all(scene: Scene, pool: Pool) -> None:
    reader, poller, clock = scene
    reader.stated = MOST_FOLLOWS + 1
    await poller.tick()
    clock.set(T0 + HOUR)
    await poller.tick()
    assert reader.counted == 1
    assert await rows(pool, FOLLOWS_ACCESS) == [(T0, False)]


async def test_where_x_states_no_count_because_it_is_down_nothing_is_read(scene: Scene, pool: Pool) -> None:
    reader, poller, _ = scene
    reader.stated = trouble(T0)
    await poller.tick()
    assert poller.next_due() == T0 + HOUR
    assert await rows(pool, FOLLOWS) == []
