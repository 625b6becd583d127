"""Recording answered requests: coverage, changes, spells and alerts in one transaction, or nothing."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.accounts import side_facts
from storage.accounts.accounts import record_renames
from storage.alerts import creation
from storage.changes import spells
from storage.model.core.accounts import Account, AccountId, HandleChange
from storage.model.core.availability import Flag, State, change_key, kind_of
from storage.model.core.coverage import Batch
from storage.model.core.known_state import Closed, Known, Pending, ReadingEffect
from storage.model.core.side_facts import FactSighting
from storage.postgres.pool import Conn, StaleState
from storage.postgres.recording_order import moment
from storage.readings import coverage, evidence


@dataclass(frozen=True, slots=True)
class AccountStep:
    """The effect of one reading on one account.

    `old_evidence` and `new_evidence` are the parts of the raw answers that show the old and the new state.
    None means that this evidence is not stored.
    """

    account: Account
    before: Known
    step: ReadingEffect
    old_evidence: bytes | None
    new_evidence: bytes | None


@dataclass(frozen=True, slots=True)
class Recording:
    """All results of one request."""

    batch: Batch
    steps: Sequence[AccountStep]
    """The effects to store. Accounts on which the request had no such effect are left out."""
    renames: Sequence[HandleChange]
    postponed: Sequence[tuple[Account, datetime]]
    """Accounts with a provisional change whose re-read gave no reading, each with the time of the next
    re-read.
    """
    sightings: Sequence[FactSighting] = ()
    """Side facts that the platform reported about the accounts in this answer."""


async def record_many(
    conn: Conn, recordings: Sequence[Recording], clock: Callable[[], datetime]
) -> list[bool]:
    """Store the results of requests in the caller's transaction. The caller must commit immediately
    afterwards.

    The results count as known from the time of `clock`. `clock` is read while no other process is recording.
    Return for each request whether it was stored; False means that this attempt was stored before.

    Raises `StaleState` if another writer changed one of the accounts first. The caller must then roll back.
    """
    await spells.lock(conn, [account_id for recording in recordings for account_id in _touched(recording)])
    now = await moment(conn, clock)
    stored = await coverage.insert_batches(conn, [(r.batch, now) for r in recordings])
    for recording, is_new in zip(recordings, stored, strict=True):
        if is_new:
            await _record_news(conn, recording, now)
    return stored


def _touched(recording: Recording) -> Iterator[AccountId]:
    yield from (s.account.account_id for s in recording.steps)
    yield from (rename.account_id for rename in recording.renames)


async def _record_news(conn: Conn, recording: Recording, now: datetime) -> None:
    """Store the results of a request, except its coverage."""
    steps = recording.steps
    if refuted := [(s, s.before.pending, s.step.refuted) for s in steps if s.step.refuted]:
        ended = await _close(conn, [(s, p, c) for s, p, c in refuted if p is not None], now)
        await creation.withdrawn(conn, ended, now)
    if opened := [(s, s.step.opened) for s in steps if s.step.opened]:
        await creation.provisional(conn, await _open(conn, opened, now), now)
    if advanced := [(s, s.before.pending, s.step.known.pending) for s in steps if s.step.advanced]:
        await _advance(conn, [(s, was, to) for s, was, to in advanced if was and to], now)
    if confirmed := [
        (s, s.step.opened or s.before.pending, s.step.confirmed) for s in steps if s.step.confirmed
    ]:
        change_ids = await _close(conn, [(s, p, c) for s, p, c in confirmed if p and c], now)
        await spells.append(conn, change_ids)
        await creation.confirmed(conn, change_ids, now)
    await record_beside(conn, recording, now)


async def record_beside(conn: Conn, recording: Recording, now: datetime) -> None:
    """Store the renames, postponed re-reads and side facts of a request, in the caller's transaction."""
    if recording.renames:
        await record_renames(conn, recording.renames, now)
    if recording.postponed:
        await _postpone(conn, recording.postponed)
    if recording.sightings:
        await side_facts.observe(conn, "", recording.sightings, now)


async def _open(conn: Conn, opened: Sequence[tuple[AccountStep, Pending]], now: datetime) -> list[int]:
    """Store new provisional changes and return their ids. Raises `StaleState` if another writer changed the
    state of one of the accounts first.
    """
    ids = [s.account.account_id for s, _ in opened]
    await conn.execute(
        "select from account where account_id = any($1::bigint[]) order by account_id for no key update", ids
    )
    old_flags = await _flags(conn, ids)
    old_hashes = await evidence.store(conn, [s.old_evidence for s, _ in opened])
    new_hashes = await evidence.store(conn, [s.new_evidence for s, _ in opened])
    made = await conn.fetch(
        """
        with made as (
            insert into change (
                change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
                last_seen_old, first_seen_new, recorded_at, source, old_evidence, new_evidence, flags
            )
            select change_key, u.account_id, old_status, string_to_array(old_withheld_in, ' '), u.status,
                string_to_array(u.withheld_in, ' '), kind, strength, last_seen_old, first_seen_new, $13,
                platform, coalesce(
                    u.old_evidence,
                    -- A refuted sighting also kept the answer that bounds this change.
                    (
                        select c.old_evidence from change c
                        where c.account_id = u.account_id and c.source = u.platform
                            and c.last_seen_old = u.last_seen_old and c.old_evidence is not null
                        order by c.change_id desc limit 1
                    )
                ),
                new_evidence, string_to_array(u.flags, ' ')
            from unnest(
                $1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                $8::text[], $9::timestamptz[], $10::timestamptz[], $11::text[], $12::bytea[], $14::bytea[],
                $17::text[]
            ) as u (
                change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
                last_seen_old, first_seen_new, platform, old_evidence, new_evidence, flags
            )
            left join lateral own_state(u.account_id) s on true
            where exists (select from account a where a.account_id = u.account_id and a.watched)
                and s.status is not distinct from u.old_status
                and coalesce(s.withheld_in, '{}') = string_to_array(u.old_withheld_in, ' ')
            returning change_id, account_id
        )
        insert into pending_change (account_id, change_id, agreeing, next_read_at, last_agreeing_at)
        select made.account_id, made.change_id, u.agreeing, u.next_read_at, u.last_agreeing_at
        from made join unnest($2::bigint[], $15::int[], $16::timestamptz[], $10::timestamptz[])
            as u (account_id, agreeing, next_read_at, last_agreeing_at) using (account_id)
        on conflict (account_id) do nothing
        returning change_id
        """,
        [change_key(s.account.platform, s.account.native_id, p.state, p.first_seen_new) for s, p in opened],
        ids,
        [s.before.state and s.before.state.status.value for s, _ in opened],
        [_countries(s.before.state) for s, _ in opened],
        [p.state.status.value for _, p in opened],
        [_countries(p.state) for _, p in opened],
        [
            kind_of(s.before.state, p.state, p.flags, old_flags.get(s.account.account_id, ())).value
            for s, p in opened
        ],
        [p.strength.value for _, p in opened],
        [p.last_seen_old for _, p in opened],
        [p.first_seen_new for _, p in opened],
        [s.account.platform.value for s, _ in opened],
        old_hashes,
        now,
        new_hashes,
        [p.agreeing for _, p in opened],
        [p.next_read_at for _, p in opened],
        [" ".join(sorted(p.flags)) for _, p in opened],
    )
    _all_or_stale(len(made), len(opened))
    return [r["change_id"] for r in made]


