"""How long accounts stayed blocked, as far as readings tell: spells folded into bounded durations."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.core.availability import EVERYWHERE, Spell, State, Status


class BlockEnd(StrEnum):
    """How a blocked time ended, as far as it was seen."""

    RESTORED = "restored"
    STILL_BLOCKED = "still_blocked"
    """When the account was last seen."""
    GONE = "gone"
    """The account was no longer found, or deactivated: nobody saw it restored, nor blocked any longer."""


@dataclass(frozen=True, slots=True)
class BlockedFor:
    """How long one account was blocked, from its block to its restoration. The truth lies between the bounds.

    Where `longest` is None only "at least `shortest`" is known. It is None unless the account was restored
    and its beginning is bounded.
    """

    account_id: int
    order: str | None
    """The order that the account is looked at under, by its reference; None: under none."""
    shortest: timedelta
    longest: timedelta | None
    start_width: timedelta | None
    """Between the last reading before the block and the first one of it. None: never seen before it."""
    end: BlockEnd

    def __post_init__(self) -> None:
        if self.shortest < timedelta() or (self.start_width or timedelta()) < timedelta():
            raise ValueError(f"account {self.account_id}: blocked for less than no time: {self}")
        if self.longest is not None and self.longest < self.shortest:
            raise ValueError(f"account {self.account_id}: at most {self.longest}, at least {self.shortest}")
        bounded = self.end is BlockEnd.RESTORED and self.start_width is not None
        if bounded is not (self.longest is not None):
            raise ValueError(f"account {self.account_id}: a bound for what was not seen to begin and end")


Bounds = tuple[timedelta, timedelta | None]
"""At least and at most; None: no upper bound is known."""


class NoShare(StrEnum):
    """Why nothing is said of the share still blocked after some time."""

    NO_SPELLS = "no_spells"
    TOO_SHORT = "too_short"
    """A block as short as that may lie between two readings, and then nobody saw it."""
    NOT_FOLLOWED = "not_followed"
    """No account was followed for so long, and not all were seen restored."""


@dataclass(frozen=True, slots=True)
class BlockedShare:
    """The share still blocked after some time. Each pair is a lower and an upper bound."""

    after: timedelta
    bounds: tuple[float, float] | None
    """The ends of the estimate, which leaves open where in between. No error of sampling is in them."""
    limits: tuple[float, float] | None
    """99 % confidence limits, for accounts that are independent."""
    by_order: tuple[float, float] | None
    """The 95 % band from drawing whole orders anew; None where there are too few of them."""
    missing: NoShare | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The ends of the estimate of the share still blocked. Between two neighbours the later one's hold."""

    days: tuple[float, ...]
    """From 0 to infinity."""
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RestorationEstimate:
    """What is known of the time to restoration of a cohort, and in `sentences` what is not."""

    spells: int
    """Blocked times that the figures are about: those whose beginning is bounded."""
    accounts: int
    still_blocked: int
    gone: int
    """Ended in an account that was not found or deactivated."""
    unbounded_starts: int
    """Left out of all figures: blocked already when first seen, or when found again."""
    wide_starts: int
    """Of `spells`, those whose beginning is known less closely than `shortest_detectable`."""
    orders: tuple[str, ...]
    outside_orders: int
    """Of `spells`, those under no order."""
    equal_orders: float
    """How many orders of equal size would tell as much: a few large ones outweigh many small ones."""
    median: Bounds | None
    """The ends of the estimate of the median; no upper one: it is not reached."""
    median_limits: Bounds | None
    """99 % confidence limits of the median, for accounts that are independent."""
    shares: tuple[BlockedShare, ...]
    curve: Curve
    follow_up: timedelta
    """The longest time that any account was followed from its block on."""
    shortest_detectable: timedelta
    sentences: tuple[str, ...] = ()


def durations(
    spells: Iterable[Spell],
    last_seen: Mapping[int, datetime],
    order: str | None = None,
    country: str | None = None,
) -> tuple[BlockedFor, ...]:
    """The blocked times in `spells`, by account and time. `spells` hold each account's from its first on.

    Blocked is who is suspended, or withheld in `country` (None: in any). A block lies in (b0, b1], between
    the last reading that showed the account free and the first that showed it blocked, and its restoration
    in (r0, r1]; so the blocked time is longer than r0 - b1 and shorter than r1 - b0. It goes on through any
    change from one blocked state to another; a block after a restoration is a second one.

    An account that vanishes while blocked is known to have been blocked up to the last reading before, no
    more. Who was blocked at the first look, or when found again after vanishing so, may have been blocked
    ever before: no `longest` is told of such a time, even when it ended in a restoration.

    `last_seen` is each account's newest reading that agrees with its last spell; a reading that contradicts
    it and is not confirmed is none. What may be the owner's own deletion is no block: a spell with the flag
    SUSPENDED_OR_DELETED comes in here as NOT_FOUND.
    """
    by_account: defaultdict[int, list[Spell]] = defaultdict(list)
    for spell in spells:
        by_account[spell.account_id].append(spell)
    return tuple(
        blocked
        for account_id, theirs in sorted(by_account.items())
        for blocked in _of_account(
            sorted(theirs, key=lambda s: s.since), last_seen.get(account_id), order, country
        )
    )


def _of_account(
    spells: Sequence[Spell], last_seen: datetime | None, order: str | None, country: str | None
) -> Iterator[BlockedFor]:
    account_id = spells[0].account_id
    free: datetime | None = None
    """Last reading that showed the account neither blocked nor gone; a block makes it forgotten."""
    before: Spell | None = None
    block: tuple[datetime | None, datetime] | None = None
    for spell in spells:
        last_before = None if before is None else spell.onset_after or before.since
        if before is not None and _is_free(before.state, country):
            free = last_before
        if _is_blocked(spell.state, country):
            if block is None:
                block, free = (free, spell.since), None
        elif block is not None and last_before is not None:
            end = BlockEnd.GONE if spell.state.status.is_gone else BlockEnd.RESTORED
            yield _blocked_for(account_id, order, block, (last_before, spell.since), end)
            block = None
        before = spell
    if block is not None and before is not None:
        last = max(last_seen or before.since, before.since)
        yield _blocked_for(account_id, order, block, (last, None), BlockEnd.STILL_BLOCKED)


def _blocked_for(
    account_id: int,
    order: str | None,
    block: tuple[datetime | None, datetime],
    ended: tuple[datetime, datetime | None],
    end: BlockEnd,
) -> BlockedFor:
    (free, blocked), (still, over) = block, ended
    longest = None
    if free is not None and over is not None and end is BlockEnd.RESTORED:
        longest = over - free
    return BlockedFor(
        account_id=account_id,
        order=order,
        shortest=max(timedelta(), still - blocked),
        longest=longest,
        start_width=None if free is None else blocked - free,
        end=end,
    )


def _is_blocked(state: State, country: str | None) -> bool:
    if state.status is Status.WITHHELD and country is not None:
        return country in state.withheld_in or EVERYWHERE in state.withheld_in
    return state.status.is_blocked


def _is_free(state: State, country: str | None) -> bool:
    return not state.status.is_gone and not _is_blocked(state, country)
