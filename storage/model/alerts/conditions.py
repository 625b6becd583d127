"""The monitor's own troubles: what is known of how it works, and what of that its operators are told."""

from dataclasses import dataclass
from datetime import datetime
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
    LABELS_UNHEARD = "labels_unheard"
    """The stream of a labeler is not connected."""
    LABELS_MISSING = "labels_missing"
    """The stream of a labeler had a gap, and its list was not read whole since."""
    LABELS_REFUSED = "labels_refused"
    """A labeler sent labels that it is not known to have signed."""
    NETWORKS_UNREAD = "networks_unread"
    """OONI did not answer for days."""
    RULES_UNREADABLE = "rules_unreadable"
    """Alert rules are on file that cannot be read: nobody is told by them."""
    DATABASE_UNUSABLE = "database_unusable"
    """The database cannot be reached or takes no writes. Only emailed: it cannot be stored."""


ABOUT_MAILS = frozenset(
    {ConditionKind.OUTBOX_STUCK, ConditionKind.DEAD_LETTERS, ConditionKind.RULES_UNREADABLE}
)
"""They keep nobody from being read."""


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
class UnreadableRule:
    """A rule on file that this version or this machine does not understand: it tells nobody."""

    name: str
    from_settings: bool
    why: str
    """One clause."""
