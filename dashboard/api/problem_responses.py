"""How the API refuses: one sentence in a problem document, under the status that says who can mend it."""

from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict
from starlette.exceptions import HTTPException

from dashboard.asgi.file_maker import FileMakerBusy, FileNotMade
from dashboard.asgi.problem_json import MEDIA_TYPE, problem_bytes
from dashboard.auth.access import Forbidden
from storage.postgres.pool import Refused, StorageError


class FieldProblem(BaseModel):
    """What is wrong with one part of a request."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    where: str
    """`query`, `path` or `body`, with the name of the field after a dot."""
    message: str


class Problem(BaseModel):
    """Why a request was refused (RFC 9457). Nothing was written."""

    model_config = ConfigDict(
        use_attribute_docstrings=True,
        json_schema_extra={
            "examples": [
                {
                    "type": "about:blank",
                    "title": "Not Found",
                    "status": 404,
                    "detail": "There is no account 7.",
                }
            ]
        },
    )

    type: str
    """Always `about:blank`: the status says what kind of problem it is."""
    title: str
    """The words of the status."""
    status: int
    detail: str
    """One sentence for a person."""
    errors: list[FieldProblem] | None = None
    """With 422: each field that cannot be used."""


class ApiNotFound(Exception):
    """What the address names does not exist. The message is one sentence."""


class ApiInvalidField(Exception):
    """A part of a request cannot be used. The message is one sentence; `where` names the part."""

    def __init__(self, where: str, message: str) -> None:
        super().__init__(message)
        self.where = where


class ApiBusy(Exception):
    """It could be done a little later. The message is one sentence."""


RETRY_AFTER_S = "5"
MOST_ERRORS = 100
"""Faults that one answer names: a body can have hundreds of thousands."""
NOTHING_HERE = "There is nothing at this address; /api/v1/openapi.json lists what there is."


def problem(
    status: int,
    detail: str,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = problem_bytes(status, detail, errors)
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=dict(headers or {}))


def refuse_as_problems(api: FastAPI) -> None:
    """Make every refusal of the application a problem document."""

    @api.exception_handler(HTTPException)
    async def unmatched(_: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - what Starlette hands over
        detail = {
            404: NOTHING_HERE,
            405: "This address does not take that method.",
        }.get(error.status_code, str(error.detail))
        return problem(error.status_code, detail, headers=error.headers)

    @api.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - what FastAPI hands over
        errors = [_field(e) for e in error.errors()[:MOST_ERRORS]]
        first = errors[0]
        return problem(422, f"{first['where']}: {first['message']}", errors)

    @api.exception_handler(ApiInvalidField)
    async def unusable(_: Request, error: Exception) -> Response:
        where = getattr(error, "where", "")
        return problem(422, f"{where}: {error}", [{"where": where, "message": str(error)}])

    for kind, status in ((Forbidden, 403), (ApiNotFound, 404), (Refused, 409), (FileNotMade, 409)):
        api.add_exception_handler(kind, _sentence(status))
    for kind in (ApiBusy, FileMakerBusy, StorageError):
        api.add_exception_handler(kind, _sentence(503, {"Retry-After": RETRY_AFTER_S}))


def _sentence(status: int, headers: Mapping[str, str] | None = None) -> Any:
    async def refused(_: Request, error: Exception) -> Response:
        return problem(status, str(error), headers=headers)

    return refused


def _field(error: Mapping[str, Any]) -> dict[str, str]:
    """What pydantic found, without what was sent: it may be long, and it is known to who sent it."""
    if error["type"] == "json_invalid":
        return {"where": "body", "message": "This is not JSON."}
    place = [str(part) for part in error["loc"]]
    where = ".".join([place[0], *(p for p in place[1:] if p not in _OURS)]) if place else "request"
    message = _OF_PYTHON.get(error["type"], str(error["msg"]).removeprefix("Value error, "))
    return {"where": where, "message": message if message.endswith(".") else f"{message}."}


_OF_PYTHON = {"tuple_type": "This has to be a list."}
"""What pydantic says in words of Python, which a reader of JSON does not know."""
_OURS = frozenset({"function-after[storable(), str]", "function-plain[moment_of()]"})
"""Names of our own functions that pydantic puts into the place of a fault."""


def _documented(when: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {"description": when, "content": {MEDIA_TYPE: {"schema": schema}}}


REFUSED: dict[int | str, dict[str, Any]] = {
    400: _documented("The request cannot be read."),
    401: _documented("The request has neither a login nor a valid token."),
    403: _documented("The role or token does not allow this, or the request came from another origin."),
    421: _documented("The request was meant for another host."),
    422: _documented("A field is not valid. `errors` names it."),
    503: _documented("The database does not answer. `Retry-After` gives the seconds to wait."),
}
"""What every operation may answer."""
NOT_FOUND: dict[int | str, dict[str, Any]] = {404: _documented("What the address names does not exist.")}
CONFLICT: dict[int | str, dict[str, Any]] = {
    409: _documented(
        "The change conflicts with the stored data or with a change made meanwhile. Nothing was written."
    )
}
NOT_MADE: dict[int | str, dict[str, Any]] = {
    409: _documented("The file cannot be made. `detail` says why, and what to do.")
}
