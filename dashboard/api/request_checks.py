"""The checks of a request to the API, and what its answer is made from.

Every request is checked for who asks, how large it is and which fields it holds. A field that nobody reads is
refused: else a filter whose name is misspelt is left out without a word, and the answer taken for another.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Any, Protocol

from fastapi import APIRouter, Depends, Request
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from dashboard.accounts.threshold_trials import ThresholdTrials
from dashboard.alerts.rule_trials import RuleTrials
from dashboard.api.problem_responses import REFUSED, ApiInvalidField, ApiNotFound
from dashboard.asgi.file_maker import FileMaker
from dashboard.asgi.settings import DashboardSettings
from dashboard.auth import access
from storage.export.exports import list_names
from storage.model.core.people import Actor, Role, Scope
from storage.model.text.near_names import unknown_name
from storage.model.text.states import clean
from storage.postgres.pool import Conn, Pool

LARGEST = 1_000_000
"""Bytes of what is sent to the API: ten thousand account numbers, twice, with room to spare."""


class Trials(RuleTrials, ThresholdTrials, Protocol):
    """Tries what the API may be asked to try."""


@dataclass(frozen=True, slots=True)
class ApiContext:
    """Where the routes read, and whose clock they go by."""

    pool: Pool
    clock: Callable[[], datetime]
    settings: DashboardSettings
    trials: Trials
    """Tries alert rules and thresholds on what is stored."""
    files: FileMaker
    """Makes files to download."""
    base_url: str | None = None
    """The dashboard's address in files that leave it; None means that their readers cannot reach it."""


def past(at: datetime | None, name: str, now: datetime) -> datetime | None:
    """A moment that was asked for. Raises ApiInvalidField for one still to come."""
    if at is not None and at > now:
        raise ApiInvalidField(f"query.{name}", "This time is in the future.")
    return at


def ordered(since: datetime | None, until: datetime | None) -> None:
    """Raises ApiInvalidField when a range ends before it begins."""
    if since is not None and until is not None and until <= since:
        raise ApiInvalidField("query.to", "`to` must be later than `from`.")


async def refuse_unknown_list(conn: Conn, name: str | None) -> None:
    """Raises ApiNotFound with the nearest name, or those that there are: an empty answer would say that
    nobody is affected.
    """
    if name is not None and name not in (names := await list_names(conn)):
        raise ApiNotFound(unknown_name("list", name, names))


def api_router(prefix: str = "", tags: list[str | Enum] | None = None) -> APIRouter:
    """Return a router whose operations check the login and the query, and document what they refuse."""
    checks = [Depends(may_read), Depends(only_known())]
    return APIRouter(prefix=prefix, tags=tags, responses=REFUSED, dependencies=checks)


def only_known() -> Callable[[Request], None]:
    """Return the check that every route depends on. It raises ApiInvalidField for a query field that the
    operation does not have, or that is given several times although the operation takes it once.
    """
    fields_by_route: dict[tuple[str, str], Mapping[str, dict[str, Any]]] = {}

    def check(request: Request) -> None:
        if not request.query_params:
            return
        route, method = request.scope["route"], request.method.lower()
        at = route.path_format, method
        if at not in fields_by_route:
            fields_by_route[at] = _query_fields(route, method)
        known = fields_by_route[at]
        for name in request.query_params:
            if name not in known:
                takes = f"this address accepts: {', '.join(known)}" if known else "this address accepts none"
                raise ApiInvalidField(f"query.{clean(name)}", f"There is no such field; {takes}.")
            if len(request.query_params.getlist(name)) > 1 and not _takes_several(known[name]):
                raise ApiInvalidField(f"query.{name}", "This field may be given only once.")

    return check


def _query_fields(route: APIRoute, method: str) -> Mapping[str, dict[str, Any]]:
    """The schema of each field by its name, as the OpenAPI document has it.

    Of this route alone: the first request would wait half a second for the whole document.
    """
    paths: dict[str, Any] = get_openapi(title="", version="", routes=[route])["paths"]
    operation: dict[str, Any] = paths[route.path_format][method]
    return {p["name"]: p["schema"] for p in operation.get("parameters", ()) if p["in"] == "query"}


def _takes_several(schema: dict[str, Any]) -> bool:
    return any(one.get("type") == "array" for one in (schema, *schema.get("anyOf", ())))


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
