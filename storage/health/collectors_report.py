"""Read models of the collectors' health: who reads, who was stopped, whose control accounts look wrong."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.side_facts import ObservedKind, SideFact
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class CollectorReport:
    """One collector at one place, from one vantage."""

    platform: Platform
    place: str
    """Which server it asks; empty where one server answers for the whole platform."""
    vantage: str
    """Empty is the installation's own connection."""
    healthy: bool
    """No trouble is on record. Whether it reads at all, `last_answered_at` tells."""
    reason: str | None
    detail: str
    since: datetime | None
    """When it last stopped or worked again; None when it never had a trouble."""
    retry_at: datetime | None
    stable: int
    """Control accounts of the place that are to be found available."""
    suspended: int
    """Control accounts of the place that are to be found blocked."""
    doubted: tuple[str, ...]
    """Handles of those that look otherwise."""
    held_since: datetime | None
    """The first answer that was not believed since the last one that was; None when there is none."""
    last_answered_at: datetime | None
    """The newest answer that was believed. None: nothing was read yet; an import does not count."""
    last_asked_at: datetime | None


@dataclass(frozen=True, slots=True)
class SilentCountry:
    """A country of which the newest answers, or some of them, said nothing."""

    platform: Platform
    country: str
    last_heard: datetime | None
    """The newest answer of the regular sweep that did speak of it; None when there is none."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """From another vantage a watched account looks otherwise, as far as was last read there."""

    account: Account
    fact: SideFact
    """Its observer is the vantage, its value what is seen from there."""


async def collector_reports(conn: Conn, now: datetime) -> list[CollectorReport]:
    """One for each place and vantage that is read, or that has a trouble on record for a whole platform.

    What was asked more than a week ago counts only for the rosters that the sweep reads now.
    """
    await with_archived(conn, now, now)
    rows = await conn.fetch(
        """
        with attempt as (
            select r.platform, r.place, r.vantage, r.roster_id, newest.observed_at as newest_at,
                newest.observed_at - newest.latency_ms * interval '1 millisecond' as asked_at,
                answered.at as answered_at
            from roster r
            cross join lateral (
                select observed_at, latency_ms from coverage
                where roster_id = r.roster_id and observed_at <= $1 order by observed_at desc limit 1
            ) newest
            left join lateral (
                select observed_at as at from coverage
                where roster_id = r.roster_id and observed_at <= $1 and outcome = 0
                order by observed_at desc limit 1
            ) answered on true
            -- Neither the sweep nor with control accounts: an import, or a single re-read without a guard.
            where r.base and r.retired_at is null
                or newest.observed_at > $1 - interval '7 days' and (r.base or cardinality(r.canary_ids) > 0)
        ),
        last as (
            select platform, place, vantage, max(asked_at) as asked_at, max(answered_at) as answered_at
            from attempt group by 1, 2, 3
        ),
        held as (
            select a.platform, a.place, a.vantage, min(c.observed_at) as since
            from attempt a join last using (platform, place, vantage)
            join coverage c on c.roster_id = a.roster_id and c.outcome = 2
                and c.observed_at > coalesce(last.answered_at, '-infinity') and c.observed_at <= $1
            where last.answered_at is null or a.newest_at > last.answered_at
            group by 1, 2, 3
        ),
        control as (
            select a.platform, c.place,
                count(*) filter (where c.expected_status not in ('suspended', 'withheld')) as stable,
                count(*) filter (where c.expected_status in ('suspended', 'withheld')) as suspended,
                array_agg(a.handle order by a.handle) filter (where c.doubts > 0) as doubted
            from canary c join account a using (account_id) where c.retired_at is null group by 1, 2
        )
        select key.platform, key.place, key.vantage, s.healthy, s.reason, s.detail, s.since, s.retry_at,
            control.stable, control.suspended, control.doubted, held.since as held_since,
            last.answered_at, last.asked_at
        from (
            select platform, place, vantage from roster where base and retired_at is null
            union select platform, place, vantage from collector_state where place = ''
        ) key
        left join collector_state s using (platform, place, vantage)
        left join last using (platform, place, vantage)
        left join held using (platform, place, vantage)
        left join control using (platform, place)
        order by key.platform, key.vantage, key.place
        """,
        now,
    )
    return [
        CollectorReport(
            platform=Platform(r["platform"]),
            place=r["place"],
            vantage=r["vantage"],
            healthy=r["healthy"] is not False,
            reason=r["reason"],
            detail=r["detail"] or "",
            since=r["since"],
            retry_at=r["retry_at"],
            stable=r["stable"] or 0,
            suspended=r["suspended"] or 0,
            doubted=tuple(r["doubted"] or ()),
            held_since=r["held_since"],
            last_answered_at=r["answered_at"],
            last_asked_at=r["asked_at"],
        )
        for r in rows
    ]


async def silent_countries(conn: Conn) -> list[SilentCountry]:
    """The countries that the newest answer of any roster of the sweep left out, by platform and code."""
    rows = await conn.fetch(
        """
        with silent as (
            select distinct r.platform, u.country
            from roster r
            cross join lateral (
                select silent from coverage where roster_id = r.roster_id and outcome = 0
                order by observed_at desc limit 1
            ) c
            cross join lateral unnest(c.silent) as u (country)
            where r.base and r.retired_at is null and r.vantage = ''
        )
        select s.platform, s.country, (
                select max(c.observed_at) from roster r
                cross join lateral (
                    select observed_at from coverage
                    where roster_id = r.roster_id and outcome = 0
                        and (silent is null or s.country <> all(silent))
                    order by observed_at desc limit 1
                ) c
                where r.platform = s.platform and r.base and r.vantage = ''
            ) as last_heard
        from silent s order by 1, 2
        """
    )
    return [SilentCountry(Platform(r["platform"]), r["country"], r["last_heard"]) for r in rows]


async def disagreements(conn: Conn) -> list[Disagreement]:
    """The watched accounts that last looked otherwise from some vantage, by handle."""
    rows = await conn.fetch(
        """
        select f.*, a.platform, a.native_id, a.handle from fact f join account a using (account_id)
        where f.kind = 'seen_as' and f.first_absent is null and a.watched
        order by lower(a.handle), a.account_id, f.observer, f.value
        """
    )
    return [
        Disagreement(
            Account(AccountId(r["account_id"]), Platform(r["platform"]), r["native_id"], r["handle"]),
            SideFact(
                account_id=AccountId(r["account_id"]),
                observer=r["observer"],
                kind=ObservedKind.SEEN_AS,
                value=r["value"],
                last_absent=r["last_absent"],
                first_seen=r["first_seen"],
                last_seen=None,
                first_absent=None,
            ),
        )
        for r in rows
    ]
