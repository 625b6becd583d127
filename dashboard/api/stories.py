"""Written stories over the API: the list, the figures of a story, and a story as a file."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response
from pydantic import ConfigDict, Field

from dashboard.api.account_models import ApiModel
from dashboard.api.paging import Page, number_in, page, sent, sent_as
from dashboard.api.parameter_types import AsKnownAt, CursorText, Limit, PathNumber
from dashboard.api.problem_responses import NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, past
from dashboard.asgi.off_loop import off_loop
from dashboard.stories.content import story_content
from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.standalone_html import story_html
from dashboard.stories.story_json import head_json, story_json
from storage.export.exports import snapshot
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Status
from storage.model.evidence.packs import made_by
from storage.model.stories.stories import StoryFault, View
from storage.model.stories.stories import WrittenStory as StoredStory
from storage.postgres.pool import transaction
from storage.postgres.recording_order import settle_at_most
from storage.stories.stories import stories, story

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
    """Changes, neither confirmed nor refuted."""
    blocked: StoryCount
    withheld: StoryCount
    suspended: StoryCount
    restored: StoryCount
    """Blocked earlier in the range, and back."""
    withheld_in: dict[str, StoryCount]
    """By ISO 3166-1 code, or `XX` for all countries."""


class StoryChange(ApiModel):
    """A confirmed change. It happened after `last_seen_old` and at or before `first_seen_new`."""

    account_id: int
    kind: ChangeKind
    status: Status
    withheld_in: list[str]
    last_seen_old: datetime | None
    first_seen_new: datetime


class CaptionFigures(StoryFigures):
    """A caption with its figures, and what changed since the caption before."""

    caption_id: int
    at: datetime
    text: str
    changes: list[StoryChange]


class StoryMember(ApiModel):
    """An account of a story."""

    account_id: int
    platform: Platform
    native_id: str
    handle: str
    """At the end of the range."""
    on_file_since: datetime


class StoryTold(WrittenStory):
    """All figures of a story."""

    told_as_known_at: datetime | None
    """Null if the story itself sets what was known; else the figures show what was recorded by then."""
    synthetic: bool
    """True if the scenario is invented."""
    captions: list[CaptionFigures]  # pyright: ignore[reportIncompatibleVariableOverride]  # each with its figures
    at_the_end: StoryFigures
    members: list[StoryMember]
    sha256: str
    """SHA-256 of the rest of this object: keys sorted, no spaces, ASCII."""


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
