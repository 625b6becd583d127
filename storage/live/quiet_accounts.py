"""Read model of the quiet accounts: those of which the live page shows nothing but that they were read.

A quiet account has no change in the range and no provisional one. Where very many accounts are watched, the
page gets those that are alike as one group with their number.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record

from storage.model.core.availability import Flag, State, Status
from storage.model.core.coverage_gaps import NEVER, Seen, SharedCoverage, coarser
from storage.postgres.pool import Conn

MOST_GROUPS = 20_000
"""With more groups than this, times are rounded to longer steps. As many accounts are a small page."""
_STEPS = (16, 8, 4, 2)
"""Parts of the time after which a silence is a gap: the steps that times are rounded to, the finest first."""


@dataclass(frozen=True, slots=True)
class QuietGroup:
    """Quiet accounts that are alike in all that the live page shows of them."""

    platform: str
    is_post: bool
    list_ids: tuple[int, ...]
    state: State | None
    """None: none is confirmed yet."""
    flags: frozenset[Flag]
    since: datetime | None
    """From when on the state is shown: the beginning of the range, or later if it was first read in it."""
    seen: Seen
    """What all of them share: a moment at which one of them may not have been read is in no way covered."""
    accounts: int


async def are_grouped(conn: Conn, most: int) -> bool:
    """Whether more than `most` accounts are watched, so that the quiet ones are sent as groups."""
    return await conn.fetchval(
        "select count(*) > $1 from (select from account where watched limit $1::bigint + 1) a", most
    )


async def changed_in(conn: Conn, since: datetime) -> frozenset[int]:
    """The watched accounts with a status that ended after `since`, as is known now."""
    rows = await conn.fetch(
        """
        select distinct s.account_id from spells_known(null) s join account a using (account_id)
        where not upper_inf(s.valid) and upper(s.valid) > $1 and a.watched
        """,
        since,
    )
    return frozenset(r["account_id"] for r in rows)


async def quiet_groups(
    conn: Conn, since: datetime, changed: Collection[int], coverage: SharedCoverage, gap_after: timedelta
) -> tuple[QuietGroup, ...]:
    """All watched accounts but those that `changed` since `since`, as groups.

    Times are rounded so that the groups are at most `MOST_GROUPS`, but not to steps longer than `gap_after`:
    where accounts differ more than that, there are more groups.
    """
    different = {*coverage.of_roster.values(), *coverage.of_account.values(), NEVER}
    for parts in (*_STEPS, None):
        step = gap_after / (parts or 1)
        coarse = coarser(different, step)
        places = {seen: place for place, seen in enumerate(dict.fromkeys(coarse.values()))}
        place_of = {seen: places[coarse[seen]] for seen in different}
        limit = None if parts is None else MOST_GROUPS
        found = await _groups(conn, since, changed, coverage, place_of, step, limit)
        if limit is None or len(found) <= limit:
            coverages = list(places)
            return tuple(_group(r, coverages) for r in found)
    raise AssertionError("the last step has no limit")


async def _groups(
    conn: Conn,
    since: datetime,
    changed: Collection[int],
    coverage: SharedCoverage,
    place_of: Mapping[Seen, int],
    step: timedelta,
    limit: int | None,
) -> Sequence[Record]:
    """One row for all that are alike; one more than `limit` if there are more."""
    return await conn.fetch(
        """
        with alone as materialized (
            select account_id, place from unnest($4::int[], $5::int[]) as one (account_id, place)
        ),
        seen as (
            select m.account_id, shared.place
            from unnest($2::int[], $3::int[]) as shared (roster_id, place)
            join roster r using (roster_id) cross join lateral unnest(r.account_ids) as m (account_id)
            where not exists (select from alone where alone.account_id = m.account_id)
            union all
            select account_id, place from alone
        ),
        on_lists as (
            select account_id, array_agg(list_id order by list_id) as list_ids
            from watch_list_member group by account_id
        )
        select a.platform, a.is_post, coalesce(l.list_ids, '{}') as list_ids, s.status, s.withheld_in,
            -- Side facts change what is said of these two alone.
            case when s.status in ('suspended', 'not_found') then (
                select f.flags from scoped_flags(
                    s.account_id, s.status, case when s.before_change then '{}' else c.flags end,
                    lower(s.valid), null, null
                ) f
            ) when not s.before_change then c.flags end as flags,
            -- Whole steps after the beginning, so that those that joined one after the other are one group.
            case
                when lower(s.valid) <= $1::timestamptz then $1
                else date_bin($6::interval, lower(s.valid) - interval '1 microsecond', $1) + $6
            end as since,
            coalesce(seen.place, $7::int) as place, count(*) as accounts
        from ordinary_accounts() a
        left join on_lists l on l.account_id = a.account_id
        left join seen on seen.account_id = a.account_id
        left join spells_now() s on s.account_id = a.account_id
        -- Almost no change has flags, so this does not join a million rows.
        left join change c on c.change_id = s.change_id and c.flags <> '{}'
        where a.watched and not exists (
            select from unnest($8::int[]) as other (account_id) where other.account_id = a.account_id
        )
        group by 1, 2, 3, 4, 5, 6, 7, 8
        limit $9::bigint
        """,
        since,
        list(coverage.of_roster),
        [place_of[seen] for seen in coverage.of_roster.values()],
        list(coverage.of_account),
        [place_of[seen] for seen in coverage.of_account.values()],
        step,
        place_of[NEVER],
        list(changed),
        None if limit is None else limit + 1,
    )


def _group(r: Record, coverages: Sequence[Seen]) -> QuietGroup:
    return QuietGroup(
        platform=r["platform"],
        is_post=r["is_post"],
        list_ids=tuple(r["list_ids"]),
        state=None if r["status"] is None else State(Status(r["status"]), tuple(r["withheld_in"])),
        flags=frozenset(map(Flag, r["flags"] or ())),
        since=r["since"],
        seen=coverages[int(r["place"])],
        accounts=r["accounts"],
    )
