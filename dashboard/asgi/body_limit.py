"""What a request may send, and how slowly: a pure-ASGI wrapper, so that nothing waits or holds more than it
allows.
"""

import asyncio
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOWHERE: Mapping[str, int] = MappingProxyType({})
BODY_WITHIN_S: Final = 20.0
BYTES_PER_S: Final = 4_000
"""What a body brings is allowed so much more time: a slow line is not refused, who sends nothing is."""

CLOSE: Final = {"connection": "close"}
"""The rest of the body would come on the same connection."""


class BodyLimitMiddleware:
    """Wraps an ASGI app. `elsewhere`: paths that have a limit of their own."""

    def __init__(
        self,
        app: ASGIApp,
        largest: int,
        elsewhere: Mapping[str, int] = NOWHERE,
        within_s: float = BODY_WITHIN_S,
    ) -> None:
        self._app = app
        self._largest = largest
        self._elsewhere = elsewhere
        self._within_s = within_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held, is_whole = 0, False
        largest = self._elsewhere.get(scope["path"], self._largest)
        began = asyncio.get_running_loop().time()

        async def receive_some() -> Message:
            nonlocal held, is_whole
            if is_whole:
                return await receive()  # that the client is gone, which may take for ever
            try:
                async with asyncio.timeout_at(began + self._within_s + held / BYTES_PER_S):
                    message = await receive()
            except TimeoutError:
                # FastAPI lets this one through where it reads a body, and tells any other as a fault of JSON.
                raise HTTPException(408, "The request body did not arrive in time.", CLOSE) from None
            held += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if held > largest:
                raise HTTPException(413, f"The request body is larger than {largest:,} bytes.", CLOSE)
            return message

        await self._app(scope, receive_some, send)
