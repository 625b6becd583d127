"""Mastodon as a collector: each account and each post is read from its home server, keyless."""

import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType, TracebackType
from typing import Final, Self

from collectors.core import evidence
from collectors.core.abilities import ModerationFindings
from collectors.core.collector import (
    CanaryCandidate,
    CollectorAnswer,
    EngagementAnswer,
    Exchange,
    RequestFailure,
    Resolution,
    ResolvedHandle,
    UnresolvedHandle,
)
from collectors.core.wire import WireFault, printable
from collectors.mastodon import engagement as mastodon_acts
from collectors.mastodon import handle_resolution
from collectors.mastodon.client import MastodonClient
from collectors.mastodon.declaration import MASTODON, PACE_S
from collectors.mastodon.lookup import MastodonLookup
from collectors.mastodon.post_lookup import MastodonPostLookup
from collectors.mastodon.server_look import LookupMemory
from collectors.mastodon.wire.answers import Absent, read_profile
from collectors.mastodon.wire.evidence import excerpt
from collectors.mastodon.wire.identity import (
    Identity,
    MastodonIdentity,
    MastodonPostIdentity,
    Post,
    host_at,
    host_of,
    identity_of,
    is_local_id,
    is_place_of_posts,
    post_of,
)
from collectors.mastodon.wire.moderation import DomainBlocks, read_domain_blocks, seen_by
from collectors.mastodon.wire.timeline import like_of
from collectors.transport.client import HttpOptions
from collectors.transport.host_pacing import HostRateLimiter
from collectors.transport.ssrf_guard import Guard
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, Missed, MissedReason
from storage.model.core.side_facts import ObservedKind
from storage.model.core.signals import Signal

BATCH_SIZE: Final = 40
"""DEFAULT_ACCOUNTS_LIMIT of Mastodon: more ids are refused (documented)."""

MAX_BODY: Final = 2 * 1024 * 1024

_OF_ONE_COPY: Final = frozenset({MissedReason.MALFORMED, MissedReason.BAD_REQUEST})
"""Faults that say nothing of the next account that the same server is asked about."""

_NO_ORIGINS: Final[Mapping[str, str]] = MappingProxyType({})


def default_http() -> HttpOptions:
    """A little below the 300 requests in 5 minutes that Mastodon allows an address (documented)."""
    return HttpOptions(max_body=MAX_BODY, pace=HostRateLimiter(PACE_S, burst=20), guard=Guard())


