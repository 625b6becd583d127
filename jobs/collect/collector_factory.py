"""Creating the collectors of an installation from its settings, one per platform and vantage point."""

from dataclasses import replace
from typing import TYPE_CHECKING

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.wire.regional_labelers import DEFAULT_LABEL_VALUES, SHIPPED_REGIONS
from collectors.core.collector import Collector
from collectors.core.rate_limit_headers import longest_pause
from collectors.core.shared_budget import RequestBudget
from collectors.mastodon.collector import MAX_BODY, MastodonCollector, default_http
from collectors.transport.client import HttpOptions
from collectors.transport.host_pacing import HostRateLimiter
from collectors.transport.ssrf_guard import Guard
from collectors.x.client import BASE_URL
from collectors.x.collector import XCollector
from collectors.x.compliance import XCompliance
from collectors.x.likes import XLikes
from collectors.x.tweepy_session import TWEEPY_HOST
from jobs.config.settings import Settings, SettingsError
from storage.model.core.accounts import Platform
from storage.model.limits.rate_limits import UNPACED

# It counts in a database, and `blockline check` works without one.
if TYPE_CHECKING:
    from jobs.dispatch.shared_rate_limits import SharedBudgets

_BLUESKY_PER_S, _BLUESKY_BURST = 5.0, 10
"""Requests per second to each host, and the most at once. Both are assumptions, because the limit of
Bluesky's AppView is not documented.
"""


def platforms_of(settings: Settings) -> tuple[Platform, ...]:
    """Return the platforms that the settings name. If the settings name none, return all platforms that need
    no key, and X if its token is set.
    """
    if settings.platforms is not None:
        return settings.platforms
    return tuple(p for p in Platform if p is not Platform.X or settings.x_bearer_token is not None)


def collector_of(
    settings: Settings, platform: Platform, vantage: str = "", budgets: "SharedBudgets | None" = None
) -> Collector:
    """Return the collector of a platform. `vantage` is the name of a vantage point in the settings; empty
    means a direct connection.

    `budgets` limits the requests of all processes together. None means that the collector counts only its own
    requests. Raises SettingsError if the token of X is missing or malformed, or if the settings do not name
    the vantage point.
    """
    match platform:
        case Platform.X:
            return x_collector(settings, vantage, budgets)
        case Platform.BLUESKY:
            return bluesky_collector(settings, vantage, budgets)
        case Platform.MASTODON:
            return mastodon_collector(settings, vantage, budgets)


def x_collector(settings: Settings, vantage: str = "", budgets: "SharedBudgets | None" = None) -> XCollector:
    """Create the X collector. The errors are those of `collector_of`."""
    token = _token(settings)
    http = HttpOptions(
        proxy=_proxy(settings, vantage),
        longest_pause=longest_pause(settings.sweep_every),
        budget=_of_credential(budgets, token),
    )
    try:
        return XCollector(token, base_url=settings.x_base_url, http=http)
    except ValueError as error:
        raise SettingsError(f"Setting x_bearer_token: {error}.") from error


def _token(settings: Settings) -> str:
    if settings.x_bearer_token is None:
        raise SettingsError(
            "Setting x_bearer_token is missing: put an app's bearer token of X into blockline.toml or into "
            "BLOCKLINE_X_BEARER_TOKEN, or leave x out of setting platforms."
        )
    return settings.x_bearer_token.get_secret_value()


def likes_readers(settings: Settings, budgets: "SharedBudgets | None" = None) -> dict[str, XLikes]:
    """Return clients that read the likes of executives on X, by the executive's native id. Only executives
    who authorised our app have a client.

    Empty without consumer keys. Raises SettingsError for a malformed key; the message never contains the key.
    """
    key, secret = settings.x_consumer_key, settings.x_consumer_secret
    if key is None or secret is None:
        return {}
    # tweepy signs requests for the host of X only. Another address is a mirror or a simulator.
    base_url = TWEEPY_HOST if settings.x_base_url == BASE_URL else settings.x_base_url
    readers: dict[str, XLikes] = {}
    for grant in settings.x_likes:
        native_id, token, token_secret = grant.get_secret_value().split(":")
        try:
            readers[native_id] = XLikes(
                key.get_secret_value(),
                secret.get_secret_value(),
                token,
                token_secret,
                base_url=base_url,
                http=HttpOptions(budget=_of_credential(budgets, token)),
            )
        except ValueError as error:
            raise SettingsError(f"Settings x_consumer_key, x_consumer_secret, x_likes: {error}.") from error
    return readers


def compliance_jobs(settings: Settings, budgets: "SharedBudgets | None" = None) -> XCompliance | None:
    """Create the client that asks X why accounts vanished. None if the settings do not enable such requests.
    Raises SettingsError if the token of X is missing or malformed.
    """
    if not settings.x_compliance:
        return None
    token = _token(settings)
    http = HttpOptions(budget=_of_credential(budgets, token))
    try:
        return XCompliance(token, base_url=settings.x_base_url, http=http, trusted=settings.trusted_hosts)
    except ValueError as error:
        raise SettingsError(f"Setting x_bearer_token: {error}.") from error


def bluesky_collector(
    settings: Settings, vantage: str = "", budgets: "SharedBudgets | None" = None
) -> BlueskyCollector:
    """Create the Bluesky collector. Raises SettingsError for invalid labelers or an unknown vantage point."""
    labelers, values = settings.bluesky_labelers, settings.bluesky_label_values
    http = HttpOptions(
        max_body=MAX_BODY,
        proxy=_proxy(settings, vantage),
        longest_pause=longest_pause(settings.sweep_every),
        pace=HostRateLimiter(_BLUESKY_PER_S, _BLUESKY_BURST),
        guard=Guard(settings.trusted_hosts),
    )
    http = _shared(http, budgets, Platform.BLUESKY, vantage)
    try:
        return BlueskyCollector(
            app_view=settings.bluesky_app_view,
            plc=settings.bluesky_plc,
            regions=SHIPPED_REGIONS if labelers is None else labelers,
            label_values=DEFAULT_LABEL_VALUES if values is None else values,
            http=http,
        )
    except ValueError as error:
        raise SettingsError(f"Setting bluesky_labelers: {error}.") from error


def mastodon_collector(
    settings: Settings, vantage: str = "", budgets: "SharedBudgets | None" = None
) -> MastodonCollector:
    """Create the Mastodon collector. Raises SettingsError for an unknown vantage point."""
    http = replace(
        default_http(),
        proxy=_proxy(settings, vantage),
        longest_pause=longest_pause(settings.sweep_every),
        guard=Guard(settings.trusted_hosts),
    )
    http = _shared(http, budgets, Platform.MASTODON, vantage)
    return MastodonCollector(http=http, origins=settings.mastodon_origins)


def _of_credential(budgets: "SharedBudgets | None", token: str) -> RequestBudget | None:
    return None if budgets is None else budgets.of(Platform.X, credential=token)


def _shared(
    http: HttpOptions, budgets: "SharedBudgets | None", platform: Platform, vantage: str
) -> HttpOptions:
    """Return the options with a request limit that all processes share. If `budgets` is None, return the
    options unchanged: the limit then applies to this process alone.
    """
    if budgets is None:
        return http
    pace = UNPACED if http.pace is None else http.pace.of_all
    return replace(http, pace=None, budget=budgets.of(platform, vantage=vantage, pace=pace))


def _proxy(settings: Settings, vantage: str) -> str | None:
    if not vantage:
        return None
    if vantage not in settings.vantages:
        raise SettingsError(f"Setting vantages does not contain the vantage point {vantage!r}.")
    return settings.vantages[vantage].get_secret_value()
