"""What became of the accounts of an order: counted from the readings, with what they leave open."""

from dataclasses import replace
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.model.core.accounts import AccountId, ListId
from storage.model.core.availability import EVERYWHERE, Spell, State, Status
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.orders import Claim, ClaimedWhat, Order, OrderEvent, OrderEventKind
from storage.model.orders.claims import Verdict, checked
from storage.model.orders.cohort import (
    CohortMember,
    Kind,
    Stay,
    by_first_block,
    by_part,
    funnel,
    kind_in,
)
from storage.model.orders.curve import curve, step_at
from storage.model.orders.restoration import BlockedFor, BlockEnd, durations
from tests.support.samples.orders import HOUR
from tests.support.samples.readings import (
    AVAILABLE,
    MINUTE,
    NOT_FOUND,
    PROTECTED,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    minutes,
)

GAP = 40 * MINUTE
NOW = minutes(1_000)
TURKEY = State(Status.WITHHELD, ("TR",))
ORDER = Order(
    1, "IN-1", "Order 1", "Ministry", "IN", "69A", minutes(100), None, None, minutes(400), 10, ListId(1), T0
)


def member(
    *steps: tuple[float, State], account_id: int = 1, last: float = 1_000, gaps: tuple[Gap, ...] = ()
) -> CohortMember:
    """An account whose states were first seen at these minutes; each change lies in the 15 before."""
    stays: list[Stay] = []
    for n, (at, state) in enumerate(steps):
        until = minutes(steps[n + 1][0]) if n + 1 < len(steps) else None
        after = minutes(at - 15) if n else None
        stays.append(Stay(kind_in("IN", state), state, frozenset(), after, minutes(at), until))
    seen = Seen(minutes(last), gaps)
    handle = f"account_{account_id}"
    return CohortMember(AccountId(account_id), X, handle, True, T0, tuple(stays), seen)


QUIET = member((0, AVAILABLE))
BLOCKED = member((0, AVAILABLE), (200, WITHHELD_IN))
BACK = member((0, AVAILABLE), (200, WITHHELD_IN), (500, AVAILABLE))
TWICE = member((0, AVAILABLE), (200, WITHHELD_IN), (300, SUSPENDED), (500, AVAILABLE), (600, SUSPENDED))
GONE = member((0, AVAILABLE), (200, WITHHELD_IN), (500, NOT_FOUND))
LEFT = member((0, AVAILABLE), (200, NOT_FOUND))
BEFORE = member((0, WITHHELD_IN))
NEVER = replace(QUIET, stays=(), seen=Seen(None, ()))


@pytest.mark.parametrize(
    ("rule", "at", "blocked", "low", "high", "unread"),
    [
        ("before the last contrary reading nothing is possible", 184, 0, 0, 0, 0),
        ("between the two readings it may have begun", 190, 0, 0, 1, 0),
        ("from the first reading it is certain", 200, 1, 1, 1, 0),
        ("after the last reading of the block it may have ended", 490, 1, 0, 1, 0),
        ("from the first other reading it is over", 500, 0, 0, 0, 0),
        ("in a silence nothing is checked", 750, 0, 0, 0, 1),
        ("a block that nobody looked at is not certain", 350, 1, 0, 1, 1),
    ],
)
def test_the_band_holds_whatever_the_readings_leave_open(
    rule: str, at: float, blocked: int, low: int, high: int, unread: int
) -> None:
    gaps = (Gap(minutes(300), minutes(400)), Gap(minutes(700), minutes(800)))
    who = replace(BACK, seen=Seen(NOW, gaps))
    step = step_at(curve([who], T0, NOW, GAP), minutes(at))
    assert step is not None
    assert (step.blocked, step.certain, step.possible, step.unread) == (blocked, low, high, unread), rule


