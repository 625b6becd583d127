"""The requests to Bluesky's servers that Blockline makes, and when each server may be asked again.

The app's servers (AppView) and the directory of DIDs (PLC) are named by the configuration. The servers
that hold the accounts (PDS) are named by strangers: each pauses alone and is asked for one thing at a time,
so that one which is down costs one attempt, not one for each of its accounts. Whatever is asked about one
account of a batch is a follow-up question, given up soon: the other accounts wait for it.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

import aiohttp

from collectors.bluesky.wire.identity import (
    WEB_DOCUMENT,
    DidDocument,
    NoDid,
    RecordUri,
    document_url,
    has_log,
    read_document,
)
from collectors.bluesky.wire.label_lists import QUERY_LABELS
from collectors.bluesky.wire.label_stream import LARGEST_FRAME, stream_url
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.posts import GET_RECORD, GET_RECORD_PROOF
from collectors.bluesky.wire.profiles import CONTENT_LABELERS
from collectors.bluesky.wire.records import PAGE_SIZE
from collectors.core.collector import Exchange, RequestFailure
from collectors.core.rate_limit_headers import (
    MOST_JITTER_S,
    NOT_STATED,
    Pauses,
    RateLimitWindow,
    failure_of,
    read_window,
)
from collectors.core.wire import REASON_OF_CODE, WireFault, printable
from collectors.transport.client import BudgetUsedUp, Http, HttpOptions, NoAnswer, RawAnswer
from storage.model.core.availability import BREAKERS, MissedReason

APP_VIEW: Final = "the app's servers"
PLC: Final = "the directory of DIDs"

_ONE_BY_ONE: Final = "the app's servers, for single accounts"
"""Paused when no answer came: twenty-five time limits in a row would hold up all other accounts."""

_KEEP_DOCUMENT: Final = timedelta(hours=1)
"""The directory does not say how often it may be asked."""

LABELS_A_PAGE: Final = 250
"""More are refused (documented)."""

_HEARTBEAT_S: Final = 30.0
_NO_LABEL_SERVER: Final = WireFault(MissedReason.UNCLASSIFIED, "the server of the labeler is not known")

_BEGUN: Final = 1_000
"""Readings under way, and many more."""

_DOWN: Final = frozenset({MissedReason.UPSTREAM, MissedReason.NETWORK})
_PAUSING: Final = BREAKERS | {MissedReason.RATE_LIMITED}


@dataclass(frozen=True, slots=True)
class DidLookup:
    """What is known of a DID, and the answer that said so: None when none came."""

    said: DidDocument | NoDid | WireFault
    answer: Exchange | None


class BlueskyClient:
    """Sends requests and keeps the pauses that the answers ask for.

    Times are compared with the `now` of each call, never with a clock, so that a rehearsal can run in
    a time of its own.
    """

    def __init__(
        self, *, app_view: str, plc: str, labelers: Labelers, http: HttpOptions, dice: random.Random
    ) -> None:
        self._app_view, self._plc = app_view.rstrip("/"), plc.rstrip("/")
        self._accept = {"atproto-accept-labelers": labelers.accept_header}
        if http.guard is not None:
            http = replace(http, guard=http.guard.trusting((self._app_view, self._plc)))
        self._http = Http(http, dice)
        self._longest_pause = http.longest_pause
        self._dice = dice
        self._pauses = Pauses()
        self._one_at_a_time: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._documents: dict[str, tuple[datetime, DidLookup]] = {}
        self._began_s: dict[datetime, float] = {}
        """When the latest readings began, by the clock of the event loop; the oldest first."""

    def open(self) -> None:
        """Must run inside the event loop that will send the requests."""
        self._http.open()

    async def close(self) -> None:
        await self._http.close()

    def pause(self, place: str, now: datetime) -> RequestFailure | None:
        """Why `place` must not be asked at `now`, and until when; None when it may be."""
        return self._pauses.of(now, place)

    def trouble(self, place: str, fault: WireFault, now: datetime) -> RequestFailure:
        """What to do about a request to `place` that failed as a whole."""
        pause = self._pauses.of(now, place)
        if pause is not None and pause.reason is fault.reason:
            return replace(pause, detail=fault.detail)
        return self._trouble(place, fault, NOT_STATED, now)

    async def profiles(self, dids: Sequence[str], now: datetime) -> Exchange | WireFault:
        """app.bsky.actor.getProfiles, with the labelers of all regions."""
        return await self._ask_app_for_many("app.bsky.actor.getProfiles", "actors", dids, "DIDs", now)

    async def posts(self, uris: Sequence[str], now: datetime) -> Exchange | WireFault:
        """app.bsky.feed.getPosts, with the labelers of all regions."""
        return await self._ask_app_for_many("app.bsky.feed.getPosts", "uris", uris, "posts", now)

    async def profile(self, actor: str, now: datetime) -> Exchange | WireFault:
        """app.bsky.actor.getProfile of a DID or a handle, with the labelers of all regions."""
        async with self._one_at_a_time[APP_VIEW]:
            silence = self._pauses.of(now, _ONE_BY_ONE)
            if silence is not None:
                return WireFault(silence.reason, silence.detail)
            answer = await self._ask_app("app.bsky.actor.getProfile", actor, now, follow_up=True, actor=actor)
            if isinstance(answer, WireFault) and answer.reason is MissedReason.NETWORK:
                self._pauses.start(_ONE_BY_ONE, self._trouble(APP_VIEW, answer, NOT_STATED, now))
            return answer

    async def resolve_handle(self, handle: str, now: datetime) -> Exchange | WireFault:
        """com.atproto.identity.resolveHandle"""
        return await self._ask_app("com.atproto.identity.resolveHandle", handle, now, handle=handle)

    async def relationships(self, actor: str, others: Sequence[str], now: datetime) -> Exchange | WireFault:
        """app.bsky.graph.getRelationships of one account with up to 30 others."""
        url = f"{self._app_view}/xrpc/app.bsky.graph.getRelationships"
        params = [("actor", actor), *(("others", other) for other in others)]
        return await self._get(APP_VIEW, url, params, now, f"{url}?actor={actor}", about=actor)

    async def repo_status(self, pds: str, did: str, now: datetime) -> Exchange | WireFault:
        """com.atproto.sync.getRepoStatus on the server that holds the account."""
        async with self._one_at_a_time[pds]:
            asked = {"did": did}
            return await self._ask_pds(pds, "com.atproto.sync.getRepoStatus", asked, now, follow_up=True)

    async def record(self, pds: str, uri: RecordUri, now: datetime) -> Exchange | WireFault:
        """com.atproto.repo.getRecord on the server that holds the repository: the record as it serves it."""
        async with self._one_at_a_time[pds]:
            asked = {"repo": uri.did, "collection": uri.collection, "rkey": uri.rkey}
            return await self._ask_pds(pds, GET_RECORD, asked, now, follow_up=True)

    async def record_proof(self, pds: str, uri: RecordUri, now: datetime) -> Exchange | WireFault:
        """com.atproto.sync.getRecord on the server that holds the repository: whether it has the record."""
        async with self._one_at_a_time[pds]:
            asked = {"did": uri.did, "collection": uri.collection, "rkey": uri.rkey}
            return await self._ask_pds(pds, GET_RECORD_PROOF, asked, now, follow_up=True)

    async def records(
        self, pds: str, did: str, collection: str, cursor: str | None, now: datetime
    ) -> Exchange | WireFault:
        """com.atproto.repo.listRecords, one page, newest key first."""
        asked = {"repo": did, "collection": collection, "limit": str(PAGE_SIZE)}
        if cursor:
            asked["cursor"] = cursor
        async with self._one_at_a_time[f"{pds}, beside the statuses"]:
            return await self._ask_pds(pds, "com.atproto.repo.listRecords", asked, now)

    async def label_page(
        self,
        labeler: str,
        subjects: Sequence[str],
        cursor: str | None,
        now: datetime,
        most: int = LABELS_A_PAGE,
    ) -> Exchange | WireFault:
        """com.atproto.label.queryLabels, one page of at most `most` labels, on the server that the DID
        document of a labeler names.
        """
        found = (await self.identity(labeler, now)).said
        server = found.labeler if isinstance(found, DidDocument) else None
        if server is None:
            return found if isinstance(found, WireFault) else _NO_LABEL_SERVER
        params = [("uriPatterns", one) for one in subjects]
        params += [("sources", labeler), ("limit", str(most))]
        if cursor is not None:
            params.append(("cursor", cursor))
        url = f"{server}/xrpc/{QUERY_LABELS}"
        who = subjects[0] if len(subjects) == 1 else f"… ({len(subjects)})"
        shown = f"{url}?uriPatterns={who}&sources={labeler}"
        async with self._one_at_a_time[server]:
            return await self._get(server, url, params, now, shown, follow_up=True)

    async def label_socket(
        self, labeler: str, cursor: int, now: datetime
    ) -> aiohttp.ClientWebSocketResponse | WireFault:
        """com.atproto.label.subscribeLabels, on the server that the DID document of a labeler names."""
        found = (await self.identity(labeler, now)).said
        server = found.labeler if isinstance(found, DidDocument) else None
        if server is None:
            return found if isinstance(found, WireFault) else _NO_LABEL_SERVER
        try:
            return await self._http.websocket(
                stream_url(server, cursor), heartbeat_s=_HEARTBEAT_S, largest=LARGEST_FRAME
            )
        except NoAnswer as e:
            return WireFault(MissedReason.NETWORK, printable(str(e)))

    async def log(self, did: str, now: datetime) -> Exchange | WireFault:
        """The log of all changes of a DID document in the directory."""
        url = f"{document_url(did, self._plc)}/log/audit"
        async with self._one_at_a_time[f"{PLC}, beside the statuses"]:
            return await self._get(PLC, url, (), now, url)

    async def identity(self, did: str, now: datetime, since: datetime | None = None) -> DidLookup:
        """What the DID document says. One from the last hour will do, unless it is older than `since`."""
        oldest = max(now - _KEEP_DOCUMENT, since or now - _KEEP_DOCUMENT)
        kept = self._kept_document(did, oldest)
        if kept is not None:
            return kept
        url = document_url(did, self._plc)
        place = self.keeper(did)
        async with self._one_at_a_time[place]:
            # Several posts of one author wait for the same document.
            kept = self._kept_document(did, oldest)
            if kept is not None:
                return kept
            answer = await self._get(place, url, (), now, url, follow_up=True)
            if isinstance(answer, WireFault):
                return DidLookup(answer, None)
            identity = DidLookup(read_document(answer, did), answer)
            if not isinstance(identity.said, WireFault):
                self._documents[did] = now, identity
        return identity

    def _kept_document(self, did: str, oldest: datetime) -> DidLookup | None:
        asked_at, kept = self._documents.get(did, (None, None))
        return kept if asked_at is not None and asked_at >= oldest else None

    def keeper(self, did: str) -> str:
        """The place that keeps the DID document: the directory, or a did:web's own host."""
        return PLC if has_log(did) else document_url(did, self._plc).removesuffix(WEB_DOCUMENT)

    async def _ask_app_for_many(
        self, name: str, parameter: str, asked: Sequence[str], called: str, now: datetime
    ) -> Exchange | WireFault:
        """A call that is about many accounts or posts, with the labelers of all regions."""
        url = f"{self._app_view}/xrpc/{name}"
        who = asked[0] if len(asked) == 1 else f"… ({len(asked)} {called})"  # evidence of one names no other
        params = [(parameter, one) for one in asked]
        return await self._get(APP_VIEW, url, params, now, f"{url}?{parameter}={who}", self._accept)

    async def _ask_app(
        self, name: str, about: str, now: datetime, *, follow_up: bool = False, **asked: str
    ) -> Exchange | WireFault:
        """A call that is about one account, with the labelers of all regions."""
        url = f"{self._app_view}/xrpc/{name}"
        return await self._get(
            APP_VIEW,
            url,
            tuple(asked.items()),
            now,
            _with(url, asked),
            self._accept,
            about=about,
            follow_up=follow_up,
        )

    async def _ask_pds(
        self, pds: str, name: str, asked: Mapping[str, str], now: datetime, *, follow_up: bool = False
    ) -> Exchange | WireFault:
        url = f"{pds}/xrpc/{name}"
        return await self._get(pds, url, tuple(asked.items()), now, _with(url, asked), follow_up=follow_up)

    async def _get(
        self,
        place: str,
        url: str,
        params: Sequence[tuple[str, str]],
        now: datetime,
        shown: str,
        headers: dict[str, str] | None = None,
        about: str = "",
        *,
        follow_up: bool = False,
    ) -> Exchange | WireFault:
        """One answer. A fault when none came, or when `place` pauses and was not asked.

        `about` names the one account of a request to the app's servers: what they refuse to say of it (401,
        403) is no refusal of the others, so that they pause for it alone.
        """
        began_s = self._began_at(now)
        alone = f"{place}, about {about}" if about else place
        pause = self._pauses.of(now, place, alone)
        if pause is not None:
            return WireFault(pause.reason, pause.detail)
        try:
            answer = await self._http.get(url, params, headers, follow_up=follow_up)
        except BudgetUsedUp as e:
            self._pauses.start(place, e.trouble)
            return e.not_asked
        except NoAnswer as e:
            fault = WireFault(MissedReason.NETWORK, printable(str(e)))
            self._note(place, fault, NOT_STATED, now)
            return fault
        self._note_answer(place, alone, answer, now)
        heard = answer.headers.get(CONTENT_LABELERS)
        said = ((CONTENT_LABELERS, heard),) if heard is not None else ()
        return Exchange(shown, now, answer.http_status, answer.body, None, said, *answer.after(began_s))

    def _began_at(self, now: datetime) -> float:
        """When the reading of `now` began: at its first question."""
        began_s = self._began_s.setdefault(now, asyncio.get_running_loop().time())
        if len(self._began_s) > _BEGUN:
            del self._began_s[next(iter(self._began_s))]
        return began_s

    def _note_answer(self, place: str, alone: str, answer: RawAnswer, now: datetime) -> None:
        window = read_window(answer.headers)
        self._pauses.note_window(place, window, now)
        status = answer.http_status
        reason = MissedReason.UPSTREAM if status >= 500 else REASON_OF_CODE.get(status)
        if reason is not None:
            self._note(
                alone if reason in BREAKERS else place, WireFault(reason, f"HTTP {status}"), window, now
            )

    def _note(self, place: str, fault: WireFault, window: RateLimitWindow, now: datetime) -> None:
        """Start the pause that a failure calls for; the monitor sets the pace when the app's servers fail."""
        if fault.reason in _PAUSING or (fault.reason in _DOWN and place != APP_VIEW):
            self._pauses.start(place, self._trouble(place, fault, window, now))

    def _trouble(
        self, place: str, fault: WireFault, window: RateLimitWindow, now: datetime
    ) -> RequestFailure:
        jitter_s = self._dice.uniform(0, MOST_JITTER_S)
        trouble = failure_of(fault, window, now, jitter_s, self._longest_pause)
        # Only what the app's servers refuse would meet every further request.
        return trouble if place == APP_VIEW else replace(trouble, breaker=False)


def _with(url: str, asked: Mapping[str, str]) -> str:
    return f"{url}?{'&'.join(f'{key}={value}' for key, value in asked.items())}"
