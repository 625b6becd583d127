"""The hash chain over changes, outcomes and causes: checking it, its last entry of each day, and its anchors.

Heads of the audit log are entries of it (`storage.postgres.audit_chain`), so each anchor covers both chains.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final

from asyncpg import Record

from storage.model.evidence.chain_check import Broken, ChainCheck, ChainFault, StoredEntry, entry_fault
from storage.model.evidence.hash_chain import (
    BEGINNING,
    AuditHeadStatement,
    CauseStatement,
    ChangeStatement,
    OutcomeStatement,
    Statement,
    StatementKind,
    statement_bytes,
)
from storage.model.evidence.merkle_tree import GrowingTree
from storage.postgres.merkle_log import EntryMissing, tree_edge
from storage.postgres.pool import Conn

_ROWS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Anchor:
    """An entry whose time an outside authority has certified."""

    anchor_id: int
    seq: int
    entry: bytes
    authority: str
    at: datetime


@dataclass(frozen=True, slots=True)
class StoredAnchor:
    """A stored answer of an authority, with what it stamped: the hash of an entry, or a checkpoint's note."""

    seq: int
    """The newest entry that it covers."""
    content: bytes | None
    """None: there is no such entry any more."""
    is_checkpoint: bool
    authority: str
    token: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The last entry of a UTC day. Its hash covers all entries before it."""

    day: date
    seq: int
    entry: bytes
    anchors: tuple[Anchor, ...] = ()
    """The anchors of all entries of the day. `newest_head` returns only the anchors of the head itself."""


async def verify_chain(conn: Conn, since_seq: int = 0) -> ChainCheck:
    """Check every entry after `since_seq` against its row, in the caller's transaction. Stop at the first
    fault.

    Entries up to `since_seq` are trusted. Memory use does not grow with the chain.
    """
    previous = BEGINNING
    if since_seq > 0:
        previous = await conn.fetchval("select entry from chain where seq = $1", since_seq) or BEGINNING
    entries = purged = 0
    nodes = await _NodeCheck.after(conn, since_seq)
    async for row in conn.cursor(
        """
        select k.seq, k.kind as told, k.change_id, k.cause_id, k.audit_seq, k.leaf, k.entry, k.at,
            l.entry as audit_head, t.hashes as nodes,
            c.change_id as changed, c.supersedes, a.platform, a.native_id, c.old_status, c.old_withheld_in,
            c.status, c.withheld_in, c.flags, c.kind, c.strength, c.last_seen_old, c.first_seen_new,
            c.recorded_at, c.source, c.old_evidence, c.new_evidence,
            o.change_id as decided, o.outcome, o.reason, o.readings, o.last_agreeing_at, o.decided_at,
            s.cause_id as stated, s.supersedes as instead_of, s.is_withdrawn, s.change_id as about_change,
            b.platform as about_platform, b.native_id as about_account, d.reference as about_order,
            s.kind as cause_kind, s.said_by, s.speaker, s.legal_basis, s.source as cause_source, s.stated_on,
            s.confidence, s.disputed_by, s.note, s.document, s.recorded_at as stated_at, s.recorded_by,
            p.change_id is not null or q.cause_id is not null as purged
        from chain k
        left join change c on k.kind = 'change' and c.change_id = k.change_id
        left join account a on a.account_id = c.account_id
        left join change_outcome o on k.kind = 'outcome' and o.change_id = k.change_id
        left join cause s on s.cause_id = k.cause_id
        left join account b on b.account_id = s.account_id
        left join legal_order d on d.order_id = s.order_id
        left join purged_change p on p.change_id = k.change_id
        left join purged_cause q on q.cause_id = k.cause_id
        left join audit_chain l on l.seq = k.audit_seq
        left join chain_node t on t.seq = k.seq
        where k.seq > $1 order by k.seq
        """,
        since_seq,
        prefetch=_ROWS_AT_ONCE,
    ):
        fault = _fault(row, previous, since_seq + entries + 1)
        if fault is not None:
            number = row["audit_seq"] or row["cause_id"] or row["change_id"]
            broken = Broken(fault, row["seq"], StatementKind(row["told"]), number)
            return ChainCheck(entries, purged, broken, nodes.wrong)
        previous = row["entry"]
        nodes.add(row["seq"], row["entry"], row["nodes"])
        entries += 1
        purged += row["purged"] and statement_in(row) is None
    if nodes.wrong is None:
        nodes.wrong = await conn.fetchval(
            "select min(seq) from chain_node where seq > $1", since_seq + entries
        )
    return ChainCheck(entries, purged, await _unchained(conn, since_seq), nodes.wrong)


class _NodeCheck:
    """Compares the stored nodes of the Merkle tree with those that the entries complete."""

    def __init__(self, tree: GrowingTree | None, since_seq: int) -> None:
        self._tree = tree
        self.wrong = since_seq if tree is None else None
        """The first entry with other nodes; if the tree before has no root, the last entry before."""

    @classmethod
    async def after(cls, conn: Conn, seq: int) -> "_NodeCheck":
        """Check the nodes of the entries after `seq`."""
        try:
            return cls(GrowingTree(seq, await tree_edge(conn, seq)), seq)
        except EntryMissing:
            return cls(None, seq)

    def add(self, seq: int, entry: bytes, stored: bytes | None) -> None:
        if self._tree is not None and b"".join(self._tree.add(entry)) != (stored or b""):
            self.wrong = self.wrong or seq


def _fault(row: Record, previous: bytes, seq: int) -> ChainFault | None:
    statement = _audit_head_in(row) if row["audit_seq"] is not None else statement_in(row)
    fault = entry_fault(
        StoredEntry(row["seq"], row["leaf"], row["entry"]),
        previous,
        seq,
        None if statement is None else statement_bytes(statement),
        purged=row["purged"],
    )
    if fault is None and statement is not None and row["at"] != statement.at:
        return ChainFault.TIME
    return fault


def _audit_head_in(row: Record) -> AuditHeadStatement | None:
    if row["audit_head"] is None:
        return None
    return AuditHeadStatement(row["audit_seq"], row["audit_head"].hex(), row["at"])


def statement_in(row: Record) -> Statement | None:
    """Return the statement that a chain entry attests. None if the entry's change, outcome or cause is no
    longer stored.

    `row` is the entry, joined with its change and the account, with its outcome, or with its cause.
    """
    if row["changed"] is not None:
        return ChangeStatement(
            change_id=row["change_id"],
            supersedes=row["supersedes"],
            platform=row["platform"],
            account=row["native_id"],
            old_status=row["old_status"],
            old_withheld_in=tuple(row["old_withheld_in"]),
            status=row["status"],
            withheld_in=tuple(row["withheld_in"]),
            flags=tuple(row["flags"]),
            kind=row["kind"],
            strength=row["strength"],
            last_seen_old=row["last_seen_old"],
            first_seen_new=row["first_seen_new"],
            recorded_at=row["recorded_at"],
            source=row["source"],
            old_evidence=_hex(row["old_evidence"]),
            new_evidence=_hex(row["new_evidence"]),
        )
    if row["decided"] is not None:
        return OutcomeStatement(
            change_id=row["change_id"],
            outcome=row["outcome"],
            reason=row["reason"],
            readings=row["readings"],
            last_agreeing_at=row["last_agreeing_at"],
            decided_at=row["decided_at"],
        )
    return None if row["stated"] is None else cause_in(row)


def cause_in(row: Record) -> CauseStatement:
    """Return the statement of a cause. `row` has its columns under the names that `verify_chain` gives."""
    return CauseStatement(
        cause_id=row["stated"],
        supersedes=row["instead_of"],
        is_withdrawn=row["is_withdrawn"],
        change_id=row["about_change"],
        platform=row["about_platform"],
        account=row["about_account"],
        legal_order=row["about_order"],
        kind=row["cause_kind"],
        said_by=row["said_by"],
        speaker=row["speaker"],
        legal_basis=row["legal_basis"],
        source=row["cause_source"],
        stated_on=row["stated_on"],
        confidence=row["confidence"],
        disputed_by=row["disputed_by"],
        note=row["note"],
        document=_hex(row["document"]),
        recorded_at=row["stated_at"],
        recorded_by=row["recorded_by"],
    )


def _hex(sha256: bytes | None) -> str | None:
    return None if sha256 is None else sha256.hex()


async def _unchained(conn: Conn, since_seq: int) -> Broken | None:
    """Find the first change, outcome or cause without an entry. None if each has an entry.

    The search begins at the first change with an entry after `since_seq`, and at the first such cause. If
    there is no such entry, all are searched.
    """
    row = await conn.fetchrow(
        """
        with first as (
            select coalesce(min(change_id) filter (where kind = 'change'), 0) as change_id,
                coalesce(min(cause_id), 0) as cause_id
            from chain where seq > $1
        )
        select t.told, coalesce(t.change_id, t.cause_id) as number from (
            select 'change' as told, c.change_id, null::bigint as cause_id from change c, first
            where c.change_id >= first.change_id
            union all
            select 'outcome', o.change_id, null from change_outcome o, first
            where o.change_id >= first.change_id
            union all
            select 'cause', null, s.cause_id from cause s, first where s.cause_id >= first.cause_id
        ) t
        where not exists (select from chain k where k.change_id = t.change_id and k.kind = t.told)
            and not exists (select from chain k where k.cause_id = t.cause_id)
        order by number, t.told limit 1
        """,
        since_seq,
    )
    return (
        None if row is None else Broken(ChainFault.UNCHAINED, None, StatementKind(row["told"]), row["number"])
    )


async def last_seq(conn: Conn) -> int:
    """The number of the newest entry; 0 if there is none."""
    return await conn.fetchval("select coalesce(max(seq), 0) from chain")


async def newest_head(conn: Conn) -> Head | None:
    """The newest entry with its anchors; None if the chain is empty."""
    row = await conn.fetchrow("select seq, entry, at from chain order by seq desc limit 1")
    if row is None:
        return None
    anchors = [one for one in await anchors_since(conn, row["seq"]) if one.seq == row["seq"]]
    return Head(row["at"].astimezone(UTC).date(), row["seq"], row["entry"], tuple(anchors))


async def heads(conn: Conn, since: date) -> list[Head]:
    """The last entry of each UTC day from `since` on. The last entry of the current day may still change."""
    start = datetime.combine(since, time(), UTC)
    rows = await conn.fetch(
        """
        select distinct on (1) (at at time zone 'UTC')::date as day, seq, entry from chain
        where at >= $1 order by 1, seq desc
        """,
        start,
    )
    anchored = await conn.fetch(
        """
        select (k.at at time zone 'UTC')::date as day, n.anchor_id, n.seq, k.entry, n.authority, n.at
        from chain_anchor n join chain k using (seq) where k.at >= $1 order by n.anchor_id
        """,
        start,
    )
    return [
        Head(r["day"], r["seq"], r["entry"], tuple(_anchor(a) for a in anchored if a["day"] == r["day"]))
        for r in rows
    ]


async def anchors_since(conn: Conn, seq: int) -> list[Anchor]:
    """The anchors of entry `seq` and of later entries, nearest first. The anchor of a later entry also
    certifies entry `seq`.
    """
    rows = await conn.fetch(
        """
        select n.anchor_id, n.seq, k.entry, n.authority, n.at
        from chain_anchor n join chain k using (seq) where n.seq >= $1 order by n.seq, n.anchor_id
        """,
        seq,
    )
    return [_anchor(r) for r in rows]


async def stored_anchors(conn: Conn) -> list[StoredAnchor]:
    """All anchors with their tokens, in the order of the entries."""
    rows = await conn.fetch(
        """
        select n.seq, coalesce(convert_to(c.note, 'UTF8'), k.entry) as content,
            n.checkpoint_id is not null as is_checkpoint, n.authority, n.token
        from chain_anchor n left join chain k using (seq) left join chain_checkpoint c using (checkpoint_id)
        order by n.seq, n.anchor_id
        """
    )
    return [StoredAnchor(**r) for r in rows]


async def missing_entries(conn: Conn, entries: Collection[bytes]) -> list[bytes]:
    """Those of `entries` that the chain does not hold."""
    rows = await conn.fetch(
        """
        select u.entry from unnest($1::bytea[]) as u (entry)
        where not exists (select from chain k where k.entry = u.entry)
        """,
        list(entries),
    )
    return [r["entry"] for r in rows]


async def last_anchored_at(conn: Conn) -> datetime | None:
    """When the newest anchor was stored; None if there is none."""
    return await conn.fetchval("select max(at) from chain_anchor")


async def add_anchor(
    conn: Conn, seq: int, authority: str, token: bytes, now: datetime, checkpoint_id: int | None = None
) -> bool:
    """Store an authority's token for the note of a checkpoint of `seq` entries; None means for entry `seq`.

    Return False if a token of this authority was already stored for it.
    """
    return bool(
        await conn.fetchval(
            """
            insert into chain_anchor (seq, authority, token, at, checkpoint_id) values ($1, $2, $3, $4, $5)
            on conflict on constraint chain_anchor_once do nothing returning true
            """,
            *(seq, authority, token, now, checkpoint_id),
        )
    )


def _anchor(row: Record) -> Anchor:
    return Anchor(row["anchor_id"], row["seq"], row["entry"], row["authority"], row["at"])
