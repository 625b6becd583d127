"""Pure: check the value of one setting. Messages about invalid values never quote a secret.

The functions raise ValueError. In the environment a list is one text with commas, and a table is one
text such as `TR=did:plc:…,DE=did:plc:…`.
"""

import re
from collections.abc import Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from collectors.core.settings import is_web_address
from storage.model.alerts.rule_codec import from_table
from storage.model.alerts.rules import AlertRule, RuleFault, is_recipient
from storage.model.core.accounts import Platform
from storage.model.core.people import Role
from storage.model.text.countries import official_names

_VANTAGE = re.compile(r"[a-z0-9-]{1,20}")
_ADDRESS = re.compile(r"[A-Za-z0-9.:-]{1,60}")
_SHORTEST_KEY = 32


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


def platforms(value: tuple[Platform, ...]) -> tuple[Platform, ...]:
    """Return each platform once, in the usual order."""
    if not value:
        raise ValueError(f"name at least one of {', '.join(Platform)}, or leave the setting out.")
    return tuple(platform for platform in Platform if platform in value)


def roles(value: Mapping[str, str]) -> Mapping[str, str]:
    """Check the roles of claim values."""
    for role in value.values():
        if role not in list(Role):
            raise ValueError(f"{role!r} is not a role; use viewer, analyst or admin.")
    return value


def countries(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check country codes; return each once."""
    for code in values:
        if code not in official_names():
            raise ValueError(f"{code!r} is not a country code of two capital letters, such as TR.")
    return tuple(dict.fromkeys(values))


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


def web_address(value: str) -> str:
    """Check an address, and return it unchanged."""
    if not is_web_address(value, {"http", "https"}):
        raise ValueError(f"{value!r} is not an address such as https://authority.example/tsa.")
    return value


def recipients(values: tuple[str, ...]) -> tuple[str, ...]:
    """Check recipients, in the form that rules use."""
    for text in values:
        if not is_recipient(text):
            raise ValueError(
                f"{text!r} is neither an email address such as desk@example.org nor a channel such as "
                "webhook:desk."
            )
    return values


def address(value: str) -> str:
    """Check the name of the public address from which requests are sent."""
    if value and not _ADDRESS.fullmatch(value):
        raise ValueError("must be 1 to 60 letters, digits, dots, colons and hyphens.")
    return value


def signing_key(value: SecretStr) -> SecretStr:
    """Check that a key has at least 32 characters."""
    if len(value.get_secret_value()) < _SHORTEST_KEY:
        raise ValueError(
            f"it is shorter than {_SHORTEST_KEY} characters. Make one, for example with: openssl rand -hex 32"
        )
    return value


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


def _is_proxy(text: str) -> bool:
    try:
        url = urlsplit(text)
        port, host = url.port, url.hostname
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text
    return plain and url.scheme == "http" and bool(host) and port != 0 and url.path in {"", "/"}


def archive_url(value: str) -> str:
    """Check where archived months are, and return it as an address."""
    protocol, sep, rest = value.partition("://")
    if not sep and value.startswith("/"):
        return Path(value).as_uri()
    if not sep or not rest.strip("/") or not protocol.isalnum() or protocol in {"http", "https"}:
        raise ValueError(
            f"{value!r} is neither a folder such as /srv/archive nor the address of an object store such as "
            "s3://bucket/folder."
        )
    return value
