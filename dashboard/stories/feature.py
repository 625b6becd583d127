"""The pages of written stories, and what is done on them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from dashboard.asgi.process import WebProcess
from dashboard.stories.routes import story_routes
from dashboard.stories.stories_page import story_pages
from dashboard.ui.pages import Feature, Page, Place
from storage.postgres.pool import Pool
from storage.postgres.recording_order import settle_at_most


def stories(process: WebProcess) -> Feature:
    page = Page(
        path="stories",
        title="Stories",
        help="how-to/stories",
        read=story_pages,
        place=Place.NOWHERE,
        under="replay",
        settle=_settle,
    )
    return Feature(pages=(page,), routers=(story_routes(process.pool, process.clock, process.settings),))


async def _settle(pool: Pool, more: Sequence[str], _: Mapping[str, str], now: datetime) -> datetime:
    return await settle_at_most(pool, now) if len(more) == 1 else now
