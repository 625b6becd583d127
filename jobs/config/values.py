"""Pure: what one setting may hold, and the clause that a wrong value gets. No clause quotes a secret.

The functions raise ValueError. In the environment a list is one text with commas, and a table is one
text such as `TR=did:plc:…,DE=did:plc:…`.
"""

import re
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_network
from typing import Final, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from collectors.mastodon.wire.identity import post_of
from storage.model.alerts.rule_codec import from_table
from storage.model.alerts.rules import AlertRule, RuleFault, is_recipient
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.model.core.people import Role
from storage.model.limits.daily_cost_shares import LEAST_USD, MOST_USD
from storage.model.sizing.question import PlannerKind
from storage.model.tables.account_references import is_handle, is_native_id
from storage.model.text.units import parse_duration

_EXAMPLES: Final = {
    Platform.X: "783214:X:available",
    Platform.BLUESKY: "did:plc:z72i7hdynmk6r22z27h6tvur:bsky.app:available",
    Platform.MASTODON: "https://mastodon.example/users/staff#1:staff@mastodon.example:available",
}
_COUNTRY = re.compile(r"[A-Z]{2}")
_VANTAGE = re.compile(r"[a-z0-9-]{1,20}")
_ADDRESS = re.compile(r"[A-Za-z0-9.:-]{1,60}")
_HOST = re.compile(r"[a-z0-9.-]{1,253}|\[[0-9a-f:.]+\]", re.IGNORECASE)

Control = tuple[str, str, Status]
"""A control account: its id, its handle, and the status it is known to have."""


def texts(value: object) -> object:
    """A list, or one text with commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def table(value: object) -> object:
    """A table, or one text with commas and equals signs. No part of it is quoted: some are secret."""
    if not isinstance(value, str):
        return value
    pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
    for n, (name, equals, what) in enumerate(pairs, 1):
        if not (name and equals and what):
            raise ValueError(f"entry {n} does not have the form name=value.")
    named = {name.strip(): what.strip() for name, _, what in pairs}
    if len(named) < len(pairs):
        raise ValueError("a name is given twice.")
    return named


def duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


class RulesFault(ValueError):
    """One of the rules is none. Its message names the rule, and the key that is wrong if one is."""

    def __init__(self, number: int, key: str | None, fault: str) -> None:
        super().__init__(fault)
        self.number = number
        """Of the rule, counted from 0."""
        self.key = key


def rules(value: object) -> object:
    """Alert rules, each a table. Raises RulesFault for one that is none."""
    if not isinstance(value, list):
        raise ValueError("write each rule as a table under [[rules]].")  # noqa: TRY004
    out: list[AlertRule] = []
    for n, table in enumerate(cast("list[object]", value)):
        if not isinstance(table, dict):
            raise ValueError("write each rule as a table under [[rules]].")  # noqa: TRY004
        try:
            out.append(from_table(cast("dict[str, object]", table)))
        except ValueError as error:
            key = error.key if isinstance(error, RuleFault) else None
            name = cast("dict[str, object]", table).get("name")
            which = repr(name) if isinstance(name, str) else str(n + 1)
            raise RulesFault(n, key, f"rule {which}: {error}.") from error
    taken = {"recipients"}
    for n, rule in enumerate(out):
        if rule.name in taken:
            fault = f"the name {rule.name!r} is already taken; give each rule its own name."
            raise RulesFault(n, "name", fault)
        taken.add(rule.name)
    return tuple(out)


def zone(value: object) -> object:
    try:
        return str(ZoneInfo(str(value)))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{value!r} is not a time zone; write it like Asia/Kolkata.") from error


def control(text: str, platform: Platform) -> Control:
    """`id:handle:status`, split from the right: ids of Bluesky and Mastodon hold colons themselves."""
    rest, _, status = text.rpartition(":")
    for at, char in enumerate(rest):
        native_id, handle = rest[:at], rest[at + 1 :]
        if char == ":" and is_native_id(platform, native_id) and is_handle(platform, handle):
            try:
                return native_id, handle, Status(status)
            except ValueError:
                break
    raise ValueError(f"{text!r} does not have the form id:handle:status, such as {_EXAMPLES[platform]}.")


def controls(values: tuple[str, ...], platform: Platform) -> tuple[str, ...]:
    """The texts as they are, each being a control account."""
    for text in values:
        control(text, platform)
    return values


def platforms(value: tuple[Platform, ...]) -> tuple[Platform, ...]:
    """Each once, in the usual order."""
    if not value:
        raise ValueError("name at least one of x, bluesky, mastodon, or leave the setting out.")
    return tuple(platform for platform in Platform if platform in value)


def labelers(value: Mapping[str, str]) -> Mapping[str, str]:
    """Country codes with the DID of the labeler that speaks for each."""
    for country, did in value.items():
        if not _COUNTRY.fullmatch(country):
            raise ValueError(f"{country!r} is not a country code of two capital letters.")
        if not is_native_id(Platform.BLUESKY, did):
            raise ValueError(
                f"{did!r} is not the DID of a labeler, such as did:plc:cquoj7aozvmkud2gifeinkda."
            )
    return value


def roles(value: Mapping[str, str]) -> Mapping[str, str]:
    """Values of a claim with the role that each gives."""
    for role in value.values():
        if role not in list(Role):
            raise ValueError(f"{role!r} is not a role; use viewer, analyst or admin.")
    return value


def hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    """Names of servers, `host` or `host:port`, in small letters."""
    for host in values:
        name, _, port = host.rpartition(":") if ":" in host and not host.endswith("]") else (host, "", "443")
        if not _HOST.fullmatch(name) or not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError(f"{host!r} is not a host, such as mastodon.example or mastodon.example:8443.")
    return tuple(host.lower() for host in values)


def networks(values: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses of machines, one by one or as a network."""
    for value in values:
        try:
            ip_network(value)
        except ValueError:
            raise ValueError(
                f"{value!r} is neither an address nor a network, such as 127.0.0.1 or 10.0.0.0/8."
            ) from None
    return values


