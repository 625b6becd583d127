"""Single readings of an account, and the attempts that told nothing: both are proof that somebody looked."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from dashboard.api.account_models import ApiModel
from dashboard.api.paging import Page, key_in, page
from dashboard.api.parameter_types import AsKnownAt, CursorText, From, PathNumber, To
from dashboard.api.problem_responses import NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, ordered, past
from storage.accounts.lookup import is_on_file
from storage.model.core.availability import Flag, MissedReason, Status, Strength
from storage.postgres.pool import Conn, transaction
from storage.postgres.recording_order import as_known
from storage.readings.readings import StoredReading, attempts_of, readings_of

LONGEST = timedelta(days=366)
USUAL = timedelta(days=1)
MOST_READINGS = 5_000

ManyOfThem = Annotated[int, Query(ge=1, le=MOST_READINGS, description="Items of a page.")]


class Reading(ApiModel):
    """One conclusive answer about the account: it speaks of a moment between `asked_at` and `at`."""

    at: datetime
    asked_at: datetime
    status: Status
    """As it was understood then."""
    withheld_in: list[str]
    """Of countries in `silent_on` it is what was held already."""
    strength: Strength
    flags: list[Flag]
    silent_on: list[str]
    """Countries of which the answer said neither yes nor no."""
    roster_id: int
    """The set of accounts that was asked in one request."""
    recorded_at: datetime


class Miss(ApiModel):
    """An attempt that told nothing of the account. It never opens, closes or shortens anything."""

    at: datetime
    asked_at: datetime
    reason: MissedReason
    alone: bool
    """Others of the same request were answered."""
    roster_id: int
    recorded_at: datetime


def reading_routes(source: ApiContext) -> APIRouter:
    router = APIRouter(tags=["readings"])

    def span(since: datetime | None, until: datetime | None) -> tuple[datetime, datetime]:
        """The range, of a day by default. Raises ApiInvalidField for one that is longer than a year."""
        ordered(since, until)
        end = until or (since + USUAL if since is not None else source.clock())
        begin = since or end - USUAL
        if end - begin > LONGEST:
            raise ApiInvalidField(
                "query.from", f"At most {LONGEST.days} days at a time: name `from` and `to`."
            )
        return begin, end

    @router.get("/accounts/{account_id}/readings", response_model=Page[Reading], responses=NOT_FOUND)
    async def list_readings(
        request: Request,
        account_id: PathNumber,
        since: From = None,
        until: To = None,
        as_known_at: AsKnownAt = None,
        limit: ManyOfThem = 1000,
        cursor: CursorText = None,
    ) -> Response:
        """Single readings of the installation's own connection, oldest first: the last day by default."""
        begin, end = span(since, until)
        known = past(as_known_at, "as_known_at", source.clock())
        after = key_in(request, cursor)
        async with as_known(source.pool, known) as conn:
            await _refuse_unknown(conn, account_id)
            rows = await readings_of(conn, account_id, max(begin, after[0]) if after else begin, end, known)
        rows.sort(key=lambda r: (r.at, r.roster_id))
        left = [r for r in rows if after is None or (r.at, r.roster_id) > after]
        return page(request, left, limit, _reading, lambda r: (r.at, r.roster_id))

    @router.get("/accounts/{account_id}/missed", response_model=Page[Miss], responses=NOT_FOUND)
    async def list_missed(
        request: Request,
        account_id: PathNumber,
        since: From = None,
        until: To = None,
        limit: ManyOfThem = 1000,
        cursor: CursorText = None,
    ) -> Response:
        """The attempts that gave no reading and why, oldest first: those of the last day by default."""
        begin, end = span(since, until)
        after = key_in(request, cursor)
        async with transaction(source.pool) as conn:
            await _refuse_unknown(conn, account_id)
            rows = await attempts_of(conn, account_id, max(begin, after[0]) if after else begin, end)
        left = [m for m in rows if after is None or (m.at, m.roster_id) > after]
        return page(request, left, limit, Miss.model_validate, lambda m: (m.at, m.roster_id))

    return router


async def _refuse_unknown(conn: Conn, account_id: int) -> None:
    if not await is_on_file(conn, account_id):
        raise ApiNotFound(f"There is no account {account_id}.")


def _reading(row: StoredReading) -> Reading:
    return Reading.model_validate(
        {
            **row._asdict(),
            "status": row.state.status,
            "withheld_in": row.state.withheld_in,
            "flags": sorted(row.flags),
            "silent_on": sorted(row.silent_on),
        }
    )
