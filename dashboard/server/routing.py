"""The page under an address: which it is, and what it is asked."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from urllib.parse import parse_qsl

from dash.development.base_component import Component

from dashboard.asgi.settings import DashboardSettings
from dashboard.auth import access
from dashboard.ui.cards import NO_SUCH_PAGE, missing_page
from dashboard.ui.chart_style import Theme
from dashboard.ui.pages import NOTHING, Page, PageRequest
from storage.postgres.pool import Conn, Pool, StorageError

FIELDS = 30
"""The most fields of a query that are read."""

_log = logging.getLogger(__name__)


def asked(search: str) -> dict[str, str]:
    """The fields of an address's query, such as "?state=dead&page=2"; the last of a name counts.

    An address is whatever somebody typed: what cannot be read, or stored in no database, asks for nothing.
    """
    try:
        fields = parse_qsl(search.removeprefix("?"), max_num_fields=FIELDS)
    except ValueError:
        return {}
    return {name: value for name, value in fields if "\0" not in value}


def _found(pages: Sequence[Page], path: str) -> tuple[Page | None, list[str]]:
    first, *more = path.strip("/").split("/")
    return next((page for page in pages if page.path == first), None), more


async def page_of(
    pages: Sequence[Page],
    conn: Conn,
    path: str,
    now: datetime,
    settings: DashboardSettings,
    theme: Theme,
    query: Mapping[str, str] = NOTHING,
) -> Component:
    """The page under an address, as it stands at `now`; one that says so when there is none, or when it is
    for others.
    """
    page, more = _found(pages, path)
    if page is None:
        return missing_page(NO_SUCH_PAGE)
    actor = access.acting()
    try:
        access.require(actor, page.role)
        drawn = await page.draw(PageRequest(conn, more, query, now, theme, actor, settings))
    except access.Forbidden as error:
        return missing_page(str(error))
    except StorageError:
        raise
    except Exception as error:
        if not page.package:
            raise
        _log.exception(
            "The page /%s of the package %s failed.",
            page.path,
            page.package,
            extra={"event": "page_failed", "package": page.package},
        )
        return missing_page(f"This page is of the package {page.package}, and it failed: {error}")
    return drawn or missing_page(NO_SUCH_PAGE)


async def settled_for(
    pages: Sequence[Page], pool: Pool, path: str, query: Mapping[str, str], now: datetime
) -> datetime:
    """Settle what the page under an address tells as known; returns the moment at which it is to be read.
    Raises NotSettled.
    """
    page, more = _found(pages, path)
    return now if page is None else await page.settle(pool, more, query, now)