def base_url(value: str) -> str:
    """The address of a server, without a slash at its end."""
    if not _is_web_address(value, {"http", "https"}):
        raise ValueError(f"{value!r} is not the address of a server, such as https://server.example.")
    return value.rstrip("/")


def web_address(value: str) -> str:
    """An address as it is, with a slash at its end or without."""
    if not _is_web_address(value, {"http", "https"}):
        raise ValueError(f"{value!r} is not an address such as https://authority.example/tsa.")
    return value


def origins(value: Mapping[str, str]) -> Mapping[str, str]:
    """Hosts with the address where each is really asked."""
    return dict(zip(hosts(tuple(value)), map(base_url, value.values()), strict=True))


def stream_url(value: str) -> str:
    """The address of a websocket; empty for none."""
    if value and not _is_web_address(value, {"ws", "wss"}):
        raise ValueError(f"{value!r} is not the address of a stream, such as wss://server.example/subscribe.")
    return value


def posts(values: tuple[str, ...]) -> tuple[str, ...]:
    """Addresses of posts at their home servers."""
    for url in values:
        if post_of(url) is None:
            raise ValueError(f"{url!r} is not the address of a post, such as https://server.example/@name/1.")
    return values


def recipients(values: tuple[str, ...]) -> tuple[str, ...]:
    """Where somebody can be told something, as rules take it."""
    for text in values:
        if not is_recipient(text):
            raise ValueError(
                f"{text!r} is neither an email address such as desk@example.org nor a channel such as "
                "webhook:desk."
            )
    return values


def at_least_a_day(value: timedelta | None) -> timedelta | None:
    """X bills each account that such a list returns, once a day at most: more often would only cost."""
    if value is not None and value < timedelta(days=1):
        raise ValueError("it must be at least 1d; to read no follows, remove the setting.")
    return value


def address(value: str) -> str:
    """The name of a public address that requests go out by."""
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError("must be 1 to 60 letters, digits, dots, colons and hyphens.")
    return value


def daily_cost(value: Decimal | None) -> Decimal | None:
    if value is None or LEAST_USD <= value <= MOST_USD:
        return value
    raise ValueError(f"it must be between {LEAST_USD} and {MOST_USD} US dollars per day.")


def unkept_cost(planner: PlannerKind, sweep_every: timedelta, follows_every: timedelta | None) -> str | None:
    """Why a ceiling on what X may cost cannot be kept with these settings; None: it can."""
    if planner is not PlannerKind.ADAPTIVE:
        return 'needs planner = "adaptive", because a sweep reads every account at any cost.'
    if follows_every is not None:
        return (
            "cannot be combined with x_follows_every, because the cost of reading follows is not known in "
            "advance. Remove one of the two settings."
        )
    if sweep_every > timedelta(days=1):
        return "needs a sweep_every of at most 1d, the interval at which paid accounts are read."
    return None


def vantages(value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """Names with the address of an HTTP proxy each, which may hold user and password."""
    for n, (name, proxy) in enumerate(value.items(), 1):
        if not _VANTAGE.fullmatch(name):
            raise ValueError(f"the name of entry {n} must be 1 to 20 lowercase letters, digits and hyphens.")
        if not _is_proxy(proxy.get_secret_value()):
            raise ValueError(
                f"entry {n} is not the address of a proxy, such as http://user:password@host:3128 "
                "(in the password, write a comma as %2C and an @ as %40)."
            )
    return value


def grants(values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Authorisations by executives of X, `id:token:secret` each. Tokens begin with the id (documented)."""
    for n, value in enumerate(values, 1):
        parts = value.get_secret_value().split(":")
        is_whole = len(parts) == 3 and is_native_id(Platform.X, parts[0]) and all(map(_is_token, parts[1:]))
        if not is_whole or not parts[1].startswith(f"{parts[0]}-"):
            raise ValueError(
                f"entry {n} does not have the form id:token:secret with a token that starts with id-."
            )
    return values


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text) and " " not in text


def _is_web_address(text: str, schemes: set[str]) -> bool:
    """Whether it is an address that holds neither user nor password."""
    try:
        url = urlsplit(text)
        port, host = url.port, url.hostname
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text
    return plain and url.scheme in schemes and bool(host) and url.username is None and port != 0


def _is_proxy(text: str) -> bool:
    try:
        url = urlsplit(text)
        port, host = url.port, url.hostname
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text
    return plain and url.scheme == "http" and bool(host) and port != 0 and url.path in {"", "/"}
