# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
"""The three calls to X that Blockline makes, built by tweepy, and when X may be asked again."""

import logging
import random
import re
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, cast

import tweepy
from aiohttp import ClientResponse
from tweepy.asynchronous import AsyncClient

from collectors.base import Trouble
from collectors.fetch import Http, HttpOptions, NoAnswer, RawAnswer
from collectors.limits import MOST_JITTER_S, NOT_STATED, Pauses, Window, read_window, trouble_of
from collectors.wire import Fault, printable
from collectors.x_session import TweepyAnswer, XSession
from collectors.x_timeline import Position
from storage.model.availability import MissedReason

BASE_URL: Final = "https://api.x.com"
PAGE_SIZE: Final = 100

TWEET_SPELLING: Final[Mapping[str, str]] = MappingProxyType({})
POST_SPELLING: Final[Mapping[str, str]] = MappingProxyType(
    {
        "tweet.fields": "post.fields",
        "referenced_tweets": "referenced_posts",
        "referenced_tweets.id": "referenced_posts.id",
    }
)
"""The names in X's specification since 2.167; tweepy knows only the older ones."""

LOOKUP: Final = "users"
BY_HANDLE: Final = "users/by"
TIMELINE: Final = "users/:id/tweets"
_ALL: Final = "*"

_USER_FIELDS: Final = ["name", "username", "protected", "withheld", "public_metrics", "verified"]
_POST_FIELDS: Final = ["author_id", "created_at", "in_reply_to_user_id", "referenced_tweets"]
_PAUSING: Final = {
    MissedReason.AUTH: _ALL,
    MissedReason.CREDITS: _ALL,
    MissedReason.USAGE_CAPPED: _ALL,
    MissedReason.ACCESS: None,
    MissedReason.RATE_LIMITED: None,
}
"""Reasons to stop asking: every endpoint, or (None) the one that answered so."""

_is_token = re.compile(r"[!-~]+").fullmatch
_TWEEPY_FAULTS: Final = (tweepy.TweepyException, ValueError, KeyError, TypeError, AttributeError)
"""What tweepy has been seen to raise over answers that it did not expect."""


class XClient:
    """Sends requests to X and keeps the pauses that X's answers ask for.

    Times are compared with the `now` of each call, never with a clock, so that a rehearsal can run in
    a time of its own.
    """

    def __init__(
        self,
        bearer_token: str,
        *,
        base_url: str,
        http: HttpOptions,
        spelling: Mapping[str, str],
        dice: random.Random,
    ) -> None:
        """Raises ValueError when the token cannot be one; the message does not contain it."""
        if _is_token(bearer_token) is None:
            raise ValueError("the bearer token of X is empty or holds blanks or other odd characters")
        # At DEBUG tweepy logs the headers of every request, and with them the token.
        logging.getLogger("tweepy.asynchronous.client").setLevel(logging.INFO)
        # Any other return type makes tweepy parse the body, and lose status and headers.
        raw = cast("Any", ClientResponse)
        self._tweepy = AsyncClient(bearer_token, return_type=raw, wait_on_rate_limit=False)
        self._tweepy.user_agent = "Blockline"
        self._base_url, self._spelling = base_url, spelling
        self._http = Http(http, dice)
        self._dice = dice
        self._pauses = Pauses()
        self._windows: dict[str, Window] = {}

    @property
    def windows(self) -> Mapping[str, Window]:
        """X's own count of the requests left, by endpoint, as its last answers stated it."""
        return MappingProxyType(self._windows)

    def open(self) -> None:
        """Must run inside the event loop that will send the requests."""
        self._http.open()
        self._tweepy.session = cast("Any", XSession(self._http, self._base_url, self._spelling))

    async def close(self) -> None:
        await self._http.close()

    async def users(self, ids: Sequence[str], now: datetime) -> RawAnswer | Fault:
        """GET /2/users?ids="""
        return await self._sent(LOOKUP, self._tweepy.get_users(ids=list(ids), user_fields=_USER_FIELDS), now)

    async def users_by(self, handles: Sequence[str], now: datetime) -> RawAnswer | Fault:
        """GET /2/users/by?usernames="""
        call = self._tweepy.get_users(usernames=list(handles), user_fields=_USER_FIELDS)
        return await self._sent(BY_HANDLE, call, now)

    async def timeline(
        self, native_id: str, position: Position, token: str | None, now: datetime
    ) -> RawAnswer | Fault:
        """GET /2/users/:id/tweets, one page."""
        call = self._tweepy.get_users_tweets(
            native_id,
            max_results=PAGE_SIZE,
            since_id=position.since_id,
            until_id=position.until_id,
            pagination_token=token,
            tweet_fields=_POST_FIELDS,
            expansions=["referenced_tweets.id"],
        )
        return await self._sent(TIMELINE, call, now)

    def pause(self, endpoint: str, now: datetime) -> Trouble | None:
        """Why `endpoint` must not be asked at `now`, and until when; None when it may be."""
        return self._pauses.of(now, endpoint, _ALL)

    def trouble(self, endpoint: str, fault: Fault, answer: RawAnswer | Fault, now: datetime) -> Trouble:
        """What to do about a request that failed as a whole; starts the pause that it calls for."""
        window = NOT_STATED if isinstance(answer, Fault) else read_window(answer.headers)
        trouble = trouble_of(fault, window, now, self._dice.uniform(0, MOST_JITTER_S))
        if fault.reason is MissedReason.ACCESS and endpoint != LOOKUP:
            # An app may lack the right to read timelines and still look accounts up.
            trouble = replace(trouble, breaker=False)
        if fault.reason in _PAUSING:
            self._pauses.start(_PAUSING[fault.reason] or endpoint, trouble)
        return trouble

    async def _sent(self, endpoint: str, call: Awaitable[object], now: datetime) -> RawAnswer | Fault:
        try:
            answer = cast("TweepyAnswer", await call).raw
        except NoAnswer as e:
            return Fault(MissedReason.NETWORK, printable(str(e)))
        except _TWEEPY_FAULTS as e:
            return Fault(MissedReason.MALFORMED, f"tweepy: {type(e).__name__}")
        window = read_window(answer.headers)
        self._windows[endpoint] = window
        self._pauses.note_window(endpoint, window, now)
        return answer
