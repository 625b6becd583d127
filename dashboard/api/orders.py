"""Orders over the API: the same figures as on their pages, their names, and their documents."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import Field

from dashboard.api.account_models import ApiModel
from dashboard.api.paging import BINARY, Page, number_in, page, sent, sent_file
from dashboard.api.parameter_types import AsKnownAt, At, CursorText, Limit, PathNumber
from dashboard.api.problem_responses import CONFLICT, NOT_FOUND, ApiNotFound
from dashboard.api.request_checks import ApiContext, api_router, past
from dashboard.orders.facts import read_order, read_orders
from dashboard.orders.order_json import head_json, order_json
from storage.model.core.accounts import Platform
from storage.model.core.orders import ClaimedTargets, ClaimedWhat, NameOutcome, OrderDocument, OrderName
from storage.model.orders.claims import Verdict
from storage.model.orders.cohort import Kind
from storage.orders.compliance_report import find_order
from storage.orders.documents import content_of, documents_of
from storage.orders.names import names_of
from storage.postgres.pool import transaction
from storage.postgres.recording_order import as_known


class OrderFacts(ApiModel):
    """A legal demand, as stored."""

    order_id: int
    reference: str
    """As in the document."""
    title: str
    issuer: str
    country: str
    legal_basis: str
    issued_at: datetime
    issued_from: datetime | None
    """If sources disagree on the date: the earliest claimed."""
    issued_to: datetime | None
    deadline_at: datetime | None
    named_count: int
    """How many accounts it names, watched or not."""
    known_at: datetime
    """When it became known."""


class Funnel(ApiModel):
    """From the names to the blocks; every number is of accounts, or of posts, each counted once.

    The counts of blocks are null if no account was read, because then nothing is known of them.
    """

    named: int
    names_on_file: int
    on_its_list: int
    watched: int
    read: int
    """Those on its list that were read at least once."""
    ever_blocked: int | None
    blocked_before_the_order: int | None
    blocked_now: int | None
    """At the requested time."""
    of_them_only_when_last_read: int | None
    restored: int | None
    gone_since: int | None


class OfPosts(ApiModel):
    """The counts of the posts that the order names. No other count of the order includes them."""

    funnel: Funnel


class _OrderHead(ApiModel):
    order: OrderFacts
    list: str
    """The list of its accounts and posts."""
    at: datetime
    as_known_at: datetime | None
    funnel: Funnel


class Order(_OrderHead):
    """An order and how far it was followed at a time."""

    posts: OfPosts | None
    """Null: it names no post."""


class OrderKind(ApiModel):
    """Accounts, or posts, of its list in one kind of state; the kinds are never summed."""

    kind: Kind
    count: int
    last_known_only: int
    """Those that were so when last read, which was too long ago to count as current."""
    counts_as_blocked: bool


class Step(ApiModel):
    """How many were blocked from a moment on, with the band that the readings leave open.

    Each is null as long as no account had been read.
    """

    at: datetime
    blocked: int | None
    at_least: int | None
    at_most: int | None
    withheld: int | None
    suspended: int | None
    not_checked: int


class Claim(ApiModel):
    """A number that somebody stated, beside what was observed of it."""

    at: datetime
    text: str
    source: str
    claimed: int
    of: int | None
    at_least: bool
    what: ClaimedWhat
    targets: ClaimedTargets | None
    """Whether it counts accounts, posts or both. Null: its source does not say."""
    compared_with: ClaimedTargets
    """What the observed numbers count: `targets`. If that is null, accounts, or posts if the order names only
    posts.
    """
    observed_low: int | None
    """Null if none of them was read then."""
    observed_high: int | None
    not_observed: int | None
    """Null if it is not known how many the order names. Orders say how many accounts they name."""
    verdict: Verdict


class Outcomes(ApiModel):
    """Accounts, or posts, that the order names, each counted once. `named` is the sum of the others."""

    named: int
    resolved: int
    ambiguous: int
    unresolvable: int
    not_tried: int


class Names(ApiModel):
    """What became of the names in the order."""

    accounts: Outcomes
    posts: Outcomes
    not_observable: int
    """Addresses of accounts or posts on sites that Blockline does not read. They are in no other count."""
    withdrawn: int
    """Names that the order no longer names. They are in no other count."""


class WithdrawnName(ApiModel):
    """Why the order no longer names a name, and since when."""

    at: datetime
    by: str
    reason: str


class NameInOrder(ApiModel):
    """One name of an order, of an account or of a post."""

    name_id: int
    said: str
    """As written in the order."""
    platform: Platform | None
    handle: str | None
    post_id: str | None
    """Null: it names an account."""
    outcome: NameOutcome
    account_id: int | None
    """The account that it was found to be; null unless resolved."""
    note: str
    """Why it is not resolved, and what was cut from it."""
    source: str
    known_at: datetime
    resolved_at: datetime | None
    withdrawal: WithdrawnName | None
    """Null: the order names it."""


class Looks(ApiModel):
    """What one source found from one place."""

    source: str
    looked_from: str | None = Field(alias="from")
    """Where it looked from. Null if it does not say."""
    of: Literal["post", "account"]
    at_from: datetime | None
    at_to: datetime | None
    answers: dict[str, int]


class SeenByOthers(ApiModel):
    """What others found when they looked at its names."""

    accounts_by_kind: dict[str, int]
    answered_differently: int
    looks: list[Looks]


class Document(ApiModel):
    """A file that is attached to the order."""

    name: str
    media_type: str
    source: str
    sha256: str
    bytes: int
    added_at: datetime


class Documents(ApiModel):
    """The documents of an order, in the order in which they were attached."""

    documents: list[Document]


class BlockedTime(ApiModel):
    """A time in which an account was blocked, with the readings that bound it."""

    not_before: datetime | None
    first_seen: datetime
    last_seen: datetime | None
    seen_ended: datetime | None
    then: Kind | None


class OrderMember(ApiModel):
    """An account or a post on the order's list."""

    account_id: int
    platform: Platform
    handle: str
    watched: bool
    kind: Kind
    read_lately: bool
    last_read_at: datetime | None
    blocked: list[BlockedTime]


