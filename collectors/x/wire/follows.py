"""Pure: whom an X user follows, page by page, and what reading it costs.

X shows the whole list at every reading and says no dates, so a follow is dated by two readings only.
It leaves out accounts that are suspended or closed (recalled): who is no longer listed need not have
been unfollowed.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from collectors.core.abilities import Follows
from collectors.core.collector import RequestFailure
from collectors.core.wire import WireFault, is_object
from collectors.x.wire.envelope import OpenPage, UnreadableResource, items_in, open_answer, open_page
from storage.model.core.availability import MissedReason

MAX_PAGES: Final = 15
"""Pages of a thousand that one reading may ask for: $150."""

MOST_FOLLOWS: Final = MAX_PAGES * 1000

PRICE_PER_USER_USD: Final = 0.010
"""Pay-per-use, for each user returned; the same user is billed once a UTC day (documented, not promised)."""


@dataclass(frozen=True, slots=True)
class FollowsPage:
    """One page of the list. `whole` is False when X says that it could not show somebody on it."""

    targets: tuple[tuple[str, str], ...]
    next_token: str | None
    whole: bool


class FollowsListing:
    """The pages of one reading, put together."""

    def __init__(self) -> None:
        self._targets: dict[str, str] = {}
        self._tokens: set[str] = set()
        self._whole = True
        self.pages = 0

    def add(self, page: FollowsPage) -> str | None:
        """Take in a page. The token of the next one, None when nothing more is to be asked."""
        self.pages += 1
        self._targets.update(page.targets)
        self._whole = self._whole and page.whole
        token = page.next_token
        if token is not None and (token in self._tokens or self.pages >= MAX_PAGES):
            self._whole = False
            return None
        if token is not None:
            self._tokens.add(token)
        return token

    def so_far(self, trouble: RequestFailure | None = None) -> Follows:
        """What was read; complete when no `trouble` ended it, nor anything that X left out."""
        complete = trouble is None and self._whole
        return Follows(tuple(self._targets.items()), complete, trouble)


def read_following(
    http_status: int, body: bytes, native_id: str
) -> FollowsPage | UnreadableResource | WireFault:
    """One page of `GET /2/users/:id/following`, or why nothing can be concluded. Never raises.

    A page is used whole or not at all: somebody who is passed over would look unfollowed.
    """
    page = open_page(http_status, body, native_id)
    if not isinstance(page, OpenPage):
        return page
    targets: list[tuple[str, str]] = []
    for item in page.items:
        target = item.get("id") if is_object(item) else None
        if not (isinstance(target, str) and target.isascii() and target.isdigit() and len(target) <= 19):
            return WireFault(MissedReason.MALFORMED, "a followed user has no usable id")
        handle = item.get("username") if is_object(item) else None
        targets.append((target, handle if isinstance(handle, str) else ""))
    return FollowsPage(tuple(targets), page.next_token, whole=not page.document.get("errors"))


def read_counts(http_status: int, body: bytes, asked: Sequence[str]) -> dict[str, int] | WireFault:
    """How many accounts each of the `asked` ids follows, by X's own count in a user lookup. Never raises.

    An id of which the answer states no count is not in the result.
    """
    document = open_answer(http_status, body)
    items = document if isinstance(document, WireFault) else items_in(document)
    if isinstance(items, WireFault):
        return items
    found: dict[str, int] = {}
    for item in items:
        if not is_object(item):
            continue
        native_id, metrics = item.get("id"), item.get("public_metrics")
        count = metrics.get("following_count") if is_object(metrics) else None
        if isinstance(native_id, str) and native_id in asked and type(count) is int and count >= 0:
            found[native_id] = count
    return found


def price_of(follow_counts: Iterable[int]) -> float:
    """What one reading of users who follow so many accounts costs at most, in US dollars.

    Less when they follow the same accounts: X bills an account once a UTC day.
    """
    return round(sum(follow_counts) * PRICE_PER_USER_USD, 2)


def price_sentence(follow_counts: Sequence[int]) -> str:
    """For whoever switches the reading on. The counts are X's own, one an executive."""
    n = len(follow_counts)
    who = "1 executive follows" if n == 1 else f"{n} executives follow"
    return f"Reading whom {who} costs about ${price_of(follow_counts):,.2f} each time they are read."
