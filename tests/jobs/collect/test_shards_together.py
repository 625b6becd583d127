"""Two leaders, each with a shard of the accounts of one platform, do together what one would do."""

import asyncio
from collections.abc import AsyncGenerator, Collection, Mapping
from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from collectors.bluesky.wire.jetstream import EventKind, StreamEvent
from collectors.core.collector import CanaryCandidate, CollectorAnswer, RequestFailure
from collectors.x.declaration import X
from jobs.collect.event_stream import EventListener
from jobs.collect.load_accounts import load_accounts
from jobs.collect.monitor import Monitor
from jobs.collect.vantages import VantageReader
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.local_requester import TimedAnswer
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching, watch_version
from storage.accounts.canaries import set_canaries
from storage.model.core.accounts import AccountId
from storage.model.core.availability import MissedReason, State, Status
from storage.model.core.platform_request import Question
from storage.model.core.shards import Shard
from storage.postgres.pool import Pool, transaction
from storage.readings import stream_cursors
from storage.readings.rosters import get_or_make
from tests.support.pipelines.monitor import CANARIES, CHANGES, SWEEP, World
from tests.support.samples.readings import (
    AVAILABLE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    FakeCollector,
    minutes,
)

A, W, N = AVAILABLE, WITHHELD_IN, NOT_FOUND
READ_OTHER_THAN_ONCE = """
    select a.native_id from account a
    left join (
        select account_id from coverage_row c join roster r using (roster_id)
        cross join lateral unnest(r.account_ids) as account_id
        where r.base and c.outcome = 0 and r.vantage = '{vantage}'
    ) readings using (account_id)
    where a.watched group by a.native_id having count(readings) <> 1
"""


class Two(World):
    """The monitors of both shards. What one leader finds out, the other takes up before its next tick."""

    async def begin(self, accounts: int, *lists: str) -> None:
        await self.enlist([str(n) for n in range(1, accounts + 1)], lists)
        self.monitors = [await self.start(shard=Shard(index, 2)) for index in range(2)]

    async def tick(self) -> None:
        for monitor in self.monitors:
            await monitor.follow_others()
            await monitor.tick()

    async def run_all(self, until: datetime) -> None:
        while True:
            await self.tick()
            due = min(monitor.next_due() for monitor in self.monitors)
            due = max(due, self.clock() + timedelta(seconds=1))
            if due > until:
                break
            self.clock.set(due)
        self.clock.set(until)

    def own(self, index: int) -> Mapping[str, AccountId]:
        """The accounts of a shard, by the platform's own id."""
        return {a.native_id: i for i, a in self.monitors[index].accounts().items()}

    async def edited(self, since: int) -> Collection[AccountId]:
        """Both leaders load what was edited: which accounts these are."""
        async with transaction(self.pool) as conn:
            version = await watch_version(conn, since)
        for monitor in self.monitors:
            await monitor.load(version.edited)
        assert version.edited is not None
        return version.edited

    async def version(self) -> int:
        async with transaction(self.pool) as conn:
            return (await watch_version(conn, 0)).number


@pytest.fixture
async def two(pool: Pool) -> Two:
    return Two(pool)


