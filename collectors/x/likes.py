"""The likes of an X user who has authorised our app. Nobody else's can be seen since June 2024."""

import random
from collections.abc import Collection
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from collectors.core.abilities import Likes
from collectors.core.collector import RequestFailure
from collectors.core.wire import WireFault
from collectors.transport.client import HttpOptions
from collectors.x.client import LIKED, UserToken, XClient
from collectors.x.tweepy_session import TWEEPY_HOST
from collectors.x.wire.envelope import UnreadableResource
from collectors.x.wire.timeline import LikedPage, read_liked
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal

MAX_PAGES: Final = 5
_DEFAULT_HTTP: Final = HttpOptions()


class XLikes:
    """One user's own authorisation (OAuth 1.0a), which does not expire but can be revoked (documented).

    Use as `async with`: it owns the connections. Requests are signed for the host of `base_url` by default;
    another one must be the same X behind another name.
    """

    def __init__(
        self,
        consumer_key: str,
        consumer_secret: str,
        access_token: str,
        access_secret: str,
        *,
        base_url: str = TWEEPY_HOST,
        http: HttpOptions = _DEFAULT_HTTP,
        dice: random.Random | None = None,
    ) -> None:
        """Raises ValueError when a token cannot be one; the message does not contain it."""
        token = UserToken(consumer_key, consumer_secret, access_token, access_secret)
        self._client = XClient(token, base_url=base_url, http=http, dice=dice or random.SystemRandom())
        self._owner_id = token.owner_id

    @property
    def owner_id(self) -> str:
        """The user who gave the authorisation: X writes the id into the access token."""
        return self._owner_id

    async def __aenter__(self) -> Self:
        self._client.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    async def likes(self, native_id: str, known_ids: Collection[str], now: datetime) -> Likes:
        """Likes above one of `known_ids` in X's list, newest first; the newest page if none is known.

        What stands below the last known like of a page is older than what is known: it came into view
        because a like between was taken back. A known like that was given anew may stand on top.

        Trouble of reason AUTH says that the authorisation is revoked, ACCESS that X refuses in spite of it.
        Raises ValueError for another user than the owner: X might answer for that one with nothing, and
        nothing would look like no likes.
        """
        if native_id != self._owner_id:
            raise ValueError("an authorisation shows only the likes of its owner")
        found: dict[str, Signal] = {}
        token: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._page(token, now)
            if isinstance(page, RequestFailure):
                return Likes((), complete=False, trouble=page)
            at_known = [n for n, signal in enumerate(page.signals) if signal.native_id in known_ids]
            above = page.signals[: at_known[-1]] if at_known else page.signals
            found.update((s.native_id, s) for s in above if s.native_id not in known_ids)
            token = page.next_token
            if at_known or token is None or not known_ids:
                return _oldest_first(found, complete=True)
        return _oldest_first(found, complete=False)

    async def _page(self, token: str | None, now: datetime) -> LikedPage | RequestFailure:
        pause = self._client.pause(LIKED, now)
        if pause is not None:
            return pause
        answer = await self._client.liked(self._owner_id, token, now)
        if isinstance(answer, WireFault):
            return self._client.trouble(LIKED, answer, answer, now)
        page = read_liked(answer.http_status, answer.body, self._owner_id)
        if isinstance(page, UnreadableResource):
            return RequestFailure(MissedReason.ACCESS, page.detail, now, breaker=False)
        if isinstance(page, WireFault):
            return self._client.trouble(LIKED, page, answer, now)
        return page


def _oldest_first(found: dict[str, Signal], *, complete: bool) -> Likes:
    return Likes(tuple(reversed(found.values())), complete)
