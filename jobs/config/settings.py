"""The settings of an installation, from `blockline.toml` and the environment variables `BLOCKLINE_*`.

The file is that of the current folder, else that of the user (`places.py`), unless a command names another.
The environment takes precedence over the file. No other module reads it, except that `demonstration.py` reads
`BLOCKLINE_DEMO_CLOCK`. Names are those of the fields:
`x_bearer_token` is `BLOCKLINE_X_BEARER_TOKEN` in the environment and `x_bearer_token = "…"` in the file. The
value of a secret can be in a file of its own, which `x_bearer_token_file` names.
"""

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar, cast, get_args

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    create_model,
)
from pydantic_core import ErrorDetails

from collectors.core.settings import (
    BaseUrl,
    Control,
    Duration,
    Hosts,
    PlatformSettings,
    SettingsModel,
    Table,
    Texts,
    control,
    table,
    texts,
)
from jobs.alerting.rules_file import line_of
from jobs.base.errors import CommandError
from jobs.config import places
from jobs.config import values as values_of
from jobs.config.demonstration import CLOCK_VARIABLE
from jobs.config.secret_files import read_secret
from jobs.config.values import RulesFault
from jobs.delivery import channel_config
from jobs.delivery.channel_address import PAGERDUTY_URL
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import Platform
from storage.model.platforms.registry import part
from storage.model.sizing.question import PlannerKind
from storage.model.text.toml_text import refuse_long_keys

Model = TypeVar("Model", bound=SettingsModel)

PREFIX = "BLOCKLINE_"
DEFAULT_FILE = Path(places.FILE_NAME)


class SettingsError(CommandError):
    """A setting is invalid. The message is one sentence that names the setting and its place."""


Platforms = Annotated[tuple[Platform, ...], BeforeValidator(texts), AfterValidator(values_of.platforms)]
Networks = Annotated[Texts, AfterValidator(values_of.networks)]
Countries = Annotated[Texts, AfterValidator(values_of.countries)]
Recipients = Annotated[Texts, AfterValidator(values_of.recipients)]
Zone = Annotated[str, BeforeValidator(values_of.zone)]
Vantages = Annotated[dict[str, SecretStr], BeforeValidator(table), AfterValidator(values_of.vantages)]
Services = Annotated[
    dict[str, SecretStr], BeforeValidator(table), AfterValidator(channel_config.service_addresses)
]
Webhooks = Annotated[
    dict[str, SecretStr], BeforeValidator(table), AfterValidator(channel_config.webhook_urls)
]
WebhookSecrets = Annotated[
    dict[str, SecretStr], BeforeValidator(table), AfterValidator(channel_config.webhook_secrets)
]
IntegrationKeys = Annotated[
    dict[str, SecretStr], BeforeValidator(table), AfterValidator(channel_config.integration_keys)
]
Rules = Annotated[tuple[AlertRule, ...], BeforeValidator(values_of.rules)]


