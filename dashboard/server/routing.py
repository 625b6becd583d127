"""Find the page of an address, and what the address asks of it."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from urllib.parse import parse_qsl

from dash.development.base_component import Component

from dashboard.asgi.settings import DashboardSettings
from dashboard.auth import access
from dashboard.ui.cards import NO_SUCH_PAGE, missing_page
from dashboard.ui.chart_style import Theme
from dashboard.ui.pages import NOTHING, Drawing, Page, PageRequest
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


async def read_page(
    pages: Sequence[Page],
    conn: Conn,
    path: str,
    now: datetime,
    settings: DashboardSettings,
    theme: Theme,
    query: Mapping[str, str] = NOTHING,
) -> Drawing:
    """Read the page of an address as of `now`, and return what draws it: if it cannot be shown, a page that
    says why.
    """
    page, more = _found(pages, path)
    if page is None:
        return partial(missing_page, NO_SUCH_PAGE)
    actor = access.acting()
    try:
        access.require(actor, page.role)
        drawing = await page.read(PageRequest(conn, more, query, now, theme, actor, settings))
    except access.Forbidden as error:
        return partial(missing_page, str(error))
    except StorageError:
        raise
    except Exception as error:
        if not page.package:
            raise
        return partial(_failed, page, error)
    if drawing is None:
        return partial(missing_page, NO_SUCH_PAGE)
    return partial(_drawn, page, drawing) if page.package else drawing


def _drawn(page: Page, drawing: Drawing) -> Component:
    """A page of an installed package, whose fault must not look like one of ours."""
    try:
        return drawing()
    except Exception as error:  # noqa: BLE001 - it is somebody else's code
        return _failed(page, error)


def _failed(page: Page, error: Exception) -> Component:
    _log.error(
        "Page /%s of package %s failed.",
        page.path,
        page.package,
        exc_info=error,
        extra={"event": "page_failed", "package": page.package},
    )
    return missing_page(f"The page from the package {page.package} failed: {error}")


async def settled_for(
    pages: Sequence[Page], pool: Pool, path: str, query: Mapping[str, str], now: datetime
) -> datetime:
    """Settle what the page of an address shows as known, and return the moment at which to read it.
    Raises NotSettled.
    """
    page, more = _found(pages, path)
    return now if page is None else await page.settle(pool, more, query, now)
