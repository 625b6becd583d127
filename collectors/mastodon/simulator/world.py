"""Pure: the servers of Mastodon as they stand at a moment of a history, each with its own people and posts.

Answers are put together from JSON fragments that are built once per state of an account, because a
rehearsal asks for millions of accounts. Names last on Mastodon: changes of handles are not shown.

Mastodon suspends accounts and no single posts. So while the history says that a post is suspended, its author
is suspended, whatever the detail; and while a post is not found `with_author`, its author is not found. An
author whom the history names has the statuses given there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.simulator.ids import actor_of
from collectors.mastodon.simulator.payloads import MastodonPerson, account, dumps, foreign_id, person_at, post
from collectors.mastodon.wire.identity import MastodonPostIdentity
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import WITH_AUTHOR, History, HistoryAccount, settled
from collectors.simulator.history_clock import HistoryClock
from storage.model.core.availability import State, Status
from storage.model.core.signals import SignalKind

_HIDDEN = frozenset({Status.SUSPENDED, Status.NOT_FOUND})


@dataclass(frozen=True, slots=True)
class ServerMember:
    """An account at its home server, with its history and its posts, oldest first."""

    person: MastodonPerson
    story: HistoryAccount
    posts: list[SimulatedAct] = field(default_factory=list[SimulatedAct])


@dataclass(frozen=True, slots=True)
class WatchedPost:
    """A post of the history."""

    local_id: str
    author: ServerMember
    story: HistoryAccount

    @property
    def paths(self) -> tuple[str, str]:
        """Of its page and of its URI."""
        person = self.author.person
        return f"/@{person.username}/{self.local_id}", f"{person.actor.path}/statuses/{self.local_id}"

    def shown_at(self, now: datetime) -> bool:
        return self.story.at(now).status not in _HIDDEN


@dataclass(slots=True)
class MastodonHost:
    """One host, and whom it knows."""

    host: str
    by_id: dict[str, ServerMember] = field(default_factory=dict[str, ServerMember])
    by_path: dict[str, ServerMember] = field(default_factory=dict[str, ServerMember])
    by_name: dict[str, ServerMember] = field(default_factory=dict[str, ServerMember])
    """By name without its domain, in lower case."""
    posts: dict[str, WatchedPost] = field(default_factory=dict[str, WatchedPost])
    """Those of the history, by their ids here."""
    likes: dict[str, list[SimulatedAct]] = field(default_factory=dict[str, list[SimulatedAct]])
    """By the post of this server that was liked, oldest first."""
    made: dict[tuple[str, bool], bytes | None] = field(default_factory=dict[tuple[str, bool], bytes | None])
    """Fragments by id and by whether what is not so is null; None for an account that is not found."""
    made_posts: dict[tuple[str, bool], bytes] = field(default_factory=dict[tuple[str, bool], bytes])


class MastodonWorld:
    """The state of all servers of the history at `now`, moved by `move_to` in either direction."""

    def __init__(self, history: History, acts: Sequence[SimulatedAct], now: datetime) -> None:
        """An actor that the history does not know is an account that is always available.

        `post_id` of a like is the number of the liked post at the server of `target_author_id`.
        """
        ours = {a.native_id: a for a in history.accounts if a.platform is MASTODON}
        written = {
            native_id: (who, story)
            for native_id, story in ours.items()
            if (who := MastodonPostIdentity.of(native_id)) is not None
        }
        stories = {native_id: story for native_id, story in ours.items() if native_id not in written}
        for actor in dict.fromkeys(act.actor_id for act in acts):
            if actor not in stories:
                who = person_at(actor)
                seen = [(now, State(Status.AVAILABLE), f"{who.username}@{who.domain}")]
                stories[actor] = settled(MASTODON, actor, seen)
        self._servers: dict[str, MastodonHost] = {}
        self._homes: dict[str, str] = {}
        self._members = {native_id: self._settle(story) for native_id, story in stories.items()}
        self._settle_posts(tuple(written.values()))
        for act in sorted(acts, key=lambda act: int(act.post_id)):
            if act.kind is not SignalKind.LIKE:
                self._members[act.actor_id].posts.append(act)
        for act in sorted(acts, key=lambda act: act.at):
            if act.kind is SignalKind.LIKE and act.target_author_id is not None:
                server = self._servers.get(actor_of(act.target_author_id).host)
                if server is not None:
                    server.likes.setdefault(act.post_id, []).append(act)
        self._clock = HistoryClock((member.story for member in self._members.values()), now)

    @property
    def now(self) -> datetime:
        return self._clock.now

    @property
    def hosts(self) -> tuple[str, ...]:
        """The servers, in the order in which the history names them."""
        return tuple(self._servers)

    def move_to(self, now: datetime) -> None:
        """Set the time; fragments of accounts that changed in between are dropped."""
        changed = self._clock.move_to(now)
        for native_id in changed:
            actor = self._members[native_id].person.actor
            made = self._servers[actor.host].made
            made.pop((actor.local_id, False), None)
            made.pop((actor.local_id, True), None)

    def server(self, host: str) -> MastodonHost | None:
        """The server that a Host header names."""
        return self._servers.get(host.lower())

    def home_of(self, domain: str) -> str | None:
        """The address of the server of a domain that is no server but ends names of accounts."""
        return self._homes.get(domain.lower())

    def state(self, member: ServerMember) -> State:
        """The true state: what Mastodon shows of it is decided where it is put into words."""
        return member.story.at(self.now)

    def is_gone(self, member: ServerMember) -> bool:
        """Whether the server knows no such account."""
        return self.state(member).status is Status.NOT_FOUND

    def is_suspended(self, member: ServerMember) -> bool:
        return self.state(member).status is Status.SUSPENDED

    def fragment(self, server: MastodonHost, member: ServerMember, *, with_nulls: bool) -> bytes | None:
        """The account in the API of its own server; None when it is not found."""
        key = member.person.actor.local_id, with_nulls
        if key in server.made:
            return server.made[key]
        state = self.state(member)
        item = account(member.person, server.host, state, with_nulls=with_nulls)
        fragment = server.made[key] = None if self.is_gone(member) else dumps(item)
        return fragment

    def post_fragment(self, server: MastodonHost, asked: WatchedPost, *, with_nulls: bool) -> bytes:
        """A post that is shown, in the API of its author's server."""
        key = asked.local_id, with_nulls
        if key not in server.made_posts:
            person, at = asked.author.person, asked.story.times[0]
            server.made_posts[key] = dumps(
                post(asked.local_id, person, server.host, at, with_nulls=with_nulls)
            )
        return server.made_posts[key]

    def steady_posts(self, server: MastodonHost, member: ServerMember) -> list[WatchedPost]:
        """The posts of an account that are on no list and never change."""
        return [
            one
            for one in server.posts.values()
            if one.author is member and one.story.states == (State(Status.AVAILABLE),) and not one.story.lists
        ]

    def contact(self, server: MastodonHost) -> ServerMember | None:
        """Who runs the server: of the accounts on no list that never changed, the oldest."""
        steady = [
            m
            for m in server.by_id.values()
            if m.story.states == (State(Status.AVAILABLE),) and not m.story.lists
        ]
        return min(steady, key=lambda m: m.story.times[0], default=None)

    def posts(self, member: ServerMember, since_id: int, below_id: int) -> list[SimulatedAct]:
        """What the account had posted by now, with `since_id` < id < `below_id`, newest first."""
        return [
            act
            for act in reversed(member.posts)
            if act.at <= self.now and since_id < int(act.post_id) < below_id
        ]

    def likes(self, server: MastodonHost, post_id: str) -> list[ServerMember] | None:
        """Who likes a post of the server by now, oldest like first; None when it has no such post."""
        likes = server.likes.get(post_id, [])
        if not likes and not any(
            act.post_id == post_id and act.at <= self.now for m in server.by_id.values() for act in m.posts
        ):
            return None
        fans = [self._members[act.actor_id] for act in likes if act.at <= self.now]
        return [m for m in fans if not self.is_gone(m) and not self.is_suspended(m)]

    def _settle(self, story: HistoryAccount) -> ServerMember:
        actor = actor_of(story.native_id)
        username, _, domain = story.handles[0].rpartition("@")
        member = ServerMember(MastodonPerson(story.native_id, actor, username, domain), story)
        server = self._servers.setdefault(actor.host, MastodonHost(actor.host))
        server.by_id[actor.local_id] = member
        server.by_path[actor.path] = server.by_path[f"/@{username}"] = member
        server.by_name[username.lower()] = member
        if domain != actor.host:
            self._homes[domain.lower()] = actor.origin
        return member

    def _settle_posts(self, posts: Sequence[tuple[MastodonPostIdentity, HistoryAccount]]) -> None:
        """Put posts on the servers of their authors, and there the authors whom the history does not name."""
        by_author: dict[tuple[str, str], list[tuple[MastodonPostIdentity, HistoryAccount]]] = {}
        for who, story in posts:
            by_author.setdefault((who.host, who.name.lower()), []).append((who, story))
        for (host, name), theirs in by_author.items():
            server = self._servers.get(host)
            author = None if server is None else server.by_name.get(name)
            if author is None:
                story = _story_of_author(theirs)
                author = self._members[story.native_id] = self._settle(story)
            for who, story in theirs:
                self._servers[host].posts[who.local_id] = WatchedPost(who.local_id, author, story)


def _story_of_author(posts: Sequence[tuple[MastodonPostIdentity, HistoryAccount]]) -> HistoryAccount:
    """The account of an author whom the history does not name, with the statuses that the posts imply."""
    who, first = posts[0]
    uri = f"{who.server}/users/{who.name}"
    handle = first.handles[0].rpartition("/")[0]
    stories = [story for _, story in posts]
    times = sorted({at for story in stories for at in story.times})
    seen = [(at, State(_of_author(stories, at)), handle) for at in times]
    lists = tuple(sorted({name for story in stories for name in story.lists}))
    return settled(MASTODON, f"{uri}#{foreign_id(who.host, uri)}", seen, lists)


def _of_author(posts: Sequence[HistoryAccount], at: datetime) -> Status:
    if any(one.at(at).status is Status.SUSPENDED for one in posts):
        return Status.SUSPENDED
    gone = [one for one in posts if one.at(at).status is Status.NOT_FOUND]
    with_author = any(one.detail_at(at) == WITH_AUTHOR for one in gone)
    return Status.NOT_FOUND if with_author else Status.AVAILABLE
