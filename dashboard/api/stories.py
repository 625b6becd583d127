"""Written stories over the API: the list, the figures of a story, and a story as a file."""

from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from dashboard.api.paging import Page, number_in, page, sent, sent_as
from dashboard.api.parameter_types import AsKnownAt, CursorText, Limit, PathNumber
from dashboard.api.problem_responses import NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, past
from dashboard.api.story_models import StoryTold, WrittenStory
from dashboard.asgi.off_loop import off_loop
from dashboard.orders.report import made_by
from dashboard.stories.content import story_content
from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.standalone_html import story_html
from dashboard.stories.story_json import head_json, story_json
from storage.export.exports import snapshot
from storage.model.stories.stories import StoryFault
from storage.model.stories.stories import WrittenStory as StoredStory
from storage.postgres.pool import transaction
from storage.postgres.recording_order import settle_at_most
from storage.stories.stories import stories, story

_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "One HTML file that loads nothing from the network.", "content": {"text/html": {}}}
}


def written_routes(source: ApiContext) -> APIRouter:
    router = APIRouter(prefix="/written-stories", tags=["stories"])

    @router.get("", response_model=Page[WrittenStory])
    async def list_written(request: Request, limit: Limit = 100, cursor: CursorText = None) -> Response:
        """List written stories, by number."""
        after = number_in(request, cursor) or 0
        async with transaction(source.pool) as conn:
            rows = await stories(conn, after=after, limit=limit + 1)
        return page(request, rows, limit, written, lambda row: row.story_id)

    @router.get("/{written_story_id}", response_model=WrittenStory, responses=NOT_FOUND)
    async def show_written(request: Request, written_story_id: PathNumber) -> Response:
        """Get a story with its captions, as it was written."""
        async with transaction(source.pool) as conn:
            found = await story(conn, written_story_id)
        if found is None:
            raise ApiNotFound(f"There is no story {written_story_id}.")
        return sent(request, written(found))

    @router.get("/{written_story_id}/figures", response_model=StoryTold, responses=NOT_FOUND)
    async def figures(
        request: Request, written_story_id: PathNumber, as_known_at: AsKnownAt = None
    ) -> Response:
        """Get all figures of a story, with the hash to cite it by."""
        read = await _read(source, written_story_id, as_known_at)
        return sent(request, StoryTold.model_validate(await off_loop(story_json, read)))

    @router.get("/{written_story_id}/html", response_class=HTMLResponse, responses={**NOT_FOUND, **_FILE})
    async def file(request: Request, written_story_id: PathNumber, as_known_at: AsKnownAt = None) -> Response:
        """Get a story as one HTML file for readers without a login."""
        read = await _read(source, written_story_id, as_known_at)
        html = await off_loop(lambda: story_html(story_content(read), made_by()))
        headers = {"Content-Disposition": f'attachment; filename="{read.name()}"'}
        return sent_as(request, html.encode(), "text/html; charset=utf-8", headers)

    return router


def written(found: StoredStory) -> WrittenStory:
    return WrittenStory.model_validate(head_json(found))


async def _read(source: ApiContext, number: int, as_known_at: datetime | None) -> StoryRead:
    """Raises ApiNotFound, and ApiInvalidField when the story cannot be shown as known at that time."""
    now = source.clock()
    known = past(as_known_at, "as_known_at", now)
    now = await settle_at_most(source.pool, known or now)
    async with snapshot(source.pool) as conn:
        read = await read_story(conn, number, now, known, synthetic=source.settings.synthetic)
    if read is None:
        raise ApiNotFound(f"There is no story {number}.")
    if isinstance(read, StoryFault):
        raise ApiInvalidField("query.as_known_at", read.value)
    return read
