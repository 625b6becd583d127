"""One look at one server: its requests, their answers, and when to stop asking."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, TypeVar

from collectors.core.collector import CollectorAnswer, Exchange
from collectors.core.wire import NotAsked, WireFault, is_object, parse
from collectors.mastodon.client import ACTIVITY, JSON, MastodonClient, Params
from collectors.mastodon.wire.answers import (
    Absent,
    ActorDocument,
    Jrd,
    NoBatch,
    read_actor,
    read_webfinger,
)
from collectors.mastodon.wire.evidence import address_of
from collectors.mastodon.wire.identity import Identity
from collectors.transport.client import RawAnswer
from storage.model.core.availability import Missed, MissedReason, Reading

_Item = TypeVar("_Item")
_FAILURES_IN_A_ROW: Final = 3
"""After so many accounts or posts in a row without a usable answer, the rest waits for the next look."""

_OF_THE_SERVER: Final = frozenset(
    {MissedReason.NETWORK, MissedReason.UPSTREAM, MissedReason.ACCESS, MissedReason.RATE_LIMITED}
)
"""Reasons that say more of the server than of one account or post."""


@dataclass(slots=True)
class LookupMemory:
    """What earlier answers taught, as long as the process lives."""

    usernames: dict[str, str] = field(default_factory=dict[str, str])
    """By native id: some addresses show none."""
    created_on: dict[str, str] = field(default_factory=dict[str, str])
    """By native id, the day that the first answer gave."""
    domains: dict[str, str] = field(default_factory=dict[str, str])
    """By host, the domain that names of its people end in."""
    proofs: dict[tuple[str, str], tuple[datetime, bool]] = field(
        default_factory=dict[tuple[str, str], tuple[datetime, bool]]
    )
    """By actor URI and address moved to: when the new account was asked last, and whether it agreed."""


class ServerLook:
    """What lookups of accounts and of posts share. `native_id` is the account or post that a request is
    about; it is empty for a request about several.
    """

    def __init__(
        self, client: MastodonClient, memory: LookupMemory, server: str, place: str, now: datetime
    ) -> None:
        """`server` is the address that requests to it begin with; `place` as in `Collector`."""
        self._client = client
        self._memory = memory
        self._server = server
        self._place = place
        self._now = now
        self._began_s = asyncio.get_running_loop().time()
        self._said: list[Reading | Missed] = []
        self._exchanges: list[Exchange] = []
        self._api_answered = False
        self._sent = False
        self._failures = 0
        self._fault: WireFault | None = None
        """The last one that concerned the server."""
        self._stopped_by: WireFault | None = None

    def _answer(self) -> CollectorAnswer:
        readings = tuple(said for said in self._said if isinstance(said, Reading))
        missed = tuple(said for said in self._said if isinstance(said, Missed))
        trouble = None
        if self._fault is not None and not readings and not self._api_answered:
            trouble = self._client.trouble(self._place, self._fault, self._now)
        return CollectorAnswer(readings, missed, tuple(self._exchanges), trouble, self._sent)

    def _miss(self, native_id: str, fault: WireFault) -> None:
        self._said.append(Missed(native_id, self._now, fault.reason, fault.detail))

    def _miss_alone(self, native_id: str, fault: WireFault) -> None:
        """Miss what was asked for alone, and note what that says of the server."""
        self._miss(native_id, fault)
        if fault.reason in _OF_THE_SERVER:
            self._failed(fault)

    def _failed(self, fault: WireFault) -> None:
        """Note a fault that concerns the server; after a few in a row, stop asking it."""
        self._fault = fault
        self._failures += 1
        if fault.reason is MissedReason.RATE_LIMITED or self._failures >= _FAILURES_IN_A_ROW:
            self._stopped_by = fault

    async def _about_several(
        self,
        path: str,
        asked: Sequence[Identity],
        read: Callable[[int, bytes, Collection[str]], dict[str, _Item | WireFault] | NoBatch | WireFault],
    ) -> Mapping[str, _Item | WireFault]:
        """What one request for several accounts or posts states of each, by local id. Empty when the server
        failed, or does not answer such requests.
        """
        if self._stopped_by is not None or self._client.lacks_batch(self._place, self._now):
            return {}
        local_ids = [who.local_id for who in asked]
        answer = await self._get(f"{self._server}{path}", "", [("id[]", local_id) for local_id in local_ids])
        said = answer if isinstance(answer, WireFault) else read(answer.http_status, answer.body, local_ids)
        if isinstance(said, WireFault):
            self._fault = self._stopped_by = said
            return {}
        self._client.note_batch(self._place, self._now, answered=not isinstance(said, NoBatch))
        if isinstance(said, NoBatch):
            return {}
        self._api_answered = True
        return said

    async def _about_one(
        self, path: str, who: Identity, read: Callable[[int, bytes], _Item | Absent | WireFault]
    ) -> _Item | Absent | None:
        """What a request for one account or post alone states. None when it is missed: the server gave no
        usable answer, or is not asked any more.
        """
        if self._stopped_by is not None:
            self._miss(who.native_id, self._stopped_by)
            return None
        answer = await self._get(f"{self._server}{path}/{who.local_id}", who.native_id)
        said = answer if isinstance(answer, WireFault) else read(answer.http_status, answer.body)
        if isinstance(said, WireFault):
            self._miss_alone(who.native_id, said)
            return None
        if not isinstance(said, Absent):
            self._failures = 0
            self._api_answered = True
        return said

    async def _is_served(self, native_id: str) -> bool:
        """Whether there is an API at all: a domain that was given up may answer 404 to everything."""
        answer = await self._get(f"{self._server}/api/v1/instance", native_id)
        if isinstance(answer, WireFault):
            return False
        self._api_answered = answer.http_status == 200 and is_object(parse(answer.body))
        return self._api_answered

    async def _webfinger(self, resource: str, native_id: str) -> Jrd | Absent | WireFault:
        answer = await self._client.webfinger(self._server, resource, self._now, follow_up=self._api_answered)
        self._keep(f"{self._server}/.well-known/webfinger", [("resource", resource)], answer, native_id)
        return answer if isinstance(answer, WireFault) else read_webfinger(answer.http_status, answer.body)

    async def _actor(self, address: str, native_id: str) -> ActorDocument | Absent | WireFault:
        answer = await self._get(address, native_id, accept=ACTIVITY)
        return answer if isinstance(answer, WireFault) else read_actor(answer.http_status, answer.body)

    async def _get(
        self, address: str, native_id: str, params: Params = (), accept: str = JSON
    ) -> RawAnswer | WireFault:
        # Whoever was answered already waits for it, to be recorded.
        follow_up = self._api_answered
        answer = await self._client.get(address, self._now, params, accept, follow_up=follow_up)
        self._keep(address, params, answer, native_id)
        return answer

    def _keep(self, address: str, params: Params, answer: RawAnswer | WireFault, native_id: str) -> None:
        self._sent = self._sent or not isinstance(answer, NotAsked)
        if not isinstance(answer, WireFault):
            url, request_id = address_of(address, params, native_id), answer.headers.get("X-Request-Id")
            times = answer.after(self._began_s)
            self._exchanges.append(
                Exchange(url, self._now, answer.http_status, answer.body, request_id, (), *times)
            )
