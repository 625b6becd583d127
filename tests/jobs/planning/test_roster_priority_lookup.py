"""Who is due is looked up without a look at everybody, and is who a look at everybody would find."""

import asyncio

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from jobs.collect.monitor import AccountLocks
from jobs.planning.change_rates import Accounts, Expectations, Prior, nothing_learned
from jobs.planning.roster_priority import Ahead, Pick, PlannerRule, RosterPriority
from jobs.planning.sweep import Attempt, Sweep, due_from, next_attempt
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import BatchOutcome, WhyRead
from tests.support.samples.readings import MINUTE, T0

SWEEP = Sweep(20 * MINUTE, T0)


@given(
    slot=st.integers(0, 100),
    number=st.integers(0, 4),
    took=st.integers(0, 30),
    outcome=st.sampled_from(BatchOutcome),
)
def test_the_first_time_at_which_an_attempt_is_due_is_reckoned_at_once(
    slot: int, number: int, took: int, outcome: BatchOutcome
) -> None:
    last = Attempt(T0 + slot * MINUTE, number, T0 + (slot + took) * MINUTE, outcome)

    first = due_from(SWEEP, last)

    assert next_attempt(SWEEP, last, first).at <= first
    before = [last.slot + n * MINUTE for n in range(60) if last.slot + n * MINUTE < first]
    assert [now for now in before if next_attempt(SWEEP, last, now).at <= now] == []


@given(st.lists(st.tuples(st.sampled_from(["next", "answered", "wait", "hold"]), st.integers(0, 40))))
def test_the_one_that_waits_longest_is_next_whatever_came_before(story: list[tuple[str, int]]) -> None:
    """A hold is of one that is not under way, as a ceiling asks for."""
    planner, since, until = _planner(5, promised_every_s=np.inf), [1.0, 3, 0, 2, 2], [-np.inf] * 5
    now, picked = 100.0, list[Pick]()
    for what, n in story:
        now += n
        free = [who for who in range(5) if until[who] <= now]
        if what == "next":
            pick = planner.next(now)
            expected = min(free, key=lambda who: since[who], default=None)
            assert (None if pick is None else pick.roster) == expected
            if pick is not None:
                until[pick.roster] = np.inf
                picked.append(pick)
        elif what == "hold" and until[n % 5] < np.inf:
            planner.wait(Pick(WhyRead.TURN, n % 5), now + n)
            until[n % 5] = now + n
        elif what in {"answered", "wait"} and picked:
            pick = picked.pop(0)
            if what == "answered":
                planner.answered(pick, now)
                since[pick.roster], until[pick.roster] = now, -np.inf
            else:
                planner.wait(pick, now + n)
                until[pick.roster] = now + n
        assert [planner.is_under_way(Pick(WhyRead.TURN, who)) for who in range(5)] == [
            at == np.inf for at in until
        ]


@given(st.lists(st.tuples(st.sampled_from(["promised", "answered", "wait", "free"]), st.integers(0, 40))))
def test_the_promise_that_is_due_first_is_kept_first_whatever_came_before(
    story: list[tuple[str, int]],
) -> None:
    planner, since, until = _planner(5, promised_every_s=30), [1.0, 3, 0, 2, 2], [-np.inf] * 5
    now, picked = 20.0, list[Pick]()
    for what, n in story:
        now += n
        due = [max(until[who], since[who] + 30) for who in range(5)]
        assert planner.promised_from() == min(due)
        if what == "promised":
            pick = planner.promised(now)
            assert (None if pick is None else pick.roster) == (
                due.index(min(due)) if min(due) <= now else None
            )
            if pick is not None:
                until[pick.roster] = np.inf
                picked.append(pick)
        elif what == "free" and until[n % 5] < np.inf:
            planner.wait(Pick(WhyRead.AHEAD, n % 5), -np.inf)
            until[n % 5] = -np.inf
        elif what in {"answered", "wait"} and picked:
            pick = picked.pop(0)
            if what == "answered":
                planner.answered(pick, now)
                since[pick.roster], until[pick.roster] = now, -np.inf
            else:
                planner.wait(pick, now + n)
                until[pick.roster] = now + n


async def test_answers_about_one_account_are_taken_in_one_after_the_other() -> None:
    in_hand, told = AccountLocks(), list[str]()

    async def take_in(name: str, ids: list[int]) -> None:
        async with in_hand.holding([AccountId(i) for i in ids]):
            told.append(f"{name} begins")
            for _ in range(3):
                await asyncio.sleep(0)
            told.append(f"{name} ends")

    async with asyncio.timeout(100), asyncio.TaskGroup() as group:
        for name, ids in (("turn", [1, 2]), ("ahead", [2, 3]), ("other", [4])):
            group.create_task(take_in(name, ids))

    assert told.index("turn ends") < told.index("ahead begins")
    assert told.index("other begins") < told.index("turn ends")


def _planner(rosters: int, promised_every_s: float) -> RosterPriority:
    """Rosters of one account, last read at 1, 3, 0, 2 and 2; each is a list as well."""
    accounts = Accounts(np.array([1.0, 3, 0, 2, 2]), np.full(rosters, -np.inf), np.zeros(rosters, np.int8))
    positions = [np.array([n], np.intp) for n in range(rosters)]
    prior = Prior()
    expectations = Expectations(prior, accounts, dict(enumerate(positions)), nothing_learned(prior))
    ahead = [Ahead(one, (n,), promised_every_s) for n, one in enumerate(positions)]
    return RosterPriority(PlannerRule(), expectations, positions, ahead)
