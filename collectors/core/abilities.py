"""What only some platforms show, beside the statuses of accounts: a protocol for each, and `Abilities`, those
of one installation.

A platform offers them by its connection (`PlatformConnection.abilities`). Failures of the platform, the
network or a token are returned as `RequestFailure`, but for those of `EventStream` and `LabelFeed`, which
raise StreamLost. All raise ValueError for a wrong call, such as an id that is none.
"""

from collections.abc import AsyncGenerator, Callable, Collection, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from collectors.core.collector import RequestFailure
from storage.model.core.availability import Flag
from storage.model.core.labels import LabelBatch, LabelGap
from storage.model.core.side_facts import ObservedKind
from storage.model.core.signals import Signal

# --- Events that the platform pushes


class StreamLost(Exception):
    """The connection could not be made, was cut, or fell silent. The message is one sentence.

    What happened since the last event is known only if the next connection covers the gap.
    """


class PushedEvent(Protocol):
    """Something happened to an account: a reason to read it now, never a status."""

    @property
    def native_id(self) -> str: ...

    @property
    def cursor(self) -> str:
        """Where to resume so that nothing after this event is lost."""
        ...


class EventStream(Protocol):
    """Events about accounts, as they happen."""

    @property
    def most_accounts(self) -> int:
        """The most accounts whose events one connection can carry."""
        ...

    def events(self, native_ids: Collection[str], cursor: str | None) -> AsyncGenerator[PushedEvent]:
        """Yield events about these accounts from `cursor` on. Raises StreamLost when the connection ends."""
        ...

    def cursor_at(self, at: datetime) -> str:
        """The cursor that resumes at a moment."""
        ...

    def covers(self, cursor: str, now: datetime) -> bool:
        """Whether a connection that resumes at `cursor` is sent everything since."""
        ...


class LabelFeed(Protocol):
    """All labels of the labelers of a platform, each verified, by labeler."""

    @property
    def countries(self) -> Mapping[str, str]:
        """The country of each labeler."""
        ...

    @property
    def withholding(self) -> Collection[str]:
        """The values of labels by which these labelers withhold."""
        ...

    def stream(
        self, labeler: str, cursor: int, clock: Callable[[], datetime]
    ) -> AsyncGenerator[LabelBatch | LabelGap | None]:
        """Yield what a labeler published after the message of number `cursor`, as it comes. None: it is
        connected, and sent nothing for a while. Raises StreamLost when the connection ends.
        """
        ...

    def listing(self, labeler: str, clock: Callable[[], datetime]) -> AsyncGenerator[LabelBatch]:
        """Yield the labels that a labeler lists, page by page, to the end of its list. That it ends does not
        prove that nothing was left out. Raises StreamLost if the end cannot be reached.
        """
        ...


# --- What is kept about accounts


@dataclass(frozen=True, slots=True)
class HandleSince:
    """The owner claimed `handle` from `since` on, by the clock of the directory that says so."""

    handle: str
    since: datetime


