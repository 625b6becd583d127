"""Writing stories over the API. Each request is one transaction with its entry in the audit log."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field

from dashboard.api.account_edits import Analyst, ApiInput, made
from dashboard.api.paging import sent
from dashboard.api.parameter_types import Moment, PathNumber, Text, storable
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiNotFound
from dashboard.api.request_checks import ApiContext
from dashboard.api.stories import WrittenStory, written
from storage.accounts.lookup import list_called
from storage.model.stories.stories import LONGEST_CAPTION, LONGEST_TITLE, StoryHead, View, lines_of, one_line
from storage.postgres.pool import Conn, transaction
from storage.stories import stories


class StoryGiven(ApiInput):
    """The time range of a story. Its accounts are those watched now, all or on a list."""

    title: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_TITLE, examples=["6 pm: all 257 back"]),
        AfterValidator(storable),
    ]
    list_name: Annotated[Text | None, Field(alias="list")] = None
    """The name of a list. Null for all watched accounts."""
    since: Annotated[Moment, Field(alias="from")]
    until: Annotated[Moment, Field(alias="to")]
    view: View = View.AS_IT_WAS
    """Whether figures include later knowledge, or show each moment as known then."""
    as_known_at: Moment | None = None
    """With `as_it_was`: only what had been recorded by then. Null for what is known when it is read."""


class CaptionGiven(ApiInput):
    """What to say about one moment of the range."""

    at: Moment
    text: Annotated[
        str,
        Field(min_length=1, max_length=LONGEST_CAPTION, examples=["all are back"]),
        AfterValidator(storable),
    ]


def written_editing_routes(source: ApiContext) -> APIRouter:
    router = APIRouter(tags=["stories"])

    @router.post("/written-stories", status_code=201, response_model=WrittenStory, responses=CONFLICT)
    async def write_story(given: StoryGiven, actor: Analyst) -> Response:
        """Add a story without captions. Requires an analyst."""
        async with transaction(source.pool) as conn:
            head = await _head(conn, given)
            story = await stories.write_story(
                conn, head, source.settings.late_after, actor.name, source.clock()
            )
        return made(written(story))

    @router.put(
        "/written-stories/{written_story_id}",
        response_model=WrittenStory,
        responses={**NOT_FOUND, **CONFLICT},
    )
    async def change_story(
        request: Request, written_story_id: PathNumber, given: StoryGiven, actor: Analyst
    ) -> Response:
        """Change the title, range, list or view of a story. Requires an analyst."""
        async with transaction(source.pool) as conn:
            await _there(conn, written_story_id)
            head = await _head(conn, given)
            story = await stories.change_story(conn, written_story_id, head, actor.name, source.clock())
        return sent(request, written(story))

    @router.delete(
        "/written-stories/{written_story_id}", status_code=204, response_class=Response, responses=NOT_FOUND
    )
    async def remove_story(written_story_id: PathNumber, actor: Analyst) -> Response:
        """Remove a story with its captions. Requires an analyst."""
        async with transaction(source.pool) as conn:
            await _there(conn, written_story_id)
            await stories.remove_story(conn, written_story_id, actor.name, source.clock())
        return Response(status_code=204)

    @router.post(
        "/written-stories/{written_story_id}/captions",
        status_code=201,
        response_model=WrittenStory,
        responses={**NOT_FOUND, **CONFLICT},
    )
    async def add_caption(written_story_id: PathNumber, given: CaptionGiven, actor: Analyst) -> Response:
        """Add a caption at a time in the range. Requires an analyst."""
        async with transaction(source.pool) as conn:
            await _there(conn, written_story_id)
            story = await stories.add_caption(
                conn, written_story_id, given.at, lines_of(given.text), actor.name, source.clock()
            )
        return made(written(story))

    @router.put("/captions/{caption_id}", response_model=WrittenStory, responses=CONFLICT)
    async def change_caption(
        request: Request, caption_id: PathNumber, given: CaptionGiven, actor: Analyst
    ) -> Response:
        """Change the time or text of a caption. Requires an analyst."""
        async with transaction(source.pool) as conn:
            story = await stories.change_caption(
                conn, caption_id, given.at, lines_of(given.text), actor.name, source.clock()
            )
        return sent(request, written(story))

    @router.delete("/captions/{caption_id}", response_model=WrittenStory, responses=CONFLICT)
    async def remove_caption(request: Request, caption_id: PathNumber, actor: Analyst) -> Response:
        """Remove a caption. The answer is the story without it. Requires an analyst."""
        async with transaction(source.pool) as conn:
            story = await stories.remove_caption(conn, caption_id, actor.name, source.clock())
        return sent(request, written(story))

    return router


async def _head(conn: Conn, given: StoryGiven) -> StoryHead:
    list_id = None if given.list_name is None else await list_called(conn, given.list_name)
    return StoryHead(one_line(given.title), list_id, given.since, given.until, given.view, given.as_known_at)


async def _there(conn: Conn, story_id: int) -> None:
    if await stories.story(conn, story_id) is None:
        raise ApiNotFound(f"There is no story {story_id}.")