class MastodonCollector:
    """Mastodon, seen without an account. Use as `async with`: it owns the connections.

    Every server is a place of its own: it is paced, pauses and recovers alone. Its posts are a second place,
    because other addresses of its API answer for them: only control posts show whether these work.
    """

    def __init__(
        self,
        *,
        http: HttpOptions | None = None,
        origins: Mapping[str, str] = _NO_ORIGINS,
        dice: random.Random | None = None,
    ) -> None:
        """`origins` maps a host to the address that is really asked for it, with the host's name in the
        request: a mirror, or a simulator. These addresses are the configuration's and may be private.
        """
        self._client = MastodonClient(http or default_http(), origins, dice or random.SystemRandom())
        self._memory = LookupMemory()

    async def __aenter__(self) -> Self:
        self._client.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.close()

    @property
    def platform(self) -> Platform:
        return MASTODON

    @property
    def batch_size(self) -> int:
        return BATCH_SIZE

    @property
    def countries(self) -> None:
        """Mastodon withholds nothing by country, so there is none that it is silent on."""

    def place(self, native_id: str) -> str:
        """The home server, as host or host:port, with `/posts` for a post; empty for an id that is not one of
        Mastodon.
        """
        who = identity_of(native_id)
        return who.place if who is not None else ""

    def base_url(self, place: str) -> str:
        """See `Collector`: the server itself, where no origin replaces it."""
        return self._client.origin(host_at(place))

    def evidence(self, exchanges: Sequence[Exchange], native_ids: Iterable[str]) -> dict[str, bytes]:
        """See `Collector`."""
        return evidence.document(exchanges, native_ids, excerpt)

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        """One request for all accounts, or per 20 posts, where the server answers it, and more about those
        that it leaves open.

        When the server shows another account under an id, or another account's post, it was set up again, and
        the id is missed as UNCLASSIFIED: what became of the stored account or post is not known.

        Raises ValueError for more than `batch_size` ids and for ids of different places.
        """
        asked = {native_id: identity_of(native_id) for native_id in native_ids}
        if len(asked) > BATCH_SIZE:
            raise ValueError(f"{len(asked)} ids in one request; Mastodon answers at most {BATCH_SIZE}")
        known = [who for who in asked.values() if who is not None]
        places = {who.place for who in known}
        if len(places) > 1:
            raise ValueError(f"ids of different places in one request: {', '.join(sorted(places))}")
        odd = tuple(
            Missed(native_id, now, MissedReason.BAD_REQUEST, "not an actor URI with a local id, nor a post")
            for native_id, who in asked.items()
            if who is None
        )
        if not known:
            return CollectorAnswer((), odd)
        pause = self._client.pause(known[0].place, now)
        if pause is not None:
            missed = tuple(Missed(who.native_id, now, pause.reason, pause.detail) for who in known)
            return CollectorAnswer((), (*odd, *missed), (), pause, sent=False)
        said = await self._look(known, now)
        return replace(said, missed=(*odd, *said.missed))

    async def _look(self, asked: Sequence[Identity], now: datetime) -> CollectorAnswer:
        posts = [who for who in asked if isinstance(who, MastodonPostIdentity)]
        if posts:
            return await MastodonPostLookup(self._client, self._memory, posts, now).answer()
        people = [who for who in asked if isinstance(who, MastodonIdentity)]
        return await MastodonLookup(self._client, self._memory, people, now).answer()

    async def verify_lifts(
        self,
        answer: CollectorAnswer,
        withheld_in: Mapping[str, frozenset[str]],  # noqa: ARG002
        now: datetime,  # noqa: ARG002
    ) -> CollectorAnswer:
        """See `Collector`: Mastodon withholds nobody by country."""
        return answer

    async def engagement(self, native_id: str, cursor: str | None, now: datetime) -> EngagementAnswer:
        """Boosts, replies, quotes and posts; `cursor` is the local id of the newest status seen.

        Favourites are listed for nobody: see `favourited_by`. No trouble has a breaker, since it concerns
        one server alone. Raises ValueError for an id or a cursor that is not one of Mastodon.
        """
        who = MastodonIdentity.of(native_id)
        if who is None:
            raise ValueError(f"not a native id of Mastodon: {printable(native_id)}")
        if cursor is not None and not is_local_id(cursor):
            raise ValueError(f"not a cursor of Mastodon statuses: {printable(cursor)}")
        return await mastodon_acts.engagement(self._client, who, cursor, now)

    async def favourited_by(self, address: str, now: datetime) -> tuple[str, ...] | RequestFailure:
        """Who favourited a post, by its address at its home server: actor URIs, or name@host from servers
        before 4.2; newest first, at most 800.

        Raises ValueError for an address that names no post at its home server.
        """
        return await mastodon_acts.favourited_by(self._client, _post_at(address), now)

    async def likes_of(
        self, post: str, handles: Mapping[str, str], now: datetime
    ) -> dict[str, Signal] | RequestFailure:
        """See `PostLikes`. Raises ValueError for an address that names no post at its home server."""
        named = _post_at(post)
        favouriters = await mastodon_acts.favourited_by(self._client, named, now)
        if isinstance(favouriters, RequestFailure):
            return favouriters
        found: dict[str, Signal] = {}
        for native_id, handle in handles.items():
            who = MastodonIdentity.of(native_id)
            like = None if who is None else like_of(named, favouriters, who.actor, handle)
            if like is not None:
                found[native_id] = like
        return found

    async def resolve(self, names: Sequence[str], now: datetime) -> Resolution:
        """The native ids of alice@host, @alice@host, https://host/@alice or https://host/users/alice, and of
        posts: alice@host/1, https://host/@alice/1 or https://host/users/alice/statuses/1.

        Suspended accounts are found too, as long as their server keeps their data, and so are posts that are
        gone.
        """
        found: list[ResolvedHandle] = []
        unresolved: list[UnresolvedHandle] = []
        trouble: RequestFailure | None = None
        authors: handle_resolution.KnownAuthors = {}
        for name in dict.fromkeys(names):
            said = await handle_resolution.resolve_post(self._client, self._memory, name, authors, now)
            if said is None:
                said = await handle_resolution.resolve(self._client, self._memory, name, now)
            if isinstance(said, ResolvedHandle):
                found.append(said)
            elif isinstance(said, UnresolvedHandle):
                unresolved.append(said)
            else:
                unresolved.append(said[0])
                trouble = said[1]
        return Resolution(tuple(found), tuple(unresolved), trouble)

    async def candidates(self, place: str, now: datetime) -> tuple[CanaryCandidate, ...]:
        """See `Collector`: the contact account that a server names, when it lives there, or posts of it."""
        find = handle_resolution.post_candidates if is_place_of_posts(place) else handle_resolution.candidates
        return await find(self._client, self._memory, place, now)

    async def domain_blocks(self, server: str, now: datetime) -> DomainBlocks | RequestFailure:
        """Which servers `server` (a host) silences or suspends. Trouble of reason ACCESS: it does not
        publish that, and nothing is known of it. Raises ValueError when `server` is not a host.
        """
        answer = await self._client.get(f"{_server(server)}/api/v1/instance/domain_blocks", now)
        said = (
            answer if isinstance(answer, WireFault) else read_domain_blocks(answer.http_status, answer.body)
        )
        if not isinstance(said, WireFault):
            return said
        if said.reason is MissedReason.ACCESS:
            return RequestFailure(said.reason, said.detail, now, breaker=False)
        return self._client.trouble(server.lower(), said, now)

    async def seen_from(self, server: str, handles: Mapping[str, str], now: datetime) -> ModerationFindings:
        """How `server` (a host) treats its copies of accounts, given as name@domain by native id.

        A server that never met an account says nothing of it, and nothing is known of one whose copy cannot
        be read. A copy is suspended too when the home server
        suspended the account, so that "account suspended" is the observer's doing only while the home
        server has the account available. Raises ValueError when `server` is not a host.
        """
        base = _server(server)
        answered: set[str] = set()
        facts: list[tuple[str, Flag | ObservedKind, str]] = []
        for native_id, handle in handles.items():
            who = MastodonIdentity.of(native_id)
            if who is None:
                continue  # a post
            answer = await self._client.get(f"{base}/api/v1/accounts/lookup", now, [("acct", handle)])
            said = answer if isinstance(answer, WireFault) else read_profile(answer.http_status, answer.body)
            if isinstance(said, WireFault) and said.reason in _OF_ONE_COPY:
                continue
            if isinstance(said, WireFault):
                return ModerationFindings(
                    frozenset(answered), tuple(facts), self._client.trouble(server.lower(), said, now)
                )
            seen = None if isinstance(said, Absent) else seen_by(who, said)
            if seen is not None:
                answered.add(native_id)
                facts += seen
        return ModerationFindings(frozenset(answered), tuple(facts))


def _post_at(address: str) -> Post:
    """Raises ValueError when no post is there, or not on its home server."""
    post = post_of(address)
    if post is None:
        raise ValueError(f"not the address of a post on its home server: {printable(address)}")
    return post


def _server(host: str) -> str:
    """Raises ValueError when `host` is not one."""
    server = f"https://{host.lower()}"
    if not host or host_of(server) != host.lower():
        raise ValueError(f"not a server name: {printable(host)}")
    return server
