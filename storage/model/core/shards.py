"""Shards: the parts into which the watched accounts of one platform are divided among leaders."""

from collections.abc import Iterable
from dataclasses import dataclass

from storage.model.core.accounts import AccountId

MOST_SHARDS = 64
"""More would only be locks to look after: a process can lead several."""


def shard_of(account_id: int, count: int) -> int:
    """The shard of an account, from 0, if there are `count` shards. The function of the same name in the
    database returns the same.

    It is Knuth's multiplicative hash, so that accounts which were added together are spread evenly.
    """
    return (account_id * 2_654_435_761 % 2**32 >> 16) % count


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` parts of the accounts of a platform."""

    index: int = 0
    """From 0. The first shard also does what is per platform."""
    count: int = 1

    @property
    def is_whole(self) -> bool:
        """Whether it is the only one, so that it holds every account."""
        return self.count == 1

    def holds(self, account_id: int) -> bool:
        return shard_of(account_id, self.count) == self.index

    def own(self, account_ids: Iterable[AccountId]) -> list[AccountId]:
        """Those of the accounts that are in this shard, in the same order."""
        return [a for a in account_ids if self.holds(a)]

    def __str__(self) -> str:
        """In words that a person reads, counted from 1."""
        return f"shard {self.index + 1} of {self.count}"


WHOLE = Shard()
"""The only shard of a platform that has one leader."""


@dataclass(frozen=True, slots=True)
class ShardNumbers:
    """Into how many shards a platform is divided."""

    in_force: int = 1
    wanted: int = 1
    """Another number than the one in force takes effect when no shard has a leader."""
