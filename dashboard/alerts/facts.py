"""What the Alerts page tells, read in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.alerts.decisions_report import Decided, decided_lately
from storage.alerts.mails_report import MailLine, undelivered
from storage.alerts.mutes import MuteLine, mute_lines
from storage.alerts.rules import absent_names, load_rules, unreadable_rules
from storage.alerts.threads_report import (
    AcknowledgedThread,
    OpenThread,
    count_open_stories,
    open_stories,
    taken_stories,
)
from storage.model.alerts.conditions import UnreadableRule
from storage.model.alerts.rules import AbsentNames, StoredRule
from storage.postgres import audit_log
from storage.postgres.pool import Conn

THREADS = 50
ACKNOWLEDGED = 20
DECISIONS = 200
MAILS = 50
ACTS = 50


@dataclass(frozen=True, slots=True)
class Alerts:
    """All that the page tells."""

    threads: Sequence[OpenThread]
    waiting: int
    """How many stories there are, shown or not."""
    acknowledged: Sequence[AcknowledgedThread]
    mutes: Sequence[MuteLine]
    decided: Sequence[Decided]
    mails: Sequence[MailLine]
    """Those that did not arrive."""
    rules: Sequence[StoredRule]
    unreadable: Sequence[UnreadableRule]
    absent: AbsentNames
    """What rules name and is not on file."""
    acts: Sequence[audit_log.AuditEntry]


async def read_alerts(conn: Conn, now: datetime) -> Alerts:
    rules = await load_rules(conn)
    return Alerts(
        await open_stories(conn, THREADS),
        await count_open_stories(conn),
        await taken_stories(conn, ACKNOWLEDGED),
        await mute_lines(conn, now),
        await decided_lately(conn, None, DECISIONS),
        await undelivered(conn, MAILS),
        rules,
        await unreadable_rules(conn),
        await absent_names(conn, [stored.rule for stored in rules]),
        await audit_log.acts(conn, ACTS, about_people=False),
    )
