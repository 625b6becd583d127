"""Labels of country labelers as an alert tells them: what began or ceased to be withheld."""

from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.labels import LabeledKind, LabelStep


@dataclass(frozen=True, slots=True)
class LabelNews:
    """A labeler begins or ceases to attach a value by which it withholds."""

    label_id: int
    """The label that attaches, withdraws or expires."""
    step: LabelStep
    has_expired: bool
    """It was not withdrawn: it expired."""
    labeler: str
    platform: Platform
    country: str
    subject: str
    """The account or record, by the platform's own id."""
    kind: LabeledKind
    value: str
    stated_at: datetime
    """When that happened by the labeler's own time."""
    known_at: datetime
    """When it was received; an expiry is known when it comes."""
    account_id: AccountId | None
    """The account or post in this installation; None: there is none."""
    handle: str | None
    is_watched: bool
    tags: frozenset[str]
    followers: int | None
    is_executive: bool
    lists: frozenset[tuple[ListId, str]]
    """The lists that it is on, with their names."""
    orders: frozenset[str]
    """References of the orders to which these lists belong."""

    @property
    def news_key(self) -> str:
        """The same in every database that holds the label."""
        return f"{self.labeler} {self.subject} {self.value} {self.step} {self.stated_at.isoformat()}"