class PastHandles(Protocol):
    """A public directory of the handles that accounts had, also before they were watched."""

    @property
    def handle_source(self) -> str:
        """The name of the directory, to be stored and shown."""
        ...

    async def handle_history(self, native_id: str, now: datetime) -> Sequence[HandleSince] | RequestFailure:
        """The handles of an account, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class PublicProfile:
    """What anybody sees of an account. None: the profile does not show it."""

    native_id: str
    handle: str | None
    followers: int | None


class PublicProfiles(Protocol):
    """The public profiles of accounts, watched or not."""

    @property
    def most_profiles(self) -> int:
        """The most that one call may ask for."""
        ...

    async def public_profiles(
        self, native_ids: Sequence[str], now: datetime
    ) -> Sequence[PublicProfile] | RequestFailure:
        """The profiles of those accounts that are shown. The others are left out; the platform
        does not say why.
        """
        ...


@dataclass(frozen=True, slots=True)
class ModerationFindings:
    """What one look of one observer found: `facts` by native id, and of whom it said anything at all.

    Who is `answered` and has no fact is treated like anybody else there. Of others nothing is known.
    """

    answered: frozenset[str]
    facts: tuple[tuple[str, Flag | ObservedKind, str], ...]
    trouble: RequestFailure | None = None
    """What kept the others from being asked."""


class BlockedServers(Protocol):
    """The servers that one server blocks."""

    def facts(self, handles: Mapping[str, str]) -> ModerationFindings:
        """What that means for accounts, given as name@domain by native id. All of them are answered for."""
        ...


class OtherServers(Protocol):
    """How servers treat accounts of other servers: a fact about the observing server, never a status."""

    async def domain_blocks(self, server: str, now: datetime) -> BlockedServers | RequestFailure:
        """The servers that a server blocks, as it publishes them. Their facts begin with "domain"."""
        ...

    async def seen_from(self, server: str, handles: Mapping[str, str], now: datetime) -> ModerationFindings:
        """How a server shows accounts, given as name@domain by native id. Facts begin with "account"."""
        ...


class JobStatus(StrEnum):
    """How far a platform is with a job that asks why accounts are gone."""

    CREATED = "created"
    """The ids have not arrived yet."""
    IN_PROGRESS = "in_progress"
    COMPLETE = "complete"
    FAILED = "failed"
    EXPIRED = "expired"


class ClosureReasons(Protocol):
    """Jobs that say why accounts are gone, some minutes to hours after they were started."""

    @property
    def source(self) -> str:
        """The name of the source, to be stored and shown."""
        ...

    async def start(self, native_ids: Sequence[str], name: str, now: datetime) -> str | RequestFailure:
        """Start a job about these accounts. Returns its id. Trouble of reason ACCESS: our access
        does not include such jobs.
        """
        ...

    async def result(
        self, job_id: str, asked: Collection[str], now: datetime
    ) -> Mapping[str, frozenset[str]] | JobStatus | RequestFailure:
        """The reasons of a complete job by native id, else how far it is.

        Of an account that is not in the result, the platform gives no reason.
        """
        ...

    def says_closed_by_owner(self, reason: str) -> bool:
        """Whether a reason says that the owner closed the account."""
        ...


# --- What executives do, where their timeline does not show it


@dataclass(frozen=True, slots=True)
class Follows:
    """Whom one account follows: (id, handle) each, in the platform's order. The handle is empty where it was
    left out.

    Only a `complete` list may be compared with another: in any other, some are missing for reasons of ours,
    which `trouble` states when a request failed.
    """

    targets: tuple[tuple[str, str], ...]
    complete: bool
    trouble: RequestFailure | None = None


class FollowLists(Protocol):
    """Whole lists of those whom an account follows. They say no dates, so two of them are compared."""

    @property
    def most_follows(self) -> int:
        """Longer lists are not read."""
        ...

    async def follows(self, native_id: str, now: datetime) -> Follows | RequestFailure:
        """Whom an account follows. Trouble of reason ACCESS without a breaker is about this account alone."""
        ...

    async def following_counts(
        self, native_ids: Sequence[str], now: datetime
    ) -> dict[str, int] | RequestFailure:
        """How many accounts each one follows, by the platform's own count, where it states one."""
        ...


class FollowsAmong(Protocol):
    """Which of given accounts an account follows."""

    async def follows_among(
        self, actor: str, others: Sequence[str], now: datetime
    ) -> Sequence[Signal] | RequestFailure:
        """One signal for each of `others` whom the account follows now, without the time at which it began
        to.
        """
        ...


@dataclass(frozen=True, slots=True)
class Likes:
    """Likes that were not known yet, oldest first.

    `complete` is False when a known like was not reached: more may have been given in between. When
    `trouble` is set nothing may be concluded and `signals` is empty.
    """

    signals: tuple[Signal, ...]
    complete: bool
    trouble: RequestFailure | None = None


class LikesReader(Protocol):
    """The likes of one account whose owner authorised our app."""

    async def likes(self, native_id: str, known_ids: Collection[str], now: datetime) -> Likes:
        """Likes since the newest of `known_ids`. Trouble of reason AUTH: the authorisation was revoked; of
        ACCESS: the platform refuses in spite of it.
        """
        ...


class PostLikes(Protocol):
    """Who likes a post, on a platform that does not list what an account likes."""

    async def likes_of(
        self, post: str, handles: Mapping[str, str], now: datetime
    ) -> Mapping[str, Signal] | RequestFailure:
        """The likes that accounts, given as handles by native id, gave to the post with this address."""
        ...


# --- All of them


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an installation reads from one platform beside statuses and timelines. None: not shown there, or
    the settings leave it out.
    """

    events: EventStream | None = None
    labels: LabelFeed | None = None
    profiles: PublicProfiles | None = None
    """Of labeled accounts."""
    past_handles: PastHandles | None = None
    other_servers: OtherServers | None = None
    observers: Sequence[str] = ()
    """The servers to be asked how they treat the watched accounts."""
    closure_reasons: ClosureReasons | None = None
    follow_lists: FollowLists | None = None
    follows_every: timedelta = timedelta(days=1)
    """How often the lists are read."""
    follows_among: FollowsAmong | None = None
    likes: Mapping[str, LikesReader] | None = None
    """By native id, for executives who authorised our app. Empty: likes are private, and nobody has. None:
    there are no lists of likes to be read.
    """
    post_likes: PostLikes | None = None
    watched_posts: Sequence[str] = ()
    """The addresses of the posts whose likes are read."""
    connections: Sequence[AbstractAsyncContextManager[object]] = ()
    """What has to be entered before these abilities are used."""
