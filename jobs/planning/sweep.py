"""Who is read when: the regular sweep over rosters, and what to do after a request that gave nothing."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import Account, AccountId
from storage.model.core.coverage import BatchOutcome

_RETRY_AFTER = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15))


@dataclass(frozen=True, slots=True)
class Sweep:
    """Every roster is read once in each slot. Slots are `every` long and counted from `origin`."""

    every: timedelta
    origin: datetime

    def slot(self, now: datetime) -> datetime:
        return self.origin + (now - self.origin) // self.every * self.every


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to read one roster in one slot, the first being number 0."""

    slot: datetime
    number: int
    at: datetime
    outcome: BatchOutcome


@dataclass(frozen=True, slots=True)
class Due:
    """What a roster needs next."""

    slot: datetime
    number: int
    at: datetime


def next_attempt(sweep: Sweep, last: Attempt | None, now: datetime) -> Due:
    """The next attempt of a roster, which is due when its `at` is not later than `now`.

    A slot whose request gave nothing is tried again after 1, 5, 15, 15, … minutes, until the next
    slot begins. A slot that passed while nobody could read is not made up for: it stays a gap.
    """
    slot = sweep.slot(now)
    if last is None or last.slot < slot:
        return Due(slot, 0, slot)
    next_slot = last.slot + sweep.every
    if last.outcome is BatchOutcome.ANSWERED:
        return Due(next_slot, 0, next_slot)
    retry_at = last.at + retry_after(last.number)
    if retry_at < next_slot:
        return Due(last.slot, last.number + 1, retry_at)
    return Due(next_slot, 0, next_slot)


def due_from(sweep: Sweep, last: Attempt) -> datetime:
    """The first time at which `next_attempt` after this one is due."""
    next_slot = sweep.slot(last.slot) + sweep.every
    due = next_attempt(sweep, last, last.slot)
    return min(due.at, next_slot)


def retry_after(number: int) -> timedelta:
    """How long to wait after the attempt with this number, counted from 0, gave nothing."""
    return _RETRY_AFTER[min(number, len(_RETRY_AFTER) - 1)]


def pack(accounts: Iterable[Account], size: int) -> list[tuple[AccountId, ...]]:
    """Divide accounts into rosters of at most `size`, members of one list spread over all of them.

    The order is that of a hash of the platform's own id: it mixes lists, so that an outage of one
    request cannot look like the block of a cohort, and it does not depend on who was added when.
    """
    order = sorted(accounts, key=lambda a: hashlib.sha256(a.native_id.encode()).digest())
    return [tuple(a.account_id for a in order[i : i + size]) for i in range(0, len(order), size)]


def choose_canaries(
    stable: Sequence[AccountId], blocked: Sequence[AccountId], number: int, turn: int
) -> tuple[AccountId, ...]:
    """The control accounts of one roster, in turn: one known-blocked if there is one, the rest stable."""
    chosen = [blocked[turn % len(blocked)]] if blocked and number > 1 else []
    wanted = min(number - len(chosen), len(stable))
    chosen += [stable[(turn + i) % len(stable)] for i in range(wanted)]
    return tuple(chosen)
