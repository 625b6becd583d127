"""Hosts that come from strangers: a Mastodon instance or a PDS may name an address inside our own network.

Names are resolved once, and the connection goes to exactly the address that was judged, so that a name
which answers differently the second time gains nothing.
"""

import asyncio
import socket
from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult


class PrivateAddressError(OSError):
    """A stranger's host leads into a private network. It is not asked."""


_LONGEST_NAME: Final = 253
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
# Not the threads of the event loop: a stranger's name server that never answers would keep them, and with
# them the checks of passwords and the lookups of the mail server.
_lookups = ThreadPoolExecutor(16, thread_name_prefix="lookup")
_TRANSLATED: Final = tuple(map(ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "::/96", "192.0.0.0/24")))
"""Addresses that lead elsewhere: NAT64 and IPv4-compatible ones to any IPv4 address, and the protocols of a
transition.
"""


class Guard:
    """Which hosts may be asked. `trusted` names hosts (`host` or `host:port`) that may be private."""

    def __init__(self, trusted: Collection[str] = ()) -> None:
        self._trusted = frozenset(name.lower() for name in trusted)

    def trusting(self, urls: Iterable[str]) -> "Guard":
        """A guard that also trusts the servers of these addresses, which the configuration names."""
        return Guard((*self._trusted, *(name for url in urls if (name := _server_of(url)))))

    def trusts(self, host: str, port: int | None) -> bool:
        """Whether the configuration names this host."""
        return host.lower() in self._trusted or f"{host.lower()}:{port}" in self._trusted

    def check(self, url: str) -> None:
        """Raise PrivateAddressError for a URL that must not be asked: another scheme, odd ports, literal
        private addresses, credentials inside. Names are judged when they are resolved.
        """
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError:
            raise PrivateAddressError("the address of the request is not valid") from None
        # No message tells more of an address than scheme and host: the rest may be a secret.
        default = _DEFAULT_PORTS.get(parts.scheme)
        if default is None or not host or len(host) > _LONGEST_NAME or parts.username is not None:
            server = f"{parts.scheme}://{host}"[:100]
            raise PrivateAddressError(f"{server!r} is not the address of a server")
        if self.trusts(host, port or default):
            return
        if parts.scheme != "https" or port not in {None, 443}:
            raise PrivateAddressError(
                f"{host} may be requested only by https on port 443, unless setting trusted_hosts allows more"
            )
        if not _may_be_public(host):
            raise PrivateAddressError(
                f"{host} is not a public address, and setting trusted_hosts does not allow it"
            )

    async def judge(self, url: str) -> None:
        """Resolve the host of a URL that somebody else will connect to, such as a proxy.

        Raises PrivateAddressError when it leads to a private address, and OSError when it leads nowhere.
        What the proxy itself makes of the name is out of reach.
        """
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _DEFAULT_PORTS[parts.scheme]
        if self.trusts(host, port):
            # It may be a name that only the proxy knows.
            return
        resolver = self.resolver()
        try:
            await resolver.resolve(host, port)
        finally:
            await resolver.close()

    def resolver(self) -> AbstractResolver:
        """The resolver for an aiohttp connector: a name that leads to a private address is refused."""
        return _PublicResolver(self)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; mapped IPv4 addresses are looked into."""
    ip = ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if mapped is not None:
        ip = mapped
    if any(ip in network for network in _TRANSLATED if network.version == ip.version):
        return False
    is_site_local = isinstance(ip, IPv6Address) and ip.is_site_local
    return ip.is_global and not ip.is_multicast and not is_site_local


def _server_of(url: str) -> str:
    """`host:port` of an address, with the usual port of its scheme; empty when it has none."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or _DEFAULT_PORTS.get(parts.scheme, 443)}" if parts.hostname else ""


def _may_be_public(host: str) -> bool:
    """Whether a host is a public address, or a name that is still to be resolved."""
    if not host.isascii():
        # Full-width digits and dots become plain ones on the way, and the resolver never sees the name.
        return False
    try:
        return is_public(host)
    except ValueError:
        # "127.1", "0x7f.1", "2130706433": the C library takes them for addresses. No name ends in a number.
        last = host.rstrip(".").rpartition(".")[2].lower()
        return not (last.isdigit() or last.startswith("0x"))


class _PublicResolver(AbstractResolver):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await _looked_up(host, port, family)
        if self._guard.trusts(host, port):
            return found
        if not all(is_public(one["host"]) for one in found):
            raise PrivateAddressError(
                f"{host} leads to a private address, and setting trusted_hosts does not allow it"
            )
        return found

    async def close(self) -> None:
        pass


async def _looked_up(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    """The addresses of a host. Raises OSError if there are none."""
    look = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    found = await asyncio.get_running_loop().run_in_executor(_lookups, look)
    return [
        ResolveResult(
            hostname=host, host=str(address[0]), port=port, family=kind, proto=proto, flags=_NUMERIC
        )
        for kind, _, proto, _, address in found
    ]
