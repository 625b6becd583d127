"""What becomes of every alert under every rule: the rules of `jobs.alerting.policy` as sentences."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.alerting.policy import NotificationHistory, NotificationPlan, after, decide
from storage.model.alerts.alerts import AlertDecision, AlertRow, AlertThread, PastAlert
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import (
    AlertRule,
    Digest,
    EscalationStep,
    Match,
    StoredRule,
)
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, past
from tests.support.samples.readings import (
    AVAILABLE,
    MINUTE,
    NOT_FOUND,
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


def test_flapping_that_continues_is_reported_again_after_the_period() -> None:
    found = plan(back_and_forth(*[n * 1440.0 for n in range(12)]))
    assert (
        sum(len(w.flaps) for w in found.waves) + sum(len(p.flaps) for d in found.digests for p in d.parts)
        == 2
    )
    assert len(found.silent) == 12 - 5


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