STATES = (AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND, TURKEY, PROTECTED)


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(0, 60), st.sampled_from(STATES)),
            min_size=1,
            max_size=6,
            unique_by=lambda s: s[0],
        ),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, 1_000),
)
def test_at_any_moment_the_line_lies_in_the_band_and_equals_a_count_by_hand(
    drawn: list[list[tuple[int, State]]], moment: int
) -> None:
    people = [
        member(*((16.0 * at, state) for at, state in sorted(steps, key=lambda s: s[0])), account_id=n)
        for n, steps in enumerate(drawn)
    ]
    at = minutes(moment)
    step = step_at(curve(people, T0, NOW, GAP), at)
    assert step is not None
    assert step.certain <= step.blocked <= step.possible
    by_hand = [m.at(at) for m in people]
    assert step.blocked == sum(s is not None and s.kind.is_block for s in by_hand)
    assert step.withheld + step.suspended == step.blocked


@given(st.permutations([QUIET, BLOCKED, BACK, TWICE, GONE, LEFT, BEFORE, NEVER]))
def test_the_order_of_the_members_is_irrelevant(people: list[CohortMember]) -> None:
    numbered = [replace(m, handle=f"h{n}") for n, m in enumerate([QUIET, BLOCKED, BACK, TWICE])]
    shuffled = numbered[:]
    Random(1).shuffle(shuffled)
    assert [m.handle for m in by_first_block(shuffled, T0)] == ["h1", "h2", "h3", "h0"]
    either = (funnel(by_part(ORDER, those, NOW, GAP), 5, 0) for those in (people, people[::-1]))
    assert next(either) == next(either)
    assert curve(people, T0, NOW, GAP) == curve(people[::-1], T0, NOW, GAP)


def event(at: float, claim: Claim | None) -> OrderEvent:
    return OrderEvent(
        1, 1, OrderEventKind.CLAIM, minutes(at), None, None, "said", "press", minutes(at), claim
    )


TEN = [replace(QUIET, account_id=AccountId(n)) for n in range(7)] + [
    replace(BLOCKED, account_id=AccountId(8)),
    replace(BACK, account_id=AccountId(9)),
    replace(LEFT, account_id=AccountId(10)),
]


@pytest.mark.parametrize(
    ("rule", "people", "at", "claim", "found"),
    [
        ("what was read of all who are named, and agrees, is borne out", TEN, 300,
         Claim(2, 10, ClaimedWhat.BLOCKED), (2, 2, 0, Verdict.BORNE_OUT)),
        ("acted upon may mean those who are gone: two or three", TEN, 300,
         Claim(3, 10, ClaimedWhat.ACTED_ON), (2, 3, 0, Verdict.UNDECIDED)),
        ("acted upon may count those who are back by then", TEN, 600,
         Claim(2, 10, ClaimedWhat.ACTED_ON), (1, 3, 0, Verdict.UNDECIDED)),
        ("more than there can have been is said to be so", TEN, 300,
         Claim(5, 10, ClaimedWhat.ACTED_ON), (2, 3, 0, Verdict.FEWER_POSSIBLE)),
        ("fewer than were seen is said to be so", TEN, 300,
         Claim(1, 10, ClaimedWhat.BLOCKED), (2, 2, 0, Verdict.MORE_SEEN)),
        ("at least so many is borne out by more", TEN, 300,
         Claim(1, 10, ClaimedWhat.BLOCKED, at_least=True), (2, 2, 0, Verdict.BORNE_OUT)),
        ("whom nobody watches leaves it open", TEN[:8], 300,
         Claim(3, 10, ClaimedWhat.BLOCKED), (1, 1, 2, Verdict.UNDECIDED)),
        ("restored are those that were blocked and are back", TEN, 600,
         Claim(1, 10, ClaimedWhat.RESTORED), (1, 1, 0, Verdict.BORNE_OUT)),
        ("in the interval of a restoration it may or may not have been", TEN, 490,
         Claim(1, 10, ClaimedWhat.RESTORED), (0, 1, 0, Verdict.UNDECIDED)),
        ("in the interval of a block it may or may not have been", TEN, 190,
         Claim(2, 10, ClaimedWhat.WITHHELD), (0, 2, 0, Verdict.UNDECIDED)),
        ("available is counted as it was read", TEN, 300,
         Claim(7, 10, ClaimedWhat.AVAILABLE), (7, 7, 0, Verdict.BORNE_OUT)),
    ],
)  # fmt: skip
def test_a_claim_is_held_against_the_readings_of_its_moment(
    rule: str, people: list[CohortMember], at: float, claim: Claim, found: tuple[object, ...]
) -> None:
    result = checked(ORDER, event(at, claim), people, GAP)
    assert result is not None
    assert (result.low, result.high, result.unobserved, result.verdict) == found, rule


