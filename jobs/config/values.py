"""Pure: check the value of one setting. Messages about invalid values never quote a secret.

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
"""A control account: its id, its handle, and its known status."""


def texts(value: object) -> object:
    """Accept a list, or one text with commas."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def table(value: object) -> object:
    """Accept a table, or one text with commas and equals signs. Errors quote nothing, as it may be secret."""
    if not isinstance(value, str):
        return value
    pairs = [part.strip().partition("=") for part in value.split(",") if part.strip()]
    for n, (name, equals, what) in enumerate(pairs, 1):
        if not (name and equals and what):
            raise ValueError(f"entry {n} does not have the form name=value.")
    named = {name.strip(): what.strip() for name, _, what in pairs}
    if len(named) < len(pairs):
        raise ValueError("a name is used twice; use each name once.")
    return named


def duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


class RulesFault(ValueError):
    """One of the rules is invalid. The message names the rule, and the invalid key if there is one."""

    def __init__(self, number: int, key: str | None, fault: str) -> None:
        super().__init__(fault)
        self.number = number
        """The position of the rule, from 0."""
        self.key = key


def rules(value: object) -> object:
    """Parse alert rules, each a table. Raises RulesFault for an invalid rule."""
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
    """Parse `id:handle:status` from the right, because ids of Bluesky and Mastodon contain colons."""
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
    """Check that each text is a control account, and return the texts unchanged."""
    for text in values:
        control(text, platform)
    return values


def platforms(value: tuple[Platform, ...]) -> tuple[Platform, ...]:
    """Return each platform once, in the usual order."""
    if not value:
        raise ValueError("name at least one of x, bluesky, mastodon, or leave the setting out.")
    return tuple(platform for platform in Platform if platform in value)


def labelers(value: Mapping[str, str]) -> Mapping[str, str]:
    """Check country codes, each with the DID of its labeler."""
    for country, did in value.items():
        if not _COUNTRY.fullmatch(country):
            raise ValueError(f"{country!r} is not a country code of two capital letters.")
        if not is_native_id(Platform.BLUESKY, did):
            raise ValueError(
                f"{did!r} is not the DID of a labeler, such as did:plc:cquoj7aozvmkud2gifeinkda."
            )
    return value


def roles(value: Mapping[str, str]) -> Mapping[str, str]:
    """Check the roles of claim values."""
    for role in value.values():
        if role not in list(Role):
            raise ValueError(f"{role!r} is not a role; use viewer, analyst or admin.")
    return value


def hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of servers, as `host` or `host:port`, in lower case."""
    for host in values:
        name, _, port = host.rpartition(":") if ":" in host and not host.endswith("]") else (host, "", "443")
        if not _HOST.fullmatch(name) or not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError(f"{host!r} is not a host, such as mastodon.example or mastodon.example:8443.")
    return tuple(host.lower() for host in values)


def networks(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check IP addresses and networks."""
    for value in values:
        try:
            ip_network(value)
        except ValueError:
            raise ValueError(
                f"{value!r} is neither an address nor a network, such as 127.0.0.1 or 10.0.0.0/8."
            ) from None
    return values


def base_url(value: str) -> str:
    """Return the address of a server without a final slash."""
    if not _is_web_address(value, {"http", "https"}):
        raise ValueError(f"{value!r} is not the address of a server, such as https://server.example.")
    return value.rstrip("/")


def web_address(value: str) -> str:
    """Check an address, and return it unchanged."""
    if not _is_web_address(value, {"http", "https"}):
        raise ValueError(f"{value!r} is not an address such as https://authority.example/tsa.")
    return value


def origins(value: Mapping[str, str]) -> Mapping[str, str]:
    """Check hosts, each with the address that receives its requests instead."""
    return dict(zip(hosts(tuple(value)), map(base_url, value.values()), strict=True))


def stream_url(value: str) -> str:
    """Check the address of a websocket; empty means none."""
    if value and not _is_web_address(value, {"ws", "wss"}):
        raise ValueError(f"{value!r} is not the address of a stream, such as wss://server.example/subscribe.")
    return value


def posts(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check addresses of posts on their home servers."""
    for url in values:
        if post_of(url) is None:
            raise ValueError(f"{url!r} is not the address of a post, such as https://server.example/@name/1.")
    return values


def recipients(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check recipients, in the form that rules use."""
    for text in values:
        if not is_recipient(text):
            raise ValueError(
                f"{text!r} is neither an email address such as desk@example.org nor a channel such as "
                "webhook:desk."
            )
    return values


def at_least_a_day(value: timedelta | None) -> timedelta | None:
    """Refuse shorter intervals, because X bills each account that a list of follows returns."""
    if value is not None and value < timedelta(days=1):
        raise ValueError("it must be at least 1d; to read no follows, remove the setting.")
    return value


def address(value: str) -> str:
    """Check the name of the public address from which requests are sent."""
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError("must be 1 to 60 letters, digits, dots, colons and hyphens.")
    return value


def daily_cost(value: Decimal | None) -> Decimal | None:
    if value is None or LEAST_USD <= value <= MOST_USD:
        return value
    raise ValueError(f"it must be between {LEAST_USD} and {MOST_USD} US dollars per day.")


def unkept_cost(planner: PlannerKind, sweep_every: timedelta, follows_every: timedelta | None) -> str | None:
    """Return why these settings cannot keep a daily cost limit for X; None if they can."""
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
    """Check names, each with the address of an HTTP proxy that can contain a user and a password."""
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
    """Check authorisations by executives on X: `id:token:secret` each, where the token starts with the id."""
    for n, value in enumerate(values, 1):
        parts = value.get_secret_value().split(":")
        is_whole = len(parts) == 3 and is_native_id(Platform.X, parts[0]) and all(map(_is_token, parts[1:]))
        if not is_whole or not parts[1].startswith(f"{parts[0]}-"):
            raise ValueError(
                f"entry {n} does not have the form id:token:secret, in which the token starts with the id "
                "and a hyphen."
            )
    return values


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text) and " " not in text


def _is_web_address(text: str, schemes: set[str]) -> bool:
    """Return whether a text is an address without user and password."""
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
