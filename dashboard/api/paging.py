"""Paging: cursors, the address of the next page, and the answer for unchanged content.

A cursor belongs to one request and holds the key of the last item of a page. Keys never change. All pages
together contain each item at most once, and every item that existed at the start and still matches.
"""

import base64
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Generic, TypeVar, cast
from urllib.parse import quote, urlencode

from fastapi import Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict

from dashboard.api.parameter_types import LARGEST_ID, moment_of
from dashboard.api.problem_responses import ApiInvalidField

T = TypeVar("T", bound=BaseModel)
Row = TypeVar("Row")
Key = tuple[datetime, int]

BINARY = "application/octet-stream"
_WRONG = "This cursor does not belong to this request: use `next` of the previous page, or leave it out."


class Page(BaseModel, Generic[T]):
    """One page of items, and the address of the next."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    items: list[T]
    next: str | None
    """The address of the next page, also in the header `Link`; null on the last page."""


# Pydantic drops a generic type that nothing holds, and building it again walks all loaded modules.
_PAGE = Page[BaseModel]


def number_in(request: Request, cursor: str | None) -> int | None:
    """The number that a cursor holds; None without one. Raises ApiInvalidField."""
    if cursor is None:
        return None
    (number,) = _read(request, cursor, 1)
    return _number(number)


def key_in(request: Request, cursor: str | None) -> Key | None:
    """The time and number that a cursor holds; None without one. Raises ApiInvalidField."""
    if cursor is None:
        return None
    at, number = _read(request, cursor, 2)
    try:
        return moment_of(at), _number(number)
    except ValueError as error:
        raise ApiInvalidField("query.cursor", _WRONG) from error


def page(
    request: Request,
    rows: Sequence[Row],
    limit: int,
    item: Callable[[Row], BaseModel],
    key: Callable[[Row], int | Key],
) -> Response:
    """The answer for `rows`, which has one row more than `limit` if there is a next page."""
    shown = rows[:limit]
    following = None
    if len(rows) > limit:
        last = key(shown[-1])
        parts = [last] if isinstance(last, int) else [last[0].isoformat(), last[1]]
        following = _address(request, _write(request, parts))
    body = _PAGE(items=[item(row) for row in shown], next=following)
    return sent(request, body, {"Link": f'<{following}>; rel="next"'} if following else {})


def sent(request: Request, body: BaseModel, headers: dict[str, str] | None = None) -> Response:
    """The body with a strong ETag, or 304 if the client already has this content."""
    content = body.model_dump_json(by_alias=True, serialize_as_any=True).encode()
    return sent_as(request, content, "application/json", headers)


def sent_as(
    request: Request, content: bytes, media_type: str, headers: dict[str, str] | None = None
) -> Response:
    """The same for an answer that is not JSON."""
    tag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'
    all_headers = {**(headers or {}), "ETag": tag}
    # A compressing proxy turns our tag into a weak one for the same body.
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=all_headers)
    return Response(content, headers=all_headers, media_type=media_type)


def sent_file(request: Request, name: str, content: bytes) -> Response:
    """The same for a file that somebody attached. It is always bytes to save, so that the browser does not
    open it as a page of ours.
    """
    headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name, safe='')}"}
    return sent_as(request, content, BINARY, headers)


def _question(request: Request) -> str:
    """A hash of what a cursor belongs to: the path and the filters, in any order."""
    chosen = sorted((n, v) for n, v in request.query_params.multi_items() if n not in {"cursor", "limit"})
    return hashlib.sha256(json.dumps([request.url.path, chosen]).encode()).hexdigest()[:12]


def _address(request: Request, cursor: str) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
    return f"{request.url.path}?{urlencode([*kept, ('cursor', cursor)])}"


def _write(request: Request, parts: Sequence[str | int]) -> str:
    text = json.dumps([_question(request), *parts], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(request: Request, cursor: str, length: int) -> list[object]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        parts: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ApiInvalidField("query.cursor", _WRONG) from error
    if not isinstance(parts, list):
        raise ApiInvalidField("query.cursor", _WRONG)
    question, *keys = cast("list[object]", parts) or [None]
    if question != _question(request) or len(keys) != length:
        raise ApiInvalidField("query.cursor", _WRONG)
    return keys


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= LARGEST_ID:
        raise ApiInvalidField("query.cursor", _WRONG)
    return value
