"""The fold of `jobs.alerting.waves` looks at each change once, and tells what one tells that looks at all
anew.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from functools import partial
from typing import TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from jobs.alerting.waves import (
    BURST,
    BURST_SHARE,
    DAY,
    FAINT,
    FAINT_WAITS,
    LIST_LASTS,
    MUCH_SHARE,
    ORDER_LASTS,
    PAUSES,
    REMEMBERED,
    SLOWER,
    Cut,
    Waves,
    continued,
    count_by_kind,
)
from storage.model.alerts.alerts import (
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    OrderRef,
    SentWave,
)
from storage.model.alerts.quiet_hours import QuietHours, quiet_until
from storage.model.alerts.rules import AlertRule, Severity, digest_after
from storage.model.core.accounts import ListId
from storage.model.core.availability import ChangeKind, State
from tests.support.samples.alerts import a_change, an_alert
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN

RULE = AlertRule(("desk@example.org",))
SMALL = Cohort(ListId(1), "Small", OrderRef("SMALL", "IN", T0, 10, listed_posts=40))
LARGE = Cohort(ListId(2), "Large", OrderRef("LARGE", "IN", T0, 70))
LIST = Cohort(ListId(3), "List", None)
COHORTS = (SMALL, LARGE, LIST, None)

Told: TypeAlias = list[tuple[int, Cut]]
Came: TypeAlias = tuple[int, AlertRow]
"""The place of its cohort in COHORTS, and an alert of it."""


@dataclass(slots=True)
class _Thread:
    cohort: Cohort | None
    story: AlertThread | None
    members: list[AlertRow] = field(default_factory=list[AlertRow])
    ready: datetime | None = None


def anew(rule: AlertRule, stories: Sequence[AlertThread | None], came: Iterable[Came], now: datetime) -> Told:
    """The rules of `jobs.alerting.waves` as they are said, with no regard to cost: told, then what still
    grows.
    """
    threads: dict[int, _Thread] = {}
    complete: Told = []

    def growing() -> Told:
        return [(key, _cut(t, rule)) for key, t in threads.items() if t.members]

    def run(until: datetime) -> None:
        while (first := min((c.close for _, c in growing()), default=None)) is not None and first <= until:
            parts = growing()
            is_round_up = any(c.close == first and c.why is AlertDecision.DIGEST for _, c in parts)
            for key, part in parts:
                if part.close == first or (part.why is AlertDecision.DIGEST and is_round_up):
                    part = replace(part, close=first)
                    complete.append((key, part))
                    if part.why is not AlertDecision.DIGEST or part.story is not None:
                        threads[key].story = continued(part)
                    threads[key].members, threads[key].ready = [], None

    last: datetime | None = None
    for key, row in came:
        if row.created_at != last:
            run(row.created_at)
        last = row.created_at
        threads.setdefault(key, _Thread(COHORTS[key], stories[key])).members.append(row)
    run(now)
    return complete + growing()


def _cut(thread: _Thread, rule: AlertRule) -> Cut:
    members, story = tuple(thread.members), thread.story
    order = thread.cohort.order if thread.cohort is not None else None
    first, last = members[0].created_at, members[-1].created_at
    if story is not None and story.waves[-1].closed_at + (ORDER_LASTS if order else LIST_LASTS) < first:
        story = None
    round_up = Cut(members, story, _round_up(members, order, rule), AlertDecision.DIGEST)
    thread.ready = min(filter(None, (thread.ready, _ready(members, story, order, rule))), default=None)
    if thread.ready is None:
        return round_up
    due, why = last + rule.settle, AlertDecision.WAITING
    if thread.ready > due:
        due, why = thread.ready, AlertDecision.SPACED
    due = min(due, thread.ready + rule.settle * rule.growth_limit)
    if rule.severity is not Severity.CRITICAL and (awake := quiet_until(due, rule.quiet, rule.zone)) > due:
        due, why = awake, AlertDecision.QUIET
    return round_up if due >= round_up.close else Cut(members, story, due, why)


def _ready(
    members: Sequence[AlertRow], story: AlertThread | None, order: OrderRef | None, rule: AlertRule
) -> datetime | None:
    last = members[-1].created_at
    loud = [a for a in members if not _is_faint(a)]
    if story is None:
        return last if loud else None
    told_at, grows = story.waves[-1].closed_at, rule.settle * rule.growth_limit
    now = max(last, told_at)
    lately: Counter[str] = Counter()
    tellings: Counter[str] = Counter()
    for wave in story.waves:
        if wave.closed_at > members[0].created_at - REMEMBERED:
            lately.update(wave.told)
        if wave.closed_at > members[0].created_at - DAY:
            tellings.update(wave.told.keys())
    is_late = told_at - grows <= last < told_at
    was_late = len(story.waves) > 1 and story.waves[-2].closed_at >= told_at - 2 * grows
    times = [now for a in loud if a.stage.is_answer]
    newest = count_by_kind(a for a in loud if a.created_at == last)
    for kind, n in count_by_kind(a for a in loud if a.created_at > last - BURST).items():
        if n < _share(order, BURST_SHARE, of_posts=kind.endswith(" of posts")) or kind not in newest:
            continue  # what came before was looked at when it came
        if is_late and not was_late:
            times.append(told_at + grows)
        elif n >= lately[kind] == 0:
            times.append(now)
        elif n >= lately[kind] and (before := max(0, tellings[kind] - 1)) < PAUSES:
            times.append(max(now, told_at + rule.update_after * SLOWER**before))
    return min(times, default=None)


def _round_up(members: Sequence[AlertRow], order: OrderRef | None, rule: AlertRule) -> datetime:
    morning = digest_after(members[0].created_at, rule)
    while True:
        there = [a for a in members if a.created_at <= morning]
        loud = [a.created_at for a in there if not _is_faint(a)]
        is_much = any(
            len({a.change.account_id for a in there if a.change.is_post is of_posts})
            >= _share(order, MUCH_SHARE, of_posts=of_posts)
            for of_posts in (False, True)
        )
        if (loud and (is_much or loud[0] <= morning - DAY)) or there[0].created_at <= morning - FAINT_WAITS:
            return morning
        morning = digest_after(morning, rule)


def _is_faint(alert: AlertRow) -> bool:
    return alert.change.kind in FAINT and alert.stage is AlertStage.CONFIRMED


def _share(order: OrderRef | None, share: float, *, of_posts: bool) -> int:
    if order is None:
        return 1
    return max(1, math.ceil((order.listed_posts if of_posts else order.named_count) * share))


def at_once(
    rule: AlertRule, stories: Sequence[AlertThread | None], came: Iterable[Came], now: datetime
) -> Told:
    fold = Waves[int](rule)
    for key, row in came:
        fold.add(key, COHORTS[key], stories[key], row)
    fold.run(now)
    return fold.told + list(fold.growing())


SECONDS = (
    0,
    0.1,
    0.25,
    0.5,
    1,
    4.9,
    60,
    900,
    3599,
    3600,
    14_400,
    30_000,
    86_400,
    260_000,
    700_000,
    1_300_000,
)
CHANGES: tuple[tuple[State, State], ...] = (
    (AVAILABLE, WITHHELD_IN),
    (AVAILABLE, SUSPENDED),
    (WITHHELD_IN, AVAILABLE),
    (AVAILABLE, NOT_FOUND),
    (NOT_FOUND, AVAILABLE),
)


@st.composite
def sequences(draw: st.DrawFn) -> list[Came]:
    """Bursts and single changes of several cohorts, in order of time, after any pauses."""
    came: list[Came] = []
    at = T0
    near = st.sampled_from(SECONDS[: draw(st.integers(4, len(SECONDS)))])
    for _ in range(draw(st.integers(1, 25))):
        at += timedelta(seconds=draw(near))
        key = draw(st.sampled_from(range(len(COHORTS))))
        old, new = draw(st.sampled_from(CHANGES))
        stage = draw(st.sampled_from([*[AlertStage.CONFIRMED] * 8, *AlertStage]))
        account, step = draw(st.integers(0, 40)), draw(st.sampled_from((0, 0, 0.05, 60)))
        is_post = draw(st.sampled_from((False, False, True)))
        account += 1_000 * is_post
        for _ in range(draw(st.sampled_from((1, 1, 1, 2, 4, 8)))):
            change = a_change(account, new, old, at=at, is_post=is_post)
            row = an_alert(len(came), change, at, *filter(None, (COHORTS[key],)))
            came.append((key, replace(row, stage=stage)))
            account, at = account + 1, at + timedelta(seconds=step)
    return came


def _a_story(waves: Sequence[tuple[float, dict[str, int]]]) -> AlertThread | None:
    told_ones = [
        SentWave(T0 - h * BURST, T0 - h * BURST, what) for h, what in sorted(waves, key=lambda w: -w[0])
    ]
    return AlertThread("k", 1, None, RULE.recipients, tuple(told_ones)) if told_ones else None


KINDS = [*map(str, (ChangeKind.BLOCK, ChangeKind.RESTORATION, ChangeKind.GONE)), "block of posts"]
HOURS_AGO = st.sampled_from((-0.001, -0.0005, 0.0, 0.5, 1.0, 5.0, 23.0, 30.0, 71.0, 100.0, 335.0, 400.0))
STORIES = st.lists(
    st.tuples(HOURS_AGO, st.dictionaries(st.sampled_from(KINDS), st.integers(1, 9), min_size=1)),
    max_size=4,
).map(_a_story)

RULES: st.SearchStrategy[AlertRule] = st.builds(
    partial(replace, RULE),
    quiet=st.sampled_from((None, None, QuietHours(time(22), time(7)), QuietHours(time(12), time(14)))),
    zone=st.sampled_from(("UTC", "Asia/Kolkata")),
    severity=st.sampled_from((Severity.WARNING, Severity.CRITICAL)),
    digest_at=st.sampled_from((time(8), time(0, 1))),
    growth_limit=st.sampled_from((1, 10)),
    update_after=st.sampled_from((timedelta(minutes=1), timedelta(hours=1), timedelta(hours=12))),
)


@given(RULES, st.tuples(*[STORIES] * len(COHORTS)), sequences(), st.sampled_from(SECONDS))
def test_incremental_grouping_equals_grouping_all_changes_again(
    rule: AlertRule, stories: tuple[AlertThread | None, ...], came: list[Came], later: float
) -> None:
    now = came[-1][1].created_at + timedelta(seconds=later)
    assert at_once(rule, stories, came, now) == anew(rule, stories, came, now)
