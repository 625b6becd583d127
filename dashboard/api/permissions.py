"""Who may read and write over the API: asked by every route before anything else."""

from collections.abc import Callable

from fastapi import Request

from dashboard.auth import access
from storage.model.core.people import Actor, Role, Scope


def may_read(request: Request) -> Actor:
    """Raises Forbidden for a token that is for the feeds only."""
    actor = access.actor_of(request)
    access.require_scope(actor, Scope.READ)
    return actor


def may(role: Role) -> Callable[[Request], Actor]:
    """What a route that writes depends on. Raises Forbidden when the role or the token does not reach."""
    scope = Scope.ADMIN if role is Role.ADMIN else Scope.WRITE

    def allowed(request: Request) -> Actor:
        actor = access.actor_of(request)
        access.require_scope(actor, scope)
        access.require(actor, role)
        return actor

    return allowed
