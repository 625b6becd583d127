"""Engagement of executives: what they visibly did, and what a platform does not let anyone see."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.model.accounts import Platform


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
    """A kind of signal that is not seen on a platform: shown as such, never as zero."""

    kind: SignalKind
    state: str
    """In how far, to follow "likes on X": "not observable since June 2024"."""
    reason: str


NOT_OBSERVABLE = {
    Platform.X: (
        NotObservable(
            SignalKind.LIKE,
            "not observable since June 2024",
            "Likes on X are private since June 2024: the API shows them only to apps their owner authorised.",
        ),
    ),
    Platform.BLUESKY: (),
    Platform.MASTODON: (
        NotObservable(
            SignalKind.LIKE,
            "not observable",
            "Mastodon lists nobody's favourites; only who favourited a named post can be seen.",
        ),
        NotObservable(
            SignalKind.FOLLOW, "not collected", "Whom an executive on Mastodon follows is not collected."
        ),
    ),
}
"""What holds of every executive of a platform for whom nothing else was found."""
