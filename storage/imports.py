"""Storing somebody else's published record: its accounts, changes, spells and the proof of its looks.

An import mails nobody, so it makes no alerts, and it does not put its accounts on the watch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage import canaries, evidence
from storage.db import Conn
from storage.model.accounts import AccountId
from storage.model.availability import State, kind_of
from storage.model.changes import change_key
from storage.model.coverage import BatchOutcome
from storage.model.imports import ImportedHistory, Look
from storage.rosters import content_hash

_ROSTER_SIZE = 100


@dataclass(frozen=True, slots=True)
class Imported:
    """What was new. All zero: the same record had been imported before, and nothing was stored."""

    accounts: int
    changes: int
    requests: int
    """Rows of coverage: how many rosters the looks of the record make."""

    @property
    def is_repeat(self) -> bool:
        return not (self.accounts or self.changes or self.requests)


async def import_history(conn: Conn, history: ImportedHistory, now: datetime) -> Imported:
    """Store a record inside the caller's transaction; what is already there is left alone.

    Spells of accounts with news are told anew from all their confirmed changes, as known from `now` on.
    """
    accounts = await _add_accounts(conn, history, now)
    ids = await _account_ids(conn, history)
    changed = await _add_changes(conn, history, ids, now)
    await _project(conn, changed, now)
    requests = await _add_coverage(conn, history, ids, now)
    return Imported(accounts, len(changed), requests)


async def _add_accounts(conn: Conn, history: ImportedHistory, now: datetime) -> int:
    native_ids = [a.native_id for a in history.accounts]
    new = await conn.fetch(
        """
        insert into account (platform, native_id, handle, watched, added_at)
        select $1, native_id, handle, false, $4 from unnest($2::text[], $3::text[]) as u (native_id, handle)
        on conflict (platform, native_id) do nothing
        returning account_id
        """,
        history.platform.value,
        native_ids,
        [a.handle for a in history.accounts],
        now,
    )
    joined = await conn.fetch(
        """
        with made as (
            insert into watch_list (name, created_at) values ($3, $4)
            on conflict (name) do update set name = excluded.name returning list_id
        )
        insert into watch_list_member (list_id, account_id, added_at)
        select made.list_id, a.account_id, $4 from made, account a
        where a.platform = $1 and a.native_id = any($2::text[])
        on conflict do nothing
        returning account_id
        """,
        history.platform.value,
        native_ids,
        history.list_name,
        now,
    )
    await canaries.release(conn, [history.platform.value] * len(native_ids), native_ids)
    if new or joined:
        await conn.execute("select announce('account', null)")
    return len(new)


async def _account_ids(conn: Conn, history: ImportedHistory) -> dict[str, AccountId]:
    rows = await conn.fetch(
        "select native_id, account_id from account where platform = $1 and native_id = any($2::text[])",
        history.platform.value,
        [a.native_id for a in history.accounts],
    )
    return {r["native_id"]: AccountId(r["account_id"]) for r in rows}


async def _add_changes(
    conn: Conn, history: ImportedHistory, ids: dict[str, AccountId], now: datetime
) -> list[int]:
    """The accounts of the changes that were not there yet, one entry a change."""
    changes = sorted(history.changes, key=lambda c: (c.first_seen_new, ids[c.native_id]))
    keys = [change_key(history.platform, c.native_id, c.new, c.first_seen_new) for c in changes]
    hashes = await evidence.store(conn, [c.evidence for c in changes])
    made = await conn.fetch(
        """
        insert into change (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, recorded_at, source, old_evidence, new_evidence
        )
        select change_key, account_id, old_status, string_to_array(old_withheld_in, ' '), status,
            string_to_array(withheld_in, ' '), kind, strength, last_seen_old, first_seen_new, $12, $13,
            case when old_status is not null then evidence end, evidence
        from unnest(
            $1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
            $9::timestamptz[], $10::timestamptz[], $11::bytea[]
        ) as u (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, evidence
        )
        on conflict (change_key) where supersedes is null do nothing
        returning change_key, change_id, account_id
        """,
        keys,
        [ids[c.native_id] for c in changes],
        [c.old and c.old.status.value for c in changes],
        [_countries(c.old) for c in changes],
        [c.new.status.value for c in changes],
        [_countries(c.new) for c in changes],
        [kind_of(c.old, c.new).value for c in changes],
        [c.strength.value for c in changes],
        [c.last_seen_old for c in changes],
        [c.first_seen_new for c in changes],
        hashes,
        now,
        f"import:{history.name}",
    )
    by_key = dict(zip(keys, changes, strict=True))
    new = [by_key[r["change_key"]] for r in made]
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select change_id, 'confirmed', 'imported', $4, readings, last_agreeing_at
        from unnest($1::bigint[], $2::int[], $3::timestamptz[]) as u (change_id, readings, last_agreeing_at)
        """,
        [r["change_id"] for r in made],
        [c.readings for c in new],
        [c.last_agreeing_at for c in new],
        now,
    )
    return [r["account_id"] for r in made]


