"""What is known around one account beside its status: side facts, handles, silent looks, and its alerts."""

from dataclasses import dataclass
from datetime import datetime

from storage.db import Conn
from storage.evidence import Kept, evidence_of
from storage.facts import facts_of
from storage.handles import HandleRecord, handles_of
from storage.model.coverage import Gap
from storage.model.facts import Fact
from storage.reports_account import AccountDetail
from storage.reports_decisions import Decided, decided_of
from storage.reports_looks import Misses, Unheard, misses, unheard


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
