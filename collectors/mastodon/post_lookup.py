"""One look at posts of one server: in batches, then each post that these left open, and why.

Healthy posts cost one request for every twenty. A missing one costs two or three more: itself, its author
(asked once for all posts of the author), and its own page if the author is there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from collectors.core.collector import CollectorAnswer, Exchange
from collectors.core.wire import WireFault
from collectors.mastodon.client import ACTIVITY, MastodonClient
from collectors.mastodon.declaration import POSTS_AT_ONCE
from collectors.mastodon.server_look import LookupMemory, ServerLook
from collectors.mastodon.wire.answers import (
    Absent,
    ActorDocument,
    Jrd,
    Profile,
    read_profile,
)
from collectors.mastodon.wire.evidence import about_another
from collectors.mastodon.wire.identity import MastodonPostIdentity
from collectors.mastodon.wire.posts import (
    ServedPost,
    gone_alone,
    gone_with_absent,
    gone_with_suspended,
    is_author,
    read_note,
    read_post,
    read_posts,
    served,
)
from storage.model.core.availability import MissedReason

_PATH: Final = "/api/v1/statuses"
_NO_API = WireFault(
    MissedReason.UPSTREAM, "neither the post nor its author was found, and the server has no API"
)


@dataclass(frozen=True, slots=True)
class _AuthorAnswers:
    """What the server says about an author, and the answers that say it."""

    lookup: Profile | Absent | WireFault
    actor: ActorDocument | Absent | WireFault | None
    """None where the author is not suspended."""
    webfinger: Jrd | Absent | WireFault | None
    """None where the author was found by name."""
    exchanges: tuple[Exchange, ...]


class MastodonPostLookup(ServerLook):
    """One look. `answer` may be called once."""

    def __init__(
        self,
        client: MastodonClient,
        memory: LookupMemory,
        posts: Sequence[MastodonPostIdentity],
        now: datetime,
    ) -> None:
        """`posts` are all of the same server."""
        super().__init__(client, memory, posts[0].server, posts[0].place, now)
        self._posts = posts
        self._authors: dict[str, _AuthorAnswers] = {}
        """By the address of their page."""

    async def answer(self) -> CollectorAnswer:
        """What the home server says of them."""
        for who in await self._together():
            await self._alone(who)
        return self._answer()

    async def _together(self) -> list[MastodonPostIdentity]:
        """Ask for several at once. The posts that are still open."""
        still_open: list[MastodonPostIdentity] = []
        for start in range(0, len(self._posts), POSTS_AT_ONCE):
            some = self._posts[start : start + POSTS_AT_ONCE]
            said = await self._about_several(_PATH, some, read_posts)
            for who in some:
                item = said.get(who.local_id)
                if isinstance(item, ServedPost):
                    self._present(who, item)
                elif item is not None:
                    self._miss(who.native_id, item)
            still_open += [who for who in some if who.local_id not in said]
        return still_open

    async def _alone(self, who: MastodonPostIdentity) -> None:
        said = await self._about_one(_PATH, who, read_post)
        if isinstance(said, ServedPost):
            self._present(who, said)
        elif said is not None:
            await self._absent(who)

    def _present(self, who: MastodonPostIdentity, post: ServedPost) -> None:
        self._said.append(served(who, post, self._now, domain=self._memory.domains.get(who.host)))

    async def _absent(self, who: MastodonPostIdentity) -> None:
        """Gone with its author, gone alone, not public, or a web server that answers 404 to everything."""
        author = await self._author(who)
        lookup = author.lookup
        if isinstance(lookup, WireFault):
            detail = f"not found; its author: {lookup.detail}"
            self._miss_alone(who.native_id, WireFault(lookup.reason, detail))
            return
        if isinstance(lookup, Absent) and not (self._api_answered or await self._is_served(who.native_id)):
            self._miss_alone(who.native_id, _NO_API)
            return
        self._failures = 0
        self._api_answered = True
        if isinstance(lookup, Absent):
            assert author.webfinger is not None  # noqa: S101 - asked if the name leads nowhere
            said = gone_with_absent(who, lookup, author.webfinger, self._now)
        elif not is_author(who, lookup):
            detail = f"the name of its author answers as another account: {lookup.uri or lookup.url}"
            self._miss(who.native_id, WireFault(MissedReason.UNCLASSIFIED, detail))
            return
        elif author.actor is not None:
            said = gone_with_suspended(who, lookup, author.actor, self._now)
        else:
            page = await self._get(who.native_id, who.native_id, accept=ACTIVITY)
            note = page if isinstance(page, WireFault) else read_note(page.http_status, page.body)
            said = gone_alone(who, note, self._now)
        self._said.append(said)

    async def _author(self, who: MastodonPostIdentity) -> _AuthorAnswers:
        """Asked once in this look; the answers are evidence about each of the author's posts."""
        known = self._authors.get(who.profile)
        if known is not None:
            self._exchanges += [about_another(exchange, who.native_id) for exchange in known.exchanges]
            return known
        before = len(self._exchanges)
        answer = await self._get(f"{who.server}/api/v1/accounts/lookup", who.native_id, [("acct", who.name)])
        lookup = answer if isinstance(answer, WireFault) else read_profile(answer.http_status, answer.body)
        actor: ActorDocument | Absent | WireFault | None = None
        webfinger: Jrd | Absent | WireFault | None = None
        if isinstance(lookup, Absent):
            domain = self._memory.domains.get(who.host, who.host)
            webfinger = await self._webfinger(f"acct:{who.name}@{domain}", who.native_id)
        elif isinstance(lookup, Profile) and lookup.suspended and is_author(who, lookup):
            actor = await self._actor(lookup.uri or who.profile, who.native_id)
        known = _AuthorAnswers(lookup, actor, webfinger, tuple(self._exchanges[before:]))
        self._authors[who.profile] = known
        return known
