"""Pure: the names in text that was copied out of a document, such as the PDF of an order.

Such text has page numbers, headings, bullets and numbers before the names, and names that a line end cuts.
Every line is accounted for: it holds names, belongs to the name before it, or is set aside with a reason.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from storage.model.core.accounts import Platform
from storage.model.tables.account_references import AddressError
from storage.model.tables.csv_rows import TableError
from storage.model.tables.name_check import (
    CheckLine,
    check_lines,
    is_table,
    refuse_long_text,
    refuse_many_names,
)
from storage.model.tables.said_names import ParsedName, read_said
from storage.model.text.states import capital


class AsideReason(StrEnum):
    """Why a line of the text is not taken for a name."""

    PAGE = "page number"
    REPEATED = "repeated on several pages"
    PROSE = "words, not names"


@dataclass(frozen=True, slots=True)
class PastedName:
    """One name, with the line on which it begins, counted from 1."""

    line: int
    words: str
    note: str = ""
    """How it was put together, as a sentence; empty if it stands on one line."""
    unclear: str = ""
    """Why its end is unclear, as a sentence; empty if it is clear."""


@dataclass(frozen=True, slots=True)
class AsideLine:
    """A line that is not taken for a name."""

    line: int
    words: str
    reason: AsideReason


@dataclass(frozen=True, slots=True)
class PastedText:
    """The names of a text, and the lines that hold none."""

    names: tuple[PastedName, ...]
    aside: tuple[AsideLine, ...]


@dataclass(frozen=True, slots=True)
class _TextLine:
    number: int
    words: str
    """Without the marker."""
    is_marked: bool
    """Whether it begins with a bullet or a number."""


_BULLET = re.compile(
    r"[•●▪◦‣·○■□➢➤✓]\s*(?=\S)"
    r"|(?:[*–—-]|\(?[0-9]{1,5}[.):]|\(?[a-z][.)])(?:\s+(?=\S)|(?=@|https?:|www\.))"
    r"|[0-9]{1,5}\s+(?=@|https?:|www\.)"
)
"""What stands before an item of a list. A handle such as 007.bsky.social begins with none."""
_LONGEST_PAGE = 40
"""Characters. A longer line is not a page number, and `_PAGE` would take minutes to find that out."""
_PAGE = re.compile(
    r"(?:page\s*)?[-–—\s]*[0-9]{1,4}[-–—\s]*(?:(?:of|/)\s*[0-9]{1,4})?|page\s+[ivxlc]+", re.IGNORECASE
)
_PLATFORMS = "|".join(Platform)
_MARK_OF_A_NAME = re.compile(
    rf"@|https?://|www\.|\bid:|\bdid:|^(?:{_PLATFORMS}):|^[^\s/]+\.[a-z]{{2,}}/\S|^[^\s@/.]+(?:\.[^\s@/.]+)+\.[a-z]{{2,}}$",
    re.IGNORECASE,
)
"""What prose hardly has: a handle with its @, an address, an id, a domain as a handle."""
_CUT = re.compile(
    r"(?:(?:^|\s)https?:/{0,2}|https?://[^/\s]+/|bsky\.app/profile/"
    r"|https?://[^/\s]+/(?:[^/\s]+/)+(?:status|statuses|post)/|@)$",
    re.IGNORECASE,
)
"""The end of a name that cannot be whole. `x.com/status/` may be: an account may be called status."""
_MAY_BE_CUT = re.compile(
    r"(?:https?://[^/\s]+|/(?:status|statuses|post|profile|users)/?|[-/])$", re.IGNORECASE
)
"""The end of a name that is whole as well as not."""
_SEPARATORS = re.compile(r"[\s,;]+")
_LONGEST_UNCLEAR = 512
"""Characters. A name whose end is unclear takes in no more lines once it is that long."""


def pasted_names(text: str) -> PastedText:
    """Take the names out of a text, in its order.

    A name that cannot be whole takes the line below it. A name that may continue on the line below it, as in
    a list with bullets where that line has none, is unclear: a name is never guessed.
    """
    names: list[PastedName] = []
    aside: list[AsideLine] = []
    lines = list(_lines(text, aside))
    with_names = [line for line in lines if _holds_names(line, _words(line.words))]
    is_marked_list = sum(line.is_marked for line in with_names) * 2 > len(with_names)
    seen = Counter(line.words for line in lines if not line.is_marked)
    may_continue = False
    """Whether the line before has names, of which the last may be cut."""
    last_line = 0
    for line in lines:
        words = _words(line.words)
        if is_marked_list and not line.is_marked and seen[line.words] > 1:
            aside.append(AsideLine(line.number, line.words, AsideReason.REPEATED))
            continue
        if may_continue and _may_continue(names[-1], line, words, is_marked_list=is_marked_list):
            is_next = line.number == last_line + 1
            names[-1] = _continued(names[-1], words[0], is_next=is_next)
            words = words[1:]
        elif not _holds_names(line, words):
            aside.append(AsideLine(line.number, line.words, AsideReason.PROSE))
            may_continue = False
            continue
        names += [PastedName(line.number, word) for word in words]
        may_continue, last_line = True, line.number
    return PastedText(tuple(names), tuple(sorted(aside, key=lambda one: one.line)))


def check_lines_of(
    text: str, source: str, platform: Platform | None
) -> tuple[tuple[CheckLine, ...], tuple[AsideLine, ...], int]:
    """Return the names of a text as lines of a name check, the lines that hold none, and how many names stand
    there again.

    A CSV table with a header line is read as one. `platform` applies to handles that do not name one. Raises
    TableError if there is no name at all.
    """
    refuse_long_text(text, source)
    if is_table(text):
        return check_lines(text, source, platform), (), 0
    pasted = pasted_names(text)
    found: dict[str, PastedName] = {}
    for name in pasted.names:
        found.setdefault(name.words, name)
    if not found:
        raise TableError(source, None, "the text contains no names.")
    refuse_many_names(len(found), source)
    lines = tuple(_check_line(name, platform) for name in found.values())
    return lines, pasted.aside, len(pasted.names) - len(found)


def lines_of_names(names: Sequence[str], platform: Platform | None) -> tuple[CheckLine, ...]:
    """Return names that are given one by one as lines of a name check, each once."""
    each = {
        words: number for number, words in reversed(list(enumerate((n.strip() for n in names), 1))) if words
    }
    ordered = sorted(each.items(), key=lambda one: one[1])
    return tuple(_check_line(PastedName(number, words), platform) for words, number in ordered)


def _check_line(name: PastedName, platform: Platform | None) -> CheckLine:
    if name.unclear:
        return CheckLine(ParsedName(name.line, name.words, unclear=name.unclear))
    try:
        said = read_said(name.words, platform)
    except AddressError as fault:
        return CheckLine(ParsedName(name.line, name.words, note=name.note), capital(str(fault)))
    note = " ".join(part for part in (said.note, name.note) if part)
    return CheckLine(replace(said, line=name.line, note=note))


def _lines(text: str, aside: list[AsideLine]) -> Iterator[_TextLine]:
    """Yield the lines that are neither empty nor a page number; those are added to `aside`."""
    plain = ""
    for number, whole in enumerate(text.replace("\f", "\n").splitlines(), 1):
        before = plain
        plain = whole.replace("\u00ad", "").replace("\u200b", "").replace("\ufeff", "").strip()
        if not plain:
            continue
        if len(plain) <= _LONGEST_PAGE and _PAGE.fullmatch(plain) and not _may_end_a_name(before, plain):
            aside.append(AsideLine(number, plain, AsideReason.PAGE))
            continue
        marker = _BULLET.match(plain)
        yield _TextLine(number, plain[marker.end() :] if marker else plain, marker is not None)


def _may_end_a_name(before: str, plain: str) -> bool:
    """Whether a number may be the end of the name on the line before, rather than that of a page."""
    return plain.isdigit() and before != "" and (plain.startswith("0") or before[-1] in "_-")


def _words(text: str) -> list[str]:
    """The words of a line; `x NASA` stays one name."""
    words = [word for word in _SEPARATORS.split(text) if word]
    if len(words) == 2 and words[0].lower().rstrip(":") in set(Platform):
        return [f"{words[0].rstrip(':')}:{words[1]}"]
    return words


def _holds_names(line: _TextLine, words: Sequence[str]) -> bool:
    """One word alone may be a handle; among several, each has to look like a name."""
    if len(words) == 1:
        return True
    looks = [bool(_MARK_OF_A_NAME.search(word)) for word in words]
    separated = "," in line.words or ";" in line.words
    return all(looks) or (
        separated and len(words) == len([p for p in re.split("[,;]", line.words) if p.strip()])
    )


def _may_continue(last: PastedName, line: _TextLine, words: Sequence[str], *, is_marked_list: bool) -> bool:
    if line.is_marked or not words or _MARK_OF_A_NAME.search(words[0]):
        return False
    if len(words) == 1 and (is_marked_list or words[0].isdigit()):
        return True
    return bool(_CUT.search(last.words) or _MAY_BE_CUT.search(last.words))


def _continued(last: PastedName, after: str, *, is_next: bool) -> PastedName:
    if is_next and not last.unclear and _CUT.search(last.words):
        note = f"It is put together from two lines: {last.words!r} and {after!r}."
        return PastedName(last.line, last.words + after, note)
    why = "It is unclear whether its last word belongs to it. Write the name on one line."
    words = f"{last.words} {after}" if len(last.words) < _LONGEST_UNCLEAR else last.words
    return PastedName(last.line, words, unclear=why)
