"""Finding the countries about which an account's last answer said nothing, and the last answer that reported
each.

An answer says nothing about a country in three cases. The country's labeler was not reached, the settings of
that time did not name the country, or the account did not exist.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple

from storage.changes.late_context import own_changes
from storage.model.bitemporal.reading_columns import looks_of, times_there
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import BY_COUNTRY, Status
from storage.model.core.country_scope import CountryScopes
from storage.model.core.known_state import Known
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived
from storage.readings.country_scope import load_scopes
from storage.readings.coverage import LastReading

_Span = tuple[datetime | None, datetime | None]
"""Start and end (exclusive) of a period. None means no limit."""
_ALWAYS: Sequence[_Span] = ((None, None),)


class _Sought(NamedTuple):
    """A search for the last answer that reported a country for an account.

    Only answers from `since` to before `until` count. None means no limit.
    """

    account_id: AccountId
    country: str
    since: datetime | None
    until: datetime | None


async def with_heard_countries(
    conn: Conn, platform: Platform, known: Mapping[AccountId, Known], read: Mapping[AccountId, LastReading]
) -> dict[AccountId, Known]:
    """Fill in `Known.heard` for accounts whose last answer said nothing about some country. Return only these
    accounts.

    `read` holds the last reading of each account.
    """
    scopes = await load_scopes(conn, platform)
    silent = {i: cs for i, r in read.items() if i in known and (cs := r.silent | scopes.gained_since(r.at))}
    ended = await _ended_with(conn, platform, read, known) if scopes.scopes else {}
    gone = [i for i, k in known.items() if scopes.scopes and i in read and not _is_there(k, ended.get(i))]
    there = await _there(conn, {*silent, *gone}) if scopes.scopes else {}
    last_there = await _last_there(conn, platform, [(i, *span) for i in gone for span in there.get(i, ())])
    heard: dict[AccountId, dict[str, datetime | None]] = {}
    for i in gone:
        last = last_there.get(i)
        heard[i] = dict.fromkeys(scopes.scopes[-1].countries, last and last.asked_at)
        silent[i] = last.silent | scopes.gained_since(last.at) if last else frozenset()
    # A country that came within reach after the last answer has no earlier report to search for.
    newest = max((r.at for r in read.values()), default=None)
    reached = {c for cs in silent.values() for c in cs if newest and scopes.was_in_reach(c, newest)}
    sought = [
        _Sought(i, c, *span)
        for i, countries in silent.items()
        for c in countries & reached
        for span in there.get(i, _ALWAYS)
    ]
    spoken = await _last_spoken(conn, platform, sought, scopes)
    for i, countries in silent.items():
        heard.setdefault(i, {}).update((c, spoken.get((i, c))) for c in countries)
    return {i: replace(known[i], heard=by_country) for i, by_country in heard.items()}


def _is_there(known: Known, ended: Status | None) -> bool:
    """Return whether the account existed at its last reading. Only such a reading can report countries."""
    shown = known.state if known.pending is None else known.pending.state
    status = ended or (shown and shown.status)
    return status is None or status in BY_COUNTRY


async def _ended_with(
    conn: Conn, platform: Platform, read: Mapping[AccountId, LastReading], known: Collection[AccountId]
) -> dict[AccountId, Status]:
    """Return the accounts whose last reading showed a provisional change that then ended without a further
    reading. Each account comes with the status that this reading showed.

    Such a change ended because the account left the watch, or because the answer was overtaken
    (`Reason.OVERTAKEN`).
    """
    rows = await conn.fetch(
        """
        select c.account_id, c.status, o.last_agreeing_at
        from change_outcome o join standing_change c using (change_id)
        where o.reason in ('no_longer_watched', 'overtaken') and c.source = $1
            and c.account_id = any($2::bigint[])
        """,
        platform.value,
        sorted(known),
    )
    return {
        AccountId(r["account_id"]): Status(r["status"])
        for r in rows
        if (last := read.get(AccountId(r["account_id"]))) is not None and last.at == r["last_agreeing_at"]
    }


async def _there(conn: Conn, ids: Collection[AccountId]) -> dict[AccountId, Sequence[_Span]]:
    """Return the periods in which each account existed. Accounts that existed at all readings are
    left out.
    """
    rows = await conn.fetch(
        """
        select distinct account_id from change
        where account_id = any($1::bigint[]) and status <> all($2::text[])
        """,
        sorted(ids),
        sorted(BY_COUNTRY),
    )
    own = await own_changes(conn, [AccountId(r["account_id"]) for r in rows])
    return {i: times_there(looks_of(changes)) for i, changes in own.items()}


async def _with_archived_ends(conn: Conn, ends: Collection[tuple[AccountId, datetime | None]]) -> None:
    """Make sure that the last answers before these times are found, also in archived months."""
    by_month: defaultdict[tuple[int, int], list[tuple[AccountId, datetime]]] = defaultdict(list)
    for account_id, until in ends:
        if until is not None:
            by_month[until.year, until.month].append((account_id, until))
    for found in by_month.values():
        times = [until for _, until in found]
        await with_archived(conn, min(times), max(times), sorted({i for i, _ in found}))


async def _last_there(
    conn: Conn, platform: Platform, spans: Sequence[tuple[AccountId, datetime | None, datetime | None]]
) -> dict[AccountId, LastReading]:
    """Return the last reading of each account within the periods given. Accounts without such a reading are
    left out.
    """
    if not spans:
        return {}
    await _with_archived_ends(conn, [(account_id, until) for account_id, _, until in spans])
    rows = await conn.fetch(
        """
        select distinct on (q.account_id) q.account_id, c.observed_at, c.silent,
            c.observed_at - c.latency_ms * interval '1 millisecond' as asked_at
        from unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[]) as q (account_id, since, until)
        join roster r cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
            on m.account_id = q.account_id
        cross join lateral (
            select observed_at, latency_ms, silent from coverage
            where roster_id = r.roster_id and outcome = 0
                and observed_at >= coalesce(q.since, '-infinity')
                and observed_at < coalesce(q.until, 'infinity')
                and answered_at(answered, m.position)
            order by observed_at desc, latency_ms desc limit 1
        ) c
        where r.platform = $4 and r.vantage = ''
        order by q.account_id, c.observed_at desc, asked_at
        """,
        *zip(*spans, strict=True),
        platform.value,
    )
    return {
        AccountId(r["account_id"]): LastReading(r["asked_at"], r["observed_at"], frozenset(r["silent"] or ()))
        for r in rows
    }


async def _last_spoken(
    conn: Conn, platform: Platform, sought: Sequence[_Sought], scopes: CountryScopes
) -> dict[tuple[AccountId, str], datetime]:
    """For each account and country, return the request time of the last answer that reported the country.

    Only answers within the periods of `sought` count. A country is left out if no such answer reported it.
    """
    if not sought:
        return {}
    await _with_archived_ends(conn, [(s.account_id, s.until) for s in sought])
    gaps = [(c, *gap) for c in {s.country for s in sought} for gap in scopes.gaps(c)]
    rows = await conn.fetch(
        """
        with asked as (
            select q.*, r.roster_id, m.position
            from unnest($1::bigint[], $2::text[], $3::timestamptz[], $4::timestamptz[])
                as q (account_id, country, since, until)
            join roster r cross join lateral unnest(r.account_ids) with ordinality as m (account_id, position)
                on m.account_id = q.account_id
            where r.platform = $5 and r.vantage = ''
        ),
        gap as (
            select * from unnest($6::text[], $7::timestamptz[], $8::timestamptz[])
                as g (country, since, until)
        ),
        -- Once per roster, however long the silence is. After this nearly every account is there at once.
        spoken as materialized (
            select p.roster_id, p.country, c.at
            from (select distinct roster_id, country from asked) p
            cross join lateral (
                select observed_at as at from coverage
                where roster_id = p.roster_id and outcome = 0 and (silent is null or p.country <> all(silent))
                    and not exists (
                        select from gap where gap.country = p.country and observed_at >= gap.since
                            and (gap.until is null or observed_at < gap.until)
                    )
                order by observed_at desc limit 1
            ) c
        )
        select distinct on (a.account_id, a.country) a.account_id, a.country,
            c.observed_at - c.latency_ms * interval '1 millisecond' as asked_at
        from asked a join spoken s using (roster_id, country)
        cross join lateral (
            select observed_at, latency_ms from coverage
            where roster_id = a.roster_id and outcome = 0 and observed_at <= s.at
                and observed_at >= coalesce(a.since, '-infinity')
                and observed_at < coalesce(a.until, 'infinity')
                and answered_at(answered, a.position)
                and (silent is null or a.country <> all(silent))
                and not exists (
                    select from gap where gap.country = a.country and observed_at >= gap.since
                        and (gap.until is null or observed_at < gap.until)
                )
            order by observed_at desc, latency_ms desc limit 1
        ) c
        order by a.account_id, a.country, c.observed_at desc, asked_at
        """,
        *zip(*sought, strict=True),
        platform.value,
        [country for country, _, _ in gaps],
        [since for _, since, _ in gaps],
        [until for _, _, until in gaps],
    )
    return {(AccountId(r["account_id"]), r["country"]): r["asked_at"] for r in rows}
