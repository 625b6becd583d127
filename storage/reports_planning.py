"""Read model of the planner: why rosters were read, and how old the readings of each list are."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.db import Conn
from storage.model.coverage import WhyRead

LONGEST = timedelta(days=14)
"""Readings older than this are not looked for: of such an account it is said that nothing was read."""


@dataclass(frozen=True, slots=True)
class ReadFor:
    """Requests of the last 24 hours that were made for one reason."""

    why: WhyRead
    requests: int
    accounts: int
    """That were asked for in them, each as often as it was."""


@dataclass(frozen=True, slots=True)
class ListPace:
    """How old the last readings of the watched accounts of one list are."""

    name: str
    watched: int
    every: timedelta | None
    """How often it is promised to be read; None: in turn."""
    unread: int
    """Accounts without a reading in the time that is looked back."""
    mean_age: timedelta | None
    """Of the others; so late is a change seen on average that happens at any time. None: there are none."""
    oldest_at: datetime | None


async def read_for(conn: Conn, now: datetime) -> list[ReadFor]:
    """By reason, the most requests first; only of our own connection."""
    rows = await conn.fetch(
        """
        select case when r.base then 'turn' else coalesce(r.out_of_turn, 'again') end as why,
            count(*) as requests, sum(cardinality(r.account_ids)) as accounts
        from coverage c join roster r using (roster_id)
        where c.observed_at > $1::timestamptz - interval '24 hours' and c.observed_at <= $1
            and r.vantage = '' and (r.base or r.out_of_turn is not null)
        group by why order by requests desc, why
        """,
        now,
    )
    return [ReadFor(WhyRead(r["why"]), r["requests"], r["accounts"]) for r in rows]


async def list_paces(conn: Conn, now: datetime, sweep_every: timedelta) -> list[ListPace]:
    """Of each list with watched accounts, by name. It looks back four sweeps, `LONGEST` at most."""
    rows = await conn.fetch(
        """
        with read as (
            select m.account_id, max(c.observed_at) as at
            from coverage c join roster r using (roster_id)
            cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
            where c.outcome = 0 and c.observed_at > $2 and c.observed_at <= $1 and r.vantage = ''
                and (c.answered is null or get_bit(c.answered, m.position::int - 1) = 1)
            group by m.account_id
        )
        select l.name, l.read_every, count(*) as watched, count(*) filter (where read.at is null) as unread,
            avg($1::timestamptz - read.at) as mean_age, min(read.at) as oldest_at
        from watch_list l
        join watch_list_member m using (list_id)
        join account a on a.account_id = m.account_id and a.watched
        left join read on read.account_id = m.account_id
        where not exists (select from canary k where k.account_id = m.account_id)
        group by l.list_id order by l.name
        """,
        now,
        now - min(4 * sweep_every, LONGEST),
    )
    return [
        ListPace(r["name"], r["watched"], r["read_every"], r["unread"], r["mean_age"], r["oldest_at"])
        for r in rows
    ]
