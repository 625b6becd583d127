"""The monitor's own troubles: what is known of how it works, and what of that its operators are told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.alerts.alerts import MailState
from storage.model.core.accounts import Platform


class ConditionKind(StrEnum):
    """Stored and shown. None of them says anything about an account."""

    CREDENTIALS_OR_CREDITS = "credentials_or_credits"
    """The collector of a platform stopped for a reason that only a human mends."""
    CONTROL_ACCOUNTS_HELD = "control_accounts_held"
    """Answers come, and none is believed."""
    CONTROL_ACCOUNTS_RETIRED = "control_accounts_retired"
    """Control accounts of the settings look otherwise for good, and are not asked any more."""
    COLLECTOR_BLIND = "collector_blind"
    """Accounts of a platform are watched, and nothing conclusive was heard of any of them."""
    COVERAGE_LATE = "coverage_late"
    """Too many accounts of a platform were not read in time."""
    OUTBOX_STUCK = "outbox_stuck"
    """Mails wait that nobody writes, that nobody tries to send, or that no server takes."""
    DEAD_LETTERS = "dead_letters"
    """Mails were given up: nobody got them."""
    CLOCK_OFF = "clock_off"
    """A machine reads nothing, because its clock is not the database's."""
    REFUSED_ALONE = "refused_alone"
    """A platform refuses one machine for a reason that only a human mends; others do its work."""
    OTHER_ADDRESS = "other_address"
    """A machine is set to ask another address than the process that plans; others do its work."""
    REQUESTS_HELD = "requests_held"
    """Machines failed at requests by a fault of ours."""
    QUEUE_STUCK = "queue_stuck"
    """Requests to a platform wait for a machine, and none takes them."""
    PLANNER_UNHEARD = "planner_unheard"
    """The process that plans a platform holds the planning and does not report itself any more."""
    RULES_UNREADABLE = "rules_unreadable"
    """Alert rules are on file that cannot be read: nobody is told by them."""


@dataclass(frozen=True, slots=True)
class ConditionKey:
    """What makes a trouble the same one as before. There is at most one open condition of a key."""

    kind: ConditionKind
    platform: Platform | None = None
    """None: of the whole monitor."""
    place: str = ""
    vantage: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """A trouble in words. The sentences have no full stop at the end."""

    key: ConditionKey
    since: datetime
    """The earliest time from which what was stored shows it."""
    sentence: str
    detail: str
    """What was said about it by whoever refused; empty when nothing was."""
    to_do: str


@dataclass(frozen=True, slots=True)
class KnownCondition:
    """A condition as it is on record."""

    condition_id: int
    condition: Condition
    opened_at: datetime
    """When it was first noticed."""
    told_at: datetime | None
    """When a mail about it was last queued; None while none was."""
    mail_id: int | None
    """One of these mails: each operator gets one of his own."""
    mail_state: MailState | None
    ended_at: datetime | None
    """When it was first noticed to be over."""
    end_sentence: str
    """How things stood then."""


@dataclass(frozen=True, slots=True)
class CollectorStatus:
    """One collector at one place, from one vantage."""

    platform: Platform
    place: str
    vantage: str
    healthy: bool
    reason: str | None
    detail: str
    since: datetime | None
    held_since: datetime | None
    """The first answer that was not believed since the last one that was; None when there is none."""
    last_answered_at: datetime | None
    doubted: tuple[str, ...] = ()
    """Handles of control accounts that look otherwise than they should."""


@dataclass(frozen=True, slots=True)
class RetiredControls:
    """Control accounts that the settings name and that are not asked any more, of one place."""

    platform: Platform
    place: str
    handles: tuple[str, ...]
    since: datetime
    """When the first of them was retired."""


@dataclass(frozen=True, slots=True)
class PlatformCoverage:
    """How well a platform is read from the installation's own connection. Control accounts do not count."""

    platform: Platform
    watched: int
    """Accounts on the watch. There may be none where only executives are read."""
    heard: int
    """Those of them that gave a conclusive answer in the time that is looked at."""
    due: int
    """Those of them that were there already when that time began."""
    due_heard: int
    first_due_at: datetime | None
    """When the first of the due ones was added."""
    last_answer_at: datetime | None
    """The newest conclusive answer of the sweep. It is only looked for where `heard` is 0."""


@dataclass(frozen=True, slots=True)
class UndeliveredMails:
    """Some mails that did not reach anybody; with none of them there is no time either."""

    count: int = 0
    since: datetime | None = None
    error: str | None = None
    """What was said about one of them."""


@dataclass(frozen=True, slots=True)
class WrongClock:
    """A process that reads nothing, since what it would read could not be dated."""

    name: str
    off: timedelta
    """How far its clock is ahead of the database's."""
    heard_at: datetime
    """When it last said so."""


@dataclass(frozen=True, slots=True)
class RefusedAlone:
    """A process that leaves a platform to others, for a reason of its own: most often it is refused."""

    name: str
    platform: Platform
    vantage: str
    reason: str
    detail: str
    heard_at: datetime
    """When the process last said so."""


@dataclass(frozen=True, slots=True)
class HeldRequests:
    """Requests at which a machine failed by a fault of ours; with none of them there is no time either."""

    count: int = 0
    since: datetime | None = None
    said: str = ""
    """What went wrong at the oldest."""


@dataclass(frozen=True, slots=True)
class PlannedBy:
    """The process that alone plans the reading of a platform."""

    platform: Platform
    name: str
    heard_at: datetime | None
    """When it last reported itself; None: no report of it is on record."""


@dataclass(frozen=True, slots=True)
class Untaken:
    """Requests of one source that wait for a machine for long, though any could take them."""

    platform: Platform
    vantage: str
    count: int
    since: datetime
    """Since when the first of them could have been taken."""
    is_planned: bool
    """Whether a process plans what is read there, and so waits for them."""
    readers: int
    """Processes that read the source and were heard of lately."""
    takers: int
    """Those of them that neither pause nor have a clock that is off."""


@dataclass(frozen=True, slots=True)
class UnreadableRule:
    """A rule on file that this version or this machine does not understand: it tells nobody."""

    name: str
    from_settings: bool
    why: str
    """One clause."""


@dataclass(frozen=True, slots=True)
class ConditionFacts:
    """What conditions are decided from."""

    sources: tuple[CollectorStatus, ...]
    coverage: tuple[PlatformCoverage, ...]
    untold: UndeliveredMails
    """Alerts whose time has come and of which no mail was written; since the first of them was recorded."""
    untried: UndeliveredMails
    """Queued ones whose time has come and which nobody tries; since the first of these times."""
    refused: UndeliveredMails
    """Queued ones that are not taken, for long; since the first of them was written."""
    given_up: UndeliveredMails
    """Those of the last day; since that of the first of them was noticed."""
    unreadable: tuple[UnreadableRule, ...] = ()
    """The enabled ones."""
    clocks: tuple[WrongClock, ...] = ()
    refused_alone: tuple[RefusedAlone, ...] = ()
    planned: tuple[PlannedBy, ...] = ()
    held: HeldRequests = HeldRequests()
    untaken: tuple[Untaken, ...] = ()
    retired: tuple[RetiredControls, ...] = ()
