"""The adaptive planner: who is read next, and how long anybody waits at most."""

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs.planning.change_rates import (
    DAY,
    NEVER,
    Accounts,
    Expectations,
    Learned,
    Positions,
    Prior,
    nothing_learned,
)
from jobs.planning.roster_priority import Ahead, Pick, PlannerRule, RosterPriority, rosters_by_list
from jobs.planning.sweep import Attempt, Sweep, due_from, next_attempt
from storage.model.core.coverage import BatchOutcome, WhyRead
from tests.support.samples.readings import MINUTE, T0

SIZE = 50


class World:
    """Accounts in base rosters of `SIZE`, each of which was read in its turn of the sweep that ends at 0."""

    def __init__(
        self,
        accounts: int,
        lists: Sequence[Sequence[int]] = (),
        every_s: float = np.inf,
        learned: Learned | None = None,
        sweep_s: float = DAY,
    ) -> None:
        self.base = [np.arange(i, min(i + SIZE, accounts)) for i in range(0, accounts, SIZE)]
        self.request_s = sweep_s / len(self.base)
        read_at = (np.arange(accounts) // SIZE - len(self.base)) * self.request_s
        known = Accounts(read_at.astype(np.float64), np.full(accounts, NEVER), np.zeros(accounts, np.int8))
        members = [np.array(one, np.intp) for one in lists]
        prior = Prior()
        self.expectations = Expectations(
            prior, known, dict(enumerate(members)), learned or nothing_learned(prior)
        )
        self.ahead = rosters_by_list(members, [every_s] * len(members), SIZE)
        self.planner = RosterPriority(PlannerRule(), self.expectations, self.base, self.ahead)

    def read(self, now: float, changed: Sequence[int] = (), closed: Sequence[int] = ()) -> Pick:
        """One request that is answered: which accounts are otherwise than before, and which are closed."""
        pick = self.planner.next(now)
        assert pick is not None
        who = self.planner.accounts_of(pick)
        self.see(who, now, changed, closed)
        self.planner.answered(pick, now)
        return pick

    def see(self, who: Positions, now: float, changed: Sequence[int], closed: Sequence[int]) -> None:
        self.expectations.saw(who, now, np.isin(who, changed), np.isin(who, closed).astype(np.int8))


@settings(max_examples=25)
@given(data=st.data())
def test_nobody_waits_longer_than_the_ceiling_whatever_changes(data: st.DataObject) -> None:
    rosters = data.draw(st.integers(1, 60), "rosters")
    accounts = rosters * SIZE - data.draw(st.integers(0, SIZE - 1), "fewer in the last one")
    random = np.random.default_rng(data.draw(st.integers(0, 2**32), "seed"))
    lists = [
        random.choice(accounts, min(accounts, int(n)), replace=False).tolist()
        for n in random.integers(1, 400, data.draw(st.integers(0, 8), "lists"))
    ]
    likely = data.draw(st.sampled_from([0.0, 0.001, 0.05, 0.5]), "share that changed at each reading")
    world = World(accounts, lists)
    oldest = 0.0
    closed = np.zeros(accounts, bool)
    now = full_s = DAY * min(SIZE, accounts) / accounts
    for _ in range(4 * rosters):
        pick = world.planner.next(now)
        assert pick is not None
        who = world.planner.accounts_of(pick)
        oldest = max(oldest, float((now - world.expectations.accounts.read_at[who]).max()))
        changed = random.random(len(who)) < likely
        closed[who] ^= changed
        world.expectations.saw(who, now, changed, closed[who].astype(np.int8))
        world.planner.answered(pick, now)
        now += DAY * len(who) / accounts
    assert oldest <= PlannerRule().ceiling_sweeps * DAY + full_s


BURST = range(0, 60 * SIZE, 30)
"""A list with a member or two in each base roster."""


def test_all_that_was_seen_counts_half_when_much_was_expected() -> None:
    world = World(60 * SIZE, [BURST])
    learned = nothing_learned(Prior())
    learned.expected = learned.seen = 200.0
    world = World(60 * SIZE, [BURST], learned=learned)
    who = np.array(BURST, np.intp)
    world.see(who[:2], 0.0, BURST, BURST)
    world.see(who[2:], 600.0, (), ())
    after = world.expectations.learned()
    assert after.seen == 100
    assert 100 < after.expected < 110


@given(
    sizes=st.lists(st.integers(0, 230), max_size=12),
    promised=st.lists(st.booleans(), min_size=12, max_size=12),
    size=st.integers(1, 100),
)
def test_every_member_of_a_list_stands_in_one_of_its_rosters(
    sizes: list[int], promised: list[bool], size: int
) -> None:
    starts = [sum(sizes[:i]) // 2 for i in range(len(sizes))]  # each shares some with the one before
    lists: list[Positions] = [np.arange(starts[i], starts[i] + n) for i, n in enumerate(sizes)]
    every = [60.0 if promised[i] else np.inf for i in range(len(lists))]
    rosters = rosters_by_list(lists, every, size)
    assert all(0 < len(r.accounts) <= size for r in rosters)
    for position, members in enumerate(lists):
        of_it = [r for r in rosters if position in r.lists]
        assert {int(a) for a in members} <= {int(a) for r in of_it for a in r.accounts}
        assert {r.every_s for r in of_it} <= {every[position]}


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


def _planner(rosters: int, promised_every_s: float) -> RosterPriority:
    """Rosters of one account, last read at 1, 3, 0, 2 and 2; each is a list as well."""
    accounts = Accounts(np.array([1.0, 3, 0, 2, 2]), np.full(rosters, -np.inf), np.zeros(rosters, np.int8))
    positions = [np.array([n], np.intp) for n in range(rosters)]
    prior = Prior()
    expectations = Expectations(prior, accounts, dict(enumerate(positions)), nothing_learned(prior))
    ahead = [Ahead(one, (n,), promised_every_s) for n, one in enumerate(positions)]
    return RosterPriority(PlannerRule(), expectations, positions, ahead)
