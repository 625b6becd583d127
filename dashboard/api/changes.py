"""What happened: changes, and the periods of one state that they bound."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from dashboard.api.account_models import ApiModel, fields_of, words
from dashboard.api.paging import Page, key_in, page, sent
from dashboard.api.parameter_types import (
    AsKnownAt,
    Country,
    CursorText,
    From,
    InCountry,
    InStatuses,
    Limit,
    OfAccount,
    OfPosts,
    OnList,
    OnPlatform,
    PathNumber,
    To,
)
from dashboard.api.problem_responses import NOT_FOUND, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, ordered, past, refuse_unknown_list
from storage.changes.paged_changes import (
    ChangeFilter,
    ChangeRow,
    SpellFilter,
    SpellRow,
    change_with,
    changes_page,
    spells_page,
)
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Flag, Reason, Status, Strength
from storage.postgres.pool import transaction
from storage.postgres.recording_order import as_known

Outcome = Literal["provisional", "confirmed", "not_confirmed"]


class Change(ApiModel):
    """A change of an account's state, after `last_seen_old` and at or before `first_seen_new`."""

    change_id: int
    change_key: str
    """The key of the change, the same in every row that corrects it."""
    supersedes: int | None
    """The row that this one corrects."""
    superseded_by: int | None
    """The row that corrects this one, which is no longer valid. Only in the answer for one change."""
    account_id: int
    """Blockline's number of the account."""
    platform: Platform
    native_id: str
    handle: str
    """As stored now."""
    post: bool
    """Whether it is about a post or a video, and not an account."""
    kind: ChangeKind
    old_status: Status | None
    """Null if nothing was known before."""
    old_withheld_in: list[str] | None
    status: Status
    withheld_in: list[str]
    words: str
    """The new state in English."""
    flags: list[Flag]
    strength: Strength
    last_seen_old: datetime | None
    """The last reading that shows the old state. Null if there is none."""
    first_seen_new: datetime
    """The first reading of the new state."""
    recorded_at: datetime
    outcome: Outcome
    reason: Reason | None
    """Why it was confirmed or not; null while it is provisional."""
    readings: int | None
    """Number of agreeing readings."""
    last_agreeing_at: datetime | None
    decided_at: datetime | None
    source: str
    """The platform's name for Blockline's own readings, `import:NAME` for a record published by others."""
    old_evidence: str | None
    """SHA-256 of the stored raw answer with the old state. Null if none was kept."""
    new_evidence: str | None


class Spell(ApiModel):
    """A status period: one confirmed state, with the two readings that bound each end."""

    account_id: int
    platform: Platform
    native_id: str
    handle: str
    post: bool
    """Whether it is of a post or a video, and not an account."""
    status: Status
    withheld_in: list[str]
    words: str
    flags: list[Flag] | None
    """Null if its beginning was not seen."""
    last_seen_old: datetime | None
    """It began after this, the last reading of the previous state. Null if there is none."""
    since: datetime
    """The first reading of this state."""
    last_seen: datetime | None
    """The last reading of this state before the next one. Null while it lasts, or if there is none."""
    until: datetime | None
    """The first reading of the next state; null while it lasts."""
    recorded_at: datetime
    """When this was recorded."""
    source: str
    change_id: int


def change_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["changes"])

    @router.get("/changes", response_model=Page[Change], responses=NOT_FOUND)
    async def list_changes(
        request: Request,
        since: From = None,
        until: To = None,
        as_known_at: AsKnownAt = None,
        kind: Annotated[
            list[ChangeKind] | None, Query(description="Only changes of one of these kinds.")
        ] = None,
        outcome: Annotated[
            list[Outcome] | None, Query(description="Only changes with one of these outcomes.")
        ] = None,
        account_id: OfAccount = None,
        list_name: OnList = None,
        country: Annotated[
            Country | None,
            Query(description="Only accounts withheld in this country before or after, or in all countries."),
        ] = None,
        platform: OnPlatform = None,
        post: OfPosts = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List changes that were not superseded, newest first by their first reading."""
        ordered(since, until)
        known = past(as_known_at, "as_known_at", source.clock())
        before = key_in(request, cursor)
        wanted = ChangeFilter(
            since, until, known, kind, outcome, account_id, list_name, country, platform, post
        )
        async with as_known(source.pool, known) as conn:
            await refuse_unknown_list(conn, list_name)
            rows = await changes_page(conn, wanted, before, limit + 1)
        return page(request, rows, limit, change, lambda row: (row.first_seen_new, row.change_id))

    @router.get("/changes/{change_id}", response_model=Change, responses=NOT_FOUND)
    async def read_change(request: Request, change_id: PathNumber) -> Response:
        """Get a change, also if a later row corrects it."""
        async with transaction(source.pool) as conn:
            row = await change_with(conn, change_id)
        if row is None:
            raise ApiNotFound(f"There is no change {change_id}.")
        return sent(request, change(row))

    @router.get("/spells", response_model=Page[Spell], responses=NOT_FOUND)
    async def list_spells(
        request: Request,
        since: From = None,
        until: To = None,
        as_known_at: AsKnownAt = None,
        account_id: OfAccount = None,
        list_name: OnList = None,
        status: InStatuses = None,
        country: InCountry = None,
        platform: OnPlatform = None,
        post: OfPosts = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List status periods that overlap the range, by account and beginning."""
        ordered(since, until)
        known = past(as_known_at, "as_known_at", source.clock())
        after = key_in(request, cursor)
        wanted = SpellFilter(since, until, known, account_id, list_name, status, country, platform, post)
        async with as_known(source.pool, known) as conn:
            await refuse_unknown_list(conn, list_name)
            rows = await spells_page(conn, wanted, after, limit + 1)
        return page(request, rows, limit, spell, lambda row: (row.since, row.account_id))

    return router


def change(row: ChangeRow) -> Change:
    said = words(row.platform, row.status, row.withheld_in, row.flags, post=row.post, then=True)
    return Change.model_validate({**fields_of(row), "words": said})


def spell(row: SpellRow) -> Spell:
    return Spell.model_validate(
        {
            **fields_of(row),
            "words": words(row.platform, row.status, row.withheld_in, row.flags, post=row.post),
        }
    )
