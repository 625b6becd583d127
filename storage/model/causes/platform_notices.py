"""Pure: a platform's notice to an owner, as an email that was forwarded (.eml), and the cause that it states.

What a notice looks like is declared by each platform.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32, Policy
from email.utils import parseaddr, parsedate_to_datetime
from html.parser import HTMLParser
from typing import cast

from storage.model.causes.causes import CauseKind
from storage.model.core.accounts import Platform
from storage.model.platforms.declaration import OwnerNotice
from storage.model.platforms.registry import DECLARED
from storage.model.text.countries import official_names

LARGEST = 2_000_000
"""Bytes of one email."""
_MOST_LINES = 100_000
"""Twice what an email of that size has. The parser compares each line with every part around it."""
_MOST_PARTS = 50
_LONGEST_HEADER = 1_000
"""Characters: to read the parameters of a long one takes minutes."""
_LONGEST_TEXT = 200_000
"""Characters of the words of one email, or of its HTML: what comes after them is not read."""
_NO_CHARSETS = frozenset({"idna", "punycode"})
"""Codecs of names of domains, which no email is written in: to decode a long text takes minutes."""
_MOST_EMAILS = 8
"""In one another: nobody forwards a notice more often."""
_BY_HAND = "Enter the cause by hand."
_DAMAGED = (
    *(ValueError, LookupError, AttributeError, TypeError),
    *(AssertionError, RecursionError, OverflowError),
)
"""What the parser of the standard library raises for emails that no program wrote."""
_COURT = re.compile(r"\bcourt\b", re.IGNORECASE)


class NoticeError(Exception):
    """The file is not a notice that can be read. The message is one sentence without the name of the file."""


@dataclass(frozen=True, slots=True)
class PlatformNotice:
    """What a notice says, in terms of a cause."""

    platform: Platform
    handle: str
    """Of the account that it was sent to."""
    posts: tuple[str, ...]
    """The handles of the posts that it names: AUTHOR/ID."""
    kind: CauseKind | None
    """None: it says that somebody asked, and not that anything was done."""
    legal_basis: str
    """The law that it names. Empty: none."""
    country: str | None
    """Code of the country whose law it names; None if it names none that is known."""
    requested_by: str
    """Who asked, in its words. Empty: it does not say."""
    sent_at: datetime
    """By the email that holds it: of one that quotes it, when that was sent."""
    is_quoted: bool
    """True: it is quoted in an email that the platform did not send, so that the words are those of its
    sender.
    """


def read_notice(content: bytes) -> PlatformNotice:
    """Read a notice out of an email, which may hold it as an attachment or quoted below a forwarder's words.

    Raises NoticeError.
    """
    if len(content) > LARGEST:
        raise NoticeError(f"The email has {len(content):,} bytes; the limit is {LARGEST:,}.")
    try:
        found = _found(content)
    except _DAMAGED as error:
        raise NoticeError(f"The email is damaged and cannot be read. {_BY_HAND}") from error
    if found is None:
        known = " or ".join(declared.name for declared in DECLARED.values() if declared.notice_senders)
        raise NoticeError(
            f"The email holds no notice of {known} in a known wording that names one account. {_BY_HAND}"
        )
    return found


def _found(content: bytes) -> PlatformNotice | None:
    for message in _messages(_parsed(content)):
        text = " ".join(_text(message).split())
        for platform, declared in DECLARED.items():
            said = declared.owner_notice(text)
            if said is not None:
                return _notice(platform, said, message)
    return None


def _parsed(content: bytes) -> Message:
    """Raises NoticeError for an email that has more lines or parts than people send."""
    if content.count(b"\n") + content.count(b"\r") > _MOST_LINES:
        raise NoticeError(f"The email has more than {_MOST_LINES:,} lines. {_BY_HAND}")
    parts = 0

    def part(policy: "Policy[Message]") -> Message:
        nonlocal parts
        parts += 1
        if parts > _MOST_PARTS:
            raise NoticeError(f"The email has more than {_MOST_PARTS} parts. {_BY_HAND}")
        return Message(policy)

    return BytesParser(policy=_ShortHeaders(message_factory=part)).parsebytes(content)


class _ShortHeaders(Compat32):
    """Keeps the beginning of each header."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


