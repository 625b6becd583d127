"""Pure: how people work on an incident. Its state, what an edit makes of it, and what cannot be done."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from storage.model.text.states import clean
from storage.model.text.target_counts import TargetCount

NONE = "none"
"""Written for an assignee or a due time, it takes that away."""
LONGEST_NOTE = 2_000
"""Characters of a hand-over note, and of a reason."""


class IncidentState(StrEnum):
    """Where the work on an incident is: it follows from what people did and what readings showed."""

    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    """Somebody has taken charge of all that was sent about it at once."""
    RESOLVED = "resolved"
    """Readings showed that each account that it reported is back. What is unknown is not back."""
    CLOSED = "closed"
    """Somebody closed it, with a reason, and no group of changes was sent since."""

    @property
    def is_over(self) -> bool:
        """Nothing is left to do."""
        return self in {IncidentState.RESOLVED, IncidentState.CLOSED}


class IncidentAct(StrEnum):
    """What a person did about an incident, as the audit log has it."""

    ASSIGNED = "incident assigned"
    UNASSIGNED = "incident unassigned"
    DUE = "incident due time set"
    NOTED = "incident note added"
    ACKNOWLEDGED = "acknowledged"
    ACKNOWLEDGEMENT_UNDONE = "acknowledgement undone"
    CLOSED = "incident closed"
    REOPENED = "incident reopened"


class IncidentFault(ValueError):
    """An edit that cannot be made. The message is one sentence; `field` is the one that is wrong, if any."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True)
class Assignee:
    """The person who works on an incident."""

    person_id: int
    login: str
    may_log_in: bool = True
    """False: the person was disabled, and nobody works on the incident."""
    may_work: bool = True
    """False: a viewer, who can change nothing."""


@dataclass(frozen=True, slots=True)
class IncidentClosing:
    """That somebody closed an incident."""

    at: datetime
    by: str
    reason: str
    wave: int
    """The newest group that was sent at once by then; 0: none was."""


@dataclass(frozen=True, slots=True)
class HandoverNote:
    """What one person writes for the next."""

    text: str
    at: datetime
    by: str


@dataclass(frozen=True, slots=True)
class EarlierAcknowledgement:
    """What somebody acknowledged before the newest acknowledgement: an earlier group."""

    wave: int
    by: str
    at: datetime
    note: str

    def as_detail(self) -> dict[str, Any]:
        """For the audit log; `earlier_in` reads it."""
        return {"wave": self.wave, "by": self.by, "at": self.at.isoformat(), "note": self.note}


def earlier_in(detail: Mapping[str, Any]) -> EarlierAcknowledgement | None:
    """Return what an acknowledgement replaced, from its entry in the audit log; None if nothing."""
    before = detail.get("before")
    if before is None:
        return None
    return EarlierAcknowledgement(
        before["wave"], before["by"], datetime.fromisoformat(before["at"]), before["note"]
    )


@dataclass(frozen=True, slots=True)
class AccountsBack:
    """What readings showed of the accounts and posts of an incident."""

    accounts: int = 0
    back: int = 0
    """How many a reading showed back, the last time that one was conclusive."""
    is_resolved: bool = False
    """All are back, and at least one was away. False also if one was purged: it is not known to be back."""
    at: datetime | None = None
    """The first reading that showed the last of them back. None: not all are."""
    posts: int = 0
    """How many of `accounts` are posts."""

    @property
    def count(self) -> TargetCount:
        return TargetCount(self.accounts - self.posts, self.posts)


@dataclass(frozen=True, slots=True)
class IncidentWork:
    """What decides the state of an incident, and what people may change about it."""

    story_id: int
    story_key: str
    revision: int
    """Rises with each change by people, and with each group of changes that is sent at once."""
    wave: int
    """The newest group that was sent at once; 0: none was."""
    acknowledged_wave: int = 0
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_note: str = ""
    owner: Assignee | None = None
    owned_since: datetime | None = None
    due_at: datetime | None = None
    note: HandoverNote | None = None
    closing: IncidentClosing | None = None
    """Kept when a later group opens the incident again."""
    accounts: AccountsBack = AccountsBack()

    @property
    def is_acknowledged(self) -> bool:
        """Whether somebody has acknowledged its newest group."""
        return self.acknowledged_at is not None and self.acknowledged_wave >= self.wave

    @property
    def state(self) -> IncidentState:
        if self.closing is not None and self.closing.wave >= self.wave:
            return IncidentState.CLOSED
        if self.accounts.is_resolved:
            return IncidentState.RESOLVED
        if self.is_acknowledged:
            return IncidentState.ACKNOWLEDGED
        return IncidentState.OPEN

    @property
    def is_assigned(self) -> bool:
        """Whether somebody has it who may log in."""
        return self.owner is not None and self.owner.may_log_in

    @property
    def is_waiting(self) -> bool:
        """Whether nobody has acknowledged or taken it yet: reminders and escalation are sent."""
        return self.state is IncidentState.OPEN and not self.is_assigned


