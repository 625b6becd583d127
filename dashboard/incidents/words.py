"""Incidents in words: state, assignee, due time, and what happened to one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.ui import words
from dashboard.ui.alert_words import actor_words
from storage.alerts.incidents import IncidentLine, IncidentSending, LoggedIncidentAct
from storage.model.alerts.incidents import IncidentState, IncidentWork
from storage.model.text.states import clean

STATE_NAME = {
    IncidentState.OPEN: "Open",
    IncidentState.ACKNOWLEDGED: "Acknowledged",
    IncidentState.RESOLVED: "Resolved",
    IncidentState.CLOSED: "Closed",
}


def subject_of(line: IncidentLine) -> str:
    """The subject of its newest email, as the name of an incident."""
    return clean(line.subject, 200) if line.subject else "Incident without an email"


def state_words(work: IncidentWork) -> str:
    """Why the incident has its state."""
    closing = work.closing
    match work.state:
        case IncidentState.CLOSED if closing is not None:
            reason = clean(closing.reason, 2_000)
            return f"Closed by {actor_words(closing.by)}, {words.stamp(closing.at)}: “{reason}”"
        case IncidentState.RESOLVED if work.accounts.at is not None:
            return f"Resolved: {words.stamp(work.accounts.at)}, a reading showed {_last(work)} back"
        case IncidentState.ACKNOWLEDGED if work.acknowledged_at is not None:
            note = f": “{clean(work.acknowledged_note, 500)}”" if work.acknowledged_note else ""
            by = actor_words(work.acknowledged_by or "")
            return f"Acknowledged by {by}, {words.stamp(work.acknowledged_at)}{note}"
        case _ if closing is not None:
            return f"Open: a group of changes was sent after {actor_words(closing.by)} closed it"
        case _ if work.acknowledged_at is not None:
            by = actor_words(work.acknowledged_by or "")
            return f"Open: a group of changes was sent after {by} acknowledged it"
        case _:
            return "Open: nobody acknowledged it"


def owner_words(work: IncidentWork) -> str:
    """Who has the incident."""
    if work.owner is None:
        return "Nobody"
    name = clean(work.owner.login, 100)
    return name if work.owner.may_log_in else f"{name} (disabled, so nobody works on it)"


def due_words(work: IncidentWork, now: datetime) -> str:
    if work.due_at is None:
        return "–"
    is_late = work.due_at < now and not work.state.is_over
    return f"{words.stamp(work.due_at)}{', overdue' if is_late else ''}"


def _last(work: IncidentWork) -> str:
    return "the last of them" if work.accounts.posts else "the last account"


def accounts_words(work: IncidentWork) -> str:
    """What readings showed of its accounts and posts."""
    known = work.accounts
    if known.accounts == 0:
        return "None is stored any more, so it is not known whether they are back"
    left = known.accounts - known.back
    rest = f"; {left:,} not known to be back" if left else ""
    return f"{known.count.words()}: readings showed {known.back:,} back{rest}"


@dataclass(frozen=True, slots=True)
class IncidentEvent:
    """One row of the history of an incident."""

    at: datetime
    by: str
    what: str
    mail_id: int | None = None
    """The email that the row is about, if any."""


def events(
    acts: Sequence[LoggedIncidentAct], sendings: Sequence[IncidentSending], work: IncidentWork
) -> list[IncidentEvent]:
    """The history of an incident, newest first: what was sent, what people did, and when it was resolved."""
    found = [IncidentEvent(act.at, actor_words(act.actor), act.words) for act in acts]
    found += [IncidentEvent(s.at, "Blockline", _sent(s), s.mail_id) for s in sendings]
    if work.accounts.is_resolved and work.accounts.at is not None:
        found.append(IncidentEvent(work.accounts.at, "A reading", f"showed {_last(work)} back: resolved"))
    return sorted(found, key=lambda event: event.at, reverse=True)


def _sent(sending: IncidentSending) -> str:
    to = ", ".join(clean(r, 80) for r in sending.recipients)
    match sending.kind:
        case "reminder":
            return f"reminded {to}"
        case "escalation":
            return f"escalated it to {to}"
        case "end":
            return f"ended it at {to}"
        case "digest":
            return "reported further changes in a catch-up digest"
        case _:
            return f"sent a group of changes to {to}"
