"""Blocks that began close together are one group, with the readings that bound it."""

from dataclasses import replace
from datetime import datetime
from itertools import permutations

import pytest

from storage.model.core.accounts import AccountId
from storage.model.orders.block_groups import block_groups, first_back
from storage.model.orders.cohort import CohortMember
from tests.storage.model.orders.test_cohort import (
    BACK,
    BLOCKED,
    GONE,
    NEVER,
    NOW,
    QUIET,
    member,
)
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0, WITHHELD_IN, minutes

LATER = member((0, AVAILABLE), (930, WITHHELD_IN))
A_LITTLE_LATER = member((0, AVAILABLE), (260, WITHHELD_IN), (600, AVAILABLE))


def numbered(*members: CohortMember) -> list[CohortMember]:
    return [replace(m, account_id=AccountId(n)) for n, m in enumerate(members)]


def minute(at: datetime | None) -> float | None:
    return None if at is None else (at - T0) / MINUTE


def test_the_order_of_the_accounts_changes_nothing_and_the_future_is_not_told() -> None:
    members = numbered(BACK, LATER, A_LITTLE_LATER)
    assert len({block_groups(some, T0, NOW) for some in permutations(members)}) == 1
    [early] = block_groups(members, T0, minutes(520))
    assert (early.accounts, early.back) == (2, 1)


EARLY = member((0, AVAILABLE), (190, WITHHELD_IN), (400, AVAILABLE))
ONCE_MORE = member((0, AVAILABLE), (200, WITHHELD_IN), (400, AVAILABLE), (600, SUSPENDED))
WIDER = replace(EARLY, stays=(*EARLY.stays[:2], replace(EARLY.stays[2], onset_after=minutes(300))))
UNKNOWN = member((0, WITHHELD_IN), (400, AVAILABLE))


@pytest.mark.parametrize(
    ("members", "first"),
    [
        pytest.param([BLOCKED, GONE, QUIET, NEVER], None, id="who is gone or still blocked is not back"),
        pytest.param(
            [BACK, EARLY], ([1], 385, 400, 175, 190), id="the first reading that shows one back counts"
        ),
        pytest.param(
            [BACK, ONCE_MORE], ([1], 385, 400, 185, 200), id="also of an account that was blocked again"
        ),
        pytest.param(
            [EARLY, BACK, ONCE_MORE],
            ([0, 2], 385, 400, 175, 200),
            id="those of one reading are first together",
        ),
        pytest.param(
            [WIDER, ONCE_MORE], ([0, 1], 300, 400, 175, 200), id="their time holds the return of each of them"
        ),
        pytest.param([UNKNOWN], ([0], 385, 400, None, 0), id="a block of the first reading has no beginning"),
    ],
)
def test_who_was_seen_back_first(
    members: list[CohortMember], first: tuple[list[int], float, float, float | None, float] | None
) -> None:
    found = first_back(numbered(*members), T0, NOW)
    shown = found and (
        [m.account_id for m in found.members],
        *map(minute, (found.after, found.until, found.blocked_after, found.blocked_until)),
    )
    assert shown == first
