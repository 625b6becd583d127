"""The readings of a time in columns, roster by roster: what a hundred accounts share is loaded once."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from storage.model.bitemporal.reading_columns import Columns, columns_of, with_more
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.country_scope import EVERY_COUNTRY, CountryScopes
from storage.model.core.coverage import is_answered
from storage.model.core.packed_columns import instant, integers, microseconds
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived
from storage.readings.country_scope import load_all_scopes

Row = tuple[int, int, frozenset[str]]
"""When a reading was made, when it was asked for, and what it is silent on."""


@dataclass(frozen=True, slots=True)
class RosterReadings:
    """The answered requests of one roster, in the order of time."""

    account_ids: Sequence[int]
    at: Sequence[int]
    asked: Sequence[int]
    answered: Mapping[int, bytes]
    """Who answered in those requests in which not everybody did: bitmaps, by place."""
    silent: Mapping[int, frozenset[str]]

    def rows(self, bit: int) -> Iterable[Row]:
        """The readings of the account at a place of the roster."""
        nothing: frozenset[str] = frozenset()
        for n, (at, asked) in enumerate(zip(self.at, self.asked, strict=True)):
            if is_answered(self.answered.get(n), bit):
                yield at, asked, self.silent.get(n, nothing)

    @property
    def is_plain(self) -> bool:
        """Every request was answered for everybody, no two at one instant."""
        return not self.answered and len(set(self.at)) == len(self.at)


async def answered(
    conn: Conn, since: datetime, until: datetime, only: Sequence[AccountId] | None = None
) -> list[RosterReadings]:
    """What our own connection was answered from `since` until before `until`.

    `only` leaves out rosters without any of these accounts. None leaves out none.
    """
    await with_archived(conn, since, until, only)
    rows = await conn.fetch(
        """
        select r.account_ids, r.platform, c.*
        from (
            select roster_id,
                string_agg(timestamptz_send(observed_at), '' order by observed_at, slot, attempt) as at,
                string_agg(int8send(latency_ms), '' order by observed_at, slot, attempt) as latency_ms
            from coverage where outcome = 0 and observed_at >= $1 and observed_at < $2
                and ($3::int[] is null or roster_id in (
                    select roster_id from roster where account_ids && $3::int[]
                ))
            group by roster_id
        ) c
        join roster r using (roster_id) where r.vantage = '' order by r.roster_id
        """,
        since,
        until,
        only,
    )
    odd: defaultdict[int, list[tuple[int, bytes | None, Sequence[str] | None]]] = defaultdict(list)
    for r in await conn.fetch(
        """
        select * from (
            select roster_id, answered, silent,
                row_number() over (partition by roster_id order by observed_at, slot, attempt) - 1 as place
            from coverage where outcome = 0 and observed_at >= $1 and observed_at < $2
                and ($3::int[] is null or roster_id in (
                    select roster_id from roster where account_ids && $3::int[]
                ))
        ) c
        where answered is not null or silent is not null
        """,
        since,
        until,
        only,
    ):
        odd[r["roster_id"]].append((r["place"], r["answered"], r["silent"]))
    all_scopes = await load_all_scopes(conn)
    rosters: list[RosterReadings] = []
    for r in rows:
        scopes = all_scopes.get(Platform(r["platform"]), EVERY_COUNTRY)
        at, theirs = integers(r["at"]), odd.get(r["roster_id"], ())
        asked = [when - 1_000 * took for when, took in zip(at, integers(r["latency_ms"]), strict=True)]
        rosters.append(
            RosterReadings(
                r["account_ids"],
                at,
                asked,
                {place: some for place, some, _ in theirs if some is not None},
                _silent(at, {place: frozenset(silent) for place, _, silent in theirs if silent}, scopes),
            )
        )
    return rosters


def _silent(
    at: Sequence[int], unheard: Mapping[int, frozenset[str]], scopes: CountryScopes
) -> Mapping[int, frozenset[str]]:
    """What each request was silent on, by place: not heard, or not within reach by the settings of then."""
    if not scopes.scopes:
        return unheard
    silent = dict(unheard)
    edges = [bisect_left(at, microseconds(scope.since)) for scope in scopes.scopes]
    for first, end in pairwise([*edges, len(at)]):
        lacking = scopes.lacking(instant(at[first])) if first < end else frozenset[str]()
        if lacking:
            silent |= {place: silent.get(place, lacking) | lacking for place in range(first, end)}
    return silent


def by_account(
    rosters: Sequence[RosterReadings], only: frozenset[AccountId] | None = None
) -> dict[AccountId, Columns]:
    """The readings of each account of these rosters. Those of one plain roster share their columns.

    `only` leaves out all other accounts. None leaves out nobody.
    """
    places: defaultdict[AccountId, list[tuple[RosterReadings, int]]] = defaultdict(list)
    for roster in sorted(rosters, key=lambda r: len(r.at), reverse=True):
        for bit, account_id in enumerate(roster.account_ids):
            if only is None or account_id in only:
                places[AccountId(account_id)].append((roster, bit))
    plain = {
        id(roster): columns_of(roster.rows(0)) if roster.silent else Columns(roster.at, roster.asked)
        for roster in rosters
        if roster.is_plain
    }
    columns: dict[AccountId, Columns] = {}
    for account_id, asked_in in places.items():
        first, others = asked_in[0], asked_in[1:]
        shared = plain.get(id(first[0]))
        if shared is None:
            columns[account_id] = columns_of(row for roster, bit in asked_in for row in roster.rows(bit))
        elif others:
            columns[account_id] = with_more(
                shared, [row for roster, bit in others for row in roster.rows(bit)]
            )
        else:
            columns[account_id] = shared
    return columns


async def before(
    conn: Conn, account_id: AccountId, since: datetime | None, until: datetime, scopes: CountryScopes
) -> list[Row]:
    """The readings of one account after `since` (None: all) until before `until`, oldest first."""
    await with_archived(conn, since, until, [account_id])
    rows = await conn.fetch(
        """
        select c.observed_at, c.latency_ms, c.silent
        from roster r join coverage c using (roster_id)
        where r.account_ids @> array[$1::int] and r.vantage = '' and c.outcome = 0
            and c.observed_at > coalesce($2::timestamptz, '-infinity') and c.observed_at < $3
            and answered_at(c.answered, array_position(r.account_ids, $1::int))
        order by c.observed_at, c.slot, c.roster_id, c.attempt
        """,
        account_id,
        since,
        until,
    )
    return [
        (
            at := microseconds(r["observed_at"]),
            at - 1_000 * r["latency_ms"],
            frozenset(r["silent"] or ()) | scopes.lacking(r["observed_at"]),
        )
        for r in rows
    ]
