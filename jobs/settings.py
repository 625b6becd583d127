"""The settings of an installation: `blockline.toml` and `BLOCKLINE_*`. The only reader of the environment.

The environment wins over the file. Names are those of the fields: `x_bearer_token` is
`BLOCKLINE_X_BEARER_TOKEN` in the environment and `x_bearer_token = "…"` in the file.
"""

import os
import tomllib
from collections.abc import Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from jobs.durations import parse_duration
from storage.model.availability import Status

PREFIX = "BLOCKLINE_"
DEFAULT_FILE = Path("blockline.toml")


class SettingsError(Exception):
    """A setting cannot be used. The message is one sentence that names it and where it stands."""


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _duration(value: object) -> object:
    return parse_duration(value) if isinstance(value, str) else value


def _zone(value: object) -> object:
    try:
        return str(ZoneInfo(str(value)))
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"{value!r} is not a time zone; write it like Asia/Kolkata.") from error


def _default_data_dir() -> Path:
    """Root's home is closed to the unprivileged user that the embedded Postgres runs as."""
    return Path("/var/lib/blockline" if os.geteuid() == 0 else "~/.local/share/blockline")


Texts = Annotated[tuple[str, ...], BeforeValidator(_split)]
Duration = Annotated[timedelta, BeforeValidator(_duration)]
Zone = Annotated[str, BeforeValidator(_zone)]


class Settings(BaseModel):
    """Everything that can be set. Nothing here is ever written to a log; secrets do not print."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: SecretStr | None = None
    """postgresql://user:password@host:5432/database; without it, the embedded Postgres in `data_dir`."""
    data_dir: Path = Field(default_factory=_default_data_dir)

    host: str = "127.0.0.1"
    port: int = Field(default=8050, ge=0, le=65535)
    auth: Literal["none"] | None = None
    """There is no login yet: `none` says that you know, and only a loopback address is then accepted."""

    x_bearer_token: SecretStr | None = None
    x_base_url: str = "https://api.x.com"
    x_canaries: Texts = ()
    """Control accounts, `numeric id:handle:status` each: stable ones, and one known to be suspended."""
    sweep_every: Duration = timedelta(minutes=15)
    engagement_every: Duration = timedelta(minutes=15)

    smtp_host: str | None = None
    smtp_port: int = Field(default=587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_username: str | None = None
    smtp_password: SecretStr | None = None
    mail_from: str = "blockline@localhost"
    recipients: Texts = ()
    recipients_zone: Zone = "UTC"
    dashboard_url: str = "http://127.0.0.1:8050"

    @property
    def is_loopback(self) -> bool:
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    def canaries(self) -> list[tuple[str, str, Status]]:
        """The control accounts as (id, handle, expected status). Raises SettingsError."""
        return [_canary(text) for text in self.x_canaries]


def _canary(text: str) -> tuple[str, str, Status]:
    parts = text.split(":")
    if len(parts) == 3 and parts[0].isascii() and parts[0].isdigit() and parts[1]:
        try:
            return parts[0], parts[1], Status(parts[2])
        except ValueError:
            pass
    raise SettingsError(
        f"Setting x_canaries: {text!r} is not of the form id:handle:status, such as 783214:X:available."
    )


def load_settings(path: Path | None = None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from the file (the default one may be absent, a named one may not) and the environment."""
    values: dict[str, object] = {}
    if path is not None or DEFAULT_FILE.exists():
        values.update(_read(path or DEFAULT_FILE))
    where = dict.fromkeys(values, str(path or DEFAULT_FILE))
    for name, value in environ.items():
        if name.startswith(PREFIX) and value:
            field = name.removeprefix(PREFIX).lower()
            values[field] = value
            where[field] = f"the environment, as {name}"
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        raise SettingsError(_sentence(error, where)) from None
    settings.canaries()
    return settings.model_copy(update={"data_dir": settings.data_dir.expanduser()})


def _read(path: Path) -> dict[str, object]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingsError(f"{path}: cannot be read ({error.strerror}).") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: not TOML ({error}).") from error


def _sentence(error: ValidationError, where: Mapping[str, str]) -> str:
    first = error.errors()[0]
    field = str(first["loc"][0])
    if first["type"] == "extra_forbidden":
        return f"Setting {field} (in {where[field]}) is not known."
    why = first["msg"].removeprefix("Value error, ").rstrip(".")
    return f"Setting {field} (in {where.get(field, 'the defaults')}): {why[0].lower()}{why[1:]}."
