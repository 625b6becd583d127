"""Find the page of an address, and what the address asks of it."""

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

    Fields that cannot be parsed, or that contain a NUL, are left out.
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
    """The page of an address as of `now`, or a page that says why it cannot be shown."""
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
            "Page /%s of package %s failed.",
            page.path,
            page.package,
            extra={"event": "page_failed", "package": page.package},
        )
        return missing_page(f"The page from the package {page.package} failed: {error}")
    return drawn or missing_page(NO_SUCH_PAGE)


async def settled_for(
    pages: Sequence[Page], pool: Pool, path: str, query: Mapping[str, str], now: datetime
) -> datetime:
    """Settle what the page of an address shows as known, and return the moment at which to read it.
    Raises NotSettled.
    """
    page, more = _found(pages, path)
    return now if page is None else await page.settle(pool, more, query, now)