def _countries(state: State | None) -> str:
    return "" if state is None else " ".join(state.withheld_in)


async def _project(conn: Conn, account_ids: Sequence[int], now: datetime) -> None:
    """Close what was believed of these accounts, and tell their spells anew from all confirmed changes."""
    await conn.execute(
        """
        update spell set recorded = tstzrange(lower(recorded), $2)
        where account_id = any($1::bigint[]) and upper_inf(recorded)
        """,
        account_ids,
        now,
    )
    await conn.execute(
        """
        insert into spell (account_id, change_id, status, withheld_in, onset_after, valid, recorded)
        select account_id, change_id, status, withheld_in, last_seen_old,
            tstzrange(first_seen_new, lead(first_seen_new) over later), tstzrange($2, null)
        from (
            select distinct on (account_id, first_seen_new) c.*
            from change c join change_outcome o using (change_id)
            where c.account_id = any($1::bigint[]) and o.outcome = 'confirmed'
            order by account_id, first_seen_new, change_id desc
        ) confirmed
        window later as (partition by account_id order by first_seen_new)
        """,
        account_ids,
        now,
    )


@dataclass(frozen=True, slots=True)
class _Request:
    """One row of coverage to be: a roster that answered, or missed, as a whole."""

    account_ids: tuple[AccountId, ...]
    look: Look
    outcome: BatchOutcome
    missed_reason: str | None


def _requests(look: Look, ids: dict[str, AccountId]) -> list[_Request]:
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


async def _add_coverage(
    conn: Conn, history: ImportedHistory, ids: dict[str, AccountId], now: datetime
) -> int:
    requests = [request for look in history.looks for request in _requests(look, ids)]
    hashes = [content_hash(r.account_ids, (), base=False) for r in requests]
    await conn.execute(
        "select ensure_coverage_month(m) from unnest($1::date[]) as u (m)",
        sorted({r.look.since.date().replace(day=1) for r in requests}),
    )
    await conn.execute(
        """
        insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
        select $1, content_hash, string_to_array(account_ids, ',')::bigint[], '{}', false, $4
        from unnest($2::bytea[], $3::text[]) as u (content_hash, account_ids)
        on conflict (content_hash) do nothing
        """,
        history.platform.value,
        hashes,
        [",".join(map(str, r.account_ids)) for r in requests],
        now,
    )
    stored = await conn.fetch(
        """
        insert into coverage
            (roster_id, slot, attempt, observed_at, outcome, missed_reason, latency_ms, recorded_at)
        select roster_id, slot, attempt, observed_at, outcome, missed_reason, latency_ms, $8
        from unnest(
            $1::bytea[], $2::timestamptz[], $3::smallint[], $4::timestamptz[], $5::smallint[], $6::text[],
            $7::int[]
        ) as u (content_hash, slot, attempt, observed_at, outcome, missed_reason, latency_ms)
        join roster using (content_hash)
        on conflict (slot, roster_id, attempt) do nothing
        returning roster_id
        """,
        hashes,
        [r.look.since for r in requests],
        [r.look.number for r in requests],
        [r.look.at for r in requests],
        [r.outcome for r in requests],
        [r.missed_reason for r in requests],
        [(r.look.at - r.look.since) // timedelta(milliseconds=1) for r in requests],
        now,
    )
    return len(stored)
