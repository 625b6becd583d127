"""The settings as tables, from their models: type, default, meaning and an example of each."""

import ast
import inspect
import re
import textwrap
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import AfterValidator, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from collectors.core.settings import base_url, stream_url
from jobs.config import values
from jobs.config.settings import SECRETS, Settings, settings_from
from storage.model.text.units import span

GROUPS: Final[Mapping[str, str]] = {
    "database_url": "Database",
    "host": "Dashboard and logins",
    "platforms": "Reading",
    "smtp_host": "Email and alerts",
    "log_format": "Logs, reports and time stamps",
    "bluesky_app_view": "Bluesky",
    "mastodon_canaries": "Mastodon",
    "x_bearer_token": "X",
    "youtube_api_key": "YouTube",
}
"""The first setting of each group, and the group's title."""

EXAMPLES: Final = """
database_url = "postgresql://blockline:…@db.example:5432/blockline"
database_read_url = "postgresql://blockline:…@replica.example:5432/blockline"
data_dir = "/var/lib/blockline"
backup_key = "32-characters-or-more-of-your-own"
archive_url = "s3://blockline/history"
archive_after_months = 13
host = "0.0.0.0"
port = 8051
trusted_proxies = ["127.0.0.1", "10.0.0.0/8"]
auth = "password"
role = "viewer"
second_factor_role = "admin"
oidc_issuer = "https://id.example.org/realms/newsroom"
oidc_client_id = "blockline"
oidc_client_secret = "…"
oidc_role_claim = "groups"
oidc_roles = { desk = "analyst", chiefs = "admin" }
platforms = ["bluesky", "mastodon"]
sweep_every = "1h"
planner = "adaptive"
engagement_every = "1h"
address = "rack-2"
trusted_hosts = ["mastodon.internal:8443"]
vantages = { delhi = "http://user:password@proxy.example:3128" }
network_countries = ["TR", "IN"]
ooni_api = "https://ooni.example"
smtp_host = "mail.example.org"
smtp_port = 465
smtp_security = "tls"
smtp_username = "blockline"
smtp_password = "…"
smtp_per_minute = 30
mail_from = "Blockline <blockline@example.org>"
mail_templates = "/etc/blockline/templates"
recipients = ["desk@example.org"]
recipients_zone = "Asia/Kolkata"
rules = [{ name = "Desk", recipients = ["desk@example.org"], countries = ["IN"] }]
operators = ["operator@example.org"]
channels = { newsroom = "slack://TokenA/TokenB/TokenC" }
webhooks = { desk = "https://desk.example/blockline" }
webhook_secrets = { desk = "a-long-random-text-of-your-own" }
pagerduty = { duty = "R0uT1nGkEy0123456789abcdefABCDEF" }
pagerduty_url = "https://events.eu.pagerduty.com/v2/enqueue"
dashboard_url = "https://blockline.example.org"
log_format = "json"
chromium = "/usr/bin/chromium"
tsa_url = "https://tsa.example/tsr"
tsa_certificates = "/etc/blockline/tsa.pem"
bluesky_app_view = "https://app-view.example"
bluesky_plc = "https://plc.example"
bluesky_jetstream = "wss://jetstream.example/subscribe"
bluesky_labelers = { TR = "did:plc:cquoj7aozvmkud2gifeinkda" }
bluesky_label_values = ["!hide"]
bluesky_collect_labels = true
bluesky_canaries = ["did:plc:z72i7hdynmk6r22z27h6tvur:bsky.app:available"]
mastodon_canaries = ["https://mastodon.social/users/Gargron#1:Gargron@mastodon.social:available"]
mastodon_observers = ["mastodon.social"]
mastodon_watched_posts = ["https://mastodon.social/@Gargron/1"]
mastodon_origins = { "mastodon.example" = "http://127.0.0.1:8062" }
x_bearer_token = "…"
x_base_url = "https://x.example"
x_canaries = ["783214:X:available"]
x_follows_every = "1d"
x_daily_cost = "20"
x_consumer_key = "…"
x_consumer_secret = "…"
x_likes = ["783214:783214-token:secret"]
x_compliance = true
youtube_api_key = "AIzaSyExampleExampleExample"
youtube_base_url = "https://youtube.example"
youtube_canaries = ["UC_x5XG1OV2P6uZZ5FSM9Ttw:GoogleDevelopers:available"]
"""
"""A line of `blockline.toml` for each setting."""

