"""What people write about lists. Each is one transaction with its entry in the audit log."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field, StrictBool, StrictInt

from dashboard.accounts.threshold_trials import ThresholdTrialFailed
from dashboard.api.account_edits import (
    AccountNumbers,
    AccountsEdited,
    Admin,
    Analyst,
    ApiInput,
    ListNumber,
    edited,
    made,
    some,
)
from dashboard.api.account_models import ApiModel, fields_of
from dashboard.api.lists_and_executives import WatchList, watch_list
from dashboard.api.paging import sent
from dashboard.api.parameter_types import Moment, PathNumber
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiBusy, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router
from storage.accounts.list_thresholds import set_list_thresholds
from storage.accounts.watch_lists import (
    archive_list,
    keep_evidence,
    list_row,
    make_list,
    move_accounts,
    put_accounts_on,
    rename_list,
    take_accounts_off,
)
from storage.model.alerts.rule_preview import LONGEST_PREVIEW, PREVIEW_PERIOD
from storage.model.bitemporal.reevaluation import Effect
from storage.model.bitemporal.threshold_preview import ThresholdPreview, threshold_preview_words
from storage.model.core.accounts import Platform
from storage.model.core.list_thresholds import MOST_READINGS, ListThresholds
from storage.model.tables.tag_and_list_edits import LONGEST_KEEPING, LONGEST_LIST_NAME, list_name_fault
from storage.postgres.pool import Conn, transaction


class MembersGiven(ApiInput):
    """Accounts to add to a list and to remove from it. Whether they are read does not change."""

    add: AccountNumbers = ()
    remove: AccountNumbers = ()


class MoveGiven(ApiInput):
    """Accounts to move from one list to another. Whether they are read does not change."""

    to: ListNumber
    """Number of the list that they join."""
    accounts: Annotated[AccountNumbers, Field(json_schema_extra={"minItems": 1}), AfterValidator(some)]


class ListGiven(ApiInput):
    """A list to be made, without accounts."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_LIST_NAME, examples=["Farmers"])]


class ThresholdsGiven(ApiInput):
    """How many agreeing readings confirm a change. A mere absence needs at least as many as a statement."""

    strong_readings: Annotated[StrictInt, Field(ge=1, le=MOST_READINGS)]
    """For what the platform states itself."""
    weak_readings: Annotated[StrictInt, Field(ge=1, le=MOST_READINGS)]
    """For a mere absence."""


class ThresholdsTried(ApiInput):
    """Thresholds to try on the past, and the period."""

    thresholds: ThresholdsGiven | None
    """Null for the default ones."""
    since: Moment | None = None
    """Null for 30 days before `until`."""
    until: Moment | None = None
    """Null for now."""


class ThresholdCase(ApiModel):
    """A change that would have been confirmed otherwise."""

    effect: Effect
    account_id: int
    platform: Platform
    handle: str
    status: str
    """Its new status, as the dashboard says it."""
    first_seen: datetime
    confirmed_at: datetime | None
    """When it was confirmed. Null if it was not."""
    would_be_confirmed_at: datetime | None
    """Null if it would not have been confirmed."""


class ThresholdsPreviewed(ApiModel):
    """What the thresholds would have confirmed otherwise. First states of accounts are not counted."""

    since: datetime
    until: datetime
    accounts: int
    """How many accounts were on the list in the period."""
    changes: int
    """How many changes of them were compared."""
    more: int
    """Changes that would have been confirmed, and were not."""
    fewer: int
    """Changes that were confirmed, and would not have been."""
    earlier: int
    later: int
    cases: list[ThresholdCase]
    """The newest of them, at most 50."""
    was_read: bool
    """Whether any account gave a reading in the period. If not, the result is not known."""
    words: str


