"""The rules of detection, one row each; and properties that hold for any order of answers."""

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.transitions import completed, says_nothing_new, step
from storage.model.core.availability import Flag, Outcome, Reading, Reason, State, Status, Strength, kind_of
from storage.model.core.known_state import Known, ReadingEffect
from tests.support.samples.readings import (
    AVAILABLE,
    MINUTE,
    NOT_FOUND,
    PROTECTED,
    SUSPENDED,
    WITHHELD_IN,
    minutes,
    reading,
)

RULE = ConfirmationRule()
WITHHELD_IN_AND_TR = State(WITHHELD_IN.status, ("IN", "TR"))

Told = list[tuple[str, float, State]]


def tell(readings: list[tuple[float, State]], *, cohort_active: bool = False) -> Told:
    """Fold readings (minute, state) and tell what was opened, confirmed and refuted, at which minute."""
    known, told = Known(), Told()
    for minute, state in readings:
        at = minutes(minute)
        result = step(known, reading("1", state, at), at, RULE, cohort_active=cohort_active)
        if result.refuted:
            told.append((result.refuted.reason.value, minute, result.refuted.pending.state))
        if result.opened:
            told.append(("opened", minute, result.opened.state))
        if result.confirmed:
            told.append((result.confirmed.reason.value, minute, result.confirmed.pending.state))
        known = result.known
    return told


BASE = [(-30.0, AVAILABLE)]
AT_START: Told = [("opened", -30.0, AVAILABLE), ("baseline_seen", -30.0, AVAILABLE)]


@pytest.mark.parametrize(
    ("readings", "expected"),
    [
        pytest.param([], [], id="an account that looks as before is no news"),
        pytest.param(
            [(0.0, WITHHELD_IN)],
            [("opened", 0.0, WITHHELD_IN)],
            id="one contrary reading is provisional, however strong",
        ),
        pytest.param(
            [(0.0, SUSPENDED), (0.5, SUSPENDED)],
            [("opened", 0.0, SUSPENDED)],
            id="a second reading within a minute is not a second reading",
        ),
        pytest.param(
            [(0.0, SUSPENDED), (1.0, SUSPENDED)],
            [("opened", 0.0, SUSPENDED), ("enough_strong", 1.0, SUSPENDED)],
            id="what the platform states is confirmed by the second reading",
        ),
        pytest.param(
            [(0.0, NOT_FOUND), (1.0, NOT_FOUND), (15.0, NOT_FOUND), (59.0, NOT_FOUND)],
            [("opened", 0.0, NOT_FOUND)],
            id="an absence is not confirmed before the hour is over",
        ),
        pytest.param(
            [(0.0, NOT_FOUND), (1.0, NOT_FOUND), (15.0, NOT_FOUND), (60.0, NOT_FOUND)],
            [("opened", 0.0, NOT_FOUND), ("enough_weak", 60.0, NOT_FOUND)],
            id="an absence is confirmed by four readings over an hour",
        ),
        pytest.param(
            [(0.0, NOT_FOUND), (60.0, NOT_FOUND), (61.0, NOT_FOUND)],
            [("opened", 0.0, NOT_FOUND)],
            id="an hour alone does not replace readings that were missed",
        ),
        pytest.param(
            [(0.0, NOT_FOUND), (1.0, NOT_FOUND), (15.0, AVAILABLE)],
            [("opened", 0.0, NOT_FOUND), ("went_back", 15.0, NOT_FOUND)],
            id="a contrary reading in between ends the provisional change, and it is kept as such",
        ),
        pytest.param(
            [(0.0, NOT_FOUND), (1.0, SUSPENDED), (2.0, SUSPENDED)],
            [
                ("opened", 0.0, NOT_FOUND),
                ("moved_on", 1.0, NOT_FOUND),
                ("opened", 1.0, SUSPENDED),
                ("enough_strong", 2.0, SUSPENDED),
            ],
            id="a third state ends the first provisional change and opens its own",
        ),
        pytest.param(
            [(0.0, WITHHELD_IN), (1.0, WITHHELD_IN_AND_TR), (2.0, WITHHELD_IN_AND_TR)],
            [
                ("opened", 0.0, WITHHELD_IN),
                ("moved_on", 1.0, WITHHELD_IN),
                ("opened", 1.0, WITHHELD_IN_AND_TR),
                ("enough_strong", 2.0, WITHHELD_IN_AND_TR),
            ],
            id="another set of countries is another state",
        ),
        pytest.param(
            [(0.0, SUSPENDED), (1.0, SUSPENDED), (9.0, AVAILABLE), (10.0, AVAILABLE)],
            [
                ("opened", 0.0, SUSPENDED),
                ("enough_strong", 1.0, SUSPENDED),
                ("opened", 9.0, AVAILABLE),
                ("enough_strong", 10.0, AVAILABLE),
            ],
            id="a restoration is confirmed like a block",
        ),
        pytest.param(
            [(0.0, SUSPENDED), (0.0, AVAILABLE), (-1.0, AVAILABLE)],
            [("opened", 0.0, SUSPENDED)],
            id="an answer that is not later than the last one changes nothing",
        ),
    ],
)
def test_detection_rules(readings: list[tuple[float, State]], expected: Told) -> None:
    assert tell(BASE + readings) == AT_START + expected


