"""Routes of the feeds: confirmed changes as Atom, orders and deadlines as a calendar."""

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.settings import DashboardSettings
from dashboard.feeds.atom import FeedHead, atom_xml, is_post
from dashboard.feeds.order_ics import order_calendar
from storage.live.feeds import Newest, list_named, newest_changes
from storage.model.text.states import capital, clean
from storage.orders.orders import order_events, orders
from storage.postgres.pool import Pool, StorageError, transaction

LIMIT = 50
READ = ["GET", "HEAD"]
"""Some calendar programs request the headers first."""
ATOM_TYPE = "application/atom+xml"
CALENDAR_TYPE = "text/calendar"


def feed_routes(
    pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings, base_url: str | None
) -> APIRouter:
    """`base_url` is the dashboard's address in the links; None means the address of the request."""
    router = APIRouter(prefix="/feeds")

    def atom(request: Request, head: FeedHead, news: Newest) -> Response:
        base = (base_url or str(request.base_url)).rstrip("/")
        updated = news.updated or clock()
        body = atom_xml(head, news.changes, base, updated, synthetic=settings.synthetic)
        return _fresh(request, body, ATOM_TYPE, news.updated)

    @router.api_route("/all.atom", methods=READ)
    async def everything(request: Request) -> Response:
        try:
            async with transaction(pool) as conn:
                news = await newest_changes(conn, None, LIMIT)
        except StorageError as error:
            return _sentence(503, str(error))
        title = f"Blockline, {settings.title}: confirmed changes"
        return atom(request, FeedHead("/feeds/all.atom", "all", title, _about(news)), news)

    @router.api_route("/list/{name:path}.atom", methods=READ)
    async def of_list(request: Request, name: str) -> Response:
        try:
            async with transaction(pool) as conn:
                list_id = None if _is_unstorable(name) else await list_named(conn, name)
                if list_id is None:
                    return _sentence(404, f"There is no list “{clean(name, 120)}”.")
                news = await newest_changes(conn, list_id, LIMIT)
        except StorageError as error:
            return _sentence(503, str(error))
        code = quote(name, safe="")
        about = _about(news, "this list")
        head = FeedHead(f"/feeds/list/{code}.atom", f"list:{code}", f"Blockline, list {name}", about)
        return atom(request, head, news)

    @router.api_route("/order/{reference:path}.atom", methods=READ)
    async def of_order(request: Request, reference: str) -> Response:
        try:
            async with transaction(pool) as conn:
                known = await orders(conn, known_at=clock())
                order = next((o for o in known if o.reference == reference), None)
                if order is None:
                    return _sentence(404, f"There is no order “{clean(reference, 120)}”.")
                news = await newest_changes(conn, order.list_id, LIMIT)
        except StorageError as error:
            return _sentence(503, str(error))
        code = quote(reference, safe="")
        issuer, country = clean(order.issuer, 120), clean(order.country)
        about = _about(news, f"the list of this order ({issuer}, {country})")
        head = FeedHead(f"/feeds/order/{code}.atom", f"order:{code}", f"Blockline, order {reference}", about)
        return atom(request, head, news)

    @router.api_route("/orders.ics", methods=READ)
    async def calendar(request: Request) -> Response:
        now = clock()
        try:
            async with transaction(pool) as conn:
                known = await orders(conn, known_at=now)
                events = await order_events(conn, known_at=now)
        except StorageError as error:
            return _sentence(503, str(error))
        title = f"Blockline, {settings.title}: orders and deadlines"
        body = await off_loop(order_calendar, known, events, title, synthetic=settings.synthetic)
        updated = max((one.known_at for one in (*known, *events)), default=None)
        return _fresh(request, body, CALENDAR_TYPE, updated)

    return router


def _about(news: Newest, on: str = "") -> str:
    """What a feed holds. `on` is the list whose accounts it is about; empty: all."""
    whom = "accounts and posts" if any(map(is_post, news.changes)) else "accounts"
    of = f" of the {whom} on {on}" if on else ""
    return (
        f"The {LIMIT} newest confirmed changes{of}. Provisional changes, changes that were not confirmed and "
        f"changes that were corrected are left out. {capital(whom)} that this feed does not name may be "
        "affected too."
    )


def _fresh(request: Request, body: bytes, media_type: str, updated: datetime | None) -> Response:
    """The body, or 304 if the client already has this content."""
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": tag}
    if updated is not None:
        headers["Last-Modified"] = format_datetime(updated.astimezone(UTC), usegmt=True)
    # A compressing proxy turns our tag into a weak one for the same body.
    known = {one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")}
    if known & {tag, "*"}:
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=f"{media_type}; charset=utf-8")


def _is_unstorable(name: str) -> bool:
    """Postgres stores no NUL, so nothing has such a name."""
    return "\0" in name


def _sentence(status: int, sentence: str) -> Response:
    return PlainTextResponse(f"{sentence}\n", status_code=status)
