"""Read models of the live page: everything in one snapshot. What is new since is in `storage.live.updates`.

Every function runs on the caller's connection and returns typed rows; times are aware datetimes in UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from asyncpg import Record

from storage.alerts.mails_report import MailNote, mail_notes
from storage.live.lists_and_executives import LiveExecutive, LiveList, LiveSignal, executives, lists, signals
from storage.live.quiet_accounts import QuietGroup, are_grouped, changed_in, quiet_groups
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import ChangeKind, Flag, State, Status, Strength
from storage.model.core.coverage_gaps import Seen
from storage.model.core.orders import Order, OrderEvent
from storage.orders.orders import order_events, orders
from storage.postgres.pool import Conn
from storage.postgres.typed_rows import typed_rows
from storage.readings.coverage_report import CoverageReport, grouped_coverage, watched_coverage


@dataclass(frozen=True, slots=True)
class LiveAccount:
    account_id: int
    platform: str
    handle: str
    list_ids: tuple[int, ...]
    is_post: bool = False


@dataclass(frozen=True, slots=True)
class LiveSpell:
    """A confirmed period, as it is known."""

    account_id: int
    state: State
    onset_after: datetime | None
    """The last reading that contradicts it: the onset lies between this and `since`."""
    since: datetime
    until: datetime | None
    flags: frozenset[Flag] = frozenset()
    """Side facts of the reading that showed it first: they say, for one, who suspended an account."""


@dataclass(frozen=True, slots=True)
class LiveChange:
    """A change, confirmed or not, with what came of it. A correction is a change that supersedes another."""

    change_id: int
    account_id: int
    kind: ChangeKind
    old: State | None
    new: State
    strength: Strength
    last_seen_old: datetime | None
    first_seen_new: datetime
    recorded_at: datetime
    outcome: str | None
    """None while provisional."""
    reason: str | None
    decided_at: datetime | None
    last_agreeing_at: datetime | None
    """The last reading that agreed with it; None while provisional."""
    readings: int
    """How many readings agreed with it."""
    mail_id: int | None
    platform: Platform
    flags: frozenset[Flag] = frozenset()
    """Side facts of the reading that showed the new state first."""
    supersedes: int | None = None
    """The change that it corrects."""
    superseded_at: datetime | None = None
    """When a correction of it was recorded: since then it is no longer told. None: it stands."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that the live page needs for its first paint."""

    live_event_id: int
    earliest: datetime | None
    """The first reading of any watched account: where "all" begins."""
    lists: tuple[LiveList, ...]
    accounts: tuple[LiveAccount, ...]
    """The watched accounts; with `quiet`, those that are not in it."""
    spells: tuple[LiveSpell, ...]
    changes: tuple[LiveChange, ...]
    coverage: CoverageReport
    """Of `accounts`."""
    seen: dict[int, Seen]
    orders: tuple[Order, ...]
    events: tuple[OrderEvent, ...]
    executives: tuple[LiveExecutive, ...]
    signals: tuple[LiveSignal, ...]
    mails: tuple[MailNote, ...]
    quiet: tuple[QuietGroup, ...] | None = None
    """The accounts without a change in this time, as groups; None: all accounts are in `accounts`."""


async def snapshot(
    conn: Conn,
    since: datetime | None,
    now: datetime,
    gap_after: timedelta,
    most_accounts: int | None = None,
) -> Snapshot:
    """The live page from `since` (None: from the first reading) to `now`. If more than `most_accounts` are
    watched (None: no limit), those without a change in this time come as groups.

    Run it in a repeatable-read transaction, or accept that a row may be newer than `live_event_id`: the
    deltas that follow are idempotent, so that this does no harm.
    """
    event_id = await last_event_id(conn)
    earliest = await conn.fetchval(
        """
        select min(c.first_seen_new) from standing_change c
        where exists (select from account a where a.account_id = c.account_id and a.watched)
        """
    )
    start = since or earliest or now
    shown = await changes(conn, start, ())
    quiet, among = None, None
    if most_accounts is not None and await are_grouped(conn, most_accounts):
        changed = await changed_in(conn, start) | {c.account_id for c in shown}
        grouped = await grouped_coverage(conn, start, now, gap_after, changed)
        quiet = await quiet_groups(conn, start, changed, grouped.shared, gap_after)
        coverage, among = grouped.of_some, sorted(changed)
    else:
        coverage = await watched_coverage(conn, start, now, gap_after)
    return Snapshot(
        live_event_id=event_id,
        earliest=earliest,
        lists=await lists(conn),
        accounts=await accounts(conn, among),
        spells=await spells(conn, start, among),
        changes=shown,
        coverage=coverage,
        seen=coverage.seen,
        orders=await orders(conn, known_at=now),
        events=await order_events(conn, known_at=now),
        executives=await executives(conn),
        signals=await signals(conn, start, ()),
        mails=await mail_notes(conn, start, ()),
        quiet=quiet,
    )


