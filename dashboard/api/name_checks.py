"""Names that a program wants to be looked up, and accounts that it has watched, stopped or watched again."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field, StrictInt

from dashboard.api.account_edits import AccountNumber, AccountsEdited, Analyst, ApiInput, Tag, edited, made
from dashboard.api.account_models import ApiModel
from dashboard.api.paging import sent
from dashboard.api.parameter_types import LARGEST_ID, PathNumber, Text, storable
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router
from dashboard.asgi.off_loop import off_loop
from storage.accounts.name_checks import NameCheck, lines_of, name_check, open_check, watch_lines
from storage.accounts.watching import stop_watching_many, watch_again
from storage.model.core.accounts import Platform
from storage.model.tables.csv_rows import TableError
from storage.model.tables.name_check import MOST_LINES, CheckedLine, CheckLine, LineStatus, check_lines
from storage.model.tables.tag_and_list_edits import LONGEST_LIST_NAME, MOST_AT_ONCE, list_name_fault
from storage.model.tables.watch_import_plan import WatchLineResult
from storage.postgres.pool import Conn, transaction

LARGEST_TEXT = 900_000
_SOURCE = "API"


class NamesToCheck(ApiInput):
    """Names to be looked up: handles, ids or addresses of profiles and posts in any mix, or a CSV table."""

    text: Annotated[
        str,
        Field(
            min_length=1,
            max_length=LARGEST_TEXT,
            examples=["x:NASA\nnasa.gov\n@name@social.example"],
            json_schema_extra={"pattern": "^[^\\u0000]*$"},
        ),
        AfterValidator(storable),
    ]
    """Names with line ends, commas or spaces between; or a table with a header line that names the columns
    platform and handle.
    """
    platform: Platform | None = None
    """The platform of handles that name none. Null: such a handle is ambiguous."""
    source: Text = _SOURCE
    """Where the names stand, for the audit log."""


class CheckedName(ApiModel):
    """One name, and what it means."""

    position: int
    """Its place among the names, counted from 1."""
    line: int
    words: str
    platform: Platform | None
    status: LineStatus
    """`waiting` and `no answer yet`: its platform is asked by a process with the role collect."""
    native_id: str | None
    """The id of the account that it means; null if it means none that is known."""
    handle: str | None
    post_id: str | None
    """The id of the post, if the name is one: the account is its author."""
    account_id: int | None
    """Blockline's number of the account, if it is stored."""
    note: str
    """Why it means no account, or what else is to be known. May be empty."""
    done: str
    """What was done with the account. Empty for nothing."""


class NameCheckRead(ApiModel):
    """A check of names. It is kept for 30 days."""

    name_check_id: int
    made_at: datetime
    made_by: str
    source: str
    open: int
    """The names of which an answer is still to come. Read the check again until it is 0."""
    names: list[CheckedName]


class AccountGiven(ApiInput):
    """An account with the id that its platform gave it."""

    platform: Platform
    account_id: Annotated[
        str, Field(min_length=1, max_length=400, examples=["11348282"]), AfterValidator(storable)
    ]
    """The platform's own id."""
    handle: Annotated[str, Field(min_length=1, max_length=400, examples=["NASA"]), AfterValidator(storable)]


class AccountsGiven(ApiInput):
    """Accounts to be watched: lines of a name check, or accounts with their ids, not both."""

    name_check_id: Annotated[StrictInt, Field(ge=1, le=LARGEST_ID)] | None = None
    positions: (
        Annotated[tuple[Annotated[StrictInt, Field(ge=1, le=MOST_LINES)], ...], Field(max_length=MOST_LINES)]
        | None
    ) = None
    """The names of the check to watch. Null: all that mean an account."""
    accounts: Annotated[tuple[AccountGiven, ...], Field(max_length=5_000)] = ()
    list: Annotated[str, Field(min_length=1, max_length=LONGEST_LIST_NAME, examples=["Farmers"])] | None = (
        None
    )
    """The list to put them on; it is made if it does not exist."""
    tags: Annotated[tuple[Tag, ...], Field(max_length=50)] = ()


class AccountWatched(ApiModel):
    """What was done with one account."""

    line: int
    account: str
    done: str
    changed: bool


class AccountsWatched(ApiModel):
    """The accounts that are watched now, and what this changed."""

    watched: int
    changed: int
    accounts: list[AccountWatched]


class WatchGiven(ApiInput):
    """Whether accounts are watched."""

    accounts: Annotated[tuple[AccountNumber, ...], Field(min_length=1, max_length=MOST_AT_ONCE)]
    """Blockline's numbers."""
    watched: bool
    """True reads them from now on; false stops reading them. Their history and their lists stay."""


