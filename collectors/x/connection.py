"""Connecting to X, with the bearer token of an app."""

from collections.abc import Sequence
from datetime import datetime

from collectors.core.abilities import Abilities
from collectors.core.collector import Collector, RequestFailure
from collectors.core.findings import Finding, FindingLevel
from collectors.transport.client import HttpOptions
from collectors.transport.connection import PlatformConnection, Reach
from collectors.x.client import BASE_URL
from collectors.x.collector import XCollector
from collectors.x.compliance import XCompliance
from collectors.x.declaration import SIMULATED_TOKEN, X
from collectors.x.likes import XLikes
from collectors.x.settings import LEAST_FOLLOWS_EVERY, XSettings
from collectors.x.tweepy_session import TWEEPY_HOST
from collectors.x.wire.follows import price_sentence
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

    def abilities(self, settings: XSettings, collector: XCollector, reach: Reach) -> Abilities:
        """Likes are among them without any authorisation too, so that it is on record that they cannot be
        seen, and since when.
        """
        likes, closure_reasons = likes_readers(settings, reach), compliance_jobs(settings, reach)
        every = settings.x_follows_every
        return Abilities(
            closure_reasons=closure_reasons,
            follow_lists=None if every is None else collector,
            follows_every=every or LEAST_FOLLOWS_EVERY,
            likes=likes,
            connections=(*likes.values(), *(() if closure_reasons is None else (closure_reasons,))),
        )

    async def executive_findings(
        self, settings: XSettings, reach: Reach, native_ids: Sequence[str], now: datetime
    ) -> list[Finding]:
        """Report the cost of setting x_follows_every."""
        part = "X follows"
        if settings.x_follows_every is None:
            return []
        if not native_ids:
            said = "No executive on X is stored, so no follows are read."
            return [Finding(part, FindingLevel.NOT_SET_UP, said)]
        try:
            collector = self.collector(settings, reach)
        except ValueError as error:
            return [Finding(part, FindingLevel.MEND, str(error))]
        counts: list[int] = []
        async with collector:
            for start in range(0, len(native_ids), collector.batch_size):
                batch = native_ids[start : start + collector.batch_size]
                said = await collector.following_counts(batch, now)
                if isinstance(said, RequestFailure):
                    words = f"X did not report what reading follows will cost ({said.reason.value})."
                    return [Finding(part, FindingLevel.ADVICE, words)]
                counts += said.values()
        return [Finding(part, FindingLevel.OK, price_sentence(counts))]

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


def likes_readers(settings: XSettings, reach: Reach) -> dict[str, XLikes]:
    """Clients that read the likes of executives, by native id. Only executives who authorised our app have
    one.

    Empty without consumer keys. Raises ValueError for a malformed key; the message never contains the key.
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
                http=reach.by_key(X, token, HttpOptions()),
            )
        except ValueError as error:
            raise ValueError(f"Settings x_consumer_key, x_consumer_secret, x_likes: {error}.") from error
    return readers


def compliance_jobs(settings: XSettings, reach: Reach) -> XCompliance | None:
    """The client that asks X why accounts vanished. None if the settings do not enable such requests.
    Raises ValueError if the token of X is missing or malformed.
    """
    if not settings.x_compliance:
        return None
    token = bearer_token(settings)
    http = reach.by_key(X, token, HttpOptions())
    try:
        return XCompliance(token, base_url=settings.x_base_url, http=http, trusted=reach.trusted)
    except ValueError as error:
        raise ValueError(f"Setting x_bearer_token: {error}.") from error


CONNECTION = XConnection()