class PostsOfOrder(OfPosts):
    """All figures of the posts that the order names."""

    kinds: list[OrderKind]
    withheld_in: dict[str, int]
    at_deadline: Step | None
    curve: list[Step]
    posts: list[OrderMember]


class OrderDetail(_OrderHead):
    """All figures of an order at a moment."""

    sentences: list[str]
    """The same in English."""
    kinds: list[OrderKind]
    withheld_in: dict[str, int]
    """By country how many of its accounts are withheld there, as last confirmed."""
    at_deadline: Step | None
    """Null if there is no deadline, or if it is after the requested time."""
    claims: list[Claim]
    names: Names
    seen_by_others: SeenByOthers
    curve: list[Step]
    documents: list[Document]
    accounts: list[OrderMember]
    posts: PostsOfOrder | None


_Sha256 = Annotated[str, Path(alias="sha256", pattern="^[0-9a-f]{64}$", examples=["0" * 64])]


def order_routes(source: ApiContext) -> APIRouter:
    router = api_router(tags=["orders"])

    @router.get("/orders", response_model=Page[Order])
    async def list_orders(
        request: Request,
        at: At = None,
        as_known_at: AsKnownAt = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List orders issued by a time, with how far each was followed then, by number."""
        now = source.clock()
        known = past(as_known_at, "as_known_at", now)
        moment = past(at, "at", now) or known or now
        after = number_in(request, cursor) or 0
        async with as_known(source.pool, known) as conn:
            found = await read_orders(
                conn, moment, source.settings.gap_after, known, after=after, limit=limit + 1
            )
        return page(
            request,
            found,
            limit,
            lambda one: Order.model_validate(head_json(one)),
            lambda one: one.order.order_id,
        )

    @router.get("/orders/{order_id}", response_model=OrderDetail, responses=NOT_FOUND)
    async def show_order(
        request: Request, order_id: PathNumber, at: At = None, as_known_at: AsKnownAt = None
    ) -> Response:
        """Get all figures of an order at a time."""
        now = source.clock()
        known = past(as_known_at, "as_known_at", now)
        moment = past(at, "at", now) or known or now
        async with as_known(source.pool, known) as conn:
            found = await read_order(conn, order_id, moment, source.settings.gap_after, known)
        if found is None:
            raise ApiNotFound("There is no such order.")
        return sent(request, OrderDetail.model_validate(order_json(found)))

    @router.get("/orders/{order_id}/names", response_model=Page[NameInOrder], responses=NOT_FOUND)
    async def list_names(
        request: Request,
        order_id: PathNumber,
        as_known_at: AsKnownAt = None,
        limit: Limit = 100,
        cursor: CursorText = None,
    ) -> Response:
        """List the names of an order, each with its outcome, in the order in which they were added."""
        known = past(as_known_at, "as_known_at", source.clock())
        after = number_in(request, cursor) or 0
        async with as_known(source.pool, known) as conn:
            if await find_order(conn, order_id, known) is None:
                raise ApiNotFound("There is no such order.")
            names = await names_of(conn, order_id, known)
        found = [name for name in names if name.order_name_id > after][: limit + 1]
        return page(request, found, limit, _name, lambda one: one.order_name_id)

    @router.get("/orders/{order_id}/documents", response_model=Documents, responses=NOT_FOUND)
    async def list_documents(request: Request, order_id: PathNumber) -> Response:
        """List the documents of an order, in the order in which they were attached."""
        async with transaction(source.pool) as conn:
            if await find_order(conn, order_id) is None:
                raise no_order(order_id)
            found = await documents_of(conn, order_id)
        return sent(request, Documents(documents=[document_of(one) for one in found]))

    @router.get(
        "/orders/{order_id}/documents/{sha256}",
        response_class=Response,
        responses={
            **NOT_FOUND,
            **CONFLICT,
            200: {
                "description": "The file, unchanged since it was attached.",
                "content": {BINARY: {"schema": {"type": "string", "format": "binary"}}},
            },
        },
    )
    async def document(request: Request, order_id: PathNumber, digest: _Sha256) -> Response:
        """Download a document. 409 means that its content no longer matches its hash."""
        async with transaction(source.pool) as conn:
            if await find_order(conn, order_id) is None:
                raise no_order(order_id)
            if all(one.sha256 != digest for one in await documents_of(conn, order_id)):
                raise ApiNotFound("There is no such document.")
            found, content = await content_of(conn, order_id, digest)
        return sent_file(request, found.name, content)

    return router


def no_order(order_id: int) -> ApiNotFound:
    """Return the answer for an order that is not stored."""
    return ApiNotFound(f"There is no order {order_id}.")


def document_of(found: OrderDocument) -> Document:
    """Return the document as the API has it."""
    return Document(
        name=found.name,
        media_type=found.media_type,
        source=found.source,
        sha256=found.sha256,
        bytes=found.size,
        added_at=found.added_at,
    )


def _name(found: OrderName) -> NameInOrder:
    gone = found.withdrawal
    return NameInOrder(
        name_id=found.order_name_id,
        said=found.said,
        platform=found.platform,
        handle=found.handle,
        post_id=found.post_id,
        outcome=found.outcome,
        account_id=found.account_id,
        note=found.note,
        source=found.source,
        known_at=found.known_at,
        resolved_at=found.resolved_at,
        withdrawal=None if gone is None else WithdrawnName(at=gone.at, by=gone.by, reason=gone.reason),
    )
