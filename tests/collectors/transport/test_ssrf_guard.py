"""Hosts that strangers name: only public ones are asked, by https, and by the address that was judged."""

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from aiohttp import web

from collectors.transport.client import HostRefused, Http, HttpOptions, NoAnswer, Retry
from collectors.transport.ssrf_guard import Guard, PrivateAddressError, is_public
from tests.support.simulated.scripted_x import plain, scripted

ONCE = Retry(attempts=0)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1:248:1893:25c8:1946", True),
        ("127.0.0.1", False),
        ("10.0.0.1", False),
        ("172.16.3.4", False),
        ("192.168.1.1", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("::ffff:10.1.2.3", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::a00:1", False),
        ("64:ff9b:1::1", False),
        ("fec0::1", False),
        ("192.0.0.8", False),
        ("::7f00:1", False),
        ("::10.1.2.3", False),
        ("::8.8.8.8", False),
    ],
)
def test_an_address_is_public_or_it_is_not_asked(address: str, *, public: bool) -> None:
    assert is_public(address) is public


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


@pytest.mark.parametrize(
    "url",
    [
        "https://mastodon.example/users/alice",
        "https://mastodon.example:443/",
        "https://93.184.216.34/",
        "https://xn--mnchen-3ya.example/",
    ],
)
def test_the_address_of_a_public_server_passes(url: str) -> None:
    Guard().check(url)


@pytest.mark.parametrize(
    "url",
    [
        "http://storage.example/up?signature=secret",
        "https://storage.example:8443/up?signature=secret",
        "https://storage.example:port/up?signature=secret",
        "https://10.0.0.1/up?signature=secret",
        "https://reader:secret@storage.example/up",
        "ftp://storage.example/secret",
        "https:///secret",
        "secret",
    ],
)
def test_a_refusal_tells_no_more_of_an_address_than_scheme_and_host(url: str) -> None:
    with pytest.raises(PrivateAddressError) as caught:
        Guard().check(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("named", ["127.0.0.1", "127.0.0.1:8080"])
def test_a_host_that_the_settings_name_may_be_private(named: str) -> None:
    Guard({named}).check("http://127.0.0.1:8080/")


def test_a_port_that_the_settings_name_opens_no_other_port() -> None:
    with pytest.raises(PrivateAddressError):
        Guard({"127.0.0.1:8080"}).check("http://127.0.0.1:9090/")


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


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    moved = web.Response(status=302, headers={"Location": "http://127.0.0.1:1/"})
    async with scripted(lambda _: moved) as server, Http(HttpOptions(retry=ONCE)) as http:
        answer = await http.get(server.base_url)
    assert (answer.http_status, answer.headers["Location"]) == (302, "http://127.0.0.1:1/")


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


def test_options_that_are_printed_do_not_show_the_password_of_a_proxy() -> None:
    assert "secret" not in repr(HttpOptions(proxy="http://reader:secret@proxy.example:8080"))


def test_a_guard_trusts_the_servers_that_it_is_told_by_their_ports() -> None:
    guard = Guard(["pds.example"]).trusting(["http://127.0.0.1:8080/base", "https://10.0.0.1"])
    assert guard.trusts("127.0.0.1", 8080)
    assert not guard.trusts("127.0.0.1", 80)
    assert guard.trusts("10.0.0.1", 443)
    assert guard.trusts("pds.example", 443)


async def test_lookups_of_strangers_hosts_use_threads_of_their_own() -> None:
    """Name servers that never answer would otherwise keep checks of passwords and lookups of others."""
    loop = asyncio.get_running_loop()
    loop.set_default_executor(ThreadPoolExecutor(1))
    is_over = threading.Event()
    busy = loop.run_in_executor(None, is_over.wait)
    resolver = Guard(["localhost"]).resolver()
    try:
        async with asyncio.timeout(30):
            found = await resolver.resolve("localhost", 443)
    finally:
        is_over.set()
        await busy
        await resolver.close()

    assert all(one["port"] == 443 and one["hostname"] == "localhost" for one in found)
    assert {one["host"] for one in found} <= {"127.0.0.1", "::1"}
