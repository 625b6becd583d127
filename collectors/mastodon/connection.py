"""Connecting to Mastodon servers, without a key."""

from collections.abc import Sequence
from datetime import datetime

from collectors.core.abilities import Abilities
from collectors.core.collector import RequestFailure
from collectors.core.findings import Finding, FindingLevel
from collectors.mastodon.collector import MastodonCollector, default_http
from collectors.mastodon.declaration import DECLARATION, MASTODON
from collectors.mastodon.settings import MastodonSettings
from collectors.mastodon.wire.moderation import DomainBlocks
from collectors.transport.client import HttpOptions
from collectors.transport.connection import PlatformConnection, Reach, why_words
from storage.model.core.availability import MissedReason


class MastodonConnection(PlatformConnection):
    address_setting = "trusted_hosts"

    def address(self, settings: MastodonSettings) -> str:
        return DECLARATION.name

    async def further_findings(
        self, settings: MastodonSettings, reach: Reach, now: datetime
    ) -> list[Finding]:
        """Check whether each observer publishes which servers it blocks."""
        async with self.collector(settings, reach) as collector:
            return [
                _observer_finding(observer, await collector.domain_blocks(observer, now))
                for observer in settings.mastodon_observers
            ]

    async def probe(
        self, settings: MastodonSettings, reach: Reach, now: datetime
    ) -> RequestFailure | str | None:
        """Ask the first observer of the settings, because Mastodon has no central server."""
        if not settings.mastodon_observers:
            return "Not checked: setting mastodon_observers names no server."
        async with self.collector(settings, reach) as collector:
            said = await collector.domain_blocks(settings.mastodon_observers[0], now)
        if isinstance(said, RequestFailure) and said.reason is not MissedReason.ACCESS:
            return said
        return None

    def collector(self, settings: MastodonSettings, reach: Reach) -> MastodonCollector:
        http = reach.by_address(MASTODON, default_http())
        return MastodonCollector(http=http, origins=settings.mastodon_origins)

    def abilities(self, settings: MastodonSettings, collector: MastodonCollector, reach: Reach) -> Abilities:
        observers, posts = settings.mastodon_observers, settings.mastodon_watched_posts
        return Abilities(
            other_servers=collector if observers else None,
            observers=observers,
            post_likes=collector if posts else None,
            watched_posts=posts,
        )

    def simulated(self, address: str, hosts: Sequence[str], options: HttpOptions) -> MastodonCollector:
        return MastodonCollector(origins=dict.fromkeys(hosts, address), http=options)


def _observer_finding(observer: str, said: DomainBlocks | RequestFailure) -> Finding:
    part = f"observer {observer}"
    if not isinstance(said, RequestFailure):
        words = "The server answers and publishes the list of servers that it blocks."
        return Finding(part, FindingLevel.OK, words)
    if said.reason is MissedReason.ACCESS:
        words = (
            "The server answers, but does not publish which servers it blocks. Only its view of accounts is "
            "used."
        )
        return Finding(part, FindingLevel.ADVICE, words)
    todo = "if this continues, remove it from setting mastodon_observers"
    words = f"The server does not answer ({why_words(said.reason, said.detail)}): {todo}."
    return Finding(part, FindingLevel.MEND, words)


CONNECTION = MastodonConnection()
