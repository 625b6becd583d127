"""X as a collector: lookups of accounts and posts, handles, and the pages of timelines and of follows."""

import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from collectors.core import evidence
from collectors.core.abilities import Follows
from collectors.core.collector import (
    CanaryCandidate,
    CollectorAnswer,
    EngagementAnswer,
    Exchange,
    RequestFailure,
    Resolution,
    ResolvedHandle,
    UnresolvedHandle,
    UnresolvedReason,
)
from collectors.core.rate_limit_headers import RateLimitWindow
from collectors.core.wire import WireFault, printable
from collectors.transport.client import HttpOptions
from collectors.x.client import (
    BASE_URL,
    BY_HANDLE,
    FOLLOWING,
    LOOKUP,
    POSTS,
    TIMELINE,
    TWEET_SPELLING,
    XClient,
)
from collectors.x.declaration import DECLARATION, X, post_id, post_of
from collectors.x.lookup import look_up
from collectors.x.wire import posts, users
from collectors.x.wire.envelope import UnreadableResource
from collectors.x.wire.follows import MOST_FOLLOWS, FollowsListing, FollowsPage, read_counts, read_following
from collectors.x.wire.handles import Handles, is_handle, none_resolved, read_handles
from collectors.x.wire.timeline import TimelinePosition, XTimelinePage, read_timeline
from collectors.x.wire.users import Lookup
from storage.model.core.accounts import Platform
from storage.model.core.availability import Missed, MissedReason
from storage.model.core.signals import Signal

BATCH_SIZE: Final = 100
MAX_PAGES: Final = 5
"""Pages of a timeline that one poll reads; the next poll goes on from there."""

_DEFAULT_HTTP: Final = HttpOptions()
STABLE_ACCOUNTS: Final = (
    CanaryCandidate("783214", "X"),
    CanaryCandidate("11348282", "NASA"),
    CanaryCandidate("14159148", "UN"),
    CanaryCandidate("742143", "BBCWorld"),
)
"""Institutions that have kept their accounts since before 2010 (recalled; each is looked at before it is
relied on, and dropped when it does not look as expected).
"""

_POSTS: Final = "posts"
"""The place of posts. The name is stored and shown."""
_STABLE_POSTS: Final = (
    CanaryCandidate("post:20", "jack/20"),
    CanaryCandidate("post:839088619", "MarsPhoenix/839088619"),
    CanaryCandidate("post:474971393852182528", "CIA/474971393852182528"),
    CanaryCandidate("post:1362507436611956736", "NASAPersevere/1362507436611956736"),
)
"""The first post on X, and posts of institutions that are often quoted (recalled; looked at as above)."""

_is_id = re.compile(r"[0-9]{1,19}").fullmatch
_AUTHOR_UNKNOWN: Final = "i"
"""Stands for the author in X's own addresses of posts."""


