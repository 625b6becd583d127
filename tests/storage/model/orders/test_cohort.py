"""What became of the accounts of an order: counted from the readings, with what they leave open."""

from dataclasses import replace
from datetime import timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.model.core.accounts import AccountId, ListId
from storage.model.core.availability import Flag, State, Status
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.orders import Claim, ClaimedWhat, Order, OrderEvent, OrderEventKind
from storage.model.orders.claims import Verdict, checked
from storage.model.orders.cohort import (
    CohortMember,
    CohortPart,
    Kind,
    Stay,
    blocked_times,
    by_first_block,
    by_part,
    funnel,
    kind_in,
    shares,
)
from storage.model.orders.curve import curve, step_at
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
EVERYWHERE = State(Status.WITHHELD, ("XX",))
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
ENDED_BEFORE = member((0, WITHHELD_IN), (50, AVAILABLE))
ABROAD = member((0, AVAILABLE), (200, TURKEY))
NEVER = replace(QUIET, stays=(), seen=Seen(None, ()))


@pytest.mark.parametrize(
    ("state", "flags", "kind"),
    [
        (WITHHELD_IN, frozenset[Flag](), Kind.WITHHELD),
        (EVERYWHERE, frozenset[Flag](), Kind.WITHHELD),
        (TURKEY, frozenset[Flag](), Kind.WITHHELD_ELSEWHERE),
        (SUSPENDED, frozenset[Flag](), Kind.SUSPENDED),
        (SUSPENDED, frozenset({Flag.SUSPENDED_OR_DELETED}), Kind.SUSPENDED_OR_DELETED),
        (NOT_FOUND, frozenset[Flag](), Kind.NOT_FOUND),
        (PROTECTED, frozenset[Flag](), Kind.PROTECTED),
    ],
)
def test_only_what_the_platform_did_in_the_country_of_the_order_is_a_block(
    state: State, flags: frozenset[Flag], kind: Kind
) -> None:
    assert kind_in("IN", state, flags) is kind
    assert kind.is_block == (kind in {Kind.WITHHELD, Kind.SUSPENDED})


@pytest.mark.parametrize(
    ("rule", "who", "times"),
    [
        ("an account that was never blocked has no such time", QUIET, []),
        ("a block that lasts has no end", BLOCKED, [(185, 200, None, None)]),
        ("an end lies between the last reading of the block and the first of something else", BACK,
         [(185, 200, 485, 500)]),
        ("withheld and then suspended is one time, and a second block another", TWICE,
         [(185, 200, 485, 500), (585, 600, None, None)]),
        ("what was so at the first look may have begun at any time before", BEFORE, [(None, 0, None, None)]),
        ("withheld in another country is no block by this order", ABROAD, []),
        ("who is gone is not called blocked", LEFT, []),
    ],
)  # fmt: skip
def test_blocked_times(rule: str, who: CohortMember, times: list[tuple[float | None, ...]]) -> None:
    found = [(b.onset_after, b.since, b.last_seen, b.until) for b in blocked_times(who)]
    assert found == [tuple(None if t is None else minutes(t) for t in row) for row in times], rule


@pytest.mark.parametrize(
    ("rule", "who", "counts"),
    [
        ("a block since the order counts as ever and as now", BLOCKED, (1, 0, 1, 0, 0)),
        ("one that is back is restored", BACK, (1, 0, 0, 1, 0)),
        ("two blocks of one account count once", TWICE, (1, 0, 1, 0, 0)),
        ("one that is gone since is neither blocked nor back", GONE, (1, 0, 0, 0, 1)),
        ("one that was never blocked and is gone counts nowhere", LEFT, (0, 0, 0, 0, 0)),
        ("a block from before the order is told apart", BEFORE, (1, 1, 1, 0, 0)),
        ("a block that ended before the order is not its own", ENDED_BEFORE, (0, 0, 0, 0, 0)),
        ("what nobody read counts nowhere", NEVER, (0, 0, 0, 0, 0)),
    ],
)
def test_funnel(rule: str, who: CohortMember, counts: tuple[int, ...]) -> None:
    f = funnel(by_part(ORDER, [who], NOW, GAP), ORDER.named_count, 0)
    assert (f.ever_blocked, f.blocked_before, f.blocked_now, f.restored, f.gone_since) == counts, rule
    assert (f.named, f.resolved, f.watched, f.read) == (10, 1, 1, int(who is not NEVER))
    assert f.ever_blocked == f.blocked_now + f.restored + f.gone_since, "the numbers of a row add up"
    never = by_part(ORDER, [who], NOW, GAP)[CohortPart.NOT_SEEN_BLOCKED]
    assert f.ever_blocked + len(never) == f.read, "an account that was read was seen blocked or it was not"


