# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownArgumentType=false
# pyright: reportUnknownVariableType=false
"""The calls to X that Blockline makes, built by tweepy, and when X may be asked again."""

import logging
import random
import re
from collections import Counter
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, cast

import tweepy
from aiohttp import ClientResponse
from tweepy.asynchronous import AsyncClient

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import (
    LONGEST_WAIT,
    MOST_JITTER_S,
    NOT_STATED,
    Pauses,
    RateLimitWindow,
    failure_of,
    read_window,
)
from collectors.core.wire import NotAsked, WireFault, printable
from collectors.transport.client import USER_AGENT, BudgetUsedUp, Http, HttpOptions, NoAnswer, RawAnswer
from collectors.x.tweepy_session import TweepyAnswer, XSession
from collectors.x.wire.timeline import TimelinePosition
from storage.model.core.availability import MissedReason

BASE_URL: Final = "https://api.x.com"
PAGE_SIZE: Final = 100
FOLLOWS_PAGE_SIZE: Final = 1000

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
POSTS: Final = "tweets"
BY_HANDLE: Final = "users/by"
TIMELINE: Final = "users/:id/tweets"
FOLLOWING: Final = "users/:id/following"
LIKED: Final = "users/:id/liked_tweets"
_ALL: Final = "*"

_USER_FIELDS: Final = ["username", "protected", "withheld"]
"""What a status needs, and nothing more of a person."""
_STATUS_OF_POST: Final = ["author_id", "withheld"]
_POST_FIELDS: Final = ["author_id", "created_at", "in_reply_to_user_id", "referenced_tweets"]
_PAUSING: Final = {
    MissedReason.AUTH: _ALL,
    MissedReason.CREDITS: _ALL,
    MissedReason.USAGE_CAPPED: _ALL,
    MissedReason.ACCESS: None,
    MissedReason.RATE_LIMITED: None,
}
"""Reasons to stop asking: every endpoint, or (None) the one that answered so."""

is_token = re.compile(r"[!-~]+").fullmatch
_is_user_token = re.compile(r"([0-9]{1,19})-[!-~]+").fullmatch
_TWEEPY_FAULTS: Final = (tweepy.TweepyException, ValueError, KeyError, TypeError, AttributeError)
"""What tweepy has been seen to raise over answers that it did not expect."""


@dataclass(frozen=True, slots=True)
class UserToken:
    """A user's authorisation of our app (OAuth 1.0a). Its secrets do not print."""

    consumer_key: str = field(repr=False)
    consumer_secret: str = field(repr=False)
    access_token: str = field(repr=False)
    access_secret: str = field(repr=False)

    def __post_init__(self) -> None:
        parts = (self.consumer_key, self.consumer_secret, self.access_secret)
        if not all(map(is_token, parts)) or _is_user_token(self.access_token) is None:
            raise ValueError(
                "the authorisation of a user of X is incomplete or contains characters that are not allowed"
            )

    @property
    def owner_id(self) -> str:
        """The user who gave it: an access token begins with the user's id (documented by tweepy)."""
        return self.access_token.partition("-")[0]


