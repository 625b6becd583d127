"""Skipping readings that mean nothing new tells what stepping through every one of them tells."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collectors.x.declaration import X
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.redetect import ConfirmedOn, Folding
from jobs.replay.redetect_fast import redetect_fast
from storage.model.bitemporal.corrections import RecomputedChange
from storage.model.bitemporal.reading_columns import (
    Course,
    ReplayedReading,
    ReplayedReadings,
    columns_of,
    with_more,
)
from storage.model.core.accounts import Account, AccountId, DatedMembership, ListId, lists_at
from storage.model.core.availability import Flag, State, Status, Strength
from storage.model.core.known_state import Known
from storage.model.core.packed_columns import instant, microseconds
from tests.support.repeats import repeats
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes

A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND
BOTH, TR = State(Status.WITHHELD, ("IN", "TR")), State(Status.WITHHELD, ("TR",))
RULE = ConfirmationRule()
WEAK_NEVER = ConfirmationRule((timedelta(0), MINUTE, 15 * MINUTE, timedelta(days=3_000)), cohort_discount=0)
RULES = [
    RULE,
    ConfirmationRule(strong_readings=1, weak_readings=1),
    WEAK_NEVER,
    ConfirmationRule((timedelta(0), 2 * MINUTE, 30 * MINUTE), 2, 3, timedelta(minutes=40), 2),
]

Shown = tuple[float, State, frozenset[str]]
"""Minutes since the reading before, what it showed as it was understood, and what it was silent on."""


def course(
    n: int,
    shown: Sequence[Shown],
    lists: Sequence[int] = (1,),
    let_go: Sequence[float] = (),
    start: float = 0,
    slow: Mapping[int, float] = MappingProxyType({}),
) -> Course:
    """`slow` is how many minutes some answers took, by their place; all others took 1.5 seconds."""
    at, rows, since, looks = (
        start,
        list[tuple[int, int, frozenset[str]]](),
        list[int](),
        list[ReplayedReading | None](),
    )
    for n_shown, (gap, state, silent) in enumerate(shown):
        at += gap
        when = microseconds(minutes(at))
        rows.append((when, when - round(slow.get(n_shown, 0.025) * 60_000_000), silent))
        strength = Strength.WEAK if state.status.is_gone else Strength.STRONG
        look = ReplayedReading(state, strength, frozenset({Flag.HOST}) if state == S else frozenset())
        if not since or (looks[-1] != look and since[-1] != when):
            since.append(when)
            looks.append(look)
    return Course(
        Account(AccountId(n), X, str(n), f"h{n}"),
        [DatedMembership(ListId(i), minutes(30 * (i - 1)), minutes(30 * i + 60)) for i in lists],
        columns_of(rows),
        ReplayedReadings(since, looks),
        (),
        let_go_at=sorted(minutes(m) for m in let_go),
    )


def one_by_one(
    courses: Sequence[Course], rule: ConfirmationRule
) -> dict[AccountId, tuple[RecomputedChange, ...]]:
    """Every reading of everybody through `step`, in the order of time."""
    folding = {c.account.account_id: Folding(Known(), frozenset()) for c in courses}
    confirmed_on = ConfirmedOn({})
    by_id = {c.account.account_id: c for c in courses}
    events = [(instant(at), 0, c.account.account_id, n) for c in courses for n, at in enumerate(c.columns.at)]
    events += [(at, 1, c.account.account_id, 0) for c in courses for at in c.let_go_at]
    for at, is_end, account_id, n in sorted(events):
        if is_end:
            folding[account_id].let_go()
        else:
            course = by_id[account_id]
            folding[account_id].take(course.asked(n), lists_at(course.memberships, at), confirmed_on, rule)
    return {account_id: f.end() for account_id, f in folding.items()}


GAPS = st.sampled_from([0, 0.5, 1, 1, 1, 5, 16, 61])
SHOWN = st.tuples(
    GAPS,
    st.sampled_from([A, A, A, W, W, BOTH, TR, S, N, N]),
    st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"IN"}), frozenset({"IN", "TR"})]),
)
RUN = st.tuples(SHOWN, st.integers(1, 6)).map(lambda run: [run[0]] * run[1])
LINES = st.lists(RUN, min_size=1, max_size=8).map(lambda runs: [shown for run in runs for shown in run])
MEMBERS = st.sampled_from([(), (1,), (1, 2), (2,)])
COURSES = st.lists(
    st.tuples(
        LINES,
        MEMBERS,
        st.lists(st.integers(0, 200), max_size=1),
        st.dictionaries(st.integers(1, 30), st.sampled_from([0.8, 3, 20, 70]), max_size=4),
    ),
    min_size=1,
    max_size=4,
)


@pytest.mark.again
@settings(max_examples=repeats(150, 2000))
@given(drawn=COURSES, rule=st.sampled_from(RULES))
def test_skipping_tells_what_stepping_one_by_one_tells(
    drawn: list[tuple[list[Shown], tuple[int, ...], list[int], dict[int, float]]], rule: ConfirmationRule
) -> None:
    courses = [
        course(n, shown, lists, let_go, slow=slow) for n, (shown, lists, let_go, slow) in enumerate(drawn)
    ]
    assert redetect_fast(courses, {}, rule) == one_by_one(courses, rule)


NOTHING = frozenset[str]()


ROW = st.tuples(
    st.integers(0, 30), st.integers(-3, 0), st.sampled_from([NOTHING, NOTHING, NOTHING, frozenset({"IN"})])
).map(lambda r: (r[0] * 10, r[0] * 10 + r[1], r[2]))


@given(many=st.lists(ROW, max_size=20), few=st.lists(ROW, max_size=4))
def test_a_few_readings_more_are_put_where_they_belong(
    many: list[tuple[int, int, frozenset[str]]], few: list[tuple[int, int, frozenset[str]]]
) -> None:
    plain = columns_of([(at, asked, NOTHING) for at, asked, _ in many])
    rows = [*((at, asked, NOTHING) for at, asked in zip(plain.at, plain.asked, strict=True)), *few]
    both, all_of_them = with_more(plain, few), columns_of(rows)
    assert (list(both.at), both.silences) == (list(all_of_them.at), all_of_them.silences)
    assert list(both.asked) == list(all_of_them.asked)
