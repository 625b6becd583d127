"""What a page says: the words of its components, in order."""

from collections.abc import Iterator
from typing import Any


def said(component: Any) -> str:
    """All words of a component, in order."""
    return " ".join(_words(component))


def _words(component: Any) -> Iterator[str]:
    if component is None:
        return
    if isinstance(component, str | int):
        yield str(component)
    elif isinstance(component, list | tuple):
        for one in component:  # pyright: ignore[reportUnknownVariableType]
            yield from _words(one)
    else:
        yield from _words(getattr(component, "children", None))
