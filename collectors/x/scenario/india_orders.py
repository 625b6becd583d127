"""Pure: the orders of the India 2021 scenario and what was publicly said about them, with sources.

The dates and figures are published ones, in our own words. Hours of orders, deadlines and references
are assumptions. Disputed dates stay ranges, and a claim stays a claim.
"""

from datetime import UTC, datetime

from collectors.x.scenario.india_cast import (
    LATE_REQUEST,
    NAMED_1,
    NAMED_2,
    NAMED_LATE,
    ORDER_1,
    ORDER_2,
)
from storage.model.core.orders import (
    Claim,
    ClaimedTargets,
    ClaimedWhat,
    NewOrder,
    NewOrderEvent,
    OrderEventKind,
)

_ISSUER = "Ministry of Electronics and Information Technology"
_BASIS = "Section 69A IT Act"

FIRST = "IN-69A-2021-01-31"
SECOND = "IN-69A-2021-02-04"
LATE = "IN-69A-2021-02-02"


def _utc(month: int, day: int, hour: int = 0, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2021, month, day, hour, minute, second, tzinfo=UTC)


def orders() -> tuple[NewOrder, ...]:
    """The three orders in the order in which they became known, the late one last."""
    return (
        NewOrder(
            reference=FIRST,
            title="Order 1",
            issuer=_ISSUER,
            country="IN",
            legal_basis=_BASIS,
            issued_at=_utc(1, 31, 6, 30),
            issued_from=_utc(1, 30),
            issued_to=_utc(2, 1),
            deadline_at=_utc(2, 2, 6, 30),
            named_count=NAMED_1,
            list_name=ORDER_1,
            known_at=_utc(1, 31, 9, 12, 40),
        ),
        NewOrder(
            reference=SECOND,
            title="Order 2",
            issuer=_ISSUER,
            country="IN",
            legal_basis=_BASIS,
            issued_at=_utc(2, 4, 6, 30),
            issued_from=None,
            issued_to=None,
            deadline_at=_utc(2, 6, 6, 30),
            named_count=NAMED_2,
            list_name=ORDER_2,
            known_at=_utc(2, 4, 8, 5, 22),
        ),
        NewOrder(
            reference=LATE,
            title="Request of 2 February",
            issuer=_ISSUER,
            country="IN",
            legal_basis=_BASIS,
            issued_at=_utc(2, 2, 6, 30),
            issued_from=None,
            issued_to=None,
            deadline_at=None,
            named_count=NAMED_LATE,
            list_name=LATE_REQUEST,
            known_at=_utc(2, 6, 9, 47, 31),
        ),
    )


def events() -> tuple[NewOrderEvent, ...]:
    """Notices, statements and claims by the time at which they became known."""
    return (
        _event(
            FIRST,
            OrderEventKind.NOTICE,
            _utc(2, 3, 11, 40),
            "Notice of non-compliance: an intermediary must obey the order; penal provisions are possible.",
            "financetom.com, timeline",
            at_from=_utc(2, 2, 18, 30),
            at_to=_utc(2, 3, 18, 30),
            known_at=_utc(2, 3, 13, 17, 51),
        ),
        _event(
            SECOND,
            OrderEventKind.STATEMENT,
            _utc(2, 8, 7, 15),
            "The order for 1,178 accounts becomes public, four days after the notices.",
            "github: ridhirebuts/ridhirebuts.github.io, post of 10 Feb 2021",
        ),
        _event(
            None,
            OrderEventKind.CLAIM,
            _utc(2, 8, 10, 30),
            "Press: the chief executive liked posts by foreign celebrities on the protest, some days before. "
            "Claimed, not observed: no ids, no times.",
            "odishabhaskar.com",
            at_from=_utc(2, 2),
            at_to=_utc(2, 8),
        ),
        _event(
            FIRST,
            OrderEventKind.CLAIM,
            _utc(2, 1, 14, 20),
            "Press: all 257 accounts are restored.",
            "press, 9 Feb 2021, of the evening of 1 Feb",
            known_at=_utc(2, 9, 5, 12, 40),
            claim=_accounts(257, 257, ClaimedWhat.RESTORED),
        ),
        _event(
            None,
            OrderEventKind.STATEMENT,
            _utc(2, 9, 6, 10),
            "The platform asks the minister for a formal dialogue.",
            "press, 9 Feb 2021",
        ),
        _event(
            None,
            OrderEventKind.CLAIM,
            _utc(2, 10, 5, 0),
            "The platform: more than 500 accounts permanently suspended. It does not say how many of them an "
            "order names.",
            "businesstoday.in, story 430995",
            claim=_accounts(500, None, ClaimedWhat.SUSPENDED, at_least=True),
        ),
        _event(
            None,
            OrderEventKind.CLAIM,
            _utc(2, 10, 5, 20),
            "The platform: a part of the accounts is withheld in India again. No number, no list.",
            "newsx.com",
        ),
        _event(
            FIRST,
            OrderEventKind.CLAIM,
            _utc(2, 11, 12),
            "126 of the 257 accounts acted upon; withheld and suspended are not distinguished.",
            "businesstoday.in, story 430995",
            claim=_accounts(126, 257, ClaimedWhat.ACTED_ON),
        ),
        _event(
            SECOND,
            OrderEventKind.CLAIM,
            _utc(2, 11, 12, 1),
            "583 of the 1,178 accounts acted upon; withheld and suspended are not distinguished.",
            "businesstoday.in, story 430995",
            claim=_accounts(583, 1_178, ClaimedWhat.ACTED_ON),
        ),
    )


def _accounts(count: int, of: int | None, what: ClaimedWhat, *, at_least: bool = False) -> Claim:
    return Claim(count, of, what, at_least, ClaimedTargets.ACCOUNTS)


def _event(
    order: str | None,
    kind: OrderEventKind,
    at: datetime,
    text: str,
    source: str,
    *,
    at_from: datetime | None = None,
    at_to: datetime | None = None,
    known_at: datetime | None = None,
    claim: Claim | None = None,
) -> NewOrderEvent:
    return NewOrderEvent(order, kind, at, at_from, at_to, text, source, known_at or at, claim)
