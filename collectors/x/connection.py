"""Connecting to X, with the bearer token of an app."""

from collections.abc import Sequence

from collectors.core.collector import Collector
from collectors.transport.client import HttpOptions
from collectors.transport.connection import PlatformConnection, Reach
from collectors.x.collector import XCollector
from collectors.x.declaration import SIMULATED_TOKEN, X
from collectors.x.settings import XSettings
from storage.model.core.availability import MissedReason
from storage.model.text.units import number

_CAP = "buy credits or raise the cap in X's developer console"


class XConnection(PlatformConnection):
    address_setting = "x_base_url"
    refused_to_do = {
        MissedReason.AUTH: "set x_bearer_token to a valid bearer token",
        MissedReason.CREDITS: _CAP,
        MissedReason.USAGE_CAPPED: _CAP,
        MissedReason.ACCESS: "the app must belong to a project with access to API v2",
    }

    def address(self, settings: XSettings) -> str:
        return settings.x_base_url

    def answers(self, settings: XSettings, collector: Collector) -> str:
        windows = collector.windows.values() if isinstance(collector, XCollector) else ()
        left = next((window.remaining for window in windows if window.remaining is not None), None)
        limit = "" if left is None else f"; {number(left, 'lookup')} left in this window"
        return f"{settings.x_base_url} accepts the token{limit}."

    def collector(self, settings: XSettings, reach: Reach) -> XCollector:
        token = bearer_token(settings)
        http = reach.by_key(X, token, HttpOptions(longest_pause=reach.longest_pause))
        try:
            return XCollector(token, base_url=settings.x_base_url, http=http)
        except ValueError as error:
            raise ValueError(f"Setting x_bearer_token: {error}.") from error

    def simulated(self, address: str, hosts: Sequence[str], options: HttpOptions) -> XCollector:
        return XCollector(SIMULATED_TOKEN, base_url=address, http=options)


def bearer_token(settings: XSettings) -> str:
    """The token of the settings. Raises ValueError with a sentence if there is none."""
    if settings.x_bearer_token is None:
        raise ValueError(
            "Setting x_bearer_token is missing: put an app's bearer token of X into blockline.toml or into "
            "BLOCKLINE_X_BEARER_TOKEN, or leave x out of setting platforms."
        )
    return settings.x_bearer_token.get_secret_value()


CONNECTION = XConnection()
