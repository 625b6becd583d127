"""Idempotency-Key: a request that is sent again with its key gets the first answer, and writes nothing more.

A pure-ASGI wrapper around the API, within the limit on the size of a request. Only answers of requests that
were done are kept: one that was refused wrote nothing, and its key can be used again.
"""

import re
from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from typing import Any

from fastapi import Request
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dashboard.api.problem_responses import RETRY_AFTER_S, problem
from dashboard.auth import access
from storage.people.api_answers import KeptAnswer, RequestKey, begin_request, keep_answer, release_key
from storage.postgres.pool import Pool, StorageError, transaction

HEADER = "Idempotency-Key"
METHODS = frozenset({"POST", "PATCH"})
"""PUT and DELETE can be repeated without a key: that leaves what one of them leaves."""
LONGEST_KEY = 200
_KEY = re.compile(r"[\x21-\x7e]{1,200}")
REPEATED = "Idempotent-Replayed"
"""Header of an answer that is given again."""

PARAMETER: dict[str, Any] = {
    "name": HEADER,
    "in": "header",
    "required": False,
    "description": "Any text. For a day, the same request with the same key gets the first answer again.",
    "schema": {
        "type": "string",
        "minLength": 1,
        "maxLength": LONGEST_KEY,
        "pattern": "^[\\x21-\\x7e]+$",
        "examples": ["order-2021-02-04-1"],
    },
}
"""For the OpenAPI document."""


class IdempotencyMiddleware:
    """Wraps the API's ASGI app. It looks at each POST and PATCH with the header."""

    def __init__(self, app: ASGIApp, pool: Pool, clock: Callable[[], datetime]) -> None:
        self._app = app
        self._pool = pool
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Request(scope).headers.get(HEADER) if scope["type"] == "http" else None
        if given is None or scope["method"] not in METHODS:
            await self._app(scope, receive, send)
            return
        try:
            answer = await self._answer(given, Request(scope, receive))
        except HTTPException as error:  # the body is too large or too slow
            answer = problem(error.status_code, str(error.detail), headers=error.headers)
        except StorageError as error:
            answer = problem(503, str(error), headers={"Retry-After": RETRY_AFTER_S})
        await answer(scope, receive, send)

    async def _answer(self, given: str, request: Request) -> Response:
        if not _KEY.fullmatch(given):
            message = f"The key must have 1 to {LONGEST_KEY} visible ASCII characters, without spaces."
            return problem(
                422, f"header.{HEADER}: {message}", [{"where": f"header.{HEADER}", "message": message}]
            )
        body = await request.body()
        key = RequestKey(access.actor_of(request).name, request.url.path, given)
        said = f"{request.method} {request.url.query}\n".encode()
        digest = sha256(said + body).digest()
        async with transaction(self._pool) as conn:
            kept = await begin_request(conn, key, digest, self._clock())
        if kept is not None:
            return _again(kept, digest)
        answer = await self._first(request.scope, body)
        async with transaction(self._pool) as conn:
            if 200 <= answer.status_code < 300:
                await keep_answer(
                    conn, key, answer.status_code, answer.headers.get("content-type", ""), bytes(answer.body)
                )
            else:
                await release_key(conn, key)
        return answer

    async def _first(self, scope: Scope, body: bytes) -> Response:
        """The API's answer, in one piece."""
        start: Message = {}
        parts: list[bytes] = []
        is_read = False

        async def receive() -> Message:
            nonlocal is_read
            if is_read:
                return {"type": "http.disconnect"}
            is_read = True
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                parts.append(message.get("body", b""))

        await self._app(scope, receive, send)
        answer = Response(b"".join(parts), status_code=start["status"])
        answer.raw_headers = list(start["headers"])
        return answer


def _again(kept: KeptAnswer, digest: bytes) -> Response:
    if kept.digest != digest:
        message = "This key was used for another request within the last day. Use another key."
        return problem(
            422, f"header.{HEADER}: {message}", [{"where": f"header.{HEADER}", "message": message}]
        )
    if kept.status is None:
        return problem(
            409,
            "The first request with this key has no answer yet. Look at what is stored before you send it "
            "again with another key.",
        )
    return Response(
        kept.body, status_code=kept.status, media_type=kept.media_type or None, headers={REPEATED: "true"}
    )