class Settings(SettingsModel):
    """All settings. Those of a platform are reached through `of`."""

    database_url: SecretStr | None = None
    """postgresql://user:password@host:5432/database. Default: the embedded Postgres in `data_dir`."""
    database_read_url: SecretStr | None = None
    """Address of a streaming replica. Exports, reports, stories and Replay are read from it."""
    data_dir: Path = Field(default_factory=places.data_folder)
    """Folder of the embedded Postgres. Usually ~/.local/share/blockline; for root /var/lib/blockline."""
    backup_key: Annotated[SecretStr, AfterValidator(values_of.signing_key)] | None = None
    """Key that signs backups. With it, `blockline restore` refuses a file that it did not sign."""

    archive_url: Annotated[str, AfterValidator(values_of.archive_url)] | None = None
    """Folder or address of an object store (s3://…) for archived months (docs/how-to/archive.md)."""
    archive_after_months: int | None = Field(default=None, ge=2, le=1200)
    """Archive months that are so many months old, once a day. Without it, `blockline archive` does it."""

    host: str = "127.0.0.1"
    """Address on which the dashboard listens. Any other than a loopback address needs a login."""
    port: int = Field(default=8050, ge=0, le=65535)
    """Port of the dashboard; 0 chooses a free one."""
    trusted_proxies: Networks = ()
    """Addresses or networks of reverse proxies that are trusted to report a client's address and scheme."""
    auth: Literal["none", "password", "oidc"] | None = None
    """How people log in; `oidc` also accepts passwords. `none` means no login, on a loopback address only."""
    role: Literal["viewer", "analyst", "admin"] = "admin"
    """The role of everyone who reaches the dashboard, if there is no login."""
    second_factor_role: Literal["viewer", "analyst", "admin"] | None = None
    """This role and higher ones need a second factor beside the password (docs/how-to/people.md)."""
    oidc_issuer: BaseUrl | None = None
    """Address of the OpenID Connect provider, without /.well-known/openid-configuration."""
    oidc_client_id: str | None = None
    """The id under which the provider knows Blockline."""
    oidc_client_secret: SecretStr | None = None
    """The secret that belongs to `oidc_client_id`."""
    oidc_role_claim: str | None = None
    """The provider's claim that sets the role. Without it, everyone who can log in starts as a viewer."""
    oidc_roles: Annotated[Table, AfterValidator(values_of.roles)] = Field(default_factory=dict[str, str])
    """Value of that claim = role. A person with none of the values cannot log in."""

    platforms: Platforms | None = None
    """The platforms to read. Default: all that need no key, and those whose key is set."""
    sweep_every: Duration = timedelta(minutes=15)
    """Length of a sweep, in which every account is read once."""
    planner: PlannerKind = PlannerKind.SWEEP
    """How reads are ordered: all accounts in turn, or lists with recent changes first."""
    engagement_every: Duration = timedelta(minutes=15)
    """Interval at which the engagements of executives are read."""

    address: Annotated[str, AfterValidator(values_of.address)] = ""
    """Name under which platforms count this machine's requests. Machines with one public address share it."""
    trusted_hosts: Hosts = ()
    """Private hosts that may be asked, as `host` or `host:port`."""
    vantages: Vantages = Field(default_factory=dict[str, SecretStr])
    """Name of a vantage point = address of its HTTP proxy, which can contain a user and a password."""
    network_countries: Countries = ()
    """Countries, such as TR, whose OONI measurements are read: whether networks there reach the platforms."""
    ooni_api: BaseUrl = "https://api.ooni.io"
    """Server of OONI's API. It is only asked if `network_countries` names a country."""

    smtp_host: str | None = None
    """The mail server. Without it, emails wait and are shown as waiting."""
    smtp_port: int = Field(default=587, ge=1, le=65535)
    """Port of the mail server."""
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    """How the connection to the mail server is encrypted; `tls` from its start."""
    smtp_username: str | None = None
    """User at the mail server. Without it, nobody logs in there."""
    smtp_password: SecretStr | None = None
    """Password at the mail server."""
    smtp_per_minute: int | None = Field(default=None, ge=1, le=100_000)
    """Most emails tried per minute. Without it, there is no limit."""
    mail_from: str = "blockline@localhost"
    """Sender of all emails."""
    mail_templates: Path | None = None
    """Folder with templates that replace those of the same name in `jobs/messages/templates`."""
    recipients: Recipients = ()
    """Recipients of all alerts; short for a rule named `recipients`. Use `rules` to select alerts."""
    recipients_zone: Zone = "UTC"
    """Time zone of `recipients`, for the times in their emails."""
    rules: Rules = ()
    """Alert rules (docs/how-to/alerts.md). Each start stores them in the database."""
    operators: Recipients = ()
    """Recipients of messages about issues of the monitor. Default: `recipients`."""
    channels: Services = Field(default_factory=dict[str, SecretStr])
    """Name = address of a service for Apprise, such as slack://…; rules use it as apprise:NAME."""
    webhooks: Webhooks = Field(default_factory=dict[str, SecretStr])
    """Name = address that gets alerts as JSON (docs/reference/webhook.md); rules use it as webhook:NAME."""
    webhook_secrets: WebhookSecrets = Field(default_factory=dict[str, SecretStr])
    """Name of a webhook = secret that signs its messages."""
    pagerduty: IntegrationKeys = Field(default_factory=dict[str, SecretStr])
    """Name = integration key of a service of PagerDuty; rules use it as pagerduty:NAME."""
    pagerduty_url: Annotated[str, AfterValidator(channel_config.events_address)] = PAGERDUTY_URL
    """Where PagerDuty takes events. In its EU region: https://events.eu.pagerduty.com/v2/enqueue"""
    dashboard_url: BaseUrl = "http://127.0.0.1:8050"
    """Address of the dashboard in the links of emails. The dashboard also accepts requests for this host."""

    log_format: Literal["plain", "json"] = "plain"
    """Log format of `blockline run`: one plain line or one JSON object per record."""

    chromium: Path | None = None
    """The browser that prints reports as PDF. Default: the first Chromium or Chrome on the path."""

    tsa_url: Annotated[str, AfterValidator(values_of.web_address)] | None = None
    """Time-stamping authority (RFC 3161) that stamps the newest head of the chain once a day."""
    tsa_certificates: Path | None = None
    """Certificates of that authority, PEM or DER. An answer that they do not verify is not stored."""

    _where: Mapping[str, str] = PrivateAttr(default_factory=dict[str, str])
    _secret_files: Mapping[Path, list[str]] = PrivateAttr(default_factory=dict[Path, list[str]])

    def where(self, name: str) -> str:
        """Return the place of a setting, to follow "in": the file, or the environment with the variable."""
        return self._where.get(name, "the defaults")

    @property
    def secret_files(self) -> Mapping[Path, list[str]]:
        """Files that contain secrets, each with the names of these settings."""
        return self._secret_files

    def at_places(self, where: Mapping[str, str], secret_files: Mapping[Path, list[str]]) -> "Settings":
        """Return these settings with the place of each, and the files that contain secrets."""
        copy = self.model_copy()
        copy._where, copy._secret_files = where, secret_files
        return copy

    @property
    def is_loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @property
    def alert_rules(self) -> tuple[AlertRule, ...]:
        """The rules in these settings, in the order in which they are tried."""
        everything = AlertRule(self.recipients, name="recipients", zone=self.recipients_zone)
        return (*self.rules, everything) if self.recipients else self.rules

    def every_channel(self) -> channel_config.Channels:
        """The channels that the settings define. Raises ValueError for tables that contradict each other."""
        return channel_config.channels_of(
            self.channels, self.webhooks, self.webhook_secrets, self.pagerduty, self.pagerduty_url
        )

    @property
    def condition_recipients(self) -> tuple[str, ...]:
        return self.operators or self.recipients

    def of(self, model: type[Model]) -> Model:
        """Return the same settings as those of a platform, whose model is given."""
        if not isinstance(self, model):
            raise TypeError(f"the settings hold none of {model.__name__}")
        return self

    def canaries(self, platform: Platform) -> list[Control]:
        """Return the control accounts of a platform in these settings: (id, handle, expected status)."""
        return [control(text, platform) for text in getattr(self, f"{platform.value}_canaries", ())]

    def daily_cost(self, platform: Platform) -> Decimal | None:
        """Return the daily cost limit of a platform, in US dollars. None: there is none."""
        return getattr(self, f"{platform.value}_daily_cost", None)

    def missing_key(self, platform: Platform) -> str | None:
        """Return the setting that a platform cannot be read without, if it is not set."""
        return _OF_PLATFORMS[platform].missing_key(self)

    @staticmethod
    def keys() -> dict[Platform, str]:
        """Return the setting with the key of each platform that cannot be read without one."""
        unset = {platform: one.missing_key(one.model()) for platform, one in _OF_PLATFORMS.items()}
        return {platform: key for platform, key in unset.items() if key is not None}


