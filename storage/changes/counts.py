"""How many accounts were in which state over a time: one number an hour, a day or any other step."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import accumulate

from asyncpg import Record

from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.model.core.packed_columns import integers, microseconds
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class Counts:
    """Series of equal length: the n-th number of each is what was so at `since + n * step`, as known now.

    A status or country that no account had in that time is not in it.
    """

    since: datetime
    step: timedelta
    by_status: dict[Status, "array[int]"]
    by_country: dict[str, "array[int]"]
    """Accounts withheld there; one withheld in two countries counts in both."""


async def counts(
    conn: Conn,
    since: datetime,
    until: datetime,
    step: timedelta,
    whom: Platform | Sequence[int] | None = None,
) -> Counts:
    """Count everybody (or those on a platform, or those named) at `since` and every `step`, before `until`.

    Only what was confirmed counts: before the first confirmed state of an account it is in no series.
    """
    length = -((since - until) // step)
    if length <= 0:
        return Counts(since, step, {}, {})
    last = since + (length - 1) * step
    if whom is None:
        rows = await _of_all(conn, since, last)
    elif isinstance(whom, Platform):
        rows = await _of_platform(conn, whom, since, last)
    else:
        rows = await _of_some(conn, whom, since, last)
    by_status: defaultdict[Status, Counter[int]] = defaultdict(Counter)
    by_country: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for r in sorted(rows, key=lambda r: (r["status"], r["withheld_in"])):
        moves = _moves(r, since, step)
        by_status[Status(r["status"])].update(moves)
        for country in r["withheld_in"]:
            by_country[country].update(moves)
    return Counts(
        since,
        step,
        {status: _series(moves, length) for status, moves in by_status.items()},
        {country: _series(moves, length) for country, moves in by_country.items()},
    )


def _moves(r: Record, since: datetime, step: timedelta) -> Counter[int]:
    """By how much the count of one state grows at which step."""
    start, width = microseconds(since), step // timedelta(microseconds=1)
    # A spell that begins between two steps is first counted at the later one.
    moves = Counter(-((start - at) // width) for at in integers(r["begun"] or b""))
    moves.subtract(-((start - at) // width) for at in integers(r["ended"] or b""))
    moves[0] += r["before"]
    return moves


def _series(moves: Counter[int], length: int) -> "array[int]":
    grown = array("q", bytes(8 * length))
    for position, n in moves.items():
        grown[position] = n
    return array("q", accumulate(grown))


async def _of_all(conn: Conn, since: datetime, last: datetime) -> list[Record]:
    return await conn.fetch(
        """
        select status, withheld_in, count(*) filter (where lower(valid) <= $1) as before,
            string_agg(timestamptz_send(lower(valid)), '') filter (where lower(valid) > $1) as begun,
            string_agg(timestamptz_send(upper(valid)), '') filter (where upper(valid) <= $2) as ended
        from spell
        where upper_inf(recorded) and lower(valid) <= $2 and (upper_inf(valid) or upper(valid) > $1)
        group by status, withheld_in
        """,
        since,
        last,
    )


async def _of_platform(conn: Conn, platform: Platform, since: datetime, last: datetime) -> list[Record]:
    return await conn.fetch(
        """
        select status, withheld_in, count(*) filter (where lower(valid) <= $1) as before,
            string_agg(timestamptz_send(lower(valid)), '') filter (where lower(valid) > $1) as begun,
            string_agg(timestamptz_send(upper(valid)), '') filter (where upper(valid) <= $2) as ended
        from spell join account using (account_id)
        where platform = $3 and upper_inf(recorded) and lower(valid) <= $2
            and (upper_inf(valid) or upper(valid) > $1)
        group by status, withheld_in
        """,
        since,
        last,
        platform.value,
    )


async def _of_some(conn: Conn, account_ids: Sequence[int], since: datetime, last: datetime) -> list[Record]:
    """A statement of its own: a plan that is made for everybody must not be taken for a few."""
    return await conn.fetch(
        """
        with theirs as materialized (select * from spell where account_id = any($3::bigint[]))
        select status, withheld_in, count(*) filter (where lower(valid) <= $1) as before,
            string_agg(timestamptz_send(lower(valid)), '') filter (where lower(valid) > $1) as begun,
            string_agg(timestamptz_send(upper(valid)), '') filter (where upper(valid) <= $2) as ended
        from theirs
        where upper_inf(recorded) and lower(valid) <= $2 and (upper_inf(valid) or upper(valid) > $1)
        group by status, withheld_in
        """,
        since,
        last,
        account_ids,
    )
