"""Connecting to Pond."""

from collections.abc import Sequence

from collectors.transport.client import HttpOptions
from collectors.transport.connection import PlatformConnection, Reach

from .collector import PondCollector
from .declaration import POND
from .settings import PondSettings


class PondConnection(PlatformConnection):
    address_setting = "pond_base_url"

    def address(self, settings: PondSettings) -> str:
        return settings.pond_base_url

    def collector(self, settings: PondSettings, reach: Reach) -> PondCollector:
        return PondCollector(settings.pond_base_url, reach.by_address(POND, HttpOptions()))

    def simulated(self, address: str, hosts: Sequence[str], options: HttpOptions) -> PondCollector:
        return PondCollector(address, options)


CONNECTION = PondConnection()
