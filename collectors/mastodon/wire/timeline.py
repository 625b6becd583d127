"""Pure: what a page of an account's statuses says of that account's own acts, and who favourited a post.

A page is used whole or not at all, because the cursor that goes with it would skip what was not understood.
Mastodon shows what an account boosted, answered, quoted and wrote; its favourites are listed for nobody,
only who favourited a given post (documented).
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from collectors.core.wire import WireFault, is_array, is_object, parse, printable
from collectors.mastodon.wire.answers import fault_of
from collectors.mastodon.wire.identity import (
    Post,
    acct_of,
    full_acct,
    host_of,
    is_local_id,
    is_username,
    order_of,
)
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from storage.model.orders.keywords import words_of_html

_next_link = re.compile(r"<([^<>]{1,2000})>\s*;[^,]*rel=\"?next\b").search

_HIDDEN = frozenset({401, 403, 404, 410})

Target = tuple[str, str | None]
"""Address of a post, and its author: the actor URI where the server tells it, else name@host."""


@dataclass(frozen=True, slots=True)
class TimelineAct:
    """One act, of the status `local_id`. `answers` is the local id of a target that the page only names."""

    local_id: str
    signal: Signal
    answers: str | None = None


@dataclass(frozen=True, slots=True)
class MastodonTimelinePage:
    """Acts on one page in the order in which the server sent them."""

    acts: tuple[TimelineAct, ...]
    targets: Mapping[str, Target]
    """Every status on the page by local id: people often answer themselves."""

    @property
    def newest(self) -> str | None:
        """The newest local id; None for an empty page."""
        return max((act.local_id for act in self.acts), key=order_of, default=None)


@dataclass(frozen=True, slots=True)
class UnreadableTimeline:
    """The author's statuses cannot be read (gone, or shown to members only): nothing is wrong with us."""

    detail: str


class _OddStatusError(Exception):
    """A status on the page cannot be understood."""


def read_page(
    http_status: int, body: bytes, host: str
) -> MastodonTimelinePage | UnreadableTimeline | WireFault:
    """The acts on a page of GET /api/v1/accounts/:id/statuses of `host`, or why nothing can be concluded.

    Never raises. A suspended account shows an empty page: what became of it is for the lookup to say.
    """
    if http_status in _HIDDEN:
        return UnreadableTimeline(f"the author's posts cannot be read: HTTP {http_status}")
    statuses = _array(http_status, body)
    if isinstance(statuses, WireFault):
        return statuses
    try:
        acts = [act for status in statuses for act in _acts(status, host)]
        targets = dict(_described(status, host) for status in statuses)
    except _OddStatusError as e:
        return WireFault(MissedReason.MALFORMED, str(e))
    return MastodonTimelinePage(tuple(acts), targets)


def read_targets(http_status: int, body: bytes, host: str) -> Mapping[str, Target] | WireFault:
    """What GET /api/v1/statuses?id[]= of `host` says, by local id: where posts are and who wrote them.

    Never raises. Mastodon answers it since 4.3 and leaves out what it does not show (documented).
    """
    statuses = _array(http_status, body)
    if isinstance(statuses, WireFault):
        return statuses
    try:
        return dict(_described(status, host) for status in statuses)
    except _OddStatusError as e:
        return WireFault(MissedReason.MALFORMED, str(e))


def completed(acts: Iterable[TimelineAct], targets: Mapping[str, Target]) -> tuple[Signal, ...]:
    """The signals of `acts`, oldest first and each once, with the targets that were only named filled in."""
    by_age = sorted(acts, key=lambda act: order_of(act.local_id))
    return tuple(dict.fromkeys(_completed(act, targets) for act in by_age))


def read_favourites(http_status: int, body: bytes, host: str) -> tuple[str, ...] | WireFault:
    """Who a page of GET /api/v1/statuses/:id/favourited_by of `host` lists: actor URIs where the server
    tells them (since 4.2), else name@host. Never raises.
    """
    if http_status in _HIDDEN:
        return WireFault(
            MissedReason.ACCESS, f"the server does not show who favourited the post: HTTP {http_status}"
        )
    people = _array(http_status, body)
    if isinstance(people, WireFault):
        return people
    try:
        return tuple(_author(person, host) for person in people)
    except _OddStatusError as e:
        return WireFault(MissedReason.MALFORMED, str(e))


def next_max_id(link: str | None) -> str | None:
    """The `max_id` of the next page in a Link header; None when there is no further page.

    Nothing else of the address is used: the server could name any other host there.
    """
    found = _next_link(link or "")
    try:
        values = parse_qs(urlsplit(found[1]).query).get("max_id", []) if found else []
    except ValueError:
        return None
    return values[0] if values and is_local_id(values[0]) else None


