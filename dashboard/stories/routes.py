"""What is done about stories, and a story as a file for readers without a login."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import TypeAlias

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.refusals import LARGEST_ID, refusal, refused_time
from dashboard.asgi.settings import DashboardSettings
from dashboard.auth import access
from dashboard.auth.form_actions import redirect_to, run_form_action
from dashboard.stories.content import story_content
from dashboard.stories.form_input import caption_text, head_of, moment
from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.standalone_html import story_html
from dashboard.ui.form_input import Filled
from storage.accounts.lookup import list_called
from storage.model.core.people import Actor
from storage.model.evidence.packs import made_by
from storage.model.stories.stories import StoryFault
from storage.postgres.pool import Conn, Pool, StorageError, transaction
from storage.postgres.recording_order import settle_at_most
from storage.postgres.replica import snapshot
from storage.stories import stories

PAGE = "/stories"
NONE = "This story does not exist."

StoryAction: TypeAlias = Callable[[Conn, Filled, Actor, datetime, timedelta], Awaitable[str]]
"""Returns the address of the page that comes next. What it did is in STORY_ACTIONS."""


async def _list_of(conn: Conn, given: Filled) -> int | None:
    name = given.text("list")
    return await list_called(conn, name) if name else None


async def _write(conn: Conn, given: Filled, actor: Actor, now: datetime, late_after: timedelta) -> str:
    """A new story; with a text, its first caption at a moment."""
    head = head_of(given, await _list_of(conn, given))
    made = await stories.write_story(conn, head, late_after, actor.name, now)
    if text := caption_text(given):
        at = moment(given, "at", "Moment")
        await stories.add_caption(conn, made.story_id, at, text, actor.name, now)
    return f"{PAGE}/{made.story_id}"


async def _change(conn: Conn, given: Filled, actor: Actor, now: datetime, _: timedelta) -> str:
    head = head_of(given, await _list_of(conn, given))
    changed = await stories.change_story(conn, given.number("story"), head, actor.name, now)
    return f"{PAGE}/{changed.story_id}"


async def _remove(conn: Conn, given: Filled, actor: Actor, now: datetime, _: timedelta) -> str:
    await stories.remove_story(conn, given.number("story"), actor.name, now)
    return PAGE


async def _add_caption(conn: Conn, given: Filled, actor: Actor, now: datetime, _: timedelta) -> str:
    at = moment(given, "at", "Moment")
    story = await stories.add_caption(conn, given.number("story"), at, caption_text(given), actor.name, now)
    return f"{PAGE}/{story.story_id}"


async def _change_caption(conn: Conn, given: Filled, actor: Actor, now: datetime, _: timedelta) -> str:
    at = moment(given, "at", "Moment")
    story = await stories.change_caption(
        conn, given.number("caption"), at, caption_text(given), actor.name, now
    )
    return f"{PAGE}/{story.story_id}"


async def _remove_caption(conn: Conn, given: Filled, actor: Actor, now: datetime, _: timedelta) -> str:
    story = await stories.remove_caption(conn, given.number("caption"), actor.name, now)
    return f"{PAGE}/{story.story_id}"


STORY_ACTIONS: dict[str, tuple[str, StoryAction]] = {
    "": ("The story is saved.", _write),
    "/change": ("The story is changed.", _change),
    "/remove": ("The story is removed.", _remove),
    "/captions": ("The caption is added.", _add_caption),
    "/captions/change": ("The caption is changed.", _change_caption),
    "/captions/remove": ("The caption is removed.", _remove_caption),
}
"""By address below `/api/stories`: what is done then, in words, and what does it. All take an analyst."""


def story_routes(pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings) -> APIRouter:
    """The edits, and `/stories/{story_id}/story.html` with `?as_known_at=`."""
    router = APIRouter()
    for path, (done, deed) in STORY_ACTIONS.items():
        route = _route(pool, clock, settings, done, deed)
        router.add_api_route(f"/api/stories{path}", route, methods=["POST"])

    @router.get("/stories/{story_id}/story.html")
    async def file(story_id: int, as_known_at: datetime | None = None) -> Response:
        if not 0 < story_id <= LARGEST_ID:
            return refusal(404, NONE)
        now = clock()
        if (refused := refused_time("as_known_at", as_known_at, now)) is not None:
            return refused
        try:
            now = await settle_at_most(pool, as_known_at or now)
            async with snapshot(pool) as conn:
                read = await read_story(conn, story_id, now, as_known_at, synthetic=settings.synthetic)
        except StorageError as error:
            return refusal(503, str(error))
        if isinstance(read, StoryFault):
            return refusal(422, read.value)
        return refusal(404, NONE) if read is None else await download(read)

    return router


async def download(read: StoryRead) -> Response:
    """A story as a file. Drawing a large one takes a while of a processor."""
    html = await off_loop(lambda: story_html(story_content(read), made_by()))
    return HTMLResponse(html, headers={"Content-Disposition": f'attachment; filename="{read.name()}"'})


def _route(
    pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings, done: str, deed: StoryAction
) -> Callable[[Request], Awaitable[Response]]:
    """The answer leads to the page of the story."""

    async def act(request: Request) -> Response:
        async def do(given: Filled, actor: Actor) -> Response:
            async with transaction(pool) as conn:
                following = await deed(conn, given, actor, clock(), settings.late_after)
            return redirect_to(request, following, done)

        return await run_form_action(request, access.STORIES, do)

    return act
