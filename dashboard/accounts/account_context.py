"""What is known around one account beside its status: side facts, handles, silent looks, and its alerts."""

from dataclasses import dataclass
from datetime import datetime

from storage.accounts.handle_history import HandleRecord, handles_of
from storage.accounts.side_facts import facts_of
from storage.alerts.decisions_report import Decided, decided_of
from storage.live.account_detail import AccountDetail
from storage.model.core.coverage import Gap
from storage.model.core.side_facts import Fact
from storage.postgres.pool import Conn
from storage.readings.evidence import Kept, evidence_of
from storage.readings.missed_report import Misses, Unheard, misses, unheard


@dataclass(frozen=True, slots=True)
class Around:
    facts: tuple[Fact, ...] = ()
    """Newest first."""
    handles: tuple[HandleRecord, ...] = ()
    """The platform's own record, newest first."""
    misses: tuple[Misses, ...] = ()
    """Of its gaps and of the time since its last reading."""
    unheard: tuple[Unheard, ...] = ()
    evidence: tuple[Kept, ...] = ()
    """Of the readings that its changes rest on."""
    decided: tuple[Decided, ...] = ()
    """What each rule did with its alerts, newest first."""


def silence_since(account: AccountDetail) -> datetime:
    """Since when nothing was read: the last reading, or when it was put on file."""
    return account.seen.last or account.added_at


async def around(conn: Conn, account: AccountDetail, now: datetime) -> Around:
    silences = (*account.seen.gaps, Gap(silence_since(account), None))
    return Around(
        facts=tuple(await facts_of(conn, account.account_id)),
        handles=tuple(await handles_of(conn, account.account_id)),
        misses=await misses(conn, account.account_id, silences, now),
        unheard=await unheard(conn, account.account_id, now),
        evidence=tuple(await evidence_of(conn, account.account_id)),
        decided=tuple(await decided_of(conn, account.account_id)),
    )
