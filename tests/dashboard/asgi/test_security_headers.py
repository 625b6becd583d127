"""Who may ask the dashboard, and who may write: without a login only a browser on its own pages here."""

import asyncio
import dataclasses
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import pytest
from fastapi import FastAPI, Request

from dashboard.asgi.body_limit import BodyLimitMiddleware
from dashboard.asgi.security_headers import WRONG_ORIGIN, host_name, proxied_origin
from storage.postgres.pool import Pool
from tests.support.servers.dashboard import SETTINGS, served, served_apart

NOW = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)
PROXIED = dataclasses.replace(SETTINGS, allowed_origins=("https://watch.example.org:8443",))

HOSTS = [
    pytest.param("127.0.0.1:{port}", True, id="the loopback address"),
    pytest.param("localhost:{port}", True, id="the loopback by name"),
    pytest.param("LOCALHOST", True, id="in capitals, without a port"),
    pytest.param("[::1]:9", True, id="the loopback of IPv6, any port"),
    pytest.param("watch.example.org", True, id="the host of an allowed origin"),
    pytest.param("rebound.example:{port}", False, id="a stranger's name for this machine"),
    pytest.param("127.0.0.1.rebound.example", False, id="a stranger's name that begins like an address"),
    pytest.param("localhost.rebound.example", False, id="a stranger's name that begins like localhost"),
    pytest.param("192.168.0.7:{port}", False, id="another address"),
    pytest.param("localhost@rebound.example", False, id="a name before an at sign"),
    pytest.param("localhost:port", False, id="a port that is no number"),
    pytest.param("", False, id="no name"),
]


@pytest.fixture(scope="module")
def base(fresh_database: Callable[[], AbstractContextManager[str]]) -> Generator[str]:
    """The address of a dashboard that every row asks and none changes."""

    async def nothing(_: Pool) -> None:
        pass

    with fresh_database() as dsn, served_apart(dsn, NOW, nothing, PROXIED) as (base, _):
        yield base


@pytest.mark.parametrize(("host", "answered"), HOSTS)
async def test_a_websocket_under_another_host_is_refused_even_from_its_own_origin(
    base: str, host: str, answered: bool
) -> None:
    async with aiohttp.ClientSession() as session:
        name = host.format(port=urlsplit(base).port)
        scheme = "https" if name == "watch.example.org" else "http"
        headers = {"Host": name, "Origin": f"{scheme}://{name}"}
        try:
            async with session.ws_connect(f"{base}/_dash-ws-callback", headers=headers):
                status = 101
        except aiohttp.WSServerHandshakeError as error:
            status = error.status

    assert status == (101 if answered else 421)


async def test_a_request_that_names_two_hosts_is_refused(pool: Pool, dsn: str, now: datetime) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession(skip_auto_headers=["Host"]) as session:
        two = [("Host", "localhost"), ("Host", "rebound.example")]
        async with session.get(f"{base}/api/live", headers=two) as response:
            assert response.status == 421


@pytest.mark.parametrize(
    ("host", "origin", "taken"),
    [
        pytest.param("localhost:9", "http://localhost:9", True, id="the dashboard's own page"),
        pytest.param("127.0.0.1:9", "https://watch.example.org:8443", True, id="an allowed origin"),
        pytest.param("localhost:9", "http://127.0.0.1:9", False, id="the same machine by another name"),
        pytest.param("localhost:9", "http://localhost:8", False, id="another port"),
        pytest.param("localhost:9", "http://watch.example.org:8443", False, id="an allowed one without TLS"),
        pytest.param("watch.example.org", "https://watch.example.org", True, id="the host of an allowed one"),
        pytest.param("watch.example.org", "http://watch.example.org", False, id="the same host without TLS"),
        pytest.param("localhost:9", "null", False, id="a hidden one"),
        pytest.param("localhost:9", None, False, id="none"),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_only_the_dashboards_own_pages_may_write(
    base: str, method: str, host: str, origin: str | None, taken: bool
) -> None:
    headers = {"Host": host, **({} if origin is None else {"Origin": origin})}
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, f"{base}/api/alerts/mute", headers=headers) as response,
    ):
        body = await response.text()

    assert (body == WRONG_ORIGIN) is not taken
    assert response.status == ((422 if method == "POST" else 405) if taken else 403)


@pytest.mark.parametrize(
    ("host", "name"),
    [
        pytest.param("localhost:8050", "localhost", id="a name with a port"),
        pytest.param("[::1]:8050", "::1", id="IPv6 with a port"),
        pytest.param("::1", None, id="IPv6 without brackets"),
        pytest.param("[::1", None, id="a bracket that is not closed"),
        pytest.param("localhost/elsewhere", None, id="a path"),
        pytest.param("user@localhost", None, id="a user"),
        pytest.param("localhost:99999", None, id="a port that does not exist"),
        pytest.param("", None, id="nothing"),
    ],
)
def test_the_name_in_a_host_header(host: str, name: str | None) -> None:
    assert host_name(host) == name


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        pytest.param("https://Watch.example.org/", "https://watch.example.org", id="a host"),
        pytest.param("https://watch.example.org:443/a", "https://watch.example.org", id="the usual port"),
        pytest.param("http://watch.example.org:8050", "http://watch.example.org:8050", id="another port"),
        pytest.param("http://[2001:db8::1]:8050", "http://[2001:db8::1]:8050", id="IPv6"),
        pytest.param("http://127.0.0.1:8050", None, id="this machine"),
        pytest.param("http://localhost:8050", None, id="this machine by name"),
    ],
)
def test_the_origin_of_an_address_is_written_as_browsers_do(url: str, origin: str | None) -> None:
    assert proxied_origin(url) == origin


SHORT_S = 0.2


class Body:
    """Sends each part after its pause, in seconds. After the last it says nothing more."""

    def __init__(self, *parts: tuple[float, int]) -> None:
        self._parts = list(parts)

    async def receive(self) -> dict[str, Any]:
        if not self._parts:
            await asyncio.Event().wait()
        pause, size = self._parts.pop(0)
        await asyncio.sleep(pause)
        return {"type": "http.request", "body": bytes(size), "more_body": size > 0}


async def ask(body: Body, within_s: float = SHORT_S) -> tuple[int, bytes]:
    server = FastAPI()

    @server.post("/")
    async def read(request: Request) -> int:  # pyright: ignore[reportUnusedFunction]
        return len(await request.body())

    said: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        said.append(message)

    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "headers": [],
    }
    await BodyLimitMiddleware(server, 1_000_000, within_s=within_s)(scope, body.receive, send)
    return said[0]["status"], said[1]["body"]
