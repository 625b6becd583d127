"""Gathering the contents of an evidence pack: everything about one change, and nothing about
other accounts.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final

from asyncpg import Record

from storage.changes.hash_chain import cause_in, statement_in
from storage.model.core.coverage import BatchOutcome
from storage.model.evidence.hash_chain import BEGINNING, ChangeStatement, OutcomeStatement
from storage.model.evidence.packs import (
    Attested,
    DayHead,
    Material,
    PackCoverage,
    PackRequest,
    PackRequestRole,
    Raw,
    Segment,
    Stamped,
)
from storage.postgres.installation import is_synthetic
from storage.postgres.pool import Conn, Refused
from storage.readings import evidence
from storage.readings.archived_rows import with_archived

_MILLISECOND: Final = timedelta(milliseconds=1)
NEAR: Final = 100_000
"""The largest distance, in entries, between two stretches of the hash chain that are merged."""
LONGEST: Final = 1_000_000
"""The largest distance, in entries, from a statement to an anchor that is included."""
LINKS: Final = 1_000
"""The largest distance of both kinds for entries that were added after the first checkpoint of the log: its
proofs lead to a checkpoint without the entries between.
"""


def change_number(name: str) -> int | None:
    """Return `name` as a change number. None if `name` is not a number, or is too long for one."""
    return int(name) if name.isdecimal() and len(name) < 19 else None


async def changes_named(conn: Conn, name: str) -> list[int]:
    """Return the ids of the changes that `name` identifies; empty if there are none. At most 20 ids are
    returned.

    `name` is a change number, a change key or the beginning of a key. Text that can be a number is always
    read as a change number. A key finds only rows that were not superseded.
    """
    if (number := change_number(name)) is not None:
        rows = await conn.fetch("select change_id from change where change_id = $1", number)
        return [r["change_id"] for r in rows]
    if not name:
        return []
    rows = await conn.fetch(
        """
        select c.change_id from standing_change c
        where c.change_key >= $1 and c.change_key < $1 || 'g' order by c.change_id limit 20
        """,
        name.lower(),
    )
    return [r["change_id"] for r in rows]


async def purged_at(conn: Conn, change_id: int) -> datetime | None:
    """Return when a purge removed this change; None if no purge removed it."""
    return await conn.fetchval(
        "select p.at from purged_change c join purge_log p using (purge_id) where c.change_id = $1", change_id
    )


async def material(conn: Conn, change_id: int) -> Material:
    """Return everything about one change, read in the caller's transaction.

    Raises Refused if the change does not exist or the hash chain has no entry for it. Raises StorageError if
    stored evidence is damaged.
    """
    rows = await _entries(conn, change_id)
    found = [Attested(r["seq"], said) for r in rows if (said := statement_in(r)) is not None]
    found += await _causes(conn, change_id, {r["change_id"] for r in rows})
    attested = tuple(sorted(found, key=lambda one: one.seq))
    own = [a.statement for a in attested if a.statement.change_id == change_id]
    changes = [s for s in own if isinstance(s, ChangeStatement)]
    if not changes:
        raise Refused(f"The hash chain has no entry for change {change_id}, so nothing proves it.")
    outcomes = [s for s in own if isinstance(s, OutcomeStatement)]
    account = await conn.fetchrow(
        "select a.account_id, a.handle, a.platform from change c join account a using (account_id) "
        "where c.change_id = $1",
        change_id,
    )
    if account is None:
        raise Refused(f"Change {change_id} does not exist.")
    coverage = None
    if changes[0].source == account["platform"]:
        until = outcomes[0].last_agreeing_at if outcomes else await _agreeing_until(conn, change_id)
        coverage = await _coverage(conn, account["account_id"], changes[0], until)
    dated = [(a.seq, a.statement.at.astimezone(UTC).date()) for a in attested]
    is_logged = attested[0].seq > await _unlogged(conn)
    heads = await _heads(conn, [a.statement.at for a in attested])
    if is_logged:
        heads = tuple(h for h in heads if any(d == h.day and h.seq - seq <= LINKS for seq, d in dated))
    anchors = await _anchors(conn, [a.seq for a in attested])
    return Material(
        change_id=change_id,
        handle=account["handle"],
        attested=attested,
        raw=await _raw(conn, [a.statement for a in attested]),
        coverage=coverage,
        segments=await _segments(
            conn, stretches(dated, heads, [one.seq for one in anchors], LINKS if is_logged else NEAR)
        ),
        heads=heads,
        anchors=anchors,
        synthetic=await is_synthetic(conn),
    )


async def _entries(conn: Conn, change_id: int) -> list[Record]:
    """Return the entries of the hash chain for one change and its related changes, in order. Two changes are
    related if one supersedes the other, directly or through other changes.
    """
    return await conn.fetch(
        """
        with recursive related (id) as (
            select $1::bigint
            union
            select n.id from related cross join lateral (
                select supersedes as id from change where change_id = related.id and supersedes is not null
                union all
                select change_id from change where supersedes = related.id
            ) n
        )
        select k.seq, k.change_id,
            c.change_id as changed, c.supersedes, a.platform, a.native_id, c.old_status, c.old_withheld_in,
            c.status, c.withheld_in, c.flags, c.kind, c.strength, c.last_seen_old, c.first_seen_new,
            c.recorded_at, c.source, c.old_evidence, c.new_evidence,
            o.change_id as decided, o.outcome, o.reason, o.readings, o.last_agreeing_at, o.decided_at
        from related r join chain k on k.change_id = r.id
        left join change c on k.kind = 'change' and c.change_id = k.change_id
        left join account a on a.account_id = c.account_id
        left join change_outcome o on k.kind = 'outcome' and o.change_id = k.change_id
        order by k.seq
        """,
        change_id,
    )


async def _causes(conn: Conn, change_id: int, related: Collection[int]) -> list[Attested]:
    """Return the entries of causes that are said of the change, of a related one, or of its account."""
    rows = await conn.fetch(
        """
        select k.seq, s.cause_id as stated, s.supersedes as instead_of, s.is_withdrawn,
            s.change_id as about_change, b.platform as about_platform, b.native_id as about_account,
            null::text as about_order, s.kind as cause_kind, s.said_by, s.speaker, s.legal_basis,
            s.source as cause_source, s.stated_on, s.confidence, s.disputed_by, s.note, s.document,
            s.recorded_at as stated_at, s.recorded_by
        from cause s join chain k on k.cause_id = s.cause_id
        left join account b on b.account_id = s.account_id
        where s.change_id = any($2::bigint[])
            or s.account_id = (select account_id from change where change_id = $1)
        """,
        change_id,
        list(related),
    )
    return [Attested(r["seq"], cause_in(r)) for r in rows]


async def _raw(conn: Conn, statements: Sequence[object]) -> tuple[Raw, ...]:
    """Return the evidence that the statements name, without duplicates."""
    changes = [s for s in statements if isinstance(s, ChangeStatement)]
    named = [sha256 for s in changes for sha256 in (s.old_evidence, s.new_evidence) if sha256 is not None]
    out: list[Raw] = []
    for sha256 in dict.fromkeys(named):
        key = bytes.fromhex(sha256)
        at = await conn.fetchval("select purged_at from evidence where sha256 = $1", key)
        out.append(Raw(sha256, await evidence.load(conn, key), at))
    return tuple(out)


async def _agreeing_until(conn: Conn, change_id: int) -> datetime | None:
    return await conn.fetchval("select last_agreeing_at from pending_change where change_id = $1", change_id)


async def _coverage(
    conn: Conn, account_id: int, change: ChangeStatement, until: datetime | None
) -> PackCoverage:
    """Return our own requests about the account, from the last reading before the change to the last reading
    that agrees with the change.

    A request is listed if its answer shows the old or the new state. Other requests are only counted.
    """
    first = change.last_seen_old or change.first_seen_new
    await with_archived(conn, first, until or change.first_seen_new, [account_id])
    looks: list[PackRequest] = []
    other: dict[str, int] = {}
    async for row in conn.cursor(
        """
        select c.observed_at, c.observed_at - c.latency_ms * interval '1 millisecond' as asked_at,
            c.recorded_at, c.slot, c.attempt, c.outcome, c.missed_reason, c.silent, c.roster_id,
            r.position, r.asked, r.control_accounts, r.place,
            c.outcome = 0 and answered_at(c.answered, r.position + 1) as told
        from (
            select roster_id, array_position(account_ids, $1::int) - 1 as position,
                cardinality(account_ids) as asked, cardinality(canary_ids) as control_accounts, place
            from roster where vantage = '' and account_ids @> array[$1::int]
        ) r
        join coverage c on c.roster_id = r.roster_id and c.observed_at between $2 and $3
        order by c.observed_at, c.slot, c.attempt
        """,
        account_id,
        first,
        until or change.first_seen_new,
    ):
        part = _part(row, change)
        if part is None:
            what = _what_became(row)
            other[what] = other.get(what, 0) + 1
        else:
            looks.append(_look(row, part))
    return PackCoverage(tuple(looks), dict(sorted(other.items())))


def _part(row: Record, change: ChangeStatement) -> PackRequestRole | None:
    """Return the role of a request in the change. None if the answer shows neither the old nor the
    new state.
    """
    if not row["told"]:
        return None
    if row["observed_at"] == change.first_seen_new:
        return PackRequestRole.FIRST
    if row["observed_at"] > change.first_seen_new:
        return PackRequestRole.AGREEING
    before = change.last_seen_old
    return (
        PackRequestRole.OLD
        if before is not None and before - _MILLISECOND < row["asked_at"] <= before
        else None
    )


def _what_became(row: Record) -> str:
    if row["told"]:
        is_silent = bool(row["silent"])
        return "answered, " + ("and silent on what changed" if is_silent else "and contradicted by others")
    if row["outcome"] == BatchOutcome.ANSWERED:
        return "answered, but not about this account"
    return f"{BatchOutcome(row['outcome']).name.lower()}: {row['missed_reason'] or 'no reason'}"


def _look(row: Record, part: PackRequestRole) -> PackRequest:
    return PackRequest(
        part=part,
        asked_at=row["asked_at"],
        observed_at=row["observed_at"],
        recorded_at=row["recorded_at"],
        slot=row["slot"],
        attempt=row["attempt"],
        roster=row["roster_id"],
        position=row["position"],
        asked=row["asked"],
        control_accounts=row["control_accounts"],
        place=row["place"],
        silent_on=tuple(row["silent"] or ()),
    )


async def _unlogged(conn: Conn) -> int:
    """The last entry that was recorded before the first checkpoint; without a checkpoint, the last of all."""
    return await conn.fetchval(
        """
        select coalesce(
            (select size from chain_checkpoint order by checkpoint_id limit 1),
            (select max(seq) from chain),
            0
        )
        """
    )


async def _heads(conn: Conn, times: Sequence[datetime]) -> tuple[DayHead, ...]:
    """Return the last entry of the hash chain for the UTC day of each time. Each day is returned once."""
    found = await conn.fetch(
        """
        select d.day, k.seq, k.entry
        from (select distinct (at at time zone 'UTC')::date as day from unnest($1::timestamptz[]) as at) d
        cross join lateral (
            select seq, entry from chain
            where at >= d.day::timestamp at time zone 'UTC' and at < (d.day + 1)::timestamp at time zone 'UTC'
            order by seq desc limit 1
        ) k
        order by k.seq
        """,
        times,
    )
    return tuple(DayHead(r["day"], r["seq"], r["entry"].hex()) for r in found)


async def _anchors(conn: Conn, seqs: Sequence[int]) -> tuple[Stamped, ...]:
    """Return the time stamps on entries near these, each once. `pack_log` returns those on checkpoints.

    For each entry, these are its own anchors. If it has none, they are the anchors of the next entry that has
    any.
    """
    rows = await conn.fetch(
        """
        select distinct n.anchor_id, n.seq, k.entry, n.authority, n.token
        from unnest($1::bigint[]) as u (seq)
        cross join lateral (
            select min(seq) as seq from chain_anchor
            where seq between u.seq and u.seq + $2::bigint and checkpoint_id is null
        ) nearest
        join chain_anchor n on n.seq = nearest.seq and n.checkpoint_id is null
        join chain k on k.seq = n.seq
        order by n.seq, n.anchor_id
        """,
        seqs,
        LONGEST,
    )
    return tuple(
        Stamped(r["anchor_id"], r["seq"], r["entry"].hex(), r["authority"], r["token"]) for r in rows
    )


def stretches(
    entries: Sequence[tuple[int, date]], heads: Sequence[DayHead], anchored: Sequence[int], near: int = NEAR
) -> list[tuple[int, int]]:
    """Return the stretches of the hash chain to include, each as its first and last entry.

    Each statement begins a stretch. The stretch ends at the last entry of the statement's day, or at the next
    anchored entry, whichever comes later. Stretches at most `near` entries apart are merged.

    `entries` are the entry numbers of statements, each with its day. `anchored` are the numbers of anchored
    entries.
    """
    out: list[tuple[int, int]] = []
    for seq, day in sorted(entries):
        ends = [head.seq for head in heads if head.day == day]
        last = max([seq, *ends, *sorted(at for at in anchored if at >= seq)[:1]])
        if out and seq <= out[-1][1] + near:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((seq, last))
    return out


async def _segments(conn: Conn, wanted: Sequence[tuple[int, int]]) -> tuple[Segment, ...]:
    if sum(last - first for first, last in wanted) > 2 * LONGEST:
        raise Refused(
            "The hash chain from this change to the end of its day is too long for an evidence pack."
        )
    out: list[Segment] = []
    for first, last in wanted:
        previous = await conn.fetchval("select entry from chain where seq = $1", first - 1)
        rows = await conn.fetch(
            "select leaf from chain where seq between $1 and $2 order by seq", first, last
        )
        out.append(Segment(first, (previous or BEGINNING).hex(), tuple(r["leaf"].hex() for r in rows)))
    return tuple(out)
