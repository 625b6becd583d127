"""Lists, the people whose acts are collected, and those acts."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from dashboard.api.account_models import ApiModel, fields_of
from dashboard.api.paging import Page, key_in, number_in, page, sent
from dashboard.api.parameter_types import (
    AsKnownAt,
    CursorText,
    From,
    Limit,
    Number,
    OnPlatform,
    PathNumber,
    To,
)
from dashboard.api.problem_responses import NOT_FOUND, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, ordered, past
from dashboard.executives.words import observability
from storage.accounts.evidence_retention import ListRule
from storage.accounts.watch_lists import ListRow, list_row, lists_page
from storage.executives.executives_report import PersonAccount, people
from storage.executives.paged_signals import SignalFilter, SignalRow, signals_page
from storage.model.core.accounts import Platform
from storage.model.core.signals import Doubt, SignalKind
from storage.postgres.pool import transaction
from storage.postgres.recording_order import as_known


class ConfirmationThresholds(ApiModel):
    """How many agreeing readings confirm a change."""

    strong_readings: int
    """For what the platform states itself."""
    weak_readings: int
    """For a mere absence."""


class WatchList(ApiModel):
    """A named set of accounts and posts."""

    list_id: int
    name: str
    created_at: datetime
    accounts: int
    """Number of accounts and posts on it."""
    posts: int
    """Number of posts on it."""
    watched: int
    """Number of accounts and posts that are read. The others are stored for their history only."""
    order_id: int | None
    """The order that the list belongs to."""
    order_reference: str | None
    evidence_days: int | None
    """How long raw evidence of its accounts is kept; null for no limit. Hashes, states and times stay."""
    archived_at: datetime | None
    """Since when it is archived: it keeps its accounts, and no account can be added. Null if it is in use."""
    thresholds: ConfirmationThresholds | None
    """How many agreeing readings it asks for. Null for the default ones. An account on several lists needs
    the most that any of them asks for.
    """


class Observable(ApiModel):
    """Whether a kind of engagement of an account can be seen. One that cannot is never counted as zero."""

    kind: SignalKind
    observable: bool
    state: str
    """Such as "not observable since June 2024"."""
    reason: str


class Executive(ApiModel):
    """An account whose engagements are collected."""

    account_id: int
    platform: Platform
    native_id: str
    handle: str
    name: str
    title: str
    last_polled_at: datetime | None
    acts: int
    """Stored engagements. Likely renames are not counted."""
    observability: list[Observable]


class Signal(ApiModel):
    """One visible engagement. If none is stored, that does not mean that nothing was done."""

    signal_id: int
    account_id: int
    """Blockline's number of the executive's account."""
    platform: Platform
    native_id: str
    handle: str
    name: str
    kind: SignalKind
    act_id: str
    """The platform's id of the engagement."""
    at: datetime
    """`made_at` if the platform states it, else `first_seen_at`."""
    made_at: datetime | None
    made_after: datetime | None
    first_seen_at: datetime
    target_id: str | None
    target_author_id: str | None
    """Native id of the account it is directed at; `@handle` if a record says no more."""
    doubts: list[Doubt]
    source: str
    """`import:NAME` for an imported record. Empty if Blockline saw it itself."""


def watching_routes(source: ApiContext) -> APIRouter:
    router = api_router()

    @router.get("/lists", response_model=Page[WatchList], tags=["lists"])
    async def list_lists(request: Request, limit: Limit = 100, cursor: CursorText = None) -> Response:
        """List all lists, by number."""
        after = number_in(request, cursor) or 0
        async with transaction(source.pool) as conn:
            rows = await lists_page(conn, after, limit + 1)
        return page(request, rows, limit, watch_list, lambda row: row.list_id)

    @router.get("/lists/{list_id}", response_model=WatchList, responses=NOT_FOUND, tags=["lists"])
    async def read_list(request: Request, list_id: PathNumber) -> Response:
        """Get a list. Its accounts are at `/accounts?list=NAME`."""
        async with transaction(source.pool) as conn:
            row = await list_row(conn, list_id)
        if row is None:
            raise ApiNotFound(f"There is no list {list_id}.")
        return sent(request, watch_list(row))

    @router.get("/executives", response_model=Page[Executive], tags=["executives"])
    async def list_executives(request: Request, limit: Limit = 100, cursor: CursorText = None) -> Response:
        """List accounts whose engagements are collected, with the kinds that can be seen, by number."""
        after = number_in(request, cursor) or 0
        async with transaction(source.pool) as conn:
            found = await people(conn, source.clock())
        accounts = [(person.name, a) for person in found for a in person.accounts if a.account_id > after]
        accounts.sort(key=lambda one: one[1].account_id)
        return page(request, accounts, limit, lambda one: executive(*one), lambda one: one[1].account_id)

    @router.get("/signals", response_model=Page[Signal], tags=["executives"])
    async def list_signals(
        request: Request,
        since: From = None,
        until: To = None,
        as_known_at: AsKnownAt = None,
        executive: Annotated[
            Number | None, Query(description="Only engagements of this account, by Blockline's number.")
        ] = None,
        kind: Annotated[
            list[SignalKind] | None, Query(description="Only engagements of one of these kinds.")
        ] = None,
        platform: OnPlatform = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List visible engagements of executives, newest first. They do not show the cause of a block."""
        ordered(since, until)
        known = past(as_known_at, "as_known_at", source.clock())
        before = key_in(request, cursor)
        wanted = SignalFilter(since, until, known, executive, kind, platform)
        async with as_known(source.pool, known) as conn:
            rows = await signals_page(conn, wanted, before, limit + 1)
        return page(request, rows, limit, _signal, lambda row: (row.at, row.signal_id))

    return router


def watch_list(row: ListRow) -> WatchList:
    kept = ListRule(row.list_id, row.name, row.keep_days, row.order_reference).days_kept
    own = None if row.thresholds is None else fields_of(row.thresholds)
    return WatchList.model_validate({**fields_of(row), "evidence_days": kept, "thresholds": own})


def executive(name: str, account: PersonAccount) -> Executive:
    seen = [Observable.model_validate(o) for o in observability(account)]
    return Executive.model_validate({**fields_of(account), "name": name, "observability": seen})


def _signal(row: SignalRow) -> Signal:
    return Signal.model_validate(fields_of(row))
