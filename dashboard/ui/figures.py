"""Figures that lead to the accounts that they count.

A page links a number to the page Accounts, which then shows exactly the accounts behind it, by what was known
at the moment of the figure. A feature says how the accounts of its figures are found.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

from dash import html
from dash.development.base_component import Component

from storage.model.core.accounts import AccountId
from storage.postgres.pool import Conn, Pool
from storage.postgres.recording_order import as_known

FIGURE_CLASS = "figure-link"
NO_FIGURE = "There is no such figure."


@dataclass(frozen=True, slots=True)
class FigureRequest:
    """Which figure, and of which moment."""

    conn: Conn
    """It sees what was known at the moment."""
    name: Sequence[str]
    """The parts of its name behind the first one, which says whose figure it is."""
    at: datetime
    gap_after: timedelta
    late_after: timedelta


@dataclass(frozen=True, slots=True)
class FigureAccounts:
    """The accounts behind a figure."""

    words: str
    """The figure with what it counts: "34 accounts of order X (restored)"."""
    accounts: Sequence[AccountId]


@dataclass(frozen=True, slots=True)
class FigureSource:
    """How the accounts of some figures are found."""

    name: str
    """The first part of the name of each: "order"."""
    read: Callable[[FigureRequest], Awaitable[FigureAccounts | None]]
    """None when there is no such figure."""


@dataclass(slots=True)
class FigureReader:
    """Finds the accounts of any figure of any feature, once the features are there."""

    pool: Pool
    gap_after: timedelta
    late_after: timedelta
    sources: dict[str, FigureSource] = field(default_factory=dict[str, FigureSource])
    """By the first part of the name of each figure."""

    async def read(self, name: str, at: datetime) -> FigureAccounts | None:
        """The accounts of a figure, by what was known at `at`; None when there is no such figure. Raises
        StorageError.
        """
        first, *more = name.split("/")
        source = self.sources.get(first)
        if source is None:
            return None
        async with as_known(self.pool, at) as conn:
            return await source.read(FigureRequest(conn, more, at, self.gap_after, self.late_after))


def figure_address(name: str, at: datetime) -> str:
    """The page Accounts with the accounts behind a figure."""
    return f"/accounts?{urlencode({'figure': name, 'at': written_time(at), 'whom': 'all'}, safe='/:')}"


def line_leads(name: str, at: datetime, since: datetime | None = None) -> dict[str, str]:
    """What a trace of a Plotly figure carries as its `meta`, so that a press on a point leads to the accounts
    that it counts: those of the figure `name` followed by the time of the point. `since` is the start of an
    axis that counts days. Read by dashboard/assets/shell/plots.mjs.
    """
    meta = {"figure": name, "at": written_time(at)}
    return meta if since is None else {**meta, "since": written_time(since)}


def time_in(written: str) -> datetime | None:
    """The time in the name of a figure; None for another text."""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        return None
    return at if at.tzinfo is not None else None


def written_time(at: datetime) -> str:
    """A time as the name of a figure has it."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def figure_link(text: str, name: str, at: datetime) -> Component:
    """A number that leads to the accounts that it counts."""
    return html.A(text, href=figure_address(name, at), className=FIGURE_CLASS)
