"""The accounts behind the figures of an order."""

from collections.abc import Sequence
from enum import StrEnum

from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures, read_order
from dashboard.ui import words
from dashboard.ui.figures import FigureAccounts, FigureRequest, FigureSource, time_in
from dashboard.ui.pages import number_in
from storage.model.causes.breakdown import CauseShare, breakdown
from storage.model.causes.words import KIND_WORDS
from storage.model.orders.claims import CheckedClaim
from storage.model.orders.cohort import CohortMember, CohortPart, Kind, by_kind
from storage.model.orders.curve import CurveLine, on_line
from storage.model.text.states import clean
from storage.model.text.target_counts import TargetCount
from storage.model.text.units import number

_NO_CAUSE = "none"
_PART_WORDS = {
    CohortPart.ON_ITS_LIST: "on its list",
    CohortPart.WATCHED: "on its list and watched",
    CohortPart.READ: "read at least once",
    CohortPart.EVER_BLOCKED: "seen blocked since the order",
    CohortPart.BLOCKED_BEFORE: "seen blocked before the order",
    CohortPart.BLOCKED_NOW: "blocked",
    CohortPart.BLOCKED_STALE: "blocked when last read, not read lately",
    CohortPart.RESTORED: "restored",
    CohortPart.GONE_SINCE: "gone since",
    CohortPart.NOT_SEEN_BLOCKED: "read, but never seen blocked since the order",
}


def part_figure(found: OrderFigures, part: CohortPart) -> str:
    """The name of a figure of the funnel."""
    return f"{_begin(found)}/part/{part.value}"


def kind_figure(found: OrderFigures, kind: Kind) -> str:
    return f"{_begin(found)}/kind/{kind.value}"


def claim_figure(found: OrderFigures, claim: CheckedClaim, *, possible: bool) -> str:
    """The name of the lowest number of accounts and posts that fit a claim, or of the highest."""
    which = "possible" if possible else "sure"
    return f"order/{found.order.order_id}/claim/{claim.event.order_event_id}/{which}"


def line_figure(found: OrderFigures, line: CurveLine) -> str:
    """The name of the figures of a line of the curve, without the time of one of them."""
    return f"{_begin(found)}/line/{line.value}"


def cause_figure(found: OrderFigures, share: CauseShare, *, restored: bool = False) -> str:
    """The name of the number of those that were seen blocked since the order, by their surest cause; or of
    those of them that were restored.
    """
    part = CohortPart.RESTORED if restored else CohortPart.EVER_BLOCKED
    return f"{_begin(found)}/cause/{_dashed(share.kind)}/{_dashed(share.confidence)}/{part.value}"


def _dashed(word: StrEnum | None) -> str:
    return _NO_CAUSE if word is None else word.value.replace(" ", "-")


def blocked_by_cause(found: OrderFigures) -> Sequence[CauseShare]:
    """Those that were seen blocked since the order, by their surest cause."""
    blocked = [m.account_id for m in found.parts[CohortPart.EVER_BLOCKED]]
    return breakdown((number, found.causes.get(number, ())) for number in blocked)


def cause_share_words(share: CauseShare) -> str:
    """What those of a share have in common."""
    if share.kind is None:
        return "cause not known"
    return f"cause: {KIND_WORDS[share.kind]}, {share.confidence}"


def _begin(found: OrderFigures) -> str:
    return f"order/{found.order.order_id}" + ("/posts" if found.noun == "post" else "")


async def _read(request: FigureRequest) -> FigureAccounts | None:
    match list(request.name):
        case [number, *which] if (order_id := number_in(number)) is not None:
            found = await read_order(request.conn, order_id, request.at, request.gap_after, request.at)
            return None if found is None else _accounts(found, which)
        case _:
            return None


def _accounts(found: OrderFigures, which: Sequence[str]) -> FigureAccounts | None:
    order, members = found.order, found.cohort.members
    match list(which):
        case ["posts", *of_posts]:
            return None if found.posts is None else _accounts(found.posts, of_posts)
        case ["part", name] if name in list(CohortPart):
            part = CohortPart(name)
            return _figure(found, _PART_WORDS[part], found.parts[part])
        case ["kind", name] if name in list(Kind):
            of_kind = by_kind(members, found.at).get(Kind(name), [])
            return _figure(found, order_words.kind_inside(Kind(name), order.country), of_kind)
        case ["line", name, written] if name in list(CurveLine) and (then := time_in(written)) is not None:
            line = CurveLine(name)
            what = f"{line_words(line, order.country)} at {words.exact(then)}"
            return _figure(found, what, on_line(members, line, then))
        case ["cause", kind, confidence, CohortPart.EVER_BLOCKED | CohortPart.RESTORED as part]:
            share = next(
                (
                    s
                    for s in blocked_by_cause(found)
                    if (_dashed(s.kind), _dashed(s.confidence)) == (kind, confidence)
                ),
                None,
            )
            if share is None:
                return None
            of_cause = [m for m in found.parts[CohortPart(part)] if m.account_id in share.numbers]
            return _figure(found, f"{_PART_WORDS[CohortPart(part)]}, {cause_share_words(share)}", of_cause)
        case ["claim", number, "sure" | "possible" as limit]:
            claim = next((c for c in found.claims if str(c.event.order_event_id) == number), None)
            if claim is None:
                return None
            ids = set(claim.sure if limit == "sure" else claim.possible)
            fits = "fitting" if limit == "sure" else "fitting or possibly fitting"
            about = f"{fits} the claim “{order_words.claim_words(claim.claim)}”"
            none = order_words.counted_targets(0, claim.compared)
            return _figure(found, about, [m for m in found.members if m.account_id in ids], none)
        case _:
            return None


def _figure(
    found: OrderFigures, what: str, members: Sequence[CohortMember], none: str | None = None
) -> FigureAccounts:
    """Name what is counted; `none` is said if that is nothing (None: of the kind that `found` counts)."""
    posts = sum(m.is_post for m in members)
    count = TargetCount(len(members) - posts, posts)
    said = count.words() if count else none or number(0, found.noun)
    order = clean(found.order.reference, 80)
    return FigureAccounts(f"{said} of order {order} ({what})", [m.account_id for m in members])


def line_words(line: CurveLine, country: str) -> str:
    """What a line of the curve counts."""
    match line:
        case CurveLine.BLOCKED:
            return "blocked"
        case CurveLine.WITHHELD:
            return f"withheld in {country}"
        case CurveLine.SUSPENDED:
            return "suspended everywhere"


ORDER_FIGURES = FigureSource("order", _read)