_SOMEHOW = member((0, AVAILABLE), (200, SUSPENDED))
UNSURE = replace(
    _SOMEHOW,
    platform=MASTODON,
    stays=(_SOMEHOW.stays[0], replace(_SOMEHOW.stays[1], kind=Kind.SUSPENDED_OR_DELETED)),
)
THROUGH_GONE = member((0, AVAILABLE), (200, SUSPENDED), (400, NOT_FOUND), (600, AVAILABLE))
WIDER = member((0, AVAILABLE), (200, WITHHELD_IN), (300, State(Status.WITHHELD, ("IN", "US"))))


@pytest.mark.parametrize(
    ("rule", "who", "at", "what", "found"),
    [
        ("who is suspended or deleted may be suspended", UNSURE, 300, ClaimedWhat.SUSPENDED, (0, 1)),
        ("and so may be blocked", UNSURE, 300, ClaimedWhat.BLOCKED, (0, 1)),
        ("one that came back after it was gone is restored", THROUGH_GONE, 700, ClaimedWhat.RESTORED, (1, 1)),
        ("one that is surely blocked again is not restored", TWICE, 650, ClaimedWhat.RESTORED, (0, 0)),
        ("more countries beside it leave it withheld", WIDER, 290, ClaimedWhat.WITHHELD, (1, 1)),
        ("what was blocked and is back may be called acted upon", BACK, 700, ClaimedWhat.ACTED_ON, (0, 1)),
    ],
)
def test_a_claim_is_called_impossible_only_when_it_is(
    rule: str, who: CohortMember, at: float, what: ClaimedWhat, found: tuple[int, int]
) -> None:
    result = checked(ORDER, event(at, Claim(1, 10, what)), [who], GAP)
    assert result is not None
    assert (result.low, result.high) == found, rule


def test_who_is_blocked_now_only_by_the_last_reading_is_told_apart() -> None:
    stale = member((0, AVAILABLE), (200, WITHHELD_IN), last=300)
    told = funnel(by_part(ORDER, [BLOCKED, stale], NOW, GAP), 2, 0)
    assert (told.blocked_now, told.blocked_stale) == (2, 1)


def test_from_a_reading_that_contradicts_it_on_a_block_is_not_certain() -> None:
    doubted = replace(BLOCKED, doubted_from=minutes(900))
    step = step_at(curve([doubted], T0, NOW, GAP), minutes(950))
    assert step is not None
    assert (step.certain, step.possible) == (0, 1)


def test_what_was_never_looked_at_by_us_is_never_certain() -> None:
    imported = replace(BLOCKED, seen=Seen(None, ()))
    assert {(s.certain, s.unread) for s in curve([imported], T0, NOW, GAP)} == {(0, 1)}


ABROAD = State(Status.WITHHELD, ("TR",))
BOTH = State(Status.WITHHELD, ("IN", "TR"))
ANYWHERE = State(Status.WITHHELD, (EVERYWHERE,))


def story(*states: tuple[float | None, float, State]) -> list[Spell]:
    """Spells of account 7: hours of the last contrary and of the first agreeing reading, and the state."""
    return [
        Spell(7, state, None if after is None else T0 + after * HOUR, T0 + since * HOUR, None)
        for after, since, state in states
    ]


RESTORED, STILL, RESTORATION_GONE = BlockEnd.RESTORED, BlockEnd.STILL_BLOCKED, BlockEnd.GONE
FREE_FIRST = (None, 0, AVAILABLE)
Row = tuple[float, float | None, float | None, BlockEnd]
"""Hours: at least, at most, between the readings around the beginning."""


