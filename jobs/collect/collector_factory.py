"""Creating the collectors of an installation from its settings, one per platform and vantage point."""

from typing import TYPE_CHECKING

from collectors.core.abilities import Abilities
from collectors.core.collector import Collector
from collectors.core.rate_limit_headers import longest_pause
from collectors.transport.connection import PlatformConnection, Reach
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


def abilities_of(
    settings: Settings, platform: Platform, collector: Collector, budgets: "SharedBudgets | None" = None
) -> Abilities:
    """Return what is read from a platform beside statuses and timelines. `collector` is one of
    `collector_of`.

    Raises SettingsError if a key is missing or malformed; the message never contains the key.
    """
    try:
        return connection_of(platform).abilities(settings, collector, reach_of(settings, "", budgets))
    except ValueError as error:
        raise SettingsError(str(error)) from error


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
