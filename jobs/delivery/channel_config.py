"""The channels of the settings. A wrong one raises ValueError, whose clause never quotes what is secret."""

import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from types import MappingProxyType
from typing import Final
from urllib.parse import urlsplit

import standardwebhooks
from pydantic import SecretStr

from jobs.delivery.channel_address import APPRISE, PAGERDUTY, PAGERDUTY_URL, WEBHOOK

_NAME: Final = re.compile(r"[a-z0-9-]{1,32}")
_SHORTEST_SECRET: Final = 16
_PREFIX: Final = "whsec_"
_SHORTEST_KEY: Final = 16
"""Bytes."""
_INTEGRATION_KEY: Final = re.compile(r"[0-9A-Za-z]{32}")
"""PagerDuty refuses another length."""


_NONE: Final[Mapping[str, SecretStr]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where alerts are posted. Both are secret: an address often holds the only key."""

    url: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    """Each signs every request, so that receivers can go over to a new one while both are here."""


@dataclass(frozen=True, slots=True)
class Channels:
    """The channels of the settings, by name. Nothing secret of it prints."""

    services: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Addresses of Apprise."""
    webhooks: Mapping[str, Webhook] = field(default_factory=dict[str, Webhook], repr=False)
    pagers: Mapping[str, str] = field(default_factory=dict[str, str], repr=False)
    """Integration keys of PagerDuty."""
    pagerduty_url: str = PAGERDUTY_URL

    @property
    def recipients(self) -> frozenset[str]:
        """Everything beside mail addresses that a mail can go to, such as `webhook:NAME`."""
        names = {APPRISE: self.services, WEBHOOK: self.webhooks, PAGERDUTY: self.pagers}
        return frozenset(f"{kind}:{name}" for kind, channels in names.items() for name in channels)


def channels_of(
    services: Mapping[str, SecretStr],
    webhooks: Mapping[str, SecretStr],
    secrets: Mapping[str, SecretStr],
    pagers: Mapping[str, SecretStr] = _NONE,
    pagerduty_url: str = PAGERDUTY_URL,
) -> Channels:
    """The channels that the tables of the settings define, each table being right by itself."""
    for name in webhooks:
        if name not in secrets:
            raise ValueError(f"webhook {name!r} has no secret in webhook_secrets.")
    for name in secrets:
        if name not in webhooks:
            raise ValueError(f"webhook_secrets names {name!r}, which is not in webhooks.")
    return Channels(
        {name: address.get_secret_value() for name, address in services.items()},
        {
            name: Webhook(url.get_secret_value(), _secrets(secrets[name].get_secret_value()))
            for name, url in webhooks.items()
        },
        {name: key.get_secret_value() for name, key in pagers.items()},
        pagerduty_url,
    )


def service_addresses(value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """Names with an address of Apprise each, such as slack://… or tgram://…."""
    _check_names(value)
    for name, address in value.items():
        from jobs.delivery.apprise import service  # a large library, and most settings name no channel

        try:
            service(address.get_secret_value())
        except ValueError:
            raise ValueError(
                f"Apprise does not support the address of {name!r}. Use one such as slack://…, tgram://… or "
                "workflows://…."
            ) from None
    return value


def webhook_urls(value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """Names with the address of a webhook each: https, or http on this machine."""
    _check_names(value)
    for name, address in value.items():
        scheme, host = _server(address.get_secret_value())
        if scheme not in {"http", "https"} or not host:
            raise ValueError(f"the address of {name!r} is not one such as https://desk.example/alerts.")
        if scheme == "http" and not _is_loopback(host):
            raise ValueError(
                f"the address of {name!r} begins with http, so alerts would be sent unencrypted."
            )
    return value


def webhook_secrets(value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """Names with a secret each, or several with commas or spaces between while receivers change over."""
    _check_names(value)
    for n, secret in enumerate(value.values(), 1):
        parts = _secrets(secret.get_secret_value())
        if not parts or any(len(part) < _SHORTEST_SECRET for part in parts):
            raise ValueError(f"a secret of entry {n} is shorter than {_SHORTEST_SECRET} characters.")
        if any(part.startswith(_PREFIX) and not _is_key(part) for part in parts):
            raise ValueError(
                f"a secret of entry {n} begins with {_PREFIX}, and what follows is not a key in Base64. Make "
                'one, for example with: echo "whsec_$(openssl rand -base64 32)"'
            )
    return value


def integration_keys(value: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
    """Names with the integration key of a service of PagerDuty each."""
    _check_names(value)
    for n, key in enumerate(value.values(), 1):
        if not _INTEGRATION_KEY.fullmatch(key.get_secret_value()):
            raise ValueError(
                f"entry {n} is not an integration key of PagerDuty: 32 letters and digits. PagerDuty shows "
                "the key of a service under Integrations, Events API V2."
            )
    return value


def events_address(value: str) -> str:
    """Where events for PagerDuty are posted: https, or http on this machine."""
    scheme, host = _server(value)
    if not host or not (scheme == "https" or (scheme == "http" and _is_loopback(host))):
        raise ValueError(f"{value!r} is not an address such as {PAGERDUTY_URL}.")
    return value


def _is_key(secret: str) -> bool:
    """Whether it is a key in Base64, with or without the signs at its end. The library takes anything."""
    text = secret.removeprefix(_PREFIX).rstrip("=")
    try:
        return len(b64decode(text + "=" * (-len(text) % 4), validate=True)) >= _SHORTEST_KEY
    except ValueError:
        return False


def key_of(secret: str) -> standardwebhooks.Webhook:
    """What signs with a secret: behind `whsec_` it is a key in Base64, as Standard Webhooks write one, and
    otherwise the text itself.
    """
    return standardwebhooks.Webhook(secret if secret.startswith(_PREFIX) else secret.encode())


def _check_names(value: Mapping[str, SecretStr]) -> None:
    # A name is not quoted: who mixed up the two sides of an entry has a secret there.
    for n, name in enumerate(value, 1):
        if not _NAME.fullmatch(name):
            raise ValueError(f"the name of entry {n} must be 1 to 32 lowercase letters, digits and hyphens.")


def _secrets(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"[^,\s]+", text))


def _server(text: str) -> tuple[str, str]:
    """Scheme and host of an address without user, password and fragment; empty texts when it is none."""
    try:
        url = urlsplit(text)
        port, host = url.port, url.hostname
    except ValueError:
        return "", ""
    plain = text.isascii() and text.isprintable() and " " not in text
    if not plain or not host or port == 0 or url.username is not None or "#" in text:
        return "", ""
    return url.scheme, host


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
