"""Every single reading of an account, rebuilt exactly, and every attempt that gave none.

The rules are in the database (`account_readings`, `account_misses`), so that they hold for psql as well.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

from storage.db import Conn
from storage.model.availability import Flag, MissedReason, State, Status, Strength

_AT_ONCE = 2_000


class StoredReading(NamedTuple):
    """One conclusive answer about an account. A tuple, since there are 35,000 of one account in a year."""

    at: datetime
    asked_at: datetime
    state: State
    """As it was understood: of countries that the answer was silent on, it is what was held."""
    strength: Strength
    """Of the change that tells the state; the same goes for `flags`."""
    flags: frozenset[Flag]
    silent_on: frozenset[str]
    """Countries of which the answer said nothing."""
    roster_id: int
    vantage: str
    recorded_at: datetime


class StoredMiss(NamedTuple):
    """An attempt that told nothing of an account."""

    at: datetime
    asked_at: datetime
    reason: MissedReason
    alone: bool
    """Others of the same request were answered, so that only what stands behind this account failed."""
    roster_id: int
    vantage: str
    recorded_at: datetime


async def readings_of(
    conn: Conn, account_id: int, since: datetime, until: datetime, known_at: datetime | None = None
) -> AsyncIterator[StoredReading]:
    """What our own connection saw from `since` until before `until`, in the order of time.

    Only what was stored by `known_at` (None: by now); what was learned later does not alter a reading. Needs
    a transaction, and holds few rows in memory at once.
    """
    cursor = await conn.cursor(
        """
        -- A time costs more to read than all the rest of a row: one that is equal to another is not sent.
        select at, latency_ms, status, array_to_string(withheld_in, ' '), strength,
            array_to_string(flags, ' '), array_to_string(silent_on, ' '), roster_id, vantage,
            nullif(recorded_at, at)
        from account_readings($1, $2, $3, coalesce($4::timestamptz, 'infinity')) order by at, roster_id
        """,
        account_id,
        since,
        until,
        known_at,
    )
    while rows := await cursor.fetch(_AT_ONCE):
        for (
            at,
            latency_ms,
            status,
            countries,
            strength,
            flags,
            silent,
            roster_id,
            vantage,
            recorded_at,
        ) in rows:
            yield StoredReading(
                at,
                at - _milliseconds(latency_ms),
                *_look(status, countries, strength, flags, silent),
                roster_id,
                vantage,
                recorded_at or at,
            )


async def attempts_of(
    conn: Conn, account_id: int, since: datetime, until: datetime
) -> AsyncIterator[StoredMiss]:
    """The attempts of our own connection that gave nothing, as `readings_of` gives those that did."""
    rows = conn.cursor(
        "select * from account_misses($1, $2, $3) order by at, roster_id",
        account_id,
        since,
        until,
        prefetch=_AT_ONCE,
    )
    async for at, asked_at, reason, *rest in rows:
        yield StoredMiss(at, asked_at, MissedReason(reason), *rest)


@lru_cache(maxsize=1_000)
def _milliseconds(n: int) -> timedelta:
    return timedelta(milliseconds=n)


@lru_cache(maxsize=1_000)
def _look(
    status: str, countries: str, strength: str, flags: str, silent: str
) -> tuple[State, Strength, frozenset[Flag], frozenset[str]]:
    """Few looks differ, so that nearly all readings share one."""
    return (
        State(Status(status), tuple(countries.split())),
        Strength(strength),
        frozenset(Flag(f) for f in flags.split()),
        frozenset(silent.split()),
    )
