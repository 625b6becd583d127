"""Which changes become one mail: the rules of `jobs.policy` as sentences."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.policy import AlertRule, Plan, cohort_of, decide
from storage.model.accounts import ListId
from storage.model.alerts import AlertDecision, AlertRow, Cohort, CohortMail, OrderRef
from storage.model.availability import ChangeKind, State, Status
from tests.alert_factories import ORDER, REPORTERS, a_change, an_alert, past
from tests.factories import AVAILABLE, MINUTE, PROTECTED, SUSPENDED, T0, WITHHELD_IN, minutes

RULE = AlertRule(("desk@example.org",))
DAY = timedelta(days=1)
MUCH_LATER = 100_000


def plan(alerts: Sequence[AlertRow], rule: AlertRule = RULE, at: float = MUCH_LATER) -> Plan:
    return decide(alerts, [past(a) for a in alerts], [], rule, minutes(at))


def blocks(*confirmed_at: float) -> list[AlertRow]:
    """One account of the order after the other, each confirmed as blocked at its minute."""
    return [
        an_alert(i, a_change(i, at=minutes(at - 1)), minutes(at), ORDER) for i, at in enumerate(confirmed_at)
    ]


def back_and_forth(*confirmed_at: float, account: int = 1, first_id: int = 0) -> list[AlertRow]:
    states = [(AVAILABLE, SUSPENDED), (SUSPENDED, AVAILABLE)]
    return [
        an_alert(
            first_id + i,
            a_change(account, new=states[i % 2][1], old=states[i % 2][0], at=minutes(at - 1)),
            minutes(at),
            REPORTERS,
        )
        for i, at in enumerate(confirmed_at)
    ]


@pytest.mark.parametrize(
    ("confirmed_at", "now", "waves", "next_at"),
    [
        pytest.param([0, 1, 1.5], 3, [], 3.5, id="it waits while something joined it lately"),
        pytest.param([0, 1, 1.5], 3.5, [3], None, id="it is ready two minutes after its newest change"),
        pytest.param([0, 2], 2, [1], 6, id="a pause of two minutes ends it, and the next gathers longer"),
        pytest.param([1.5 * n for n in range(20)], 28.5, [14], 30.5, id="one that keeps growing is cut"),
        pytest.param([0, 300], 302, [1], 304, id="the second of a day gathers for four minutes"),
        pytest.param([0, 3000], 3002, [1, 1], None, id="a day without mail makes two minutes enough again"),
    ],
)
def test_where_a_wave_ends_follows_from_the_times_of_its_changes(
    confirmed_at: list[float], now: float, waves: list[int], next_at: float | None
) -> None:
    found = plan(blocks(*confirmed_at), at=now)
    assert [len(w.alerts) for w in found.waves] == waves
    assert found.next_at == (None if next_at is None else minutes(next_at))
    assert len(found.waiting) == len(confirmed_at) - sum(waves)


def test_257_changes_of_one_order_are_one_wave() -> None:
    alerts = blocks(*[n / 60 for n in range(257)])
    assert [len(w.alerts) for w in plan(alerts).waves] == [257]


def test_changes_of_different_kinds_that_come_together_share_a_wave() -> None:
    suspended = an_alert(9, a_change(9, SUSPENDED), minutes(1), ORDER)
    (wave,) = plan([*blocks(0, 1), suspended]).waves
    assert {a.change.new for a in wave.alerts} == {WITHHELD_IN, SUSPENDED}


def test_changes_of_different_cohorts_are_different_waves() -> None:
    alerts = [
        an_alert(1, a_change(1), T0, ORDER),
        an_alert(2, a_change(2), T0, REPORTERS),
        an_alert(3, a_change(3), T0),
    ]
    assert {w.cohort for w in plan(alerts).waves} == {ORDER, REPORTERS, None}


def test_an_account_on_several_lists_is_told_once() -> None:
    alert = an_alert(1, a_change(1), T0, REPORTERS, ORDER)
    (wave,) = plan([alert]).waves
    assert wave.cohort == ORDER


def order_of(name: str, days: float) -> Cohort:
    return Cohort(ListId(7), name, OrderRef(name, "IN", T0 + days * DAY, 10))


@pytest.mark.parametrize(
    ("cohorts", "expected"),
    [
        pytest.param([], None, id="without lists there is no cohort"),
        pytest.param(["Zeta", "Alpha"], "Alpha", id="among lists the first by name"),
        pytest.param(["Alpha", -3], "-3", id="an order before a list"),
        pytest.param([-3, -1, 2], "-1", id="the newest order issued before the change"),
        pytest.param([5, 2], "2", id="the oldest order when all were issued after it"),
    ],
)
def test_a_change_is_told_under_one_cohort(cohorts: list[str | int], expected: str | None) -> None:
    lists = [order_of(str(c), c) if isinstance(c, int) else Cohort(ListId(1), c, None) for c in cohorts]
    found = cohort_of(lists, T0)
    assert (found.name if found else None) == expected
    assert cohort_of(reversed(lists), T0) == found


@pytest.mark.parametrize(
    ("new", "old", "decision"),
    [
        pytest.param(PROTECTED, AVAILABLE, AlertDecision.KIND_NOT_MAILED, id="an owner who locks"),
        pytest.param(SUSPENDED, None, AlertDecision.KIND_NOT_MAILED, id="a first reading"),
        pytest.param(SUSPENDED, AVAILABLE, None, id="a block is mailed"),
        pytest.param(AVAILABLE, SUSPENDED, None, id="a restoration is mailed"),
        pytest.param(State(Status.WITHHELD, ("IN", "PK")), WITHHELD_IN, None, id="more countries are mailed"),
        pytest.param(State(Status.NOT_FOUND), AVAILABLE, None, id="a vanished account is mailed"),
        pytest.param(AVAILABLE, State(Status.NOT_FOUND), None, id="one found again is mailed"),
    ],
)
def test_which_kinds_are_mailed(new: State, old: State | None, decision: AlertDecision | None) -> None:
    found = plan([an_alert(1, a_change(1, new, old), T0)])
    assert found.silent == ({} if decision is None else {1: decision})
    assert len(found.waves) == (decision is None)


def test_without_recipients_alerts_are_closed_with_that_reason() -> None:
    found = plan(blocks(0, 1), AlertRule(()), at=0)
    assert set(found.silent.values()) == {AlertDecision.NO_RECIPIENT}
    assert not found.waves


def test_the_fourth_change_in_a_week_tells_that_an_account_flaps_and_the_next_are_held() -> None:
    found = plan(back_and_forth(0, 100, 200, 300, 400, 500))
    assert [len(w.flaps) for w in found.waves] == [0, 0, 0, 1]
    assert [p.created_at for p in found.waves[3].flaps[0].changes] == [minutes(m) for m in (0, 100, 200, 300)]
    assert found.silent == {4: AlertDecision.FLAPPING, 5: AlertDecision.FLAPPING}


def test_flapping_that_goes_on_is_told_again_after_the_period() -> None:
    every_day = [n * 1440.0 for n in range(12)]
    found = plan(back_and_forth(*every_day))
    assert [len(w.flaps) for w in found.waves] == [0, 0, 0, 1, 1]
    assert len(found.silent) == 12 - 5


def test_changes_that_are_far_apart_are_not_flapping() -> None:
    found = plan(back_and_forth(*[n * 1440.0 * 2.5 for n in range(8)]))
    assert not found.silent
    assert not any(w.flaps for w in found.waves)


def test_an_account_whose_story_was_told_in_an_earlier_run_stays_held() -> None:
    history = back_and_forth(0, 100, 200, 300, 400)
    recent = [past(a, AlertDecision.MAILED) for a in history[:4]] + [past(history[4])]
    found = decide(history[4:], recent, [], RULE, minutes(500))
    assert found.silent == {4: AlertDecision.FLAPPING}


def test_a_story_that_reached_nobody_is_told_with_the_next_change() -> None:
    history = back_and_forth(0, 100, 200, 300, 400)
    recent = [past(a, AlertDecision.NO_RECIPIENT) for a in history[:4]] + [past(history[4])]
    found = decide(history[4:], recent, [], RULE, minutes(500))
    assert [len(w.flaps) for w in found.waves] == [1]


def test_owners_who_lock_and_unlock_do_not_count_as_flapping() -> None:
    locks = [
        an_alert(i, a_change(1, *states, at=minutes(i * 100)), minutes(i * 100 + 1), REPORTERS)
        for i, states in enumerate([(PROTECTED, AVAILABLE), (AVAILABLE, PROTECTED)] * 3)
    ]
    block = an_alert(9, a_change(1, SUSPENDED, at=minutes(700)), minutes(701), REPORTERS)
    (wave,) = plan([*locks, block]).waves
    assert not wave.flaps


def test_1178_changes_over_five_days_are_a_bounded_series() -> None:
    alerts = blocks(*[n * 6.1 for n in range(1178)])
    waves = plan(alerts).waves
    assert sum(len(w.alerts) for w in waves) == 1178
    assert len(waves) <= 5 * 24 + 10
    longest = max(a.created_at - w.alerts[0].created_at for w in waves for a in w.alerts)
    assert longest <= RULE.settle * RULE.spacing_limit


@given(st.data())
def test_a_notifier_that_was_away_makes_the_same_mails_as_one_that_looked_all_the_time(
    data: st.DataObject,
) -> None:
    """Whatever the order of rows, and however often somebody looks while they arrive."""
    alerts = data.draw(stories())
    away = plan(alerts)
    decided: dict[int, AlertDecision] = {}
    mails: list[CohortMail] = []
    watching: set[frozenset[str]] = set()
    silent: dict[int, AlertDecision] = {}
    looks = sorted(data.draw(st.lists(st.integers(0, 40_000), max_size=30)))
    for now in [*(minutes(m) for m in looks), minutes(MUCH_LATER)]:
        seen = data.draw(st.permutations([a for a in alerts if a.created_at <= now]))
        left = [a for a in seen if a.alert_id not in decided]
        found = decide(left, [past(a, decided.get(a.alert_id)) for a in seen], mails, RULE, now)
        assert found.next_at is None or found.next_at > now
        for wave in found.waves:
            watching.add(frozenset(a.change.change_key for a in wave.alerts))
            mails.append(CohortMail(wave.as_of, wave.alerts[0].change.first_seen_new, wave.alerts[0].cohorts))
            decided.update({a.alert_id: AlertDecision.MAILED for a in wave.alerts})
        decided.update(found.silent)
        silent.update(found.silent)
    assert watching == {frozenset(a.change.change_key for a in w.alerts) for w in away.waves}
    assert silent == away.silent


@st.composite
def stories(draw: st.DrawFn) -> list[AlertRow]:
    """Accounts of several cohorts that go back and forth at any times."""
    alerts: list[AlertRow] = []
    for account in range(draw(st.integers(1, 4))):
        cohorts = draw(st.sampled_from([(), (ORDER,), (REPORTERS,), (ORDER, REPORTERS)]))
        gaps = draw(st.lists(st.sampled_from([1, 2, 3, 17, 61, 1439, 2000, 9000]), min_size=1, max_size=9))
        at, states = draw(st.integers(0, 30)), [AVAILABLE, SUSPENDED]
        for i, gap in enumerate(gaps):
            change = a_change(account, states[(i + 1) % 2], states[i % 2], at=minutes(at))
            alerts.append(an_alert(len(alerts), change, minutes(at) + MINUTE, *cohorts))
            at += gap
    return [a for a in alerts if a.created_at <= minutes(40_000)]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"zone": "India"}, "not a time zone"),
        ({"recipients": ("a@b.org, c@d.org",)}, "plain mail address"),
        ({"recipients": ("a@b.org\nBcc: x@y.org",)}, "plain mail address"),
        ({"settle": -MINUTE}, "negative"),
        ({"flapping_changes": 1}, "at least 2"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_with_a_sentence(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(RULE, **wrong)


def test_kinds_can_be_chosen() -> None:
    rule = replace(RULE, kinds=frozenset({ChangeKind.RESTORATION}))
    found = plan([*blocks(0), an_alert(8, a_change(8, AVAILABLE, SUSPENDED), T0)], rule)
    assert found.silent == {0: AlertDecision.KIND_NOT_MAILED}