def test_kinds_add_up_to_the_members_and_say_what_is_only_last_known() -> None:
    stale = member((0, AVAILABLE), (200, WITHHELD_IN), last=300)
    found = {s.kind: (s.accounts, s.stale) for s in shares([BLOCKED, stale, QUIET, LEFT, NEVER], NOW, GAP)}
    assert found == {
        Kind.WITHHELD: (2, 1),
        Kind.AVAILABLE: (1, 0),
        Kind.NOT_FOUND: (1, 0),
        Kind.NEVER_READ: (1, 0),
    }


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


def test_after_its_last_reading_a_block_is_possible_and_no_longer_certain() -> None:
    who = member((0, AVAILABLE), (200, WITHHELD_IN), last=300)
    step = step_at(curve([who], T0, NOW, GAP), minutes(900))
    assert step is not None
    assert (step.blocked, step.certain, step.possible, step.unread) == (1, 0, 1, 1)


def test_one_that_was_never_read_is_not_checked_all_the_time() -> None:
    assert [(s.at, s.unread) for s in curve([NEVER], T0, NOW, GAP)] == [(T0, 1)]


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


def test_in_a_silence_a_claim_can_be_neither_confirmed_nor_refuted() -> None:
    silent = [replace(m, seen=Seen(NOW, (Gap(minutes(250), minutes(450)),))) for m in TEN]
    result = checked(ORDER, event(350, Claim(9, 10, ClaimedWhat.BLOCKED)), silent, GAP)
    assert result is not None
    assert (result.low, result.high, result.unobserved) == (0, 0, 10)
    assert result.verdict is Verdict.UNDECIDED


def test_what_has_no_number_is_not_checked() -> None:
    assert checked(ORDER, event(300, None), TEN, GAP) is None


def test_a_moment_before_the_first_reading_is_not_read() -> None:
    assert not QUIET.is_read(T0 - timedelta(minutes=1), GAP)
    assert QUIET.is_read(NOW, GAP)
    assert not QUIET.is_read(NOW + GAP + timedelta(seconds=1), GAP)


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


def test_where_the_date_of_a_claim_is_disputed_it_is_held_against_all_of_that_time() -> None:
    said_so = replace(event(150, Claim(1, 1, ClaimedWhat.BLOCKED)), at_from=minutes(100), at_to=minutes(300))
    result = checked(replace(ORDER, named_count=1), said_so, [BLOCKED], GAP)
    assert result is not None
    assert (result.low, result.high, result.verdict) == (0, 1, Verdict.UNDECIDED)


@pytest.mark.parametrize(
    ("rule", "who", "at", "counted"),
    [
        ("last seen blocked before the order, and free when next seen", ENDED_BEFORE, 1_000, 0),
        ("blocked before it and not read since", member((0, WITHHELD_IN), last=50), 1_000, 0),
        ("blocked before it and seen so after it", BEFORE, 1_000, 1),
        ("asked for a moment before its issue", BEFORE, 90, 0),
    ],
)
def test_since_the_order_means_that_somebody_saw_it_then(
    rule: str, who: CohortMember, at: float, counted: int
) -> None:
    seen = replace(who, seen=Seen(min(who.seen.last or T0, minutes(at)), ()))
    assert funnel(by_part(ORDER, [seen], minutes(at), GAP), 1, 0).ever_blocked == counted, rule


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