def test_in_a_cohort_with_a_recent_change_an_absence_needs_one_reading_less() -> None:
    readings = [*BASE, (0.0, NOT_FOUND), (1.0, NOT_FOUND), (15.0, NOT_FOUND)]
    assert tell(readings, cohort_active=True)[-1] == ("cohort_active", 15.0, NOT_FOUND)
    assert tell(readings, cohort_active=False)[-1] == ("opened", 0.0, NOT_FOUND)


@pytest.mark.parametrize(
    ("state", "confirmed_at"),
    [(AVAILABLE, 0.0), (PROTECTED, 0.0), (SUSPENDED, 1.0), (WITHHELD_IN, 1.0), (NOT_FOUND, 60.0)],
)
def test_a_first_state_is_believed_at_once_only_if_the_account_itself_answered(
    state: State, confirmed_at: float
) -> None:
    told = tell([(m, state) for m in (0.0, 1.0, 15.0, 60.0)])
    assert told[0] == ("opened", 0.0, state)
    assert told[1][1:] == (confirmed_at, state)


def test_the_onset_lies_between_when_the_old_state_was_asked_for_and_when_the_new_one_arrived() -> None:
    known = step(Known(), reading("1", AVAILABLE, minutes(1)), minutes(0), RULE, cohort_active=False).known
    opened = step(known, reading("1", SUSPENDED, minutes(3)), minutes(2), RULE, cohort_active=False).opened
    assert opened is not None
    assert (opened.last_seen_old, opened.first_seen_new) == (minutes(0), minutes(3))


def test_a_rule_that_could_never_confirm_is_refused() -> None:
    with pytest.raises(ValueError, match="strong readings"):
        ConfirmationRule(strong_readings=5, weak_readings=4)
    with pytest.raises(ValueError, match="increase"):
        ConfirmationRule(offsets=(0 * MINUTE, 2 * MINUTE, 1 * MINUTE, 3 * MINUTE))


states = st.sampled_from([AVAILABLE, PROTECTED, WITHHELD_IN, WITHHELD_IN_AND_TR, SUSPENDED, NOT_FOUND])
stories = st.lists(st.tuples(st.integers(1, 90), states, st.booleans()), max_size=40)


def fold(story: list[tuple[int, State, bool]], *, repeat: bool = False) -> list[tuple[object, ...]]:
    known, minute, out = Known(), 0, list[tuple[object, ...]]()
    for gap, state, cohort_active in story:
        minute += gap
        at = minutes(minute)
        for _ in range(2 if repeat else 1):
            result = step(known, reading("1", state, at), at, RULE, cohort_active=cohort_active)
            known = result.known
            out += [("opened", result.opened)] if result.opened else []
            out += [("confirmed", result.confirmed)] if result.confirmed else []
            out += [("refuted", result.refuted)] if result.refuted else []
    return out


@given(stories)
def test_a_redelivered_answer_changes_nothing(story: list[tuple[int, State, bool]]) -> None:
    assert fold(story, repeat=True) == fold(story)


@given(stories)
def test_confirmation_never_moves_the_interval_and_needs_agreeing_readings(
    story: list[tuple[int, State, bool]],
) -> None:
    opened: dict[object, tuple[object, object]] = {}
    seen: list[Reading] = []
    known, minute = Known(), 0
    for gap, state, cohort_active in story:
        minute += gap
        at = minutes(minute)
        seen.append(reading("1", state, at))
        result = step(known, seen[-1], at, RULE, cohort_active=cohort_active)
        if result.opened:
            assert result.opened.first_seen_new == at
            if known.unsettled is None:
                assert result.opened.last_seen_old == (seen[-2].at if len(seen) > 1 else None)
            elif result.opened.last_seen_old is not None:
                assert result.opened.last_seen_old <= seen[-2].at
            opened[at] = (result.opened.last_seen_old, result.opened.state)
        if result.confirmed:
            p = result.confirmed.pending
            assert opened[p.first_seen_new] == (p.last_seen_old, p.state)
            since = [r for r in seen if r.at >= p.first_seen_new]
            assert all(r.state == p.state for r in since)
            assert len(since) >= p.agreeing
            assert result.confirmed.outcome is Outcome.CONFIRMED
            if p.strength.value == "weak":
                assert p.agreeing >= 3
                assert (at - p.first_seen_new) >= 15 * MINUTE
            elif result.confirmed.reason is not Reason.BASELINE_SEEN:
                assert (at - p.first_seen_new) >= MINUTE
        known = result.known


