"""Written stories over the API: the list, the figures of a story, a story as a file, and writing them.

What is written is one transaction with its entry in the audit log.
"""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import AfterValidator, ConfigDict, Field

from dashboard.api.account_edits import Analyst, ApiInput, made
from dashboard.api.account_models import ApiModel
from dashboard.api.causes import CauseSaid
from dashboard.api.paging import Page, number_in, page, sent, sent_as
from dashboard.api.parameter_types import AsKnownAt, CursorText, Limit, Moment, PathNumber, Text, storable
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, past
from dashboard.asgi.off_loop import off_loop
from dashboard.stories.content import story_content
from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.standalone_html import story_html
from dashboard.stories.story_json import head_json, story_json
from storage.accounts.lookup import list_called
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Status
from storage.model.evidence.packs import made_by
from storage.model.stories.stories import (
    LONGEST_CAPTION,
    LONGEST_TITLE,
    StoryFault,
    StoryHead,
    View,
    lines_of,
    one_line,
)
from storage.model.stories.stories import WrittenStory as StoredStory
from storage.postgres.pool import Conn, transaction
from storage.postgres.recording_order import settle_at_most
from storage.postgres.replica import snapshot
from storage.stories import stories as stored_stories

_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "One HTML file that loads nothing from the network.", "content": {"text/html": {}}}
}


class StoryCaption(ApiModel):
    """What somebody wrote about one moment."""

    caption_id: int
    at: datetime
    text: str