@dataclass(frozen=True, slots=True)
class IncidentEdit:
    """What a person changes about an incident. None means that it stays; NONE takes it away."""

    owner: Assignee | str | None = None
    due_at: datetime | str | None = None
    note: str | None = None
    acknowledge: str | None = None
    """The note of an acknowledgement, which may be empty."""
    undo_acknowledgement: bool = False
    """The incident is as if its newest group had not been acknowledged: it waits for somebody again."""
    close: str | None = None
    """The reason."""
    reopen: bool = False


Detail = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class DecidedEdit:
    """What an edit makes of an incident."""

    after: IncidentWork
    acts: tuple[tuple[str, Detail], ...]
    """Action and detail of each entry for the audit log; empty: the edit changes nothing."""


def decide_edit(
    was: IncidentWork,
    edit: IncidentEdit,
    actor: str,
    now: datetime,
    earlier: EarlierAcknowledgement | None = None,
) -> DecidedEdit:
    """Return what an edit makes of an incident. Raises IncidentFault for what cannot be done.

    `earlier` is what the newest acknowledgement replaced, and what is left if that is undone. All changes of
    state that people make are decided here.
    """
    acts: list[tuple[str, Detail]] = []
    after = was
    if edit.reopen:
        if edit.close is not None:
            raise IncidentFault("Close the incident or reopen it, not both.", "reopen")
        if after.state is not IncidentState.CLOSED or after.closing is None:
            raise IncidentFault("The incident is not closed.", "reopen")
        acts.append((IncidentAct.REOPENED, {"closed_by": after.closing.by, "reason": after.closing.reason}))
        after = replace(after, closing=None)
    if after.state is IncidentState.CLOSED and (edit.owner is not None or edit.due_at is not None):
        raise IncidentFault("The incident is closed. Reopen it first.")
    after = _assigned(after, edit.owner, acts, now)
    after = _due(after, edit.due_at, acts, now)
    if edit.note is not None:
        note = HandoverNote(_text(edit.note, "The note", "note"), now, actor)
        acts.append((IncidentAct.NOTED, {"note": note.text}))
        after = replace(after, note=note)
    if edit.undo_acknowledgement:
        after = _acknowledgement_undone(after, edit, earlier, acts)
    if edit.acknowledge is not None and not after.is_acknowledged:
        acts.append((IncidentAct.ACKNOWLEDGED, _acknowledgement(after, edit.acknowledge)))
        after = replace(
            after,
            acknowledged_wave=after.wave,
            acknowledged_by=actor,
            acknowledged_at=now,
            acknowledged_note=edit.acknowledge,
        )
    if edit.close is not None:
        if after.state is IncidentState.CLOSED:
            raise IncidentFault("The incident is already closed.", "close")
        closing = IncidentClosing(now, actor, _text(edit.close, "The reason", "close"), after.wave)
        acts.append((IncidentAct.CLOSED, {"reason": closing.reason, "wave": closing.wave}))
        after = replace(after, closing=closing)
    return DecidedEdit(replace(after, revision=after.revision + bool(acts)), tuple(acts))


def _acknowledgement(was: IncidentWork, note: str) -> Detail:
    detail: dict[str, Any] = {"wave": was.wave, "note": note}
    if was.acknowledged_at is not None:
        before = EarlierAcknowledgement(
            was.acknowledged_wave, was.acknowledged_by or "", was.acknowledged_at, was.acknowledged_note
        )
        detail["before"] = before.as_detail()
    return detail


