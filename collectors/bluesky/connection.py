"""Connecting to Bluesky, without a key."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

import aiohttp

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY, PACE_S
from collectors.bluesky.jetstream import Jetstream
from collectors.bluesky.settings import BlueskySettings
from collectors.bluesky.wire.regional_labelers import DEFAULT_LABEL_VALUES, SHIPPED_REGIONS
from collectors.core.abilities import Abilities
from collectors.core.collector import CollectorAnswer
from collectors.core.findings import Finding, FindingLevel
from collectors.transport.client import HttpOptions
from collectors.transport.connection import PlatformConnection, Reach
from collectors.transport.host_pacing import HostRateLimiter
from storage.model.text.states import clean

_STREAM_WAIT_S = 10
_MAX_BODY = 2 * 1024 * 1024
_BURST = 10
"""The most requests at once to one host: an assumption, as the pace is."""


class BlueskyConnection(PlatformConnection):
    address_setting = "bluesky_app_view"

    def address(self, settings: BlueskySettings) -> str:
        return settings.bluesky_app_view

    def answer_findings(self, settings: BlueskySettings, answer: CollectorAnswer) -> list[Finding]:
        """Report for which countries the answer contained labels."""
        part = "Bluesky labelers"
        regions = SHIPPED_REGIONS if settings.bluesky_labelers is None else settings.bluesky_labelers
        if not regions:
            said = "Setting bluesky_labelers is empty, so restrictions by country are not observed."
            return [Finding(part, FindingLevel.ADVICE, said)]
        silent = sorted(frozenset[str]().union(*(reading.silent_on for reading in answer.readings)))
        heard = ", ".join(country for country in sorted(regions) if country not in silent) or "none"
        if silent:
            todo = "correct or remove their labelers in setting bluesky_labelers"
            said = f"Labels received for: {heard}. No labels for {', '.join(silent)}: {todo}."
            return [Finding(part, FindingLevel.ADVICE, said)]
        return [Finding(part, FindingLevel.OK, f"Labels received for: {heard}.")]

    async def further_findings(self, settings: BlueskySettings, reach: Reach, now: datetime) -> list[Finding]:
        """Check whether the stream of events can be reached, without reading from it."""
        part, url = "Bluesky events", settings.bluesky_jetstream
        if not url:
            said = "Disabled by setting bluesky_jetstream. Changes are found by reading."
            return [Finding(part, FindingLevel.NOT_SET_UP, said)]
        try:
            # With requireHello the server sends nothing before the client requests it.
            async with (
                asyncio.timeout(_STREAM_WAIT_S),
                aiohttp.ClientSession() as session,
                session.ws_connect(url, params={"requireHello": "true"}),
            ):
                return [Finding(part, FindingLevel.OK, f"{url} answers.")]
        except (aiohttp.ClientError, OSError, ValueError) as error:
            why = clean(str(error) or type(error).__name__, 120)
        todo = "set bluesky_jetstream to another address; until then changes are found only by reading"
        return [Finding(part, FindingLevel.ADVICE, f"{url} does not answer ({why}): {todo}.")]

    def collector(self, settings: BlueskySettings, reach: Reach) -> BlueskyCollector:
        labelers, values = settings.bluesky_labelers, settings.bluesky_label_values
        pace = HostRateLimiter(PACE_S, _BURST)
        try:
            return BlueskyCollector(
                app_view=settings.bluesky_app_view,
                plc=settings.bluesky_plc,
                regions=SHIPPED_REGIONS if labelers is None else labelers,
                label_values=DEFAULT_LABEL_VALUES if values is None else values,
                http=reach.by_address(BLUESKY, HttpOptions(max_body=_MAX_BODY, pace=pace)),
            )
        except ValueError as error:
            raise ValueError(f"Setting bluesky_labelers: {error}.") from error

    def abilities(self, settings: BlueskySettings, collector: BlueskyCollector, reach: Reach) -> Abilities:
        stream = settings.bluesky_jetstream
        try:
            labels = collector.label_feed() if settings.bluesky_collect_labels else None
        except ValueError as error:
            raise ValueError(f"Setting bluesky_labelers: {error}.") from error
        return Abilities(
            events=Jetstream(stream) if stream else None,
            labels=labels,
            profiles=None if labels is None else collector,
            past_handles=collector,
            follows_among=collector,
        )

    def simulated(self, address: str, hosts: Sequence[str], options: HttpOptions) -> BlueskyCollector:
        return BlueskyCollector(app_view=address, plc=address, http=options)


CONNECTION = BlueskyConnection()