class WrittenStory(ApiModel):
    """The head of a written story: its range and title, without figures."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    story_id: int
    title: str
    list_id: int | None
    """Null for all accounts watched in its time."""
    list_name: Annotated[str | None, Field(alias="list")]
    accounts: int
    """Number of accounts, fixed when the story was written."""
    posts: int
    """Number of posts, which are not counted in `accounts`."""
    since: Annotated[datetime, Field(alias="from")]
    until: Annotated[datetime, Field(alias="to")]
    view: View
    as_known_at: datetime | None
    """Figures show what was recorded by then. Null: what is known when it is read, or `view` decides."""
    late_after_s: int
    """An account that was not read for longer counts as not checked."""
    version: int
    """One more with each edit."""
    written_at: datetime
    written_by: str
    changed_at: datetime
    changed_by: str
    captions: list[StoryCaption]


class StoryCount(ApiModel):
    """A number of accounts."""

    accounts: int
    last_known_only: int
    """Of these, accounts not read lately. Their status at that time is not known."""


class StoryPostCount(ApiModel):
    """A number of posts."""

    posts: int
    last_known_only: int
    """Of these, posts not read lately. Their status at that time is not known."""


class StoryPostFigures(ApiModel):
    """One moment of a story, in posts. Posts not read lately are given separately, never as zero."""

    posts: int
    """Stored by then."""
    not_on_file_yet: int
    not_checked: int
    nothing_confirmed: int
    provisional: int
    """Changes of posts, neither confirmed nor refuted."""
    blocked: StoryPostCount
    withheld: StoryPostCount
    suspended: StoryPostCount
    restored: StoryPostCount
    """Blocked earlier in the range, and back."""
    withheld_in: dict[str, StoryPostCount]
    """By ISO 3166-1 code, or `XX` for all countries."""


class StoryFigures(ApiModel):
    """One moment of a story, in accounts. Accounts not read lately are given separately, never as zero."""

    as_known_at: datetime
    """Figures show what had been recorded by then."""
    accounts: int
    """Stored by then."""
    not_on_file_yet: int
    not_checked: int
    nothing_confirmed: int
    provisional: int
    """Changes of accounts, neither confirmed nor refuted."""
    blocked: StoryCount
    withheld: StoryCount
    suspended: StoryCount
    restored: StoryCount
    """Blocked earlier in the range, and back."""
    withheld_in: dict[str, StoryCount]
    """By ISO 3166-1 code, or `XX` for all countries."""
    posts: StoryPostFigures | None
    """Its posts, which no other figure counts. Null if the story has none."""


class StoryChange(ApiModel):
    """A confirmed change. It happened after `last_seen_old` and at or before `first_seen_new`."""

    account_id: int
    post: bool
    """Whether it is of a post or a video, and not of an account."""
    kind: ChangeKind
    status: Status
    withheld_in: list[str]
    last_seen_old: datetime | None
    first_seen_new: datetime


class StoryCause(ApiModel):
    """Accounts and posts that were first seen blocked or gone, by the surest cause that is stated of each."""

    accounts: int
    posts: int
    cause: CauseSaid | None
    """Null: nobody has recorded one."""


class CaptionFigures(StoryFigures):
    """A caption with its figures, and what changed since the caption before."""

    caption_id: int
    at: datetime
    text: str
    changes: list[StoryChange]
    causes: list[StoryCause]
    """Of those blocked or gone since the caption before; those without a cause last."""


class StoryMember(ApiModel):
    """An account or a post of a story."""

    account_id: int
    platform: Platform
    native_id: str
    handle: str
    """At the end of the range."""
    post: bool
    """Whether it is a post or a video, and not an account."""
    on_file_since: datetime


class StoryTold(WrittenStory):
    """All figures of a story."""

    told_as_known_at: datetime | None
    """Null if the story itself sets what was known; else the figures show what was recorded by then."""
    synthetic: bool
    """True if the scenario is invented."""
    captions: list[CaptionFigures]  # pyright: ignore[reportIncompatibleVariableOverride]  # each with its figures
    causes: list[StoryCause]
    """Of all that were blocked or gone in the range."""
    at_the_end: StoryFigures
    members: list[StoryMember]
    sha256: str
    """SHA-256 of the rest of this object: keys sorted, no spaces, ASCII."""


def written_routes(source: ApiContext) -> APIRouter:
    router = api_router(prefix="/written-stories", tags=["stories"])

    @router.get("", response_model=Page[WrittenStory])
    async def list_written(request: Request, limit: Limit = 100, cursor: CursorText = None) -> Response:
        """List written stories, by number."""
        after = number_in(request, cursor) or 0
        async with transaction(source.pool) as conn:
            rows = await stored_stories.stories(conn, after=after, limit=limit + 1)
        return page(request, rows, limit, written, lambda row: row.story_id)

    @router.get("/{written_story_id}", response_model=WrittenStory, responses=NOT_FOUND)
    async def show_written(request: Request, written_story_id: PathNumber) -> Response:
        """Get a story with its captions, as it was written."""
        async with transaction(source.pool) as conn:
            found = await stored_stories.story(conn, written_story_id)
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
    router = api_router(tags=["stories"])

    @router.post("/written-stories", status_code=201, response_model=WrittenStory, responses=CONFLICT)
    async def write_story(given: StoryGiven, actor: Analyst) -> Response:
        """Add a story without captions. Requires an analyst."""
        async with transaction(source.pool) as conn:
            head = await _head(conn, given)
            story = await stored_stories.write_story(
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
            story = await stored_stories.change_story(
                conn, written_story_id, head, actor.name, source.clock()
            )
        return sent(request, written(story))

    @router.delete(
        "/written-stories/{written_story_id}", status_code=204, response_class=Response, responses=NOT_FOUND
    )
    async def remove_story(written_story_id: PathNumber, actor: Analyst) -> Response:
        """Remove a story with its captions. Requires an analyst."""
        async with transaction(source.pool) as conn:
            await _there(conn, written_story_id)
            await stored_stories.remove_story(conn, written_story_id, actor.name, source.clock())
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
            story = await stored_stories.add_caption(
                conn, written_story_id, given.at, lines_of(given.text), actor.name, source.clock()
            )
        return made(written(story))

    @router.put("/captions/{caption_id}", response_model=WrittenStory, responses=CONFLICT)
    async def change_caption(
        request: Request, caption_id: PathNumber, given: CaptionGiven, actor: Analyst
    ) -> Response:
        """Change the time or text of a caption. Requires an analyst."""
        async with transaction(source.pool) as conn:
            story = await stored_stories.change_caption(
                conn, caption_id, given.at, lines_of(given.text), actor.name, source.clock()
            )
        return sent(request, written(story))

    @router.delete("/captions/{caption_id}", response_model=WrittenStory, responses=CONFLICT)
    async def remove_caption(request: Request, caption_id: PathNumber, actor: Analyst) -> Response:
        """Remove a caption. The answer is the story without it. Requires an analyst."""
        async with transaction(source.pool) as conn:
            story = await stored_stories.remove_caption(conn, caption_id, actor.name, source.clock())
        return sent(request, written(story))

    return router


async def _head(conn: Conn, given: StoryGiven) -> StoryHead:
    list_id = None if given.list_name is None else await list_called(conn, given.list_name)
    return StoryHead(one_line(given.title), list_id, given.since, given.until, given.view, given.as_known_at)


async def _there(conn: Conn, story_id: int) -> None:
    if await stored_stories.story(conn, story_id) is None:
        raise ApiNotFound(f"There is no story {story_id}.")
