"""A database as large as one wants, written in bulk: for benchmarks, and for tests of query plans.

What is in it hangs together as the monitor would have left it (changes lie between two readings that are in
the coverage, spells tell what the changes say), but no chain and no news were made while it was written.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.postgres.pool import Conn
from storage.readings.coverage import ensure_month
from tests.support.samples.readings import T0

COHORT = "cohort"


EVERYBODY = "everybody"


ROSTER_SIZE = 98


START = T0


@dataclass(frozen=True, slots=True)
class Size:
    """How much of everything."""

    accounts: int = 100_000
    days: int = 365
    cohort: int = 1_178
    """The first accounts: they are on a list, and their rosters are read every 15 minutes all the time."""
    cohort_changes: int = 6
    """Of each account of the cohort, after its first state."""
    other_changes: int = 18_250
    """Of all others together, at most one each."""
    sweeps_of_all: int = 96
    """How many of the last sweeps asked everybody."""

    @property
    def until(self) -> datetime:
        """Just after the last sweep."""
        return START + timedelta(days=self.days)


async def build(conn: Conn, size: Size) -> None:
    """Fill an empty database. Needs a superuser, since triggers and foreign keys would make it slow.

    Not to be called in a transaction.
    """
    await conn.execute("set session_replication_role = replica")
    await _accounts(conn, size)
    await _rosters(conn)
    await _coverage(conn, size)
    await _changes(conn, size)
    await _spells(conn)
    await _provisional(conn, size)
    await conn.execute("set session_replication_role = origin")
    await conn.execute("vacuum (analyze)")


async def _accounts(conn: Conn, size: Size) -> None:
    """Nine of ten on X, which come first."""
    await conn.execute(
        """
        insert into account (platform, native_id, handle, added_at)
        select case when n <= $1 * 0.9 then 'x' else 'mastodon' end, n::text, 'h' || n, $2
        from generate_series(1, $1::int) as n
        """,
        size.accounts,
        START,
    )
    await conn.execute(
        "insert into watch_period (account_id, since) select account_id, added_at from account"
    )
    await conn.execute(
        "insert into watch_list (name, created_at) select name, $2 from unnest($1::text[]) as u (name)",
        [COHORT, EVERYBODY],
        START,
    )
    await conn.execute(
        """
        insert into watch_list_member (list_id, account_id, added_at)
        select l.list_id, a.account_id, a.added_at
        from account a join watch_list l on l.name = 'everybody' or l.name = 'cohort' and a.account_id <= $1
        """,
        size.cohort,
    )


async def _rosters(conn: Conn) -> None:
    await conn.execute(
        """
        insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
        select platform, sha256(min(account_id)::text::bytea), array_agg(account_id order by account_id),
            '{}', true, min(added_at)
        from account group by platform, (account_id - 1) / $1 order by min(account_id)
        """,
        ROSTER_SIZE,
    )


async def _coverage(conn: Conn, size: Size) -> None:
    """A sweep every 15 minutes, answered five seconds later. One of 40 answers leaves somebody out, one
    request of 100 fails.
    """
    for month in {(START + timedelta(days=n)).date().replace(day=1) for n in range(size.days)}:
        await ensure_month(conn, month)
    await conn.execute(
        """
        insert into coverage_row (
            slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, lacked
        )
        select slot, slot + interval '5 seconds', slot + interval '5 seconds', roster_id, 120, 0,
            case when luck % 100 = 1 then 1 else 0 end,
            shortfall(
                case when luck % 100 = 1 then 'upstream' end,
                case when luck % 40 = 0 then set_bit(full_map, silent_one, 0) end,
                case when luck % 40 = 0 then jsonb_build_object('omitted', array[silent_one]) end,
                null
            )
        from (
            select roster_id, cardinality(account_ids) as members,
                decode(repeat('ff', (cardinality(account_ids) + 7) / 8), 'hex') as full_map,
                account_ids[1] <= $2 as dense
            from roster
        ) r
        cross join lateral generate_series(
            $1::timestamptz - interval '15 minutes' * case when dense then $3 * 96 else $4 end,
            $1::timestamptz - interval '15 minutes', interval '15 minutes'
        ) as slot
        cross join lateral (
            select luck, (luck / 40 % members)::int as silent_one
            from abs(hashint8(extract(epoch from slot)::bigint + roster_id)::bigint) as luck
        ) hashed
        order by slot, roster_id
        """,
        size.until,
        size.cohort,
        size.days,
        size.sweeps_of_all,
    )


async def _changes(conn: Conn, size: Size) -> None:
    """First states, then changes spread over all the time, each confirmed by the sweep after it."""
    await conn.execute(
        """
        create temporary table step as
        with planned as (
            select account_id, case
                when account_id <= $3 then $4
                when account_id <= $3 + $5 then 1
                else 0
            end as changes
            from account
        )
        select account_id, k,
            (case account_id % 20 when 1 then 1 when 2 then 3 when 3 then 5 else 0 end + k) % 6 as state,
            $1::timestamptz + interval '5 seconds' + interval '15 minutes' * case
                when k = 0 then 0
                else ($2 * 96 - 8) * (k - 1 + account_id % 97 / 97.0) / changes + 3
            end::int as at
        from planned cross join lateral generate_series(0, changes) as k
        """,
        START,
        size.days,
        size.cohort,
        size.cohort_changes,
        size.other_changes,
    )
    await conn.execute(
        """
        with state (state, status, withheld_in) as (
            values (0, 'available', '{}'::text[]), (1, 'withheld', '{IN}'), (2, 'available', '{}'),
                (3, 'suspended', '{}'), (4, 'available', '{}'), (5, 'withheld', '{IN,TR}')
        )
        insert into change (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, recorded_at, source
        )
        select format('%s:%s', account_id, k), account_id, old.status, coalesce(old.withheld_in, '{}'),
            new.status, new.withheld_in,
            case when k = 0 then 'baseline' when new.status = 'available' then 'restoration' else 'block' end,
            'strong', case when k > 0 then at - interval '15 minutes 120 milliseconds' end, at, at, 'x'
        from step join state new using (state)
        left join state old on k > 0 and old.state = (step.state + 5) % 6
        order by at, account_id
        """
    )
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select change_id, 'confirmed', 'enough_strong', recorded_at + interval '15 minutes', 2,
            recorded_at + interval '15 minutes'
        from change
        """
    )
    await conn.execute("drop table step")


