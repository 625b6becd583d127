"""Pure: the blocks of an order's accounts in groups that began together, and how many are back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.orders.cohort import CohortMember, CohortPeriod, blocked_times

APART = timedelta(hours=12)
"""Blocks whose first readings lie further apart begin another group."""


@dataclass(frozen=True, slots=True)
class BlockGroup:
    """Accounts whose blocks began close together. Each account counts once in a group."""

    accounts: int
    after: datetime | None
    """The last reading before the first block; None if one of them may have begun at any time before."""
    until: datetime
    """The first reading that shows the last of the blocks."""
    back: int
    """Accounts of the group that the platform showed again afterwards."""
    back_after: datetime | None
    """The last reading before the first of them was back; None if none is."""
    back_until: datetime | None
    """The first reading that shows the last of them back; None if none is."""


def block_groups(members: Sequence[CohortMember], begin: datetime, at: datetime) -> tuple[BlockGroup, ...]:
    """Return the groups of blocks seen since `begin` and up to `at`, oldest first."""
    blocks = [(b, m.account_id) for m in members for b in blocked_times(m, begin) if b.since <= at]
    blocks.sort(key=lambda block: block[0].since)
    groups: list[list[tuple[CohortPeriod, int]]] = []
    for block in blocks:
        if groups and block[0].since - groups[-1][-1][0].since <= APART:
            groups[-1].append(block)
        else:
            groups.append([block])
    return tuple(_group(group, at) for group in groups)


def _group(blocks: Sequence[tuple[CohortPeriod, int]], at: datetime) -> BlockGroup:
    begun = [b.onset_after for b, _ in blocks]
    known = [moment for moment in begun if moment is not None]
    ends = [
        (b.last_seen or b.since, b.until, account)
        for b, account in blocks
        if b.until is not None and b.until <= at and b.then is not None and b.then.is_back
    ]
    return BlockGroup(
        accounts=len({account for _, account in blocks}),
        after=min(known) if len(known) == len(begun) else None,
        until=max(b.since for b, _ in blocks),
        back=len({account for _, _, account in ends}),
        back_after=min((last for last, _, _ in ends), default=None),
        back_until=max((until for _, until, _ in ends), default=None),
    )
