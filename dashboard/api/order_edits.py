"""What people write about orders: each request is one transaction with its entry in the audit log."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from pydantic import AfterValidator, Field, StrictBool, StrictInt

from dashboard.api.account_edits import Analyst, ApiInput, made
from dashboard.api.account_models import ApiModel
from dashboard.api.orders import Document, OrderFacts, document_of, no_order
from dashboard.api.paging import BINARY, sent
from dashboard.api.parameter_types import Country, Moment, PathNumber, storable
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiInvalidField
from dashboard.api.request_checks import ApiContext, api_router
from dashboard.asgi.off_loop import off_loop
from storage.accounts.name_checks import open_check
from storage.model.core.accounts import Platform
from storage.model.core.orders import (
    Claim,
    ClaimedTargets,
    ClaimedWhat,
    NewOrder,
    NewOrderEvent,
    OrderDocument,
    OrderEventKind,
)
from storage.model.orders.order_fields import (
    LONGEST_TEXT,
    MOST_NAMED,
    NONE,
    OrderEdit,
    OrderFault,
)
from storage.model.orders.pasted_names import lines_of_names
from storage.model.orders.similar_orders import SimilarOrder
from storage.model.tables.csv_cells import CellError, keywords
from storage.model.tables.name_check import MOST_LINES, CheckLine
from storage.orders import order_edits
from storage.orders.checked_names import AddedNames, add_checked_names, similar_to_check
from storage.orders.documents import NewDocument, content_of, media_type_of
from storage.orders.orders import StoredOrder, order_numbered
from storage.postgres.pool import Conn, transaction

T = TypeVar("T")
OrderText = Annotated[
    str,
    Field(min_length=1, max_length=LONGEST_TEXT, json_schema_extra={"pattern": "^[^\\u0000]*$"}),
    AfterValidator(storable),
]


async def write(
    source: ApiContext,
    order_id: int,
    act: Callable[[Conn, StoredOrder, datetime], Awaitable[T]],
    within: str = "body",
) -> T:
    """Do a write about an order in one transaction. Raises ApiNotFound, ApiInvalidField, Refused."""
    async with transaction(source.pool) as conn:
        try:
            return await act(conn, await order_of(conn, order_id), source.clock())
        except CellError as fault:
            raise invalid(fault, within) from fault


async def order_of(conn: Conn, order_id: int) -> StoredOrder:
    found = await order_numbered(conn, order_id)
    if found is None:
        raise no_order(order_id)
    return found


def invalid(fault: CellError, within: str = "body") -> ApiInvalidField:
    """A fault as the API names it: `list_name` is its field `list`, and a file is the body."""
    if not isinstance(fault, OrderFault) or not fault.fields:
        return ApiInvalidField(within, str(fault))
    name = fault.fields[0]
    if name == "content":
        return ApiInvalidField("body", str(fault))
    return ApiInvalidField(f"{within}.{_NAMES.get(name, name)}", str(fault))


_NAMES = {"list_name": "list"}


class NamesGiven(ApiInput):
    """Names of an order. Each is stored with its outcome; accounts and posts that are found are watched."""

    names: Annotated[tuple[OrderText, ...], Field(min_length=1, max_length=MOST_LINES, examples=[["x:NASA"]])]
    """Handles, ids, and addresses of profiles or posts, as they stand in the order."""
    platform: Platform | None = None
    """The platform of handles that name none. Null: such a handle is ambiguous."""
    source: Annotated[OrderText, Field(examples=["the Gazette, page 4"])] = "API"
    """Where the names stand."""


class NamesAdded(ApiModel):
    """The outcome of adding names to an order; `GET /orders/{order_id}/names` has each."""

    new: int
    again: int
    """Withdrawn names that the order has again."""
    before: int
    """Other names that it had before."""
    waiting: int
    """Names whose platform has not answered yet. They are looked up, and join the order when answered."""


class WithdrawalGiven(ApiInput):
    """Names that an order no longer names."""

    names: Annotated[tuple[OrderText, ...], Field(min_length=1, max_length=20_000, examples=[["x:NASA"]])]
    """As the order has them, word for word."""
    reason: Annotated[OrderText, Field(examples=["The ministry took the account off its list on 4 March."])]


class NamesWithdrawn(ApiModel):
    """The outcome of a withdrawal. The names stay visible, and their accounts and posts stay watched."""

    withdrawn: list[str]
    already: list[str]
    """Names that were withdrawn before."""
    left_list: int
    """Accounts that left the order's list, because no other name of the order means them."""
    posts_left_list: int
    """Posts that left it for the same reason. `left_list` does not count them."""
    named_count: int
    """How many accounts the order names now."""


