"""Pure: what a platform still lets all ask who share one credential or one address.

Whatever is given out counts as used, so that a taker who dies wastes a request and never causes one too many.
How many there are is only ever the platform's own word, and only when nothing else was under way as it spoke:
where nothing is known, one request goes alone and its answer tells.

It rests on three things: the clocks of all machines are right within a part of `GUARD`, what is sent arrives
within the rest of it, and every request is answered or given up within `PROBE_LASTS`. Only where so many
requests that went alone got no answer as a window has may the next one be one too many. What a machine
left whose clock is far ahead stops nobody.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final, TypeAlias

from storage.model.core.accounts import Platform

GUARD: Final = timedelta(seconds=3)
"""Before the end of a window and after it nothing is given, so that no request given in one is counted in the
next. X and Bluesky state the end in whole seconds, up to one too early (measured in their simulators).
"""
PROBE_LASTS: Final = timedelta(seconds=60)
"""Longer than a request can take: one that was not answered by then never will be."""
UNSTATED_LASTS: Final = timedelta(seconds=60)
LONGEST_WINDOW: Final = timedelta(minutes=15)
"""X counts in windows of 15 minutes, Bluesky and Mastodon of 5. After that anybody is asked anew."""
MOST_AHEAD: Final = timedelta(seconds=10)
"""A request is not given a time further ahead, unless fewer than `_QUEUED` are before it."""
_QUEUED: Final = 8
"""The most requests that one process makes at once. At a slow pace they wait instead of being refused."""
LOOK_AGAIN: Final = timedelta(seconds=0.25)
_DRAINED: Final = MOST_AHEAD + 2 * GUARD
_FURTHEST: Final = LONGEST_WINDOW + GUARD
"""Whatever is kept lies no further ahead, unless it was said by a clock that is wrong."""
_NO_NUMBER: Final = 0
LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)


class BudgetBasis(StrEnum):
    """What is known of how much may be asked."""

    UNKNOWN = "unknown"
    """Nothing: one request at a time, until an answer tells."""
    COUNTED = "counted"
    """The platform stated a limit, and when its window ends."""
    NO_LIMIT = "no_limit"
    """The platform answers and states no limit."""


class WhyNot(StrEnum):
    """Why somebody may not ask yet."""

    USED_UP = "used_up"
    DRAINING = "draining"
    """Requests under way must be answered before one is to tell how many there are."""
    PROBING = "probing"
    """Somebody else's request is to tell first how many there are, and is not answered yet."""
    PACE = "pace"
    UNREACHABLE = "unreachable"
    """The database in which all count does not answer."""


@dataclass(frozen=True, slots=True)
class BudgetPace:
    """How fast a place is asked by all together: one request each `gap`, `burst` at once after a rest."""

    gap: timedelta
    burst: int = 1

    @property
    def slack(self) -> timedelta:
        return self.gap * (self.burst - 1)

    @property
    def most_ahead(self) -> timedelta:
        """How far ahead a request may be given its time."""
        return max(MOST_AHEAD, self.gap * _QUEUED)


UNPACED: Final = BudgetPace(timedelta(0))


@dataclass(frozen=True, slots=True)
class Stated:
    """What an answer said of the limit. None: nothing of it."""

    limit: int | None = None
    remaining: int | None = None
    resets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """One request may go, from `go_at` on and before `until`. `number` goes back with the answer."""

    go_at: datetime
    until: datetime
    number: int
    left: int | None = None
    """How many were left of the window then; None where they are not counted."""
    free_until: datetime | None = None
    """Until then nobody need ask: the platform states no limit, and no pace is kept."""

    def says_nothing_new(self, stated: Stated | None, now: datetime) -> bool:
        """Whether the answer to this request tells nothing that was not known when it was given."""
        if stated is None or stated.remaining is None:
            return self.free_until is not None and self.free_until - now > UNSTATED_LASTS / 2
        return self.left is not None and stated.remaining >= self.left


@dataclass(frozen=True, slots=True)
class NotBefore:
    """No request may go; asking again makes sense at `at`."""

    at: datetime
    why: WhyNot


BudgetDecision: TypeAlias = Granted | NotBefore


@dataclass(frozen=True, slots=True)
class BudgetState:
    """What is known of one budget. `version` changes with every change."""

    basis: BudgetBasis = BudgetBasis.UNKNOWN
    until: datetime = LONG_AGO
    """Counted: the end of the window. No limit: when that is looked at again. Unknown: none goes before."""
    most: int | None = None
    left_over: int = 0
    """Of the window, those that nobody was given. Means something only while counted."""
    probe: int | None = None
    """Number of the request whose answer is to tell, and until when it is waited for."""
    probe_until: datetime = LONG_AGO
    busy_until: datetime = LONG_AGO
    """Until when those that were given keep the place busy."""
    version: int = 0

    def basis_at(self, now: datetime) -> BudgetBasis:
        """What counts at `now`: what was known may be over."""
        until = believed(self.until, now)
        lasts = {BudgetBasis.COUNTED: until + GUARD, BudgetBasis.NO_LIMIT: until}.get(self.basis)
        return BudgetBasis.UNKNOWN if lasts is None or now >= lasts else self.basis


