"""The settings of a platform: the values that they share, and what each platform says about its own.

Pure. The functions check one value and raise ValueError; messages about invalid values never quote a secret.
In the environment a list is one text with commas, and a table is one text such as `TR=first,DE=second`.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.model.platforms.registry import DECLARED
from storage.model.sizing.question import PlannerKind
from storage.model.text.units import parse_duration

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


def control(text: str, platform: Platform) -> Control:
    """Parse `id:handle:status` from the right, because ids may contain colons."""
    declared = DECLARED[platform]
    rest, _, status = text.rpartition(":")
    for at, char in enumerate(rest):
        native_id, handle = rest[:at], rest[at + 1 :]
        is_handle = declared.is_post_handle if declared.is_post(native_id) else declared.is_handle
        if char == ":" and declared.is_native_id(native_id) and is_handle(handle):
            try:
                return native_id, handle, Status(status)
            except ValueError:
                break
    example = f"{declared.id_example}:{declared.handle_example}:available"
    raise ValueError(f"{text!r} does not have the form id:handle:status, such as {example}.")


def controls(values: tuple[str, ...], platform: Platform) -> tuple[str, ...]:
    """Check that each text is a control account or control post, and return the texts unchanged."""
    for text in values:
        control(text, platform)
    return values


def hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    """Return names of servers, as `host` or `host:port`, in lower case."""
    for host in values:
        name, _, port = host.rpartition(":") if ":" in host and not host.endswith("]") else (host, "", "443")
        if not _HOST.fullmatch(name) or not (port.isascii() and port.isdigit() and int(port) < 65536):
            raise ValueError(f"{host!r} is not a host, such as social.example or social.example:8443.")
    return tuple(host.lower() for host in values)


def base_url(value: str) -> str:
    """Return the address of a server without a final slash."""
    if not is_web_address(value, {"http", "https"}):
        raise ValueError(f"{value!r} is not the address of a server, such as https://server.example.")
    return value.rstrip("/")


def origins(value: Mapping[str, str]) -> Mapping[str, str]:
    """Check hosts, each with the address that receives its requests instead."""
    return dict(zip(hosts(tuple(value)), map(base_url, value.values()), strict=True))


def stream_url(value: str) -> str:
    """Check the address of a websocket; empty means none."""
    if value and not is_web_address(value, {"ws", "wss"}):
        raise ValueError(f"{value!r} is not the address of a stream, such as wss://server.example/subscribe.")
    return value


def is_web_address(text: str, schemes: set[str]) -> bool:
    """Return whether a text is an address without user and password."""
    try:
        url = urlsplit(text)
        port, host = url.port, url.hostname
    except ValueError:
        return False
    plain = text.isascii() and text.isprintable() and " " not in text
    return plain and url.scheme in schemes and bool(host) and url.username is None and port != 0


Texts = Annotated[tuple[str, ...], BeforeValidator(texts)]
Hosts = Annotated[Texts, AfterValidator(hosts)]
Table = Annotated[dict[str, str], BeforeValidator(table)]
BaseUrl = Annotated[str, AfterValidator(base_url)]
Duration = Annotated[timedelta, BeforeValidator(duration)]


class SettingsModel(BaseModel):
    """A part of the settings. They are never logged, and secrets are masked when printed."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


@dataclass(frozen=True, slots=True)
class PlatformSettings:
    """The settings of one platform, in the module `settings` of its package.

    Their names begin with the key of the platform. `<key>_canaries` are its control accounts, and
    `<key>_daily_cost` is its daily cost limit if it bills readings.
    """

    model: type[SettingsModel]
    missing_key: Callable[[Any], str | None] = lambda _: None
    """The setting without which the platform cannot be read, if it is not set."""
    conflict: Callable[[Any, PlannerKind, timedelta], tuple[str, str] | None] | None = None
    """A setting that contradicts another one, or the planner and the length of a sweep. With it comes a
    clause that follows its name.
    """
    may_be_empty: frozenset[str] = frozenset()
    """Settings that an empty variable of the environment disables."""
