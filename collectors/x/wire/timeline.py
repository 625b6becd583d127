"""Pure: what a page of an X user's timeline, or of the posts that he liked, says of that user's own acts.

X is renaming tweets to posts in its field names without saying when: both spellings are read. A page
is used whole or not at all, because the cursor that goes with it would skip what was not understood.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from collectors.core.wire import WireFault, is_array, is_object, printable
from collectors.x.wire.envelope import OpenPage, UnreadableResource, open_page
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from storage.model.orders.keywords import words_of

_KINDS = {
    "retweeted": SignalKind.REPOST,
    "reposted": SignalKind.REPOST,
    "quoted": SignalKind.QUOTE,
    "replied_to": SignalKind.REPLY,
}
_REFERENCES = ("referenced_tweets", "referenced_posts")
_INCLUDED = ("tweets", "posts")
_is_cursor = re.compile(r"[0-9]{1,19}(?:-[0-9]{1,19}-[0-9]{1,19})?").fullmatch


@dataclass(frozen=True, slots=True)
class XTimelinePage:
    """One page of a timeline, newest first as X sends it."""

    signals: tuple[Signal, ...]
    next_token: str | None
    """None on the last page."""


@dataclass(frozen=True, slots=True)
class TimelinePosition:
    """How far a timeline has been read: everything up to `since_id`, and from `until_id` to `newest_id`.

    As text it is the id of the newest act, or three ids when a poll had to stop before it had come
    down to where the one before it began.
    """

    since_id: str | None
    until_id: str | None = None
    newest_id: str | None = None

    @classmethod
    def of(cls, cursor: str | None) -> Self:
        """Raises ValueError when `cursor` was not made here."""
        if cursor is None:
            return cls(None)
        if _is_cursor(cursor) is None:
            raise ValueError(f"not a cursor of an X timeline: {printable(cursor)}")
        return cls(*cursor.split("-"))

    @property
    def cursor(self) -> str | None:
        """As text, to be stored; None when no act was ever seen."""
        return "-".join(filter(None, (self.since_id, self.until_id, self.newest_id))) or None

    def after(self, signals: Sequence[Signal], *, complete: bool) -> Self:
        """The position once `signals` are stored. `complete`: every page down to `since_id` was read."""
        ids = [int(signal.native_id) for signal in signals]
        newest = str(max((*ids, int(self.newest_id or self.since_id or 0))))
        if complete:
            return type(self)(None if newest == "0" else newest)
        return type(self)(self.since_id, str(min(ids, default=int(self.until_id or 0))), newest)


class _OddPostError(Exception):
    """A post on the page cannot be understood."""


def read_timeline(
    http_status: int, body: bytes, native_id: str
) -> XTimelinePage | UnreadableResource | WireFault:
    """The acts on a page of the timeline of `native_id`, or why nothing can be concluded. Never raises."""
    page = open_page(http_status, body, native_id)
    if not isinstance(page, OpenPage):
        return page
    try:
        authors = dict(_authors(page.document))
        signals = tuple(signal for post in page.items for signal in _signals(post, authors))
    except _OddPostError as e:
        return WireFault(MissedReason.MALFORMED, str(e))
    return XTimelinePage(signals, page.next_token)


def _signals(post: object, authors: dict[str, str]) -> Iterator[Signal]:
    if not is_object(post):
        raise _OddPostError("a post is not an object")
    native_id, made_at = _id(post.get("id")), _time(post.get("created_at"))
    acts = [
        (kind, _id(reference.get("id")))
        for reference in _references(post)
        if (kind := _KINDS.get(str(reference.get("type"))))
    ]
    words = words_of(post.get("text"))
    if not acts:
        yield Signal(SignalKind.POST, native_id, made_at, words=words)
    for kind, target_id in acts:
        author = authors.get(target_id)
        answered = post.get("in_reply_to_user_id")
        if kind is SignalKind.REPLY and isinstance(answered, str):
            author = answered
        yield Signal(kind, native_id, made_at, target_id, author, words=words)


def _references(post: dict[str, object]) -> Iterator[dict[str, object]]:
    for name in _REFERENCES:
        references = post.get(name)
        if references is None:
            continue
        if not is_array(references):
            raise _OddPostError(f"{name} is not an array")
        for reference in references:
            if not is_object(reference):
                raise _OddPostError(f"an item of {name} is not an object")
            yield reference


def _authors(document: dict[str, object]) -> Iterator[tuple[str, str]]:
    """Who wrote the posts that the page refers to; X leaves out those it does not show."""
    includes = document.get("includes")
    if not is_object(includes):
        return
    for posts in map(includes.get, _INCLUDED):
        for post in posts if is_array(posts) else ():
            if is_object(post):
                native_id, author = post.get("id"), post.get("author_id")
                if isinstance(native_id, str) and isinstance(author, str):
                    yield native_id, author


def _id(value: object) -> str:
    if not (isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 19):
        raise _OddPostError(f"{printable(repr(value))} is not the id of a post")
    return value


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        made_at = datetime.fromisoformat(str(value))
    except ValueError as e:
        raise _OddPostError("created_at is not a time") from e
    if made_at.tzinfo is None:
        raise _OddPostError("created_at has no time zone")
    return made_at


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
            return WireFault(MissedReason.MALFORMED, "a liked post has no usable id")
        author = item.get("author_id") if is_object(item) else None
        signals.append(Signal(SignalKind.LIKE, post, None, post, author if isinstance(author, str) else None))
    return LikedPage(tuple(signals), page.next_token)