def order_name_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["orders"])

    @router.post(
        "/orders/{order_id}/names",
        status_code=201,
        response_model=NamesAdded,
        responses={**NOT_FOUND, **CONFLICT},
    )
    async def add_names(order_id: PathNumber, given: NamesGiven, actor: Analyst) -> Response:
        """Add names to an order. Requires an analyst.

        A name that is stored already is not stored again; one that was withdrawn is named again.
        """

        lines = await off_loop(lines_of_names, given.names, given.platform)

        async def act(conn: Conn, stored: StoredOrder, now: datetime) -> AddedNames:
            check_id = await open_check_of(conn, source, given, lines, actor.name, now)
            return await add_checked_names(conn, stored, check_id, actor.name, now)

        return made(added_of(await write(source, order_id, act)))

    @router.post(
        "/orders/{order_id}/names/withdraw",
        response_model=NamesWithdrawn,
        responses={**NOT_FOUND, **CONFLICT},
    )
    async def withdraw_names(
        request: Request, order_id: PathNumber, given: WithdrawalGiven, actor: Analyst
    ) -> Response:
        """Withdraw names from an order, with a reason. Requires an analyst.

        They stay visible. To name them again, add them again.
        """

        async def act(conn: Conn, stored: StoredOrder, now: datetime) -> order_edits.WithdrawnNames:
            return await order_edits.withdraw_names(conn, stored, given.names, given.reason, actor.name, now)

        done = await write(source, order_id, act)
        return sent(
            request,
            NamesWithdrawn(
                withdrawn=list(done.withdrawn),
                already=list(done.already),
                left_list=done.left_list,
                posts_left_list=done.posts_left_list,
                named_count=done.named_count,
            ),
        )

    return router


async def open_check_of(
    conn: Conn, source: ApiContext, given: NamesGiven, lines: Sequence[CheckLine], actor: str, now: datetime
) -> int:
    """Store a check of `lines`. They were read without a connection, because 20,000 names take seconds."""
    return await open_check(conn, lines, given.source, given.platform, source.settings.platforms, actor, now)


def added_of(added: AddedNames) -> NamesAdded:
    return NamesAdded(new=added.new, again=added.again, before=added.before, waiting=added.open)


DOCUMENTS = "/orders/*/documents"
"""The addresses to which a body of `LARGEST_DOCUMENT` bytes may be sent; `*` is the number of an order."""


_FileName = Annotated[
    str,
    Query(min_length=1, max_length=255, examples=["order.pdf"], pattern="^[^\\x00-\\x1f/\\\\]+$"),
    AfterValidator(storable),
]
_Source = Annotated[
    str,
    Query(
        alias="source",
        min_length=1,
        max_length=LONGEST_TEXT,
        examples=["https://example.org/order.pdf"],
        pattern="^[^\\x00]*$",
    ),
    AfterValidator(storable),
]


def order_document_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["orders"])

    @router.post(
        "/orders/{order_id}/documents",
        status_code=201,
        response_model=Document,
        responses={**NOT_FOUND, **CONFLICT},
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {BINARY: {"schema": {"type": "string", "format": "binary", "minLength": 1}}},
            }
        },
    )
    async def attach(
        request: Request,
        order_id: PathNumber,
        name: _FileName,
        source_text: _Source,
        actor: Analyst,
    ) -> Response:
        """Attach a document of at most 20 MB, which is the body of the request. Requires an analyst.

        Attaching the same file again stores nothing and returns what is stored.
        """
        content = await request.body()
        document = NewDocument(name, media_type_of(name), source_text, content)

        async def act(conn: Conn, stored: StoredOrder, now: datetime) -> OrderDocument:
            await order_edits.attach_document(conn, stored, document, actor.name, now)
            found, _ = await content_of(conn, stored.order_id, sha256(content).hexdigest())
            return found

        return made(document_of(await write(source, order_id, act, "query")))

    return router