_NOUNS: Final[Mapping[Any, str]] = {
    bool: "true or false",
    int: "whole number",
    timedelta: "duration",
    Decimal: "number",
    Path: "path",
    str: "text",
    SecretStr: "text",
    tuple: "list",
    dict: "table",
}
_PAGE: Final = re.compile(r"\(docs/([a-z-]+)/([a-z-]+)\.md\)")
_ADDRESSES: Final = (base_url, stream_url, values.web_address)


def fields() -> Mapping[str, FieldInfo]:
    """Every setting by its name: the general ones, then those of each platform, in the order of its model."""
    every = type(settings_from({}))
    platforms: list[type[Any]] = [model for model in every.__bases__ if model is not Settings]
    names = (*Settings.model_fields, *(name for model in platforms for name in model.model_fields))
    return {name: every.model_fields[name] for name in names}


def meanings() -> Mapping[str, str]:
    """What the docstring below each field of the models says, by the name of its setting."""
    found: dict[str, str] = {}
    for model in type(settings_from({})).__bases__:
        (tree,) = ast.parse(textwrap.dedent(inspect.getsource(model))).body
        assert isinstance(tree, ast.ClassDef)
        for field, said in pairwise(tree.body):
            match field, said:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    found[name] = _PAGE.sub(r"([\2.md](../\1/\2.md))", " ".join(text.split()))
                case _:
                    pass
    return found


def examples() -> Mapping[str, str]:
    """The line of each setting in `EXAMPLES`, by its name."""
    return {line.partition(" =")[0]: line for line in EXAMPLES.strip().splitlines()}


def type_words(name: str, field: FieldInfo) -> str:
    """ "whole number, 1 to 65,535"; "`none`, `password` or `oidc`"; "text, secret"."""
    said = _type(field.annotation, field.metadata)
    return f"{said}, secret" if name in SECRETS else said


def _type(annotation: Any, metadata: list[Any]) -> str:
    if get_origin(annotation) is Annotated:
        inner, *outer = get_args(annotation)
        return _type(inner, [*outer, *metadata])
    if any(isinstance(one, AfterValidator) and one.func in _ADDRESSES for one in metadata):
        return "address"
    parts = [part for part in get_args(annotation) if part is not NoneType]
    origin = get_origin(annotation)
    if origin is Literal or (isinstance(annotation, type) and issubclass(annotation, StrEnum)):
        options = [f"`{one}`" for one in (parts if origin is Literal else annotation)]
        return f"{', '.join(options[:-1])} or {options[-1]}"
    if origin in _NOUNS:
        return _NOUNS[origin]
    if parts:
        return _type(parts[0], metadata)
    low, high = (next((getattr(m, end) for m in metadata if hasattr(m, end)), None) for end in ("ge", "le"))
    return _NOUNS[annotation] + (f", {low:,} to {high:,}" if low is not None and high is not None else "")


def default_words(field: FieldInfo) -> str:
    """The default as it is written in `blockline.toml`; "not set" if there is none."""
    value = field.default
    if value is PydanticUndefined:
        return "not set" if get_origin(field.annotation) is dict else "depends on the user"
    match value:
        case None | ():
            return "not set"
        case bool():
            return f"`{str(value).lower()}`"
        case timedelta():
            return f'`"{span(value).replace(" ", "").replace("min", "m")}"`'
        case str():
            return f'`"{value}"`'
        case _:
            return f"`{value}`"


def markdown() -> str:
    """A section with a table for each group."""
    said, shown, lines = meanings(), examples(), list[str]()
    for name, field in fields().items():
        if name in GROUPS:
            head = ("| setting | type | default | meaning |", "| --- | --- | --- | --- |")
            lines += ["", f"## {GROUPS[name]}", "", *head]
        meaning = f"{said[name]}<br>`{shown[name]}`"
        lines.append(f"| `{name}` | {type_words(name, field)} | {default_words(field)} | {meaning} |")
    return "\n".join(lines[1:]) + "\n"
