"""Read models of the accounts behind a part of the board: who was on it, and whose status was known then."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from storage.live.snapshot import LiveAccount, live_account
from storage.model.core.accounts import AccountId
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


async def accounts_watched(conn: Conn, at: datetime, *, controls: bool) -> tuple[LiveAccount, ...]:
    """The accounts watched at `at`, each with the lists that it was on then, oldest first. `controls` keeps
    the monitor's own control accounts among them.
    """
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.handle, coalesce(m.list_ids, '{}') as list_ids, a.is_post
        from account a
        left join (
            select account_id, array_agg(list_id order by list_id) as list_ids
            from membership
            where added_at <= $1 and (removed_at is null or removed_at > $1)
            group by account_id
        ) m using (account_id)
        where exists (
            select from watch_period w where w.account_id = a.account_id
                and w.since <= $1 and (w.until is null or w.until > $1)
        ) and ($2 or not exists (select from canary c where c.account_id = a.account_id))
        order by a.account_id
        """,
        at,
        controls,
    )
    return tuple(map(live_account, rows))


async def checked_at(
    conn: Conn, account_ids: Sequence[int], at: datetime, known_at: datetime, gap_after: timedelta
) -> frozenset[AccountId]:
    """Those of these accounts whose status at `at` was known at `known_at`: two readings no further than
    `gap_after` apart lie around it, or the last reading before it is no older than that at `known_at`.
    """
    await with_archived(conn, at - gap_after - timedelta.resolution, at + gap_after, account_ids)
    rows = await conn.fetch(
        """
        with answer as (
            select account_id, observed_at
            from answers_between($2::timestamptz - $4::interval - interval '1 microsecond',
                least($2::timestamptz + $4::interval, $3))
            where recorded_at <= $3 and account_id = any($1::bigint[])
        )
        select account_id from answer
        group by account_id
        having max(observed_at) filter (where observed_at = $2) is not null
            or coalesce(min(observed_at) filter (where observed_at > $2), $3)
                - max(observed_at) filter (where observed_at <= $2) <= $4
        """,
        account_ids,
        at,
        known_at,
        gap_after,
    )
    return frozenset(AccountId(r["account_id"]) for r in rows)
