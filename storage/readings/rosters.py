"""Rosters: fixed sets of accounts that are asked about together. Rosters with the same content are stored
once.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.coverage import Roster, WhyRead
from storage.postgres.pool import Conn


def content_hash(
    account_ids: Sequence[AccountId],
    canary_ids: Sequence[AccountId],
    *,
    base: bool,
    vantage: str = "",
    place: str = "",
    out_of_turn: WhyRead | None = None,
) -> bytes:
    """Return the hash that identifies a roster. Two rosters have the same hash if they agree in all arguments
    of this function. The order of the accounts matters.
    """
    text = f"{','.join(map(str, account_ids))}|{','.join(map(str, canary_ids))}|{'base' if base else 'adhoc'}"
    if vantage or place:  # The first rosters had neither, and keep their identity.
        text += f"|{vantage}|{place}"
    if out_of_turn is not None:  # Keeps our rosters distinct from those of imported records.
        text += f"|{out_of_turn}"
    return hashlib.sha256(text.encode()).digest()


async def get_or_make(
    conn: Conn,
    platform: Platform,
    account_ids: Sequence[AccountId],
    canary_ids: Sequence[AccountId],
    now: datetime,
    *,
    base: bool,
    vantage: str = "",
    place: str = "",
    out_of_turn: WhyRead | None = None,
) -> Roster:
    """Return the roster with this content. It is created if it does not exist. A retired roster returns to
    use.

    `out_of_turn` says why the roster is read outside the sweep; None for a roster of the sweep.
    """
    identity = content_hash(
        account_ids, canary_ids, base=base, vantage=vantage, place=place, out_of_turn=out_of_turn
    )
    roster_id = await conn.fetchval(
        """
        with made as (
            insert into roster
                (platform, content_hash, account_ids, canary_ids, base, created_at, vantage, place,
                out_of_turn)
            values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
            on conflict (content_hash) do update set retired_at = null
                where roster.retired_at is not null
            returning roster_id
        )
        select roster_id from made union all select roster_id from roster where content_hash = $2 limit 1
        """,
        platform.value,
        identity,
        list(account_ids),
        list(canary_ids),
        base,
        now,
        vantage,
        place,
        out_of_turn,
    )
    if (
        roster_id is None
    ):  # Another transaction created it after this statement began, so the statement cannot see it.
        roster_id = await conn.fetchval("select roster_id from roster where content_hash = $1", identity)
    return Roster(roster_id, platform, tuple(account_ids), tuple(canary_ids), vantage, place)


async def base_rosters(conn: Conn, platform: Platform, vantage: str = "") -> list[Roster]:
    """The rosters of the regular sweep from one vantage point, oldest first."""
    rows = await conn.fetch(
        """
        select roster_id, account_ids, canary_ids, place from roster
        where platform = $1 and vantage = $2 and base and retired_at is null order by roster_id
        """,
        platform.value,
        vantage,
    )
    return [
        Roster(
            r["roster_id"],
            platform,
            tuple(AccountId(i) for i in r["account_ids"]),
            tuple(AccountId(i) for i in r["canary_ids"]),
            vantage,
            r["place"],
        )
        for r in rows
    ]


async def roster(conn: Conn, roster_id: int) -> Roster | None:
    """One roster, even if it is retired; None if there is none with this number."""
    row = await conn.fetchrow(
        "select platform, account_ids, canary_ids, vantage, place from roster where roster_id = $1", roster_id
    )
    if row is None:
        return None
    return Roster(
        roster_id,
        Platform(row["platform"]),
        tuple(AccountId(i) for i in row["account_ids"]),
        tuple(AccountId(i) for i in row["canary_ids"]),
        row["vantage"],
        row["place"],
    )


async def retire(conn: Conn, roster_ids: Sequence[int], now: datetime) -> None:
    """Remove rosters from the regular sweep. Their coverage stays."""
    await conn.execute(
        "update roster set retired_at = $2 where roster_id = any($1::int[]) and retired_at is null",
        list(roster_ids),
        now,
    )


async def why_read(conn: Conn, roster_ids: Sequence[int]) -> dict[int, WhyRead]:
    """Why each of these rosters is read. Rosters of imported records are left out, because we do not read
    them.
    """
    rows = await conn.fetch(
        """
        select roster_id, case when base then 'turn' else out_of_turn end as why
        from roster where roster_id = any($1::int[]) and (base or out_of_turn is not null)
        """,
        list(roster_ids),
    )
    return {r["roster_id"]: WhyRead(r["why"]) for r in rows}
