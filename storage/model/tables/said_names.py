"""Pure: parse the names in a list: an account by its handle, its id or an address, or a post."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from storage.model.platforms.unread import UnreadSite, unread_site
from storage.model.tables.account_references import AddressError, UnreadSiteError, is_native_id, read_address
from storage.model.tables.csv_rows import Parsed, TableError
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.units import either

_LONGEST = 512
_PREFIX = re.compile(rf"({'|'.join(Platform)}):(?!//)(.+)", re.IGNORECASE)
_PARTS = re.compile(r"[,;\r\n\t]")
_OF_POST = re.compile(r"/(?:status|statuses|post)/")
_POST_ID = re.compile(r"([0-9]{1,19})((?:[?/#&].*)?)")


@dataclass(frozen=True, slots=True)
class ParsedName:
    """A name in a list or an order, and the account or post that its words identify."""

    line: int
    words: str
    """The words as written."""
    platform: Platform | None = None
    """None means that the words do not name a platform."""
    handle: str | None = None
    """Of an account, or of a post: `AUTHOR/ID`."""
    native_id: str | None = None
    """The stable id, if the words give it."""
    post_id: str | None = None
    """The id of the post in its address. None: it names an account."""
    note: str = ""
    """The part of the words that was ignored, as a sentence; empty for none."""
    unresolvable: str = ""
    """Why Blockline cannot watch an account of this name, as a sentence; empty if it can."""
    unclear: str = ""
    """Why it cannot be known which words the name is, as a sentence; empty if it can."""
    is_observable: bool = True
    """False for the address of a site that Blockline does not read."""

    @property
    def asked(self) -> tuple[str, bool]:
        """What its platform is asked about: a handle, or an id with True beside it."""
        return self.native_id or self.handle or "", self.native_id is not None


def said_names(text: str, name: str, platform: Platform | None) -> Parsed[ParsedName]:
    """Return the names in a pasted list, each once. Line ends, commas, semicolons and spaces separate them.

    `platform` applies to handles that do not name one. Words that are not a name are problems.
    """
    found: dict[str, ParsedName] = {}
    faults: dict[str, str] = {}
    problems: list[TableError] = []
    for line, words in _words(text):
        if words not in found and words not in faults:
            try:
                found[words] = replace(read_said(words, platform), line=line)
            except AddressError as fault:
                faults[words] = str(fault)
        if words in faults:
            problems.append(TableError(name, line, faults[words]))
    if not found and not problems:
        raise TableError(name, None, "the list contains no names.")
    return Parsed(tuple(found.values()), tuple(problems))


def different_words(text: str) -> int:
    """How many different names, or words that are none, a pasted list has. Reading it takes longer."""
    return len({words for _, words in _words(text)})


def read_said(words: str, platform: Platform | None = None) -> ParsedName:
    """Parse one name. Raises AddressError if the words are not a name."""
    if len(words) > _LONGEST or "\0" in words:
        raise AddressError(f"{clean(words)!r} is too long to be a name.")
    prefixed = _PREFIX.fullmatch(words)
    if prefixed is not None:
        stated = Platform(prefixed[1].lower())
        return replace(_read(prefixed[2].strip(), stated, stated), words=words)
    return _read(words, platform, None)


def post_of(cell: str) -> tuple[str, str]:
    """Return the numeric id of a post in a cell, and the text after it. Raises AddressError without an id."""
    found = _POST_ID.fullmatch(cell)
    if found is None:
        raise AddressError(f"{clean(cell)!r} is not the id of a post.")
    return found[1], found[2]


def cut_note(rest: str) -> str:
    """Return a note that text after the id of a post is ignored; empty for no text."""
    return f"{clean(rest)!r} after the id of the post is ignored." if rest else ""


def _words(text: str) -> Iterator[tuple[int, str]]:
    """Yield each word with its line. `x NASA` and `bluesky nasa.gov` are one name, as in other commands."""
    for line, whole in enumerate(text.splitlines(), 1):
        for part in _PARTS.split(whole):
            words = part.split()
            if len(words) == 2 and words[0].lower() in set(Platform):
                yield line, " ".join(words)
            else:
                yield from ((line, word) for word in words)


def _read(words: str, default: Platform | None, stated: Platform | None) -> ParsedName:
    elsewhere = _elsewhere(words)
    if elsewhere is not None and unread_site(_host(words)) is not None:
        return elsewhere
    for platform, declared in DECLARED.items():
        post = None if declared.post_address is None else declared.post_address.fullmatch(words)
        if post is not None and stated in {None, platform}:
            return _post(words, platform, post[1], post[2])
    if stated is not None and is_native_id(stated, words.removeprefix("id:")) and words.startswith("id:"):
        return ParsedName(0, words, stated, native_id=words.removeprefix("id:"))
    try:
        found = _account(words, stated)
    except UnreadSiteError as unread:
        return _unread(words, unread.site)
    except AddressError:
        if elsewhere is None:
            raise
        return elsewhere
    if _OF_POST.search(words):
        raise AddressError(f"{clean(words)!r} is the address of a post, but contains no valid id.")
    return _account(words, default) if found.platform is None else found


def _account(words: str, platform: Platform | None) -> ParsedName:
    address = read_address(words, platform)
    if address.is_id:
        return ParsedName(0, words, address.platform, native_id=address.name)
    return ParsedName(0, words, address.platform, address.name)


def _post(words: str, platform: Platform, post_id: str, rest: str) -> ParsedName:
    note = cut_note(rest)
    try:
        address = read_address(words.removesuffix(rest) if rest else words, platform)
    except AddressError:
        reason = "Only the address of a post on its author's own server can be read."
        return ParsedName(0, words, platform, post_id=post_id, note=note, unresolvable=reason)
    return ParsedName(0, words, platform, address.name, post_id=post_id, note=note)


def _elsewhere(words: str) -> ParsedName | None:
    """Return a web address at which no account can be watched; None if the words are not an address."""
    host = _host(words)
    if not host:
        return None
    if (site := unread_site(host)) is not None:
        return _unread(words, site)
    reason = f"The address at {clean(host)} names no account on {either(list(PLATFORM_NAME.values()))}."
    return ParsedName(0, words, unresolvable=reason)


def _unread(words: str, site: UnreadSite) -> ParsedName:
    return ParsedName(0, words, unresolvable=f"The address is {site.refusal}", is_observable=False)


def _host(words: str) -> str:
    """Return the host of a web address without `www.`; empty if the words are not an address."""
    try:
        url = urlsplit(words)
        host = url.hostname or ""
    except ValueError:
        return ""
    return host.removeprefix("www.") if url.scheme in {"http", "https"} else ""
