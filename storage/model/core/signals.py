"""Engagement of executives: what they visibly did, and what a platform does not let anyone see."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class SignalKind(StrEnum):
    LIKE = "like"
    REPOST = "repost"
    QUOTE = "quote"
    REPLY = "reply"
    POST = "post"
    FOLLOW = "follow"
    UNFOLLOW = "unfollow"


class Doubt(StrEnum):
    """What may be wrong with an act that somebody else recorded."""

    TIME_IMPOSSIBLE = "time_impossible"
    """The record gives it a time that cannot be right: only its observation is kept."""
    LIKELY_RENAME = "likely_rename"
    """An unfollow and a follow that are probably one target under a new handle: not counted as acts."""
    TARGET_MAY_HAVE_BEEN_GONE = "target_may_have_been_gone"
    """Unfollowed and followed again days later: the target itself may have been gone in between."""
    TARGET_BY_HANDLE = "target_by_handle"
    """The record names its target by handle only: whoever had it on file when the record was imported."""


NO_ACT = Doubt.LIKELY_RENAME
"""An act with this doubt is kept and shown, and counted nowhere."""


@dataclass(frozen=True, slots=True)
class Signal:
    """One act. `made_at` is the platform's own time, None where it gives none."""

    kind: SignalKind
    native_id: str
    """The platform's id of the act; with account and kind it is unique, so a repeat stores nothing."""
    made_at: datetime | None
    target_id: str | None = None
    """Native id of what was reposted, quoted or replied to (a post), or of who was followed."""
    target_author_id: str | None = None
    """Native id of an account; `@handle` where a record tells no more and nobody on file is called so."""
    first_seen_at: datetime | None = None
    """When others saw it first; None for what our own look shows, which is seen when it is stored."""
    made_after: datetime | None = None
    """It lies after this time and by the one at which it was first seen."""
    doubts: tuple[Doubt, ...] = ()
    words: frozenset[str] = field(default=frozenset(), compare=False, repr=False)
    """The words of its text, which are not stored but for those that are keywords of an order."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What a profile counted at one time, as others recorded it. All None: that poll failed."""

    at: datetime
    statuses: int | None = None
    following: int | None = None
    followers: int | None = None
    likes: int | None = None


@dataclass(frozen=True, slots=True)
class NotObservable:
    """A kind of signal that is not seen on a platform: shown as such, never as zero."""

    kind: SignalKind
    state: str
    """In how far, to follow "likes on X": "not observable since June 2024"."""
    reason: str
