"""Read model of what was published of demands of a country, half-year by half-year, beside what was seen."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from storage.countries.transparency_figures import reports
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import Flag, State, Status
from storage.model.orders.cohort import kind_in
from storage.model.orders.half_years import HalfYear, HalfYearCoverage, looked_by_half
from storage.model.orders.published_vs_observed import (
    Claimed,
    ConfirmedCountryState,
    CountrySighting,
    code_of,
    codes_by_name,
    observed_in,
    posts_in,
    recorded_in,
    sightings,
)
from storage.model.orders.transparency_figures import TransparencyReport
from storage.model.text.countries import is_code, official_names
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived

Place = tuple[Platform, HalfYear]


async def claimed(conn: Conn, country: str, now: datetime) -> tuple[Claimed, ...]:
    """What sources say of `country`, and what was seen there up to `now`: newest half-year first.

    A half-year is there when it has published figures, or when something was seen in it. A platform of which
    neither figures are on file, nor anybody was seen withheld there or named by its orders, is left out.
    Figures of accounts are beside what was seen of accounts; what was seen of posts is apart.
    """
    if not is_code(country):
        return ()
    published = (await published_by_country(conn)).get(country, {})
    withheld, restored = await _sightings(conn, country, of_posts=False)
    posts_withheld, posts_restored = await _sightings(conn, country, of_posts=True)
    looked = await _looked(conn, now)
    watched = await _watched(conn, country, looked)
    named = {p for (p, _), n in watched.items() if n.named}
    about = {p for p, _ in published} | withheld.keys() | posts_withheld.keys() | named
    seen = {
        (platform, half)
        for platform in withheld
        for s in (*withheld[platform], *restored.get(platform, ()))
        if s.is_imported
        for half in (HalfYear.of(at) for at in (s.after, s.by) if at is not None)
    }
    places = published.keys() | seen | {place for place in looked if place[0] in about}
    out: list[Claimed] = []
    for platform, half in sorted(places, key=lambda p: (p[1], p[0]), reverse=True):
        place, became, back = (platform, half), withheld.get(platform, ()), restored.get(platform, ())
        asked = watched.get(place, _Asked())
        one = Claimed(
            platform=platform,
            half=half,
            published=published.get(place, ()),
            own=observed_in(half, (asked.accounts, asked.named), looked.get(place), became, back),
            recorded=recorded_in(half, became, back),
            posts=posts_in(
                half, asked.posts, posts_withheld.get(platform, ()), posts_restored.get(platform, ())
            ),
        )
        if one.published or any(seen is not None for seen in (one.own, one.recorded, one.posts)):
            out.append(one)
    return tuple(out)


async def published_by_country(conn: Conn) -> dict[str, dict[Place, tuple[TransparencyReport, ...]]]:
    """The figures of every country by its code. Totals, and names that nobody gives a code, are left out."""
    stored = await reports(conn)
    by_name = codes_by_name(stored, official_names())
    out: defaultdict[str, defaultdict[Place, list[TransparencyReport]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for report in stored:
        code = code_of(report, by_name)
        if code is not None:
            out[code][report.platform, HalfYear.named(report.period)].append(report)
    return {
        code: {place: tuple(sorted(of, key=lambda r: r.source)) for place, of in places.items()}
        for code, places in out.items()
    }


@dataclass(frozen=True, slots=True)
class _Asked:
    """What the sweep asked about in a half-year."""

    accounts: int = 0
    named: int = 0
    """Of the accounts, those that orders of the country name."""
    posts: int = 0


async def _sightings(
    conn: Conn, country: str, *, of_posts: bool
) -> tuple[dict[Platform, list[CountrySighting]], dict[Platform, list[CountrySighting]]]:
    """When accounts, or posts, became withheld in `country`, and when they were back there, by platform.

    They are those that `storage.countries.countries.by_country` counts, without control accounts.
    """
    rows = await conn.fetch(
        """
        select a.platform, s.account_id, s.status, s.withheld_in, s.onset_after, lower(s.valid) as since,
            c.source, case when s.before_change then '{}' else c.flags end as flags
        from spell s join ordinary_accounts() a using (account_id) join change c using (change_id)
        where upper_inf(s.recorded) and a.is_post = $2
            and s.account_id in (
                select account_id from spell where upper_inf(recorded) and $1 = any(withheld_in)
            )
        order by s.account_id, lower(s.valid)
        """,
        country,
        of_posts,
    )
    withheld: dict[Platform, list[CountrySighting]] = {}
    restored: dict[Platform, list[CountrySighting]] = {}
    for account_id, theirs in groupby(rows, key=lambda r: r["account_id"]):
        spells = list(theirs)
        stands = [
            ConfirmedCountryState(
                kind_in(
                    country,
                    State(Status(r["status"]), tuple(r["withheld_in"])),
                    frozenset(Flag(f) for f in r["flags"]),
                ),
                r["onset_after"],
                r["since"],
                r["source"],
            )
            for r in spells
        ]
        became, back = sightings(AccountId(account_id), stands)
        platform = Platform(spells[0]["platform"])
        withheld.setdefault(platform, []).extend(became)
        restored.setdefault(platform, []).extend(back)
    return withheld, restored


async def _looked(conn: Conn, now: datetime) -> dict[Place, HalfYearCoverage]:
    """How well each platform was read in each half-year, by the regular sweep.

    Each day is asked for one request that was answered, so that it takes no longer when there were more.
    """
    await with_archived(conn, now - timedelta(days=1), now, planned=True)
    rows = await conn.fetch(
        """
        with sweep as materialized (
            select platform, array_agg(roster_id) as roster_ids from roster
            where base and vantage = '' group by platform
        ),
        span as materialized (
            select s.platform, s.roster_ids, earliest.slot as since, latest.slot as until
            from sweep s
            cross join lateral (
                select slot from coverage where roster_id = any(s.roster_ids) and slot <= $1
                order by slot limit 1
            ) earliest
            cross join lateral (
                select slot from coverage where roster_id = any(s.roster_ids) and slot <= $1
                order by slot desc limit 1
            ) latest
        )
        select s.platform, d.day, first.observed_at as first, last.observed_at as last
        from span s
        cross join lateral generate_series(
            date_trunc('day', s.since, 'UTC'), s.until, interval '24 hours'
        ) as d (day)
        cross join lateral (
            select c.observed_at from coverage c
            where c.slot >= d.day and c.slot < d.day + interval '24 hours' and c.slot <= $1
                and c.roster_id = any(s.roster_ids) and c.outcome = 0
                and (c.answered is null or bit_count(c.answered) > 0)
            order by c.slot, c.roster_id, c.attempt limit 1
        ) first
        cross join lateral (
            select c.observed_at from coverage c
            where c.slot >= d.day and c.slot < d.day + interval '24 hours' and c.slot <= $1
                and c.roster_id = any(s.roster_ids) and c.outcome = 0
                and (c.answered is null or bit_count(c.answered) > 0)
            order by c.slot desc, c.roster_id desc, c.attempt desc limit 1
        ) last
        order by s.platform, d.day
        """,
        now,
    )
    out: dict[Place, HalfYearCoverage] = {}
    for platform, days in groupby(rows, key=lambda r: r["platform"]):
        by_half = looked_by_half([(r["day"], r["first"], r["last"]) for r in days], now)
        out |= {(Platform(platform), half): looked for half, looked in by_half.items()}
    return out


async def _watched(conn: Conn, country: str, places: Collection[Place]) -> dict[Place, _Asked]:
    """How many accounts and posts the sweep asked about in each half-year, and how many of the accounts
    `country` demanded.

    Those are on the list of an order of it that was issued before the end of the half-year, or named by one.
    """
    rows = await conn.fetch(
        """
        with asked as (
            select distinct h.platform, h.since, h.until, m.account_id
            from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as h (platform, since, until)
            join roster r on r.platform = h.platform and r.base and r.vantage = ''
            -- "limit" keeps the planner from reading all coverage of a half-year: one request is enough.
            cross join lateral (
                select from coverage c
                where c.roster_id = r.roster_id and c.observed_at >= h.since and c.observed_at < h.until
                    and c.slot >= h.since - interval '24 hours' and c.slot < h.until
                limit 1
            ) once
            cross join lateral unnest(r.account_ids) as m (account_id)
        ),
        named as (
            select m.account_id, coalesce(o.issued_from, o.issued_at) as issued_at
            from legal_order o join watch_list_member m using (list_id) where o.country = $1
            union all
            select n.account_id, coalesce(o.issued_from, o.issued_at)
            from legal_order o join order_name n using (order_id)
            where o.country = $1 and n.account_id is not null
        ),
        demanded as (select account_id, min(issued_at) as since from named group by account_id)
        select a.platform, a.since, count(*) filter (where not o.is_post) as accounts,
            count(*) filter (where not o.is_post and d.since < a.until) as named,
            count(*) filter (where o.is_post) as posts
        from asked a join account o using (account_id) left join demanded d using (account_id)
        where not exists (select from canary k where k.account_id = a.account_id)
        group by a.platform, a.since
        """,
        country,
        [platform.value for platform, _ in places],
        [half.start for _, half in places],
        [half.end for _, half in places],
    )
    return {
        (Platform(r["platform"]), HalfYear.of(r["since"])): _Asked(r["accounts"], r["named"], r["posts"])
        for r in rows
    }
