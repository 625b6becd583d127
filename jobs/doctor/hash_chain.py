"""Checks of the hash chains over changes and over the audit log, and of their time stamps."""

from typing import Final

from collectors.core.findings import Finding, FindingLevel
from jobs.base.wording import number
from jobs.config.settings import Settings, SettingsError
from jobs.evidence.chain_verdict import (
    broken_words,
    checkpoints_fault,
    coverage_words,
    node_words,
    stamps_words,
)
from jobs.evidence.checkpoint import size_words
from jobs.evidence.daily_anchor import authority_of
from jobs.evidence.outside_heads import StampCheck, check_stamps
from storage.changes.hash_chain import last_seq, stored_anchors, verify_chain
from storage.model.evidence.chain_check import ChainCheck
from storage.postgres.audit_chain import AuditChainState, audit_chain_state, verify_audit_chain
from storage.postgres.pool import Conn

_ENTRIES: Final = 10_000
"""Number of newest entries to check, so that a check of a long chain takes a bounded time."""

_ALTERED: Final = "Another program wrote to the database. Restore a backup, or keep the database as evidence."


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
    checked = await verify_chain(conn, max(0, await last_seq(conn) - _ENTRIES))
    return [
        *out,
        found(checked, await checkpoints_fault(conn), stamps),
        audit_found(await verify_audit_chain(conn), await audit_chain_state(conn)),
    ]


def found(checked: ChainCheck, checkpoints: str | None, stamps: StampCheck) -> Finding:
    """The first fault of the chain, its tree, its checkpoints and its time stamps, or how much matches.

    `checkpoints` says what is wrong with a stored checkpoint; None: nothing is.
    """
    part = "chain"
    if checked.broken is not None:
        return Finding(
            part, FindingLevel.MEND, f"The chain is broken at {broken_words(checked.broken)}. {_ALTERED}"
        )
    if checked.node is not None:
        return Finding(part, FindingLevel.MEND, f"{node_words(checked.node)} {_ALTERED}")
    if checkpoints is not None:
        return Finding(part, FindingLevel.MEND, f"{checkpoints} {_ALTERED}")
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
    said = f"The audit log: {size_words(checked.entries)}, chained, {coverage_words(state)}."
    return Finding(part, FindingLevel.OK, said)
