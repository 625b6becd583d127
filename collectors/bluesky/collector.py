"""Bluesky as a collector: batches, the accounts that a batch left out asked for one by one, repositories."""

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from collectors.bluesky.client import APP_VIEW, PLC, BlueskyClient
from collectors.bluesky.declaration import BLUESKY, post_of, repo_of
from collectors.bluesky.engagement import read_acts
from collectors.bluesky.handle_resolution import resolve_names
from collectors.bluesky.labeler_feed import LabelerFeed
from collectors.bluesky.lookup import SingleLookup, SingleLookups, as_heard
from collectors.bluesky.second_source import verify_lifts
from collectors.bluesky.wire.evidence import excerpt
from collectors.bluesky.wire.identity import HandleSince, has_log, is_did, read_log
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.posts import read_posts
from collectors.bluesky.wire.profiles import (
    AppAnswer,
    all_missed,
    read_profiles,
    read_public_profiles,
)
from collectors.bluesky.wire.records import read_relationships
from collectors.bluesky.wire.regional_labelers import DEFAULT_LABEL_VALUES, MAIN_LABELER, SHIPPED_REGIONS
from collectors.core import evidence
from collectors.core.abilities import PublicProfile
from collectors.core.bisect_batch import find_rejected
from collectors.core.collector import (
    CanaryCandidate,
    CollectorAnswer,
    EngagementAnswer,
    Exchange,
    RequestFailure,
    Resolution,
)
from collectors.core.wire import NotAsked, WireFault, printable
from collectors.transport.client import HttpOptions
from collectors.transport.host_pacing import HostRateLimiter
from collectors.transport.ssrf_guard import Guard
from storage.model.core.accounts import Platform
from storage.model.core.availability import Missed, MissedReason, Reading
from storage.model.core.signals import Signal

APP_VIEW_URL: Final = "https://public.api.bsky.app"
PLC_URL: Final = "https://plc.directory"
BATCH_SIZE: Final = 25
"""More make Bluesky refuse the request (measured)."""

_OTHERS: Final = 30
"""Accounts that one `getRelationships` compares with (documented)."""

_BISECT_REQUESTS: Final = 12
"""Enough to isolate one refused DID among twenty-five."""

_DEFAULT_HTTP: Final = HttpOptions(max_body=2 * 1024 * 1024, pace=HostRateLimiter(5), guard=Guard())
"""Five requests a second to a host: the app's servers state no limit (recalled)."""

_POSTS: Final = "posts"
"""The name of the place of posts, which is stored and shown."""

STABLE_ACCOUNTS: Final = (
    CanaryCandidate("did:plc:z72i7hdynmk6r22z27h6tvur", "bsky.app"),
    CanaryCandidate("did:plc:ewvi7nxzyoun6zhxrhs64oiz", "atproto.com"),
    CanaryCandidate("did:plc:eon2iu7v3x2ukgxkqaf7e5np", "safety.bsky.app"),
)
"""Bluesky's own accounts (recalled; each is looked at before it is relied on, and dropped when it does not
look as expected).
"""
STABLE_POSTS: Final = (
    CanaryCandidate(
        "at://did:plc:z72i7hdynmk6r22z27h6tvur/app.bsky.feed.post/3l6oveex3ii2l", "bsky.app/3l6oveex3ii2l"
    ),
    CanaryCandidate(
        "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3k5ivi6or4d2r", "atproto.com/3k5ivi6or4d2r"
    ),
    CanaryCandidate(
        "at://did:plc:ewvi7nxzyoun6zhxrhs64oiz/app.bsky.feed.post/3kftlbujmfk24", "atproto.com/3kftlbujmfk24"
    ),
)
"""Posts of Bluesky's own accounts that its documentation, a post about rate limits and libraries cite
(recalled; each is looked at before it is relied on).
"""


@dataclass(frozen=True, slots=True)
class _BatchLookup:
    """One batch request and what came of it."""

    shown: AppAnswer
    exchanges: tuple[Exchange, ...]
    trouble: RequestFailure | None
    sent: bool = True


