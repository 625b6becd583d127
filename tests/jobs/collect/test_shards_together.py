"""Two leaders, each with a shard of the accounts of one platform, do together what one would do."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import pytest

from collectors.core.collector import CanaryCandidate, CollectorAnswer, RequestFailure
from collectors.x.declaration import X
from jobs.collect.load_accounts import load_accounts
from jobs.collect.monitor import Monitor
from jobs.collect.vantages import VantageReader
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.local_requester import TimedAnswer
from storage.accounts.accounts import watch_version
from storage.model.core.accounts import AccountId
from storage.model.core.availability import MissedReason, State, Status
from storage.model.core.platform_request import Question
from storage.model.core.shards import Shard
from storage.postgres.pool import Pool, transaction
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


async def test_control_accounts_that_one_shard_chose_are_not_chosen_again_by_the_other(two: Two) -> None:
    await two.begin(20)
    two.platform.spare = tuple(CanaryCandidate(i, f"s{i}", Status.AVAILABLE) for i in ("902", "903"))
    first, second = two.monitors
    await first.canaries.tick()
    await second.follow_others()
    assert two.platform.asked == [("902", "903")]
    await second.canaries.tick()
    assert two.platform.asked == [("902", "903")]


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