class ListChange(ApiInput):
    """What is to change of a list. Fields that are left out stay as they are."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_LIST_NAME, examples=["Farmers"])] | None = (
        None
    )
    evidence_days: Annotated[StrictInt, Field(ge=1, le=LONGEST_KEEPING)] | None = None
    """How long the raw evidence of its accounts is kept. Null for no limit. For the list of an order, at
    least three years.
    """
    archived: StrictBool | None = None
    """True archives the list, false takes it into use again. No account can be added to an archived list."""
    thresholds: ThresholdsGiven | None = None
    """How many agreeing readings confirm a change of its accounts. Null for the default ones."""


class ChangedList(WatchList):
    """A list after it was changed."""

    rules_with_old_name: list[str]
    """Alert rules that name the list by its old name, and so no longer match it. Empty unless renamed."""


def threshold_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["lists"])

    @router.post(
        "/lists/{list_id}/thresholds/preview", response_model=ThresholdsPreviewed, responses=NOT_FOUND
    )
    async def preview_thresholds(
        request: Request, list_id: PathNumber, given: ThresholdsTried, _: Admin
    ) -> Response:
        """Count what thresholds would have confirmed in a past period. Requires an admin.

        Nothing is stored.
        """
        own, now = _thresholds(given.thresholds, "body.thresholds"), source.clock()
        until = given.until or now
        since = given.since or until - PREVIEW_PERIOD
        if until > now:
            raise ApiInvalidField("body.until", "This time is in the future.")
        if not timedelta(0) < until - since <= LONGEST_PREVIEW:
            raise ApiInvalidField("body.since", "It must be before `until`, by at most 366 days.")
        async with transaction(source.pool) as conn:
            row = await list_row(conn, list_id)
        if row is None:
            raise ApiNotFound(f"There is no list {list_id}.")
        try:
            found = await source.trials.preview_thresholds(row.name, own, since, until)
        except ThresholdTrialFailed as error:
            raise ApiBusy(str(error)) from error
        return sent(request, _previewed(found, now))

    return router


def list_writing_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["lists"])

    @router.post("/lists/{list_id}/accounts", response_model=AccountsEdited, responses=NOT_FOUND)
    async def change_members(
        request: Request, list_id: PathNumber, given: MembersGiven, actor: Analyst
    ) -> Response:
        """Add accounts to a list, and remove others. Requires an analyst."""
        if not given.add and not given.remove:
            raise ApiInvalidField("body", "Give account numbers in “add”, in “remove” or in both.")
        if both := sorted(set(given.add) & set(given.remove)):
            raise ApiInvalidField("body", f"Account {both[0]} cannot be both added and removed.")
        async with transaction(source.pool) as conn:
            row = await list_row(conn, list_id)
            if row is None:
                raise ApiNotFound(f"There is no list {list_id}.")
            now = source.clock()
            edits = [
                *await put_accounts_on(conn, row.name, given.add, actor.name, now),
                *await take_accounts_off(conn, row.name, given.remove, actor.name, now),
            ]
        return sent(request, edited(edits, of_tags=False))

    @router.post(
        "/lists/{list_id}/accounts/move", response_model=AccountsEdited, responses={**NOT_FOUND, **CONFLICT}
    )
    async def move(request: Request, list_id: PathNumber, given: MoveGiven, actor: Analyst) -> Response:
        """Move accounts from this list to another, in one transaction. Requires an analyst."""
        async with transaction(source.pool) as conn:
            source_row, target_row = await list_row(conn, list_id), await list_row(conn, given.to)
            if source_row is None or target_row is None:
                raise ApiNotFound(f"There is no list {list_id if source_row is None else given.to}.")
            now = source.clock()
            edits = await move_accounts(
                conn, source_row.name, target_row.name, given.accounts, actor.name, now
            )
        return sent(request, edited(edits, of_tags=False))

    @router.post("/lists", status_code=201, response_model=WatchList, responses=CONFLICT)
    async def add_list(given: ListGiven, actor: Analyst) -> Response:
        """Add an empty list. Requires an analyst."""
        if (fault := list_name_fault(given.name)) is not None:
            raise ApiInvalidField("body.name", fault)
        async with transaction(source.pool) as conn:
            list_id = await make_list(conn, given.name, actor.name, source.clock())
            row = await list_row(conn, list_id)
        assert row is not None  # noqa: S101 - it was just made
        return made(watch_list(row))

    @router.patch("/lists/{list_id}", response_model=ChangedList, responses={**NOT_FOUND, **CONFLICT})
    async def change_list(request: Request, list_id: PathNumber, given: ListChange, actor: Admin) -> Response:
        """Rename or archive a list, set how long its raw evidence is kept, or its thresholds.

        Requires an admin. Thresholds hold for readings made a minute later or after; earlier decisions stay.
        """
        _refuse_impossible(given)
        async with transaction(source.pool) as conn:
            before = await list_row(conn, list_id)
            if before is None:
                raise ApiNotFound(f"There is no list {list_id}.")
            rules = await _change(conn, before.name, given, actor.name, source.clock())
            row = await list_row(conn, list_id) or before
        return sent(request, ChangedList(**watch_list(row).model_dump(), rules_with_old_name=list(rules)))

    return router


async def _change(conn: Conn, name: str, given: ListChange, actor: str, now: datetime) -> tuple[str, ...]:
    """Write what is given of a list, and return the alert rules that name it by its old name."""
    if "evidence_days" in given.model_fields_set:
        await keep_evidence(conn, name, given.evidence_days, actor, now)
    if "thresholds" in given.model_fields_set:
        own = _thresholds(given.thresholds, "body.thresholds")
        await set_list_thresholds(conn, name, own, actor, now)
    if given.archived is not None:
        await archive_list(conn, name, actor, now, archived=given.archived)
    return () if given.name is None else await rename_list(conn, name, given.name, actor, now)


def _thresholds(given: ThresholdsGiven | None, field: str) -> ListThresholds | None:
    """Raises ApiInvalidField for numbers that no list can have."""
    try:
        return None if given is None else ListThresholds(given.strong_readings, given.weak_readings)
    except ValueError as error:
        raise ApiInvalidField(field, str(error)) from error


def _previewed(found: ThresholdPreview, now: datetime) -> ThresholdsPreviewed:
    return ThresholdsPreviewed(
        since=found.since,
        until=found.until,
        accounts=found.accounts,
        changes=found.changes,
        more=found.counts[Effect.BESIDES],
        fewer=found.counts[Effect.NEVER],
        earlier=found.counts[Effect.EARLIER],
        later=found.counts[Effect.LATER],
        cases=[ThresholdCase.model_validate(fields_of(one)) for one in found.cases],
        was_read=found.was_read,
        words=threshold_preview_words(found, now),
    )


def _refuse_impossible(given: ListChange) -> None:
    """Raise ApiInvalidField for a change of nothing, and for a name that no list can have."""
    if not given.model_fields_set:
        raise ApiInvalidField("body", "Give “name”, “evidence_days”, “archived” or “thresholds”.")
    if given.name is not None and (fault := list_name_fault(given.name)) is not None:
        raise ApiInvalidField("body.name", fault)
