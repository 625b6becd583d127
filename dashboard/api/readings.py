"""Readings of an account, and attempts without a conclusive answer. Both show that it was asked for."""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from dashboard.api.account_models import ApiModel
from dashboard.api.paging import Page, key_in, page
from dashboard.api.parameter_types import AsKnownAt, CursorText, From, PathNumber, To
from dashboard.api.problem_responses import NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, ordered, past
from storage.accounts.lookup import is_stored
from storage.model.core.availability import Flag, MissedReason, Status, Strength
from storage.postgres.pool import Conn, transaction
from storage.postgres.recording_order import as_known
from storage.readings.readings import StoredReading, attempts_of, readings_of

LONGEST = timedelta(days=366)
USUAL = timedelta(days=1)
MOST_READINGS = 5_000

ManyOfThem = Annotated[int, Query(ge=1, le=MOST_READINGS, description="Items per page.")]


class Reading(ApiModel):
    """One conclusive answer about the account. It describes a moment between `asked_at` and `at`."""

    at: datetime
    asked_at: datetime
    status: Status
    """The status as interpreted then."""
    withheld_in: list[str]
    """For countries in `silent_on`, what was already recorded."""
    strength: Strength
    flags: list[Flag]
    silent_on: list[str]
    """Countries about which the answer said neither yes nor no."""
    roster_id: int
    """The batch: the accounts that were asked for in one request."""
    recorded_at: datetime


class Miss(ApiModel):
    """An attempt without a conclusive answer. It never begins, ends or shortens a status period."""

    at: datetime
    asked_at: datetime
    reason: MissedReason
    alone: bool
    """True if other accounts in the request got an answer."""
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
                "query.from", f"The time range may be at most {LONGEST.days} days. Set `from` and `to`."
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
        """List readings from the installation's own connection, oldest first. Default: the last day."""
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
        """List attempts without a reading, with the reason, oldest first. Default: the last day."""
        begin, end = span(since, until)
        after = key_in(request, cursor)
        async with transaction(source.pool) as conn:
            await _refuse_unknown(conn, account_id)
            rows = await attempts_of(conn, account_id, max(begin, after[0]) if after else begin, end)
        left = [m for m in rows if after is None or (m.at, m.roster_id) > after]
        return page(request, left, limit, Miss.model_validate, lambda m: (m.at, m.roster_id))

    return router


async def _refuse_unknown(conn: Conn, account_id: int) -> None:
    if not await is_stored(conn, account_id):
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