def _acknowledgement_undone(
    was: IncidentWork,
    edit: IncidentEdit,
    earlier: EarlierAcknowledgement | None,
    acts: list[tuple[str, Detail]],
) -> IncidentWork:
    if edit.acknowledge is not None:
        raise IncidentFault("Acknowledge the incident or undo that, not both.")
    if not was.is_acknowledged:
        raise IncidentFault("Nobody has acknowledged the newest group of this incident.")
    undone = {"wave": was.acknowledged_wave, "acknowledged_by": was.acknowledged_by}
    acts.append((IncidentAct.ACKNOWLEDGEMENT_UNDONE, undone))
    return replace(
        was,
        acknowledged_wave=0 if earlier is None else earlier.wave,
        acknowledged_by=None if earlier is None else earlier.by,
        acknowledged_at=None if earlier is None else earlier.at,
        acknowledged_note="" if earlier is None else earlier.note,
    )


def act_words(action: str, detail: Detail) -> str:
    """An entry of the audit log about an incident, as a sentence goes on after the name of who acted."""
    match action:
        case IncidentAct.ASSIGNED:
            before = detail.get("before")
            return f"assigned it to {_name(detail['to'])}" + (
                f"; {_name(before)} had it before" if before else ""
            )
        case IncidentAct.UNASSIGNED:
            return f"unassigned it; {_name(detail['before'])} had it before"
        case IncidentAct.DUE:
            due = detail.get("due_at")
            return f"set the due time to {_stamp(due)}" if due else "removed the due time"
        case IncidentAct.NOTED:
            return f"wrote a note: {_quoted(detail['note'])}"
        case IncidentAct.ACKNOWLEDGED:
            return "acknowledged it" + (f": {_quoted(detail['note'])}" if detail.get("note") else "")
        case IncidentAct.ACKNOWLEDGEMENT_UNDONE:
            return f"undid the acknowledgement of {_name(detail['acknowledged_by'])}"
        case IncidentAct.CLOSED:
            return f"closed it: {_quoted(detail['reason'])}"
        case IncidentAct.REOPENED:
            return "reopened it"
        case _:
            return clean(action, 100)


def _name(login: str) -> str:
    return clean(login, 100)


def _stamp(iso: str) -> str:
    at = datetime.fromisoformat(iso)
    return f"{at.day} {at:%b %Y, %H:%M} UTC"


def _quoted(text: str) -> str:
    return f"“{clean(text, LONGEST_NOTE)}”"


def _assigned(
    was: IncidentWork, owner: Assignee | str | None, acts: list[tuple[str, Detail]], now: datetime
) -> IncidentWork:
    before = None if was.owner is None else was.owner.login
    if isinstance(owner, Assignee):
        if not owner.may_log_in:
            raise IncidentFault(f"{clean(owner.login, 100)} is disabled and cannot log in.", "owner")
        if not owner.may_work:
            raise IncidentFault(
                f"{clean(owner.login, 100)} is a viewer. Incidents are assigned to analysts and admins.",
                "owner",
            )
        if was.owner is not None and was.owner.person_id == owner.person_id:
            return was
        acts.append((IncidentAct.ASSIGNED, {"to": owner.login, "before": before}))
        return replace(was, owner=owner, owned_since=now)
    if owner is None or was.owner is None:
        return was
    acts.append((IncidentAct.UNASSIGNED, {"before": before}))
    return replace(was, owner=None, owned_since=None)


def _due(
    was: IncidentWork, due: datetime | str | None, acts: list[tuple[str, Detail]], now: datetime
) -> IncidentWork:
    if due is None:
        return was
    at = due if isinstance(due, datetime) else None
    if at == was.due_at:
        return was
    if at is not None and at <= now:
        raise IncidentFault(f"The due time {at:%Y-%m-%d %H:%M} UTC is in the past.", "due_at")
    acts.append((IncidentAct.DUE, {"due_at": None if at is None else at.isoformat()}))
    return replace(was, due_at=at)


def _text(text: str, what: str, field: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise IncidentFault(f"{what} is empty.", field)
    if len(text) > LONGEST_NOTE:
        raise IncidentFault(f"{what} has {len(text):,} characters; the limit is {LONGEST_NOTE:,}.", field)
    if "\0" in text:
        raise IncidentFault(f"{what} contains a character that is not allowed.", field)
    return text
