"""What one request to a platform asks, as any machine can be told to make it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.model.core.accounts import Platform


def source_name(platform: Platform, vantage: str = "") -> str:
    """What is read, and from where: `bluesky`, or `bluesky from tr`. A machine answers for some of these."""
    return f"{platform.value} from {vantage}" if vantage else platform.value


def source_parts(name: str) -> tuple[Platform, str]:
    """The platform and the vantage of a source. Raises ValueError for one that this version does not know."""
    platform, _, vantage = name.partition(" from ")
    return Platform(platform), vantage


OTHER_ADDRESS = "other_address"
"""Why a machine leaves a source to others whose settings name another address for it."""


@dataclass(frozen=True, slots=True)
class Question:
    """Ask a platform about the accounts of one roster."""

    platform: Platform
    vantage: str
    place: str
    """Which server answers for the accounts; see `collectors.core.collector.Collector.place`."""
    roster_id: int
    slot: datetime
    attempt: int
    native_ids: tuple[str, ...]
    """Whom to ask for, control accounts last."""
    urgent: bool
    """Somebody or something waits for the answer: before everything that is read in its turn."""
    base_url: str | None = None
    """What the process that plans asks, see `collectors.core.collector.Collector.base_url`. None: its
    version does not say.
    """

    withheld_in: Mapping[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])
    """By native id the countries in which accounts are held to be withheld: that one of them was lifted needs
    evidence.
    """

    @property
    def source(self) -> str:
        return source_name(self.platform, self.vantage)

    @property
    def key(self) -> str:
        """The same for every repeat of the question, so that its answer is recorded once."""
        return f"{self.roster_id} {self.slot.isoformat()} {self.attempt}"