def like_of(post: Post, favouriters: Iterable[str], actor: str, acct: str) -> Signal | None:
    """The like of `post` by the account with this actor URI and name@host, when it is among those who
    favourited it. When it was made is not told.
    """
    names = {name.casefold() for name in favouriters}
    if actor.casefold() not in names and acct.casefold() not in names:
        return None
    return Signal(SignalKind.LIKE, post.address, None, post.address, post.author)


def _array(http_status: int, body: bytes) -> Sequence[object] | WireFault:
    if http_status != 200:
        return fault_of(http_status)
    document = parse(body)
    return document if is_array(document) else WireFault(MissedReason.MALFORMED, "not a JSON array")


def _acts(status: object, host: str) -> Iterable[TimelineAct]:
    if not is_object(status):
        raise _OddStatusError("a status is not an object")
    local_id, native_id, made_at = _id(status, "id"), _address(status), _time(status.get("created_at"))
    boosted, answered, quote = status.get("reblog"), status.get("in_reply_to_id"), status.get("quote")
    if boosted is not None:
        _, target = _described(boosted, host)
        words = words_of_html(boosted.get("content") if is_object(boosted) else None)
        yield TimelineAct(local_id, Signal(SignalKind.REPOST, native_id, made_at, *target, words=words))
        return
    words = words_of_html(status.get("content"))
    if answered is None and quote is None:
        yield TimelineAct(local_id, Signal(SignalKind.POST, native_id, made_at, words=words))
    if answered is not None:
        author = _mentioned(status, host)
        yield TimelineAct(
            local_id,
            Signal(SignalKind.REPLY, native_id, made_at, None, author, words=words),
            _id(status, "in_reply_to_id"),
        )
    if quote is not None:
        yield _quoting(local_id, Signal(SignalKind.QUOTE, native_id, made_at, words=words), quote, host)


def _quoting(local_id: str, signal: Signal, quote: object, host: str) -> TimelineAct:
    """Mastodon 4.4 wraps the quoted status together with a state, other software does not (documented).

    A quote that its author has not accepted, or has revoked, hides its target: the act remains one.
    """
    if not is_object(quote):
        raise _OddStatusError("quote is not an object")
    quoted = quote.get("quoted_status") if "state" in quote else quote
    if quoted is not None:
        _, (address, author) = _described(quoted, host)
        return TimelineAct(local_id, replace(signal, target_id=address, target_author_id=author))
    named = quote.get("quoted_status_id")
    return TimelineAct(local_id, signal, None if named is None else _id(quote, "quoted_status_id"))


def _completed(act: TimelineAct, targets: Mapping[str, Target]) -> Signal:
    target = targets.get(act.answers) if act.answers is not None else None
    if target is None:
        return act.signal
    return replace(act.signal, target_id=target[0], target_author_id=target[1] or act.signal.target_author_id)


def _described(status: object, host: str) -> tuple[str, Target]:
    if not is_object(status):
        raise _OddStatusError("a status is not an object")
    account = status.get("account")
    return _id(status, "id"), (_address(status), None if account is None else _author(account, host))


def _author(account: object, host: str) -> str:
    if not is_object(account):
        raise _OddStatusError("an account is not an object")
    uri, acct = account.get("uri"), account.get("acct")
    if isinstance(uri, str) and host_of(uri):
        return uri
    if not isinstance(acct, str) or not (is_username(acct) or acct_of(acct)):
        raise _OddStatusError("an account has neither a usable uri nor a usable acct")
    return full_acct(acct, host)


def _mentioned(status: dict[str, object], host: str) -> str | None:
    """Who is answered, where the status mentions them: their name, since a mention holds no actor URI."""
    answered, mentions = status.get("in_reply_to_account_id"), status.get("mentions")
    for mention in mentions if is_array(mentions) else ():
        if is_object(mention) and answered is not None and mention.get("id") == answered:
            return _author({"acct": mention.get("acct")}, host)
    return None


def _id(status: dict[str, object], key: str) -> str:
    value = status.get(key)
    if not isinstance(value, str) or not is_local_id(value):
        raise _OddStatusError(f"{key} is not an id: {printable(repr(value))}")
    return value


def _address(status: dict[str, object]) -> str:
    uri = status.get("uri")
    if not isinstance(uri, str) or not host_of(uri):
        raise _OddStatusError(f"a status has no usable uri: {printable(repr(uri))}")
    return uri


def _time(value: object) -> datetime | None:
    if value is None:
        return None
    try:
        made_at = datetime.fromisoformat(str(value))
    except ValueError as e:
        raise _OddStatusError("created_at is not a time") from e
    if made_at.tzinfo is None:
        raise _OddStatusError("created_at has no time zone")
    return made_at
