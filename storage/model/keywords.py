"""Pure: which words of an order an act holds. Words are kept, never the text that they stand in."""

import re
import unicodedata
from collections.abc import Collection

_WORD = re.compile(r"[^\W_](?:[\w\u0900-\u0dff\u200c\u200d'’-]*[\w\u0900-\u0dff])?")
_LONGEST = 64


def folded(word: str) -> str:
    """A word or hashtag as orders hold it: one form of each letter, in lower case, without its sign."""
    return unicodedata.normalize("NFKC", word).strip().removeprefix("#").casefold()


def words_of(text: str) -> frozenset[str]:
    """Every word and hashtag of a text, folded."""
    plain = unicodedata.normalize("NFKC", text)
    return frozenset(word for found in _WORD.findall(plain) if len(word := found.casefold()) <= _LONGEST)


def matched(text: str, keywords: Collection[str]) -> tuple[str, ...]:
    """Those of `keywords` that stand in a text as whole words, in order."""
    return tuple(sorted(words_of(text) & {folded(word) for word in keywords}))