@dataclass(frozen=True, slots=True)
class NamedBudget:
    """A budget as it is kept; `taken_at` is when somebody last asked for a request."""

    name: str
    platform: Platform
    taken_at: datetime
    budget: BudgetState


def believed(at: datetime, now: datetime) -> datetime:
    """A time that was kept, if a clock that is right can have said it: else it counts as long over."""
    return at if at <= now + _FURTHEST else LONG_AGO


def take(budget: BudgetState, now: datetime, pace: BudgetPace) -> tuple[BudgetState, BudgetDecision]:
    """Ask for one request. The same budget comes back when nothing has to be remembered."""
    number = budget.version + 1
    busy_until = believed(budget.busy_until, now)
    go_at = max(now, busy_until)
    basis = budget.basis_at(now)
    if basis is BudgetBasis.COUNTED and (budget.left_over <= 0 or go_at >= budget.until - GUARD):
        return budget, NotBefore(budget.until + GUARD, WhyNot.USED_UP)
    if (
        basis is BudgetBasis.UNKNOWN
        and budget.basis is BudgetBasis.UNKNOWN
        and now < believed(budget.until, now)
    ):
        return budget, NotBefore(budget.until, WhyNot.DRAINING)
    if basis is BudgetBasis.UNKNOWN and budget.probe is not None and now < believed(budget.probe_until, now):
        return budget, NotBefore(min(now + LOOK_AGAIN, budget.probe_until), WhyNot.PROBING)
    if go_at > now + pace.most_ahead:
        return budget, NotBefore(go_at, WhyNot.PACE)
    taken = budget
    if pace.gap:
        taken = replace(budget, busy_until=max(busy_until, now - pace.slack) + pace.gap)
    until = go_at + GUARD
    if basis is BudgetBasis.COUNTED:
        taken, until = replace(taken, left_over=taken.left_over - 1), budget.until - GUARD
    elif basis is BudgetBasis.UNKNOWN:
        taken = replace(
            taken,
            basis=BudgetBasis.UNKNOWN,
            until=now,
            left_over=0,
            probe=number,
            probe_until=go_at + PROBE_LASTS,
        )
    if taken is budget:
        return budget, Granted(go_at, until, _NO_NUMBER, free_until=min(budget.until, now + UNSTATED_LASTS))
    left = taken.left_over if basis is BudgetBasis.COUNTED else None
    return replace(taken, version=number), Granted(go_at, until, number, left)


def note(budget: BudgetState, number: int, stated: Stated | None, now: datetime) -> BudgetState:
    """Take in the answer to request `number`; None when none came or it cannot tell. Answers may come in any
    order. The same budget comes back when nothing was learned.
    """
    is_probe = budget.probe == number
    noted = _noted(budget, stated, now, is_probe=is_probe)
    if is_probe:
        noted = replace(noted, probe=None)
    return budget if noted == budget else replace(noted, version=budget.version + 1)


def _noted(budget: BudgetState, stated: Stated | None, now: datetime, *, is_probe: bool) -> BudgetState:
    if stated is None:
        return budget
    basis, remaining, resets_at = budget.basis_at(now), stated.remaining, stated.resets_at
    is_usable = resets_at is not None and resets_at > now
    until = (
        min(resets_at, now + LONGEST_WINDOW) if resets_at is not None and is_usable else now + UNSTATED_LASTS
    )
    if remaining is None:
        if basis is BudgetBasis.COUNTED or not (is_probe or basis is BudgetBasis.NO_LIMIT):
            return budget
        lasts_long = basis is BudgetBasis.NO_LIMIT and budget.until - now > UNSTATED_LASTS / 2
        return budget if lasts_long else replace(budget, basis=BudgetBasis.NO_LIMIT, most=None, until=until)
    if basis is BudgetBasis.COUNTED:
        if not is_usable:
            return budget  # of a window that is over, or of none that can be told apart
        left_over = min(budget.left_over, remaining)
        return replace(budget, left_over=left_over, until=max(budget.until, until))
    if is_probe or (remaining == 0 and is_usable):
        most = stated.limit if stated.limit is not None else remaining
        return replace(budget, basis=BudgetBasis.COUNTED, most=most, left_over=remaining, until=until)
    if basis is BudgetBasis.NO_LIMIT:
        # How many are under way is not known: all must have arrived before one is asked how many are left.
        # Somebody may go on asking uncounted for as long as he was told that he may.
        free_until = max(now, min(budget.until, now + UNSTATED_LASTS))
        return replace(budget, basis=BudgetBasis.UNKNOWN, until=free_until + _DRAINED)
    return budget
