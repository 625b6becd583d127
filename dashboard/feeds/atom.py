"""Changes as an Atom feed (RFC 4287), in the words of the pages.

An entry is read without its page, so it says who, what, between which two readings and on what evidence.
Its id belongs to the fact: a correction of the same fact replaces the entry in the feed reader.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.etree.ElementTree import Element, SubElement

from dashboard.ui import words
from storage.live.feeds import FeedChange
from storage.model.causes.words import cause_line
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import PLATFORM_NAME, change_words, clean, short_words, state_words

ATOM = "http://www.w3.org/2005/Atom"
XHTML = "http://www.w3.org/1999/xhtml"
SYNTHETIC = "Synthetic scenario"
INVENTED = "The accounts of this scenario are invented, and nothing in it happened."
NO_CAUSE = "An order that names {}, or an engagement near a change, is not evidence of cause."
_NAME = 120
"""The most characters of the name of a list or an order."""


@dataclass(frozen=True, slots=True)
class FeedHead:
    """What a feed says about itself."""

    path: str
    """Its own address on the dashboard, percent-encoded."""
    name: str
    """What follows `urn:blockline:feed:`, percent-encoded. Independent of the dashboard's address."""
    title: str
    subtitle: str


def atom_xml(
    head: FeedHead, changes: tuple[FeedChange, ...], base: str, updated: datetime, *, synthetic: bool
) -> bytes:
    """The feed as bytes. `base` is the address of the dashboard without a trailing slash."""
    feed = Element("feed", {"xmlns": ATOM})
    mark = f"{SYNTHETIC}: " if synthetic else ""
    _text(feed, "id", f"urn:blockline:feed:{head.name}")
    _text(feed, "title", mark + clean(head.title, _NAME))
    _text(feed, "subtitle", f"{head.subtitle} {INVENTED}" if synthetic else head.subtitle)
    _text(feed, "updated", _moment(updated))
    _text(SubElement(feed, "author"), "name", "Blockline")
    SubElement(feed, "link", {"rel": "self", "type": "application/atom+xml", "href": base + head.path})
    SubElement(feed, "link", {"rel": "alternate", "type": "text/html", "href": f"{base}/"})
    for change in changes:
        entry = SubElement(feed, "entry")
        _text(entry, "id", f"urn:blockline:change:{change.change_key}")
        _text(entry, "title", f"{mark}{account_name(change)}: {_what(change)}")
        _text(entry, "updated", _moment(change.updated_at))
        address = f"{base}/account/{change.account_id}"
        SubElement(entry, "link", {"rel": "alternate", "type": "text/html", "href": address})
        content = SubElement(SubElement(entry, "content", {"type": "xhtml"}), "div", {"xmlns": XHTML})
        for sentence in (*sentences(change), *([INVENTED] if synthetic else [])):
            _text(content, "p", sentence)
    return ET.tostring(feed, encoding="utf-8", xml_declaration=True)


def account_name(change: FeedChange) -> str:
    noun = "Post " if is_post(change) else ""
    return f"{noun}@{clean(change.handle.removeprefix('@'))} ({PLATFORM_NAME[change.platform]})"


def is_post(change: FeedChange) -> bool:
    """Whether it is about a post."""
    return DECLARED[change.platform].is_post(change.native_id)


def sentences(change: FeedChange) -> Iterator[str]:
    """All that is known about a change, in sentences that need no context."""
    old = short_words(change.old, change.platform, None)
    new = state_words(change.new, change.platform, change.flags, then=True, of_post=is_post(change))
    yield f"{account_name(change)}, id {clean(change.native_id, _NAME)}, went from {old} to {new}."
    yield _when(change)
    yield _evidence(change)
    if change.corrects:
        yield "This change corrects an earlier record."
    if change.causes or change.new.status.is_blocked:
        yield cause_line(change.causes)
    yield NO_CAUSE.format("a post" if is_post(change) else "an account")


def _what(change: FeedChange) -> str:
    return change_words(change.kind, change.old, change.new, change.platform, change.flags)


def _when(change: FeedChange) -> str:
    first = words.exact(change.first_seen_new)
    if change.last_seen_old is None:
        since = "It is not known how long before this reading it changed."
        return f"It changed on or before {first}, the first reading with the new status. {since}"
    last = words.exact(change.last_seen_old)
    between = f"{last}, the last reading with the old status, and {first}, the first with the new"
    return f"It changed between {between}."


def _evidence(change: FeedChange) -> str:
    noun = "post" if is_post(change) else "account"
    why, when = words.reason(change.reason, change.readings, noun), words.exact(change.decided_at)
    who = clean(words.source(change.source), _NAME)
    if words.is_import(change.source):
        return f"Not seen by this monitor: {why} ({who}), {when}."
    return f"Confirmed {when} by the {who}: {why}."


def _text(parent: Element, name: str, text: str) -> None:
    SubElement(parent, name).text = text


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()
