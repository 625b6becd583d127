"""A program that uses the served API, for tests; and the state of every account as it tells it."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast

import aiohttp
from yarl import URL

from dashboard.asgi.problem_json import API
from dashboard.asgi.settings import DashboardSettings
from storage.accounts.paged_accounts import (
    AccountFilter,
    AccountRow,
    StateFilter,
    StateRow,
    accounts_page,
    states_page,
)
from storage.model.core.availability import State, Status
from storage.postgres.pool import Conn, Pool
from tests.support.servers.dashboard import SETTINGS, served


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    media_type: str
    headers: dict[str, str]
    """By names in small letters."""
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def items(self) -> list[dict[str, Any]]:
        return self.json["items"]

    @property
    def detail(self) -> str:
        """What a refusal says."""
        assert self.media_type == "application/problem+json"
        assert self.json["status"] == self.status
        return self.json["detail"]


def _several(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else [value]


@dataclass(frozen=True, slots=True)
class Api:
    """`token` goes with every request; without one it is as a page of the dashboard asks."""

    base: str
    session: aiohttp.ClientSession
    token: str | None = None

    async def get(self, path: str, headers: dict[str, str] | None = None, **query: Any) -> Answer:
        """`from_` stands for `from`; several values of a field are a list."""
        pairs = [
            (name.rstrip("_"), v.isoformat() if isinstance(v, datetime) else str(v))
            for name, value in query.items()
            for v in _several(value)
        ]
        return await self.send("GET", path, query=pairs, headers=headers)

    async def send(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: list[tuple[str, str]] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        who = {"Origin": self.base} if self.token is None else {"Authorization": f"Bearer {self.token}"}
        told = {**who, **({} if body is None else {"Content-Type": "application/json"})}
        where = path if path.startswith((API, "/metrics")) else API + path
        async with self.session.request(
            method,
            URL(self.base + where, encoded=True) if query is None else self.base + where,
            params=query,
            data=content,
            headers={**told, **(headers or {})},
        ) as response:
            return Answer(
                response.status,
                response.content_type,
                {name.lower(): value for name, value in response.headers.items()},
                await response.text(),
            )

    async def walk(self, path: str, limit: int, **query: Any) -> AsyncGenerator[list[dict[str, Any]]]:
        """Page by page."""
        answer = await self.get(path, limit=limit, **query)
        while True:
            assert answer.status == 200, answer.text
            yield answer.items
            if (following := answer.json["next"]) is None:
                assert "link" not in answer.headers
                return
            assert answer.headers["link"] == f'<{following}>; rel="next"'
            answer = await self.send("GET", following)


@asynccontextmanager
async def api_served(
    pool: Pool, dsn: str, now: datetime, settings: DashboardSettings = SETTINGS
) -> AsyncGenerator[Api]:
    async with served(pool, dsn, now, settings) as base, aiohttp.ClientSession() as session:
        yield Api(base, session)


def callback(output: str, component: str, value: object) -> dict[str, Any]:
    """What the browser sends so that a callback from property of `component` to `output` is called."""
    return {
        "output": ".".join(output.split()),
        "outputs": dict(zip(("id", "property"), output.split(), strict=True)),
        "inputs": [
            dict(zip(("id", "property", "value"), (*component.split(), value), strict=True)),
        ],
        "changedPropIds": [".".join(component.split())],
        "state": [],
    }


ALWAYS = datetime(9999, 1, 1, tzinfo=UTC)
"""At that time, as known at that time: all that is recorded."""


class AccountState(NamedTuple):
    """It began between `onset_after` (None: at any time before) and `since`."""

    state: State
    onset_after: datetime | None
    since: datetime


async def states_now(conn: Conn) -> dict[int, AccountState]:
    """By account. Of whom nothing was confirmed is not in it."""
    return _confirmed(await accounts_page(conn, AccountFilter(), ALWAYS, 0, 100_000))


async def states_at(
    conn: Conn, at: datetime = ALWAYS, known_at: datetime = ALWAYS
) -> dict[int, AccountState]:
    """The same at a time."""
    return _confirmed(await states_page(conn, StateFilter(), at, known_at, 0, 100_000))


def _confirmed(rows: Iterable[AccountRow | StateRow]) -> dict[int, AccountState]:
    return {
        r.account_id: AccountState(
            State(Status(r.status), tuple(r.withheld_in or ())), r.last_seen_old, r.since
        )
        for r in rows
        if r.status is not None and r.since is not None
    }


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
