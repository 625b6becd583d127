"""What whoever reaches the dashboard may do: decided here, and asked by every write."""

from dashboard.settings import DashboardSettings
from storage.model.people import Actor, Role

ACKNOWLEDGE = MUTE = RESEND = Role.ANALYST
RULES = MAINTENANCE = Role.ADMIN

NAME = "dashboard"
"""Who acts, in the audit log, as long as there is no login."""


class Forbidden(Exception):
    """The actor's role does not reach. The message is one sentence."""


def actor_of(settings: DashboardSettings) -> Actor:
    return Actor(NAME, settings.role)


def require(actor: Actor, role: Role) -> None:
    """Raise Forbidden when the actor may not do what takes this role."""
    if not actor.role.includes(role):
        raise Forbidden(f"This takes the role of {role.value}, and you have that of {actor.role.value}.")
