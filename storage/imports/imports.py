"""Storing somebody else's published record: its accounts, changes, spells, spans and the proof of its looks.

An import mails nobody, so it makes no alerts, and it does not put its accounts on the watch. Rows travel by
COPY into tables of the transaction, and from there in one statement a table: thousands cost seconds.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from asyncpg import Record

from storage.accounts import canaries
from storage.changes import spells
from storage.model.bitemporal.imported_records import (
    Evidence,
    ImportedBatch,
    ImportedChange,
    ImportedHistory,
    ImportedSpan,
    StoredEvidence,
    StoredImportedChange,
)
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import State, Status, change_key, kind_of
from storage.model.core.coverage import BatchOutcome
from storage.model.platforms.registry import DECLARED
from storage.model.text.target_counts import TargetCount
from storage.postgres.pool import Conn
from storage.postgres.recording_order import moment
from storage.readings import evidence
from storage.readings.archived_rows import with_archived
from storage.readings.rosters import content_hash

_ROSTER_SIZE = 100


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What was new. All zero: the same record had been imported before, and nothing was stored."""

    accounts: int
    changes: int
    requests: int
    """Rows of coverage: how many rosters the looks of the record make."""
    corrected: int = 0
    """How many of the changes supersede what an earlier version of the record told."""
    posts: int = 0
    """How many of the new accounts are posts."""

    @property
    def targets(self) -> TargetCount:
        """The new accounts and posts."""
        return TargetCount(self.accounts - self.posts, self.posts)

    @property
    def is_repeat(self) -> bool:
        return not (self.accounts or self.changes or self.requests)


async def told_before(
    conn: Conn, name: str, platform: Platform, native_ids: Collection[str]
) -> dict[str, list[StoredImportedChange]]:
    """What the record called `name` told of these accounts before, but for looks known only by their days.

    Until the transaction ends nobody else imports it, and nobody writes changes of these accounts.
    """
    await conn.execute("select pg_advisory_xact_lock(hashtextextended('blockline import ' || $1, 0))", name)
    await _lock_accounts(conn, platform, native_ids)
    rows = await conn.fetch(
        """
        select a.native_id, c.change_id, c.old_status, c.old_withheld_in, c.status, c.withheld_in,
            c.last_seen_old, c.first_seen_new, o.readings, o.last_agreeing_at, c.old_evidence, c.new_evidence
        from standing_change c join change_outcome o using (change_id) join account a using (account_id)
        where c.source = 'import:' || $1 and o.outcome = 'confirmed'
            and a.platform = $2 and a.native_id = any($3::text[]) and 'day_only' <> all (c.flags)
        """,
        name,
        platform.value,
        list(native_ids),
    )
    out: dict[str, list[StoredImportedChange]] = {}
    for r in rows:
        out.setdefault(r["native_id"], []).append(_stored_change(r))
    return out


async def _lock_accounts(conn: Conn, platform: Platform, native_ids: Collection[str]) -> None:
    await conn.execute(
        """
        select from account where platform = $1 and native_id = any($2::text[])
        order by account_id for no key update
        """,
        platform.value,
        list(native_ids),
    )


def _stored_change(r: Record) -> StoredImportedChange:
    old = r["old_status"]
    return StoredImportedChange(
        change_id=r["change_id"],
        old=None if old is None else State(Status(old), tuple(r["old_withheld_in"])),
        new=State(Status(r["status"]), tuple(r["withheld_in"])),
        last_seen_old=r["last_seen_old"],
        first_seen_new=r["first_seen_new"],
        readings=r["readings"],
        last_agreeing_at=r["last_agreeing_at"],
        evidence=_kept(r["new_evidence"]),
        old_evidence=_kept(r["old_evidence"]),
    )


def _kept(sha256: bytes | None) -> StoredEvidence | None:
    return None if sha256 is None else StoredEvidence(sha256)


