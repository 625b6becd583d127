"""Checks of the hash chains over changes and over the audit log, and of their time stamps."""

from typing import Final

from collectors.core.findings import Finding, FindingLevel
from jobs.base.wording import minute, number
from jobs.config.settings import Settings, SettingsError
from jobs.evidence.daily_anchor import authority_of
from jobs.evidence.outside_heads import StampCheck, check_stamps
from storage.changes.hash_chain import last_seq, stored_anchors, verify_chain
from storage.model.evidence.chain_check import Broken, ChainCheck, ChainFault
from storage.model.evidence.hash_chain import StatementKind
from storage.postgres.audit_chain import AuditChainState, audit_chain_state, verify_audit_chain
from storage.postgres.pool import Conn

_ENTRIES: Final = 10_000
"""Number of newest entries to check, so that a check of a long chain takes a bounded time."""

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

_ALTERED: Final = "Another program wrote to the database. Restore a backup, or keep the database as evidence."


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
    return f"{said}, without the newest {entries_words(later)}" if later else said


def entries_words(count: int) -> str:
    """`1 entry`, `1,178 entries`."""
    return f"{count:,} entry" if count == 1 else f"{count:,} entries"


async def chain_findings(conn: Conn, settings: Settings) -> list[Finding]:
    """Check whether the newest entries match the rows that they attest, all of the audit log its entries, and
    all time stamps theirs.
    """
    out: list[Finding] = []
    certificates = ()
    try:
        if (authority := authority_of(settings)) is not None:
            certificates = authority.certificates
    except SettingsError as error:
        out.append(Finding("time stamps", FindingLevel.MEND, str(error)))
    stamps = check_stamps(await stored_anchors(conn), certificates)
    return [
        *out,
        found(await verify_chain(conn, max(0, await last_seq(conn) - _ENTRIES)), stamps),
        audit_found(await verify_audit_chain(conn), await audit_chain_state(conn)),
    ]


def found(checked: ChainCheck, stamps: StampCheck) -> Finding:
    part = "chain"
    if checked.broken is not None:
        return Finding(
            part, FindingLevel.MEND, f"The chain is broken at {broken_words(checked.broken)}. {_ALTERED}"
        )
    if stamps.wrong is not None:
        return Finding(part, FindingLevel.MEND, stamps.wrong)
    if checked.entries == 0:
        return Finding(part, FindingLevel.NO_DATA, "The chain has no entries yet.")
    purged = f" ({number(checked.purged, 'purged one')} checked by entry only)" if checked.purged else ""
    entries = (
        "The newest entry matches"
        if checked.entries == 1
        else f"The newest {checked.entries:,} entries match"
    )
    said = f"{entries} the recorded data{purged}. {stamps_words(stamps)}"
    return Finding(part, FindingLevel.OK, said.rstrip())


def audit_found(checked: ChainCheck, state: AuditChainState) -> Finding:
    part = "audit log"
    if checked.broken is not None:
        return Finding(
            part, FindingLevel.MEND, f"The audit log is broken at {broken_words(checked.broken)}. {_ALTERED}"
        )
    if checked.entries == 0:
        return Finding(part, FindingLevel.NO_DATA, "The audit log has no entries yet.")
    said = f"The audit log: {entries_words(checked.entries)}, chained, {coverage_words(state)}."
    return Finding(part, FindingLevel.OK, said)
