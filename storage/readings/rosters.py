"""Rosters: fixed sets of accounts that are asked about together. Rosters with the same content are stored
once.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import AccountId, Platform
from storage.model.core.coverage import Roster, WhyRead
from storage.model.core.shards import WHOLE, Shard
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


@dataclass(frozen=True, slots=True)
class NewRoster:
    """Accounts to ask together, with the control accounts beside them, at one place."""

    account_ids: tuple[AccountId, ...]
    canary_ids: tuple[AccountId, ...]
    place: str = ""


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
    """Return the roster with this content; see `get_or_make_all`."""
    new = NewRoster(tuple(account_ids), tuple(canary_ids), place)
    [one] = await get_or_make_all(
        conn, platform, [new], now, base=base, vantage=vantage, out_of_turn=out_of_turn
    )
    return one


async def get_or_make_all(
    conn: Conn,
    platform: Platform,
    wanted: Sequence[NewRoster],
    now: datetime,
    *,
    base: bool,
    vantage: str = "",
    out_of_turn: WhyRead | None = None,
) -> list[Roster]:
    """Return the rosters with these contents, in this order; no content may be given twice. One that does not
    exist is created. A retired roster returns to use.

    `out_of_turn` says why the rosters are read outside the sweep; None for rosters of the sweep.
    """
    identities = [
        content_hash(
            one.account_ids,
            one.canary_ids,
            base=base,
            vantage=vantage,
            place=one.place,
            out_of_turn=out_of_turn,
        )
        for one in wanted
    ]
    rows = await conn.fetch(
        """
        with wanted as (
            select * from unnest($2::bytea[], $3::text[], $4::text[], $5::text[]) with ordinality
                as w (content_hash, account_ids, canary_ids, place, position)
        ), made as (
            insert into roster
                (platform, content_hash, account_ids, canary_ids, base, created_at, vantage, place,
                out_of_turn)
            select $1, content_hash, account_ids::int[], canary_ids::int[], $6, $7, $8, place, $9
            from wanted order by position
            on conflict (content_hash) do update set retired_at = null
                where roster.retired_at is not null
            returning roster_id, content_hash
        )
        select * from made
        union all
        select roster_id, content_hash from roster where content_hash = any($2)
        """,
        platform.value,
        identities,
        [_as_array(one.account_ids) for one in wanted],
        [_as_array(one.canary_ids) for one in wanted],
        [one.place for one in wanted],
        base,
        now,
        vantage,
        out_of_turn,
    )
    ids = {r["content_hash"]: r["roster_id"] for r in rows}
    # What another transaction created after this statement began, the statement cannot see.
    unseen = [identity for identity in identities if identity not in ids]
    if unseen:
        rows = await conn.fetch(
            "select roster_id, content_hash from roster where content_hash = any($1)", unseen
        )
        ids |= {r["content_hash"]: r["roster_id"] for r in rows}
    return [
        Roster(ids[identity], platform, one.account_ids, one.canary_ids, vantage, one.place)
        for identity, one in zip(identities, wanted, strict=True)
    ]


def _as_array(account_ids: Sequence[AccountId]) -> str:
    """Return the array as text. A query takes no list of arrays of different lengths."""
    return f"{{{','.join(map(str, account_ids))}}}"


async def base_rosters(
    conn: Conn, platform: Platform, vantage: str = "", shard: Shard = WHOLE
) -> list[Roster]:
    """The rosters of the regular sweep from one vantage point, oldest first: those whose first account is in
    the shard. Where the number of shards has changed since, their other accounts may be in other shards.
    """
    rows = await conn.fetch(
        """
        select roster_id, account_ids, canary_ids, place from roster
        where platform = $1 and vantage = $2 and base and retired_at is null
            and ($3 = 1 or shard_of(account_ids[1], $3) = $4)
        order by roster_id
        """,
        platform.value,
        vantage,
        shard.count,
        shard.index,
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
