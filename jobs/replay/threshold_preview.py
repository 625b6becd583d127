"""What other thresholds of a list would have confirmed in a period. Nothing is written."""

from datetime import datetime

from jobs.replay.compare_changes import ChangeDifference, compare
from jobs.replay.redetect_fast import redetect_fast
from jobs.replay.replay import IN_FORCE
from storage.accounts.list_thresholds import load_threshold_history
from storage.accounts.lookup import list_called
from storage.model.bitemporal.reevaluation import Effect
from storage.model.bitemporal.threshold_preview import (
    MOST_CASES,
    PreviewedChange,
    ThresholdPreview,
    counted,
)
from storage.model.core.list_thresholds import ListThresholds
from storage.model.text.states import capital, short_words
from storage.postgres.pool import Conn, open_pool
from storage.postgres.replica import snapshot
from storage.readings.coverage import was_read
from storage.replay import account_inputs


async def load_threshold_preview(
    conn: Conn, name: str, wanted: ListThresholds | None, since: datetime, until: datetime
) -> ThresholdPreview:
    """Return what the list's thresholds would have confirmed if they had been `wanted` all the time.

    Only accounts that showed another status in the period are decided again: other thresholds decide when a
    change is confirmed, and never see one more. First states are not counted. Raises Refused for an unknown
    list.
    """
    list_id = await list_called(conn, name)
    accounts, changing = await account_inputs.changing_on(conn, list_id, since, until)
    courses = await account_inputs.load(conn, since, until, IN_FORCE.cohort_window, IN_FORCE, changing)
    history = (await load_threshold_history(conn)).as_if(list_id, wanted)
    recomputed = redetect_fast(courses.accounts, courses.confirmed_on, IN_FORCE, history)
    compared = compare(courses.accounts, recomputed, until, other_thresholds=True)
    differing = [d for d in compared.differences if d.effect is not Effect.OTHERWISE and not _is_first(d)]
    cases = [_case(d) for d in differing]
    return ThresholdPreview(
        since,
        until,
        wanted,
        accounts,
        sum(c.old is not None for course in courses.accounts for c in course.stored),
        counted(d.effect for d in differing),
        tuple(sorted(cases, key=lambda c: c.first_seen, reverse=True)[:MOST_CASES]),
        await was_read(conn, since, until),
    )


async def threshold_preview_stored(
    dsn: str, name: str, wanted: ListThresholds | None, since: datetime, until: datetime
) -> ThresholdPreview:
    """The same over a connection of its own, at one moment of the database."""
    async with open_pool(dsn, max_size=1) as pool, snapshot(pool) as conn:
        return await load_threshold_preview(conn, name, wanted, since, until)


def _is_first(d: ChangeDifference) -> bool:
    """Whether it is the first state of an account, which is no change."""
    one = d.stored or d.recomputed
    return one is None or one.old is None


def _case(d: ChangeDifference) -> PreviewedChange:
    stored, again = d.stored, d.recomputed
    assert stored is not None or again is not None  # noqa: S101 - one of them differs from the other
    pending = None if again is None else again.pending
    new = pending.state if pending is not None else stored and stored.new
    flags = pending.flags if pending is not None else stored and stored.flags
    times = [one.first_seen_new for one in (stored, pending) if one is not None]
    return PreviewedChange(
        d.effect,
        d.account.account_id,
        d.account.platform,
        d.account.handle,
        capital(short_words(new, d.account.platform, flags)),
        min(times),
        stored.last_agreeing_at if stored is not None and d.effect is not Effect.BESIDES else None,
        pending.last_agreeing_at if pending is not None and d.effect is not Effect.NEVER else None,
    )
