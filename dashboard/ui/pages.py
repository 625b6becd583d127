# pyright: reportMissingTypeStubs=false
"""What a feature of the dashboard says of itself: its pages, their callbacks, its routes and its tasks.

The dashboard's own features say it in the same way as one that an installed package adds:
docs/how-to/add-page.md.
"""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import wraps
from inspect import iscoroutinefunction
from types import MappingProxyType
from typing import Any
from urllib.parse import quote

from dash import Dash, html
from dash.development.base_component import Component
from fastapi import APIRouter, FastAPI
from plotly.utils import PlotlyJSONEncoder

from dashboard.asgi.settings import DashboardSettings
from dashboard.ui.chart_style import Theme
from dashboard.ui.figures import FigureSource
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Conn, Pool

SYNTHETIC = "Synthetic scenario"
LONGEST_NUMBER = 18
"""Digits of a number that the database takes."""
NOTHING: Mapping[str, str] = MappingProxyType({})

Drawing = Callable[[], Component]
"""Draws a page from what was read for it. It runs in a thread, without a connection to the database."""


def plain(part: Component) -> object:
    """Return a page, or a part of one, as plain JSON values. Dash encodes its answer on the event loop, and
    plain values take much less time there than components.
    """
    return json.loads(json.dumps(part, cls=PlotlyJSONEncoder))


class Place(Enum):
    """Where the navigation names a page."""

    HEADER = "header"
    MORE = "more"
    SMALL_SCREENS = "small screens"
    """Below the others, where there is no room for the menu that leads to it otherwise."""
    NOWHERE = "nowhere"


@dataclass(frozen=True, slots=True)
class PageRequest:
    """What is asked of a page, and from where it reads."""

    conn: Conn
    more: Sequence[str]
    """What the address has behind the page's path, part by part."""
    query: Mapping[str, str]
    """What is chosen on the page, by name; a page ignores what it does not know."""
    now: datetime
    theme: Theme
    actor: Actor
    settings: DashboardSettings

    @property
    def tag(self) -> list[Component]:
        """What stands beside the headline where the data is invented."""
        return [html.Span(SYNTHETIC, className="tag")] if self.settings.synthetic else []


class PageCallbacks:
    """Dash's two ways to add a callback. What runs on the server asks for the page's role at each call."""

    def __init__(self, dash: Dash, require: Callable[[], None]) -> None:
        """`require` raises for who may not call it."""
        self._dash = dash
        self._require = require
        self.clientside_callback: Callable[..., None] = dash.clientside_callback  # pyright: ignore[reportUnknownMemberType]

    def callback(self, *args: Any, **kwargs: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        """As `dash.callback`."""
        add: Callable[..., Any] = self._dash.callback(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            @wraps(function)
            def checked(*values: Any) -> Any:
                self._require()
                return function(*values)

            @wraps(function)
            async def checked_and_awaited(*values: Any) -> Any:
                self._require()
                return await function(*values)

            return add(checked_and_awaited if iscoroutinefunction(function) else checked)

        return decorate


async def _now(_pool: Pool, _more: Sequence[str], _query: Mapping[str, str], now: datetime) -> datetime:
    return now


@dataclass(frozen=True, slots=True)
class PageAction:
    """Something to do on a page, which the search offers."""

    words: str
    """Such as "New order". One that needs a name ends with {name}, as "Mute list {name}"."""
    address: str
    """The page with its form; a name stands for {name} in it, and fills the form in."""
    role: Role
    of_lists: bool = False
    """Whether the name is that of a list: it is then offered for the lists that are found."""

    def named(self, name: str) -> "tuple[str, str]":
        """The words and the address for a name."""
        return self.words.replace("{name}", name), self.address.replace("{name}", quote(name, safe=""))

    def rest_of(self, text: str) -> str | None:
        """What is left of a typed text after the words of the action, such as "india" of "mute india"; None
        if it does not begin with one of them.
        """
        verbs, typed = self.words.casefold().split(), text.split()
        left = [v for v in verbs if v != "{name}"]
        n = 0
        while n < len(typed) and typed[n].casefold() in left:
            left.remove(typed[n].casefold())
            n += 1
        return " ".join(typed[n:]) if n else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page, and those below its address."""

    path: str
    """The first part of its address: "orders" for /orders and all below it."""
    title: str
    read: Callable[[PageRequest], Awaitable[Drawing | None]]
    """Read what it shows in one transaction; None when there is no such page below the path."""
    role: Role = Role.VIEWER
    """Who may see it and call its callbacks."""
    place: Place = Place.MORE
    under: str = ""
    """The page that the navigation marks instead, for one that it does not name."""
    icon: str = "doc"
    """A symbol of `dashboard/server/index.html`."""
    help: str = ""
    """The page of the documentation about it, such as "how-to/orders"."""
    topics: Sequence[tuple[str, str]] = ()
    """What else the search finds on it: names, each with its address."""
    actions: Sequence[PageAction] = ()
    """What the search offers to do on it."""
    counter: str = ""
    """The id of a number beside the name, which a script of ours writes."""
    settle: Callable[[Pool, Sequence[str], Mapping[str, str], datetime], Awaitable[datetime]] = _now
    """Settle what the page tells as known; the moment at which it is to be read. Raises NotSettled."""
    replaces_live: Callable[[Conn], Awaitable[bool]] | None = None
    """Whether it is shown at / just now, where the Live page stands otherwise. None: it never is."""
    callbacks: Callable[[PageCallbacks], None] | None = None
    package: str = ""
    """The installed package that adds it; empty for one of ours."""

    @property
    def name(self) -> str:
        """How scripts and styles call it."""
        return self.path or "live"


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """What belongs together. The server knows no more of it than this."""

    pages: Sequence[Page] = ()
    routers: Sequence[APIRouter] = ()
    """Only their routes are taken: what runs as long as the dashboard is served belongs into `tasks`."""
    mount: Callable[[FastAPI], None] | None = None
    """For what is more than routes."""
    tasks: Sequence[Callable[[], Awaitable[None]]] = ()
    """What runs as long as the dashboard is served."""
    figures: Sequence[FigureSource] = ()
    """How the accounts behind the figures of its pages are found."""
    largest: Mapping[str, int] = field(default_factory=dict[str, int])
    """Bytes that an address takes, where that is more than others do."""


def number_in(text: str) -> int | None:
    """A number as addresses write it; None when it is none, or one that no database holds."""
    return int(text) if text.isdecimal() and len(text) <= LONGEST_NUMBER else None
