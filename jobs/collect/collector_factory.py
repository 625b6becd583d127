"""Creating the collectors of an installation from its settings, one per platform and vantage point."""

from typing import TYPE_CHECKING

from collectors.core.collector import Collector
from collectors.core.rate_limit_headers import longest_pause
from collectors.transport.client import HttpOptions
from collectors.transport.connection import PlatformConnection, Reach
from collectors.x.client import BASE_URL
from collectors.x.compliance import XCompliance
from collectors.x.connection import bearer_token
from collectors.x.declaration import X
from collectors.x.likes import XLikes
from collectors.x.settings import XSettings
from collectors.x.tweepy_session import TWEEPY_HOST
from jobs.config.settings import Settings, SettingsError
from storage.model.core.accounts import Platform
from storage.model.platforms.registry import part

# It counts in a database, and `blockline check` works without one.
if TYPE_CHECKING:
    from jobs.dispatch.shared_rate_limits import SharedBudgets


def platforms_of(settings: Settings) -> tuple[Platform, ...]:
    """Return the platforms that the settings name. If the settings name none, return all platforms that need
    no key or whose key is set.
    """
    if settings.platforms is not None:
        return settings.platforms
    return tuple(platform for platform in Platform if settings.missing_key(platform) is None)


def connection_of(platform: Platform) -> PlatformConnection:
    return part(platform, "connection", PlatformConnection)


def collector_of(
    settings: Settings, platform: Platform, vantage: str = "", budgets: "SharedBudgets | None" = None
) -> Collector:
    """Return the collector of a platform. `vantage` is the name of a vantage point in the settings; empty
    means a direct connection.

    `budgets` limits the requests of all processes together. None means that the collector counts only its own
    requests. Raises SettingsError if a key is missing or malformed, or if the settings do not name the
    vantage point.
    """
    try:
        return connection_of(platform).collector(settings, reach_of(settings, vantage, budgets))
    except ValueError as error:
        raise SettingsError(str(error)) from error


def likes_readers(settings: Settings, budgets: "SharedBudgets | None" = None) -> dict[str, XLikes]:
    """Return clients that read the likes of executives on X, by the executive's native id. Only executives
    who authorised our app have a client.

    Empty without consumer keys. Raises SettingsError for a malformed key; the message never contains the key.
    """
    own, reach = settings.of(XSettings), reach_of(settings, "", budgets)
    key, secret = own.x_consumer_key, own.x_consumer_secret
    if key is None or secret is None:
        return {}
    # tweepy signs requests for the host of X only. Another address is a mirror or a simulator.
    base_url = TWEEPY_HOST if own.x_base_url == BASE_URL else own.x_base_url
    readers: dict[str, XLikes] = {}
    for grant in own.x_likes:
        native_id, token, token_secret = grant.get_secret_value().split(":")
        try:
            readers[native_id] = XLikes(
                key.get_secret_value(),
                secret.get_secret_value(),
                token,
                token_secret,
                base_url=base_url,
                http=reach.by_key(X, token, HttpOptions()),
            )
        except ValueError as error:
            raise SettingsError(f"Settings x_consumer_key, x_consumer_secret, x_likes: {error}.") from error
    return readers


def compliance_jobs(settings: Settings, budgets: "SharedBudgets | None" = None) -> XCompliance | None:
    """Create the client that asks X why accounts vanished. None if the settings do not enable such requests.
    Raises SettingsError if the token of X is missing or malformed.
    """
    own, reach = settings.of(XSettings), reach_of(settings, "", budgets)
    if not own.x_compliance:
        return None
    try:
        token = bearer_token(own)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    http = reach.by_key(X, token, HttpOptions())
    try:
        return XCompliance(token, base_url=own.x_base_url, http=http, trusted=settings.trusted_hosts)
    except ValueError as error:
        raise SettingsError(f"Setting x_bearer_token: {error}.") from error


def reach_of(settings: Settings, vantage: str = "", budgets: "SharedBudgets | None" = None) -> Reach:
    """Return from where a platform is asked. Raises SettingsError if the settings do not name the vantage
    point.
    """
    return Reach(
        longest_pause=longest_pause(settings.sweep_every),
        vantage=vantage,
        proxy=_proxy(settings, vantage),
        trusted=settings.trusted_hosts,
        budgets=budgets,
    )


def _proxy(settings: Settings, vantage: str) -> str | None:
    if not vantage:
        return None
    if vantage not in settings.vantages:
        raise SettingsError(f"Setting vantages does not contain the vantage point {vantage!r}.")
    return settings.vantages[vantage].get_secret_value()
