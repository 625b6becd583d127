"""The settings of X."""

from datetime import timedelta
from decimal import Decimal
from functools import partial
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, SecretStr

from collectors.core.settings import (
    BaseUrl,
    Duration,
    PlatformSettings,
    SettingsModel,
    Texts,
    controls,
    texts,
)
from collectors.x.declaration import DECLARATION, X
from storage.model.limits.daily_cost_shares import LEAST_USD, MOST_USD
from storage.model.sizing.question import PlannerKind

LEAST_FOLLOWS_EVERY = timedelta(days=1)
"""X bills each account that a list of follows returns, once a UTC day."""


def at_least_a_day(value: timedelta | None) -> timedelta | None:
    if value is not None and value < LEAST_FOLLOWS_EVERY:
        raise ValueError("it must be at least 1d; to read no follows, remove the setting.")
    return value


def daily_cost(value: Decimal | None) -> Decimal | None:
    if value is None or LEAST_USD <= value <= MOST_USD:
        return value
    raise ValueError(f"it must be between {LEAST_USD} and {MOST_USD} US dollars per day.")


def grants(values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    """Check authorisations by executives on X: `id:token:secret` each, where the token starts with the id."""
    for n, value in enumerate(values, 1):
        parts = value.get_secret_value().split(":")
        is_whole = len(parts) == 3 and DECLARATION.is_native_id(parts[0]) and all(map(_is_token, parts[1:]))
        if not is_whole or not parts[1].startswith(f"{parts[0]}-"):
            raise ValueError(
                f"entry {n} does not have the form id:token:secret, in which the token starts with the id "
                "and a hyphen."
            )
    return values


def _is_token(text: str) -> bool:
    return text.isascii() and text.isprintable() and bool(text) and " " not in text


class XSettings(SettingsModel):
    x_bearer_token: SecretStr | None = None
    """Bearer token of an app on X. X is not read without it."""
    x_base_url: BaseUrl = "https://api.x.com"
    """Address of X's API."""
    x_canaries: Annotated[Texts, AfterValidator(partial(controls, platform=X))] = ()
    """Your own control accounts, each as `id:handle:status`."""
    x_follows_every: Annotated[Duration | None, AfterValidator(at_least_a_day)] = None
    """Interval at which the follows of executives on X are read; X bills per account. Default: never."""
    x_daily_cost: Annotated[Decimal | None, AfterValidator(daily_cost)] = None
    """Daily cost limit of account lookups, in US dollars per UTC day (docs/explanation/planning.md)."""
    x_consumer_key: SecretStr | None = None
    """Key of the app that executives authorised, for `x_likes`."""
    x_consumer_secret: SecretStr | None = None
    """Secret of that app."""
    x_likes: Annotated[tuple[SecretStr, ...], BeforeValidator(texts), AfterValidator(grants)] = ()
    """Who authorised that app to read their likes: `id:access token:access secret` for each executive."""
    x_compliance: bool = False
    """Whether to ask X once a day why accounts vanished. Most X plans do not include this."""


def _missing_key(settings: XSettings) -> str | None:
    return "x_bearer_token" if settings.x_bearer_token is None else None


def _conflict(settings: XSettings, planner: PlannerKind, sweep_every: timedelta) -> tuple[str, str] | None:
    if settings.x_likes and None in {settings.x_consumer_key, settings.x_consumer_secret}:
        keys = "the keys of the app that the executives authorised."
        return "x_likes", f"needs x_consumer_key and x_consumer_secret, {keys}"
    if settings.x_compliance and settings.x_bearer_token is None:
        return "x_compliance", "needs x_bearer_token, because X is not read without it."
    if settings.x_daily_cost is None:
        return None
    unkept = _unkept_cost(planner, sweep_every, settings.x_follows_every)
    return None if unkept is None else ("x_daily_cost", unkept)


def _unkept_cost(planner: PlannerKind, sweep_every: timedelta, follows_every: timedelta | None) -> str | None:
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


SETTINGS = PlatformSettings(XSettings, _missing_key, _conflict)
