"""Pure: the accounts of an adaptive plan as arrays, where each account is a position."""

from collections.abc import Mapping, Sequence
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from jobs.detect.judge import TrackedAccount
from jobs.planning.change_rates import NEVER, Accounts, Positions
from jobs.planning.sweep import Attempt
from storage.model.core.accounts import AccountId
from storage.model.core.availability import State
from storage.model.core.coverage import BatchOutcome, Roster

Ids = NDArray[np.int64]


class AccountIndex:
    """The place of each account, and its position among the accounts of that place."""

    def __init__(self, ids_by_place: Mapping[str, Ids]) -> None:
        self.places = [*ids_by_place]
        """The name of each place, by its number."""
        ids = np.concatenate([*ids_by_place.values(), np.empty(0, np.int64)])
        order = np.argsort(ids)
        sizes = [len(one) for one in ids_by_place.values()]
        self._ids = ids[order]
        self._place = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)[order]
        self._position = np.concatenate([np.arange(n, dtype=np.int32) for n in (*sizes, 0)])[order]

    def find(self, ids: Ids) -> tuple[Positions, Positions]:
        """Return the number of the place, and the position, of each account; -1 and -1 if it has none."""
        if not len(self._ids):
            return np.full(len(ids), -1), np.full(len(ids), -1)
        at = np.minimum(np.searchsorted(self._ids, ids), len(self._ids) - 1)
        is_found = self._ids[at] == ids
        return np.where(is_found, self._place[at], -1), np.where(is_found, self._position[at], -1)


def account_ids_at(ids: Ids, positions: Positions) -> tuple[AccountId, ...]:
    """Return the ids at these positions."""
    return tuple(map(AccountId, ids[positions].tolist()))


def starts_of(base: Sequence[Roster]) -> list[int]:
    """Return the position of the first account of each roster among the accounts of all."""
    return [0, *accumulate(len(roster.account_ids) for roster in base)][:-1]


def nothing_read(number: int, never: float) -> Accounts:
    """Return accounts of which nothing is known. Each counts as read at the time `never`."""
    accounts = Accounts(np.full(number, never), np.full(number, NEVER), np.zeros(number, np.int8))
    accounts.asked_at = np.full(number, NEVER)
    return accounts


def note_asked(
    accounts: Accounts, base: Sequence[Roster], stored: Mapping[int, Attempt], came_from: Positions
) -> None:
    """For new accounts (`came_from` is negative), note when they were requested with their base roster, if
    its newest attempt was answered. The accounts are those of `base` in order.
    """
    for roster, start in zip(base, starts_of(base), strict=True):
        last = stored.get(roster.roster_id)
        if last is not None and last.outcome is BatchOutcome.ANSWERED:
            here = slice(start, start + len(roster.account_ids))
            asked_at = accounts.asked_at[here]
            is_earlier = (came_from[here] < 0) & (asked_at < last.at.timestamp())
            asked_at[is_earlier] = last.at.timestamp()


def members_by_list(positions: Positions, numbers: Ids) -> dict[int, Positions]:
    """The positions of the members of each list, in order. `numbers` is the list of each position."""
    # Numbers of 16 bits are sorted by their digits, six times faster.
    small = numbers.astype(np.uint16) if len(numbers) and numbers.max() < 2**16 else numbers
    order = np.argsort(small, kind="stable")
    in_order, by_list = numbers[order], positions[order]
    begins = np.flatnonzero(np.diff(in_order, prepend=-1)).tolist()
    return {int(in_order[b]): np.sort(by_list[b:e]) for b, e in pairwise([*begins, len(order)])}


def read_at(watched: TrackedAccount, never: float) -> float:
    at = watched.known.last_read_at
    return never if at is None else at.timestamp()


def is_closed(state: State | None) -> int:
    return int(state is not None and (state.status.is_gone or state.status.is_blocked))
