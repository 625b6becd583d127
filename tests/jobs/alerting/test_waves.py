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
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, a_rule, an_alert, owed_to, past
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, minutes

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


def back(*groups: tuple[float, int]) -> list[AlertRow]:
    """Other accounts of the order that come back."""
    return some(*groups, new=AVAILABLE, old=WITHHELD_IN, first=500)


def with_posts(posts: int, accounts: int = 257) -> Cohort:
    """An order of so many accounts, with so many posts on its list."""
    assert ORDER.order is not None
    return replace(ORDER, order=replace(ORDER.order, named_count=accounts, listed_posts=posts))


def posts(cohort: Cohort, *groups: tuple[float, int]) -> list[AlertRow]:
    """Posts of the order that are blocked."""
    return some(*groups, cohort=cohort, first=2_000, is_post=True)


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        pytest.param(
            [*some((0, 20), cohort=with_posts(40)), *posts(with_posts(40), (30, 12))],
            [(0.017, 20), (30.017, 12)],
            id="posts that are blocked after accounts are news, as another kind of change",
        ),
        pytest.param(
            [
                *some((0, 20), new=AVAILABLE, old=WITHHELD_IN, cohort=with_posts(200), first=500),
                *some((90, 7), cohort=with_posts(200)),
                *posts(with_posts(200), (90, 6)),
            ],
            [(0.017, 20), (MORNING + DAY, 13)],
            id="a twentieth is one of the accounts or one of the posts, and never of both together",
        ),
        pytest.param(
            [*some((0, 20), (100, 12), cohort=with_posts(40)), *posts(with_posts(40), (0, 10), (100, 9))],
            [(0.017, 30), (MORNING, 21)],
            id="a tenth of the posts does not wait for a second morning, however few the accounts",
        ),
        pytest.param(
            posts(with_posts(200, accounts=0), (0, 40), (100, 1)),
            [(0.017, 40), (MORNING + DAY, 1)],
            id="posts of an order that names no account are measured against its posts",
        ),
    ],
)
def test_accounts_and_posts_are_news_apart(alerts: list[AlertRow], expected: list[tuple[float, int]]) -> None:
    assert told(plan(alerts)) == expected


