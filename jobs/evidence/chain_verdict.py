"""The verdict on the hash chains, their tree, checkpoints and time stamps, in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography.x509 import Certificate

from jobs.base.wording import minute, number
from jobs.evidence.checkpoint import SignedCheckpoint, size_words
from jobs.evidence.outside_heads import StampCheck, check_stamps, missing_head
from jobs.evidence.pack_proof import KnownHeads
from jobs.evidence.signing import held_fault, stored_fault
from storage.changes.hash_chain import missing_entries, stored_anchors, verify_chain
from storage.model.evidence.chain_check import Broken, ChainCheck, ChainFault
from storage.model.evidence.hash_chain import StatementKind
from storage.postgres.audit_chain import AuditChainState, audit_chain_state, verify_audit_chain
from storage.postgres.merkle_log import EntryMissing, newest_checkpoint
from storage.postgres.pool import Conn

_WORDS: Final = {
    ChainFault.LEAF: "its stored data is not what was recorded",
    ChainFault.LINK: "its entry does not follow from the previous one",
    ChainFault.GONE: "it is missing, and no purge removed it",
    ChainFault.NUMBER: "entries before it are missing",
    ChainFault.TIME: "its entry has another date",
    ChainFault.UNCHAINED: "it has no entry",
    ChainFault.HEAD: "the chain of changes holds another head, so it or an earlier entry was altered",
}

_ROWS: Final = {
    StatementKind.CHANGE: "change {}",
    StatementKind.OUTCOME: "the outcome of change {}",
    StatementKind.AUDIT_HEAD: "head {} of the audit log",
    StatementKind.AUDIT_ENTRY: "number {} of the audit log",
}


def broken_words(broken: Broken) -> str:
    """Describe the first fault: "entry 7 (change 4): its stored data is not what was recorded"."""
    row = _ROWS[broken.kind].format(broken.number)
    where = row if broken.seq is None else f"entry {broken.seq} ({row})"
    return f"{where}: {_WORDS[broken.fault]}"


def stamps_words(stamps: StampCheck) -> str:
    """Say how many time stamps match. Empty if there are none."""
    if not stamps.stamps:
        return ""
    said = f"Compared with {number(stamps.stamps, 'time stamp')}"
    return (
        f"{said}."
        if stamps.are_signatures_checked
        else f"{said}, but not their signatures: set tsa_certificates."
    )


def coverage_words(state: AuditChainState) -> str:
    """Say how far time stamps, or else heads in the chain of changes, cover the audit log."""
    if state.anchored_at is not None:
        said, covered = f"last anchored {minute(state.anchored_at)}", state.anchored
    elif state.sealed_at is not None:
        said = f"not anchored; last put into the chain of changes {minute(state.sealed_at)}"
        covered = state.sealed
    else:
        return "not anchored"
    later = state.entries - covered
    return f"{said}, without the newest {size_words(later)}" if later else said


def node_words(seq: int) -> str:
    """Describe the first fault in the Merkle tree."""
    return (
        f"The Merkle tree over the chain is broken at entry {seq}: a node is missing, or it does not "
        "follow from the entries."
    )


@dataclass(frozen=True, slots=True)
class ChainVerdict:
    """What was found when everything was computed again."""

    changes: ChainCheck
    audit: ChainCheck
    state: AuditChainState
    stamps: StampCheck
    missing: str | None
    """The first given head that the chain does not contain, in words."""
    signed: int
    """The entries that the newest checkpoint covers; 0: none was signed."""
    checkpoints: str | None
    """What is wrong with a stored checkpoint, in a sentence; None if nothing is."""
    held: tuple[str, ...]
    """Why the log does not continue each given checkpoint, in sentences."""

    @property
    def faults(self) -> list[str]:
        """One sentence or two for each part that does not match; empty if all match."""
        out: list[str] = []
        for name, checked in (("chain", self.changes), ("audit log", self.audit)):
            if checked.broken is not None:
                earlier = f"The {checked.entries:,} earlier entries match."
                out.append(f"The {name} is broken at {broken_words(checked.broken)}. {earlier}")
        if self.changes.node is not None:
            out.append(node_words(self.changes.node))
        out += [one for one in (self.checkpoints, *self.held, self.stamps.wrong) if one is not None]
        if self.missing is not None:
            out.append(
                f"The chain does not contain {self.missing}: no entry has its number and its hash. That "
                "entry or an earlier one was altered or removed, or an older backup was restored."
            )
        return out

    def whole(self, given: int, held: int) -> list[str]:
        """What matches, in sentences. `given` heads and `held` checkpoints were compared."""
        changes, audit = self.changes, self.audit
        purged = f" The data of {changes.purged:,} of them was purged." if changes.purged else ""
        again = "computed again from the recorded data"
        out = [f"The chain is whole: {size_words(changes.entries)}, {again}.{purged}"]
        if audit.entries:
            out.append(
                f"The audit log is whole: {size_words(audit.entries)}, {again}; {coverage_words(self.state)}."
            )
        if self.signed:
            covered = f"the newest covers {size_words(self.signed)}"
            out.append(f"The log continues all stored checkpoints; {covered}.")
        if self.stamps.stamps:
            out.append(stamps_words(self.stamps))
        if given:
            out.append(f"Compared with {number(given, 'given head')}.")
        if held:
            out.append(f"The log continues {number(held, 'given checkpoint')}.")
        return out

    def as_json(self, given: int, held: int) -> dict[str, object]:
        """The same for programs."""
        return {
            "ok": not self.faults,
            "entries": self.changes.entries,
            "purged": self.changes.purged,
            "broken": None if self.changes.broken is None else broken_words(self.changes.broken),
            "tree": None if self.changes.node is None else node_words(self.changes.node),
            "audit_log": {
                "entries": self.audit.entries,
                "broken": None if self.audit.broken is None else broken_words(self.audit.broken),
                "in_chain": self.state.sealed,
                "anchored": self.state.anchored,
            },
            "checkpoints": {
                "signed": self.signed,
                "wrong": self.checkpoints,
                "given": held,
                "given_wrong": list(self.held),
            },
            "time_stamps": {
                "stored": self.stamps.stamps,
                "signatures_checked": self.stamps.are_signatures_checked,
                "wrong": self.stamps.wrong,
            },
            "heads": {"given": given, "missing": self.missing},
        }


async def chain_verdict(conn: Conn, known: KnownHeads, certificates: Sequence[Certificate]) -> ChainVerdict:
    """Compute both chains and the tree again, and compare them with all that is stored or given."""
    newest = await newest_checkpoint(conn)
    held = [await _held_fault(conn, one) for one in known.held]
    return ChainVerdict(
        await verify_chain(conn),
        await verify_audit_chain(conn),
        await audit_chain_state(conn),
        check_stamps(await stored_anchors(conn), certificates),
        missing_head(known, await missing_entries(conn, [bytes.fromhex(h) for h in known.named])),
        0 if newest is None else newest.size,
        await checkpoints_fault(conn),
        tuple(one for one in held if one is not None),
    )


async def checkpoints_fault(conn: Conn) -> str | None:
    """What is wrong with the first stored checkpoint that does not match; None if nothing is."""
    try:
        return await stored_fault(conn)
    except EntryMissing as error:
        return f"The checkpoints could not be compared. {error}"


async def _held_fault(conn: Conn, held: SignedCheckpoint) -> str | None:
    try:
        return await held_fault(conn, held)
    except EntryMissing as error:
        return f"The given checkpoints could not be compared. {error}"