async def import_history(conn: Conn, history: ImportedHistory, now: datetime) -> ImportResult:
    """Store a record inside the caller's transaction; what is already there is left alone.

    Spells of accounts with news are told anew from all their confirmed changes, as known from `now` on or
    from what was recorded last.
    """
    await _lock_accounts(conn, history.platform, [a.native_id for a in history.accounts])
    at = await moment(conn, lambda: now)
    new, joined = await _add_accounts(conn, history, at)
    changed = await _add_changes(conn, history, at)
    if history.spans:
        await add_spans(conn, history, at)
    requests = await add_coverage(conn, history, at) if history.looks else 0
    if new or joined:
        # Last: whoever records a change holds its account first, and then waits for the lock of this.
        await conn.execute("select announce('account', null)")
    corrected = sum(c.supersedes is not None for c in history.changes)
    return ImportResult(new.total, len(changed), requests, corrected, new.posts)


async def _add_accounts(conn: Conn, history: ImportedHistory, now: datetime) -> tuple[TargetCount, int]:
    """How many accounts and posts are new, and how many are new on a list."""
    declared = DECLARED[history.platform]
    await conn.execute(
        """
        create temporary table brought_account (native_id text, handle text, is_post boolean)
            on commit drop;
        create temporary table brought_member (native_id text, list text) on commit drop;
        """
    )
    await conn.copy_records_to_table(
        "brought_account",
        records=((a.native_id, a.handle, declared.is_post(a.native_id)) for a in history.accounts),
    )
    whole = () if history.list_name is None else (history.list_name,)
    await conn.copy_records_to_table(
        "brought_member",
        records=((a.native_id, name) for a in history.accounts for name in dict.fromkeys((*whole, *a.lists))),
    )
    platform = history.platform.value
    new = await conn.fetch(
        """
        insert into account (platform, native_id, handle, is_post, watched, added_at)
        select $1, native_id, handle, is_post, false, $2 from brought_account order by native_id
        on conflict (platform, native_id) do nothing
        returning is_post
        """,
        platform,
        now,
    )
    await conn.execute(
        """
        insert into watch_list (name, created_at) select distinct list, $1::timestamptz from brought_member
        on conflict (name) do nothing
        """,
        now,
    )
    joined = await conn.fetch(
        """
        insert into membership (list_id, account_id, added_at)
        select l.list_id, a.account_id, greatest($2, (
            select max(removed_at) from membership e
            where e.list_id = l.list_id and e.account_id = a.account_id
        ))
        from brought_member m
        join watch_list l on l.name = m.list
        join account a on a.platform = $1 and a.native_id = m.native_id
        on conflict do nothing
        returning 1
        """,
        platform,
        now,
    )
    native_ids = [a.native_id for a in history.accounts]
    await canaries.release(conn, [platform] * len(native_ids), native_ids)
    await conn.execute("drop table brought_account, brought_member")
    posts = sum(r["is_post"] for r in new)
    return TargetCount(len(new) - posts, posts), len(joined)