_OF_PLATFORMS = {platform: part(platform, "settings", PlatformSettings) for platform in Platform}
_All = create_model("Settings", __base__=(*(one.model for one in _OF_PLATFORMS.values()), Settings))
NAMES = frozenset(_All.model_fields)
"""The names of all settings."""


def _holds_secret(annotation: object) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, get_args(annotation)))


SECRETS = frozenset(name for name, field in _All.model_fields.items() if _holds_secret(field.annotation))
"""The names of the settings that are secret. `NAME_file` names a file with the value."""
_FILE = "_file"


def settings_from(values: Mapping[str, object]) -> Settings:
    """Check values by the names of their settings. Raises what pydantic raises for a value that is wrong."""
    return cast("type[Settings]", _All).model_validate(values)


def chosen_file() -> Path:
    """Return the file that is read if a command names none. It may be absent."""
    return DEFAULT_FILE if is_there(DEFAULT_FILE) else places.settings_file()


def is_there(path: Path) -> bool:
    """Return whether there is a file that this user can see. A folder of somebody else may be closed."""
    return os.path.exists(path)  # noqa: PTH110 - Path.exists raises there


def load_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the settings from the file and the environment. Only a file that nobody named may be absent."""
    values: dict[str, object] = {}
    text = ""
    file = chosen_file() if path is None else path
    if path is not None or is_there(file):
        text = _content(file)
        values.update(_read(file, text))
    where = dict.fromkeys(values, str(file))
    secrets = sorted(SECRETS & values.keys())
    secret_files = {file: secrets} if secrets else {}
    may_be_empty = frozenset[str]().union(*(one.may_be_empty for one in _OF_PLATFORMS.values()))
    for name, value in environ.items():
        field = name.removeprefix(PREFIX).lower()
        # An empty variable counts as not set, except for those that an empty text disables.
        if name.startswith(PREFIX) and name != CLOCK_VARIABLE and (value or field in may_be_empty):
            values[field] = value
            where[field] = f"the environment, as {name}"
    for name in sorted(name + _FILE for name in SECRETS if name + _FILE in values):
        secret_file = _read_secret(name, values, where)
        secret_files.setdefault(secret_file, []).append(name.removesuffix(_FILE))
    try:
        settings = settings_from(values)
    except ValidationError as error:
        raise SettingsError(_sentence(error, where, text)) from None
    try:
        settings.every_channel()
    except ValueError as error:
        raise SettingsError(f"Settings webhooks and webhook_secrets: {str(error).rstrip('.')}.") from error
    for one in _OF_PLATFORMS.values():
        found = (
            None if one.conflict is None else one.conflict(settings, settings.planner, settings.sweep_every)
        )
        if found is not None:
            name, conflict = found
            raise SettingsError(f"Setting {name} (in {where.get(name, 'the defaults')}) {conflict}")
    if (settings.tsa_url is None) != (settings.tsa_certificates is None):
        given, other = sorted(("tsa_url", "tsa_certificates"), key=lambda name: name not in where)
        raise SettingsError(
            f"Setting {given} (in {where[given]}) needs {other}. Set both tsa_url and "
            "tsa_certificates, or neither."
        )
    if settings.archive_after_months is not None and settings.archive_url is None:
        raise SettingsError(
            f"Setting archive_after_months (in {where['archive_after_months']}) needs archive_url. Set "
            "both, or only archive_url."
        )
    if settings.database_read_url is not None and settings.database_url is None:
        raise SettingsError(
            f"Setting database_read_url (in {where['database_read_url']}) needs database_url, because the "
            "embedded Postgres has no replica."
        )
    return settings.model_copy(update={"data_dir": settings.data_dir.expanduser()}).at_places(
        where, secret_files
    )


def _read_secret(name: str, values: dict[str, object], where: dict[str, str]) -> Path:
    """Replace the setting `name`, a file, with the secret that the file contains. Returns the file."""
    secret, file = name.removesuffix(_FILE), values.pop(name)
    if secret in values:
        raise SettingsError(
            f"Set either {secret} (in {where[secret]}) or {name} (in {where[name]}), not both."
        )
    if not isinstance(file, str):
        raise SettingsError(f"Setting {name} (in {where[name]}): it must be the name of a file, in quotes.")
    path = Path(file).expanduser()
    try:
        values[secret] = read_secret(path)
    except ValueError as error:
        raise SettingsError(f"Setting {name} (in {where[name]}): {error}.") from error
    where[secret] = f"the file that {name} names"
    return path


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise SettingsError(f"{path}: the file does not exist.") from None
    except OSError as error:
        raise SettingsError(f"{path}: the file cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path}: the file is not valid TOML ({error}).") from error


def _read(path: Path, text: str) -> dict[str, object]:
    try:
        refuse_long_keys(text)
    except ValueError as error:
        raise SettingsError(f"{path}: {error}.") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path}: the file is not valid TOML ({error}).") from error
    except ValueError:  # Python refuses numbers with thousands of digits.
        raise SettingsError(
            f"{path}: the file is not valid TOML (it contains a number that is too long)."
        ) from None
    except RecursionError:
        raise SettingsError(
            f"{path}: the file is not valid TOML (it contains brackets that are nested too deeply)."
        ) from None


def _sentence(error: ValidationError, where: Mapping[str, str], text: str) -> str:
    """Describe the first fault and its place; for a rule in the file (with content `text`) also the line."""
    first = error.errors()[0]
    field = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"Setting {field} (in {where[field]}) does not exist; check its spelling."
    fault = first.get("ctx", {}).get("error")
    line = line_of(text, fault.number, fault.key) if isinstance(fault, RulesFault) else None
    place = where.get(field, "the defaults") + ("" if line is None else f", line {line}")
    return f"Setting {field} (in {place}): {clause(first)}."


_WORDS: Final[Mapping[str, str]] = {
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "string_type": "must be text in quotes",
    "path_type": "must be the name of a file or folder, in quotes",
    "tuple_type": "must be a list",
    "dict_type": "must be a table",
    "time_delta_type": "must be a duration such as 90s, 15m, 6h or 1d",
    "time_delta_parsing": "must be a duration such as 90s, 15m, 6h or 1d",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
}
"""What to say, by the kind of fault that pydantic finds. Other faults bring their own words."""


def clause(fault: ErrorDetails) -> str:
    """Describe a fault without a final full stop, to follow the name of the setting and a colon."""
    if fault["type"] == "value_error":
        return fault["msg"].removeprefix("Value error, ").rstrip(".")
    words = _WORDS.get(fault["type"], "cannot be used")
    return f"{_part(fault)} {words.format(**fault.get('ctx', {}))}"


def _part(fault: ErrorDetails) -> str:
    """Name the faulty part of a value: the number of a list entry, or the name of a table entry."""
    match fault["loc"][1:]:
        case (int(place), *_):
            return f"entry {place + 1}"
        case (str(name), *_):
            return f"{name!r}"
        case _:
            return "it"
