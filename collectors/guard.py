"""Hosts that come from strangers: a Mastodon instance or a PDS may name an address inside our own network.

Names are resolved once, and the connection goes to exactly the address that was judged, so that a name
which answers differently the second time gains nothing.
"""

import socket
from collections.abc import Collection
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver


class PrivateAddressError(OSError):
    """A stranger's host leads into a private network. It is not asked."""


_LONGEST_NAME: Final = 253


class Guard:
    """Which hosts may be asked. `trusted` names hosts (`host` or `host:port`) that may be private."""

    def __init__(self, trusted: Collection[str] = ()) -> None:
        self._trusted = frozenset(name.lower() for name in trusted)

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
            raise PrivateAddressError(f"{url[:100]!r} is not an address") from None
        default = {"http": 80, "https": 443}.get(parts.scheme)
        if default is None or not host or len(host) > _LONGEST_NAME or parts.username is not None:
            raise PrivateAddressError(f"{url[:100]!r} is not the address of a server")
        if self.trusts(host, port or default):
            return
        if parts.scheme != "https" or port not in {None, 443}:
            raise PrivateAddressError(f"{host} is asked by https on port 443 only (setting trusted_hosts)")
        if not _may_be_public(host):
            raise PrivateAddressError(f"{host} is not a public address (setting trusted_hosts)")

    def resolver(self) -> AbstractResolver:
        """The resolver for an aiohttp connector: a name that leads to a private address is refused."""
        return _PublicResolver(self)


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet; mapped IPv4 addresses are looked into."""
    ip = ip_address(address.partition("%")[0])
    mapped = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if mapped is not None:
        ip = mapped
    return ip.is_global and not ip.is_multicast


def _may_be_public(host: str) -> bool:
    """Whether a host is a public address, or a name that is still to be resolved."""
    try:
        return is_public(host)
    except ValueError:
        # "127.1", "0x7f.1", "2130706433": the C library takes them for addresses. No name ends in a number.
        last = host.rstrip(".").rpartition(".")[2].lower()
        return not (last.isdigit() or last.startswith("0x"))


class _PublicResolver(AbstractResolver):
    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._inner = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if self._guard.trusts(host, port):
            return found
        if not all(is_public(one["host"]) for one in found):
            raise PrivateAddressError(f"{host} leads to a private address (setting trusted_hosts)")
        return found

    async def close(self) -> None:
        await self._inner.close()
