"""Stored accounts, one account with what is known about it and its readings, and every account at one time.

Readings, and attempts without a conclusive answer, both show that the account was asked for.
"""

from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from dashboard.api.account_models import Account, ApiModel, StateAt, account, state_at
from dashboard.api.paging import Page, key_in, number_in, page, sent
from dashboard.api.parameter_types import (
    AsKnownAt,
    At,
    CursorText,
    From,
    InCountry,
    InStatus,
    Limit,
    OfAccount,
    OfPosts,
    OnList,
    OnPlatform,
    PathNumber,
    RepeatedlyBlocked,
    Text,
    To,
)
from dashboard.api.problem_responses import NOT_FOUND, ApiInvalidField, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, ordered, past, refuse_unknown_list
from storage.accounts.handle_history import handles_of
from storage.accounts.lookup import is_stored
from storage.accounts.notes import notes_of
from storage.accounts.paged_accounts import AccountFilter, StateFilter, accounts_page, states_page
from storage.accounts.side_facts import facts_of
from storage.live.account_detail import renames_of
from storage.model.core.availability import Flag, MissedReason, Status, Strength
from storage.postgres.pool import Conn, transaction
from storage.postgres.recording_order import as_known
from storage.readings.readings import StoredReading, attempts_of, readings_of

LONGEST = timedelta(days=366)
USUAL = timedelta(days=1)
MOST_READINGS = 5_000

ManyOfThem = Annotated[int, Query(ge=1, le=MOST_READINGS, description="Items per page.")]


class Rename(ApiModel):
    """A change of handle between two readings of the account."""

    old_handle: str
    new_handle: str
    last_seen_old: datetime | None
    first_seen_new: datetime


class HandleRecord(ApiModel):
    """A handle in the platform's own public record, with its dates."""

    handle: str
    since: datetime
    """The date in the record, not a time of observation."""
    source: str
    first_seen_at: datetime
    """When Blockline first read it there."""


class Fact(ApiModel):
    """A fact seen in addition to the status. It never decides a status."""

    observer: str
    """Who observed it. Empty for the account's own platform."""
    kind: str
    value: str
    last_absent: datetime | None
    first_seen: datetime
    last_seen: datetime | None
    first_absent: datetime | None
    """It began after `last_absent`, and ended after `last_seen`; null if it was there when last read."""


class Note(ApiModel):
    """A note that a member of the team wrote about the account."""

    account_note_id: int
    written_at: datetime
    written_by: str
    text: str
    """Empty if a purge removed it."""
    withdrawn_at: datetime | None
    """Null if it was not withdrawn."""
    withdrawn_by: str | None


class AccountDetail(Account):
    """An account with its handles, side facts and notes, each newest first."""

    renames: list[Rename]
    handle_records: list[HandleRecord]
    facts: list[Fact]
    notes: list[Note]


def account_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["accounts"])

    @router.get("/accounts", response_model=Page[Account], responses=NOT_FOUND)
    async def list_accounts(
        request: Request,
        platform: OnPlatform = None,
        list_name: OnList = None,
        status: InStatus = None,
        country: InCountry = None,
        order: Annotated[
            Text | None, Query(description="Only accounts on the list of the order with this reference.")
        ] = None,
        tag: Annotated[Text | None, Query(description="Only accounts with this tag.")] = None,
        q: Annotated[
            Text | None, Query(description="Part of a present or earlier handle, or a complete id.")
        ] = None,
        watched: Annotated[
            bool | None, Query(description="True: only accounts that are read now. False: only others.")
        ] = None,
        post: OfPosts = None,
        repeatedly_blocked: RepeatedlyBlocked = False,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List accounts and posts, watched or not, by number, each with its last confirmed state."""
        after = number_in(request, cursor) or 0
        wanted = AccountFilter(
            platform=platform,
            list_name=list_name,
            statuses=status,
            country=country,
            order_reference=order,
            tag=tag,
            text=q,
            watched=watched,
            post=post,
            repeatedly_blocked=repeatedly_blocked,
        )
        async with transaction(source.pool) as conn:
            await refuse_unknown_list(conn, list_name)
            rows = await accounts_page(conn, wanted, source.clock(), after, limit + 1)
        return page(request, rows, limit, account, lambda row: row.account_id)

    @router.get("/accounts/{account_id}", response_model=AccountDetail, responses=NOT_FOUND)
    async def read_account(request: Request, account_id: PathNumber) -> Response:
        """Get an account with its handles, side facts and notes."""
        now = source.clock()
        async with transaction(source.pool) as conn:
            rows = await accounts_page(conn, AccountFilter(account_id=account_id), now, 0, 1)
            if not rows:
                raise ApiNotFound(f"There is no account {account_id}.")
            detail = AccountDetail(
                **account(rows[0]).model_dump(),
                renames=[
                    Rename(
                        old_handle=r.old,
                        new_handle=r.new,
                        last_seen_old=r.last_seen_old,
                        first_seen_new=r.first_seen_new,
                    )
                    for r in await renames_of(conn, account_id)
                ],
                handle_records=[HandleRecord.model_validate(h) for h in await handles_of(conn, account_id)],
                facts=[Fact.model_validate(f) for f in await facts_of(conn, account_id)],
                notes=[Note.model_validate(n) for n in await notes_of(conn, account_id)],
            )
        return sent(request, detail)

    @router.get("/statuses", response_model=Page[StateAt], responses=NOT_FOUND)
    async def list_statuses(
        request: Request,
        at: At = None,
        as_known_at: AsKnownAt = None,
        platform: OnPlatform = None,
        list_name: OnList = None,
        status: InStatus = None,
        country: InCountry = None,
        account_id: OfAccount = None,
        post: OfPosts = None,
        repeatedly_blocked: RepeatedlyBlocked = False,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List every account and post with the state confirmed for a time, as the export of states does."""
        now = source.clock()
        moment, known = past(at, "at", now) or now, past(as_known_at, "as_known_at", now)
        after = number_in(request, cursor) or 0
        wanted = StateFilter(platform, list_name, status, country, account_id, post, repeatedly_blocked)
        async with as_known(source.pool, known) as conn:
            await refuse_unknown_list(conn, list_name)
            rows = await states_page(conn, wanted, moment, known or now, after, limit + 1)
        return page(request, rows, limit, state_at, lambda row: row.account_id)

    return router


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
    router = api_router(tags=["readings"])

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
