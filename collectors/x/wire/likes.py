"""Pure: what a page of the posts that an X user liked says, when that user lets us see it."""

from dataclasses import dataclass

from collectors.core.wire import WireFault, is_object
from collectors.x.wire.envelope import OpenPage, UnreadableResource, open_page
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind


@dataclass(frozen=True, slots=True)
class LikedPage:
    """Likes, the newest first as X sends them. `next_token` is None on the last page."""

    signals: tuple[Signal, ...]
    next_token: str | None


def read_liked(http_status: int, body: bytes, native_id: str) -> LikedPage | UnreadableResource | WireFault:
    """One page of `GET /2/users/:id/liked_tweets`, or why nothing can be concluded. Never raises.

    X does not date a like, so `made_at` is None. A liked post is the id of the like and its target; its
    author is None where X leaves it out.
    """
    page = open_page(http_status, body, native_id)
    if not isinstance(page, OpenPage):
        return page
    signals: list[Signal] = []
    for item in page.items:
        post = item.get("id") if is_object(item) else None
        if not (isinstance(post, str) and post.isascii() and post.isdigit() and len(post) <= 19):
            return WireFault(MissedReason.MALFORMED, "a liked post without a usable id")
        author = item.get("author_id") if is_object(item) else None
        signals.append(Signal(SignalKind.LIKE, post, None, post, author if isinstance(author, str) else None))
    return LikedPage(tuple(signals), page.next_token)
