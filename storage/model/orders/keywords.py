"""Pure: the words of a text, to recognise engagements about an order. The text itself is never stored."""

import re
import unicodedata
from html import unescape

_WORD = re.compile(r"[^\W_](?:[\w\u0900-\u0dff\u200c\u200d'’-]*[\w\u0900-\u0dff])?")
"""Includes the vowel signs of Indic scripts, which are not letters themselves."""
# No < within: else each of them would be tried to the end of the text, which a stranger's server sends.
_LINE_END = re.compile(r"<(?:br|/?p)\b[^<>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^<>]*>")
_LONGEST = 64
_MARKS_IN_A_ROW = 30


def words_of(text: object) -> frozenset[str]:
    """Return every word and hashtag of a text, normalised, in lower case, without #. Empty for no text."""
    if not isinstance(text, str):
        return frozenset()
    plain = unicodedata.normalize("NFKC", _stream_safe(text))
    return frozenset(word for found in _WORD.findall(plain) if len(word := found.casefold()) <= _LONGEST)


def _stream_safe(text: str) -> str:
    """The text without the marks beyond `_MARKS_IN_A_ROW`, as Unicode's Annex 15 has it: to sort many marks
    on one letter takes time that grows with their square.
    """
    run = 0
    out: list[str] = []
    for char in text:
        run = run + 1 if unicodedata.combining(char) else 0
        if run <= _MARKS_IN_A_ROW:
            out.append(char)
    return "".join(out)


def words_of_html(content: object) -> frozenset[str]:
    """Return the words of a text with HTML markup."""
    if not isinstance(content, str):
        return frozenset()
    return words_of(unescape(_MARKUP.sub("", _LINE_END.sub(" ", content))))
