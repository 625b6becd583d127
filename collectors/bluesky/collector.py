"""Bluesky as a collector: batches, the accounts that a batch left out asked for one by one, repositories."""

import asyncio
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import Final, Self

from collectors.bluesky.client import APP_VIEW, PLC, BlueskyClient
from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.engagement import read_acts
from collectors.bluesky.handle_resolution import resolve_names
from collectors.bluesky.second_source import verify_lifts
from collectors.bluesky.wire.errors import Absence
from collectors.bluesky.wire.evidence import excerpt
from collectors.bluesky.wire.identity import DidDocument, HandleSince, has_log, is_did, read_log
from collectors.bluesky.wire.labels import Labelers
from collectors.bluesky.wire.profiles import (
    Profiles,
    RepoStatus,
    read_profile,
    read_profiles,
    read_repo_status,
    verdict,
)
from collectors.bluesky.wire.records import read_relationships
from collectors.bluesky.wire.regional_labelers import DEFAULT_LABEL_VALUES, MAIN_LABELER, SHIPPED_REGIONS
from collectors.core import evidence
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

STABLE_ACCOUNTS: Final = (
    CanaryCandidate("did:plc:z72i7hdynmk6r22z27h6tvur", "bsky.app"),
    CanaryCandidate("did:plc:ewvi7nxzyoun6zhxrhs64oiz", "atproto.com"),
    CanaryCandidate("did:plc:eon2iu7v3x2ukgxkqaf7e5np", "safety.bsky.app"),
)
"""Bluesky's own accounts (recalled; each is looked at before it is relied on, and dropped when it does not
look as expected).
"""


@dataclass(frozen=True, slots=True)
class _BatchLookup:
    """One batch request and what came of it."""

    profiles: Profiles
    exchanges: tuple[Exchange, ...]
    trouble: RequestFailure | None
    sent: bool = True


