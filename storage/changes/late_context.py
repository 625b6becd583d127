"""Loading the accounts that late readings may affect, with their changes and readings. The accounts are
locked.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from asyncpg import Record

from storage.accounts.accounts import dated_memberships
from storage.changes import spells
from storage.model.bitemporal.corrections import CorrectionInput, OwnChange, TimedReading, held_at, shown_at
from storage.model.bitemporal.reading_columns import looks_of, times_there
from storage.model.bitemporal.settled import SettlingRule, is_settled_by, last_before, surely_settled
from storage.model.core.accounts import Account, AccountId, ListId, Platform
from storage.model.core.availability import (
    BY_COUNTRY,
    ChangeKind,
    Flag,
    Outcome,
    Reading,
    Reason,
    State,
    Status,
    Strength,
)
from storage.model.core.country_scope import EVERY_COUNTRY, CountryScopes
from storage.model.core.coverage import Batch, Roster
from storage.model.core.known_state import Known
from storage.postgres.pool import Conn, Refused
from storage.readings.archived_rows import with_archived
from storage.readings.country_scope import load_all_scopes


@dataclass(frozen=True, slots=True)
class LateContext:
    accounts: tuple[CorrectionInput, ...]
    """The accounts that the batch may affect: its own, and accounts with weak evidence. For the latter, the
    batch may alter the number of readings required.
    """
    confirmed_on: Mapping[ListId, Sequence[datetime]]
    """The times at which other changes on each list were confirmed. Times too early to affect a result are
    left out.
    """


async def roster(conn: Conn, roster_id: int) -> Roster:
    """The roster with this number. Raises Refused if there is none."""
    r = await conn.fetchrow("select * from roster where roster_id = $1", roster_id)
    if r is None:
        raise Refused(f"There is no batch of accounts with the number {roster_id}.")
    ids = tuple(AccountId(i) for i in r["account_ids"])
    canaries = tuple(AccountId(i) for i in r["canary_ids"])
    return Roster(roster_id, Platform(r["platform"]), ids, canaries, r["vantage"], r["place"])


async def load(
    conn: Conn,
    batch: Batch,
    account_ids: Collection[AccountId],
    window: timedelta,
    rule: SettlingRule,
) -> LateContext:
    """Load everything stored about the accounts that a batch may affect, but not the batch itself.

    Locks the accounts in the order of their ids until the transaction ends.
    """
    ids = await _with_cohorts(conn, account_ids, batch.observed_at)
    await spells.lock(conn, ids)
    changes = await own_changes(conn, ids)
    let_go = await let_go_times(conn, ids)
    out: list[CorrectionInput] = []
    until = min(batch.observed_at, batch.asked_at + timedelta.resolution)
    memberships = await dated_memberships(conn, ids)
    all_scopes = await load_all_scopes(conn)
    for account, is_watched in await _accounts(conn, ids):
        own = changes.get(account.account_id, [])
        scopes = all_scopes.get(account.platform, EVERY_COUNTRY)
        begin, readings = await _begin(conn, account.account_id, own, scopes, rule, until, batch)
        at = None if begin is None else begin.last_read_at
        held = None if at is None else held_at(own, at)
        out.append(
            CorrectionInput(
                account,
                is_watched,
                memberships.get(account.account_id, ()),
                begin or Known(),
                frozenset() if held is None else held.flags,
                readings,
                [c for c in own if at is None or c.first_seen_new > at],
                [t for t in let_go.get(account.account_id, ()) if at is None or t > at],
            )
        )
    told_anew = [c.change_id for g in out for c in g.stored]
    lists = {m.list_id for g in out for m in g.memberships}
    platforms = {g.account.platform for g in out}
    first = min((r.reading.at for g in out for r in g.readings), default=batch.observed_at)
    since = min(first, batch.observed_at) - window
    return LateContext(tuple(out), await _confirmed_on(conn, platforms, lists, told_anew, since))


async def _with_cohorts(conn: Conn, account_ids: Collection[AccountId], since: datetime) -> list[AccountId]:
    """Return these accounts and all accounts that they may affect through a list.

    An account may affect another account of the same platform and list if the other account has weak
    evidence. Both were on the list at `since` or later, and the evidence was last seen at `since` or later.
    The affected accounts may affect others in turn; those are returned too.
    """
    ids = set(account_ids)
    while True:
        rows = await conn.fetch(
            """
            with shared as materialized (  -- otherwise each account meets each member of its lists
                select distinct m.list_id, k.platform
                from membership m join account k using (account_id)
                where m.account_id = any($1::bigint[]) and coalesce(m.removed_at, 'infinity') > $2
            )
            select distinct a.account_id
            from shared s
            join membership other using (list_id)
            join account a on a.account_id = other.account_id and a.platform = s.platform
            join standing_change c on c.account_id = a.account_id and c.source = a.platform
            left join change_outcome o using (change_id)
            left join pending_change p using (change_id)
            where a.account_id <> all($1::bigint[]) and coalesce(other.removed_at, 'infinity') > $2
                and c.strength = 'weak' and coalesce(o.last_agreeing_at, p.last_agreeing_at) >= $2
            """,
            sorted(ids),
            since,
        )
        if not rows:
            return sorted(ids)
        ids |= {AccountId(r["account_id"]) for r in rows}


async def _accounts(conn: Conn, ids: Sequence[AccountId]) -> list[tuple[Account, bool]]:
    rows = await conn.fetch(
        """
        select account_id, platform, native_id, handle, watched from account
        where account_id = any($1::bigint[]) order by account_id
        """,
        ids,
    )
    return [
        (
            Account(AccountId(r["account_id"]), Platform(r["platform"]), r["native_id"], r["handle"]),
            r["watched"],
        )
        for r in rows
    ]


async def own_changes(conn: Conn, ids: Sequence[AccountId]) -> dict[AccountId, list[OwnChange]]:
    """Return the changes that our own monitor recorded, by account, oldest first. Superseded changes are left
    out.
    """
    rows = await conn.fetch(
        """
        select c.*, o.outcome, o.reason, o.decided_at, coalesce(o.readings, p.agreeing) as readings,
            coalesce(o.last_agreeing_at, p.last_agreeing_at) as last_agreeing_at
        from standing_change c join account a on a.account_id = c.account_id and a.platform = c.source
        left join change_outcome o using (change_id)
        left join pending_change p using (change_id)
        where c.account_id = any($1::bigint[])
        order by c.account_id, c.first_seen_new, c.change_id
        """,
        ids,
    )
    own: defaultdict[AccountId, list[OwnChange]] = defaultdict(list)
    for r in rows:
        own[AccountId(r["account_id"])].append(_own_change(r))
    return own


def _own_change(r: Record) -> OwnChange:
    old = r["old_status"]
    return OwnChange(
        change_id=r["change_id"],
        account_id=AccountId(r["account_id"]),
        change_key=r["change_key"],
        old=None if old is None else State(Status(old), tuple(r["old_withheld_in"])),
        new=State(Status(r["status"]), tuple(r["withheld_in"])),
        kind=ChangeKind(r["kind"]),
        strength=Strength(r["strength"]),
        flags=frozenset(Flag(f) for f in r["flags"]),
        last_seen_old=r["last_seen_old"],
        first_seen_new=r["first_seen_new"],
        outcome=r["outcome"] and Outcome(r["outcome"]),
        reason=r["reason"] and Reason(r["reason"]),
        readings=r["readings"],
        last_agreeing_at=r["last_agreeing_at"],
        old_evidence=r["old_evidence"],
        new_evidence=r["new_evidence"],
        decided_at=r["decided_at"],
    )


async def unsettled_since(
    conn: Conn, platform: Platform, known: Mapping[AccountId, Known], rule: SettlingRule
) -> list[CorrectionInput]:
    """Return the accounts that may be unsettled (see `storage.model.core.known_state.Unsettled`). Each comes
    with its readings since the time at which it was last settled.

    `known` holds the accounts to examine. Which changes were confirmed with fewer readings because a list
    was active is shown by the reasons of the stored outcomes (`Reason.COHORT_ACTIVE`).
    """
    times = {
        i: (k.last_asked_at, k.last_read_at) for i, k in known.items() if k.last_asked_at and k.last_read_at
    }
    last = await _last_changes(conn, platform, list(times))
    ids = [
        account_id
        for account_id, (change, held) in last.items()
        if held is None
        or not known[account_id].heard.keys().isdisjoint({*change.new.withheld_in, *held.new.withheld_in})
        or not is_settled_by(change, held, *times[account_id], rule)
    ]
    changes, let_go = await own_changes(conn, ids), await let_go_times(conn, ids)
    scopes = (await load_all_scopes(conn)).get(platform, EVERY_COUNTRY) if ids else EVERY_COUNTRY
    memberships = await dated_memberships(conn, ids)
    out: list[CorrectionInput] = []
    for account, is_watched in await _accounts(conn, ids):
        account_id = account.account_id
        own = changes[account_id]
        until = times[account_id][1] + timedelta.resolution
        begin, readings = await _begin(conn, account_id, own, scopes, rule, until)
        at = None if begin is None else begin.last_read_at
        out.append(
            CorrectionInput(
                account,
                is_watched,
                memberships.get(account_id, ()),
                begin or Known(),
                frozenset(),
                readings,
                [c for c in own if at is None or c.first_seen_new > at],
                [t for t in let_go.get(account_id, ()) if at is None or t > at],
            )
        )
    return out


async def _last_changes(
    conn: Conn, platform: Platform, ids: Sequence[AccountId]
) -> dict[AccountId, tuple[OwnChange, OwnChange | None]]:
    """Return two changes for each account: its last valid change, and the change to its known state. The
    second is None if the account has no known state yet.

    Superseded and annulled changes do not count. Accounts with nothing but a first state are left out.
    """
    rows = await conn.fetch(
        """
        select c.*, o.outcome, o.reason, o.decided_at, coalesce(o.readings, p.agreeing) as readings,
            coalesce(o.last_agreeing_at, p.last_agreeing_at) as last_agreeing_at,
            c.change_id = last.change_id as is_last, c.change_id = held.change_id as is_held
        from account a
        cross join lateral (
            select (array_agg(change_id))[1] as change_id, count(*) as found from (
                select c.change_id from standing_change c left join change_outcome o using (change_id)
                where c.account_id = a.account_id and c.source = a.platform
                    and coalesce(o.reason, '') not in ('corrected', 'set_aside')
                order by c.first_seen_new desc, c.change_id desc limit 2
            ) newest
        ) last
        left join lateral own_state(a.account_id) held on true
        join change c on c.change_id in (last.change_id, held.change_id)
        left join change_outcome o on o.change_id = c.change_id
        left join pending_change p on p.change_id = c.change_id
        where a.platform = $1 and a.account_id = any($2::bigint[])
            and (last.found = 2 or last.change_id is distinct from held.change_id)
        """,
        platform.value,
        ids,
    )
    held = {r["account_id"]: _own_change(r) for r in rows if r["is_held"]}
    last = {r["account_id"]: _own_change(r) for r in rows if r["is_last"]}
    return {AccountId(i): (change, held.get(i)) for i, change in last.items()}


async def let_go_times(conn: Conn, ids: Sequence[AccountId]) -> dict[AccountId, list[datetime]]:
    """Return, by account, the times at which the account left the watch or came back.

    If a change was provisional at one of these times, it ended then. A change can be provisional even when
    the account comes back: an answer that arrived after the account left the watch may have begun it.
    """
    rows = await conn.fetch(
        """
        select account_id, until as at from watch_period
        where account_id = any($1::bigint[]) and until is not null
        union
        select account_id, since from watch_period later
        where account_id = any($1::bigint[]) and exists (
            select from watch_period w
            where w.account_id = later.account_id and w.watch_period_id < later.watch_period_id
        )
        """,
        ids,
    )
    out: defaultdict[AccountId, list[datetime]] = defaultdict(list)
    for r in rows:
        out[AccountId(r["account_id"])].append(r["at"])
    return out


async def _begin(
    conn: Conn,
    account_id: AccountId,
    own: Sequence[OwnChange],
    scopes: CountryScopes,
    rule: SettlingRule,
    until: datetime,
    but: Batch | None = None,
) -> tuple[Known | None, list[TimedReading]]:
    """Return the `starting_point` before `until`, and the stored readings after it. If there is no starting
    point, return None and all stored readings.

    If a reading after the starting point was requested before the starting point, an earlier starting point
    is used.
    """
    while True:
        begin = await starting_point(conn, until, account_id, own, scopes, rule)
        at = None if begin is None else begin.last_read_at
        readings = await _readings(conn, account_id, own, at, scopes, but)
        first = min((r.asked_at for r in readings), default=at)
        if at is None or first is None or first >= at:
            return begin, readings
        until = first + timedelta.resolution


async def starting_point(
    conn: Conn,
    before: datetime,
    account_id: AccountId,
    own: Sequence[OwnChange],
    scopes: CountryScopes,
    rule: SettlingRule,
) -> Known | None:
    """Return the point from which detection can begin: what was known at the latest suitable reading earlier
    than `before`.

    A reading is suitable if it agrees with the known state, at a time when nothing was provisional or
    unsettled (see `storage.model.core.known_state.Unsettled`).

    Return None if there is no such reading. Also return None if the last reading at which the account existed
    did not report all countries. If the result is None, detection must begin at the first reading.
    """
    there = times_there(looks_of(own)) if scopes.countries else []
    gone: Known | None = None
    while True:
        await with_archived(conn, before, before, [account_id])
        row = await conn.fetchrow(
            """
            select c.observed_at, c.silent,
                c.observed_at - c.latency_ms * interval '1 millisecond' as asked_at
            from roster r
            cross join lateral (
                select observed_at, latency_ms, silent from coverage c
                where c.roster_id = r.roster_id and c.observed_at < $2 and c.outcome = 0
                    and answered_at(c.answered, array_position(r.account_ids, $1::int))
                order by c.observed_at desc, c.latency_ms desc limit 1
            ) c
            where r.account_ids @> array[$1::int] and r.vantage = ''
            order by c.observed_at desc, asked_at limit 1
            """,
            account_id,
            before,
        )
        if row is None:
            return gone
        at, asked_at = row["observed_at"], row["asked_at"]
        shown, last, held = shown_at(own, at), last_before(own, at), held_at(own, at)
        teller = shown or held
        is_there = not scopes.countries or teller is None or teller.new.status in BY_COUNTRY
        if last is None or (is_there and (row["silent"] or scopes.lacking(at))):
            return None
        if is_there and gone is not None:
            return replace(gone, heard=dict.fromkeys(scopes.countries, asked_at))
        if gone is None:
            if shown or held is None:
                before = (shown or last).first_seen_new
                continue
            is_settled = surely_settled(own, asked_at, at, rule)
            if not is_settled and not await _is_settled(conn, account_id, last, held, at, scopes, rule):
                before = last.first_seen_new
                continue
            if is_there:
                return Known(held.new, at, asked_at)
            gone = Known(held.new, at, asked_at, heard=dict.fromkeys(scopes.countries))
        ends = [until for _, until in there if until is not None and until <= at]
        if not ends:
            return gone
        before = ends[-1]


async def _is_settled(
    conn: Conn,
    account_id: AccountId,
    last: OwnChange,
    held: OwnChange,
    at: datetime,
    scopes: CountryScopes,
    rule: SettlingRule,
) -> bool:
    """Return whether the account was settled at the time `at`. `rule` says how many readings of the known
    state this takes.
    """
    first, agreeing = None, 1
    after = last.last_agreeing_at if last != held else last.first_seen_new - timedelta.resolution
    while rows := await _looks(conn, account_id, after, at):
        for row in rows:
            after = row["observed_at"]
            if row["silent"] or scopes.lacking(after):
                continue
            if first is None:
                first = after
                continue
            agreeing += row["asked_at"] >= first and rule.counts(agreeing, first, after)
            if rule.settles(held.strength, agreeing, after - first):
                return True
    return False


async def _looks(conn: Conn, account_id: AccountId, after: datetime, until: datetime) -> list[Record]:
    """Return up to 100 readings after `after` and up to `until`, oldest first. Of several readings at one
    time, only the one that was requested first is returned.
    """
    await with_archived(conn, after, until, [account_id])
    return await conn.fetch(
        """
        select distinct on (c.observed_at) c.observed_at, c.silent,
            c.observed_at - c.latency_ms * interval '1 millisecond' as asked_at
        from roster r join coverage c using (roster_id)
        where r.account_ids @> array[$1::int] and r.vantage = '' and c.outcome = 0
            and c.observed_at > $2 and c.observed_at <= $3
            and answered_at(c.answered, array_position(r.account_ids, $1::int))
        order by c.observed_at, asked_at limit 100
        """,
        account_id,
        after,
        until,
    )


async def _readings(
    conn: Conn,
    account_id: AccountId,
    own: Sequence[OwnChange],
    after: datetime | None,
    scopes: CountryScopes,
    but: Batch | None = None,
) -> list[TimedReading]:
    """Return the stored readings after the time `after`. Readings of the batch `but` and of imported records
    are left out.

    The state of each reading is taken from the account's changes. Strength and side facts are also taken from
    the changes, which store them for the first reading of a state only.
    """
    first = min((c.first_seen_new for c in own), default=None)
    if first is None:
        return []
    await with_archived(conn, first if after is None else max(first, after), None, [account_id])
    rows = await conn.fetch(
        """
        select c.observed_at, c.observed_at - c.latency_ms * interval '1 millisecond' as asked_at, c.silent
        from roster r join coverage c using (roster_id)
        where r.account_ids @> array[$1::int] and r.vantage = '' and c.outcome = 0
            and c.observed_at > coalesce($2::timestamptz, '-infinity') and c.observed_at >= $3
            and answered_at(c.answered, array_position(r.account_ids, $1::int))
            and (c.roster_id, c.slot, c.attempt) is distinct from ($4::int, $5::timestamptz, $6::smallint)
        order by c.observed_at, asked_at
        """,
        account_id,
        after,
        first,
        but and but.roster_id,
        but and but.slot,
        but and but.attempt,
    )
    out: list[TimedReading] = []
    for r in rows:
        at = r["observed_at"]
        teller = shown_at(own, at) or held_at(own, at)
        if teller is None:
            continue
        silent = frozenset(r["silent"] or ()) | scopes.unspoken(at, teller.new.status)
        reading = Reading("", at, teller.new, teller.strength, flags=teller.flags, silent_on=silent)
        out.append(TimedReading(reading, r["asked_at"]))
    return out


async def _confirmed_on(
    conn: Conn,
    platforms: Collection[Platform],
    lists: Collection[ListId],
    told_anew: Sequence[int],
    since: datetime,
) -> dict[ListId, list[datetime]]:
    rows = await conn.fetch(
        """
        select m.list_id, o.last_agreeing_at
        from membership m
        join account a using (account_id)
        join standing_change c on c.account_id = a.account_id and c.source = a.platform
        join change_outcome o using (change_id)
        where m.added_at <= o.last_agreeing_at and coalesce(m.removed_at, 'infinity') > o.last_agreeing_at
            and m.list_id = any($1::bigint[]) and c.change_id <> all($2::bigint[]) and c.kind <> 'baseline'
            and o.outcome = 'confirmed' and o.last_agreeing_at >= $3 and a.platform = any($4::text[])
        """,
        list(lists),
        told_anew,
        since,
        [p.value for p in platforms],
    )
    out: defaultdict[ListId, list[datetime]] = defaultdict(list)
    for r in rows:
        out[ListId(r["list_id"])].append(r["last_agreeing_at"])
    return out
