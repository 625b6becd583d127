"""What the dashboard has to be told: it reads no environment and no clock by itself."""

from dataclasses import dataclass
from datetime import timedelta

from storage.model.people import Role

GAP_IN_SWEEPS = 2.5
"""Two readings further apart than so many sweeps leave a gap: nobody looked in between."""


@dataclass(frozen=True, slots=True)
class DashboardSettings:
    title: str
    """Name of the monitor, in the browser's title."""
    subtitle: str
    """One line beside the headline: what is watched."""
    synthetic: bool
    """The data is an invented scenario: every view says so."""
    sweep_every: timedelta
    """How often every account is read: decides what is late."""
    allowed_origins: tuple[str, ...] = ()
    """Origins besides the dashboard's own that may open its websocket, e.g. of a proxy that rewrites Host."""
    role: Role = Role.ADMIN
    """What whoever reaches the dashboard may do, as long as there is no login."""

    @property
    def gap_after(self) -> timedelta:
        return self.sweep_every * GAP_IN_SWEEPS
