"""The adaptive planner: who is read next, and how long anybody waits at most."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from jobs.collect.monitor import AccountLocks
from jobs.planning.change_rates import (
    DAY,
    HOUR,
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
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import BatchOutcome, WhyRead
from tests.support.samples.readings import MINUTE, T0

SIZE = 50
OPEN, CLOSED = 0, 1


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


def test_without_signs_everybody_is_read_in_turn() -> None:
    world = World(20 * SIZE, [range(0, 1000, 7), range(0, 1000, 3)])
    picks = [world.read((n + 1) * world.request_s) for n in range(40)]
    assert picks == [Pick(WhyRead.TURN, n % 20) for n in range(40)]


BURST = range(0, 60 * SIZE, 30)
"""A list with a member or two in each base roster."""


def _after_a_burst(side: int) -> World:
    """Its first members were found changed, in their turn; all of the list is on the given side by then."""
    world = World(60 * SIZE, [BURST, range(1, 60 * SIZE, 30)])
    changed = BURST if side == CLOSED else ()
    for n in range(8):
        world.read((n + 1) * world.request_s, changed, changed)
    return world


def test_after_changes_in_a_list_its_others_go_ahead() -> None:
    world = _after_a_burst(CLOSED)
    picks = [world.read((n + 9) * world.request_s, BURST, BURST) for n in range(4)]
    ahead = [p for p in picks if p.why is WhyRead.AHEAD]
    assert ahead
    assert all(world.ahead[p.roster].lists == (0,) for p in ahead)


def test_without_changes_it_does_not() -> None:
    world = _after_a_burst(OPEN)
    picks = [world.read((n + 9) * world.request_s) for n in range(4)]
    assert {p.why for p in picks} == {WhyRead.TURN}


@pytest.mark.parametrize("in_last_roster", [2, SIZE])
def test_what_may_not_go_ahead_of_a_full_roster_may_not_go_ahead_of_the_rest_of_a_sweep(
    in_last_roster: int,
) -> None:
    world = World(40 * SIZE + in_last_roster, [range(0, 40 * SIZE, 2)])
    for n in range(40):
        if n == 36:  # a sign that has faded by the end
            world.see(np.array([0], np.intp), n * world.request_s, [0], [0])
        world.read((n + 1) * world.request_s, (), [0])
    assert world.read(41 * world.request_s) == Pick(WhyRead.TURN, 40)


@pytest.mark.parametrize("left_out_since", [0.0, -30 * DAY, -90 * DAY])
def test_a_member_whom_answers_leave_out_for_long_does_not_send_his_list_ahead_again_and_again(
    left_out_since: float,
) -> None:
    world = World(60 * SIZE, [BURST])
    who = world.expectations.accounts
    if left_out_since:
        who.read_at[BURST[-1]] = who.asked_at[BURST[-1]] = left_out_since
    world.see(np.array(BURST[:1], np.intp), 0.0, BURST[:1], BURST[:1])
    ahead = 0
    for n in range(60):
        pick = world.planner.next((n + 1) * world.request_s)
        assert pick is not None
        asked = world.planner.accounts_of(pick)
        answered = asked[asked != BURST[-1]] if left_out_since else asked
        world.see(answered, (n + 1) * world.request_s, (), BURST[:1])
        world.planner.answered(pick, (n + 1) * world.request_s)
        ahead += pick.why is WhyRead.AHEAD
    assert ahead <= 1


def test_those_just_found_blocked_are_not_read_again_for_it() -> None:
    world = World(60 * SIZE, [BURST])
    now = 60 * world.request_s
    who = np.array(BURST, np.intp)
    world.see(who[:80], now, BURST, BURST)
    rates = world.expectations.list_rates(now)[0]
    assert rates[OPEN] > 0
    assert rates[CLOSED] == 0


def test_a_change_that_is_not_confirmed_is_no_sign() -> None:
    world = World(60 * SIZE, [BURST])
    who = np.array([30, 60], np.intp)
    world.see(who, HOUR, [30, 60], [30, 60])
    world.expectations.withdrew(who, np.array([HOUR, HOUR]), np.array([OPEN, OPEN], np.int8))
    assert world.expectations.list_rates(HOUR).max() == 0


@pytest.mark.parametrize(
    ("seen_at", "left"),
    [
        pytest.param(-Prior().fading_s, 2 - 1 / np.e, id="what faded since is not taken back as well"),
        pytest.param(9 * HOUR, 1.0, id="what is not on record any more takes no more than one away"),
    ],
)
def test_no_more_is_taken_back_than_is_left_of_a_sign(seen_at: float, left: float) -> None:
    world = World(60 * SIZE, [BURST])
    who = np.array([30, 60], np.intp)
    world.see(who, 0.0, [30, 60], [30, 60])
    world.expectations.withdrew(who[:1], np.array([seen_at]), np.array([OPEN], np.int8))
    assert world.expectations.learned().lists[0].changes == pytest.approx([left, 0])


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


def test_signs_fade_within_a_night() -> None:
    world = World(60 * SIZE, [BURST])
    world.see(np.array([30, 60], np.intp), HOUR, [30, 60], [30, 60])
    assert world.expectations.list_rates(2 * HOUR).max() > 0
    assert world.expectations.list_rates(14 * HOUR).max() == 0


def test_signs_that_come_to_nothing_are_believed_less_and_those_that_come_true_more() -> None:
    def factor(came_true: bool) -> float:
        world = World(60 * SIZE, [BURST])
        first, rest = np.array(BURST[:2], np.intp), np.array(BURST[2:], np.intp)
        world.see(first, 0.0, BURST, BURST)
        world.see(rest, 600.0, BURST if came_true else (), BURST if came_true else ())
        return world.expectations.factor

    assert factor(came_true=False) < 1 < factor(came_true=True)


def test_what_is_under_way_is_not_asked_for_twice() -> None:
    planner = World(3 * SIZE).planner
    picks = [planner.next(60), planner.next(60), planner.next(60), planner.next(60)]
    assert picks == [*(Pick(WhyRead.TURN, n) for n in range(3)), None]


def test_a_roster_that_gave_nothing_waits_and_is_the_first_then() -> None:
    world = World(3 * SIZE)
    first = world.planner.next(60)
    assert first is not None
    assert first == Pick(WhyRead.TURN, 0)
    world.planner.wait(first, 120)
    assert [world.read(61), world.read(62)] == [Pick(WhyRead.TURN, 1), Pick(WhyRead.TURN, 2)]
    assert world.read(121) == first


def test_a_promised_list_is_read_when_it_is_due_and_not_before() -> None:
    world = World(60 * SIZE, [range(0, 600, 20)], every_s=2 * HOUR)
    who = np.arange(0, 600, 20)
    world.see(who, 0.0, (), ())
    assert world.planner.promised_from() == 2 * HOUR
    assert world.planner.promised(2 * HOUR - 1) is None
    pick = world.planner.promised(2 * HOUR)
    assert pick is not None
    assert set(world.planner.accounts_of(pick)) == set(who)
    assert world.planner.promised(2 * HOUR) is None  # it is under way
    world.see(who, 2 * HOUR, (), ())
    world.planner.answered(pick, 2 * HOUR)
    assert world.planner.promised_from() == 4 * HOUR


def test_a_member_that_answers_leave_out_does_not_make_its_list_due_again() -> None:
    """Else that list would be read without end, and no other promise kept."""
    world = World(60 * SIZE, [range(0, 600, 20)], every_s=2 * HOUR)
    world.see(np.arange(0, 600, 20), 0.0, (), ())
    pick = world.planner.promised(2 * HOUR)
    assert pick is not None
    world.see(np.arange(20, 600, 20), 2 * HOUR, (), ())
    world.planner.answered(pick, 2 * HOUR)
    assert world.planner.promised_from() == 4 * HOUR


def test_a_clock_that_is_set_back_leaves_what_was_learned() -> None:
    world = World(60 * SIZE, [BURST])
    first, rest = np.array(BURST[:20], np.intp), np.array(BURST[20:], np.intp)
    world.see(np.array(BURST, np.intp), 99 * DAY, (), ())
    world.see(first, 100 * DAY, BURST, BURST)
    before = world.expectations.learned()
    world.see(rest, 0.0, (), ())
    after = world.expectations.learned()
    assert np.all(np.array(after.looked_s) >= np.array(before.looked_s))
    assert after.lists[0].changes == before.lists[0].changes
    assert np.isfinite(world.expectations.worth(rest, 0.0, world.expectations.list_rates(0.0))).all()


def test_promises_come_beside_the_sweep_and_keep_nobody_waiting() -> None:
    world = World(60 * SIZE, [range(0, 3000, 2)], every_s=60)
    for n in range(120):
        now = (n + 1) * world.request_s
        while (pick := world.planner.promised(now)) is not None:
            world.see(world.planner.accounts_of(pick), now, (), ())
            world.planner.answered(pick, now)
        assert world.read(now) == Pick(WhyRead.TURN, n % 60)


def test_what_was_learned_is_the_same_after_it_was_stored() -> None:
    world = _after_a_burst(CLOSED)
    learned = world.expectations.learned()
    stored = TypeAdapter(Learned).validate_python(json.loads(json.dumps(asdict(learned))))
    assert stored == learned
    again = World(60 * SIZE, [BURST, range(1, 60 * SIZE, 30)], learned=stored)
    now = 9 * world.request_s
    assert np.allclose(again.expectations.list_rates(now), world.expectations.list_rates(now))
    assert again.expectations.factor == world.expectations.factor


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


@pytest.mark.parametrize(
    ("rosters", "share"),
    [
        pytest.param(1, 1.0, id="of one roster nothing can go ahead"),
        pytest.param(12, 13 / (12 * 10 / 7), id="one request can be saved up where there are few"),
        pytest.param(2000, 2010 / (2000 * 10 / 7), id="seven of ten where there are many"),
    ],
)
def test_how_much_goes_in_turn(rosters: int, share: float) -> None:
    assert World(rosters * SIZE).planner.share_in_turn == pytest.approx(share)


def test_a_roster_of_several_small_lists_goes_ahead_for_each_of_them() -> None:
    rosters = rosters_by_list([np.arange(5), np.arange(5, 9)], [np.inf, np.inf], SIZE)
    assert [(r.lists, len(r.accounts)) for r in rosters] == [((0, 1), 9)]
    assert isinstance(rosters[0], Ahead)


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
