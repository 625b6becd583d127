"""Engagement of executives: what they visibly did, and what a platform does not let anyone see."""

from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class NotObservable:
    """A kind of signal that nobody outside can see on this platform: shown as such, never as zero."""

    kind: SignalKind
    since: str
    reason: str


X_NOT_OBSERVABLE = (
    NotObservable(
        SignalKind.LIKE,
        "June 2024",
        "Likes on X are private since June 2024: the API shows them only to apps their owner authorised.",
    ),
)