def _notice(platform: Platform, said: OwnerNotice, message: Message) -> PlatformNotice:
    return PlatformNotice(
        platform=platform,
        handle=said.handle,
        posts=said.posts,
        kind=_kind(said),
        legal_basis=said.law,
        country=_code_of(said.country),
        requested_by=said.requested_by,
        sent_at=_sent_at(message),
        is_quoted=not _is_from(message, DECLARED[platform].notice_senders),
    )


def _kind(said: OwnerNotice) -> CauseKind | None:
    if not said.was_done:
        return None
    if said.own_rules:
        return CauseKind.PLATFORM_TERMS
    return CauseKind.COURT_RULING if _COURT.search(said.requested_by) else CauseKind.GOVERNMENT_ORDER


def _code_of(name: str) -> str | None:
    """The code of a country by its English name."""
    codes = {official: code for code, official in official_names().items()} | _OTHER_NAMES
    return codes.get(name) or codes.get(name.removeprefix("the "))


_OTHER_NAMES = {"Türkiye": "TR", "United Kingdom": "GB", "South Korea": "KR", "Korea": "KR"}
"""Names that the table of time zones writes otherwise."""


def _messages(message: Message) -> list[Message]:
    """The email and those attached to it, the innermost first: that one is the platform's own."""
    found = [message]
    for part in message.walk():
        if part.get_content_type() == "message/rfc822" and part.is_multipart():
            found += cast("list[Message]", part.get_payload())
        if len(found) > _MOST_EMAILS:
            break
    return found[::-1]


def _text(message: Message) -> str:
    """What a reader sees of it, without the marks of quotation and without the emails attached to it."""
    parts = list(_own_parts(message))
    plain = "\n".join(_decoded(part) for part in parts if part.get_content_type() == "text/plain")
    if plain:
        return re.sub(r"^[> ]+", "", plain[:_LONGEST_TEXT], flags=re.MULTILINE)
    page = _Page()
    marked = "".join(_decoded(part) for part in parts if part.get_content_type() == "text/html")
    page.feed(marked[:_LONGEST_TEXT])
    return " ".join(page.words)


def _own_parts(message: Message) -> Iterator[Message]:
    if not message.is_multipart():
        yield message
    elif message.get_content_type() != "message/rfc822":
        for part in cast("list[Message]", message.get_payload()):
            yield from _own_parts(part)


def _decoded(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        codec = codecs.lookup(part.get_content_charset("utf-8")).name
        return content.decode("utf-8" if codec in _NO_CHARSETS else codec, "replace")
    except LookupError:
        return content.decode(errors="replace")


def _sent_at(message: Message) -> datetime:
    """Raises NoticeError if the email has no date that can be read."""
    try:
        date = parsedate_to_datetime(_header(message, "Date"))
        return date.replace(tzinfo=UTC) if date.tzinfo is None else date.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise NoticeError(f"The email has no date. {_BY_HAND}") from error


def _is_from(message: Message, domains: frozenset[str]) -> bool:
    """Whether it says that it comes from these domains, which nobody has verified."""
    host = parseaddr(_header(message, "From"))[1].rpartition("@")[2].lower()
    return host in domains or host.endswith(tuple(f".{domain}" for domain in domains))


def _header(message: Message, name: str) -> str:
    return str(message.get(name, ""))


class _Page(HTMLParser):
    """The words of an HTML page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: Sequence[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self._hidden += tag in {"style", "script"}

    def handle_endtag(self, tag: str) -> None:
        self._hidden -= tag in {"style", "script"}

    def handle_data(self, data: str) -> None:
        if self._hidden <= 0:
            self.words.append(data)
