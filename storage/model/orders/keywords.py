"""Pure: the words of a text, by which an act is known to be about an order. The text itself is never kept."""

import re
import unicodedata
from html import unescape

_WORD = re.compile(r"[^\W_](?:[\w\u0900-\u0dff\u200c\u200d'’-]*[\w\u0900-\u0dff])?")
"""With the vowel signs of Indic writing, which are no letters by themselves."""
_LINE_END = re.compile(r"<(?:br|/?p)\b[^>]*>", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*>")
_LONGEST = 64


def words_of(text: object) -> frozenset[str]:
    """Every word and hashtag of a text, in one form of each letter, in lower case, without its sign. None
    of what is no text.
    """
    if not isinstance(text, str):
        return frozenset()
    plain = unicodedata.normalize("NFKC", text)
    return frozenset(word for found in _WORD.findall(plain) if len(word := found.casefold()) <= _LONGEST)


def words_of_html(content: object) -> frozenset[str]:
    """The same of a text with markup in it."""
    if not isinstance(content, str):
        return frozenset()
    return words_of(unescape(_MARKUP.sub("", _LINE_END.sub(" ", content))))
