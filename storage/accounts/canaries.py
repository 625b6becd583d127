"""Control accounts: stable accounts in the same requests, so that an outage is not taken for a mass block.

An account is either watched or a control account, never both.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from asyncpg import Record

from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.availability import Status
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Conn, Refused


class Origin(StrEnum):
    SETTINGS = "settings"
    """The settings name it."""
    CHOSEN = "chosen"
    """Blockline chose it. It stops being one when a user watches it."""


@dataclass(frozen=True, slots=True)
class Canary:
    """A control account, and how far it is trusted."""

    account: Account
    expected: Status
    """The status that its answers must show."""
    place: str
    origin: Origin
    chosen_at: datetime | None
    doubts: int
    """How many times in a row it showed another status."""
    doubted_since: datetime | None
    """The first of these times; None if it shows the expected status."""
    retired_at: datetime | None


async def set_canaries(
    conn: Conn,
    platform: Platform,
    named: Sequence[tuple[str, str, Status]],
    now: datetime,
    place_of: Callable[[str], str] = lambda _: "",
) -> None:
    """Store the control accounts of the settings, (native id, handle, expected status), and remove others.

    Those that Blockline chose stay. A retired one comes back only if the settings expect another status of
    it. Raises Refused if one of them is watched: its changes would be taken for faults of the platform.
    """
    wanted = {native_id: (handle, expected) for native_id, handle, expected in named}
    native_ids = list(wanted)
    handles = [handle for handle, _ in wanted.values()]
    watched = await conn.fetchval(
        "select min(handle) from account where platform = $1 and native_id = any($2::text[]) and watched",
        platform.value,
        native_ids,
    )
    if watched is not None:
        raise Refused(
            f"@{watched} is watched, so it cannot be a control account. Remove it from the setting "
            f"{platform.value}_canaries, or stop watching it."
        )
    await conn.execute(
        """
        delete from canary c using account a
        where a.account_id = c.account_id and a.platform = $1 and a.native_id <> all($2::text[])
            and c.origin = 'settings'
        """,
        platform.value,
        native_ids,
    )
    await _make_accounts(conn, platform, native_ids, handles, now)
    await conn.execute(
        """
        update account a set handle = u.handle from unnest($2::text[], $3::text[]) as u (native_id, handle)
        where a.platform = $1 and a.native_id = u.native_id
        """,
        platform.value,
        native_ids,
        handles,
    )
    await conn.execute(
        """
        insert into canary as c (account_id, expected_status, place)
        select a.account_id, u.expected, u.place
        from unnest($2::text[], $3::text[], $4::text[]) as u (native_id, expected, place)
        join account a on a.platform = $1 and a.native_id = u.native_id
        on conflict (account_id) do update set
            expected_status = excluded.expected_status, place = excluded.place, origin = 'settings',
            doubts = case when c.expected_status = excluded.expected_status then c.doubts else 0 end,
            doubted_since = case when c.expected_status = excluded.expected_status then c.doubted_since end,
            retired_at = case when c.expected_status = excluded.expected_status then c.retired_at end
        """,
        platform.value,
        native_ids,
        [expected.value for _, expected in wanted.values()],
        [place_of(native_id) for native_id in native_ids],
    )


async def choose(
    conn: Conn,
    platform: Platform,
    place: str,
    candidates: Sequence[tuple[str, str, Status]],
    now: datetime,
) -> list[Canary]:
    """Make control accounts of candidates (native id, handle, expected status); returns the new ones.

    Leaves out accounts that are watched, on a list or control accounts already, and those that were retired
    because they no longer have the status that is expected now.
    """
    wanted = {native_id: (handle, expected) for native_id, handle, expected in candidates}
    native_ids = list(wanted)
    await _make_accounts(conn, platform, native_ids, [handle for handle, _ in wanted.values()], now)
    rows = await conn.fetch(
        """
        with chosen as (
            insert into canary as c (account_id, expected_status, place, origin, chosen_at)
            select a.account_id, u.expected, $2, 'chosen', $3
            from unnest($4::text[], $5::text[]) as u (native_id, expected)
            join account a on a.platform = $1 and a.native_id = u.native_id
            where not a.watched
                and not exists (select from watch_list_member m where m.account_id = a.account_id)
            on conflict (account_id) do update set
                expected_status = excluded.expected_status, place = excluded.place, origin = excluded.origin,
                chosen_at = excluded.chosen_at, doubts = 0, doubted_since = null, retired_at = null
                where c.retired_at is not null and c.expected_status <> excluded.expected_status
                    and c.origin = 'chosen'
            returning *
        )
        select c.*, a.platform, a.native_id, a.handle from chosen c join account a using (account_id)
        order by c.account_id
        """,
        platform.value,
        place,
        now,
        native_ids,
        [expected.value for _, expected in wanted.values()],
    )
    return [_canary(r) for r in rows]


async def canaries(conn: Conn, platform: Platform) -> list[Canary]:
    """The control accounts of a platform, including doubted ones but not retired ones, in stable order."""
    rows = await conn.fetch(
        """
        select c.*, a.platform, a.native_id, a.handle from canary c join account a using (account_id)
        where a.platform = $1 and c.retired_at is null order by c.account_id
        """,
        platform.value,
    )
    return [_canary(r) for r in rows]


async def doubt(conn: Conn, account_id: AccountId, at: datetime) -> tuple[int, datetime]:
    """Record that it showed another status at `at`. Returns how many times in a row, and since when.

    Raises Refused if it is no longer a control account.
    """
    row = await conn.fetchrow(
        """
        update canary set doubts = doubts + 1, doubted_since = coalesce(doubted_since, $2)
        where account_id = $1 and retired_at is null returning doubts, doubted_since
        """,
        account_id,
        at,
    )
    if row is None:
        raise Refused(f"Account {account_id} is not, or is no longer, a control account.")
    return row["doubts"], row["doubted_since"]


async def trust(conn: Conn, account_ids: Sequence[AccountId]) -> None:
    """Record that they show the expected status again."""
    await conn.execute(
        """
        update canary set doubts = 0, doubted_since = null
        where account_id = any($1::bigint[]) and doubts > 0 and retired_at is null
        """,
        account_ids,
    )


async def retire(conn: Conn, account_id: AccountId, at: datetime) -> None:
    """Record that the platform really changed it: it stays stored and is no longer asked."""
    await conn.execute(
        "update canary set retired_at = $2 where account_id = $1 and retired_at is null", account_id, at
    )


async def unlisted_suspended(conn: Conn, platform: Platform, before: datetime, limit: int) -> list[Account]:
    """Accounts to choose a known-suspended control account from, the longest suspended first.

    They are stored, not watched, on no list and not a control account, and were suspended before `before` as
    far as is known.
    """
    rows = await conn.fetch(
        """
        select a.account_id, a.native_id, a.handle
        from account a join spells_now() s using (account_id)
        where a.platform = $1 and not a.watched and s.status = 'suspended' and lower(s.valid) < $2
            and not exists (select from watch_list_member m where m.account_id = a.account_id)
            and not exists (
                select from canary c where c.account_id = a.account_id
                    and (c.retired_at is null or c.expected_status = 'suspended')
            )
        order by lower(s.valid), a.account_id limit $3
        """,
        platform.value,
        before,
        limit,
    )
    return [Account(AccountId(r["account_id"]), platform, r["native_id"], r["handle"]) for r in rows]


async def refuse_named(conn: Conn, platforms: Sequence[str], native_ids: Sequence[str]) -> None:
    """Raise Refused if one of these accounts is a control account of the settings."""
    row = await conn.fetchrow(
        """
        select a.handle, a.platform from canary c join account a using (account_id)
        join unnest($1::text[], $2::text[]) as u (platform, native_id) using (platform, native_id)
        where c.origin = 'settings' order by a.handle limit 1
        """,
        platforms,
        native_ids,
    )
    if row is not None:
        raise Refused(
            f"@{row['handle']} is a control account, so it cannot be watched. Remove it from the setting "
            f"{row['platform']}_canaries first."
        )


async def release(conn: Conn, platforms: Sequence[str], native_ids: Sequence[str]) -> None:
    """Free accounts that a user wants: those that Blockline chose are no longer control accounts."""
    await conn.execute(
        """
        delete from canary c using account a, unnest($1::text[], $2::text[]) as u (platform, native_id)
        where a.account_id = c.account_id and c.origin = 'chosen'
            and a.platform = u.platform and a.native_id = u.native_id
        """,
        platforms,
        native_ids,
    )


async def _make_accounts(
    conn: Conn, platform: Platform, native_ids: Sequence[str], handles: Sequence[str], now: datetime
) -> None:
    """Store the accounts. The rows stay locked, so that no one else starts to watch one meanwhile."""
    await conn.execute(
        """
        insert into account as a (platform, native_id, handle, is_post, watched, added_at)
        select $1, native_id, handle, is_post, false, $5
        from unnest($2::text[], $3::text[], $4::boolean[]) as u (native_id, handle, is_post)
        order by native_id
        on conflict (platform, native_id) do update set handle = a.handle
        """,
        platform.value,
        native_ids,
        handles,
        [DECLARED[platform].is_post(native_id) for native_id in native_ids],
        now,
    )


def _canary(r: Record) -> Canary:
    return Canary(
        account=Account(AccountId(r["account_id"]), Platform(r["platform"]), r["native_id"], r["handle"]),
        expected=Status(r["expected_status"]),
        place=r["place"],
        origin=Origin(r["origin"]),
        chosen_at=r["chosen_at"],
        doubts=r["doubts"],
        doubted_since=r["doubted_since"],
        retired_at=r["retired_at"],
    )
