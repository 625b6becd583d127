"""One look at accounts of one server: a batch, then each account that the batch left open, and why.

A healthy batch is one request. Every suspended account costs one more (is it temporary?), every missing
one up to four (what else does the server know of it?).
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from collectors.core.collector import CollectorAnswer, Exchange
from collectors.core.wire import NotAsked, WireFault, is_object, parse
from collectors.mastodon.client import ACTIVITY, JSON, MastodonClient, Params
from collectors.mastodon.wire.answers import (
    Absent,
    ActorDocument,
    Jrd,
    NoBatch,
    Profile,
    read_actor,
    read_batch,
    read_profile,
    read_webfinger,
)
from collectors.mastodon.wire.evidence import address_of
from collectors.mastodon.wire.identity import MastodonIdentity, host_of
from collectors.mastodon.wire.status import absent, available, stranger, suspended
from collectors.transport.client import RawAnswer
from storage.model.core.availability import Missed, MissedReason, Reading

_PROOF_LASTS: Final = timedelta(days=1)
_FAILURES_IN_A_ROW: Final = 3
"""So many accounts that give nothing, one after the other, and the rest is left for the next time."""

_OF_THE_SERVER: Final = frozenset(
    {MissedReason.NETWORK, MissedReason.UPSTREAM, MissedReason.ACCESS, MissedReason.RATE_LIMITED}
)
"""Reasons that say more of the server than of one account."""


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


class MastodonLookup:
    """One look. `answer` may be called once."""

    def __init__(self, client: MastodonClient, memory: LookupMemory, now: datetime) -> None:
        self._client = client
        self._memory = memory
        self._now = now
        self._began_s = asyncio.get_running_loop().time()
        self._said: list[Reading | Missed] = []
        self._exchanges: list[Exchange] = []
        self._api_answered = False
        self._sent = False
        self._failures = 0
        self._moved: list[tuple[MastodonIdentity, Profile, str]] = []
        """Accounts that name a new one, with its address: asked about together, in the end."""
        self._fault: WireFault | None = None
        """The last one that concerned the server."""
        self._stopped_by: WireFault | None = None

    async def answer(self, people: Sequence[MastodonIdentity]) -> CollectorAnswer:
        """What the home server says of `people`, who all live there."""
        host = people[0].host
        left = await self._together(people)
        for who in left:
            if self._stopped_by is None:
                await self._alone(who)
            else:
                self._miss(who, self._stopped_by)
        async with asyncio.TaskGroup() as group:  # new servers that hang do not wait for one another
            for who, profile, target in self._moved:
                group.create_task(self._moves(who, profile, target))
        readings = tuple(said for said in self._said if isinstance(said, Reading))
        missed = tuple(said for said in self._said if isinstance(said, Missed))
        trouble = None
        if self._fault is not None and not readings and not self._api_answered:
            trouble = self._client.trouble(host, self._fault, self._now)
        return CollectorAnswer(readings, missed, tuple(self._exchanges), trouble, self._sent)

    async def _together(self, people: Sequence[MastodonIdentity]) -> Sequence[MastodonIdentity]:
        """Ask for all at once. The accounts that are still open."""
        host = people[0].host
        if self._client.lacks_batch(host, self._now):
            return people
        local_ids = [who.local_id for who in people]
        answer = await self._get(
            f"{people[0].server}/api/v1/accounts", None, [("id[]", local_id) for local_id in local_ids]
        )
        said = (
            answer
            if isinstance(answer, WireFault)
            else read_batch(answer.http_status, answer.body, local_ids)
        )
        if isinstance(said, NoBatch):
            self._client.note_batch(host, self._now, answered=False)
            return people
        if isinstance(said, WireFault):
            self._fault = self._stopped_by = said
            return people
        self._client.note_batch(host, self._now, answered=True)
        self._api_answered = True
        for who in people:
            item = said.get(who.local_id)
            if isinstance(item, Profile):
                await self._present(who, item)
            elif item is not None:
                self._miss(who, item)
        return [who for who in people if who.local_id not in said]

    async def _alone(self, who: MastodonIdentity) -> None:
        answer = await self._get(f"{who.server}/api/v1/accounts/{who.local_id}", who)
        said = answer if isinstance(answer, WireFault) else read_profile(answer.http_status, answer.body)
        if isinstance(said, WireFault):
            self._miss(who, said)
            if said.reason in _OF_THE_SERVER:
                self._failed(said)
            return
        if isinstance(said, Profile):
            self._failures = 0
            self._api_answered = True
            await self._present(who, said)
        else:
            await self._absent(who, said)

    def _failed(self, fault: WireFault) -> None:
        """Note what concerns the server; after a few in a row it is not troubled any more."""
        self._fault = fault
        self._failures += 1
        if fault.reason is MissedReason.RATE_LIMITED or self._failures >= _FAILURES_IN_A_ROW:
            self._stopped_by = fault

    async def _present(self, who: MastodonIdentity, profile: Profile) -> None:
        memory = self._memory
        if profile.local_id != who.local_id:
            self._miss(
                who,
                WireFault(
                    MissedReason.CONTRADICTORY, f"the server answered with another id: {profile.local_id}"
                ),
            )
            return
        other = stranger(who, profile, memory.created_on.get(who.native_id))
        if other is not None:
            self._miss(who, WireFault(MissedReason.UNCLASSIFIED, other))
            return
        memory.usernames[who.native_id] = profile.username
        if profile.created_on is not None:
            memory.created_on[who.native_id] = profile.created_on
        if profile.suspended:
            self._said.append(suspended(who, await self._actor(who.actor, who), self._now))
            return
        if profile.moved_to is not None:
            self._moved.append((who, profile, profile.moved_to))
        else:
            self._available(who, profile, proven=False)

    async def _moves(self, who: MastodonIdentity, profile: Profile, target: str) -> None:
        self._available(who, profile, proven=await self._is_proven(who, target))

    def _available(self, who: MastodonIdentity, profile: Profile, *, proven: bool) -> None:
        domain = self._memory.domains.get(who.host)
        self._said.append(available(who, profile, self._now, domain=domain, proven=proven))

    async def _absent(self, who: MastodonIdentity, rest: Absent) -> None:
        """Gone, deleted, never there, or a web server that knows nothing of anything."""
        name = who.username or self._memory.usernames.get(who.native_id)
        webfinger = await self._webfinger(who, name)
        lookup: Profile | Absent | WireFault | None = None
        actor: ActorDocument | Absent | WireFault | None = None
        if name is not None and not isinstance(webfinger, WireFault):
            answer = await self._get(f"{who.server}/api/v1/accounts/lookup", who, [("acct", name)])
            lookup = (
                answer if isinstance(answer, WireFault) else read_profile(answer.http_status, answer.body)
            )
        if isinstance(webfinger, Absent) and webfinger.http_status == 404:
            actor = await self._actor(who.actor, who)
        if not (self._api_answered or await self._is_served(who)):
            dead = WireFault(MissedReason.UPSTREAM, "the account was not found, and the server has no API")
            self._miss(who, dead)
            self._failed(dead)
            return
        self._failures = 0
        self._said.append(absent(who, rest, webfinger, lookup, actor, self._now))

    async def _is_served(self, who: MastodonIdentity) -> bool:
        """Whether there is an API at all: a domain that was given up may answer 404 to everything."""
        answer = await self._get(f"{who.server}/api/v1/instance", who)
        if isinstance(answer, WireFault):
            return False
        self._api_answered = answer.http_status == 200 and is_object(parse(answer.body))
        return self._api_answered

    async def _is_proven(self, who: MastodonIdentity, target: str) -> bool:
        """Whether the account that this one moved to names it as its own: asked once a day.

        Where the new server does not answer, the last answer of it stands, and none means no.
        """
        key = who.actor, target
        asked_at, proven = self._memory.proofs.get(key, (None, False))
        if asked_at is None or self._now - asked_at >= _PROOF_LASTS:
            said = await self._actor(target, who)
            if isinstance(said, ActorDocument):
                proven = who.actor in said.also_known_as and host_of(said.uri) == host_of(target)
            self._memory.proofs[key] = self._now, proven
        return proven

    async def _webfinger(self, who: MastodonIdentity, name: str | None) -> Jrd | Absent | WireFault:
        resource = (
            who.actor if name is None else f"acct:{name}@{self._memory.domains.get(who.host, who.host)}"
        )
        answer = await self._client.webfinger(who.server, resource, self._now, follow_up=self._api_answered)
        address = f"{who.server}/.well-known/webfinger"
        self._keep(address, [("resource", resource)], answer, who)
        return answer if isinstance(answer, WireFault) else read_webfinger(answer.http_status, answer.body)

    async def _actor(self, address: str, who: MastodonIdentity) -> ActorDocument | Absent | WireFault:
        answer = await self._get(address, who, accept=ACTIVITY)
        return answer if isinstance(answer, WireFault) else read_actor(answer.http_status, answer.body)

    async def _get(
        self, address: str, who: MastodonIdentity | None, params: Params = (), accept: str = JSON
    ) -> RawAnswer | WireFault:
        # Whoever was answered already waits for it, to be recorded.
        follow_up = self._api_answered
        answer = await self._client.get(address, self._now, params, accept, follow_up=follow_up)
        self._keep(address, params, answer, who)
        return answer

    def _keep(
        self, address: str, params: Params, answer: RawAnswer | WireFault, who: MastodonIdentity | None
    ) -> None:
        self._sent = self._sent or not isinstance(answer, NotAsked)
        if not isinstance(answer, WireFault):
            url, request_id = address_of(address, params, who), answer.headers.get("X-Request-Id")
            times = answer.after(self._began_s)
            self._exchanges.append(
                Exchange(url, self._now, answer.http_status, answer.body, request_id, (), *times)
            )

    def _miss(self, who: MastodonIdentity, fault: WireFault) -> None:
        self._said.append(Missed(who.native_id, self._now, fault.reason, fault.detail))
