"""Pure: the words of a text, to recognise engagements about an order. The text itself is never stored."""

import re
import unicodedata
from html import unescape

_WORD = re.compile(r"[^\W_](?:[\w\u0900-\u0dff\u200c\u200d'’-]*[\w\u0900-\u0dff])?")
"""Includes the vowel signs of Indic scripts, which are not letters themselves."""
_LINE_END = re.compile(r"<(?:br|/?p)\b[^>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*>")
_LONGEST = 64


def words_of(text: object) -> frozenset[str]:
    """Return every word and hashtag of a text, normalised, in lower case, without #. Empty for no text."""
    if not isinstance(text, str):
        return frozenset()
    plain = unicodedata.normalize("NFKC", text)
    return frozenset(word for found in _WORD.findall(plain) if len(word := found.casefold()) <= _LONGEST)


def words_of_html(content: object) -> frozenset[str]:
    """Return the words of a text with HTML markup."""
    if not isinstance(content, str):
        return frozenset()
    return words_of(unescape(_MARKUP.sub("", _LINE_END.sub(" ", content))))