@pytest.mark.parametrize(
    ("alerts", "expected"),
    [
        pytest.param(some((0, 257)), [(0.017, 257)], id="257 blocks at once are one mail, a second later"),
        pytest.param(
            some(*[(n * SECOND / 2, 1) for n in range(10)]),
            [(0.092, 10)],
            id="what comes within a second of each other is one mail",
        ),
        pytest.param(
            some(*[(n * SECOND / 2, 1) for n in range(30)]),
            [(0.167, 20), (MORNING + DAY, 10)],
            id="a wave that keeps growing is cut after ten seconds",
        ),
        pytest.param(
            some((0, 100), (5, 100)),
            [(0.017, 100), (60.017, 100)],
            id="a wave that doubles is told again after an hour, not at once",
        ),
        pytest.param(
            some((0, 10), (90, 10), (100, 30)),
            [(0.017, 10), (100.017, 40)],
            id="what was no news goes along with what is",
        ),
        pytest.param(
            some((0, 20), (5, 20), (70, 40), (300, 130)),
            [(0.017, 20), (60.017, 20), (300.017, 170)],
            id="each update waits four times longer than the one before",
        ),
        pytest.param(
            some((0, 20), (5, 20), (70, 40), (150, 1)),
            [(0.017, 20), (60.017, 20), (300.017, 41)],
            id="what was news once stays it: one more account does not send it to the morning",
        ),
        pytest.param(
            [*some((0, 20), (5, 20), (70, 40)), *back((90, 20), (90 + SECOND / 2, 20))],
            [(0.017, 20), (60.017, 20), (90.025, 80)],
            id="a turn settles before it is told, also where blocks wait for their pause",
        ),
        pytest.param(
            [*some((0, 20), (5, 20)), *back((90, 30)), *some((95, 60), first=600), *back((96, 40))],
            [(0.017, 20), (60.017, 20), (90.017, 30), (150.017, 100)],
            id="news of two kinds is told as soon as one of them may be",
        ),
        pytest.param(
            some((0, 100), (5, 100), (60.01, 10), (60.02, 10)),
            [(0.017, 100), (60.037, 120)],
            id="a burst that comes as the pause ends is not torn",
        ),
        pytest.param(
            some((0, 100), (5, 12)),
            [(0.017, 100), (MORNING + DAY, 12)],
            id="less than a twentieth of an order is no news: it waits for a second morning at most",
        ),
        pytest.param(
            some((0, 100), (5, 26)),
            [(0.017, 100), (MORNING, 26)],
            id="a tenth of an order is enough for the next morning",
        ),
        pytest.param(
            some((0, 100), (5, 20), (MORNING, 6)),
            [(0.017, 100), (MORNING, 26)],
            id="what comes on the stroke of the round-up is in it",
        ),
        pytest.param(
            some((0, 13), (30, 6), (90, 7)),
            [(0.017, 13), (MORNING + DAY, 13)],
            id="changes an hour apart are no burst",
        ),
        pytest.param(
            [*some((0, 100)), *back((30, 40))],
            [(0.017, 100), (30.017, 40)],
            id="a restoration of many is told at once",
        ),
        pytest.param(
            [*some((0, 100)), *back((30, 40), (40, 60))],
            [(0.017, 100), (30.017, 40), (90.017, 60)],
            id="what follows a turn waits as long as after a beginning",
        ),
        pytest.param(
            [*some((0, 100)), *back((30, 1))],
            [(0.017, 100), (MORNING + DAY, 1)],
            id="one account of an order that comes back is no turn of it",
        ),
        pytest.param(
            some(*[(m * 15.0, 3) for m in range(90)], cohort=HUGE),
            [(0.017, 3), (MORNING + DAY, 267)],
            id="what trickles is told in round-ups, however much it becomes",
        ),
        pytest.param(
            some((0, 1), (30, 1), (200, 2), cohort=REPORTERS),
            [(0.017, 1), (60.017, 1), (300.017, 2)],
            id="accounts of a mere list are told soon: each of them counts",
        ),
        pytest.param(
            some((0, 1), (2 * DAY, 1), cohort=REPORTERS),
            [(0.017, 1), (2 * DAY + 0.017, 1)],
            id="a day without mail ends the story of a list: the next account is told at once",
        ),
        pytest.param(
            some((0, 3), new=NOT_FOUND, cohort=REPORTERS),
            [(MORNING + 6 * DAY, 3)],
            id="who vanished without a word waits for company, a week at most",
        ),
        pytest.param(
            [*some((0, 3), new=NOT_FOUND), *some((600, 5), new=SUSPENDED, first=50)],
            [(600.017, 8)],
            id="who vanished goes along with the next news",
        ),
        pytest.param(
            [
                *some((0, 60)),
                *some((1, 60), cohort=HUGE, first=500),
                *some((90, 2)),
                *some((95, 5), cohort=HUGE),
            ],
            [(0.017, 60), (1.017, 60), (MORNING + DAY, 7)],
            id="the round-up is one mail for all stories",
        ),
    ],
)
def test_when_each_group_is_sent(alerts: list[AlertRow], expected: list[tuple[float, int]]) -> None:
    assert told(plan(alerts)) == [(round(at, 3), n) for at, n in expected]


def test_1178_changes_over_six_days_are_a_bounded_series() -> None:
    found = told(plan(some(*[(n * 7.3, 1) for n in range(1178)], cohort=HUGE)))
    assert sum(n for _, n in found) == 1178
    assert len(found) <= 9


def test_an_incident_of_an_order_continues_after_days_of_silence_as_one_thread() -> None:
    waves = plan(some((0, 100), (9 * DAY, 100))).waves
    assert [w.story is None for w in waves] == [True, False]
    assert [len(w.story.waves) for w in waves if w.story] == [1]


def test_after_two_weeks_a_new_incident_begins() -> None:
    waves = plan(some((0, 100), (15 * DAY, 100))).waves
    assert [w.story is None for w in waves] == [True, True]


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


def test_a_waiting_alert_has_its_reason_and_end_time() -> None:
    found = plan([*some((0, 100)), *some((2, 100), first=200)], at=3)
    assert [len(w.alerts) for w in found.waves] == [100]
    assert {(k.decision, k.until) for k in found.kept.values()} == {
        (AlertDecision.SPACED, minutes(60) + timedelta(seconds=1))
    }
    assert found.next_at == minutes(60) + timedelta(seconds=1)