def _countries(state: State | None) -> str:
    return "" if state is None else " ".join(state.withheld_in)


async def _flags(conn: Conn, ids: Sequence[AccountId]) -> dict[AccountId, frozenset[Flag]]:
    """The flags of the confirmed state of each account."""
    rows = await conn.fetch(
        """
        select u.account_id, s.flags
        from unnest($1::bigint[]) as u (account_id) cross join lateral own_state(u.account_id) s
        """,
        ids,
    )
    return {AccountId(r["account_id"]): frozenset(Flag(f) for f in r["flags"]) for r in rows}


async def _advance(
    conn: Conn, advanced: Sequence[tuple[AccountStep, Pending, Pending]], now: datetime
) -> None:
    """Store the further agreeing readings of provisional changes, which count as known from `now`."""
    done = await conn.fetch(
        """
        with nearer as (
            update pending_change p
            set agreeing = u.agreeing, next_read_at = u.next_read_at, last_agreeing_at = u.last_agreeing_at
            from unnest($1::bigint[], $2::timestamptz[], $3::int[], $4::timestamptz[], $5::timestamptz[])
                as u (account_id, was_last_agreeing_at, agreeing, next_read_at, last_agreeing_at)
            where p.account_id = u.account_id and p.last_agreeing_at = u.was_last_agreeing_at
            returning p.change_id, p.agreeing, p.last_agreeing_at
        )
        insert into pending_step (change_id, recorded_at, agreeing, last_agreeing_at)
        select change_id, step_moment(change_id, $6), agreeing, last_agreeing_at from nearer
        returning change_id
        """,
        [s.account.account_id for s, _, _ in advanced],
        [was.last_agreeing_at for _, was, _ in advanced],
        [to.agreeing for _, _, to in advanced],
        [to.next_read_at for _, _, to in advanced],
        [to.last_agreeing_at for _, _, to in advanced],
        now,
    )
    _all_or_stale(len(done), len(advanced))


async def _close(
    conn: Conn, closed: Sequence[tuple[AccountStep, Pending, Closed]], now: datetime
) -> list[int]:
    """End provisional changes and return their ids. Raises `StaleState` if another writer changed one of them
    first.
    """
    ids = [s.account.account_id for s, _, _ in closed]
    moments = await spells.moments(conn, ids, now)
    rows = await conn.fetch(
        """
        with ended as (
            delete from pending_change p
            using unnest(
                $1::bigint[], $2::timestamptz[], $3::text[], $4::text[], $5::int[], $6::timestamptz[],
                $7::timestamptz[]
            ) as u (account_id, was_last_agreeing_at, outcome, reason, readings, last_agreeing_at, decided_at)
            where p.account_id = u.account_id and p.last_agreeing_at = u.was_last_agreeing_at
            returning p.change_id, u.outcome, u.reason, u.readings, u.last_agreeing_at, u.decided_at
        )
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select change_id, outcome, reason, decided_at, readings, last_agreeing_at from ended
        returning change_id
        """,
        ids,
        [was.last_agreeing_at for _, was, _ in closed],
        [c.outcome.value for _, _, c in closed],
        [c.reason.value for _, _, c in closed],
        [c.pending.agreeing for _, _, c in closed],
        [c.pending.last_agreeing_at for _, _, c in closed],
        [moments[i] for i in ids],
    )
    _all_or_stale(len(rows), len(closed))
    return [r["change_id"] for r in rows]


async def _postpone(conn: Conn, postponed: Sequence[tuple[Account, datetime]]) -> None:
    await conn.execute(
        """
        update pending_change p set next_read_at = greatest(p.next_read_at, u.next_read_at)
        from unnest($1::bigint[], $2::timestamptz[]) as u (account_id, next_read_at)
        where p.account_id = u.account_id
        """,
        [a.account_id for a, _ in postponed],
        [at for _, at in postponed],
    )


def _all_or_stale(done: int, wanted: int) -> None:
    if done != wanted:
        raise StaleState(f"Another transaction changed {wanted - done} of {wanted} accounts first.")
