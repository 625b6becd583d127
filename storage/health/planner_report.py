"""Read model of the planner: why rosters were read, and how far apart the readings of each list were."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.coverage import WhyRead
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived

LONGEST = timedelta(days=14)
"""How far back readings are looked for at most."""


@dataclass(frozen=True, slots=True)
class ReadFor:
    """Requests of the last 24 hours that were made for one reason."""

    why: WhyRead
    requests: int
    accounts: int
    """That were asked for in them, each as often as it was."""


@dataclass(frozen=True, slots=True)
class ListPace:
    """How far apart the readings of the watched accounts of one list were lately."""

    name: str
    watched: int
    every: timedelta | None
    """How often it is promised to be read; None: in turn."""
    unread: int
    """Accounts without a reading in the time that is looked back: the rest is of the others."""
    delay: timedelta | None
    """How long a change at any time after the first of these readings would have waited for the next one, on
    average; what waits still counts as long as it waited. None: there was no reading.
    """
    longest: timedelta | None
    """The longest time between two readings of one account, or since its last."""


async def read_for(conn: Conn, now: datetime) -> list[ReadFor]:
    """By reason, the most requests first; only of our own connection."""
    await with_archived(conn, now - timedelta(days=1), now)
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
    await with_archived(conn, now - min(4 * sweep_every, LONGEST), now)
    rows = await conn.fetch(
        """
        with read as (
            select account_id, observed_at as at from answers_between($2, $1)
        ),
        wait as (
            select account_id, lead(at, 1, $1) over (partition by account_id order by at) - at as span
            from read
        ),
        of_account as (
            select account_id, sum(extract(epoch from span)) as whole, max(span) as longest,
                sum(extract(epoch from span) ^ 2) as squares
            from wait group by account_id
        )
        select l.name, l.read_every, count(*) as watched,
            count(*) filter (where o.account_id is null) as unread,
            -- A change falls into a wait the oftener the longer it is, and then waits half of it.
            make_interval(secs => sum(o.squares) / (2 * nullif(sum(o.whole), 0))) as delay,
            max(o.longest) as longest
        from watch_list l
        join watch_list_member m using (list_id)
        join ordinary_accounts() a on a.account_id = m.account_id and a.watched
        left join of_account o on o.account_id = m.account_id
        group by l.list_id order by l.name
        """,
        now,
        now - min(4 * sweep_every, LONGEST),
    )
    return [
        ListPace(r["name"], r["watched"], r["read_every"], r["unread"], r["delay"], r["longest"])
        for r in rows
    ]
