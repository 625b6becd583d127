"""The ends of incidents at pagers: readings showed every account back, or somebody closed the incident."""

from dataclasses import dataclass
from datetime import datetime

from jobs.messages.compose import Letterhead
from jobs.messages.notice import NoticeContent, NoticeItem, notice_draft
from storage.alerts import outbox, rules
from storage.alerts.incidents import incident_line
from storage.alerts.paged_incidents import PagedIncident, paged_incidents
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.incidents import IncidentState, IncidentWork
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Conn, Pool, transaction

_NOT_CLAIMED = "A reading shows that an account is back. It does not show who lifted a block, or why."
_CLOSED = "That somebody closed an incident says nothing of its accounts. Its page shows which are back."


@dataclass(frozen=True, slots=True)
class IncidentEnd:
    """What one pager is sent about an incident that is over."""

    incident: PagedIncident
    rule: AlertRule
    why: str
    """A sentence."""
    is_closed: bool
    """Somebody closed it."""


def why_over(incident: PagedIncident, work: IncidentWork) -> str | None:
    """Say why nothing is left to do about an incident; None if something is."""
    if work.closing is not None and work.state is IncidentState.CLOSED:
        return f"{work.closing.by} closed it: {work.closing.reason.rstrip('.')}."
    if work.state is IncidentState.RESOLVED:
        return "Readings showed that every account it reported is back."
    if not incident.reported_a_block:
        return "It reported no account as blocked or gone."
    return None


async def tick(pool: Pool, now: datetime, head: Letterhead) -> int:
    """Queue the ends that are due; returns how many."""
    made = 0
    async with transaction(pool) as conn:
        await outbox.begin(conn)
        for one in await _known(conn):
            made += await outbox.queue(conn, draft(one, now, head), now, one.incident.story_id) is not None
    return made


async def next_due(conn: Conn, now: datetime) -> datetime | None:
    """`now` if an incident is over that a pager holds open; None if none is."""
    return now if await _known(conn) else None


async def _known(conn: Conn) -> list[IncidentEnd]:
    paged = await paged_incidents(conn)
    if not paged:
        return []
    by_id: dict[int, AlertRule] = {
        r.rule_id: r.rule for r in await rules.load_rules(conn, {one.rule_id for one in paged})
    }
    found: list[IncidentEnd] = []
    for one in paged:
        line, rule = await incident_line(conn, one.story_key), by_id.get(one.rule_id)
        if line is None or rule is None:  # a later version wrote the rule
            continue
        if (why := why_over(one, line.work)) is not None:
            found.append(IncidentEnd(one, rule, why, line.work.state is IncidentState.CLOSED))
    return found


def draft(one: IncidentEnd, at: datetime, head: Letterhead) -> MailDraft:
    """The message to one pager."""
    incident = one.incident
    content = NoticeContent(
        kind=MailKind.END,
        headline=f"Over: {incident.subject.removeprefix(head.mark)}",
        items=[NoticeItem(one.why, ())],
        not_claimed=_CLOSED if one.is_closed else _NOT_CLAIMED,
        as_of=at,
        keys=[f"end after {incident.message_id}"],
        page=f"/incidents/{incident.story_key}",
    )
    return notice_draft(content, one.rule, incident.recipient, head)
