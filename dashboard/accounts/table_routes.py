"""The data of the page of accounts over plain HTTP."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse, Response

from dashboard.accounts.table_columns import accounts_json, past_json
from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.refusals import refusal
from dashboard.asgi.settings import DashboardSettings
from storage.live.accounts_table import AccountScope, accounts_shot, past_of
from storage.live.lists_and_executives import lists
from storage.orders.orders import orders
from storage.postgres.pool import Pool, StorageError, transaction

WHOM_FAULT = f"The parameter whom must be one of {', '.join(AccountScope)}."
MOST_PAST = 200
"""Accounts whose past is in one answer: more rows than a screen has."""
PAST_FAULT = f"The parameter ids must be 1 to {MOST_PAST} account numbers, separated by commas."
SHOWN = timedelta(days=30)
"""The time that is drawn beside each account."""
RECENT = timedelta(days=1)
"""The time in which a last reading is looked for at first."""
_DIGITS = 18
"""Of the longest number that fits the column for certain."""


def account_list_routes(pool: Pool, clock: Callable[[], datetime], settings: DashboardSettings) -> APIRouter:
    """`/api/accounts?whom=watched|file|all`: everybody, for the page that filters and sorts by itself; and
    `/api/accounts/past?ids=1,2`: what is drawn beside those whose rows are on the screen.
    """
    router = APIRouter()

    @router.get("/api/accounts")
    async def accounts(whom: Annotated[str, Query()] = AccountScope.WATCHED) -> Response:
        if whom not in list(AccountScope):
            return refusal(422, WHOM_FAULT)
        now = clock()
        try:
            async with transaction(pool) as conn:
                shot = await accounts_shot(conn, AccountScope(whom), now - RECENT, now, settings.gap_after)
                beside = await lists(conn), await orders(conn, known_at=now)
        except StorageError as error:
            return refusal(503, str(error))
        sweep_every, gap_after = settings.sweep_every, settings.gap_after
        return await off_loop(lambda: JSONResponse(accounts_json(shot, *beside, now, sweep_every, gap_after)))

    @router.get("/api/accounts/past")
    async def past(ids: Annotated[str, Query()] = "") -> Response:
        account_ids = ids_of(ids)
        if not 0 < len(account_ids) <= MOST_PAST:
            return refusal(422, PAST_FAULT)
        now = clock()
        since = now - SHOWN
        try:
            async with transaction(pool) as conn:
                found = await past_of(conn, account_ids, since, now, settings.gap_after)
        except StorageError as error:
            return refusal(503, str(error))
        return await off_loop(lambda: JSONResponse(past_json(found, since, now)))

    return router


def ids_of(text: str) -> list[int]:
    """The numbers in "1,2"; none if anything else is in it, or a number that no account can have."""
    parts = text.split(",")
    whole = all(len(p) <= _DIGITS and p.isascii() and p.isdigit() for p in parts)
    return list(dict.fromkeys(map(int, parts))) if whole else []