_Count = Annotated[StrictInt, Field(ge=0, le=MOST_NAMED)]
_Word = Annotated[
    str, Field(min_length=1, max_length=100, examples=["farmersprotest"]), AfterValidator(storable)
]


class OrderGiven(ApiInput):
    """An order to be stored."""

    reference: Annotated[OrderText, Field(examples=["MeitY 69A/2021-02-04"])]
    """As in the document. No two orders have the same."""
    title: Annotated[OrderText, Field(examples=["First list"])]
    issuer: Annotated[OrderText, Field(examples=["MeitY"])]
    country: Country
    legal_basis: Annotated[OrderText, Field(examples=["Section 69A IT Act"])]
    issued_at: Moment
    issued_from: Moment | None = None
    """If sources disagree on the date: the earliest claimed."""
    issued_to: Moment | None = None
    deadline_at: Moment | None = None
    named_count: _Count = 0
    """How many accounts it is said to name. It rises with the names that are stored."""
    list: OrderText | None = None
    """The list of its accounts. Null: it has the reference as its name."""
    names: NamesGiven | None = None
    """The names in it, as for `POST /orders/{order_id}/names`."""


class OrderFiled(ApiModel):
    """A stored order, and what a person should know about it."""

    order: OrderFacts
    names: NamesAdded | None
    """Null if the request had no names."""
    similar_orders: list[int]
    """Numbers of stored orders of the same country and day with mostly the same names."""
    list: str
    """The list of its accounts."""


class OrderChanges(ApiInput):
    """Fields of an order to change. A field that is not sent stays; null takes a time away."""

    title: OrderText | None = None
    issuer: OrderText | None = None
    country: Country | None = None
    legal_basis: OrderText | None = None
    issued_at: Moment | None = None
    issued_from: Moment | None = None
    issued_to: Moment | None = None
    deadline_at: Moment | None = None
    named_count: _Count | None = None
    list: OrderText | None = None
    """Renames the list of its accounts."""


class StoredOrderFacts(ApiModel):
    """An order as it is stored now."""

    order: OrderFacts
    list: str
    """The list of its accounts."""


class ClaimGiven(ApiInput):
    """The number in a statement: 126 of 257 acted on."""

    count: _Count
    of: _Count | None = None
    what: ClaimedWhat
    at_least: StrictBool = False
    targets: ClaimedTargets | None = None
    """Whether it counts accounts, posts or both. Null: the source does not say."""


class EventGiven(ApiInput):
    """A notice, claim, statement or ruling."""

    kind: OrderEventKind
    at: Moment
    at_from: Moment | None = None
    """If sources disagree on the date: the earliest claimed."""
    at_to: Moment | None = None
    text: Annotated[OrderText, Field(examples=["126 of the 257 handles were acted upon."])]
    source: Annotated[OrderText, Field(examples=["https://example.org/statement"])]
    claim: ClaimGiven | None = None


class EventStored(ApiModel):
    """The outcome of an event that was sent."""

    stored: bool
    """False: an event with this text at this time was stored before."""


class KeywordsGiven(ApiInput):
    """Keywords to add to an order and to remove from it."""

    add: Annotated[tuple[_Word, ...], Field(max_length=200)] = ()
    remove: Annotated[tuple[_Word, ...], Field(max_length=200)] = ()


class Keywords(ApiModel):
    """The keywords of an order."""

    keywords: list[str]


