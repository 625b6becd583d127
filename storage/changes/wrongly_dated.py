"""Repairing changes that a wrong clock dated in the future.

A new row about an account always counts as known later than the account's existing rows. If one of them is
dated next year, a new row would not count as known before next year. To prevent this, a row dated now
supersedes the wrongly dated row.
"""

from collections.abc import Sequence
from datetime import datetime

from asyncpg import Record

from storage.alerts import creation
from storage.changes.rebuild import rebuild, repair
from storage.model.core.accounts import AccountId
from storage.postgres.pool import Conn


async def resting_on_later(conn: Conn, after: datetime) -> list[AccountId]:
    """Accounts with a change of our own that was seen, confirmed or refuted after this time. Sorted by id."""
    rows = await conn.fetch(
        """
        select distinct c.account_id
        from standing_change c join account a on a.account_id = c.account_id and a.platform = c.source
        left join change_outcome o using (change_id)
        left join pending_change p using (change_id)
        where (
                c.first_seen_new > $1 or o.last_agreeing_at > $1 or o.decided_at > $1
                or p.last_agreeing_at > $1
            )
            and coalesce(o.reason, '') not in ('corrected', 'set_aside')
        order by c.account_id
        """,
        after,
    )
    return [AccountId(r["account_id"]) for r in rows]


async def restate(conn: Conn, after: datetime, now: datetime) -> list[AccountId]:
    """Supersede current rows that are dated after the time `after` by copies recorded `now`. Return the
    accounts of all rows that were superseded.

    Changes from imported records are included.

    If a row has an earlier date and was superseded only by rows dated after that time, the row is superseded
    again, by an annulled copy recorded `now`.
    """
    stands = await conn.fetch(
        """
        select c.change_id from standing_change c left join change_outcome o using (change_id)
        where c.recorded_at > $1 or o.decided_at > $1 or exists (
            select from pending_step s where s.change_id = c.change_id and s.recorded_at > $1
        )
        """,
        after,
    )
    restated = await _copy(conn, stands, now)
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select c.change_id, o.outcome, o.reason, $2, o.readings, o.last_agreeing_at
        from change c join change_outcome o on o.change_id = c.supersedes
        where c.change_id = any($1::bigint[]) order by c.change_id
        """,
        [r["change_id"] for r in restated],
        now,
    )
    await conn.execute(
        """
        with waiting as (
            update pending_change p set change_id = c.change_id
            from change c where c.change_id = any($1::bigint[]) and p.change_id = c.supersedes
            returning p.change_id, p.agreeing, p.last_agreeing_at
        )
        insert into pending_step (change_id, recorded_at, agreeing, last_agreeing_at)
        select change_id, $2, agreeing, last_agreeing_at from waiting where agreeing > 1
        """,
        [r["change_id"] for r in restated],
        now,
    )
    for r in restated:
        await creation.moved(conn, r["supersedes"], r["change_id"], now)
    return sorted({AccountId(r["account_id"]) for r in (*restated, *await _take_back(conn, after, now))})


async def _take_back(conn: Conn, after: datetime, now: datetime) -> list[Record]:
    """Annul each change that was recorded by the time `after`, if all rows that supersede it were recorded
    after that time.
    """
    overtaken = await conn.fetch(
        """
        select c.change_id from change c
        where c.recorded_at <= $1
            and (select min(later.recorded_at) from change later where later.supersedes = c.change_id) > $1
        """,
        after,
    )
    taken_back = await _copy(conn, overtaken, now)
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select c.change_id, 'not_confirmed', 'corrected', $2, coalesce(o.readings, 1),
            coalesce(o.last_agreeing_at, c.first_seen_new)
        from change c left join change_outcome o on o.change_id = c.supersedes
        where c.change_id = any($1::bigint[]) order by c.change_id
        """,
        [r["change_id"] for r in taken_back],
        now,
    )
    return taken_back


async def _copy(conn: Conn, rows: Sequence[Record], now: datetime) -> list[Record]:
    """Supersede these changes by equal rows that are recorded `now` and have no outcome. Return the
    new rows.
    """
    return await conn.fetch(
        """
        insert into change (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, recorded_at, source, old_evidence, new_evidence, flags, supersedes
        )
        select change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, $2, source, old_evidence, new_evidence, flags, change_id
        from change where change_id = any($1::bigint[]) order by change_id
        returning change_id, supersedes, account_id
        """,
        [r["change_id"] for r in rows],
        now,
    )


async def rebuild_spells(conn: Conn, account_ids: Sequence[AccountId]) -> None:
    """Recompute the spells of these accounts from their first change on."""
    found = await rebuild(conn, account_ids)
    if found.differs:
        await repair(conn, found)
