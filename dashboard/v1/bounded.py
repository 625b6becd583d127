"""No request is larger than anything that is needed: more is refused before it is held in memory."""

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LARGEST = 1_000_000
"""Bytes of what is sent to the API: ten thousand account numbers, twice, with room to spare."""


class Bounded:
    """Wraps an ASGI app."""

    def __init__(self, app: ASGIApp, largest: int = LARGEST) -> None:
        self._app = app
        self._largest = largest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        held = 0

        async def receive_some() -> Message:
            nonlocal held
            message = await receive()
            held += len(message.get("body", b""))
            if held > self._largest:
                # FastAPI lets this one through where it reads a body, and tells any other as a fault of JSON.
                raise HTTPException(413, f"What was sent is larger than {self._largest:,} bytes.")
            return message

        await self._app(scope, receive_some, send)
