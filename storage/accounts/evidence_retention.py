"""How long the raw evidence of the accounts on a list is kept, and taking out what is older.

Only the content of evidence expires: the answers of platforms as they came, which hold names and texts of the
accounts. Their hashes stay, so that a copy kept elsewhere can still be proved, and so do states, changes and
their times, whatever a list says. Engagement is stored as ids and times only: there is nothing to expire.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.postgres.pool import Conn

ORDER_DAYS = 1095
"""What an order asks for is argued about for years: the evidence of the accounts that it names is kept for
three of them, whatever its list says."""


@dataclass(frozen=True, slots=True)
class ListRule:
    """What one list says of the evidence of its accounts."""

    list_id: int
    name: str
    keep_days: int | None
    """None: for ever."""
    order_reference: str | None
    """The order that names the accounts of the list, if it belongs to one."""

    @property
    def days_kept(self) -> int | None:
        """How many days the evidence of its accounts is really kept; None: for ever."""
        if self.keep_days is None or self.order_reference is None:
            return self.keep_days
        return max(self.keep_days, ORDER_DAYS)


@dataclass(frozen=True, slots=True)
class Cutoff:
    """Evidence of changes that were recorded before `before` is not kept for the sake of this list."""

    list_id: int
    days: int | None
    before: datetime | None
    """None: the list keeps everything."""


async def list_rules(conn: Conn) -> list[ListRule]:
    """The rules of all lists, by name."""
    rows = await conn.fetch(
        """
        select l.list_id, l.name, l.keep_days, o.reference
        from watch_list l left join legal_order o using (list_id) order by l.name
        """
    )
    return [ListRule(r["list_id"], r["name"], r["keep_days"], r["reference"]) for r in rows]


async def set_rule(conn: Conn, list_id: int, keep_days: int | None) -> None:
    await conn.execute("update watch_list set keep_days = $2 where list_id = $1", list_id, keep_days)


async def last_run(conn: Conn) -> datetime | None:
    """When evidence was last looked through; None when never."""
    return await conn.fetchval("select max(at) from retention_log")


async def expire(conn: Conn, cutoffs: Sequence[Cutoff], now: datetime, limit: int) -> dict[int, int]:
    """Empty up to `limit` pieces of evidence that no list keeps any more; returns how many, by list.

    `cutoffs` are those of every list. An account on several lists is kept by the one that keeps longest,
    under which it is counted; one on no list is kept for ever. A piece that several changes rest on goes with
    the last of them. Nothing returned: nothing is left to go.
    """
    rows = await conn.fetch(
        """
        with rule as (select * from unnest($1::bigint[], $2::timestamptz[]) as u (list_id, before)),
        of_account as (
            select distinct on (m.account_id) m.account_id, m.list_id, rule.before
            from watch_list_member m join rule using (list_id)
            order by m.account_id, rule.before nulls first, m.list_id
        ),
        rests_on as (
            select sha256, c.account_id, c.recorded_at
            from change c, unnest(array[c.old_evidence, c.new_evidence]) as sha256
        ),
        due as (
            select e.sha256, min(k.list_id) as list_id
            from rests_on r
            join evidence e using (sha256)
            left join of_account k using (account_id)
            where e.packed is not null
            group by e.sha256
            having bool_and(k.before is not null and r.recorded_at < k.before)
            limit $4
        ),
        gone as (
            update evidence e set packed = null, compressed = false, purged_at = $3
            from due where due.sha256 = e.sha256 and e.packed is not null
            returning due.list_id
        )
        select list_id, count(*) as pieces from gone group by list_id
        """,
        [c.list_id for c in cutoffs],
        [c.before for c in cutoffs],
        now,
        limit,
    )
    return {r["list_id"]: r["pieces"] for r in rows}


async def log_run(conn: Conn, cutoffs: Sequence[Cutoff], pieces: dict[int, int], now: datetime) -> None:
    """Put a run on record: a row for each list that does not keep for ever, also where nothing expired."""
    rows = [(c.list_id, c.days, pieces.get(c.list_id, 0)) for c in cutoffs if c.days is not None]
    await conn.execute(
        """
        insert into retention_log (at, list_id, days, pieces)
        select $1, * from unnest($2::bigint[], $3::int[], $4::int[])
        """,
        now,
        [list_id for list_id, _, _ in rows],
        [days for _, days, _ in rows],
        [n for _, _, n in rows],
    )