class XCollector:
    """X, seen with one app bearer token. Use as `async with`: it owns the connections.

    `base_url` and `spelling` follow X's moves without a new tweepy.
    """

    def __init__(
        self,
        bearer_token: str,
        *,
        base_url: str = BASE_URL,
        http: HttpOptions = _DEFAULT_HTTP,
        spelling: Mapping[str, str] = TWEET_SPELLING,
        dice: random.Random | None = None,
    ) -> None:
        """Raises ValueError when the token cannot be one; the message does not contain it."""
        self._base_url = base_url.rstrip("/")
        self._client = XClient(
            bearer_token,
            base_url=base_url,
            http=http,
            spelling=spelling,
            dice=dice or random.SystemRandom(),
        )

    async def __aenter__(self) -> Self:
        self._client.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    @property
    def platform(self) -> Platform:
        return X

    @property
    def batch_size(self) -> int:
        return BATCH_SIZE

    @property
    def windows(self) -> Mapping[str, RateLimitWindow]:
        """X's own count of the requests left, by endpoint, as its last answers stated it."""
        return self._client.windows

    @property
    def countries(self) -> None:
        """X names them itself."""

    def place(self, native_id: str) -> str:
        """One server answers for all of X; posts are asked for apart from accounts."""
        return "" if post_of(native_id) is None else _POSTS

    def base_url(self, place: str) -> str:  # noqa: ARG002
        """See `Collector`."""
        return self._base_url

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:  # noqa: ARG002
        """See `Collector`."""
        return _STABLE_POSTS if place == _POSTS else STABLE_ACCOUNTS

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        """See `Collector`."""
        return evidence.document(exchanges, native_ids, _excerpt)

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        """One lookup. When X refuses it for a malformed id, that id is found and the rest asked again.

        Never asks while paused: the answer is then not `sent`.

        Raises ValueError for more than `batch_size` ids, and for accounts and posts together.
        """
        asked = dict.fromkeys(native_ids)
        if len(asked) > BATCH_SIZE:
            raise ValueError(f"{len(asked)} ids in one request; X answers at most {BATCH_SIZE}")
        odd = [native_id for native_id in asked if post_of(native_id) is None and not _is_id(native_id)]
        sound = [native_id for native_id in asked if native_id not in odd]
        if len(set(map(self.place, sound))) > 1:
            raise ValueError("accounts and posts in one request")
        missed = tuple(
            Missed(native_id, now, MissedReason.BAD_REQUEST, "not an id of X") for native_id in odd
        )
        if not sound:
            return CollectorAnswer((), missed)
        said = await look_up(self._client, sound, now)
        return CollectorAnswer(
            said.lookup.readings, (*missed, *said.lookup.missed), said.exchanges, said.trouble, sent=said.sent
        )

    async def verify_lifts(
        self,
        answer: CollectorAnswer,
        withheld_in: Mapping[str, frozenset[str]],  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> CollectorAnswer:
        """See `Collector`: X names the countries in the account's own data."""
        return answer

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> EngagementAnswer:
        """Reposts, quotes, replies and posts; X shows likes to nobody else. A reply may be a quote too.

        Trouble of reason ACCESS without a breaker is about this author alone (protected, suspended).
        Raises ValueError for an id or a cursor that is not one of X.
        """
        if not _is_id(native_id):
            raise ValueError(f"not a numeric id of X: {printable(native_id)}")
        position = TimelinePosition.of(cursor)
        signals: list[Signal] = []
        token: str | None = None
        for _ in range(MAX_PAGES):
            page = await self._page(native_id, position, token, now)
            if isinstance(page, RequestFailure):
                return EngagementAnswer((), cursor, page)
            signals += page.signals
            token = page.next_token
            if token is None or cursor is None:
                break
        after = position.after(signals, complete=token is None or cursor is None)
        oldest_first = sorted(dict.fromkeys(signals), key=lambda signal: int(signal.native_id))
        return EngagementAnswer(tuple(oldest_first), after.cursor)

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """The ids of any number of handles (a leading @ is allowed) and of posts, by `AUTHOR/ID` or their id,
        in as many requests as it takes.

        A post that X does not show keeps the handle that was asked for: its id is in it.
        """
        plain = {asked: _post_named(asked) or asked.removeprefix("@").lower() for asked in names}
        handles = list(dict.fromkeys(name for name in plain.values() if is_handle(name)))
        ids = list(dict.fromkeys(name for name in plain.values() if post_of(name)))
        said: dict[str, ResolvedHandle | UnresolvedHandle] = {}
        trouble: RequestFailure | None = None
        for start in range(0, len(handles), BATCH_SIZE):
            answered, met = await self._resolve(handles[start : start + BATCH_SIZE], now)
            trouble = met or trouble
            said.update((one.asked, one) for one in (*answered.found, *answered.unresolved))
        for start in range(0, len(ids), BATCH_SIZE):
            lookup = await look_up(self._client, ids[start : start + BATCH_SIZE], now)
            trouble = lookup.trouble or trouble
            said.update((one.asked, one) for one in _posts_in(lookup.lookup))
        refused = UnresolvedHandle("", UnresolvedReason.NOT_A_HANDLE, "not a handle of X")
        results = [_named(asked, said.get(name, refused)) for asked, name in plain.items()]
        found = tuple(one for one in results if isinstance(one, ResolvedHandle))
        return Resolution(found, tuple(one for one in results if isinstance(one, UnresolvedHandle)), trouble)

    @property
    def most_follows(self) -> int:
        """See `FollowLists`."""
        return MOST_FOLLOWS

    async def follows(self, native_id: str, now: datetime) -> Follows | RequestFailure:
        """Whom a user follows, in one request a thousand, at most `MAX_PAGES`.

        Trouble when not even the first page came: of reason ACCESS without a breaker it is about this user
        alone (protected, suspended). Raises ValueError for an id that is not one of X.
        """
        if not _is_id(native_id):
            raise ValueError(f"not a numeric id of X: {printable(native_id)}")
        listing = FollowsListing()
        token: str | None = None
        while listing.pages == 0 or token is not None:
            page = await self._following_page(native_id, token, now)
            if isinstance(page, RequestFailure):
                return listing.so_far(page) if listing.pages else page
            token = listing.add(page)
        return listing.so_far()

    async def following_counts(
        self, native_ids: Sequence[str], now: datetime
    ) -> dict[str, int] | RequestFailure:
        """How many accounts each user follows, by X's own count: what `follows` will cost, before it does.

        One lookup. A user of whom no count is stated is not in the result. Raises ValueError for more than
        `batch_size` ids.
        """
        ids = [native_id for native_id in dict.fromkeys(native_ids) if _is_id(native_id)]
        if len(ids) > BATCH_SIZE:
            raise ValueError(f"{len(ids)} accounts in one request; X answers at most {BATCH_SIZE}")
        if not ids:
            return {}
        pause = self._client.pause(LOOKUP, now)
        if pause is not None:
            return pause
        answer = await self._client.user_metrics(ids, now)
        if isinstance(answer, WireFault):
            return self._client.trouble(LOOKUP, answer, answer, now)
        counts = read_counts(answer.http_status, answer.body, ids)
        return self._client.trouble(LOOKUP, counts, answer, now) if isinstance(counts, WireFault) else counts

    async def _following_page(
        self, native_id: str, token: str | None, now: datetime
    ) -> FollowsPage | RequestFailure:
        pause = self._client.pause(FOLLOWING, now)
        if pause is not None:
            return pause
        answer = await self._client.following(native_id, token, now)
        if isinstance(answer, WireFault):
            return self._client.trouble(FOLLOWING, answer, answer, now)
        page = read_following(answer.http_status, answer.body, native_id)
        if isinstance(page, UnreadableResource):
            return RequestFailure(MissedReason.ACCESS, page.detail, now, breaker=False)
        if isinstance(page, WireFault):
            return self._client.trouble(FOLLOWING, page, answer, now)
        return page

    async def _page(
        self, native_id: str, position: TimelinePosition, token: str | None, now: datetime
    ) -> XTimelinePage | RequestFailure:
        pause = self._client.pause(TIMELINE, now)
        if pause is not None:
            return pause
        answer = await self._client.timeline(native_id, position, token, now)
        if isinstance(answer, WireFault):
            return self._client.trouble(TIMELINE, answer, answer, now)
        page = read_timeline(answer.http_status, answer.body, native_id)
        if isinstance(page, UnreadableResource):
            return RequestFailure(MissedReason.ACCESS, page.detail, now, breaker=False)
        if isinstance(page, WireFault):
            return self._client.trouble(TIMELINE, page, answer, now)
        return page

    async def _resolve(self, names: Sequence[str], now: datetime) -> tuple[Handles, RequestFailure | None]:
        pause = self._client.pause(BY_HANDLE, now)
        if pause is not None:
            return none_resolved(names, WireFault(pause.reason, pause.detail)), pause
        answer = await self._client.users_by(names, now)
        if isinstance(answer, WireFault):
            handles = none_resolved(names, answer)
        else:
            handles = read_handles(answer.http_status, answer.body, names)
        if handles.fault is None:
            return handles, None
        return handles, self._client.trouble(BY_HANDLE, handles.fault, answer, now)


def _excerpt(exchange: Exchange, native_ids: Iterable[str]) -> dict[str, object]:
    """What an answer says about each account or post: it is about accounts alone or about posts alone."""
    of_posts = exchange.url.startswith(f"/2/{POSTS}?")
    return (posts.excerpt if of_posts else users.excerpt)(exchange, native_ids)


def _post_named(asked: str) -> str | None:
    """The id of the post that this text names, by its id or by its handle; None if it names none."""
    name = asked.removeprefix("@")
    if DECLARATION.is_post_handle(name):
        return post_id(name.rpartition("/")[2])
    return name if DECLARATION.is_post(name) else None


def _posts_in(lookup: Lookup) -> Iterator[ResolvedHandle | UnresolvedHandle]:
    """The posts of a lookup, under their ids. Without a handle where X does not show the post."""
    for reading in lookup.readings:
        yield ResolvedHandle(reading.native_id, reading.native_id, reading.handle or "")
    for miss in lookup.missed:
        yield UnresolvedHandle(miss.native_id, UnresolvedReason.NO_ANSWER, miss.detail)


def _named(asked: str, said: ResolvedHandle | UnresolvedHandle) -> ResolvedHandle | UnresolvedHandle:
    """The result under the name that was asked for."""
    if isinstance(said, UnresolvedHandle) or said.handle:
        return replace(said, asked=asked)
    number, name = post_of(said.native_id), asked.removeprefix("@")
    handle = name if DECLARATION.is_post_handle(name) else f"{_AUTHOR_UNKNOWN}/{number}"
    return replace(said, asked=asked, handle=handle)
