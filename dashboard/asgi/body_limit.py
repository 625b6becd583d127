"""Limits on the size of a request body and on the time that it takes to arrive: a pure-ASGI wrapper."""

import asyncio
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOWHERE: Mapping[str, int] = MappingProxyType({})
BODY_WITHIN_S: Final = 20.0
BYTES_PER_S: Final = 4_000
"""Each received byte extends the deadline, so that a slow line is accepted and a silent client is not."""

CLOSE: Final = {"connection": "close"}
"""Closes the connection, because the rest of the body would still arrive on it."""


class BodyLimitMiddleware:
    """Wraps an ASGI app. `elsewhere`: paths that have a limit of their own; `*` in one is a number."""

    def __init__(
        self,
        app: ASGIApp,
        largest: int,
        elsewhere: Mapping[str, int] = NOWHERE,
        within_s: float = BODY_WITHIN_S,
    ) -> None:
        self._app = app
        self._largest = largest
        self._elsewhere = [
            (re.compile(re.escape(path).replace(r"\*", "[0-9]+")), most) for path, most in elsewhere.items()
        ]
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held, is_whole = 0, False
        path: str = scope["path"]
        largest = next((most for known, most in self._elsewhere if known.fullmatch(path)), self._largest)
        began = asyncio.get_running_loop().time()

        # FastAPI passes an HTTPException on. It would report any other exception as invalid JSON.
        async def receive_some() -> Message:
            nonlocal held, is_whole
            if is_whole:
                return await receive()  # waits for the disconnect, without a limit
            try:
                async with asyncio.timeout_at(began + self._within_s + held / BYTES_PER_S):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "The request body did not arrive in time.", CLOSE) from None
            held += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if held > largest:
                raise HTTPException(413, f"The request body is larger than {largest:,} bytes.", CLOSE)
            return message

        await self._app(scope, receive_some, send)
