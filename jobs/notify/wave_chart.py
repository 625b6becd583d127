"""The chart in an email: the changes of the cohort since the incident began. Chart and counts are as known at
the same time.
"""

import asyncio
from datetime import datetime, timedelta

from jobs.alerting.policy import AlertGroup
from jobs.messages.chart import ChartMark, PicturedChange, WavePicture, alternative, draw
from jobs.messages.compose import Picture
from storage.alerts.open_alerts import Timeline, timeline
from storage.model.alerts.alerts import Cohort, ListStatus
from storage.postgres.pool import Conn

LONGEST = timedelta(days=14)
FEWEST_ACCOUNTS = 3
"""A cohort with fewer accounts than this gets no chart."""


async def picture(
    conn: Conn, wave: AlertGroup, status: ListStatus | None, known_at: datetime | None = None
) -> Picture | None:
    """Return the chart of the cohort as known at `known_at`. If `known_at` is None, the group's `as_of` is
    used.

    It is about accounts. Returns None if there is nothing to draw: no cohort, too few accounts, no change, or
    a group of posts alone.
    """
    cohort, until = wave.cohort, known_at or wave.as_of
    if cohort is None or status is None or status.watched < FEWEST_ACCOUNTS:
        return None
    if all(a.change.is_post for a in wave.alerts):
        return None
    since = _since(wave, cohort, until)
    known = await timeline(conn, cohort.list_id, since, until)
    drawn = _drawn(wave, cohort, status, known, since, until)
    if not drawn.changes:
        return None
    # Not in the threads of the pages: an email must not wait for them.
    return await asyncio.to_thread(lambda: Picture(draw(drawn), alternative(drawn)))


def _since(wave: AlertGroup, cohort: Cohort, until: datetime) -> datetime:
    """Return the start of the chart, a little before the incident began or its order was issued. The chart
    shows at most about `LONGEST`.
    """
    first = min(a.change.last_seen_old or a.change.first_seen_new for a in wave.alerts)
    if wave.story is not None:
        first = min(first, wave.story.waves[0].as_of)
    if cohort.order is not None and cohort.order.issued_at < first:
        first = cohort.order.issued_at
    first = max(first, until - LONGEST)
    return first - max((until - first) / 20, timedelta(minutes=10))


def _drawn(
    wave: AlertGroup, cohort: Cohort, status: ListStatus, known: Timeline, since: datetime, until: datetime
) -> WavePicture:
    marks = ()
    if cohort.order is not None and since <= cohort.order.issued_at <= until:
        marks = (ChartMark(cohort.order.issued_at, "Order issued"),)
    return WavePicture(
        since=since,
        until=until,
        watched=status.watched,
        blocked_before=known.blocked_before,
        changes=tuple(
            PicturedChange(c.account_id, c.blocked, c.last_seen_old, c.first_seen_new) for c in known.changes
        ),
        marks=marks,
        zone=wave.rule.zone,
    )
