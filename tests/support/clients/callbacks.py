"""The callbacks of a page, to be called as Dash calls them."""

from collections.abc import Callable
from typing import Any

from dash import Input, State


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