class BlueskyCollector:
    """Bluesky, seen without an account. Use as `async with`: it owns the connections.

    `regions` says whose labels withhold an account in which country, `label_values` which labels do.
    """

    def __init__(
        self,
        *,
        app_view: str = APP_VIEW_URL,
        plc: str = PLC_URL,
        main_labeler: str = MAIN_LABELER,
        regions: Mapping[str, str] = SHIPPED_REGIONS,
        label_values: Collection[str] = DEFAULT_LABEL_VALUES,
        http: HttpOptions = _DEFAULT_HTTP,
        dice: random.Random | None = None,
    ) -> None:
        """Raises ValueError, with a sentence, for labelers that cannot be asked."""
        self._labelers = Labelers(main_labeler, dict(regions), frozenset(label_values))
        dice = dice or random.SystemRandom()
        self._client = BlueskyClient(
            app_view=app_view, plc=plc, labelers=self._labelers, http=http, dice=dice
        )
        self._base_url = f"{app_view.rstrip('/')} {plc.rstrip('/')}"
        self._alone = SingleLookups(self._client, self._labelers, dice)

    def label_feed(self) -> LabelerFeed:
        """All labels of the labelers of its regions. Raises ValueError, with a clause."""
        return LabelerFeed(self._client, self._labelers.regions, self._labelers.values)

    async def __aenter__(self) -> Self:
        self._client.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    @property
    def platform(self) -> Platform:
        return BLUESKY

    @property
    def batch_size(self) -> int:
        return BATCH_SIZE

    @property
    def countries(self) -> frozenset[str]:
        """Those whose labelers are configured."""
        return frozenset(self._labelers.regions)

    def place(self, native_id: str) -> str:
        """One server answers for all of Bluesky's app, about accounts and posts in requests of their own."""
        return "" if post_of(native_id) is None else _POSTS

    def base_url(self, place: str) -> str:  # noqa: ARG002
        """See `Collector`: the app's, and that of the directory, since a status rests on both."""
        return self._base_url

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:  # noqa: ARG002
        """See `Collector`."""
        return STABLE_POSTS if place == _POSTS else STABLE_ACCOUNTS

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        """See `Collector`."""
        return evidence.document(exchanges, native_ids, excerpt)

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        """One batch request, and up to three for each account that the batch left out. For posts that it left
        out, up to three about each author, up to two about each record, and the labeler's list about all of
        them together.

        Trouble is the batch's alone: a server that does not answer about one account or post makes that one
        missed.
        Never asks while paused: the answer is then not `sent`.

        Raises ValueError for more than `batch_size` ids, and for accounts and posts together.
        """
        asked = dict.fromkeys(native_ids)
        if len(asked) > BATCH_SIZE:
            raise ValueError(f"{len(asked)} ids in one request; Bluesky answers at most {BATCH_SIZE}")
        sound = [native_id for native_id in asked if is_did(repo_of(native_id))]
        if len(set(map(self.place, sound))) > 1:
            raise ValueError("accounts and posts in one request")
        # One malformed DID would fail the whole batch (measured).
        odd = [
            Missed(native_id, now, MissedReason.BAD_REQUEST, "not a DID, or not the address of a post")
            for native_id in asked
            if native_id not in sound
        ]
        if not sound:
            return CollectorAnswer((), tuple(odd))
        said = await self._look_up(sound, now)
        looks = await self._look_closer(said.shown, now)
        readings = [one.said for one in looks if isinstance(one.said, Reading)]
        missed = [one.said for one in looks if isinstance(one.said, Missed)]
        return CollectorAnswer(
            (*said.shown.readings, *readings),
            (*odd, *said.shown.missed, *missed),
            # One answer about an author, or of a labeler, serves several posts.
            (*said.exchanges, *dict.fromkeys(exchange for one in looks for exchange in one.exchanges)),
            said.trouble,
            sent=said.sent,
            countries=self.countries,
        )

    async def verify_lifts(
        self, answer: CollectorAnswer, withheld_in: Mapping[str, frozenset[str]], now: datetime
    ) -> CollectorAnswer:
        """See `Collector`: the second source is the list that a labeler itself keeps of its labels."""
        return await verify_lifts(self._client, answer, withheld_in, self._labelers, now)

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> EngagementAnswer:
        """Likes, reposts, follows, replies, quotes and posts, from the server that holds the account.

        Trouble of reason ACCESS without a breaker is about this account alone: its server hides it.
        Raises ValueError for an id or a cursor that is not one of Bluesky.
        """
        if not is_did(native_id):
            raise ValueError(f"not a DID: {printable(native_id)}")
        return await read_acts(self._client, native_id, cursor, now)

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """The DIDs of handles (a leading @ is allowed), DIDs and addresses of profiles, and the ids of posts
        that are named by author and key. No request asks whether a post exists.
        """
        return await resolve_names(self._client, names, now)

    @property
    def handle_source(self) -> str:
        """See `PastHandles`."""
        return "plc.directory"

    async def handle_history(self, native_id: str, now: datetime) -> tuple[HandleSince, ...] | RequestFailure:
        """The handles that the owner claimed, oldest first, with the directory's own dates.

        Raises ValueError for an id that is not one of Bluesky.
        """
        if post_of(native_id) is not None:
            return RequestFailure(MissedReason.ACCESS, "a post has no handles of its own", now, breaker=False)
        if not is_did(native_id):
            raise ValueError(f"not a DID: {printable(native_id)}")
        if not has_log(native_id):
            return RequestFailure(
                MissedReason.ACCESS, "a did:web keeps no log of its handles", now, breaker=False
            )
        answer = await self._client.log(native_id, now)
        said = answer if isinstance(answer, WireFault) else read_log(answer, native_id)
        return self._client.trouble(PLC, said, now) if isinstance(said, WireFault) else said

    @property
    def most_profiles(self) -> int:
        """See `PublicProfiles`."""
        return BATCH_SIZE

    async def public_profiles(
        self, native_ids: Sequence[str], now: datetime
    ) -> tuple[PublicProfile, ...] | RequestFailure:
        """See `PublicProfiles`. Ids that are no DIDs are left out: one would fail the whole request.

        Raises ValueError for more than `most_profiles` ids.
        """
        if len(native_ids) > BATCH_SIZE:
            raise ValueError(f"{len(native_ids)} ids in one request; Bluesky answers at most {BATCH_SIZE}")
        dids = [one for one in dict.fromkeys(native_ids) if is_did(one)]
        if not dids:
            return ()
        answer = await self._client.profiles(dids, now)
        said = answer if isinstance(answer, WireFault) else read_public_profiles(answer, dids)
        return self._client.trouble(APP_VIEW, said, now) if isinstance(said, WireFault) else said

    async def follows_among(
        self, actor: str, others: Sequence[str], now: datetime
    ) -> tuple[Signal, ...] | RequestFailure:
        """Which of `others` the account follows now; the app does not tell since when.

        Raises ValueError for an id that is not one of Bluesky.
        """
        wrong = next((did for did in (actor, *others) if not is_did(did)), None)
        if wrong is not None:
            raise ValueError(f"not a DID: {printable(wrong)}")
        signals: list[Signal] = []
        for start in range(0, len(others), _OTHERS):
            answer = await self._client.relationships(actor, others[start : start + _OTHERS], now)
            said = answer if isinstance(answer, WireFault) else read_relationships(answer, actor)
            if isinstance(said, WireFault):
                return self._client.trouble(APP_VIEW, said, now)
            signals += said
        return tuple(dict.fromkeys(signals))

    async def _look_up(self, ids: Sequence[str], now: datetime) -> _BatchLookup:
        """What is believed comes from one answer, so that the control accounts in it speak for all of it."""
        said = await self._ask(ids, now)
        if said.trouble is None or said.trouble.reason is not MissedReason.BAD_REQUEST or len(ids) == 1:
            return said

        async def ask(part: Sequence[str]) -> RequestFailure | None:
            return (await self._ask(part, now)).trouble

        refused = await find_rejected(ids, ask, _BISECT_REQUESTS)
        if isinstance(refused, RequestFailure):
            fault = WireFault(refused.reason, refused.detail)
            return replace(said, shown=all_missed(ids, now, fault), trouble=refused)
        rest = [native_id for native_id in ids if native_id not in refused]
        if not refused or not rest:
            return said
        again = await self._ask(rest, now)
        which = "DID" if post_of(ids[0]) is None else "address"
        fault = WireFault(MissedReason.BAD_REQUEST, f"Bluesky refuses this {which}")
        missed = all_missed([native_id for native_id in ids if native_id in refused], now, fault).missed
        shown = replace(again.shown, missed=(*missed, *again.shown.missed))
        return replace(again, shown=shown, sent=True)

    async def _ask(self, ids: Sequence[str], now: datetime) -> _BatchLookup:
        pause = self._client.pause(APP_VIEW, now)
        if pause is not None:
            shown = all_missed(ids, now, WireFault(pause.reason, pause.detail))
            return _BatchLookup(shown, (), pause, sent=False)
        are_posts = post_of(ids[0]) is not None
        answer = await (self._client.posts if are_posts else self._client.profiles)(ids, now)
        if isinstance(answer, WireFault):
            trouble = self._client.trouble(APP_VIEW, answer, now)
            return _BatchLookup(
                all_missed(ids, now, answer), (), trouble, sent=not isinstance(answer, NotAsked)
            )
        shown = (read_posts if are_posts else read_profiles)(answer, ids, self._labelers)
        trouble = None if shown.fault is None else self._client.trouble(APP_VIEW, shown.fault, now)
        return _BatchLookup(shown, (answer,), trouble)

    async def _look_closer(self, shown: AppAnswer, now: datetime) -> list[SingleLookup]:
        """What a batch left out, each asked for alone."""
        self._alone.note_found(reading.native_id for reading in shown.readings)
        are_posts = any(post_of(native_id) is not None for native_id in shown.missing)
        look = self._alone.posts if are_posts else self._alone.accounts
        return [as_heard(one, shown.silent) for one in await look(shown.missing, now)]
