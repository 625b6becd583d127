"""What was paid for on a UTC day, where a platform bills each account and post that it returns once a day."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from storage.model.core.accounts import Platform
from storage.model.core.coverage import WhyRead
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


async def charge(
    conn: Conn, platform: Platform, day: date, wanted: Mapping[str, WhyRead | None], most: int
) -> bool:
    """Put accounts and posts, by id, on the day's bill before they are asked for, with the reason.

    False, and nothing is added, if the bill would exceed `most` or the stored limit of the day. This holds
    for several processes at once. A post counts as the number of accounts that it is billed as.
    """
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('blockline account days', 0))")
    # Yesterday's stays: the clock of another process may not be past midnight yet.
    yesterday = day - timedelta(days=1)
    await conn.execute("delete from account_day where platform = $1 and day < $2", platform.value, yesterday)
    rows = await conn.fetch(
        "select native_id from account_day where platform = $1 and day = $2", platform.value, day
    )
    paid = {r["native_id"] for r in rows}
    new = {native_id: why for native_id, why in wanted.items() if native_id not in paid}
    if not new:
        return True
    stored = await stored_cost_limit(conn, platform, day)
    limit = most if stored is None else min(most, stored)
    if sum(map(DECLARED[platform].accounts_billed, (*paid, *new))) > limit:
        return False
    await conn.execute(
        """
        insert into account_day (platform, day, native_id, why)
        select $1, $2, id, why from unnest($3::text[], $4::text[]) as u (id, why)
        on conflict do nothing
        """,
        platform.value,
        day,
        list(new),
        [None if why is None else why.value for why in new.values()],
    )
    return True


async def charged_accounts(conn: Conn, platform: Platform, day: date) -> dict[str, WhyRead | None]:
    """Who is on the day's bill, and why. What was read today before there was a ceiling is put on it."""
    begin = datetime.combine(day, time(), UTC)
    await with_archived(conn, begin, begin + timedelta(days=1))
    await conn.execute(
        """
        insert into account_day (platform, day, native_id, why)
        select $1, $2, a.native_id,
            max(case when asked.position > cardinality(r.account_ids) then null
                when r.base then 'turn' else r.out_of_turn end)
        from coverage c join roster r using (roster_id)
        cross join unnest(r.account_ids || r.canary_ids) with ordinality as asked (account_id, position)
        join account a on a.account_id = asked.account_id
        where r.platform = $1 and (r.base or r.out_of_turn is not null)
            and c.observed_at >= $3 and c.observed_at < $3::timestamptz + interval '24 hours'
        group by a.native_id
        on conflict do nothing
        """,
        platform.value,
        day,
        begin,
    )
    rows = await conn.fetch(
        "select native_id, why from account_day where platform = $1 and day = $2", platform.value, day
    )
    return {r["native_id"]: None if r["why"] is None else WhyRead(r["why"]) for r in rows}


@dataclass(frozen=True, slots=True)
class DailyCostLimit:
    """How a day is divided under a ceiling. All but `round_days` are accounts."""

    most: int
    in_turn: int
    sentinels: int
    round_days: int | None
    """Everybody has a turn within so many days; None: the ceiling leaves no turn."""
    waiting: int
    """They were to be read out of turn today, and wait for the next day."""


async def stored_cost_limit(conn: Conn, platform: Platform, day: date) -> int | None:
    """How many accounts whoever planned last said that a day would cost at most; None: nobody said it."""
    return await conn.fetchval(
        "select most from account_ceiling where platform = $1 and day >= $2", platform.value, day
    )


async def save_cost_limit(conn: Conn, platform: Platform, day: date, ceiling: DailyCostLimit) -> None:
    """What holds now. On one day it is never raised."""
    await conn.execute(
        """
        insert into account_ceiling (platform, day, most, in_turn, sentinels, round_days, waiting)
        values ($1, $2, $3, $4, $5, $6, $7)
        on conflict (platform) do update set day = excluded.day,
            most = case when account_ceiling.day = excluded.day
                then least(account_ceiling.most, excluded.most) else excluded.most end,
            in_turn = excluded.in_turn, sentinels = excluded.sentinels,
            round_days = excluded.round_days, waiting = excluded.waiting
        """,
        platform.value,
        day,
        ceiling.most,
        ceiling.in_turn,
        ceiling.sentinels,
        ceiling.round_days,
        ceiling.waiting,
    )


@dataclass(frozen=True, slots=True)
class ListBill:
    """How many of the watched accounts of one list were paid for on a day: its sentinels."""

    name: str
    watched: int
    paid: int


@dataclass(frozen=True, slots=True)
class StoredDailyBill:
    """The bill of the newest day under a ceiling."""

    platform: Platform
    day: date
    ceiling: DailyCostLimit
    paid: Mapping[WhyRead | None, int]
    """Accounts by why they were paid for; None: control accounts."""
    lists: Sequence[ListBill]
    """By name; only those with watched accounts on this platform."""
    posts: int = 0
    """Posts that were paid for, control posts among them. They are not in `paid`."""

    @property
    def total(self) -> int:
        return sum(self.paid.values())


async def bills(conn: Conn, now: datetime) -> list[StoredDailyBill]:
    """Of each platform that was read under a ceiling in the last two days, the day last read on."""
    rows = await conn.fetch(
        "select * from account_ceiling where day >= $1 order by platform", (now - timedelta(days=1)).date()
    )
    found: list[StoredDailyBill] = []
    for r in rows:
        platform = Platform(r["platform"])
        ceiling = DailyCostLimit(r["most"], r["in_turn"], r["sentinels"], r["round_days"], r["waiting"])
        paid, posts = await _by_why(conn, platform, r["day"])
        by_list = await _by_list(conn, platform, r["day"])
        found.append(StoredDailyBill(platform, r["day"], ceiling, paid, by_list, posts))
    return found


async def _by_why(conn: Conn, platform: Platform, day: date) -> tuple[dict[WhyRead | None, int], int]:
    """The accounts that were paid for, by why, most first; and the number of posts."""
    rows = await conn.fetch(
        "select native_id, why from account_day where platform = $1 and day = $2", platform.value, day
    )
    is_post = DECLARED[platform].is_post
    accounts = Counter(r["why"] for r in rows if not is_post(r["native_id"]))
    paid = {None if why is None else WhyRead(why): n for why, n in accounts.most_common()}
    return paid, len(rows) - accounts.total()


async def _by_list(conn: Conn, platform: Platform, day: date) -> list[ListBill]:
    rows = await conn.fetch(
        """
        select l.name, count(*) as watched, count(d.native_id) as paid
        from watch_list l join watch_list_member m using (list_id)
        join ordinary_accounts() a on a.account_id = m.account_id and a.watched and a.platform = $1
        left join account_day d on d.platform = $1 and d.day = $2 and d.native_id = a.native_id
        group by l.list_id order by l.name
        """,
        platform.value,
        day,
    )
    return [ListBill(r["name"], r["watched"], r["paid"]) for r in rows]