async def _add_changes(conn: Conn, history: ImportedHistory, now: datetime) -> list[int]:
    """The accounts of the changes that were not there yet, one entry a change. Their spells are told anew."""
    await conn.execute(
        """
        create temporary table brought_change (
            change_key text, native_id text, old_status text, old_withheld_in text[], status text,
            withheld_in text[], kind text, strength text, last_seen_old timestamptz,
            first_seen_new timestamptz, readings int, last_agreeing_at timestamptz, old_evidence bytea,
            new_evidence bytea, supersedes bigint, flags text[]
        ) on commit drop
        """
    )
    proofs = await _add_evidence(conn, history.changes)
    await conn.copy_records_to_table(
        "brought_change",
        records=(
            _brought(history.platform, change, *proof)
            for change, proof in zip(history.changes, proofs, strict=True)
        ),
    )
    rows = await conn.fetch(
        """
        select account_id from account
        where platform = $1 and native_id in (select native_id from brought_change)
        """,
        history.platform.value,
    )
    moments = await spells.moments(conn, [r["account_id"] for r in rows], now)
    now = max(moments.values(), default=now)
    made = await conn.fetch(
        """
        insert into change (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, recorded_at, source, old_evidence, new_evidence, supersedes,
            flags
        )
        select b.change_key, a.account_id, b.old_status, b.old_withheld_in, b.status, b.withheld_in, b.kind,
            b.strength, b.last_seen_old, b.first_seen_new, $2, 'import:' || $3, b.old_evidence,
            b.new_evidence, b.supersedes, b.flags
        from brought_change b join account a on a.platform = $1 and a.native_id = b.native_id
        order by b.first_seen_new, a.account_id
        on conflict (change_key, source) where supersedes is null do nothing
        returning change_id, change_key, account_id
        """,
        history.platform.value,
        now,
        history.name,
    )
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select u.change_id, 'confirmed', 'imported', $3, b.readings, b.last_agreeing_at
        from unnest($1::bigint[], $2::text[]) as u (change_id, change_key)
        join brought_change b using (change_key)
        order by u.change_id
        """,
        [r["change_id"] for r in made],
        [r["change_key"] for r in made],
        now,
    )
    await conn.execute("drop table brought_change")
    changed = [r["account_id"] for r in made]
    await spells.project(conn, changed, now)
    return changed


async def _add_evidence(
    conn: Conn, changes: Sequence[ImportedChange]
) -> list[tuple[bytes | None, bytes | None]]:
    """The hashes of the old and the new evidence of each change."""
    both: list[Evidence] = [e for c in changes for e in (c.old_evidence, c.evidence)]
    stored = await evidence.store(conn, [e if isinstance(e, bytes) else None for e in both])
    hashes = [e.sha256 if isinstance(e, StoredEvidence) else h for e, h in zip(both, stored, strict=True)]
    return list(zip(hashes[::2], hashes[1::2], strict=True))


def _brought(
    platform: Platform, change: ImportedChange, old_evidence: bytes | None, new_evidence: bytes | None
) -> tuple[object, ...]:
    old, new = change.old, change.new
    return (
        change_key(platform, change.native_id, new, change.first_seen_new),
        change.native_id,
        old and old.status.value,
        list(old.withheld_in) if old else [],
        new.status.value,
        list(new.withheld_in),
        kind_of(old, new).value,
        change.strength.value,
        change.last_seen_old,
        change.first_seen_new,
        change.readings,
        change.last_agreeing_at,
        old_evidence,
        new_evidence,
        change.supersedes,
        sorted(change.flags),
    )


@dataclass(frozen=True, slots=True)
class _Request:
    """One row of coverage to be: a roster that answered, or missed, as a whole."""

    account_ids: tuple[AccountId, ...]
    look: ImportedBatch
    outcome: BatchOutcome
    missed_reason: str | None


def _requests(look: ImportedBatch, ids: dict[str, AccountId]) -> list[_Request]:
    """The accounts of a look by what became of them, a hundred at a time."""
    groups: dict[str | None, list[AccountId]] = {None: [ids[n] for n in look.answered]}
    for missed in look.missed:
        groups.setdefault(missed.reason.value, []).append(ids[missed.native_id])
    return [
        _Request(
            tuple(group[start : start + _ROSTER_SIZE]),
            look,
            BatchOutcome.ANSWERED if reason is None else BatchOutcome.MISSED,
            reason,
        )
        for reason, group in groups.items()
        for start in range(0, len(group), _ROSTER_SIZE)
    ]


async def add_coverage(conn: Conn, history: ImportedHistory, now: datetime) -> int:
    """Store the looks of a record whose accounts are on file. Returns how many rows were new."""
    ids = await _account_ids(conn, history)
    requests = [request for look in history.looks for request in _requests(look, ids)]
    hashes = [content_hash(r.account_ids, (), base=False) for r in requests]
    await conn.execute(
        "select ensure_coverage_month(m) from unnest($1::date[]) as u (m)",
        sorted({r.look.since.date().replace(day=1) for r in requests}),
    )
    await conn.execute(
        """
        insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
        select $1, content_hash, string_to_array(account_ids, ',')::int[], '{}', false, $4
        from unnest($2::bytea[], $3::text[]) as u (content_hash, account_ids)
        on conflict (content_hash) do nothing
        """,
        history.platform.value,
        hashes,
        [",".join(map(str, r.account_ids)) for r in requests],
        now,
    )
    slots = [r.look.since for r in requests]
    if slots:
        await with_archived(conn, min(slots), max(slots), list(ids.values()), planned=True)
    stored = await conn.fetch(
        """
        insert into coverage_row
            (roster_id, slot, attempt, observed_at, outcome, latency_ms, recorded_at, lacked)
        select roster_id, slot, attempt, observed_at, outcome, latency_ms, $8,
            shortfall(missed_reason, null, null, null)
        from unnest(
            $1::bytea[], $2::timestamptz[], $3::smallint[], $4::timestamptz[], $5::smallint[], $6::text[],
            $7::int[]
        ) as u (content_hash, slot, attempt, observed_at, outcome, missed_reason, latency_ms)
        join roster using (content_hash)
        -- It may be in an archived month.
        where not exists (
            select from coverage c
            where c.slot = u.slot and c.roster_id = roster.roster_id and c.attempt = u.attempt
        )
        on conflict (slot, roster_id, attempt) do nothing
        returning roster_id
        """,
        hashes,
        slots,
        [r.look.number for r in requests],
        [r.look.at for r in requests],
        [r.outcome for r in requests],
        [r.missed_reason for r in requests],
        [(r.look.at - r.look.since) // timedelta(milliseconds=1) for r in requests],
        now,
    )
    return len(stored)


async def _account_ids(conn: Conn, history: ImportedHistory) -> dict[str, AccountId]:
    rows = await conn.fetch(
        "select native_id, account_id from account where platform = $1 and native_id = any($2::text[])",
        history.platform.value,
        [a.native_id for a in history.accounts],
    )
    return {r["native_id"]: AccountId(r["account_id"]) for r in rows}


async def add_spans(conn: Conn, history: ImportedHistory, now: datetime) -> None:
    """Store the spans of a record whose accounts are on file; what is already there is left alone."""
    await conn.execute(
        """
        insert into imported_span (account_id, source, status, withheld_in, seen_from, seen_to, recorded_at)
        select a.account_id, 'import:' || $2, u.status, string_to_array(u.withheld_in, ' '), u.seen_from,
            u.seen_to, $8
        from unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
            as u (native_id, status, withheld_in, seen_from, seen_to)
        join account a on a.platform = $1 and a.native_id = u.native_id
        on conflict do nothing
        """,
        history.platform.value,
        history.name,
        [span.native_id for span in history.spans],
        [span.state.status.value for span in history.spans],
        [" ".join(span.state.withheld_in) for span in history.spans],
        [span.since for span in history.spans],
        [span.until for span in history.spans],
        now,
    )


async def spans_told(
    conn: Conn, name: str, platform: Platform, native_ids: Collection[str]
) -> dict[str, list[ImportedSpan]]:
    """The spans that the record called `name` told of these accounts before."""
    rows = await conn.fetch(
        """
        select a.native_id, s.status, s.withheld_in, s.seen_from, s.seen_to
        from imported_span s join account a using (account_id)
        where s.source = 'import:' || $1 and a.platform = $2 and a.native_id = any($3::text[])
        order by s.account_id, s.seen_from, s.seen_to
        """,
        name,
        platform.value,
        list(native_ids),
    )
    out: dict[str, list[ImportedSpan]] = {}
    for r in rows:
        state = State(Status(r["status"]), tuple(r["withheld_in"]))
        span = ImportedSpan(r["native_id"], state, r["seen_from"], r["seen_to"])
        out.setdefault(span.native_id, []).append(span)
    return out
