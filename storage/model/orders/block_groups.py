"""Pure: the blocks of an order's accounts in groups that began together, and who of them was seen back."""

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


@dataclass(frozen=True, slots=True)
class FirstBack:
    """The accounts that a reading showed back before any other; several if that reading showed several."""

    members: tuple[CohortMember, ...]
    """By handle."""
    after: datetime
    """The earliest of their last readings that showed them blocked."""
    until: datetime
    """The reading that showed them back."""
    blocked_after: datetime | None
    """The last reading before the first of their blocks; None if one may have begun at any time before."""
    blocked_until: datetime
    """The first reading that shows the last of their blocks."""


def first_back(members: Sequence[CohortMember], begin: datetime, at: datetime) -> FirstBack | None:
    """Return who was seen back first up to `at`, of all blocks seen since `begin`; None if none was."""
    ended = [(until, b, m) for m in members for b in blocked_times(m, begin) if (until := _back_at(b, at))]
    if not ended:
        return None
    first = min(until for until, _, _ in ended)
    found = {m.account_id: (b, m) for until, b, m in ended if until == first}
    blocks = [b for b, _ in found.values()]
    return FirstBack(
        tuple(sorted((m for _, m in found.values()), key=lambda m: (m.handle.casefold(), m.account_id))),
        after=min(b.last_seen or b.since for b in blocks),
        until=first,
        blocked_after=_earliest(blocks),
        blocked_until=max(b.since for b in blocks),
    )


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
    ends = [(b.last_seen or b.since, until, account) for b, account in blocks if (until := _back_at(b, at))]
    return BlockGroup(
        accounts=len({account for _, account in blocks}),
        after=_earliest([b for b, _ in blocks]),
        until=max(b.since for b, _ in blocks),
        back=len({account for _, _, account in ends}),
        back_after=min((last for last, _, _ in ends), default=None),
        back_until=max((until for _, until, _ in ends), default=None),
    )


def _back_at(block: CohortPeriod, at: datetime) -> datetime | None:
    """The reading up to `at` that showed the account again after a block; None if there is none."""
    is_back = block.then is not None and block.then.is_back
    return block.until if is_back and block.until is not None and block.until <= at else None


def _earliest(blocks: Sequence[CohortPeriod]) -> datetime | None:
    """The last reading before the first of these; None if one of them may have begun at any time before."""
    known = [b.onset_after for b in blocks if b.onset_after is not None]
    return min(known) if len(known) == len(blocks) else None