@pytest.mark.parametrize(
    ("spells", "told"),
    [
        pytest.param([], [], id="who was never read was never blocked"),
        pytest.param(story(FREE_FIRST), [], id="who was always free was never blocked"),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN), (10, 13, AVAILABLE)),
            [(8, 12, 1, RESTORED)],
            id="at least from the first reading of the block to the last, at most between the ones around",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN), (2, 3, AVAILABLE)),
            [(0, 2, 1, RESTORED)],
            id="a block that one reading saw lasted for no known time, and less than two gaps",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN)),
            [(18, None, 1, STILL)],
            id="a block that goes on lasted until it was seen last",
        ),
        pytest.param(
            story((None, 2, WITHHELD_IN), (10, 13, AVAILABLE)),
            [(8, None, None, RESTORED)],
            id="a block that was there at the first look has no upper end, though it ended",
        ),
        pytest.param(
            story((1, 2, WITHHELD_IN), (10, 13, AVAILABLE)),
            [(8, None, None, RESTORED)],
            id="what was before the first spell that is told is not known",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN), (5, 6, SUSPENDED), (10, 13, AVAILABLE)),
            [(8, 12, 1, RESTORED)],
            id="withheld and then suspended is one blocked time",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, WITHHELD_IN), (5, 6, BOTH), (7, 8, ABROAD)),
            [(5, 7, 1, RESTORED)],
            id="who is withheld elsewhere only is restored in the country",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, ABROAD), (5, 6, ANYWHERE), (8, 9, PROTECTED)),
            [(2, 4, 1, RESTORED)],
            id="withheld everywhere is withheld in the country, and an owner's lock is no block",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, SUSPENDED), (4, 5, AVAILABLE), (6, 8, SUSPENDED)),
            [(2, 4, 1, RESTORED), (12, None, 2, STILL)],
            id="a block after a restoration is a second one",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, SUSPENDED), (4, 5, NOT_FOUND), (6, 8, AVAILABLE)),
            [(2, None, 1, RESTORATION_GONE)],
            id="a blocked account that vanishes is not restored, nor when it is found again",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, SUSPENDED), (4, 5, NOT_FOUND), (6, 8, SUSPENDED), (9, 10, AVAILABLE)),
            [(2, None, 1, RESTORATION_GONE), (1, None, None, RESTORED)],
            id="blocked when found again: it may have been so all the time",
        ),
        pytest.param(
            story(FREE_FIRST, (1, 2, NOT_FOUND), (4, 5, SUSPENDED), (9, 10, AVAILABLE)),
            [(4, 9, 4, RESTORED)],
            id="a block after a free account vanished began after it was last seen free",
        ),
    ],
)
def test_a_blocked_time_is_bounded_by_the_readings_around_it(spells: list[Spell], told: list[Row]) -> None:
    found = durations(reversed(spells), {7: T0 + 20 * HOUR}, "A 1", "IN")

    hours = [None if t is None else t * HOUR for row in told for t in row[:3]]
    assert [t for d in found for t in (d.shortest, d.longest, d.start_width)] == hours
    assert [d.end for d in found] == [end for *_, end in told]
    assert {(d.account_id, d.order) for d in found} <= {(7, "A 1")}


@pytest.mark.parametrize(
    ("shortest", "longest", "width", "end"),
    [
        pytest.param(2, 1, 1, RESTORED, id="at most less than at least"),
        pytest.param(-1, 1, 1, RESTORED, id="less than no time"),
        pytest.param(1, 2, -1, RESTORED, id="it began before it began"),
        pytest.param(1, 2, None, RESTORED, id="an upper end without a beginning"),
        pytest.param(1, 2, 1, STILL, id="an upper end of what is not over"),
        pytest.param(1, None, 1, RESTORED, id="no upper end of what was seen to begin and end"),
    ],
)
def test_what_no_readings_can_tell_is_refused(
    shortest: int, longest: int | None, width: int | None, end: BlockEnd
) -> None:
    upper, start = (None if n is None else n * HOUR for n in (longest, width))
    with pytest.raises(ValueError, match="account 1: "):
        BlockedFor(1, None, shortest * HOUR, upper, start, end)
