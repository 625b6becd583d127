"""A monitor that takes in answers late, or while others were under way, holds what the database tells."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from jobs.collect.load_accounts import load_accounts
from jobs.collect.monitor import Monitor
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.local_requester import TimedAnswer
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.accounts import AccountId
from storage.model.core.availability import State
from storage.model.core.known_state import Known
from storage.model.core.platform_request import Question
from storage.postgres.errors import Unreachable
from storage.postgres.locks import Lock
from storage.postgres.pool import Pool, transaction
from storage.readings import evidence
from storage.readings.rosters import get_or_make
from tests.support.pipelines.monitor import World
from tests.support.samples.alerts import tell_by
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, minutes

A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND
CANARIES = ("900", "901")
EAGER = AlertRule(("desk@example.org",), match=Match(provisional=True))

CHANGES = """
    select native_id, c.status, last_seen_old, first_seen_new, outcome
    from standing_change c join account using (account_id) left join change_outcome using (change_id)
    where c.kind <> 'baseline' order by first_seen_new, native_id
"""


@dataclass
class Desk(World):
    """A monitor whose answers are handed to it, in whatever order."""

    monitor: Monitor = field(init=False)

    async def begin(self, *ids: str, lists: tuple[str, ...] = ()) -> None:
        await self.enlist(ids, lists)
        self.monitor = await self.start()

    async def take_in(
        self,
        asked: float,
        at: float,
        states: dict[str, State],
        *,
        handles: dict[str, str] | None = None,
        left_out: Sequence[str] = (),
    ) -> None:
        """An answer about these accounts that was asked for and arrived at these minutes."""
        self.platform.truth |= states
        self.platform.handles, self.platform.silent = handles or {}, set(left_out)
        ids = (*states, *CANARIES)
        answer: CollectorAnswer = await self.platform.read(ids, minutes(asked))
        async with transaction(self.pool) as conn:
            rows = await conn.fetch("select native_id, account_id from account")
            numbers = {r["native_id"]: AccountId(r["account_id"]) for r in rows}
            roster = await get_or_make(
                conn,
                X,
                [numbers[i] for i in states],
                [numbers[i] for i in CANARIES],
                T0,
                base=False,
            )
        question = Question(X, "", "", roster.roster_id, minutes(at), 7, ids, False, "")
        self.clock.set(max(self.clock(), minutes(at)))
        await self.monitor.take_in(question, TimedAnswer(answer, minutes(asked), minutes(at)))

    async def loaded(self) -> dict[str, Known]:
        async with transaction(self.pool) as conn:
            found = await load_accounts(conn, X, ConfirmationRule())
        return {w.account.native_id: w.known for w in found}

    def held(self) -> dict[str, Known | None]:
        return {a.native_id: self.monitor.known(i) for i, a in self.monitor.accounts().items()}


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    return Desk(pool)


async def test_an_answer_that_is_late_for_one_account_still_counts_for_the_others(desk: Desk) -> None:
    await desk.begin("1", "2", "3")
    await tell_by(desk.pool, EAGER)
    await desk.take_in(0, 1, {"1": A, "2": A, "3": A}, handles={"2": "h2"})
    await desk.take_in(50, 51, {"3": W})
    await desk.take_in(60, 62, {"1": A})
    await desk.take_in(59, 61, {"1": A, "2": W, "3": A}, handles={"2": "another"}, left_out=["3"])
    assert await desk.rows("select old_handle, new_handle, first_seen_new from rename") == [
        ("h2", "another", minutes(61))
    ]
    assert await desk.rows(
        """
        select a.native_id, al.stage from alert al join change using (change_id)
        join account a using (account_id) order by 1
        """
    ) == [("2", "provisional"), ("3", "provisional")]
    kept = await desk.pool.fetchval(
        """
        select old_evidence from change c join account using (account_id)
        where native_id = '2' and c.kind = 'block'
        """
    )
    async with transaction(desk.pool) as conn:
        assert await evidence.load(conn, kept) == b"2: answer of " + minutes(0).isoformat().encode()
    ((read_again,),) = await desk.rows(
        "select next_read_at from pending_change join account using (account_id) where native_id = '3'"
    )
    assert read_again == minutes(63.5), "it was left out, so it is asked again later"
    assert desk.held() == await desk.loaded()


async def test_an_answer_counts_for_those_of_its_accounts_that_are_still_watched(desk: Desk) -> None:
    await desk.begin("1", "2")
    await desk.take_in(0, 1, {"1": A, "2": A})
    async with transaction(desk.pool) as conn:
        await stop_watching(conn, X, "h1", minutes(5))
    await desk.monitor.load()
    await desk.take_in(10, 11, {"1": S, "2": S})
    assert await desk.rows(CHANGES) == [("2", "suspended", minutes(0), minutes(11), None)]
    assert await desk.rows("select answered from coverage order by observed_at") == [(None,), (b"\x02",)]
    assert desk.held() == await desk.loaded()


async def test_a_change_that_an_answer_opened_ends_if_the_account_left_the_watch_after_it(desk: Desk) -> None:
    """It is taken over only when the account is watched again."""
    await desk.begin("1")
    await desk.take_in(0, 1, {"1": A})
    async with transaction(desk.pool) as conn:
        await stop_watching(conn, X, "h1", minutes(20))
        await add_accounts(conn, [NewAccount(X, "1", "h1")], minutes(30))
    desk.clock.set(minutes(30))
    await desk.monitor.load()
    await desk.take_in(9, 10, {"1": W})
    assert desk.held() == await desk.loaded()
    await desk.take_in(40, 41, {"1": W})
    assert await desk.rows(
        "select first_seen_new, reason from change left join change_outcome using (change_id)"
        " where kind = 'block' order by 1"
    ) == [(minutes(10), "no_longer_watched"), (minutes(41), None)]


async def test_a_process_that_lost_its_lock_records_no_late_answer(desk: Desk, dsn: str) -> None:
    await desk.begin("1")
    await desk.take_in(0, 1, {"1": A})
    lock = Lock(dsn, "monitor of x")
    await lock.take(1)
    desk.monitor = await desk.start(fence=lock.fence)
    await desk.take_in(10, 12, {"1": A})
    await lock.let_go()
    with pytest.raises(Unreachable, match="does not hold the lock"):
        await desk.take_in(5, 6, {"1": W})
    assert await desk.rows("select observed_at from coverage order by 1") == [(minutes(1),), (minutes(12),)]
