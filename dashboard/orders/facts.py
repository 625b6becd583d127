"""The figures of an order, computed once, so that page, API and report show the same."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from dashboard.asgi.off_loop import off_loop
from storage.causes.ledger import causes_of_blocks, causes_of_order
from storage.model.causes.causes import StatedCause, standing
from storage.model.core.orders import Order, OrderCheck, OrderDocument, OrderName
from storage.model.orders.claims import CheckedClaim, checked
from storage.model.orders.cohort import (
    CohortFunnel,
    CohortMember,
    CohortPart,
    CohortShare,
    by_part,
    funnel,
    shares,
)
from storage.model.orders.curve import CurveStep, curve, step_at
from storage.model.orders.outside_findings import NamedCounts, OrderNameCounts, Outside, count_names, outside
from storage.model.text.target_counts import Noun
from storage.orders.compliance_report import OrderCohort, cohort, coverage_of, find_order
from storage.orders.documents import documents_of
from storage.orders.names import checks_of, names_of
from storage.orders.orders import orders
from storage.postgres.pool import Conn
from storage.readings.coverage_report import CoverageReport


@dataclass(frozen=True, slots=True)
class OrderFigures:
    """An order at a moment, as known at a time: the figures of its accounts, or of its posts."""

    noun: Noun
    """What is counted."""
    cohort: OrderCohort
    """Its members are only those that are counted."""
    at: datetime
    known_at: datetime | None
    gap_after: timedelta
    parts: Mapping[CohortPart, Sequence[CohortMember]]
    """Its members by the figures of the funnel."""
    funnel: CohortFunnel
    shares: tuple[CohortShare, ...]
    steps: tuple[CurveStep, ...]
    at_deadline: CurveStep | None
    """The counts at the deadline; None when there is no deadline, or it lies after `at`."""
    claims: tuple[CheckedClaim, ...]
    """The claims with numbers, about accounts or posts, oldest first. Empty in the figures of posts."""
    said: tuple[OrderName, ...]
    """The names of the order, withdrawn ones included, in the order in which they were added."""
    names: OrderNameCounts
    outside: Outside
    documents: tuple[OrderDocument, ...]
    causes: Mapping[int, Sequence[StatedCause]]
    """What is said of each account or post and of its blocks since the order, by number, the surest first."""
    own_causes: tuple[StatedCause, ...]
    """What is said of the order itself, with the rows that were corrected or withdrawn."""
    posts: "OrderFigures | None"
    """The figures of its posts, which no other figure counts. None if the order names no post, and in the
    figures of posts.
    """

    @property
    def sections(self) -> tuple["OrderFigures", ...]:
        """The figures to show: of accounts, or of posts, or first of accounts and then of posts."""
        if self.posts is None:
            return (self,)
        has_accounts = self.cohort.members or self.funnel.named or self.names.accounts.named
        return (self, self.posts) if has_accounts else (self.posts,)

    @property
    def members(self) -> tuple[CohortMember, ...]:
        """The accounts and posts on its list, by handle, so that posts follow their author."""
        posts = () if self.posts is None else self.posts.cohort.members
        return tuple(sorted((*self.cohort.members, *posts), key=lambda m: (m.handle.lower(), m.account_id)))

    @property
    def order(self) -> Order:
        return self.cohort.order

    @property
    def outcomes(self) -> NamedCounts:
        """The outcomes of the names that are counted."""
        return self.names.posts if self.noun == "post" else self.names.accounts

    @property
    def watched(self) -> int:
        """How many are on its list. Every share is a share of them."""
        return len(self.cohort.members)


@dataclass(frozen=True, slots=True)
class OrderRecord:
    """What is stored with an order, besides the readings of its accounts."""

    names: tuple[OrderName, ...] = ()
    checks: tuple[OrderCheck, ...] = ()
    documents: tuple[OrderDocument, ...] = ()
    causes: Mapping[int, Sequence[StatedCause]] = field(default_factory=dict[int, Sequence[StatedCause]])
    """What is said of each account or post on its list and of its blocks since the order, by number, the
    surest first.
    """
    own_causes: tuple[StatedCause, ...] = ()
    """What is said of the order itself, with the rows that were corrected or withdrawn."""


async def read_order(
    conn: Conn, order_id: int, at: datetime, gap_after: timedelta, known_at: datetime | None = None
) -> OrderFigures | None:
    """Return the figures of an order at `at`, as known at `known_at` (None: now); None for no such order."""
    order = await find_order(conn, order_id, known_at)
    if order is None:
        return None
    coverage = await coverage_of(conn, [order], at, gap_after, known_at)
    return await _read(conn, order, at, gap_after, known_at, coverage)


async def read_orders(
    conn: Conn,
    at: datetime,
    gap_after: timedelta,
    known_at: datetime | None = None,
    *,
    after: int | None = None,
    limit: int | None = None,
) -> list[OrderFigures]:
    """Return the figures of every order that may have been issued by `at`, by date.

    With `after`, return up to `limit` of those with a higher number, by number.
    """
    issued = [o for o in await orders(conn, known_at) if o.earliest_issue <= at]
    if after is not None:
        numbered = sorted((o for o in issued if o.order_id > after), key=lambda o: o.order_id)
        issued = numbered[:limit]
    coverage = await coverage_of(conn, issued, at, gap_after, known_at)
    return [await _read(conn, o, at, gap_after, known_at, coverage) for o in issued]


async def _read(
    conn: Conn,
    order: Order,
    at: datetime,
    gap_after: timedelta,
    known_at: datetime | None,
    coverage: CoverageReport,
) -> OrderFigures:
    order_id = order.order_id
    documents = await documents_of(conn, order_id)
    names = await names_of(conn, order_id, known_at)
    checks = await checks_of(conn, order_id, known_at)
    members = await cohort(conn, order, at, coverage, known_at)
    numbers = [m.account_id for m in members.members]
    causes = await causes_of_blocks(conn, numbers, order.country, order.earliest_issue, known_at)
    own_causes = await causes_of_order(conn, order_id)
    return await off_loop(
        figures_of,
        members,
        OrderRecord(
            tuple(names),
            tuple(checks),
            tuple(d for d in documents if known_at is None or d.added_at <= known_at),
            {number: standing(said, known_at) for number, said in causes.items()},
            tuple(c for c in own_causes if known_at is None or c.recorded_at <= known_at),
        ),
        at,
        gap_after,
        known_at,
    )


def figures_of(
    found: OrderCohort,
    papers: OrderRecord,
    at: datetime,
    gap_after: timedelta,
    known_at: datetime | None = None,
) -> OrderFigures:
    """Pure: compute the figures of an order from its records."""
    names = count_names(papers.names)
    posts = tuple(m for m in found.members if m.is_post)
    moment = (at, gap_after, known_at)
    of_posts = None
    if posts or names.posts.named:
        # No order states how many posts it names, so its names and the posts on its list are counted.
        named = max(names.posts.named, len(posts))
        of_posts = _figures("post", replace(found, members=posts), papers, names, named, moment, None)
    accounts, order = tuple(m for m in found.members if not m.is_post), found.order
    own = [e for e in found.events if e.order_id == order.order_id and e.at <= at]
    claims = [checked(order, e, found.members, gap_after) for e in own]
    of_accounts = _figures(
        "account", replace(found, members=accounts), papers, names, order.named_count, moment, of_posts
    )
    return replace(of_accounts, claims=tuple(c for c in claims if c is not None))


def _figures(
    noun: Noun,
    found: OrderCohort,
    papers: OrderRecord,
    names: OrderNameCounts,
    named: int,
    moment: tuple[datetime, timedelta, datetime | None],
    posts: OrderFigures | None,
) -> OrderFigures:
    order, (at, gap_after, known_at) = found.order, moment
    steps = curve(found.members, min(found.since, at), at, gap_after)
    entered = (names.posts if noun == "post" else names.accounts).named
    parts = by_part(order, found.members, at, gap_after)
    past_deadline = order.deadline_at is not None and order.deadline_at <= at
    return OrderFigures(
        noun=noun,
        cohort=found,
        at=at,
        known_at=known_at,
        gap_after=gap_after,
        parts=parts,
        funnel=funnel(parts, named, entered),
        shares=shares(found.members, at, gap_after),
        steps=steps,
        at_deadline=step_at(steps, order.deadline_at) if past_deadline and order.deadline_at else None,
        claims=(),
        said=papers.names,
        names=names,
        outside=outside(order.country, papers.names, papers.checks),
        documents=papers.documents,
        causes=papers.causes,
        own_causes=papers.own_causes,
        posts=posts,
    )
