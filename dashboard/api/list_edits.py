"""What people write about lists. Each is one transaction with its entry in the audit log."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import Field, StrictBool, StrictInt

from dashboard.api.account_edits import AccountNumbers, AccountsEdited, Admin, Analyst, ApiInput, edited, made
from dashboard.api.lists_and_executives import WatchList, watch_list
from dashboard.api.paging import sent
from dashboard.api.parameter_types import PathNumber
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext
from storage.accounts.watch_lists import (
    archive_list,
    keep_evidence,
    list_row,
    make_list,
    put_accounts_on,
    rename_list,
    take_accounts_off,
)
from storage.model.tables.tag_and_list_edits import LONGEST_LIST_NAME, list_name_fault
from storage.postgres.pool import transaction

LONGEST_KEEPING = 36_500


class MembersGiven(ApiInput):
    """Accounts to add to a list and to remove from it. Whether they are read does not change."""

    add: AccountNumbers = ()
    remove: AccountNumbers = ()


class ListGiven(ApiInput):
    """A list to be made, without accounts."""

    name: Annotated[str, Field(min_length=1, max_length=LONGEST_LIST_NAME, examples=["Farmers"])]


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


class ChangedList(WatchList):
    """A list after it was changed."""

    rules_with_old_name: list[str]
    """Alert rules that name the list by its old name, and so no longer match it. Empty unless renamed."""


def list_writing_routes(source: ApiContext) -> APIRouter:
    router = APIRouter(tags=["lists"])

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
        """Rename or archive a list, or set how long its raw evidence is kept. Requires an admin."""
        _refuse_impossible(given)
        async with transaction(source.pool) as conn:
            before = await list_row(conn, list_id)
            if before is None:
                raise ApiNotFound(f"There is no list {list_id}.")
            now, rules = source.clock(), ()
            if "evidence_days" in given.model_fields_set:
                await keep_evidence(conn, before.name, given.evidence_days, actor.name, now)
            if given.archived is not None:
                await archive_list(conn, before.name, actor.name, now, archived=given.archived)
            if given.name is not None:
                rules = await rename_list(conn, before.name, given.name, actor.name, now)
            row = await list_row(conn, list_id) or before
        return sent(request, ChangedList(**watch_list(row).model_dump(), rules_with_old_name=list(rules)))

    return router


def _refuse_impossible(given: ListChange) -> None:
    """Raise ApiInvalidField for a change of nothing, and for a name that no list can have."""
    if not given.model_fields_set:
        raise ApiInvalidField("body", "Give “name”, “evidence_days” or “archived”.")
    if given.name is not None and (fault := list_name_fault(given.name)) is not None:
        raise ApiInvalidField("body.name", fault)
