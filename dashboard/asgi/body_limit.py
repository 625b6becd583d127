"""The limit on what a request may send: a pure-ASGI wrapper, so that nothing holds more than it allows."""

from collections.abc import Mapping
from types import MappingProxyType

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NOWHERE: Mapping[str, int] = MappingProxyType({})


class BodyLimitMiddleware:
    """Wraps an ASGI app. `elsewhere`: paths that have a limit of their own."""

    def __init__(self, app: ASGIApp, largest: int, elsewhere: Mapping[str, int] = NOWHERE) -> None:
        self._app = app
        self._largest = largest
        self._elsewhere = elsewhere

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held = 0
        largest = self._elsewhere.get(scope["path"], self._largest)

        async def receive_some() -> Message:
            nonlocal held
            message = await receive()
            held += len(message.get("body", b""))
            if held > largest:
                # FastAPI lets this one through where it reads a body, and tells any other as a fault of JSON.
                raise HTTPException(413, f"The request body is larger than {largest:,} bytes.")
            return message

        await self._app(scope, receive_some, send)