@dataclass(frozen=True, slots=True)
class _SingleLookup:
    """What came of asking for one account alone."""

    said: Reading | Missed
    exchanges: tuple[Exchange, ...]


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
        self._dice = dice or random.SystemRandom()
        self._client = BlueskyClient(
            app_view=app_view, plc=plc, labelers=self._labelers, http=http, dice=self._dice
        )
        self._base_url = f"{app_view.rstrip('/')} {plc.rstrip('/')}"
        self._missing_since: dict[str, datetime] = {}

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

    def place(self, native_id: str) -> str:  # noqa: ARG002
        """One server answers for all of Bluesky's app."""
        return ""

    def base_url(self, place: str) -> str:  # noqa: ARG002
        """See `Collector`: the app's, and that of the directory, since a status rests on both."""
        return self._base_url

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:  # noqa: ARG002
        """See `Collector`."""
        return STABLE_ACCOUNTS

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        """See `Collector`."""
        return evidence.document(exchanges, native_ids, excerpt)

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        """One batch request, and up to three for each account that the batch left out.

        Trouble is the batch's alone: a server that does not answer for one account is a miss of that one.
        Never asks while paused: the answer is then not `sent`.

        Raises ValueError for more than `batch_size` ids.
        """
        asked = dict.fromkeys(native_ids)
        if len(asked) > BATCH_SIZE:
            raise ValueError(f"{len(asked)} accounts in one request; Bluesky answers at most {BATCH_SIZE}")
        sound = [did for did in asked if is_did(did)]
        # One malformed DID would fail the whole batch (measured).
        odd = [Missed(did, now, MissedReason.BAD_REQUEST, "not a DID") for did in asked if not is_did(did)]
        if not sound:
            return CollectorAnswer((), tuple(odd))
        said = await self._look_up(sound, now)
        looks = await self._look_closer(said.profiles, now)
        looks = [_as_heard(one, said.profiles.silent) for one in looks]
        readings = [one.said for one in looks if isinstance(one.said, Reading)]
        missed = [one.said for one in looks if isinstance(one.said, Missed)]
        return CollectorAnswer(
            (*said.profiles.readings, *readings),
            (*odd, *said.profiles.missed, *missed),
            (*said.exchanges, *(exchange for one in looks for exchange in one.exchanges)),
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
        """The DIDs of handles (a leading @ is allowed), DIDs and addresses of profiles."""
        return await resolve_names(self._client, names, now)

    @property
    def handle_source(self) -> str:
        """See `PastHandles`."""
        return "plc.directory"

    async def handle_history(self, native_id: str, now: datetime) -> tuple[HandleSince, ...] | RequestFailure:
        """The handles that the owner claimed, oldest first, with the directory's own dates.

        Raises ValueError for an id that is not one of Bluesky.
        """
        if not is_did(native_id):
            raise ValueError(f"not a DID: {printable(native_id)}")
        if not has_log(native_id):
            return RequestFailure(
                MissedReason.ACCESS, "a did:web keeps no log of its handles", now, breaker=False
            )
        answer = await self._client.log(native_id, now)
        said = answer if isinstance(answer, WireFault) else read_log(answer, native_id)
        return self._client.trouble(PLC, said, now) if isinstance(said, WireFault) else said

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

    async def _look_up(self, dids: Sequence[str], now: datetime) -> _BatchLookup:
        """What is believed comes from one answer, so that the control accounts in it speak for all of it."""
        said = await self._ask(dids, now)
        if said.trouble is None or said.trouble.reason is not MissedReason.BAD_REQUEST or len(dids) == 1:
            return said

        async def ask(part: Sequence[str]) -> RequestFailure | None:
            return (await self._ask(part, now)).trouble

        refused = await find_rejected(dids, ask, _BISECT_REQUESTS)
        if isinstance(refused, RequestFailure):
            fault = WireFault(refused.reason, refused.detail)
            return replace(said, profiles=_all_missed(dids, now, fault), trouble=refused)
        rest = [did for did in dids if did not in refused]
        if not refused or not rest:
            return said
        again = await self._ask(rest, now)
        fault = WireFault(MissedReason.BAD_REQUEST, "Bluesky refuses this DID")
        missed = _all_missed([did for did in dids if did in refused], now, fault).missed
        profiles = replace(again.profiles, missed=(*missed, *again.profiles.missed))
        return replace(again, profiles=profiles, sent=True)

    async def _ask(self, dids: Sequence[str], now: datetime) -> _BatchLookup:
        pause = self._client.pause(APP_VIEW, now)
        if pause is not None:
            return _BatchLookup(
                _all_missed(dids, now, WireFault(pause.reason, pause.detail)), (), pause, sent=False
            )
        answer = await self._client.profiles(dids, now)
        if isinstance(answer, WireFault):
            trouble = self._client.trouble(APP_VIEW, answer, now)
            missed = _all_missed(dids, now, answer)
            return _BatchLookup(missed, (), trouble, sent=not isinstance(answer, NotAsked))
        profiles = read_profiles(answer, dids, self._labelers)
        fault = profiles.fault
        trouble = None if fault is None else self._client.trouble(APP_VIEW, fault, now)
        return _BatchLookup(profiles, (answer,), trouble)

    async def _look_closer(self, profiles: Profiles, now: datetime) -> list[_SingleLookup]:
        """The accounts that a batch left out, each asked for alone."""
        for reading in profiles.readings:
            self._missing_since.pop(reading.native_id, None)
        async with asyncio.TaskGroup() as group:
            # In random order: what makes a server stumble must not hide the same accounts every time.
            order = self._dice.sample(profiles.missing, len(profiles.missing))
            looks = {did: group.create_task(self._look(did, now)) for did in order}
        return [looks[did].result() for did in profiles.missing]

    async def _look(self, did: str, now: datetime) -> _SingleLookup:
        # A DID document from before the account went missing may name a server that it has left.
        since = self._missing_since.setdefault(did, now)
        profile = await self._client.profile(did, now)
        if isinstance(profile, WireFault):
            return _SingleLookup(Missed(did, now, profile.reason, profile.detail), ())
        said = read_profile(profile, did, self._labelers)
        if not isinstance(said, Absence):
            if isinstance(said, Reading):
                self._missing_since.pop(did, None)
            return _SingleLookup(said, (profile,))
        if said is Absence.DEACTIVATED:
            return _SingleLookup(verdict(did, said, None, None, profile), (profile,))
        # Whoever the app does not find may just have moved: no kept document is believed then.
        since = now if said is Absence.NOT_FOUND else since
        identity = await self._client.identity(did, now, since)
        exchanges = (profile,) if identity.answer is None else (profile, identity.answer)
        repo: RepoStatus | WireFault | None = None
        if isinstance(identity.said, DidDocument) and identity.said.pds is not None:
            status = await self._client.repo_status(identity.said.pds, did, now)
            repo = status if isinstance(status, WireFault) else read_repo_status(status, did)
            exchanges += () if isinstance(status, WireFault) else (status,)
        return _SingleLookup(verdict(did, said, identity.said, repo, profile), exchanges)


def _as_heard(look: _SingleLookup, silent: frozenset[str]) -> _SingleLookup:
    """An account whose own answer is silent on more than the batch is missed, so that it silences nobody."""
    r = look.said
    if isinstance(r, Missed) or r.silent_on <= silent:
        return look
    missed = Missed(r.native_id, r.at, MissedReason.UNHEARD, "a labeler was heard in the batch and not here")
    return replace(look, said=missed)


def _all_missed(dids: Sequence[str], now: datetime, fault: WireFault) -> Profiles:
    return Profiles((), tuple(Missed(did, now, fault.reason, fault.detail) for did in dids), (), fault)
