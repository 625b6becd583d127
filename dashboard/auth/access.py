"""What whoever reaches the dashboard may do: decided here, and asked by every write.

`dashboard/auth/middleware.py` says with each request who it is, for as long as it is answered.
"""

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.requests import HTTPConnection

from storage.model.core.people import Actor, Role, Scope

ACKNOWLEDGE = MUTE = RESEND = REEVALUATE = FILM = STORIES = PACK_EVIDENCE = Role.ANALYST
RULES = MAINTENANCE = Role.ADMIN

NO_LOGIN_ACTOR = "dashboard"
"""Who acts, in the audit log, where there is no login."""
LOGIN_UNAVAILABLE = "The database does not answer, so nobody can log in now. Try again later."
"""To who is not let in yet: where it is and what it says is nobody else's business."""
NOBODY = Actor("nobody", Role.VIEWER)
"""Who acts where no request is answered."""

_acting: ContextVar[Actor] = ContextVar("acting", default=NOBODY)


class Forbidden(Exception):
    """The actor's role does not reach. The message is one sentence."""


def actor_of(request: HTTPConnection) -> Actor:
    """Who sent a request or opened a websocket."""
    return request.scope["state"]["actor"]


def acting() -> Actor:
    """The same where no request is at hand, as in Dash's callbacks, those of its websocket included."""
    return _acting.get()


@contextmanager
def acting_as(actor: Actor) -> Generator[None]:
    """Let `acting` answer with this one, here and in all tasks that are begun here."""
    token = _acting.set(actor)
    try:
        yield
    finally:
        _acting.reset(token)


def require(actor: Actor, role: Role) -> None:
    """Raise Forbidden when the actor may not do what takes this role."""
    if not actor.role.includes(role):
        raise Forbidden(f"This needs the role {role.value} or a higher one; your role is {actor.role.value}.")


def require_scope(actor: Actor, scope: Scope) -> None:
    """Raise Forbidden for a token that does not reach so far. Who came without one has only his role."""
    if actor.scope is not None and not actor.scope.includes(scope):
        raise Forbidden(
            f"This needs a token with the scope {scope.value} or a higher one; the scope of your token is "
            f"{actor.scope.value}."
        )
