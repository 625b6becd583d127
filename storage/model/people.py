"""Who acts on the dashboard, and how much he may do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do. Each role includes those before it."""

    VIEWER = "viewer"
    """Look, and nothing else."""
    ANALYST = "analyst"
    """Acknowledge, mute and send again."""
    ADMIN = "admin"
    """Change rules and plan maintenance."""

    def includes(self, other: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


@dataclass(frozen=True, slots=True)
class Actor:
    name: str
    """As the audit log names whoever acts."""
    role: Role
