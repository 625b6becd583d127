"""Which changes become one mail, and when: the rules of `jobs.alerting.waves` as sentences."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import time, timedelta

import pytest

from jobs.alerting.policy import NotificationHistory, NotificationPlan, decide
from storage.model.alerts.alerts import (
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    OrderRef,
    SentWave,
)
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import AlertRule, Severity
from storage.model.core.accounts import ListId
from storage.model.core.availability import State
from tests.support.samples.alerts import ORDER, a_change, a_rule, an_alert, owed_to, past
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes

RULE = AlertRule(("desk@example.org",), settle=timedelta(seconds=1))
SECOND = 1 / 60
HOUR, DAY = 60.0, 1440.0
MUCH_LATER = 100_000.0
HUGE = Cohort(ListId(3), "Huge", OrderRef("HUGE", "IN", T0 - timedelta(days=9), 1178))
MORNING = 8 * HOUR
"""08:00 UTC: T0 is midnight."""


def plan(alerts: Sequence[AlertRow], rule: AlertRule = RULE, at: float = MUCH_LATER) -> NotificationPlan:
    return decide(alerts, [a_rule(rule)], [], NotificationHistory([past(a) for a in alerts]), minutes(at))


def told(found: NotificationPlan) -> list[tuple[float, int]]:
    """Waves and round-ups: the minute at which each was complete, and how many changes it tells."""
    parts = [(w.closed_at, len(w.alerts)) for w in found.waves]
    parts += [(d.until, len(d.alerts)) for d in found.digests]
    return [(round((at - T0) / timedelta(minutes=1), 3), n) for at, n in sorted(parts)]


def some(
    *groups: tuple[float, int],
    new: State = WITHHELD_IN,
    old: State = AVAILABLE,
    cohort: Cohort | None = ORDER,
    first: int = 0,
    is_post: bool = False,
) -> list[AlertRow]:
    """Groups of accounts, or of posts, each confirmed at its minute."""
    out: list[AlertRow] = []
    cohorts = (cohort,) if cohort else ()
    for at, n in groups:
        for _ in range(n):
            i = first + len(out)
            change = a_change(i, new, old, at=minutes(at - 1), is_post=is_post)
            out.append(an_alert(i, change, minutes(at), *cohorts))
    return out


def posts(cohort: Cohort, *groups: tuple[float, int]) -> list[AlertRow]:
    """Posts of the order that are blocked."""
    return some(*groups, cohort=cohort, first=2_000, is_post=True)


def test_1178_changes_over_six_days_are_a_bounded_series() -> None:
    found = told(plan(some(*[(n * 7.3, 1) for n in range(1178)], cohort=HUGE)))
    assert sum(n for _, n in found) == 1178
    assert len(found) <= 9


def test_a_correction_is_sent_at_once_and_in_the_thread() -> None:
    blocks = some((0, 100))
    wrong = replace(blocks[0], alert_id=999, stage=AlertStage.WITHDRAWN, owed=owed_to())
    found = plan([*blocks, replace(wrong, created_at=minutes(20))])
    assert told(found) == [(0.017, 100), (20.017, 1)]
    assert found.waves[1].story is not None


def told_before(*waves: tuple[float, int]) -> AlertThread:
    """The story of the order with blocks told in waves, each complete at its minute."""
    parts = [SentWave(minutes(at), minutes(at - SECOND), {"block": n}) for at, n in waves]
    return AlertThread("story", 1, ORDER.list_id, RULE.recipients, tuple(parts))


@pytest.mark.parametrize(
    ("before", "alerts", "expected"),
    [
        pytest.param(
            told_before((SECOND, 98)),
            some((SECOND / 2, 98), (SECOND * 3, 30)),
            [(SECOND * 11, 128)],
            id="what was committed too late for its wave is told when that could have grown no more",
        ),
        pytest.param(
            told_before((SECOND, 98)),
            some((SECOND, 98)),
            [(SECOND + HOUR, 98)],
            id="what came as the wave ended is not late",
        ),
        pytest.param(
            told_before((SECOND, 98)),
            some((SECOND / 2, 12)),
            [(MORNING + DAY, 12)],
            id="less than a twentieth of an order is no news, however late",
        ),
        pytest.param(
            told_before((20 * SECOND, 98)),
            some((5 * SECOND, 98)),
            [(20 * SECOND + HOUR, 98)],
            id="what is older than the wave can have been is not of it",
        ),
        pytest.param(
            told_before((SECOND, 98), (SECOND * 11, 98)),
            some((SECOND * 5, 50)),
            [(MORNING, 50)],
            id="a wave is completed once: where all is late, it is not told mail by mail",
        ),
    ],
)
def test_a_change_that_is_committed_after_its_group_was_sent(
    before: AlertThread, alerts: list[AlertRow], expected: list[tuple[float, int]]
) -> None:
    found = decide(alerts, [a_rule(RULE)], [], NotificationHistory((), (before,)), minutes(MUCH_LATER))
    assert told(found) == [(round(at, 3), n) for at, n in expected]


NIGHT = QuietHours(time(22), time(7))
AT_NIGHT = HOUR
"""01:00 UTC."""


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        pytest.param(RULE, AT_NIGHT + SECOND, id="without quiet hours a wave is told at night"),
        pytest.param(replace(RULE, quiet=NIGHT), 7 * HOUR, id="quiet hours keep it until they end"),
        pytest.param(
            replace(RULE, quiet=NIGHT, zone="Asia/Kolkata"),
            AT_NIGHT + 30,
            id="they are those of the rule's zone",
        ),
        pytest.param(
            replace(RULE, quiet=NIGHT, severity=Severity.CRITICAL),
            AT_NIGHT + SECOND,
            id="what is critical does not wait for the morning",
        ),
    ],
)
def test_quiet_hours(rule: AlertRule, expected: float) -> None:
    blocks = some((AT_NIGHT, 30))
    assert told(plan(blocks, rule)) == [(round(expected, 3), 30)]
    kept = plan(blocks, rule, AT_NIGHT).kept
    why = AlertDecision.WAITING if expected == AT_NIGHT + SECOND else AlertDecision.QUIET
    assert {k.decision for k in kept.values()} == {why}
