"""The API as one application of its own, so that its document describes it and nothing else."""

from functools import cache, partial
from threading import Lock
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exception_handlers import http_exception_handler
from fastapi.openapi.utils import get_openapi
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute
from starlette.types import Receive, Scope, Send

from dashboard.api.account_edits import purge_routes, writing_routes
from dashboard.api.accounts import account_routes, reading_routes
from dashboard.api.alert_actions import alerting_routes
from dashboard.api.alert_rules import ruling_routes
from dashboard.api.alerts import alert_routes
from dashboard.api.causes import cause_routes, cause_writing_routes
from dashboard.api.changes import change_routes
from dashboard.api.countries import label_routes, network_routes
from dashboard.api.exports import export_routes, file_routes
from dashboard.api.health import health_routes
from dashboard.api.idempotency import METHODS, PARAMETER, IdempotencyMiddleware
from dashboard.api.list_edits import list_writing_routes, threshold_routes
from dashboard.api.lists_and_executives import watching_routes
from dashboard.api.name_checks import name_routes
from dashboard.api.order_edits import (
    DOCUMENTS,
    order_document_routes,
    order_name_routes,
    order_writing_routes,
)
from dashboard.api.orders import order_routes
from dashboard.api.problem_responses import (
    CONFLICT,
    NOTHING_HERE,
    Problem,
    problem,
    refuse_as_problems,
)
from dashboard.api.request_checks import LARGEST, ApiContext
from dashboard.api.stories import written_editing_routes, written_routes
from dashboard.asgi.body_limit import BodyLimitMiddleware
from dashboard.asgi.problem_json import API, is_api
from storage.orders.order_edits import LARGEST_DOCUMENT

ABOUT = """
What Blockline watches and what it saw, for programs. It never says more than it saw. Unknown values are null.
A change happened between two readings, and both times are given. An account that is missing from an answer is
not necessarily available. Times are ISO 8601 in UTC; fields for durations name their unit.

`next` in the body and the header `Link` give the address of the next page. Every answer has a strong `ETag`;
with `If-None-Match`, an unchanged answer is 304. Errors are problem documents (RFC 9457).
"""
LARGER = {f"{API}{DOCUMENTS}": LARGEST_DOCUMENT}
"""Bytes of what is sent to addresses that take more than others."""
_NOT_CHANGED = {"description": "Not changed: `If-None-Match` names the tag of this answer."}


def api_v1(source: ApiContext) -> FastAPI:
    """To be mounted behind the authentication middleware."""
    api = FastAPI(
        title="Blockline",
        version="1",
        description=ABOUT,
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    for routes in (
        account_routes,
        change_routes,
        reading_routes,
        order_routes,
        order_writing_routes,
        order_name_routes,
        order_document_routes,
        cause_routes,
        cause_writing_routes,
        watching_routes,
        network_routes,
        label_routes,
        alert_routes,
        health_routes,
        export_routes,
        file_routes,
        writing_routes,
        purge_routes,
        name_routes,
        list_writing_routes,
        threshold_routes,
        alerting_routes,
        ruling_routes,
        written_routes,
        written_editing_routes,
    ):
        # The router gave each route all that it needs. `include_router` would analyse each of them again.
        api.router.routes.extend(routes(source).routes)
    refuse_as_problems(api)
    api.add_middleware(IdempotencyMiddleware, pool=source.pool, clock=source.clock)
    api.add_middleware(BodyLimitMiddleware, largest=LARGEST, elsewhere=LARGER)
    making = Lock()

    def document() -> dict[str, Any]:
        with making:  # the first requests ask for it at once, each in a thread
            return _document(api)

    api.openapi = document
    return api


class ApiAtFirstRequest:
    """The API, made when it is needed: its models take longer than the rest of the dashboard together."""

    def __init__(self, source: ApiContext) -> None:
        self._api = cache(partial(api_v1, source))

    @property
    def routes(self) -> list[BaseRoute]:
        """What it serves."""
        return self._api().routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._api()(scope, receive, send)


def mount(server: FastAPI, source: ApiContext) -> None:
    """Put the API at its address. What no route of it can match, such as a line end, is refused alike."""
    server.mount(API, ApiAtFirstRequest(source))

    @server.exception_handler(HTTPException)
    async def unmatched(request: Request, error: HTTPException) -> Response:
        if is_api(request.url.path):
            return problem(error.status_code, NOTHING_HERE)
        return await http_exception_handler(request, error)


def _document(api: FastAPI) -> dict[str, Any]:
    """The OpenAPI document: FastAPI's, with how a program logs in, and when an answer is not sent again."""
    if api.openapi_schema is None:
        document = get_openapi(
            title=api.title,
            version=api.version,
            description=api.description,
            routes=api.routes,
            servers=[{"url": API}],
        )
        parts = document["components"]
        parts["schemas"].update(_problem_schemas())
        parts["securitySchemes"] = {
            "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "A token made with `blockline tokens add`.",
            }
        }
        document["security"] = [{"token": []}]
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                _complete(path, method, operation)
        api.openapi_schema = document
    return api.openapi_schema


def _problem_schemas() -> dict[str, Any]:
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    return {**schema.pop("$defs"), "Problem": schema}


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Said of every operation alike, so that no route has to."""
    responses = operation["responses"]
    if method == "get" and not path.startswith("/export/"):
        responses["304"] = _NOT_CHANGED
        responses["200"]["headers"] = {
            "ETag": {"description": "Strong tag of this answer.", "schema": {"type": "string"}}
        }
    if method.upper() in METHODS:
        operation.setdefault("parameters", []).append(PARAMETER)
        responses.setdefault("409", CONFLICT[409])
    if "requestBody" in operation:
        responses["413"] = {**responses["422"], "description": "The request body is too large."}
