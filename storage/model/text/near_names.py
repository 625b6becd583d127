"""Pure: names that people type: the stored one that they mean, or the nearest one to offer."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

from storage.model.text.states import clean

MOST_NAMED = 50


def meant(name: str, names: Iterable[str]) -> str | None:
    """The name that is typed exactly, or else the only one that differs in capital letters; None if there is
    none, or several.
    """
    known = list(names)
    if name in known:
        return name
    same = [one for one in known if one.casefold() == name.strip().casefold()]
    return same[0] if len(same) == 1 else None


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that is nearest to a typed one, whatever its capital letters; None if none is near."""
    by_fold: dict[str, str] = {}
    for one in names:
        by_fold.setdefault(one.casefold(), one)
    found = get_close_matches(name.strip().casefold(), by_fold, n=1, cutoff=0.7)
    return by_fold[found[0]] if found else None


def unknown_name(kind: str, name: str, names: Collection[str]) -> str:
    """The sentence that there is no such `kind`, such as a list: it offers the nearest name, or else says
    which there are.
    """
    there_is_none = f"There is no {kind} {clean(name)!r}"
    if (near := nearest(name, names)) is not None:
        return f"{there_is_none}: did you mean {clean(near)!r}?"
    shown = [clean(one) for one in list(names)[:MOST_NAMED]]
    more = f" and {len(names) - MOST_NAMED:,} more" if len(names) > MOST_NAMED else ""
    return f"{there_is_none}; there are: {', '.join(shown) or 'none'}{more}."
