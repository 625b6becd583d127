"""Check of the hash chain over changes and outcomes."""

from typing import Final

from collectors.core.findings import Finding, FindingLevel
from jobs.base.wording import number
from storage.changes.hash_chain import Broken, ChainCheck, ChainFault, last_seq, verify_chain
from storage.model.evidence.hash_chain import StatementKind
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
}


def broken_words(broken: Broken) -> str:
    """Describe the first fault: "entry 7 (change 4): its stored data is not what was recorded"."""
    of = "the outcome of " if broken.told is StatementKind.OUTCOME else ""
    row = f"{of}change {broken.change_id}"
    where = row if broken.seq is None else f"entry {broken.seq} ({row})"
    return f"{where}: {_WORDS[broken.fault]}"


async def chain_finding(conn: Conn) -> Finding:
    """Check whether the newest entries match the rows that they attest."""
    return found(await verify_chain(conn, max(0, await last_seq(conn) - _ENTRIES)))


def found(checked: ChainCheck) -> Finding:
    part = "chain"
    if checked.broken is not None:
        said = f"The chain is broken at {broken_words(checked.broken)}. Another program wrote to the"
        return Finding(
            part, FindingLevel.MEND, f"{said} database. Restore a backup, or keep the database as evidence."
        )
    if checked.entries == 0:
        return Finding(part, FindingLevel.OK, "The chain has no entries yet.")
    purged = f" ({number(checked.purged, 'purged one')} checked by entry only)" if checked.purged else ""
    entries = (
        "The newest entry matches"
        if checked.entries == 1
        else f"The newest {checked.entries:,} entries match"
    )
    return Finding(part, FindingLevel.OK, f"{entries} the recorded data{purged}.")
