"""Everybody who was read in a time, ready to be decided on again: what was held before, and what came."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.accounts.accounts import dated_memberships
from storage.changes.late_context import let_go_times, own_changes, starting_point
from storage.model.bitemporal.corrections import OwnChange, held_at
from storage.model.bitemporal.reading_columns import (
    Columns,
    Course,
    ReplayedReadings,
    columns_of,
    known_only,
    looks_of,
)
from storage.model.bitemporal.settled import SettlingRule, surely_settled
from storage.model.core.accounts import Account, AccountId, ListId, Platform
from storage.model.core.availability import BY_COUNTRY, Flag, Outcome
from storage.model.core.country_scope import EVERY_COUNTRY, CountryScopes
from storage.model.core.known_state import Known
from storage.model.core.packed_columns import instant, microseconds
from storage.postgres.pool import Conn
from storage.readings.country_scope import load_all_scopes
from storage.replay import readings as replay_readings


@dataclass(frozen=True, slots=True)
class Courses:
    accounts: Sequence[Course]
    readings: int
    """How many are of the time that was asked for; those before it that are gone through again are not."""
    confirmed_on: Mapping[Platform, Mapping[ListId, Sequence[datetime]]]
    """When changes of each platform were confirmed on each list, within the window before the first reading
    that is gone through again.
    """
    annulled: int
    """Rows of the time that no reading bears out, and that a correction took back."""
    imported: int
    """Changes of the time from records of others: they are no readings of ours."""


async def load(
    conn: Conn,
    since: datetime,
    until: datetime,
    window: timedelta,
    rule: SettlingRule,
    only: Sequence[AccountId] | None = None,
) -> Courses:
    """Everybody whom our own connection read from `since` until before `until`, by account number.

    `only` leaves out all other accounts, but not what was confirmed of them. None leaves out nobody.

    An account of which something was provisional or in question at `since` begins with the reading that
    showed it first.
    """
    read = await replay_readings.answered(conn, since, until, only)
    columns = replay_readings.by_account(read, None if only is None else frozenset(only))
    begun = microseconds(since)
    accounts = await _accounts(conn, sorted(columns))
    ids = list(accounts)
    changes, let_go = await own_changes(conn, ids), await let_go_times(conn, ids)
    all_scopes = await load_all_scopes(conn)
    memberships, decided = await dated_memberships(conn, ids), await _decided(conn, ids, since)
    courses: list[Course] = []
    annulled = 0
    for account_id, account in accounts.items():
        own = [c for c in changes.get(account_id, ()) if not c.is_annulled]
        annulled += sum(
            since <= c.first_seen_new < until for c in changes.get(account_id, ()) if c.is_annulled
        )
        scopes = all_scopes.get(account.platform, EVERY_COUNTRY)
        course = await _course(conn, account, own, columns[account_id], since, scopes, rule)
        gone = sorted(t for t in let_go.get(account_id, ()) if _begin(course, since) <= t < until)
        courses.append(
            Course(
                account,
                memberships.get(account_id, ()),
                course.columns,
                course.looks,
                [c for c in course.stored if c.first_seen_new < until],
                course.known,
                course.flags,
                gone,
                {c.change_id: decided[c.change_id] for c in course.stored if c.change_id in decided},
                course.countries,
            )
        )
    return Courses(
        courses,
        sum(len(c.columns.at) - bisect_left(c.columns.at, begun) for c in courses),
        await _confirmed_on(
            conn, min((_begin(c, since) for c in courses), default=since) - window, since, until, only
        ),
        annulled,
        await _imported(conn, since, until),
    )


async def _course(
    conn: Conn,
    account: Account,
    own: Sequence[OwnChange],
    columns: Columns,
    since: datetime,
    scopes: CountryScopes,
    rule: SettlingRule,
) -> Course:
    """The readings of one account with what was held before them."""
    looks = looks_of(own)
    before = [c for c in own if c.first_seen_new < since]
    held = held_at(own, since - timedelta.resolution)
    known, first = Known(), since
    if before and (
        _is_open(before[-1], since)
        or _begins_otherwise(columns, looks, held, scopes)
        or (
            columns.at and not surely_settled(before, instant(columns.asked[0]), instant(columns.at[0]), rule)
        )
        or _is_bounded_before(columns, own)
    ):
        begin, columns = await _warm(conn, account.account_id, own, columns, since, scopes, rule)
        at = None if begin is None else begin.last_read_at
        if begin is not None and at is not None:
            held, first, known = held_at(own, at), at + timedelta.resolution, begin
        else:
            held, first = None, before[0].first_seen_new
    elif held is not None:
        known = Known(held.new)
    stored = [c for c in own if c.first_seen_new >= first]
    flags = frozenset[Flag]() if held is None else held.flags
    columns = known_only(columns, looks)
    return Course(account, (), columns, looks, stored, known, flags, countries=scopes.countries)


async def _warm(
    conn: Conn,
    account_id: AccountId,
    own: Sequence[OwnChange],
    columns: Columns,
    since: datetime,
    scopes: CountryScopes,
    rule: SettlingRule,
) -> tuple[Known | None, Columns]:
    """The `starting_point` before a time, and all readings after it. No reading was requested before the
    starting point.
    """
    now = [(at, columns.asked[i], columns.silent_on(i)) for i, at in enumerate(columns.at)]
    until = since
    while True:
        begin = await starting_point(conn, until, account_id, own, scopes, rule)
        at = None if begin is None else begin.last_read_at
        found = columns_of([*await replay_readings.before(conn, account_id, at, since, scopes), *now])
        first = min(found.asked, default=None)
        if at is None or first is None or instant(first) >= at:
            return begin, found
        until = instant(first) + timedelta.resolution


def _is_open(last: OwnChange, since: datetime) -> bool:
    """Whether the last change before `since` may have been provisional then."""
    return last.outcome is not Outcome.CONFIRMED or last.last_agreeing_at >= since


def _begins_otherwise(
    columns: Columns, looks: ReplayedReadings, held: OwnChange | None, scopes: CountryScopes
) -> bool:
    """Whether it matters when the account was read before: the first reading differs from what is held, or is
    silent on a country.
    """
    if not columns.at:
        return False
    place = looks.place(columns.at[0])
    look = looks.looks[place] if place >= 0 else None
    if look is None or held is None or look.state != held.new:
        return True
    return bool(columns.silent_on(0) or (scopes.countries and look.state.status not in BY_COUNTRY))


def _is_bounded_before(columns: Columns, own: Sequence[OwnChange]) -> bool:
    """Whether a change began or ended with an answer that was asked for before the first one had arrived."""
    begun = (bisect_left(columns.at, microseconds(c.first_seen_new)) for c in own)
    ended = (bisect_right(columns.at, microseconds(c.last_agreeing_at)) for c in own)
    found = {n for n in (*begun, *ended) if 0 < n < len(columns.at)}
    return any(columns.asked[n] < columns.at[0] for n in found)


def _begin(course: Course, since: datetime) -> datetime:
    return instant(course.columns.at[0]) if course.columns.at else since


async def _accounts(conn: Conn, ids: Sequence[AccountId]) -> dict[AccountId, Account]:
    rows = await conn.fetch(
        """
        select account_id, platform, native_id, handle from account
        where account_id = any($1::bigint[]) order by account_id
        """,
        ids,
    )
    return {
        AccountId(r["account_id"]): Account(
            AccountId(r["account_id"]), Platform(r["platform"]), r["native_id"], r["handle"]
        )
        for r in rows
    }


async def _decided(conn: Conn, ids: Sequence[AccountId], since: datetime) -> dict[int, datetime]:
    """When the outcomes of changes were written, of those that were written since then."""
    rows = await conn.fetch(
        """
        select o.change_id, o.decided_at from change_outcome o join change c using (change_id)
        where c.account_id = any($1::bigint[]) and o.decided_at >= $2
        """,
        ids,
        since,
    )
    return {r["change_id"]: r["decided_at"] for r in rows}


async def _confirmed_on(
    conn: Conn, since: datetime, begun: datetime, until: datetime, only: Sequence[AccountId] | None
) -> dict[Platform, dict[ListId, list[datetime]]]:
    """From `since` until before `begun` of everybody, and from then until before `until` of all accounts that
    are not decided again.
    """
    rows = await conn.fetch(
        """
        select a.platform, m.list_id, o.last_agreeing_at
        from standing_change c
        join account a on a.account_id = c.account_id and a.platform = c.source
        join change_outcome o using (change_id)
        join membership m on m.account_id = c.account_id
            and m.added_at <= o.last_agreeing_at and coalesce(m.removed_at, 'infinity') > o.last_agreeing_at
        where c.kind <> 'baseline' and o.outcome = 'confirmed'
            and o.last_agreeing_at >= $1
            and (o.last_agreeing_at < $2 or (o.last_agreeing_at < $3 and c.account_id <> all($4::bigint[])))
        """,
        since,
        begun,
        begun if only is None else until,
        only or [],
    )
    out: defaultdict[Platform, dict[ListId, list[datetime]]] = defaultdict(dict)
    for r in rows:
        times = out[Platform(r["platform"])].setdefault(ListId(r["list_id"]), [])
        times.append(r["last_agreeing_at"])
    return out


async def _imported(conn: Conn, since: datetime, until: datetime) -> int:
    return await conn.fetchval(
        """
        select count(*) from standing_change
        where source like 'import:%' and first_seen_new >= $1 and first_seen_new < $2
        """,
        since,
        until,
    )


async def changing_on(
    conn: Conn, list_id: ListId, since: datetime, until: datetime
) -> tuple[int, list[AccountId]]:
    """How many accounts were on a list at some time of the period, and which of them showed another status
    than before in it, whether confirmed or not.
    """
    rows = await conn.fetch(
        """
        select distinct m.account_id, exists (
            select from standing_change c
            left join change_outcome o using (change_id) left join pending_change p using (change_id)
            where c.account_id = m.account_id and c.source = a.platform and c.first_seen_new < $3
                and coalesce(o.last_agreeing_at, p.last_agreeing_at) >= $2
        ) as changes
        from membership m join account a using (account_id)
        where m.list_id = $1 and m.added_at < $3 and coalesce(m.removed_at, 'infinity') > $2
        order by m.account_id
        """,
        list_id,
        since,
        until,
    )
    return len(rows), [AccountId(r["account_id"]) for r in rows if r["changes"]]


async def span(conn: Conn) -> tuple[datetime, datetime] | None:
    """The first and the last time at which our own connection was answered; None when it never was."""
    row = await conn.fetchrow(
        """
        select min(c.observed_at) as first, max(c.observed_at) as last
        from roster r cross join lateral (
            (select observed_at from coverage where roster_id = r.roster_id and outcome = 0
             order by observed_at limit 1)
            union all
            (select observed_at from coverage where roster_id = r.roster_id and outcome = 0
             order by observed_at desc limit 1)
        ) c
        where r.vantage = ''
        """
    )
    return None if row is None or row["first"] is None else (row["first"], row["last"])
