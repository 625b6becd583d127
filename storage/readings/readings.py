"""All readings of an account, rebuilt from coverage, and all attempts that gave no reading.

Database functions (`account_readings`, `account_misses`) contain the rules, so psql gives the same result.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from storage.model.core.availability import (
    DATED_SCOPES,
    FIRST_SEEN_FLAGS,
    Flag,
    MissedReason,
    State,
    Status,
    Strength,
)
from storage.model.core.packed_columns import instant, integers
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


class StoredReading(NamedTuple):
    """One conclusive answer about an account. It is a tuple to save memory: one account has 35,000 readings
    per year.
    """

    at: datetime
    asked_at: datetime
    state: State
    """The state of the account according to this reading. Countries about which the answer said nothing keep
    their earlier state.
    """
    strength: Strength
    """The strength of the evidence for the change to this state."""
    flags: frozenset[Flag]
    """The flags of the change to this state, without `FIRST_SEEN_FLAGS`, with one exception: the flag for who
    closed the account is the one that applied at the time of the reading, if one is known.
    """
    silent_on: frozenset[str]
    """Countries about which the answer says nothing."""
    roster_id: int
    vantage: str
    recorded_at: datetime


class StoredMiss(NamedTuple):
    """An attempt that gave no reading of an account."""

    at: datetime
    asked_at: datetime
    reason: MissedReason
    alone: bool
    """True if other accounts in the same request were answered."""
    roster_id: int
    vantage: str
    recorded_at: datetime


async def readings_of(
    conn: Conn, account_id: int, since: datetime, until: datetime, known_at: datetime | None = None
) -> list[StoredReading]:
    """The readings of our own connection from `since` to before `until`, in order of time.

    Only what was stored by `known_at` counts; None means no limit.
    """
    await with_archived(conn, since, until, [account_id], known_at=known_at)
    rows = await conn.fetch(
        """
        -- As columns, because one row per reading would cost more to transfer than to find.
        select c.status, array_to_string(c.withheld_in, ' '), c.strength, array_to_string(c.flags, ' '),
            array_to_string(r.silent_on, ' '), r.roster_id, r.vantage, r.at, r.latency_ms, r.recorded_at
        from (
            select change_id, silent_on, roster_id, vantage, string_agg(timestamptz_send(at), '') as at,
                string_agg(int8send(latency_ms), '') as latency_ms,
                string_agg(timestamptz_send(recorded_at), '') as recorded_at
            from account_readings($1, $2, $3, coalesce($4::timestamptz, 'infinity'))
            group by change_id, silent_on, roster_id, vantage
        ) r join change c using (change_id) order by r.roster_id
        """,
        account_id,
        since,
        until,
        known_at,
    )
    scopes = await _scopes(conn, account_id, known_at)
    found_all: list[StoredReading] = []
    for *look, roster_id, vantage, at, latency_ms, recorded_at in rows:
        state, strength, flags, silent_on = _look(*look)
        found_all += [
            StoredReading(
                seen,
                seen - _milliseconds(took),
                state,
                strength,
                flags,
                silent_on,
                roster_id,
                vantage,
                seen if stored == number else instant(stored),
            )
            for seen, number, took, stored in zip(
                map(instant, integers(at)),
                integers(at),
                integers(latency_ms),
                integers(recorded_at),
                strict=True,
            )
        ]
    found_all.sort(key=attrgetter("at"))
    return [r._replace(flags=_scoped(r, scopes)) for r in found_all] if scopes else found_all


class _Scope(NamedTuple):
    flag: Flag
    since: datetime
    until: datetime | None


async def _scopes(conn: Conn, account_id: int, known_at: datetime | None) -> list[_Scope]:
    """Return the flags for who closed the account, each with the period in which it applied. If several flags
    apply at one time, the last one returned counts.
    """
    rows = await conn.fetch(
        """
        select kind, first_seen, first_absent from fact
        where account_id = $1 and observer = '' and kind = any($2)
            and recorded_at <= coalesce($3::timestamptz, 'infinity')
        order by kind <> 'scope_unanswered', first_seen
        """,
        account_id,
        [flag.value for flag in DATED_SCOPES],
        known_at,
    )
    return [_Scope(Flag(r["kind"]), r["first_seen"], r["first_absent"]) for r in rows]


def _scoped(reading: StoredReading, scopes: Sequence[_Scope]) -> frozenset[Flag]:
    if reading.state.status not in {Status.SUSPENDED, Status.NOT_FOUND}:
        return reading.flags
    candidates = (
        s.flag
        for s in reversed(scopes)
        if s.since <= reading.at and (s.until is None or reading.at < s.until)
    )
    found = next(candidates, None)
    return reading.flags if found is None else (reading.flags - DATED_SCOPES) | {found}


async def attempts_of(conn: Conn, account_id: int, since: datetime, until: datetime) -> list[StoredMiss]:
    """The attempts of our own connection that gave no reading, from `since` to before `until`."""
    await with_archived(conn, since, until, [account_id])
    rows = await conn.fetch(
        "select * from account_misses($1, $2, $3) order by at, roster_id", account_id, since, until
    )
    return [StoredMiss(at, asked_at, MissedReason(why), *rest) for at, asked_at, why, *rest in rows]


@lru_cache(maxsize=1_000)
def _milliseconds(n: int) -> timedelta:
    return timedelta(milliseconds=n)


@lru_cache(maxsize=1_000)
def _look(
    status: str, countries: str, strength: str, flags: str, silent: str
) -> tuple[State, Strength, frozenset[Flag], frozenset[str]]:
    """Cached, because nearly all readings share a few values."""
    return (
        State(Status(status), tuple(countries.split())),
        Strength(strength),
        frozenset(Flag(f) for f in flags.split()) - FIRST_SEEN_FLAGS,
        frozenset(silent.split()),
    )
