"""What is known around one account beside its status: side facts, handles, silent looks, and its alerts."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from dashboard.ui.cards import MOST_ROWS
from storage.accounts.handle_history import HandleEntry, handles_of
from storage.accounts.side_facts import facts_of
from storage.alerts.decisions_report import Decided, count_decided, decided_of
from storage.live.account_detail import AccountHistory
from storage.model.core.coverage import Gap
from storage.model.core.side_facts import SideFact
from storage.postgres.pool import Conn
from storage.readings.evidence import ReadingEvidence, evidence_of
from storage.readings.missed_report import Misses, SlowAnswer, Unheard, misses, slow_answers, unheard


@dataclass(frozen=True, slots=True)
class AccountContext:
    facts: tuple[SideFact, ...] = ()
    """Newest first."""
    handles: tuple[HandleEntry, ...] = ()
    """The platform's own record, newest first."""
    misses: tuple[Misses, ...] = ()
    """Of the gaps that are shown and of the time since its last reading."""
    slow_answers: tuple[SlowAnswer, ...] = ()
    """That ended the gaps that are shown."""
    unheard: tuple[Unheard, ...] = ()
    evidence: tuple[ReadingEvidence, ...] = ()
    """Of the readings that its changes rest on."""
    decided: tuple[Decided, ...] = ()
    """What each rule did with its newest alerts, newest first."""
    decisions: int = 0
    """How many decisions there are in all."""


def silence_since(account: AccountHistory) -> datetime:
    """Since when nothing was read: the last reading, or when it was put on file."""
    return account.seen.last or account.added_at


def shown_gaps(account: AccountHistory) -> tuple[Gap, ...]:
    """The newest gaps, of which the page shows each with its cause; oldest first."""
    return account.seen.gaps[-MOST_ROWS:]


async def read_account_context(
    conn: Conn, account: AccountHistory, now: datetime, gap_after: timedelta
) -> AccountContext:
    gaps = shown_gaps(account)
    silences = (*gaps, Gap(silence_since(account), None))
    return AccountContext(
        facts=tuple(await facts_of(conn, account.account_id)),
        handles=tuple(await handles_of(conn, account.account_id)),
        misses=await misses(conn, account.account_id, silences, now, gap_after),
        slow_answers=await slow_answers(conn, account.account_id, gaps),
        unheard=await unheard(conn, account.account_id, now),
        evidence=tuple(await evidence_of(conn, account.account_id)),
        decided=tuple(await decided_of(conn, account.account_id, MOST_ROWS)),
        decisions=await count_decided(conn, account.account_id),
    )
