"""The data of the page of accounts over plain HTTP."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import JSONResponse, Response

from dashboard.accounts.table_columns import accounts_json, choices_json, past_json
from dashboard.asgi.off_loop import off_loop
from dashboard.asgi.refusals import LARGEST_ID, refusal, time_fault
from dashboard.asgi.settings import DashboardSettings
from dashboard.ui.figures import NO_FIGURE, FigureReader
from dashboard.ui.form_input import WrongInput
from dashboard.wire.compact_json import Json, ms
from storage.live.account_listings import (
    ListedNumbers,
    ListingColumn,
    ListingFilter,
    ListingSort,
    ListingStatus,
    count_accounts,
    count_posts,
    list_accounts,
)
from storage.live.accounts_table import AccountScope, accounts_shot, past_of
from storage.live.lists_and_executives import lists
from storage.model.core.accounts import TargetKind
from storage.model.tables.tag_and_list_edits import MOST_AT_ONCE
from storage.orders.orders import orders
from storage.postgres.pool import Pool, StorageError, transaction

MOST_ROWS = 200
"""Accounts in one block, and accounts whose past is in one answer: more rows than a screen has."""
PAST_FAULT = f"The parameter ids must be 1 to {MOST_ROWS} account numbers, separated by commas."
SHOWN = timedelta(days=30)
"""The time that is drawn beside each account."""
RECENT = timedelta(days=1)
"""The time in which a last reading is looked for at first."""
LISTINGS_BYTES = 64_000_000
"""How much of listings one process keeps."""
LISTED_AT_ONCE = 2
"""A listing of a million accounts takes the database seconds, and pages need its connections meanwhile."""
LAST_MS = 253_402_300_799_000
"""The end of the year 9999, which is as far as a datetime goes."""
LONGEST_FIGURE = 2_000
_DIGITS = 18
"""Of the longest number that fits the column for certain."""


@dataclass(slots=True)
class ListingParameters:
    """A filter and an order as the address says them; what is empty leaves out nobody."""

    whom: str = AccountScope.WATCHED
    q: str = ""
    status: str = ""
    country: str = ""
    list: str = ""
    order: str = ""
    tag: str = ""
    platform: str = ""
    kind: str = ""
    late: bool = False
    repeatedly_blocked: bool = False
    figure: Annotated[str, Query(max_length=LONGEST_FIGURE)] = ""
    at: datetime | None = None
    sort: str = ""


Asked = Annotated[ListingParameters, Depends()]


@dataclass(frozen=True, slots=True)
class ListingAsked:
    """A filter and an order. Two that are equal mean the same listing."""

    filter: ListingFilter
    sorts: tuple[ListingSort, ...]
    figure: str
    at: datetime | None
    """The moment of the figure."""


@dataclass(frozen=True, slots=True)
class AccountListing:
    ids: ListedNumbers
    now: datetime
    version: str
    """Equal for listings of the same accounts in the same order, whichever process made them."""


class NoFigure(Exception):
    """The figure whose accounts are asked for does not exist."""


@dataclass(slots=True)
class AccountListings:
    """Listings as they were at a moment. A process that does not have one makes it again, and `version` says
    whether it is the same: so a reader never gets blocks of two different orders.
    """

    pool: Pool
    clock: Callable[[], datetime]
    settings: DashboardSettings
    figures: FigureReader
    _kept: OrderedDict[tuple[ListingAsked, datetime], AccountListing] = field(
        default_factory=OrderedDict[tuple[ListingAsked, datetime], AccountListing]
    )
    _turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(LISTED_AT_ONCE))

    async def listing(self, asked: ListingAsked, now: datetime) -> AccountListing:
        """The listing as of `now`. Raises StorageError, and NoFigure."""
        key = asked, now
        async with self._turns:
            if (kept := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return kept
            wanted = asked.filter
            if asked.figure and asked.at is not None:
                found = await self.figures.read(asked.figure, asked.at)
                if found is None:
                    raise NoFigure
                wanted = replace(wanted, among=tuple(found.accounts))
            async with transaction(self.pool) as conn:
                read_after = now - self.settings.late_after
                ids = await list_accounts(conn, wanted, asked.sorts, now, read_after)
            version = blake2b(ids.tobytes(), digest_size=8).hexdigest()
            self._kept[key] = made = AccountListing(ids, now, version)
            while len(self._kept) > 1 and sum(k.ids.nbytes for k in self._kept.values()) > LISTINGS_BYTES:
                self._kept.popitem(last=False)
            return made


def account_list_routes(listings: AccountListings) -> APIRouter:
    """The accounts that a filter leaves. `/api/accounts` and `/api/accounts/ids` take all its parameters.

    - `/api/accounts?start=0&count=100&moment=`: some rows of the listing, as of a moment
    - `/api/accounts/ids`: the numbers of all of them, to select them
    - `/api/accounts/choices?whom=&figure=&at=`: what can be chosen
    - `/api/accounts/past?ids=1,2`: what is drawn beside those whose rows are on the screen
    """
    router, pool, clock, settings = APIRouter(), listings.pool, listings.clock, listings.settings

    @router.get("/api/accounts")
    async def accounts(
        asked: Asked,
        start: Annotated[int, Query(ge=0, le=LARGEST_ID)] = 0,
        count: Annotated[int, Query(ge=1, le=MOST_ROWS)] = 100,
        moment: Annotated[int | None, Query(ge=0, le=LAST_MS)] = None,
    ) -> Response:
        # In whole milliseconds, which is how the browser gives it back.
        now = datetime.fromtimestamp((ms(clock()) if moment is None else moment) / 1000, UTC)
        try:
            listing = await listings.listing(_listing_asked(asked, clock()), now)
            ids = listing.ids[start : start + count].tolist()
            async with transaction(pool) as conn:
                shot = await accounts_shot(conn, ids, now - RECENT, now, settings.gap_after)
        except (WrongInput, NoFigure, StorageError) as error:
            return _refused(error)
        place: Json = {"ids": ids, "shown": len(listing.ids), "listing": listing.version}
        sweep_every, gap_after = settings.sweep_every, settings.gap_after
        return await off_loop(
            lambda: JSONResponse({**place, **accounts_json(shot, now, sweep_every, gap_after)})
        )

    @router.get("/api/accounts/ids")
    async def all_ids(asked: Asked) -> Response:
        try:
            listing = await listings.listing(_listing_asked(asked, clock()), clock())
        except (WrongInput, NoFigure, StorageError) as error:
            return _refused(error)
        if len(listing.ids) > MOST_AT_ONCE:
            return refusal(
                422,
                f"{len(listing.ids):,} accounts and posts are shown. At most {MOST_AT_ONCE:,} can be "
                "selected at once. Use the filters to show fewer.",
            )
        return JSONResponse({"ids": listing.ids.tolist()})

    @router.get("/api/accounts/choices")
    async def choices(
        whom: Annotated[str, Query()] = AccountScope.WATCHED,
        figure: Annotated[str, Query(max_length=LONGEST_FIGURE)] = "",
        at: Annotated[datetime | None, Query()] = None,
    ) -> Response:
        now = clock()
        try:
            asked = _listing_asked(ListingParameters(whom=whom, figure=figure, at=at), now)
            behind = await listings.listing(asked, now) if figure else None
            async with transaction(pool) as conn:
                counts = await count_accounts(conn, asked.filter.scope, now, now - settings.late_after)
                beside = await lists(conn), await orders(conn, known_at=now)
                posts = 0 if behind is None else await count_posts(conn, behind.ids)
        except (WrongInput, NoFigure, StorageError) as error:
            return _refused(error)
        figured = None if behind is None else {"shown": len(behind.ids), "posts": posts}
        return JSONResponse({**choices_json(counts, *beside), "behind": figured})

    @router.get("/api/accounts/past")
    async def past(ids: Annotated[str, Query()] = "") -> Response:
        account_ids = ids_of(ids)
        if not 0 < len(account_ids) <= MOST_ROWS:
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


def _refused(error: Exception) -> Response:
    match error:
        case WrongInput():
            return refusal(422, str(error))
        case NoFigure():
            return refusal(404, NO_FIGURE)
        case _:
            return refusal(503, str(error))


def _listing_asked(given: ListingParameters, now: datetime) -> ListingAsked:
    """Raises WrongInput."""
    texts = (given.q, given.country, given.tag, given.platform, given.figure)
    if any("\0" in text for text in texts):
        raise WrongInput("A filter holds a character that no text can hold (U+0000).")
    if given.whom not in list(AccountScope):
        raise WrongInput(f"The parameter whom must be one of {', '.join(AccountScope)}.")
    if given.status and given.status not in list(ListingStatus):
        raise WrongInput(f"The parameter status must be one of {', '.join(ListingStatus)}.")
    if given.kind and given.kind not in list(TargetKind):
        raise WrongInput(f"The parameter kind must be one of {', '.join(TargetKind)}.")
    if given.figure and given.at is None:
        raise WrongInput("A figure needs its moment: set at, like 2021-02-11T12:00:00Z.")
    if given.at is not None and (fault := time_fault("at", given.at, now)) is not None:
        raise WrongInput(fault)
    return ListingAsked(
        ListingFilter(
            scope=AccountScope(given.whom),
            search=given.q,
            status=ListingStatus(given.status) if given.status else None,
            country=given.country or None,
            list_id=_number("list", given.list),
            order_id=_number("order", given.order),
            tag=given.tag or None,
            platform=given.platform or None,
            kind=TargetKind(given.kind) if given.kind else None,
            late=given.late,
            repeatedly_blocked=given.repeatedly_blocked,
        ),
        _sorts(given.sort),
        given.figure,
        given.at,
    )


def _number(name: str, text: str) -> int | None:
    if not text:
        return None
    if len(numbers := ids_of(text)) != 1:
        raise WrongInput(f"The parameter {name} must be a number.")
    return numbers[0]


def _sorts(text: str) -> tuple[ListingSort, ...]:
    """The order in "since:desc,handle". Each column counts once."""
    found: dict[ListingColumn, ListingSort] = {}
    for part in text.split(",") if text else ():
        column, _, way = part.partition(":")
        if column not in list(ListingColumn) or way not in {"", "asc", "desc"}:
            raise WrongInput(f"The parameter sort must hold columns of {', '.join(ListingColumn)}.")
        found.setdefault(ListingColumn(column), ListingSort(ListingColumn(column), way == "desc"))
    return tuple(found.values())


def ids_of(text: str) -> list[int]:
    """The numbers in "1,2"; none if anything else is in it, or a number that no account can have."""
    parts = text.split(",")
    whole = all(len(p) <= _DIGITS and p.isascii() and p.isdigit() for p in parts)
    return list(dict.fromkeys(map(int, parts))) if whole else []
