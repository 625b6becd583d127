"""Who acts on the dashboard, and how much he may do."""

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do. Each role includes those before it."""

    VIEWER = "viewer"
    """Look, and nothing else."""
    ANALYST = "analyst"
    """Acknowledge, mute, send again, tag, and put accounts on lists."""
    ADMIN = "admin"
    """Change rules, plan maintenance, and say who may do what."""

    def includes(self, other: "Role") -> bool:
        ranks = list(Role)
        return ranks.index(self) >= ranks.index(other)


class Scope(StrEnum):
    """How far a program reaches with its token. Each scope includes those before it."""

    FEEDS = "feeds"
    """The feeds and the calendar, and nothing else."""
    READ = "read"
    """What a viewer sees."""
    WRITE = "write"
    """What an analyst may do."""
    ADMIN = "admin"
    """What an admin may do, but for people and tokens: those take a login."""

    def includes(self, other: "Scope") -> bool:
        ranks = list(Scope)
        return ranks.index(self) >= ranks.index(other)

    @property
    def role(self) -> Role:
        """The most that the scope allows of the role of its person."""
        return {Scope.WRITE: Role.ANALYST, Scope.ADMIN: Role.ADMIN}.get(self, Role.VIEWER)


@dataclass(frozen=True, slots=True)
class Actor:
    name: str
    """As the audit log names whoever acts."""
    role: Role
    """Of a token, the lesser of its scope and the role of its person."""
    person_id: int | None = None
    """None where there is no login."""
    session_id: int | None = None
    """Of the browser that is logged in. None where there is no login, and for a token."""
    scope: Scope | None = None
    """Of a token. None: no token, so that only the role counts."""
