"""The hash chain over the audit log: checking it, and putting its head into the chain of changes.

A trigger makes the entry of each act at the commit of its transaction, so no act is without one. The owner of
the tables can make the whole chain again; only a head outside the database shows that. Heads of the chain of
changes are outside (time stamps, packs, reports, lists of heads). So `seal_audit_log` puts the head of the
audit log into that chain.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asyncpg import Record

from storage.model.evidence.chain_check import Broken, ChainCheck, ChainFault, StoredEntry, entry_fault
from storage.model.evidence.hash_chain import (
    BEGINNING,
    AuditHeadStatement,
    AuditStatement,
    StatementKind,
    leaf_of,
    statement_bytes,
)
from storage.postgres.pool import Conn
from storage.postgres.recording_order import moment

_ROWS_AT_ONCE: Final = 500


async def seal_audit_log(conn: Conn, now: datetime) -> None:
    """Put the head of the audit log into the chain of changes, inside the caller's transaction.

    Nothing is written if the head is there already, or if the audit log is empty.
    """
    at = await moment(conn, lambda: now)
    await conn.execute("select chain_audit_head($1)", at)


@dataclass(frozen=True, slots=True)
class AuditChainState:
    """How much of the audit log is chained, and how far a head outside of it reaches."""

    entries: int
    sealed: int
    """Entries that a head in the chain of changes covers; 0: none."""
    sealed_at: datetime | None
    anchored: int
    """Entries that a time stamp covers; 0: none."""
    anchored_at: datetime | None
    """When that time stamp was stored, by our own clock."""


async def audit_chain_state(conn: Conn) -> AuditChainState:
    """Count the entries, and find the newest heads, without checking any of them."""
    row = await conn.fetchrow(
        """
        select coalesce((select max(seq) from audit_chain), 0) as entries,
            coalesce(sealed.audit_seq, 0) as sealed, sealed.at as sealed_at,
            coalesce(anchored.audit_seq, 0) as anchored, anchored.at as anchored_at
        from (values (1)) one
        left join lateral (
            select audit_seq, at from chain where audit_seq is not null order by audit_seq desc limit 1
        ) sealed on true
        left join lateral (
            select k.audit_seq, n.at from chain k
            join lateral (select min(at) as at from chain_anchor where seq >= k.seq) n on n.at is not null
            where k.audit_seq is not null order by k.audit_seq desc limit 1
        ) anchored on true
        """
    )
    if row is None:
        raise LookupError("a query without a table returned no row")
    return AuditChainState(**row)


async def last_sealed_at(conn: Conn) -> datetime | None:
    """When the head of the audit log was last put into the chain of changes; None: never."""
    return (await audit_chain_state(conn)).sealed_at


async def verify_audit_chain(conn: Conn) -> ChainCheck:
    """Check every entry against its act, and against the heads in the chain of changes, in the caller's
    transaction. Stop at the first fault.

    The chain of changes is trusted here; `storage.changes.hash_chain` checks it. Memory use does not grow
    with the audit log, only with the number of heads.
    """
    heads = await _sealed_heads(conn)
    previous, entries = BEGINNING, 0
    async for row in conn.cursor(
        """
        select k.seq, k.audit_id, k.leaf, k.entry, a.audit_id is not null as is_stored, a.at, a.actor,
            a.action, a.subject, a.detail::text as detail
        from audit_chain k left join audit_log a using (audit_id) order by k.seq
        """,
        prefetch=_ROWS_AT_ONCE,
    ):
        fault = entry_fault(
            StoredEntry(row["seq"], row["leaf"], row["entry"]), previous, entries + 1, _statement(row)
        )
        if fault is None and not _is_sealed_as(heads.get(row["seq"]), row["entry"]):
            fault = ChainFault.HEAD
        if fault is not None:
            broken = Broken(fault, row["seq"], StatementKind.AUDIT_ENTRY, row["audit_id"])
            return ChainCheck(entries, 0, broken)
        previous = row["entry"]
        entries += 1
    if gone := [seq for seq in heads if seq > entries]:
        last = min(gone)
        return ChainCheck(entries, 0, Broken(ChainFault.NUMBER, last, StatementKind.AUDIT_HEAD, last))
    return ChainCheck(entries, 0, await _unchained(conn))


@dataclass(frozen=True, slots=True)
class _SealedHead:
    audit_seq: int
    leaf: bytes
    at: datetime


async def _sealed_heads(conn: Conn) -> Mapping[int, _SealedHead]:
    rows = await conn.fetch("select audit_seq, leaf, at from chain where audit_seq is not null order by 1")
    return {r["audit_seq"]: _SealedHead(r["audit_seq"], r["leaf"], r["at"]) for r in rows}


def _is_sealed_as(head: _SealedHead | None, entry: bytes) -> bool:
    if head is None:
        return True
    statement = AuditHeadStatement(head.audit_seq, entry.hex(), head.at)
    return leaf_of(statement_bytes(statement)) == head.leaf


def _statement(row: Record) -> bytes | None:
    if not row["is_stored"]:
        return None
    return statement_bytes(
        AuditStatement(row["audit_id"], row["at"], row["actor"], row["action"], row["subject"], row["detail"])
    )


async def _unchained(conn: Conn) -> Broken | None:
    """Find the first act without an entry. None if each has one."""
    audit_id = await conn.fetchval(
        """
        select min(audit_id) from audit_log a
        where not exists (select from audit_chain k where k.audit_id = a.audit_id)
        """
    )
    return (
        None if audit_id is None else Broken(ChainFault.UNCHAINED, None, StatementKind.AUDIT_ENTRY, audit_id)
    )
