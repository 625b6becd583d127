"""Writing the names in orders, and what others saw of them."""

from collections.abc import Sequence
from datetime import datetime

from storage.accounts.accounts import announce_watch
from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.orders import NewCheck, NewName
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Conn
from storage.postgres.recording_order import moment


async def add_names(conn: Conn, order_id: int, names: Sequence[NewName], now: datetime) -> None:
    """Store names of an order. A name that is already stored stays unchanged."""
    now = await moment(conn, lambda: now)
    await conn.execute(
        """
        insert into order_name (
            order_id, said, platform, handle, post_id, outcome, account_id, note, source, known_at,
            resolved_at
        )
        select $1, u.said, u.platform, u.handle, u.post_id, u.outcome, u.account_id, u.note, u.source,
            $2::timestamptz, case when u.account_id is not null then $2 end
        from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::text[],
            $10::text[]) with ordinality
            as u (said, platform, handle, post_id, outcome, account_id, note, source, position)
        order by u.position
        on conflict (order_id, said) do nothing
        """,
        order_id,
        now,
        [n.said for n in names],
        [n.platform and n.platform.value for n in names],
        [n.handle for n in names],
        [n.post_id for n in names],
        [n.outcome.value for n in names],
        [n.account_id for n in names],
        [n.note for n in names],
        [n.source for n in names],
    )


async def change_names(conn: Conn, order_id: int, names: Sequence[NewName], now: datetime) -> None:
    """Record new outcomes of unresolved names, and keep the earlier ones."""
    now = await moment(conn, lambda: now)
    said = [n.said for n in names]
    await conn.execute(
        """
        insert into order_name_past (order_name_id, until, outcome, note)
        select order_name_id, $3::timestamptz, outcome, note from order_name
        where order_id = $1 and said = any($2::text[]) and account_id is null
        on conflict do nothing
        """,
        order_id,
        said,
        now,
    )
    await conn.execute(
        """
        update order_name n
        set platform = u.platform, handle = u.handle, outcome = u.outcome, account_id = u.account_id,
            note = u.note, resolved_at = case when u.account_id is not null then $2::timestamptz end
        from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[])
            as u (said, platform, handle, outcome, account_id, note)
        where n.order_id = $1 and n.said = u.said and n.account_id is null
        """,
        order_id,
        now,
        said,
        [n.platform and n.platform.value for n in names],
        [n.handle for n in names],
        [n.outcome.value for n in names],
        [n.account_id for n in names],
        [n.note for n in names],
    )


async def add_checks(conn: Conn, order_id: int, checks: Sequence[NewCheck], now: datetime) -> int:
    """Store what others saw of names of an order, and return the number of new checks."""
    now = await moment(conn, lambda: now)
    rows = await conn.fetch(
        """
        insert into order_check (
            order_name_id, source, place, of_post, answer, status, withheld_in, known_at
        )
        select n.order_name_id, u.source, u.place, u.of_post, u.answer, u.status,
            string_to_array(u.withheld_in, ' '), $2::timestamptz
        from unnest($3::text[], $4::text[], $5::text[], $6::bool[], $7::text[], $8::text[], $9::text[])
            as u (said, source, place, of_post, answer, status, withheld_in)
        join order_name n on n.order_id = $1 and n.said = u.said
        on conflict (order_name_id, source, place, of_post) do nothing
        returning 1
        """,
        order_id,
        now,
        [c.said for c in checks],
        [c.source for c in checks],
        [c.place for c in checks],
        [c.of_post for c in checks],
        [c.answer for c in checks],
        [None if c.state is None else c.state.status.value for c in checks],
        ["" if c.state is None else " ".join(c.state.withheld_in) for c in checks],
    )
    return len(rows)


async def add_unwatched(conn: Conn, platform: Platform, native_id: str, handle: str, now: datetime) -> None:
    """Store an account without watching it. A stored account stays unchanged, watched or not."""
    now = await moment(conn, lambda: now)
    await conn.execute(
        """
        insert into account (platform, native_id, handle, is_post, watched, added_at)
        values ($1, $2, $3, $4, false, $5)
        on conflict (platform, native_id) do nothing
        """,
        platform.value,
        native_id,
        handle,
        DECLARED[platform].is_post(native_id),
        now,
    )


async def put_on_list(conn: Conn, list_id: ListId, account_ids: Sequence[AccountId], now: datetime) -> int:
    """Add stored accounts to a list, watched or not, and return how many were not on it."""
    rows = await conn.fetch(
        """
        insert into membership (list_id, account_id, added_at)
        select $1, u.account_id, greatest($3, max(m.removed_at))
        from unnest($2::bigint[]) as u (account_id)
        left join membership m on m.list_id = $1 and m.account_id = u.account_id
        group by u.account_id
        on conflict do nothing returning 1
        """,
        list_id,
        list(dict.fromkeys(account_ids)),
        await moment(conn, lambda: now),
    )
    if rows:
        await announce_watch(conn, account_ids)
    return len(rows)


async def leave_list(conn: Conn, list_id: ListId, account_ids: Sequence[AccountId], now: datetime) -> int:
    """Take accounts off a list, and return how many were on it. They stay watched."""
    rows = await conn.fetch(
        """
        update membership set removed_at = greatest($3, added_at)
        where list_id = $1 and account_id = any($2::bigint[]) and removed_at is null returning 1
        """,
        list_id,
        list(account_ids),
        await moment(conn, lambda: now),
    )
    if rows:
        await announce_watch(conn, account_ids)
    return len(rows)


async def start_withdrawals(
    conn: Conn, order_name_ids: Sequence[int], reason: str, by: str, now: datetime
) -> None:
    """Withdraw names that are not withdrawn."""
    await conn.execute(
        """
        insert into order_name_withdrawal (order_name_id, since, withdrawn_by, reason)
        select order_name_id, greatest($2, max(w.until)), $3, $4
        from unnest($1::bigint[]) as u (order_name_id)
        left join order_name_withdrawal w using (order_name_id)
        group by order_name_id
        """,
        list(order_name_ids),
        await moment(conn, lambda: now),
        by,
        reason,
    )


async def end_withdrawals(conn: Conn, order_name_ids: Sequence[int], now: datetime) -> None:
    """Name withdrawn names again. The time in which they were withdrawn stays stored."""
    await conn.execute(
        """
        update order_name_withdrawal set until = greatest($2, since + interval '1 microsecond')
        where order_name_id = any($1::bigint[]) and until is null
        """,
        list(order_name_ids),
        await moment(conn, lambda: now),
    )