def name_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["accounts"])

    @router.post("/name-checks", status_code=201, response_model=NameCheckRead)
    async def check_names(given: NamesToCheck, actor: Analyst) -> Response:
        """Look up what accounts names mean. Nothing is watched. Requires an analyst.

        Names of stored accounts are answered at once. The rest waits for the platforms: read the check again.
        """
        try:
            lines = await off_loop(check_lines, given.text, given.source, given.platform)
        except TableError as error:
            raise ApiInvalidField("body.text", str(error)) from error
        async with transaction(source.pool) as conn:
            check_id = await open_check(
                conn,
                lines,
                given.source,
                given.platform,
                source.settings.platforms,
                actor.name,
                source.clock(),
            )
            found = await _check(conn, check_id)
        return await off_loop(lambda: made(_read(*found)))

    @router.get("/name-checks/{name_check_id}", response_model=NameCheckRead, responses=NOT_FOUND)
    async def read_name_check(request: Request, name_check_id: PathNumber, _: Analyst) -> Response:
        """Get a check of names, with the answers so far. Requires an analyst."""
        async with transaction(source.pool) as conn:
            found = await _check(conn, name_check_id)
        return await off_loop(lambda: sent(request, _read(*found)))

    @router.post("/accounts", response_model=AccountsWatched, responses={**NOT_FOUND, **CONFLICT})
    async def add_accounts(request: Request, given: AccountsGiven, actor: Analyst) -> Response:
        """Watch accounts, and put them on a list and under tags. Requires an analyst."""
        if (given.name_check_id is None) == (not given.accounts):
            raise ApiInvalidField("body", "Give either “name_check_id” or “accounts”.")
        if given.list is not None and (fault := list_name_fault(given.list)) is not None:
            raise ApiInvalidField("body.list", fault)
        given_lines = await off_loop(_lines_of, given.accounts) if given.accounts else ()
        async with transaction(source.pool) as conn:
            now = source.clock()
            if given.name_check_id is None:
                read = source.settings.platforms
                check_id = await open_check(conn, given_lines, _SOURCE, None, read, actor.name, now)
            else:
                check_id = given.name_check_id
            check, lines = await _check(conn, check_id)
            chosen = [line.position for line in lines] if given.positions is None else given.positions
            lists = () if given.list is None else (given.list,)
            results = await watch_lines(conn, check, chosen, lists, given.tags, actor.name, now)
        return sent(request, _watched(results))

    @router.patch("/accounts", response_model=AccountsEdited)
    async def change_watching(request: Request, given: WatchGiven, actor: Analyst) -> Response:
        """Stop watching accounts, or watch stored ones again. Requires an analyst."""
        change: Any = watch_again if given.watched else stop_watching_many
        async with transaction(source.pool) as conn:
            edits = await change(conn, given.accounts, actor.name, source.clock())
        return sent(request, edited(edits, of_tags=False))

    return router


def _lines_of(accounts: Sequence[AccountGiven]) -> tuple[CheckLine, ...]:
    """Accounts with their ids as lines of a name check. Raises ApiInvalidField."""
    rows = [f"{one.platform.value},{_cell(one.handle)},{_cell(one.account_id)}" for one in accounts]
    table = "\n".join(["platform,handle,account_id", *rows])
    try:
        lines = check_lines(table, _SOURCE, None)
    except TableError as error:
        raise ApiInvalidField("body.accounts", str(error)) from error
    wrong = next((line for line in lines if line.fault), None)
    if wrong is not None:
        raise ApiInvalidField(f"body.accounts.{max(0, wrong.said.line - 2)}", wrong.fault)
    return lines


def _cell(text: str) -> str:
    quoted = " ".join(text.split()).replace('"', '""')
    return f'"{quoted}"'


async def _check(conn: Conn, check_id: int) -> tuple[NameCheck, list[CheckedLine]]:
    check = await name_check(conn, check_id)
    if check is None:
        raise ApiNotFound(f"There is no name check {check_id}.")
    return check, await lines_of(conn, check_id)


def _read(check: NameCheck, lines: list[CheckedLine]) -> NameCheckRead:
    return NameCheckRead(
        name_check_id=check.check_id,
        made_at=check.made_at,
        made_by=check.made_by,
        source=check.source,
        open=sum(line.is_open for line in lines),
        names=[
            CheckedName(
                position=line.position,
                line=line.said.line,
                words=line.said.words,
                platform=line.said.platform,
                status=line.status,
                native_id=None if line.found is None else line.found.native_id,
                handle=None if line.found is None else line.found.handle,
                post_id=line.said.post_id,
                account_id=line.account_id,
                note=line.note,
                done=line.done,
            )
            for line in lines
        ],
    )


def _watched(results: tuple[WatchLineResult, ...]) -> AccountsWatched:
    return AccountsWatched(
        watched=len(results),
        changed=sum(one.changed for one in results),
        accounts=[
            AccountWatched(line=one.line, account=one.what, done=one.did, changed=one.changed)
            for one in results
        ],
    )
