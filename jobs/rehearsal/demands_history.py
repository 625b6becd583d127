"""Pure: a table of legal demands as a history that can be rehearsed, with what has to be assumed for it.

Such a table says what a demand names and how others found these accounts and posts later, not when they
became so. For the rehearsal each is available first and becomes what was found at an assumed time after its
demand. The ids of accounts are invented: the table has none.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO

from collectors.simulator.history import COLUMNS, DETAIL, WITH_AUTHOR
from jobs.orders.formats import ImportedOrder
from storage.model.core.availability import State, Status
from storage.model.platforms.registry import USUAL_PLATFORM

ASSUMED = timedelta(hours=6)
"""How long after the day of its demand an account becomes what others found it to be."""
BEFORE = timedelta(days=1)
AFTER = timedelta(days=2)
_WORST_FIRST = (Status.WITHHELD, Status.SUSPENDED, Status.DEACTIVATED, Status.NOT_FOUND, Status.PROTECTED)


@dataclass(slots=True)
class _Named:
    """An account or a post that demands name."""

    handle: str
    post_id: str | None
    at: datetime
    """When it becomes what was found."""
    found: list[State] = field(default_factory=list[State])
    """Of a post: of itself."""
    author: list[State] = field(default_factory=list[State])
    """Of a post: of its author's account."""
    lists: dict[str, None] = field(default_factory=dict[str, None])


def in_time(
    orders: Sequence[ImportedOrder], start: datetime | None, end: datetime | None
) -> list[ImportedOrder]:
    """The orders that were issued from `start` until `end` (None: without a limit), by date."""
    some = [
        o
        for o in orders
        if (start is None or o.order.issued_at >= start) and (end is None or o.order.issued_at <= end)
    ]
    return sorted(some, key=lambda o: (o.order.issued_at, o.order.reference))


def history_of(orders: Sequence[ImportedOrder]) -> list[str]:
    """The lines of a history file, header first. What two demands name is on both lists, and changes once."""
    every: dict[str, _Named] = {}
    begin = min(o.order.issued_at for o in orders) - BEFORE
    for one in orders:
        at = (one.order.issued_to or one.order.issued_at) + ASSUMED
        for name in one.names:
            if name.handle is None:
                continue
            key = name.handle.lower() if name.post_id is None else f"post:{name.post_id}"
            named = every.setdefault(key, _Named(name.handle, name.post_id, at))
            named.lists[one.order.list_name] = None
            for check in one.checks.get(name.words, ()):
                if check.state is not None:
                    is_own = check.of_post is (name.post_id is not None)
                    (named.found if is_own else named.author).append(check.state)
    out = StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow((*COLUMNS, DETAIL))
    for n, named in enumerate(every.values(), 1):
        native_id = n if named.post_id is None else f"post:{named.post_id}"
        who, on = (USUAL_PLATFORM.value, native_id, named.handle), ";".join(named.lists)
        lines.writerow((*who, _time(begin), "available", "", on, ""))
        state, detail = _became(named)
        if state is not None:
            countries = " ".join(state.withheld_in)
            lines.writerow((*who, _time(named.at), state.status.value, countries, on, detail))
    return out.getvalue().splitlines()


def _became(named: _Named) -> tuple[State | None, str]:
    """What was found, and a detail of the history file. None: it stays available.

    A post is gone with an author who is suspended or protected, and X answers alike for both.
    """
    own, author = _worst(named.found), _worst(named.author)
    if named.post_id is None:
        return own, ""
    if author is not None and author.status in {Status.SUSPENDED, Status.PROTECTED}:
        return State(Status.NOT_FOUND), WITH_AUTHOR
    if own is not None:
        return own, ""
    if author is not None and author.status is Status.WITHHELD:
        return author, WITH_AUTHOR
    return (None if author is None else State(Status.NOT_FOUND)), ""


def until(orders: Sequence[ImportedOrder]) -> datetime:
    """When everything that was found has become so, and was read often enough."""
    return max(o.order.issued_to or o.order.issued_at for o in orders) + AFTER


def _worst(found: Sequence[State]) -> State | None:
    """Where looks disagree, what was done comes before an absence. None: it is available."""
    known = [s for s in found if s.status in _WORST_FIRST]
    return min(known, key=lambda s: _WORST_FIRST.index(s.status), default=None)


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