@given(stories, states)
def test_a_reading_without_news_has_the_same_effect_on_all_accounts_of_its_state(
    story: list[tuple[int, State, bool]], said: State
) -> None:
    known, minute = Known(), 0
    for gap, state, cohort_active in story:
        minute += gap
        known = step(
            known, reading("1", state, minutes(minute)), minutes(minute), RULE, cohort_active=cohort_active
        ).known
    last = reading("1", said, minutes(minute + 1))
    result = step(known, last, minutes(minute), RULE, cohort_active=True)
    if says_nothing_new(known, last):
        assert not result.is_news
        assert result == step(Known(said), last, minutes(minute), RULE, cohort_active=False)
    else:
        assert result.is_news or known.unsettled is not None


def test_a_reading_with_a_new_date_is_otherwise_the_same() -> None:
    odd = Reading(
        "1",
        minutes(0),
        WITHHELD_IN,
        Strength.WEAK,
        "handle",
        frozenset({Flag.MOVED}),
        "https://elsewhere.example/@handle",
        frozenset({"TR"}),
    )
    bare = Reading("2", minutes(1), AVAILABLE, Strength.STRONG)
    assert not [f.name for f in fields(Reading) if getattr(odd, f.name) == getattr(bare, f.name)]
    assert odd.dated(minutes(2)) == replace(odd, at=minutes(2))


TR = State(Status.WITHHELD, ("TR",))
DE = State(Status.WITHHELD, ("DE",))
BOTH = State(Status.WITHHELD, ("DE", "TR"))

Look = tuple[float, State, tuple[str, ...]]


def looked(known: Known, look: Look) -> ReadingEffect | None:
    minute, state, silent = look
    told = completed(known, replace(reading("1", state, minutes(minute)), silent_on=frozenset(silent)))
    return None if told is None else step(known, told, minutes(minute), RULE, cohort_active=False)


Found = list[tuple[State, State, datetime | None, datetime]]


def changes(looks: Sequence[Look]) -> Found:
    """The confirmed changes after the first state: from what to what, and between which two looks."""
    known, found = Known(), Found()
    for look in looks:
        result = looked(known, look)
        if result is None:
            continue
        if result.confirmed is not None and known.state is not None:
            p = result.confirmed.pending
            found.append((known.state, p.state, p.last_seen_old, p.first_seen_new))
        known = result.known
    return found


FIRST, PARTLY = frozenset({Flag.FIRST_SEEN}), frozenset({Flag.PARTLY_FIRST_SEEN})
NONE = frozenset[Flag]()


