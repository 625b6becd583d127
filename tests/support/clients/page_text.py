"""What a page says and draws, and its callbacks, to be called as Dash calls them."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from dash import Input, State


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


class CallbackRecorder:
    """Keeps what a page adds as callbacks, in their order. Those that run in the browser are left out."""

    def __init__(self) -> None:
        self.found: list[Callable[..., Any]] = []
        self.given: list[list[Any]] = []
        """The `Input` and `State` that each is called with."""

    def callback(self, *args: Any, **_: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def keep(function: Callable[..., Any]) -> Callable[..., Any]:
            self.found.append(function)
            self.given.append([one for one in args if isinstance(one, Input | State)])
            return function

        return keep

    def clientside_callback(self, *_: Any, **__: Any) -> None: ...


def spans(trace: Any) -> list[tuple[datetime, datetime]]:
    """Begin and end of each bar of a trace."""
    begins = [at.item().replace(tzinfo=UTC) for at in trace.base]
    return [(at, at + timedelta(milliseconds=float(ms))) for at, ms in zip(begins, trace.x, strict=True)]
