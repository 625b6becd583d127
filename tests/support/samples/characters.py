"""Characters, sorted by whether a reader sees them."""

import sys
import unicodedata

EVERY_CHARACTER = "".join(map(chr, range(sys.maxunicode + 1)))


def invisible(text: str) -> set[str]:
    """Its controls, format characters, surrogates and separators: what a reader would not see."""
    return {c for c in set(text) if unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}


def hostile() -> str:
    """Every invisible character, of the 2,048 surrogates one."""
    return "".join(sorted(c for c in invisible(EVERY_CHARACTER) if not "\ud801" <= c <= "\udfff"))