@pytest.mark.parametrize(
    ("looks", "kinds"),
    [
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, TR, ()), (22, TR, ())],
            [("baseline", FIRST, None)],
            id="withheld in a country that was never heard of is a first state",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (10, AVAILABLE, ()), (20, TR, ()), (22, TR, ())],
            [("block", NONE, minutes(10))],
            id="once heard as not withheld, it is a block",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, BOTH, ()), (22, BOTH, ())],
            [("block", PARTLY, minutes(0))],
            id="a block in a country that was heard has its interval beside a first state",
        ),
        pytest.param(
            [(0, DE, ("TR",)), (1, DE, ("TR",)), (20, BOTH, ()), (22, BOTH, ())],
            [("baseline", FIRST, None)],
            id="a first state beside what is known adds no country",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, TR, ()), (21, BOTH, ()), (23, BOTH, ())],
            [("block", PARTLY, minutes(20))],
            id="a provisional first state hands its country on to what takes its place",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, DE, ("TR",)), (21, BOTH, ()), (23, BOTH, ())],
            [("block", PARTLY, minutes(0))],
            id="a provisional block keeps its bound when a first state comes beside it",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, DE, ("TR",)), (21, TR, ()), (23, TR, ())],
            [("baseline", FIRST, None)],
            id="a first state after a block that went back is one",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, TR, ()), (22, TR, ()), (30, AVAILABLE, ()), (32, AVAILABLE, ())],
            [("baseline", FIRST, None), ("restoration", NONE, minutes(22))],
            id="the end of a first state is a restoration",
        ),
    ],
)
def test_a_country_that_was_never_reported_has_a_first_state(
    looks: Sequence[Look], kinds: list[tuple[str, frozenset[Flag], datetime | None]]
) -> None:
    known, found = Known(), list[tuple[str, frozenset[Flag], datetime | None]]()
    for look in looks:
        result = looked(known, look)
        assert result is not None
        if result.confirmed is not None and known.state is not None:
            p = result.confirmed.pending
            found.append((kind_of(known.state, p.state, p.flags).value, p.flags, p.last_seen_old))
        known = result.known
    assert found == kinds


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        pytest.param(
            [(0, TR, ()), (10, AVAILABLE, ("TR",)), (20, AVAILABLE, ("TR",))],
            [],
            id="a labeler that is not heard lifts no restriction",
        ),
        pytest.param(
            [(0, AVAILABLE, ()), (10, AVAILABLE, ("TR",)), (20, TR, ()), (22, TR, ())],
            [(TR, minutes(0), minutes(20))],
            id="a restriction may have begun while its labeler was not heard",
        ),
        pytest.param(
            [(0, AVAILABLE, ("TR",)), (20, TR, ()), (22, TR, ())],
            [(TR, None, minutes(20))],
            id="a restriction in a country that was never heard of began at an unknown time",
        ),
        pytest.param(
            [(0, AVAILABLE, ()), (10, AVAILABLE, ("TR",)), (20, DE, ("TR",)), (22, DE, ("TR",))],
            [(DE, minutes(10), minutes(20))],
            id="a change in a country that was heard has its usual interval",
        ),
        pytest.param(
            [(0, TR, ()), (1, TR, ()), (10, DE, ("TR",)), (12, DE, ("TR",)), (14, BOTH, ())],
            [(BOTH, minutes(1), minutes(10))],
            id="a country that is not heard keeps what is held of it beside the new one",
        ),
        pytest.param(
            [(0, AVAILABLE, ()), (10, TR, ()), (11, AVAILABLE, ("TR",)), (12, TR, ())],
            [(TR, minutes(0), minutes(10))],
            id="a look that leaves a provisional change open neither ends nor confirms it",
        ),
        pytest.param(
            [(0, TR, ()), (1, TR, ()), (10, SUSPENDED, ("TR",)), (12, SUSPENDED, ("TR",))],
            [(SUSPENDED, minutes(1), minutes(10))],
            id="a suspension is one whoever was heard",
        ),
        pytest.param(
            [(0, TR, ()), (1, TR, ()), (5, TR, ("DE",)), (10, AVAILABLE, ()), (12, AVAILABLE, ())],
            [(AVAILABLE, minutes(5), minutes(10))],
            id="silence on another country does not widen an interval",
        ),
    ],
)
def test_an_unreported_country_is_no_statement(
    looks: Sequence[Look], expected: list[tuple[State, datetime | None, datetime]]
) -> None:
    assert [change[1:] for change in changes(looks)] == expected


_STATES = st.sampled_from([AVAILABLE, TR, DE, BOTH])
_SILENT = st.sets(st.sampled_from(["TR", "DE"])).map(lambda found: tuple(sorted(found)))


@given(st.lists(st.tuples(_STATES, _SILENT), min_size=1, max_size=12))
def test_no_order_of_complete_and_incomplete_answers_gives_a_wrong_change(
    truth: list[tuple[State, tuple[str, ...]]],
) -> None:
    """The platform is in a state at each look; the look shows it without the countries that are silent."""
    looks: list[Look] = []
    for minute, (state, silent) in enumerate(truth):
        heard = tuple(c for c in state.withheld_in if c not in silent)
        looks.append((minute * 10.0, State(Status.WITHHELD, heard) if heard else AVAILABLE, silent))
    states = [state for state, _ in truth]
    for _, state, last_old, first_new in changes(looks):
        now = index(first_new)
        heard = {"TR", "DE"} - set(truth[now][1])

        def shown(state: State, heard: set[str] = heard) -> set[str]:
            return set(state.withheld_in) & heard

        assert shown(state) == shown(states[now])
        if last_old is not None:
            # Some look from there on denied the state, in a country that it spoke of.
            assert any(
                (set(states[i].withheld_in) ^ set(state.withheld_in)) - set(truth[i][1])
                for i in range(index(last_old), now)
            )


def index(at: datetime) -> int:
    return int((at - minutes(0)).total_seconds() // 600)
