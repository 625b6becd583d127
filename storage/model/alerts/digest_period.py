"""What a digest says of the time that it tells of: who was watched, what was silent, what was kept back."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.alerts.alerts import AlertDecision
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import State


@dataclass(frozen=True, slots=True)
class RuleAccount:
    """A watched account or post that a rule is about, as known at one time."""

    account_id: AccountId
    platform: Platform
    added_at: datetime
    state: State | None
    """None: nothing was confirmed of it."""
    is_blocked: bool
    """By the platform: what its owner may as well have deleted is not."""
    last_read: datetime | None
    """Its newest conclusive answer; None when it never gave one."""
    is_post: bool = False


@dataclass(frozen=True, slots=True)
class UnsentChanges:
    """Changes that a rule was about and that nobody was told of."""

    decision: AlertDecision
    changes: int


@dataclass(frozen=True, slots=True)
class PlatformSilence:
    """A time in which no request of the regular sweep of a platform was answered."""

    platform: Platform
    since: datetime
    until: datetime

    @property
    def length(self) -> timedelta:
        return self.until - self.since


@dataclass(frozen=True, slots=True)
class PastCondition:
    """What was wrong with the monitor, as its operators were to be told."""

    sentence: str
    since: datetime
    ended_at: datetime | None
    """When it was noticed to be over; None when it was not, as far as the period goes."""
