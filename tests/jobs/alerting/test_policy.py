"""What becomes of every alert under every rule: the rules of `jobs.alerting.policy` as sentences."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.alerting.matching import cohort_of
from jobs.alerting.policy import NotificationHistory, NotificationPlan, after, decide
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertThread, Cohort, OrderRef, PastAlert
from storage.model.alerts.quiet_hours import QuietHours, quiet_until
from storage.model.alerts.rules import (
    AlertRule,
    Digest,
    EscalationStep,
    Match,
    StoredRule,
    digest_after,
    digest_before,
)
from storage.model.core.accounts import ListId
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, past
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

RULE = AlertRule(("desk@example.org",))
DAY = timedelta(days=1)
MUCH_LATER = 100_000


def plan(alerts: Sequence[AlertRow], rule: AlertRule = RULE, at: float = MUCH_LATER) -> NotificationPlan:
    return decide(alerts, [a_rule(rule)], [], NotificationHistory([past(a) for a in alerts]), minutes(at))


def silent(found: NotificationPlan) -> dict[int, AlertDecision]:
    return {alert_id: s.decision for (alert_id, _), s in found.silent.items()}


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


def test_changes_of_different_kinds_at_one_time_share_a_group() -> None:
    suspended = an_alert(9, a_change(9, SUSPENDED), minutes(0.01), ORDER)
    (wave,) = plan([*blocks(0, 0.005), suspended]).waves
    assert {a.change.new for a in wave.alerts} == {WITHHELD_IN, SUSPENDED}


def test_changes_of_different_cohorts_are_different_groups() -> None:
    alerts = [
        an_alert(1, a_change(1), T0, ORDER),
        an_alert(2, a_change(2), T0, REPORTERS),
        an_alert(3, a_change(3), T0),
    ]
    assert {w.cohort for w in plan(alerts).waves} == {ORDER, REPORTERS, None}


def test_an_account_on_several_lists_is_reported_once() -> None:
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
def test_a_change_is_reported_under_one_cohort(cohorts: list[str | int], expected: str | None) -> None:
    lists = [order_of(str(c), c) if isinstance(c, int) else Cohort(ListId(1), c, None) for c in cohorts]
    found = cohort_of(lists, T0)
    assert (found.name if found else None) == expected
    assert cohort_of(reversed(lists), T0) == found


def test_an_alert_that_no_rule_matches_is_closed_with_that_reason() -> None:
    lock = an_alert(1, a_change(1, PROTECTED), T0)
    assert plan([lock]).silent[1, None].decision is AlertDecision.NO_RULE
    assert (
        decide([lock], [], [], NotificationHistory(), minutes(1)).silent[1, None].decision
        is AlertDecision.NO_RULE
    )


def test_without_recipients_alerts_are_closed_with_that_reason() -> None:
    found = plan(blocks(0, 1), AlertRule(()), at=0)
    assert set(silent(found).values()) == {AlertDecision.NO_RECIPIENT}
    assert not found.waves


def test_the_fourth_change_in_a_week_reports_flapping_and_later_ones_are_not_sent() -> None:
    found = plan(back_and_forth(0, 100, 200, 300, 400, 500))
    flaps = [f for w in found.waves for f in w.flaps]
    assert [[p.created_at for p in f.changes] for f in flaps] == [[minutes(m) for m in (0, 100, 200, 300)]]
    assert silent(found) == {4: AlertDecision.FLAPPING, 5: AlertDecision.FLAPPING}


def test_flapping_that_continues_is_reported_again_after_the_period() -> None:
    found = plan(back_and_forth(*[n * 1440.0 for n in range(12)]))
    assert (
        sum(len(w.flaps) for w in found.waves) + sum(len(p.flaps) for d in found.digests for p in d.parts)
        == 2
    )
    assert len(found.silent) == 12 - 5


def test_changes_that_are_far_apart_are_not_flapping() -> None:
    found = plan(back_and_forth(*[n * 1440.0 * 2.5 for n in range(8)]))
    assert not found.silent
    assert not any(w.flaps for w in found.waves)


def test_an_account_reported_as_flapping_in_an_earlier_run_stays_silenced() -> None:
    history = back_and_forth(0, 100, 200, 300, 400)
    recent = [past(a, AlertDecision.MAILED) for a in history[:4]] + [past(history[4])]
    found = decide(history[4:], [a_rule(RULE)], [], NotificationHistory(recent), minutes(500))
    assert silent(found) == {4: AlertDecision.FLAPPING}


def test_flapping_that_reached_no_recipient_is_reported_with_the_next_change() -> None:
    history = back_and_forth(0, 100, 200, 300, 400)
    recent = [past(a, AlertDecision.NO_RECIPIENT) for a in history[:4]] + [past(history[4])]
    found = decide(history[4:], [a_rule(RULE)], [], NotificationHistory(recent), minutes(500))
    assert [len(w.flaps) for w in found.waves] == [1]


def test_a_recipient_of_part_of_a_group_by_an_earlier_rule_gets_all_of_it_in_one_email() -> None:
    press = AlertRule(("a@example.org",), name="press", match=Match(tags=frozenset({"press"})))
    everything = AlertRule(("a@example.org", "b@example.org"), name="everything")
    alerts = [
        replace(an_alert(i, a_change(i), minutes(1), ORDER), tags=frozenset({"press"} if i < 2 else ()))
        for i in range(5)
    ]
    found = decide(alerts, [a_rule(press), a_rule(everything, 2)], [], NotificationHistory(), minutes(5))
    assert [(w.recipients, len(w.alerts)) for w in found.waves] == [
        (press.recipients, 2),
        (everything.recipients, 5),
    ]
    covered = decide(
        alerts[:2], [a_rule(press), a_rule(everything, 2)], [], NotificationHistory(), minutes(5)
    )
    assert [w.recipients for w in covered.waves] == [press.recipients, ("b@example.org",)]


def test_flapping_that_only_another_rule_reported_is_reported_by_this_one_too() -> None:
    history = back_and_forth(0, 100, 200, 300, 400)
    recent = [past(a, AlertDecision.MAILED) for a in history[:4]] + [past(history[4])]
    found = decide(history[4:], [a_rule(RULE, 2)], [], NotificationHistory(recent), minutes(500))
    assert [len(w.flaps) for w in found.waves] == [1]


def test_owners_who_lock_and_unlock_do_not_count_as_flapping() -> None:
    locks = [
        an_alert(i, a_change(1, *states, at=minutes(i * 100)), minutes(i * 100 + 1), REPORTERS)
        for i, states in enumerate([(PROTECTED, AVAILABLE), (AVAILABLE, PROTECTED)] * 3)
    ]
    block = an_alert(9, a_change(1, SUSPENDED, at=minutes(700)), minutes(701), REPORTERS)
    (wave,) = plan([*locks, block]).waves
    assert not wave.flaps


def test_a_decision_stays_while_another_rule_still_keeps_the_alert() -> None:
    quiet = AlertRule(("law@example.org",), name="law", quiet=QuietHours(time(0), time(6)))
    (alert,) = blocks(0)
    first = decide([alert], [a_rule(RULE), a_rule(quiet, 2)], [], NotificationHistory(), minutes(1))
    assert [w.stored.rule_id for w in first.waves] == [1]
    assert first.kept[0, 2].decision is AlertDecision.QUIET
    done = replace(alert, done=frozenset({1}))
    later = decide([done], [a_rule(RULE), a_rule(quiet, 2)], [], NotificationHistory(), minutes(360))
    assert [w.stored.rule_id for w in later.waves] == [2]


DAILY = replace(RULE, digest=Digest.DAILY)


def test_a_daily_digest_gathers_everything_until_its_hour() -> None:
    alerts = blocks(0, 30, 479, 481)
    assert {k.decision for k in plan(alerts[:3], DAILY, at=479).kept.values()} == {AlertDecision.DIGEST}
    found = plan(alerts, DAILY, at=481)
    (due,) = found.digests
    assert (due.since, due.until) == (T0, minutes(480))
    assert [a.alert_id for a in due.alerts] == [0, 1, 2]
    assert found.kept[3, 1].until == minutes(480) + DAY
    assert not found.waves


def test_a_digest_is_due_even_without_changes_and_once_for_all_missed_days() -> None:
    (due,) = decide([], [a_rule(DAILY)], [], NotificationHistory(), T0 + 5 * DAY).digests
    assert (due.since, due.until, due.alerts) == (T0, minutes(480) + 4 * DAY, ())


def test_a_catch_up_digest_is_due_only_if_something_happened() -> None:
    assert decide([], [a_rule(RULE)], [], NotificationHistory(), T0 + 5 * DAY).digests == ()


@pytest.mark.parametrize(
    ("at", "zone", "digest", "before", "following"),
    [
        pytest.param(
            "2021-02-01T09:00+00:00", "UTC", Digest.DAILY, "2021-02-01T08:00", "2021-02-02T08:00", id="UTC"
        ),
        pytest.param(
            "2021-02-01T08:00+00:00", "UTC", Digest.DAILY, "2021-02-01T08:00", "2021-02-02T08:00", id="sharp"
        ),
        pytest.param(
            "2021-02-01T02:29+00:00",
            "Asia/Kolkata",
            Digest.DAILY,
            "2021-01-31T02:30",
            "2021-02-01T02:30",
            id="half",
        ),
        pytest.param(
            "2021-03-28T00:00+00:00",
            "Europe/Berlin",
            Digest.DAILY,
            "2021-03-27T07:00",
            "2021-03-28T06:00",
            id="DST",
        ),
        pytest.param(
            "2021-02-03T12:00+00:00",
            "UTC",
            Digest.WEEKLY,
            "2021-02-01T08:00",
            "2021-02-08T08:00",
            id="Mondays",
        ),
        pytest.param(
            "2021-02-01T07:00+00:00",
            "UTC",
            Digest.WEEKLY,
            "2021-01-25T08:00",
            "2021-02-01T08:00",
            id="Monday early",
        ),
    ],
)
def test_when_digests_are_due(at: str, zone: str, digest: Digest, before: str, following: str) -> None:
    now, rule = datetime.fromisoformat(at), replace(RULE, zone=zone, digest=digest)
    assert digest_before(now, rule) == datetime.fromisoformat(before + "+00:00")
    assert digest_after(now, rule) == datetime.fromisoformat(following + "+00:00")


@pytest.mark.parametrize(
    ("at", "quiet", "zone", "until"),
    [
        pytest.param("21:59", (22, 7), "UTC", "21:59", id="before"),
        pytest.param("22:00", (22, 7), "UTC", "07:00+1", id="they begin"),
        pytest.param("03:00", (22, 7), "UTC", "07:00", id="past midnight"),
        pytest.param("07:00", (22, 7), "UTC", "07:00", id="they are over"),
        pytest.param("13:00", (12, 14), "UTC", "14:00", id="at noon"),
        pytest.param("18:00", (22, 7), "Asia/Kolkata", "01:30+1", id="in their zone"),
    ],
)
def test_when_quiet_hours_end(at: str, quiet: tuple[int, int], zone: str, until: str) -> None:
    def moment(text: str) -> datetime:
        clock, _, days = text.partition("+")
        return datetime.fromisoformat(f"2021-02-01T{clock}+00:00") + int(days or 0) * DAY

    assert quiet_until(moment(at), QuietHours(time(quiet[0]), time(quiet[1])), zone) == moment(until)


BOTH = AlertRule(
    ("desk@example.org", "law@example.org"),
    name="both",
    quiet=QuietHours(time(22), time(6)),
    zone="Europe/Berlin",
)


@given(st.data())
def test_a_notifier_that_was_down_writes_the_same_emails_as_one_that_always_ran(
    data: st.DataObject,
) -> None:
    """Whatever the order of rows, and however often somebody looks while they arrive."""
    alerts = data.draw(stories())
    rules = [a_rule(replace(RULE, match=Match(lists=frozenset({"Reporters"})))), a_rule(BOTH, 2)]
    away = carried_out(alerts, rules, [minutes(MUCH_LATER)], data)
    looks = sorted(data.draw(st.lists(st.integers(0, 40_000), max_size=30)))
    assert carried_out(alerts, rules, [*(minutes(m) for m in looks), minutes(MUCH_LATER)], data) == away


def carried_out(
    alerts: Sequence[AlertRow], rules: Sequence[StoredRule], looks: Sequence[datetime], data: st.DataObject
) -> set[object]:
    """Everything that was told or silenced, by one who looks at these times."""
    said: dict[int, dict[int, AlertDecision]] = {a.alert_id: {} for a in alerts}
    closed: set[int] = set()
    told: list[AlertThread] = []
    found: set[object] = set()
    for now in looks:
        seen = data.draw(st.permutations([a for a in alerts if a.created_at <= now]))
        open_ones = [replace(a, done=frozenset(said[a.alert_id])) for a in seen if a.alert_id not in closed]
        past_alerts = [PastAlert(a.created_at, a.change, dict(said[a.alert_id])) for a in seen]
        made = decide(open_ones, rules, [], NotificationHistory(past_alerts, told), now)
        assert made.next_at is None or made.next_at > now
        parts = [*made.waves, *(p for d in made.digests for p in d.parts)]
        for wave in sorted(parts, key=lambda w: w.closed_at):
            found.add(
                (wave.stored.rule_id, wave.recipients, wave.closed_at, tuple(a.alert_id for a in wave.alerts))
            )
            key = wave.cohort.list_id if wave.cohort else None
            thread = (wave.stored.rule_id, key)
            is_round_up = any(wave in d.parts for d in made.digests)
            if not is_round_up or wave.story is not None:
                told = [s for s in told if (s.rule_id, s.list_id) != thread]
                told.append(replace(after(wave), rule_id=thread[0], list_id=thread[1]))
            for a in wave.alerts:
                said[a.alert_id][wave.stored.rule_id] = AlertDecision.MAILED
        for (alert_id, rule_id), silence in made.silent.items():
            found.add((rule_id, alert_id, silence.decision))
            if rule_id is not None:
                said[alert_id][rule_id] = silence.decision
        kept = {alert_id for alert_id, _ in made.kept}
        closed |= {a.alert_id for a in open_ones if a.alert_id not in kept}
    return found


@st.composite
def stories(draw: st.DrawFn) -> list[AlertRow]:
    """Accounts of several cohorts that go back and forth at any times."""
    alerts: list[AlertRow] = []
    for account in range(draw(st.integers(1, 4))):
        cohorts = draw(st.sampled_from([(), (ORDER,), (REPORTERS,), (ORDER, REPORTERS)]))
        gaps = draw(st.lists(st.sampled_from([1, 2, 3, 17, 61, 1439, 2000, 9000]), min_size=1, max_size=9))
        at, states = (
            draw(st.integers(0, 30)),
            [AVAILABLE, draw(st.sampled_from([SUSPENDED, WITHHELD_IN, NOT_FOUND]))],
        )
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
        ({"recipients": ("slack:newsroom",)}, "apprise:newsroom"),
        ({"settle": 0 * MINUTE}, "longer than zero"),
        ({"update_after": timedelta(0)}, "longer than zero"),
        ({"flapping_changes": 1}, "must be from 2 to"),
        ({"name": "two\nlines"}, "printable"),
        ({"escalation": (EscalationStep(5 * MINUTE, ()),)}, "step 1 of escalation names nobody"),
        ({"escalation": (EscalationStep(6000 * MINUTE, ("a@b.org",)),)}, "between a minute and 3 days"),
        (
            {
                "escalation": (
                    EscalationStep(60 * MINUTE, ("a@b.org",)),
                    EscalationStep(60 * MINUTE, ("b@b.org",)),
                )
            },
            "step 2 of escalation must come later than the step before it",
        ),
        (
            {"escalation": (EscalationStep(60 * MINUTE, ("nobody",)),)},
            "'nobody' is neither a plain mail address",
        ),
        ({"remind_every": timedelta(seconds=5)}, "at least a minute"),
        ({"match": Match(countries=frozenset({"India"}))}, "country code"),
        ({"quiet": QuietHours(time(7), time(7))}, "same time"),
    ],
)
def test_an_invalid_rule_is_refused_with_a_sentence(wrong: dict[str, object], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        replace(RULE, **wrong)
