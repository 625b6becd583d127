"""One look at accounts of one server: a batch, then each account that the batch left open, and why.

A healthy batch is one request. Every suspended account costs one more (is it temporary?), every missing
one up to four (what else does the server know of it?).
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from collectors.core.collector import CollectorAnswer
from collectors.core.wire import WireFault
from collectors.mastodon.client import MastodonClient
from collectors.mastodon.server_look import LookupMemory, ServerLook
from collectors.mastodon.wire.answers import (
    Absent,
    ActorDocument,
    Profile,
    read_batch,
    read_profile,
)
from collectors.mastodon.wire.identity import MastodonIdentity, host_of
from collectors.mastodon.wire.status import absent, available, stranger, suspended
from storage.model.core.availability import MissedReason

_PROOF_LASTS: Final = timedelta(days=1)
_PATH: Final = "/api/v1/accounts"


class MastodonLookup(ServerLook):
    """One look. `answer` may be called once."""

    def __init__(
        self, client: MastodonClient, memory: LookupMemory, people: Sequence[MastodonIdentity], now: datetime
    ) -> None:
        """`people` all live at the same server."""
        super().__init__(client, memory, people[0].server, people[0].host, now)
        self._people = people
        self._moved: list[tuple[MastodonIdentity, Profile, str]] = []
        """Accounts that name a new one, with its address: asked about together, in the end."""

    async def answer(self) -> CollectorAnswer:
        """What the home server says of them."""
        for who in await self._together():
            await self._alone(who)
        async with asyncio.TaskGroup() as group:  # new servers that hang do not wait for one another
            for who, profile, target in self._moved:
                group.create_task(self._moves(who, profile, target))
        return self._answer()

    async def _together(self) -> list[MastodonIdentity]:
        """Ask for all at once. The accounts that are still open."""
        said = await self._about_several(_PATH, self._people, read_batch)
        for who in self._people:
            item = said.get(who.local_id)
            if isinstance(item, Profile):
                await self._present(who, item)
            elif item is not None:
                self._miss(who.native_id, item)
        return [who for who in self._people if who.local_id not in said]

    async def _alone(self, who: MastodonIdentity) -> None:
        said = await self._about_one(_PATH, who, read_profile)
        if isinstance(said, Profile):
            await self._present(who, said)
        elif said is not None:
            await self._absent(who, said)

    async def _present(self, who: MastodonIdentity, profile: Profile) -> None:
        memory = self._memory
        if profile.local_id != who.local_id:
            detail = f"the server answered with another id: {profile.local_id}"
            self._miss(who.native_id, WireFault(MissedReason.CONTRADICTORY, detail))
            return
        other = stranger(who, profile, memory.created_on.get(who.native_id))
        if other is not None:
            self._miss(who.native_id, WireFault(MissedReason.UNCLASSIFIED, other))
            return
        memory.usernames[who.native_id] = profile.username
        if profile.created_on is not None:
            memory.created_on[who.native_id] = profile.created_on
        if profile.suspended:
            self._said.append(suspended(who, await self._actor(who.actor, who.native_id), self._now))
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
        domain = self._memory.domains.get(who.host, who.host)
        resource = who.actor if name is None else f"acct:{name}@{domain}"
        webfinger = await self._webfinger(resource, who.native_id)
        lookup: Profile | Absent | WireFault | None = None
        actor: ActorDocument | Absent | WireFault | None = None
        if name is not None and not isinstance(webfinger, WireFault):
            answer = await self._get(f"{who.server}{_PATH}/lookup", who.native_id, [("acct", name)])
            lookup = (
                answer if isinstance(answer, WireFault) else read_profile(answer.http_status, answer.body)
            )
        if isinstance(webfinger, Absent) and webfinger.http_status == 404:
            actor = await self._actor(who.actor, who.native_id)
        if not (self._api_answered or await self._is_served(who.native_id)):
            dead = WireFault(MissedReason.UPSTREAM, "the account was not found, and the server has no API")
            self._miss_alone(who.native_id, dead)
            return
        self._failures = 0
        self._said.append(absent(who, rest, webfinger, lookup, actor, self._now))

    async def _is_proven(self, who: MastodonIdentity, target: str) -> bool:
        """Whether the account that this one moved to names it as its own: asked once a day.

        Where the new server does not answer, the last answer of it stands, and none means no.
        """
        key = who.actor, target
        asked_at, proven = self._memory.proofs.get(key, (None, False))
        if asked_at is None or self._now - asked_at >= _PROOF_LASTS:
            said = await self._actor(target, who.native_id)
            if isinstance(said, ActorDocument):
                proven = who.actor in said.also_known_as and host_of(said.uri) == host_of(target)
            self._memory.proofs[key] = self._now, proven
        return proven
