"""Lateness for pages: the age of each watched account's last reading, in sweeps."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import Account, AccountId, Platform
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived

LOOKED_AT = 100
"""The largest number of late accounts that `late_accounts` returns."""
LOOKED_BACK = timedelta(days=31)
"""How far back the last reading of a late account is searched for."""


@dataclass(frozen=True, slots=True)
class Lateness:
    """The watched accounts, or the watched posts, of one platform by the age of their last reading, without
    control accounts.
    """

    platform: Platform
    within_1: int
    """Read within the last sweep."""
    within_2: int
    """Last read one to two sweeps ago."""
    within_4: int
    older: int
    """Added at least four sweeps ago, and not read within the last four sweeps."""
    new: int
    """Added less than four sweeps ago, and not read yet."""
    oldest_at: datetime | None
    """The oldest last reading among the accounts that were read within four sweeps. None if there are no such
    accounts.
    """
    of_posts: bool = False
    """False: of accounts."""

    @property
    def watched(self) -> int:
        return self.within_1 + self.within_2 + self.within_4 + self.older + self.new

    def later_than(self, sweeps: int) -> int:
        """Count the accounts whose last reading is older than `sweeps` sweeps (1, 2 or 4). New accounts never
        count as late.
        """
        return sum({1: (self.within_2, self.within_4), 2: (self.within_4,), 4: ()}[sweeps]) + self.older


@dataclass(frozen=True, slots=True)
class LateAccount:
    """A watched account that was not read within four sweeps."""

    account: Account
    last_at: datetime | None
    """The time of the account's last reading; None if there was none within `LOOKED_BACK`."""
    is_post: bool = False


async def lateness(conn: Conn, now: datetime, sweep_every: timedelta) -> list[Lateness]:
    """The lateness of every platform with watched accounts, and after each that of its watched posts, if it
    has any. Only readings of our own connection count.
    """
    await with_archived(conn, now - 4 * sweep_every, now)
    rows = await conn.fetch(
        """
        with read as (
            select account_id, max(observed_at) as at
            from answers_between($1::timestamptz - 4 * $2::interval, $1) group by account_id
        )
        select a.platform,
            count(*) filter (where read.at >= $1::timestamptz - $2::interval) as within_1,
            count(*) filter (
                where read.at < $1::timestamptz - $2::interval
                    and read.at >= $1::timestamptz - 2 * $2::interval
            ) as within_2,
            count(*) filter (where read.at < $1::timestamptz - 2 * $2::interval) as within_4,
            count(*) filter (
                where read.at is null and a.added_at <= $1::timestamptz - 4 * $2::interval
            ) as older,
            count(*) filter (
                where read.at is null and a.added_at > $1::timestamptz - 4 * $2::interval
            ) as new,
            min(read.at) as oldest_at, a.is_post
        from ordinary_accounts() a left join read on read.account_id = a.account_id
        where a.watched
        group by a.platform, a.is_post order by a.platform, a.is_post
        """,
        now,
        sweep_every,
    )
    return [
        Lateness(
            Platform(r["platform"]),
            r["within_1"],
            r["within_2"],
            r["within_4"],
            r["older"],
            r["new"],
            r["oldest_at"],
            r["is_post"],
        )
        for r in rows
    ]


async def late_accounts(conn: Conn, now: datetime, sweep_every: timedelta) -> list[LateAccount]:
    """Return watched accounts that were not read within four sweeps. Accounts without a last reading come
    first, then the accounts in order of their last reading, oldest first.

    If there are more than `LOOKED_AT` such accounts, only those that were added first are returned, even if
    others have waited longer for a reading.
    """
    await with_archived(conn, now - max(4 * sweep_every, LOOKED_BACK), now)
    rows = await conn.fetch(
        """
        with read as (
            select distinct account_id from answers_between($1::timestamptz - 4 * $2::interval, $1)
        ),
        late as (
            select a.account_id, a.platform, a.native_id, a.handle, a.is_post from ordinary_accounts() a
            where a.watched and a.added_at <= $1::timestamptz - 4 * $2::interval
                and not exists (select from read where read.account_id = a.account_id)
            order by a.account_id limit $4
        )
        select late.*, last.at
        from late left join lateral (
            select max(newest.at) as at
            from roster r cross join lateral (
                select c.observed_at as at from coverage c
                where c.roster_id = r.roster_id and c.outcome = 0
                    and c.observed_at > $1::timestamptz - $3::interval and c.observed_at <= $1
                    and answered_at(c.answered, array_position(r.account_ids, late.account_id::int))
                order by c.observed_at desc limit 1
            ) newest
            where r.account_ids @> array[late.account_id::int] and r.vantage = ''
        ) last on true
        order by last.at nulls first, late.account_id
        """,
        now,
        sweep_every,
        LOOKED_BACK,
        LOOKED_AT,
    )
    return [
        LateAccount(
            Account(AccountId(r["account_id"]), Platform(r["platform"]), r["native_id"], r["handle"]),
            r["at"],
            r["is_post"],
        )
        for r in rows
    ]
