"""Hosts that strangers name: only public ones are asked, by https, and by the address that was judged."""

import socket

import pytest
from aiohttp import web

from collectors.transport.client import HostRefused, Http, HttpOptions, NoAnswer, Retry
from collectors.transport.ssrf_guard import Guard, PrivateAddressError
from tests.support.simulated.scripted_x import plain, scripted

ONCE = Retry(attempts=0)


@pytest.mark.parametrize(
    "url",
    [
        "http://mastodon.example/users/alice",
        "https://mastodon.example:8443/users/alice",
        "https://127.0.0.1/",
        "https://127.1/",
        "https://2130706433/",
        "https://0x7f000001/",
        "https://[::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://[::127.0.0.1]/",
        "https://127。0。0。1/",
        "https://１２７.0.0.1/",
        "https://①②⑦.0.0.1/",
        "https://münchen.example/",
        "https://user@mastodon.example/",
        "https:///users/alice",
        "ftp://mastodon.example/",
        "file:///etc/passwd",
        "//mastodon.example/",
        "https://mastodon.example:port/",
        "https://" + "a" * 300 + ".example/",
        "",
    ],
)
def test_an_address_that_no_server_of_strangers_has_is_refused(url: str) -> None:
    with pytest.raises(PrivateAddressError):
        Guard().check(url)


async def test_a_name_that_leads_to_our_own_network_is_refused_before_anything_is_sent() -> None:
    async with scripted(plain(200)) as server:
        port = server.base_url.rpartition(":")[2]
        guard = _Everywhere()
        async with Http(HttpOptions(guard=guard, retry=ONCE)) as http:
            with pytest.raises(HostRefused, match="localhost leads to a private address"):
                await http.get(f"http://localhost:{port}/")
        assert server.asked == []


class _Everywhere(Guard):
    """Judges no address by its form, so that only the resolver stands in the way."""

    def check(self, url: str) -> None:
        """Every URL passes."""


async def test_a_name_that_is_trusted_is_asked_though_it_is_private() -> None:
    async with scripted(plain(200, b"yes")) as server:
        port = server.base_url.rpartition(":")[2]
        guard = Guard({f"localhost:{port}"})
        async with Http(HttpOptions(guard=guard, retry=ONCE)) as http:
            assert (await http.get(f"http://localhost:{port}/")).body == b"yes"


async def test_a_proxy_sends_the_request_and_its_password_is_never_told() -> None:
    seen: list[str] = []

    def through(request: web.BaseRequest) -> web.Response:
        seen.append(f"{request.method} {request.raw_path}")
        return web.Response(body=b"from there")

    async with scripted(through) as proxy:
        options = HttpOptions(proxy=proxy.base_url, retry=ONCE)
        async with Http(options) as http:
            answer = await http.get("http://example.test/where")
    assert answer.body == b"from there"
    assert seen == ["GET http://example.test/where"]
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    options = HttpOptions(proxy=f"http://reader:secret@127.0.0.1:{port}", retry=ONCE)
    async with Http(options) as http:
        with pytest.raises(NoAnswer) as caught:
            await http.get("http://example.test/")
    assert "secret" not in str(caught.value)


async def test_through_a_proxy_a_name_that_leads_to_our_own_network_is_refused_all_the_same() -> None:
    async with scripted(plain(200)) as proxy:
        options = HttpOptions(proxy=proxy.base_url, guard=Guard(), retry=ONCE)
        async with Http(options) as http:
            with pytest.raises(HostRefused, match="localhost leads to a private address"):
                await http.get("https://localhost/users/alice")
        assert proxy.asked == []


async def test_through_a_proxy_a_name_that_is_trusted_need_not_be_known_here() -> None:
    async with scripted(plain(200, b"yes")) as proxy:
        options = HttpOptions(proxy=proxy.base_url, guard=Guard(["inside.invalid"]), retry=ONCE)
        async with Http(options) as http:
            assert (await http.get("http://inside.invalid/")).body == b"yes"
