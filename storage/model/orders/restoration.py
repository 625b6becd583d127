"""Durations of blocks, computed from spells as lower and upper bounds."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from storage.model.core.availability import EVERYWHERE, Spell, State, Status
from storage.model.text.target_counts import Noun


class BlockEnd(StrEnum):
    """The observed end of a block."""

    RESTORED = "restored"
    STILL_BLOCKED = "still_blocked"
    """The account was blocked at its last reading."""
    GONE = "gone"
    """The account was no longer found, or deactivated. Neither a restoration nor a longer block was seen."""


@dataclass(frozen=True, slots=True)
class BlockedFor:
    """The duration of one block, from its beginning to its restoration, between two bounds.

    If `longest` is None, only "at least `shortest`" is known. `longest` is set only if the account was
    restored and the beginning of the block is bounded.
    """

    account_id: int
    order: str | None
    """The reference of the order that the block is counted for; None if there is none."""
    shortest: timedelta
    longest: timedelta | None
    start_width: timedelta | None
    """Time from the last reading before the block to its first reading; None without one before."""
    end: BlockEnd

    def __post_init__(self) -> None:
        if self.shortest < timedelta() or (self.start_width or timedelta()) < timedelta():
            raise ValueError(f"account {self.account_id}: a duration of the block is negative: {self}")
        if self.longest is not None and self.longest < self.shortest:
            raise ValueError(
                f"account {self.account_id}: the longest duration {self.longest} is shorter than the "
                f"shortest duration {self.shortest}"
            )
        bounded = self.end is BlockEnd.RESTORED and self.start_width is not None
        if bounded is not (self.longest is not None):
            raise ValueError(
                f"account {self.account_id}: a longest duration must be given exactly if the beginning and "
                "the restoration of the block were both seen"
            )


Bounds = tuple[timedelta, timedelta | None]
"""At least and at most; None means that no upper bound is known."""


class NoShare(StrEnum):
    """Why the share still blocked after some time is not known."""

    NO_SPELLS = "no_spells"
    TOO_SHORT = "too_short"
    """A block this short may lie between two readings, and then it is not observed."""
    NOT_FOLLOWED = "not_followed"
    """No account was observed for this long, and not all were seen restored."""


@dataclass(frozen=True, slots=True)
class BlockedShare:
    """The share still blocked after some time. Each pair is a lower and an upper bound."""

    after: timedelta
    bounds: tuple[float, float] | None
    """The ends of the estimate; any share between them fits the readings. Sampling error is not included."""
    limits: tuple[float, float] | None
    """99 % confidence limits, if accounts are independent."""
    by_order: tuple[float, float] | None
    """The 95 % band from resampling whole orders; None if there are too few."""
    missing: NoShare | None


@dataclass(frozen=True, slots=True)
class Curve:
    """The ends of the estimate of the share still blocked. Between two days, the later values apply."""

    days: tuple[float, ...]
    """From 0 to infinity."""
    lower: tuple[float, ...]
    upper: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class RestorationEstimate:
    """What is known about a cohort's time to restoration; `sentences` also say what is not known."""

    spells: int
    """Blocks in the figures: those with a bounded beginning."""
    accounts: int
    """Those with such blocks: posts if `noun` says so."""
    still_blocked: int
    gone: int
    """Blocks that ended when the account was not found or deactivated."""
    unbounded_starts: int
    """Blocks left out of all figures: already blocked at the first reading, or when found again."""
    wide_starts: int
    """Of `spells`, those whose beginning is known less precisely than `shortest_detectable`."""
    orders: tuple[str, ...]
    outside_orders: int
    """Of `spells`, those without an order."""
    equal_orders: float
    """The number of equally large orders with the same information; large ones outweigh small ones."""
    median: Bounds | None
    """The ends of the estimate of the median. Without an upper end, the median is not reached."""
    median_limits: Bounds | None
    """99 % confidence limits of the median, if accounts are independent."""
    shares: tuple[BlockedShare, ...]
    curve: Curve
    follow_up: timedelta
    """The longest time that any account was observed after the start of its block."""
    shortest_detectable: timedelta
    noun: Noun = "account"
    """What was blocked and restored. An estimate is of accounts or of posts, never of both."""
    sentences: tuple[str, ...] = ()


def durations(
    spells: Iterable[Spell],
    last_seen: Mapping[int, datetime],
    order: str | None = None,
    country: str | None = None,
) -> tuple[BlockedFor, ...]:
    """Return the blocks in `spells`, by account and time. `spells` has all spells of each account.

    An account is blocked if it is suspended, or withheld in `country` (None: in any country). A block begins
    in (b0, b1], between the last reading without the block and the first with it. Its restoration lies in
    (r0, r1], so its duration is longer than r0 - b1 and shorter than r1 - b0. A change from one blocked
    state to another continues the block; a block after a restoration is a new one.

    An account that vanishes while blocked is known to be blocked up to the last reading before. An account
    that was blocked at its first reading, or when found again after vanishing, may have been blocked for any
    time before. Such a block has no `longest`, even if it ended in a restoration.

    `last_seen` is each account's newest reading that agrees with its last spell; unconfirmed contradicting
    readings do not count. A deletion by the owner is not a block, so a spell with the flag
    SUSPENDED_OR_DELETED must be passed as NOT_FOUND.
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
    """Last reading with the account neither blocked nor gone; reset by a block."""
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