async def last_event_id(conn: Conn) -> int:
    """The newest live event, 0 when there was none yet."""
    return await conn.fetchval("select coalesce(max(live_event_id), 0) from live_event")


async def accounts(conn: Conn, account_ids: Sequence[int] | None = None) -> tuple[LiveAccount, ...]:
    """The watched accounts, on a list or not, without the monitor's own control accounts, oldest first; or
    those of `account_ids` among them.
    """
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.handle, coalesce(m.list_ids, '{}') as list_ids, a.is_post
        from ordinary_accounts() a
        left join (
            select account_id, array_agg(list_id order by list_id) as list_ids
            from watch_list_member where $1::bigint[] is null or account_id = any($1) group by account_id
        ) m using (account_id)
        where a.watched and ($1::bigint[] is null or a.account_id = any($1))
        order by a.account_id
        """,
        account_ids,
    )
    return await typed_rows(rows, live_account)


def live_account(r: Record) -> LiveAccount:
    """A watched account or post with its lists, as a row has it."""
    return LiveAccount(r["account_id"], r["platform"], r["handle"], tuple(r["list_ids"]), r["is_post"])


async def spells(
    conn: Conn, since: datetime | None, account_ids: Sequence[int] | None, known_at: datetime | None = None
) -> tuple[LiveSpell, ...]:
    """Spells that reach beyond `since` (None: all), of `account_ids` (None: all that were watched then).

    As they were known at `known_at`, what was recorded at that very moment included; None: as known now.
    """
    rows = await conn.fetch(
        """
        select s.account_id, s.status, s.withheld_in, s.onset_after, lower(s.valid) as since,
            upper(s.valid) as until, f.flags
        from spells_known($3) s join account a using (account_id) join change c on c.change_id = s.change_id
        cross join lateral scoped_flags(
            s.account_id, s.status, case when s.before_change then '{}' else c.flags end, lower(s.valid),
            upper(s.valid), $3
        ) f
        where ($1::timestamptz is null or s.valid && tstzrange($1, null))
            and (
                s.account_id = any($2::bigint[])
                or $2 is null and case when $3 is null then a.watched else exists (
                    select from watch_period w where w.account_id = a.account_id
                        and w.since <= $3 and (w.until is null or w.until > $3)
                ) end
            )
        order by s.account_id, lower(s.valid)
        """,
        since,
        account_ids,
        known_at,
    )
    return await typed_rows(rows, _live_spell)


def _live_spell(r: Record) -> LiveSpell:
    return LiveSpell(
        account_id=r["account_id"],
        state=state(r["status"], tuple(r["withheld_in"])),
        onset_after=r["onset_after"],
        since=r["since"],
        until=r["until"],
        flags=flags_of(r["flags"]),
    )


async def changes(
    conn: Conn, since: datetime | None, change_ids: Sequence[int], known_at: datetime | None = None
) -> tuple[LiveChange, ...]:
    """Standing changes of watched accounts first seen since `since` or still provisional (None: neither),
    and those of `change_ids`, whoever's they are and whether they stand or are superseded.

    Confirmed baselines are left out by time: a first look is no news. All is told as it was known at
    `known_at`, what was recorded at that very moment included; None: as known now.
    """
    rows = await conn.fetch(
        """
        select c.change_id, c.account_id, c.kind, c.old_status, c.old_withheld_in, c.status, c.withheld_in,
            c.strength, c.last_seen_old, c.first_seen_new, c.recorded_at, o.outcome, o.reason, o.decided_at,
            o.last_agreeing_at,
            coalesce(o.readings, p.agreeing, step.agreeing, 1) as readings, told.mail_id, c.flags, w.platform,
            c.supersedes, later.superseded_at
        from change c
        join account w on w.account_id = c.account_id
        left join change_outcome o
            on o.change_id = c.change_id and ($3::timestamptz is null or o.decided_at <= $3)
        left join (
            select supersedes, min(recorded_at) as superseded_at from change
            where supersedes is not null and ($3 is null or recorded_at <= $3) group by supersedes
        ) later on later.supersedes = c.change_id
        left join lateral (
            select min(t.mail_id) as mail_id
            from alert a join mail_alert t using (alert_id) join mail m using (mail_id)
            where a.change_id = c.change_id and ($3 is null or m.created_at <= $3)
                -- Of what was merged into a later mail that one tells, once it was written.
                and not exists (
                    select from mail later
                    where later.mail_id = m.merged_into and ($3 is null or later.created_at <= $3)
                )
        ) told on true
        left join pending_change p on p.change_id = c.change_id and $3 is null
        left join lateral (
            select agreeing from pending_step s
            where o.change_id is null and s.change_id = c.change_id and ($3 is null or s.recorded_at <= $3)
            order by s.recorded_at desc limit 1
        ) step on true
        where ($3 is null or c.recorded_at <= $3)
            and (
                c.change_id = any($2::bigint[])
                or (
                    (
                        c.first_seen_new >= $1
                        or ($1 is not null and c.change_id = any(array(
                            select change_id from pending_change
                            union all select change_id from change_outcome where decided_at > $3
                            union all
                            select supersedes from change where supersedes is not null and recorded_at > $3
                        )))
                    )
                    and case when $3 is null then w.watched else exists (
                        select from watch_period p where p.account_id = w.account_id
                            and p.since <= $3 and (p.until is null or p.until > $3)
                    ) end
                )
            )
            and (
                c.change_id = any($2::bigint[])
                or (
                    later.superseded_at is null
                    and (c.first_seen_new >= $1 or o.change_id is null)
                    and (c.kind <> 'baseline' or o.outcome is distinct from 'confirmed')
                )
            )
        order by c.first_seen_new, c.change_id
        """,
        since,
        change_ids,
        known_at,
    )
    return await typed_rows(rows, live_change)


# Looking up a member is quicker than calling its class, and rows are hundreds of thousands.
_KINDS = {kind.value: kind for kind in ChangeKind}
_STRENGTHS = {strength.value: strength for strength in Strength}


def live_change(r: Record) -> LiveChange:
    """A change with its outcome, as a row has it."""
    return LiveChange(
        change_id=r["change_id"],
        account_id=r["account_id"],
        kind=_KINDS[r["kind"]],
        old=_old_state(r["old_status"], r["old_withheld_in"]),
        new=state(r["status"], tuple(r["withheld_in"])),
        strength=_STRENGTHS[r["strength"]],
        last_seen_old=r["last_seen_old"],
        first_seen_new=r["first_seen_new"],
        recorded_at=r["recorded_at"],
        outcome=r["outcome"],
        reason=r["reason"],
        decided_at=r["decided_at"],
        last_agreeing_at=r["last_agreeing_at"],
        readings=r["readings"],
        mail_id=r["mail_id"],
        platform=Platform(r["platform"]),
        flags=flags_of(r["flags"]),
        supersedes=r["supersedes"],
        superseded_at=r["superseded_at"],
    )


def _old_state(status: str | None, withheld_in: Sequence[str]) -> State | None:
    """The state before a change, as a row has it; None for the first of an account."""
    return None if status is None else state(status, tuple(withheld_in))


_NO_FLAGS: frozenset[Flag] = frozenset()


def flags_of(names: Sequence[str]) -> frozenset[Flag]:
    """Almost all rows have none, and share it."""
    return frozenset(map(Flag, names)) if names else _NO_FLAGS


@lru_cache(maxsize=1024)
def state(status: str, withheld_in: tuple[str, ...]) -> State:
    """Tens of thousands of rows share a few states, and each new one is checked."""
    return State(Status(status), withheld_in)


async def accounts_changed(conn: Conn, change_ids: Sequence[int]) -> list[AccountId]:
    """The accounts of these changes, each once, by number."""
    rows = await conn.fetch(
        "select distinct account_id from change where change_id = any($1) order by 1", change_ids
    )
    return [AccountId(r["account_id"]) for r in rows]
