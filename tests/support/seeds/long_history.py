"""One account with a very long history, written in bulk: for benchmarks, and for tests of its page."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.postgres.pool import Conn
from storage.readings.coverage import ensure_month
from tests.support.samples.readings import T0

EVERY = timedelta(hours=2)
"""Two readings half an hour apart, then nothing: with a sweep of 30 minutes, every two hours hold a gap."""


@dataclass(frozen=True, slots=True)
class LongHistory:
    """How much of everything the account has."""

    gaps: int = 0
    changes: int = 0
    """After its first state; never more than there are gaps, because each is seen by a reading."""

    @property
    def until(self) -> datetime:
        """Just after the last reading."""
        return T0 + self.gaps * EVERY + timedelta(minutes=31)


async def write_long_history(conn: Conn, size: LongHistory) -> int:
    """Fill an empty database, and return the account's number. Needs a superuser, since triggers and foreign
    keys would make it slow. Not to be called in a transaction.
    """
    await conn.execute("set session_replication_role = replica")
    account_id = await conn.fetchval(
        "insert into account (platform, native_id, handle, added_at) values ('x', '1', 'busy', $1)"
        " returning account_id",
        T0,
    )
    await conn.execute(
        "insert into watch_period (account_id, since) select account_id, added_at from account"
    )
    roster_id = await conn.fetchval(
        """
        insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
        values ('x', sha256('one'), array[$1::int], '{}', true, $2) returning roster_id
        """,
        account_id,
        T0,
    )
    days = (size.until - T0).days + 1
    for month in {(T0 + timedelta(days=n)).date().replace(day=1) for n in range(days)}:
        await ensure_month(conn, month)
    await conn.execute(
        """
        insert into coverage_row (
            slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, lacked
        )
        select at, at, at, $1, 120, 0, 0, shortfall(null, null, null, null)
        from generate_series(0, $3::int) as n
        cross join lateral (
            values ($2::timestamptz + n * $4::interval), ($2 + n * $4 + interval '30 minutes')
        ) as reading (at)
        order by at
        """,
        roster_id,
        T0,
        size.gaps,
        EVERY,
    )
    await _changes(conn, account_id, size)
    await conn.execute("set session_replication_role = origin")
    await conn.execute("vacuum (analyze)")
    return account_id


async def _changes(conn: Conn, account_id: int, size: LongHistory) -> None:
    """A first state, then withheld and available by turns, each first seen after a gap."""
    await conn.execute(
        """
        with step as (
            select k, $2::timestamptz + $4::interval * ($5::int * k::bigint / greatest($3, 1)) as at,
                case k % 2 when 0 then 'available' else 'withheld' end as status,
                case k % 2 when 0 then '{}' else '{IN}' end::text[] as withheld_in
            from generate_series(0, $3::int) as k
        )
        insert into change (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, recorded_at, source
        )
        select format('1:%s', k), $1, lag(status) over w, coalesce(lag(withheld_in) over w, '{}'),
            status, withheld_in,
            case when k = 0 then 'baseline' when status = 'available' then 'restoration' else 'block' end,
            'strong', case when k > 0 then at - interval '90 minutes' end, at, at, 'x'
        from step window w as (order by k) order by k
        """,
        account_id,
        T0,
        size.changes,
        EVERY,
        size.gaps,
    )
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select change_id, 'confirmed', 'enough_strong', recorded_at + interval '30 minutes', 2,
            recorded_at + interval '30 minutes'
        from change
        """
    )
    await conn.execute(
        """
        insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
        select account_id, change_id, status, withheld_in, last_seen_old,
            tstzrange(first_seen_new, lead(first_seen_new) over (order by first_seen_new)),
            tstzrange(first_seen_new + interval '30 minutes', null)
        from change
        """
    )