async def _spells(conn: Conn) -> None:
    """What is believed now, and what was believed before the next change of an account was confirmed."""
    await conn.execute(
        """
        with told as (
            select c.*, o.decided_at, lead(c.first_seen_new) over w as until,
                lead(o.decided_at) over w as until_decided
            from change c join change_outcome o using (change_id)
            window w as (partition by c.account_id order by c.first_seen_new)
        )
        insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
        select account_id, change_id, status, withheld_in, last_seen_old, valid, recorded
        from told cross join lateral (
            select tstzrange(first_seen_new, until) as valid,
                tstzrange(coalesce(until_decided, decided_at), null) as recorded
            union all
            select tstzrange(first_seen_new, null), tstzrange(decided_at, until_decided)
            where until_decided is not null
        ) belief
        order by lower(recorded), account_id
        """
    )


async def _provisional(conn: Conn, size: Size) -> None:
    """One account of 20 once looked suspended in one reading; one of 1,000 does so in the last sweep."""
    await conn.execute(
        """
        with seen as (
            select account_id, at, provisional
            from account cross join lateral (
                select $1::timestamptz + interval '5 seconds'
                    + account_id % 31 * interval '30 minutes' + interval '12 hours' as at,
                    false as provisional
                where account_id % 20 = 7
                union all
                select $2::timestamptz - interval '14 minutes 55 seconds', true where account_id % 1000 = 6
            ) look
        ),
        made as (
            insert into change (
                change_key, account_id, old_status, status, kind, strength, last_seen_old, first_seen_new,
                recorded_at, source
            )
            select format('%s:%s', account_id, at), account_id, 'available', 'suspended', 'block', 'strong',
                at - interval '15 minutes 120 milliseconds', at, at, 'x'
            from seen order by at, account_id
            returning change_id, account_id, first_seen_new
        ),
        refuted as (
            insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
            select change_id, 'not_confirmed', 'went_back', at + interval '15 minutes', 1, at
            from made join seen using (account_id) where first_seen_new = at and not provisional
        )
        insert into pending_change (account_id, change_id, agreeing, next_read_at, last_agreeing_at)
        select account_id, change_id, 1, at + interval '1 minute', at
        from made join seen using (account_id) where first_seen_new = at and provisional
        """,
        START,
        size.until,
    )


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
    await _long_history_changes(conn, account_id, size)
    await conn.execute("set session_replication_role = origin")
    await conn.execute("vacuum (analyze)")
    return account_id


async def _long_history_changes(conn: Conn, account_id: int, size: LongHistory) -> None:
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