class XClient:
    """Sends requests to X and keeps the pauses that X's answers ask for.

    Times are compared with the `now` of each call, never with a clock, so that a rehearsal can run in
    a time of its own.
    """

    def __init__(
        self,
        token: str | UserToken,
        *,
        base_url: str,
        http: HttpOptions,
        spelling: Mapping[str, str] = TWEET_SPELLING,
        dice: random.Random,
    ) -> None:
        """`token` is an app's bearer token, or a user's. Raises ValueError when it cannot be one; the
        message does not contain it.
        """
        # At DEBUG tweepy logs the headers of every request, and oauthlib what it signs: with the tokens.
        for name in ("tweepy.asynchronous.client", "oauthlib"):
            logging.getLogger(name).setLevel(logging.INFO)
        self._tweepy = _tweepy(token)
        self._tweepy.user_agent = USER_AGENT
        self._base_url, self._spelling = base_url, spelling
        self._http = Http(http, dice)
        self._longest_pause = http.longest_pause
        self._dice = dice
        self._pauses = Pauses()
        self._windows: dict[str, RateLimitWindow] = {}
        self._under_way: Counter[str] = Counter()

    @property
    def windows(self) -> Mapping[str, RateLimitWindow]:
        """X's own count of the requests left, by endpoint, as its last answers stated it."""
        return MappingProxyType(self._windows)

    def open(self) -> None:
        """Must run inside the event loop that will send the requests."""
        self._http.open()
        self._tweepy.session = cast("Any", XSession(self._http, self._base_url, self._spelling))

    async def close(self) -> None:
        await self._http.close()

    async def users(self, ids: Sequence[str], now: datetime) -> RawAnswer | WireFault:
        """GET /2/users?ids="""
        return await self._sent(LOOKUP, self._tweepy.get_users(ids=list(ids), user_fields=_USER_FIELDS), now)

    async def user_metrics(self, ids: Sequence[str], now: datetime) -> RawAnswer | WireFault:
        """GET /2/users?ids= with the counts of each user."""
        call = self._tweepy.get_users(ids=list(ids), user_fields=["public_metrics"])
        return await self._sent(LOOKUP, call, now)

    async def users_by(self, handles: Sequence[str], now: datetime) -> RawAnswer | WireFault:
        """GET /2/users/by?usernames="""
        call = self._tweepy.get_users(usernames=list(handles), user_fields=_USER_FIELDS)
        return await self._sent(BY_HANDLE, call, now)

    async def posts(self, numbers: Sequence[str], now: datetime) -> RawAnswer | WireFault:
        """GET /2/tweets?ids= with the author of each post."""
        call = self._tweepy.get_tweets(
            list(numbers),
            tweet_fields=_STATUS_OF_POST,
            expansions=["author_id"],
            user_fields=_USER_FIELDS,
        )
        return await self._sent(POSTS, call, now)

    async def timeline(
        self, native_id: str, position: TimelinePosition, token: str | None, now: datetime
    ) -> RawAnswer | WireFault:
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

    async def following(self, native_id: str, token: str | None, now: datetime) -> RawAnswer | WireFault:
        """GET /2/users/:id/following, one page."""
        call = self._tweepy.get_users_following(
            native_id, max_results=FOLLOWS_PAGE_SIZE, pagination_token=token
        )
        return await self._sent(FOLLOWING, call, now)

    async def liked(self, native_id: str, token: str | None, now: datetime) -> RawAnswer | WireFault:
        """GET /2/users/:id/liked_tweets, one page, signed with the token of that user."""
        call = self._tweepy.get_liked_tweets(
            native_id,
            max_results=PAGE_SIZE,
            pagination_token=token,
            tweet_fields=["author_id"],
            user_auth=True,
        )
        return await self._sent(LIKED, call, now)

    def pause(self, endpoint: str, now: datetime) -> RequestFailure | None:
        """Why `endpoint` must not be asked at `now`, and until when; None when it may be."""
        return self._pauses.of(now, _ALL, endpoint) or self._spoken_for(endpoint, now)

    def trouble(
        self, endpoint: str, fault: WireFault, answer: RawAnswer | WireFault, now: datetime
    ) -> RequestFailure:
        """What to do about a request that failed as a whole; starts the pause that it calls for."""
        if isinstance(fault, NotAsked):
            return RequestFailure(fault.reason, fault.detail, fault.retry_at, breaker=False)
        window = NOT_STATED if isinstance(answer, WireFault) else read_window(answer.headers)
        jitter_s = self._dice.uniform(0, MOST_JITTER_S)
        trouble = failure_of(fault, window, now, jitter_s, self._longest_pause)
        if fault.reason is MissedReason.ACCESS and endpoint not in {LOOKUP, POSTS}:
            # An app may lack the right to read timelines and still look accounts and posts up.
            trouble = replace(trouble, breaker=False)
        if fault.reason in _PAUSING:
            self._pauses.start(_PAUSING[fault.reason] or endpoint, trouble)
        return trouble

    def _spoken_for(self, endpoint: str, now: datetime) -> RequestFailure | None:
        """Requests under way may use up the window before one of their answers says so."""
        window = self._windows.get(endpoint, NOT_STATED)
        if window.remaining is None or window.reset_at is None or window.reset_at <= now:
            return None
        if window.remaining > self._under_way[endpoint] or window.reset_at > now + LONGEST_WAIT:
            return None
        detail = "the requests under way use up the rate limit of this window"
        return RequestFailure(MissedReason.RATE_LIMITED, detail, window.reset_at, breaker=False)

    def _note(self, endpoint: str, window: RateLimitWindow, now: datetime) -> None:
        """Answers come in any order: of one window the lowest count is the latest."""
        before = self._windows.get(endpoint)
        is_older = (
            before is not None
            and before.reset_at == window.reset_at
            and None not in (before.remaining, window.remaining)
            and (before.remaining or 0) < (window.remaining or 0)
        )
        if not is_older:
            self._windows[endpoint] = window
        self._pauses.note_window(endpoint, window, now)

    async def _sent(self, endpoint: str, call: Awaitable[object], now: datetime) -> RawAnswer | WireFault:
        self._under_way[endpoint] += 1
        try:
            answer = cast("TweepyAnswer", await call).raw
        except BudgetUsedUp as e:
            self._pauses.start(endpoint, e.trouble)
            return e.not_asked
        except NoAnswer as e:
            return WireFault(MissedReason.NETWORK, printable(str(e)))
        except _TWEEPY_FAULTS as e:
            return WireFault(MissedReason.MALFORMED, f"tweepy: {type(e).__name__}")
        finally:
            self._under_way[endpoint] -= 1
        self._note(endpoint, read_window(answer.headers), now)
        return answer


def _tweepy(token: str | UserToken) -> AsyncClient:
    # Any other return type makes tweepy parse the body, and lose status and headers.
    raw = cast("Any", ClientResponse)
    if isinstance(token, UserToken):
        return AsyncClient(
            consumer_key=token.consumer_key,
            consumer_secret=token.consumer_secret,
            access_token=token.access_token,
            access_token_secret=token.access_secret,
            return_type=raw,
            wait_on_rate_limit=False,
        )
    if is_token(token) is None:
        raise ValueError(
            "the bearer token of X is empty or contains blanks or other characters that are not allowed"
        )
    return AsyncClient(token, return_type=raw, wait_on_rate_limit=False)