def order_writing_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["orders"])

    @router.post("/orders", status_code=201, response_model=OrderFiled, responses=CONFLICT)
    async def file_order(given: OrderGiven, actor: Analyst) -> Response:
        """Store an order with its names, and a list for its accounts. Requires an analyst.

        An order whose reference is stored is not changed: the answer is 409.
        """
        now = source.clock()
        names = given.names
        lines = () if names is None else await off_loop(lines_of_names, names.names, names.platform)
        order = NewOrder(
            **given.model_dump(exclude={"list", "names"}),
            list_name=given.list or given.reference,
            known_at=now,
        )
        async with transaction(source.pool) as conn:
            try:
                stored = await order_edits.file_order(conn, order, actor.name, now)
            except CellError as fault:
                raise invalid(fault) from fault
            added: NamesAdded | None = None
            similar: tuple[SimilarOrder, ...] = ()
            if names is not None:
                check_id = await open_check_of(conn, source, names, lines, actor.name, now)
                similar = await similar_to_check(conn, order, check_id)
                added = added_of(await add_checked_names(conn, stored, check_id, actor.name, now))
                stored = await order_of(conn, stored.order_id)
        return made(
            OrderFiled(
                order=_facts(stored).order,
                list=stored.order.list_name,
                names=added,
                similar_orders=[one.head.order_id for one in similar if one.head.order_id != stored.order_id],
            )
        )

    @router.patch("/orders/{order_id}", response_model=StoredOrderFacts, responses={**NOT_FOUND, **CONFLICT})
    async def change_order(
        request: Request, order_id: PathNumber, given: OrderChanges, actor: Analyst
    ) -> Response:
        """Change fields of an order. Requires an analyst. The audit log keeps the earlier values."""
        edit = _edit(given)

        async def act(conn: Conn, stored: StoredOrder, now: datetime) -> StoredOrder:
            await order_edits.change_order(conn, stored, edit, actor.name, now)
            return await order_of(conn, order_id)

        return sent(request, _facts(await write(source, order_id, act)))

    @router.post(
        "/orders/{order_id}/events",
        status_code=201,
        response_model=EventStored,
        responses={**NOT_FOUND, **CONFLICT},
    )
    async def add_event(order_id: PathNumber, given: EventGiven, actor: Analyst) -> Response:
        """Add a notice, claim, statement or ruling to an order. Requires an analyst."""

        async def act(conn: Conn, stored: StoredOrder, now: datetime) -> bool:
            claim = None if given.claim is None else Claim(**given.claim.model_dump())
            event = NewOrderEvent(
                order_reference=stored.order.reference,
                known_at=now,
                claim=claim,
                **given.model_dump(exclude={"claim"}),
            )
            return await order_edits.add_event(conn, event, actor.name, now)

        return made(EventStored(stored=await write(source, order_id, act)))

    @router.post("/orders/{order_id}/keywords", response_model=Keywords, responses=NOT_FOUND)
    async def change_keywords(
        request: Request, order_id: PathNumber, given: KeywordsGiven, actor: Analyst
    ) -> Response:
        """Add keywords to an order, and remove others. Requires an analyst."""

        async def act(conn: Conn, stored: StoredOrder, now: datetime) -> list[str]:
            add, remove = keywords(" ".join(given.add)), keywords(" ".join(given.remove))
            return await order_edits.edit_keywords(conn, stored, add, remove, actor.name, now)

        return sent(request, Keywords(keywords=await write(source, order_id, act)))

    return router


def _edit(given: OrderChanges) -> OrderEdit:
    values = given.model_dump(include=given.model_fields_set)
    taken_away: dict[str, Any] = {
        name: NONE for name in ("issued_from", "issued_to", "deadline_at") if values.get(name, "") is None
    }
    return OrderEdit(**{_FIELDS.get(name, name): value for name, value in (values | taken_away).items()})


_FIELDS = {"list": "list_name"}


def _facts(stored: StoredOrder) -> StoredOrderFacts:
    values = {name: getattr(stored.order, name) for name in OrderFacts.model_fields if name != "order_id"}
    return StoredOrderFacts(order=OrderFacts(order_id=stored.order_id, **values), list=stored.order.list_name)
