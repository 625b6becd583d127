"""Pure: a table of legal demands as a history that can be rehearsed, with what has to be assumed for it.

Such a table says whom a demand names and how others found these accounts later, not when they became so. For
the rehearsal each account is available first and becomes what was found at an assumed time after its demand.
Ids are invented: the table has none.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from io import StringIO

from collectors.simulator.history import COLUMNS
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
    """An account that demands name."""

    handle: str
    at: datetime
    """When it becomes what was found."""
    found: list[State] = field(default_factory=list[State])
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
    """The lines of a history file, header first. Whom two demands name is on both lists, and changes once."""
    accounts: dict[str, _Named] = {}
    begin = min(o.order.issued_at for o in orders) - BEFORE
    for one in orders:
        at = (one.order.issued_to or one.order.issued_at) + ASSUMED
        for name in one.names:
            if name.handle is None:
                continue
            account = accounts.setdefault(name.handle.lower(), _Named(name.handle, at))
            account.lists[one.order.list_name] = None
            checks = one.checks.get(name.words, ())
            account.found += [c.state for c in checks if c.state is not None and not c.of_post]
    out = StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    for n, account in enumerate(accounts.values(), 1):
        who, on = (USUAL_PLATFORM.value, n, account.handle), ";".join(account.lists)
        lines.writerow((*who, _time(begin), "available", "", on))
        state = _worst(account.found)
        if state is not None:
            lines.writerow((*who, _time(account.at), state.status.value, " ".join(state.withheld_in), on))
    return out.getvalue().splitlines()


def until(orders: Sequence[ImportedOrder]) -> datetime:
    """When everything that was found has become so, and was read often enough."""
    return max(o.order.issued_to or o.order.issued_at for o in orders) + AFTER


def _worst(found: Sequence[State]) -> State | None:
    """Where looks disagree, what was done to an account comes before its absence. None: it is available."""
    known = [s for s in found if s.status in _WORST_FIRST]
    return min(known, key=lambda s: _WORST_FIRST.index(s.status), default=None)


def _time(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")
