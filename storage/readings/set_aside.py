"""Repairs after a clock was ahead. Requests dated in the future are moved out of coverage, and stored times
in the future are reset.
"""

from dataclasses import dataclass
from datetime import datetime

from storage.postgres.pool import Conn, Refused


@dataclass(frozen=True, slots=True)
class AsideRequests:
    """The number of requests that were moved out of coverage, and the times of the first and the last. The
    times are None if no request was moved.
    """

    batches: int
    first: datetime | None
    last: datetime | None


async def set_aside(conn: Conn, after: datetime, now: datetime) -> AsideRequests:
    """Move all requests that are dated after the time `after` out of coverage.

    A request may be dated earlier, but be recorded after that time. Such a request stays in coverage, and its
    recording time becomes `now`.

    Only the owner of the tables may call this. For all other roles, coverage is append-only. Raises Refused
    if such a request is in an archived month.
    """
    month = await conn.fetchval(
        "select min(month) from archived_month where greatest(last_observed, last_recorded) > $1", after
    )
    if month is not None:
        raise Refused(
            f"The archived month {month:%Y-%m} has requests that are dated after {after:%Y-%m-%d %H:%M} UTC. "
            f"Run `blockline unarchive {month:%Y-%m}` first."
        )
    row = await conn.fetchrow(
        """
        with gone as (
            delete from coverage_row where observed_at > $1 or recorded_at > $1
            returning slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, lacked
        ),
        kept as (insert into coverage_aside select gone.*, $2 from gone)
        select count(*) as batches, min(observed_at) as first, max(observed_at) as last
        from gone where observed_at > $1
        """,
        after,
        now,
    )
    await conn.execute(
        """
        insert into coverage_row
            (slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, lacked)
        select slot, observed_at, $2, roster_id, latency_ms, attempt, outcome, lacked
        from coverage_aside where aside_at = $2 and observed_at <= $1
        on conflict (slot, roster_id, attempt) do nothing
        """,
        after,
        now,
    )
    assert row is not None  # noqa: S101 - aggregates without grouping give one row
    return AsideRequests(row["batches"], row["first"], row["last"])


async def forget_later_times(conn: Conn, after: datetime, now: datetime) -> None:
    """Reset stored times after `after` that only a wrong clock can have set."""
    await _forget_scopes(conn, after)
    await _date_watch(conn, after, now)
    await _forget_pauses(conn, after, now)
    await _forget_facts(conn, after, now)
    await _forget_alert_times(conn, after, now)


async def _forget_scopes(conn: Conn, after: datetime) -> None:
    """Remove stored lists of reportable countries that begin after the time `after`. At the next start, the
    program stores the countries of its settings again.
    """
    await conn.execute("alter table country_scope disable trigger country_scope_append_only")
    await conn.execute("delete from country_scope where since > $1", after)
    await conn.execute("alter table country_scope enable trigger country_scope_append_only")


async def _date_watch(conn: Conn, after: datetime, now: datetime) -> None:
    """If a time of an account, a watch period or a list membership is later than `after`, set it to `now`,
    which is earlier. Rows of watch periods and memberships are replaced, not updated.
    """
    await conn.execute("update account set added_at = $2 where added_at > $1", after, now)
    await conn.execute(
        """
        with gone as (delete from watch_period where since > $1 or until > $1 returning *)
        insert into watch_period (account_id, since, until)
        select account_id, least(since, $2), case when until is not null then least(until, $2) end from gone
        """,
        after,
        now,
    )
    await conn.execute(
        """
        with gone as (delete from membership where added_at > $1 or removed_at > $1 returning *)
        insert into membership (list_id, account_id, added_at, removed_at)
        select list_id, account_id, least(added_at, $2),
            case when removed_at is not null then least(removed_at, $2) end
        from gone
        """,
        after,
        now,
    )


async def _forget_pauses(conn: Conn, after: datetime, now: datetime) -> None:
    """Reset the re-reads, pauses, doubts about control accounts and last polls of executives that a wrong
    clock dated later than `after`.
    """
    await conn.execute(
        """
        update pending_change set next_read_at = $2 where next_read_at > $1::timestamptz + interval '1 hour'
        """,
        after,
        now,
    )
    await conn.execute(
        """
        delete from collector_state
        where since > $1 or retry_at > $1::timestamptz + interval '1 day'
        """,
        after,
    )
    await conn.execute("update canary set doubts = 0, doubted_since = null where doubted_since > $1", after)
    await conn.execute(
        """
        update executive e set last_polled_at = (
            select max(s.first_seen_at) from signal s
            where s.account_id = e.account_id and s.source = '' and s.first_seen_at <= $1
        )
        where e.last_polled_at > $1
        """,
        after,
    )


async def _forget_facts(conn: Conn, after: datetime, now: datetime) -> None:
    """Remove side facts first seen after the time `after`. Their times are those of the wrong clock, so a
    reading made now would count as older. If a fact ended after that time, only its end is removed.

    If a fact, a rename or an imported record was recorded after that time, its recording time becomes `now`.
    """
    await conn.execute("delete from fact where first_seen > $1", after)
    await conn.execute(
        "update fact set last_seen = null, first_absent = null where first_absent > $1",
        after,
    )
    await conn.execute("update fact set recorded_at = $2 where recorded_at > $1", after, now)
    await conn.execute("update rename set recorded_at = $2 where recorded_at > $1", after, now)
    await conn.execute("update imported_span set recorded_at = $2 where recorded_at > $1", after, now)


async def _forget_alert_times(conn: Conn, after: datetime, now: datetime) -> None:
    """Reset the times of alerts, groups of changes, waiting emails and rules that a wrong clock set later
    than `after`.
    """
    await conn.execute("update alert set created_at = $2 where created_at > $1", after, now)
    await conn.execute(
        """
        update story_wave set closed_at = least(closed_at, $2), as_of = least(as_of, $2)
        where closed_at > $1 or as_of > $1
        """,
        after,
        now,
    )
    await conn.execute(
        """
        update mail set next_attempt_at = $2
        where state = 'queued' and next_attempt_at > $1::timestamptz + interval '1 hour'
        """,
        after,
        now,
    )
    await conn.execute(
        """
        update alert_rule set digested_to = least(digested_to, $2), active_since = least(active_since, $2)
        where digested_to > $1 or active_since > $1
        """,
        after,
        now,
    )
