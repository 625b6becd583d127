"""Connecting to YouTube, with the API key of a project."""

from collections.abc import Sequence

from collectors.transport.client import HttpOptions
from collectors.transport.connection import PlatformConnection, Reach
from collectors.transport.host_pacing import HostRateLimiter
from collectors.youtube.collector import YouTubeCollector
from collectors.youtube.declaration import BURST, PACE_S, YOUTUBE
from collectors.youtube.settings import YouTubeSettings
from storage.model.core.availability import MissedReason

_SIMULATED_KEY = "simulated"


class YouTubeConnection(PlatformConnection):
    address_setting = "youtube_base_url"
    refused_to_do = {
        MissedReason.AUTH: "set youtube_api_key to a valid API key",
        MissedReason.ACCESS: "enable the YouTube Data API v3 for the project of the key",
        MissedReason.USAGE_CAPPED: "wait until midnight Pacific Time, when the units of the day come back",
    }

    def address(self, settings: YouTubeSettings) -> str:
        return settings.youtube_base_url

    def collector(self, settings: YouTubeSettings, reach: Reach) -> YouTubeCollector:
        if settings.youtube_api_key is None:
            raise ValueError(
                "Setting youtube_api_key is missing: put an API key of the YouTube Data API into "
                "blockline.toml or into BLOCKLINE_YOUTUBE_API_KEY, or leave youtube out of setting platforms."
            )
        key = settings.youtube_api_key.get_secret_value()
        pace = HostRateLimiter(PACE_S, BURST)
        options = HttpOptions(longest_pause=reach.longest_pause, pace=pace)
        return YouTubeCollector(key, settings.youtube_base_url, reach.by_key(YOUTUBE, key, options))

    def simulated(self, address: str, hosts: Sequence[str], options: HttpOptions) -> YouTubeCollector:
        return YouTubeCollector(_SIMULATED_KEY, address, options)


CONNECTION = YouTubeConnection()
