"""A browser's side of the push, without a browser: the messages that Dash's renderer sends and answers."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp


@asynccontextmanager
async def following(
    session: aiohttp.ClientSession, base: str, headers: Mapping[str, str] = {}
) -> AsyncGenerator["Following"]:
    """An open page's websocket on the dashboard at `base`, its callback for news started."""
    async with session.get(f"{base}/_dash-dependencies", headers=headers) as answer:
        callbacks = await answer.json()
    (push,) = [c for c in callbacks if c.get("persistent")]
    address = f"{base}/_dash-ws-callback"
    async with session.ws_connect(address, headers={"Origin": base, **headers}) as socket:
        request: dict[str, Any] = {
            "output": push["output"],
            "outputs": [],
            "inputs": [],
            "changedPropIds": [],
            "state": [],
        }
        await socket.send_json(
            {"type": "callback_request", "rendererId": "r1", "requestId": "1", "payload": request}
        )
        yield Following(socket)


class Following:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def messages(self) -> AsyncIterator[Any]:
        """Until the websocket is closed; questions are answered."""
        async for frame in self.socket:
            if frame.type != aiohttp.WSMsgType.TEXT:
                continue
            body = json.loads(frame.data)
            for said in body if isinstance(body, list) else [body]:  # pyright: ignore[reportUnknownVariableType]
                if said["type"] == "set_props":
                    yield said["payload"]["props"]["data"]
                elif said["type"] == "get_props_request":
                    answer = {"type": "get_props_response", "rendererId": "r1", "payload": {"data": 1}}
                    await self.socket.send_json(answer | {"requestId": said["requestId"]})

    async def next_with(self, key: str) -> Any:
        async for message in self.messages():
            if key in message:
                return message
        raise EOFError("the websocket was closed")