async def test_every_account_is_asked_once_and_each_request_has_the_control_accounts_once(two: Two) -> None:
    await two.begin(250)
    await two.tick()
    asked = [native_id for request in two.platform.asked for native_id in request]
    canaries = [native_id for native_id, _, _ in CANARIES]
    assert sorted(i for i in asked if i not in canaries) == sorted(str(n) for n in range(1, 251))
    assert [asked.count(i) for i in canaries] == [len(two.platform.asked)] * 2
    # As many requests as each shard needs for its own accounts, which are 98 in a request.
    assert len(two.platform.asked) == sum(-(-len(two.own(index)) // 98) for index in range(2))


async def test_control_accounts_that_one_shard_chose_are_not_chosen_again_by_the_other(two: Two) -> None:
    await two.begin(20)
    two.platform.spare = tuple(CanaryCandidate(i, f"s{i}", Status.AVAILABLE) for i in ("902", "903"))
    first, second = two.monitors
    await first.canaries.tick()
    await second.follow_others()
    assert two.platform.asked == [("902", "903")]
    await second.canaries.tick()
    assert two.platform.asked == [("902", "903")]


async def test_a_control_account_that_really_changed_is_retired_once_and_both_shards_read_on(
    two: Two,
) -> None:
    async with transaction(two.pool) as conn:
        more = [(str(n), f"stable_{n}", Status.AVAILABLE) for n in (902, 903)]
        await set_canaries(conn, X, [*CANARIES, *more], T0)
    await two.begin(40)
    await two.run_all(minutes(1))
    two.platform.truth["900"] = SUSPENDED
    await two.run_all(minutes(300))
    assert await two.rows("select count(*) from canary where retired_at is not null") == [(1,)]
    two.platform.truth |= {str(n): W for n in range(1, 41)}
    await two.run_all(minutes(500))
    confirmed = [(native_id, outcome) for native_id, _, _, outcome, _ in await two.rows(CHANGES)]
    assert sorted(confirmed) == sorted((str(n), "confirmed") for n in range(1, 41))


async def test_a_pause_of_the_platform_and_its_end_reach_the_other_shard(two: Two) -> None:
    await two.begin(20)
    first, second = two.monitors
    two.platform.trouble = RequestFailure(MissedReason.RATE_LIMITED, "later", minutes(15), breaker=True)
    await first.tick()
    asked = len(two.platform.asked)
    await second.follow_others()
    await second.tick()
    assert len(two.platform.asked) == asked
    assert second.next_due() >= minutes(15)
    two.platform.trouble = None
    two.clock.set(minutes(16))
    await first.tick()
    await second.follow_others()
    await second.tick()
    assert {a for request in two.platform.asked[asked:] for a in request} >= {*two.own(0), *two.own(1)}


async def test_each_change_is_confirmed_once_by_the_shard_of_its_account(two: Two) -> None:
    await two.begin(40, "Desk")
    await two.run_all(minutes(1))
    two.platform.truth |= {str(n): W for n in range(1, 41)}
    await two.run_all(minutes(200))
    assert sorted(await two.rows(CHANGES)) == sorted(
        (str(n), "block", "withheld", "confirmed", "enough_strong") for n in range(1, 41)
    )


async def test_a_change_that_one_shard_confirmed_makes_its_list_active_for_the_other(two: Two) -> None:
    await two.begin(40, "Desk")
    await two.run_all(minutes(1))
    blocked, gone = min(two.own(0)), min(two.own(1))
    two.platform.truth |= {blocked: W, gone: N}
    await two.run_all(minutes(300))
    reasons = {native_id: reason for native_id, _, _, _, reason in await two.rows(CHANGES)}
    assert reasons == {blocked: "enough_strong", gone: "cohort_active"}


async def take_in(two: Two, monitor: Monitor, at: float, native_id: str, state: State) -> None:
    """Hand an answer about one account to a leader, as another worker would."""
    two.platform.truth[native_id] = state
    asked = (native_id, *(i for i, _, _ in CANARIES))
    answer: CollectorAnswer = await two.platform.read(asked, minutes(at))
    async with transaction(two.pool) as conn:
        rows = await conn.fetch("select native_id, account_id from account")
        numbers = {r["native_id"]: AccountId(r["account_id"]) for r in rows}
        controls = [numbers[i] for i, _, _ in CANARIES]
        roster = await get_or_make(conn, X, [numbers[native_id]], controls, T0, base=False)
    question = Question(X, "", "", roster.roster_id, minutes(at), 7, asked, urgent=False, base_url="")
    two.clock.set(max(two.clock(), minutes(at)))
    await monitor.take_in(question, TimedAnswer(answer, minutes(at), minutes(at)))


async def test_what_a_late_answer_of_one_shard_corrects_in_the_other_is_loaded_by_its_leader(
    two: Two,
) -> None:
    await two.begin(20, "Desk")
    blocked, gone = min(two.own(0)), min(two.own(1))
    first, second = two.monitors
    for at, state in ((0, A), (30, N), (32, N), (46, N)):
        await take_in(two, second, at, gone, state)
    await take_in(two, first, 0, blocked, A)
    await take_in(two, first, 50, blocked, A)
    since = await two.version()
    for at in (10, 20):  # late, and they confirm a change on the list before minute 46
        await take_in(two, first, at, blocked, W)
    assert (gone, "gone", "not_found", "confirmed", "cohort_active") in await two.rows(CHANGES)
    assert await two.edited(since) == {two.own(1)[gone]}
    async with transaction(two.pool) as conn:
        stored = await load_accounts(conn, X, ConfirmationRule(), [two.own(1)[gone]])
    assert second.known(two.own(1)[gone]) == stored[0].known


async def test_an_edit_of_a_list_reaches_the_shard_of_the_account(two: Two) -> None:
    await two.begin(20)
    await two.tick()
    asked, since = len(two.platform.asked), await two.version()
    async with transaction(two.pool) as conn:
        await add_accounts(
            conn, [NewAccount(X, str(n), f"h{n}", ("Desk",)) for n in (21, 22, 23)], two.clock()
        )
        await stop_watching(conn, X, "1", two.clock())
    assert len(await two.edited(since)) == 4
    assert sorted([*two.own(0), *two.own(1)], key=int) == [str(n) for n in range(2, 24)]
    two.clock.set(minutes(1))
    await two.tick()
    read = [a for request in two.platform.asked[asked:] for a in request]
    assert [read.count(str(n)) for n in (1, 21, 22, 23)] == [0, 1, 1, 1]


class Stream:
    """Sends one event about an account to whoever listens for it."""

    most_accounts = 100

    def __init__(self, about: str) -> None:
        self._about = about
        self.listeners = 0

    def cursor_at(self, at: datetime) -> str:
        return "from the beginning"

    def covers(self, cursor: str, now: datetime) -> bool:
        return True

    async def events(self, native_ids: Collection[str], cursor: str | None) -> AsyncGenerator[StreamEvent]:
        self.listeners += 1
        if self._about in native_ids:
            yield StreamEvent(self._about, EventKind.ACCOUNT, T0, "after the event")
        await asyncio.Event().wait()


async def test_an_event_moves_the_position_of_the_shard_of_its_account_alone(two: Two) -> None:
    await two.begin(20)
    stream = Stream(about=min(two.own(1)))
    listeners = [EventListener(two.pool, X, stream, monitor, two.clock) for monitor in two.monitors]
    running = [asyncio.ensure_future(listener.run()) for listener in listeners]
    for listener in listeners:
        listener.renew()
    positions: list[str] = []
    while (
        "after the event" not in positions or stream.listeners < 2
    ):  # the test's own time limit is the bound
        await asyncio.sleep(0.01)
        async with transaction(two.pool) as conn:
            found = [await stream_cursors.position(conn, X, index) for index in range(2)]
        positions = [one.cursor for one in found if one is not None]
    for one in running:
        one.cancel()
        with suppress(asyncio.CancelledError):
            await one
    assert positions == ["from the beginning", "after the event"]


async def test_from_a_vantage_point_each_shard_reads_its_own_accounts(two: Two) -> None:
    await two.begin(250)
    there = FakeCollector()
    there.truth["901"] = SUSPENDED
    await two.tick()
    for monitor in two.monitors:
        elsewhere = VantageReader(two.pool, there, "tr", monitor, SWEEP, two.clock)
        await elsewhere.load()
        await elsewhere.tick()
    for vantage in ("", "tr"):
        assert await two.rows(READ_OTHER_THAN_ONCE.format(vantage=vantage)) == []
