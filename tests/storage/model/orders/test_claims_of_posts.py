"""A claim is compared with what its source says that it counts: accounts, posts or both."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from storage.model.core.orders import Claim, ClaimedTargets, ClaimedWhat
from storage.model.orders.claims import Verdict, checked
from storage.model.orders.cohort import CohortMember
from tests.support.samples.orders import CLAIMED, GAP, MEMBERS, ORDER, POSTS

ACCOUNTS, OF_POSTS, BOTH = ClaimedTargets
OF_BOTH = (*MEMBERS, *POSTS)
"""Of ten named accounts, six were read at the time of the claim and five of them blocked; of three posts, two
and one.
"""


def blocked(
    count: int, of: int | None, targets: ClaimedTargets | None = None, *, at_least: bool = False
) -> Claim:
    return Claim(count, of, ClaimedWhat.BLOCKED, at_least, targets)


@pytest.mark.parametrize(
    ("members", "claim", "found"),
    [
        pytest.param(
            OF_BOTH,
            blocked(5, 10, ACCOUNTS),
            (ACCOUNTS, 5, 4, Verdict.UNDECIDED),
            id="a number of accounts leaves posts out",
        ),
        pytest.param(
            OF_BOTH,
            blocked(1, 3, OF_POSTS),
            (OF_POSTS, 1, 1, Verdict.UNDECIDED),
            id="a number of posts leaves accounts out",
        ),
        pytest.param(
            OF_BOTH,
            blocked(3, 3, OF_POSTS),
            (OF_POSTS, 1, 1, Verdict.FEWER_POSSIBLE),
            id="too many posts are claimed, of as many as the claim says",
        ),
        pytest.param(
            OF_BOTH,
            blocked(3, None, OF_POSTS),
            (OF_POSTS, 1, None, Verdict.UNDECIDED),
            id="of how many posts is not known, so there may be more",
        ),
        pytest.param(
            OF_BOTH,
            blocked(0, None, OF_POSTS),
            (OF_POSTS, 1, None, Verdict.MORE_SEEN),
            id="more posts were seen than claimed, of however many",
        ),
        pytest.param(
            OF_BOTH,
            blocked(1, None, OF_POSTS, at_least=True),
            (OF_POSTS, 1, None, Verdict.BORNE_OUT),
            id="at least so many posts were seen, of however many",
        ),
        pytest.param(
            POSTS[:2],
            blocked(1, None, OF_POSTS),
            (OF_POSTS, 1, None, Verdict.UNDECIDED),
            id="as many posts as claimed confirm nothing, of an unknown number",
        ),
        pytest.param(
            POSTS[:2],
            blocked(1, 2, OF_POSTS),
            (OF_POSTS, 1, 0, Verdict.BORNE_OUT),
            id="as many posts as claimed, all of them read",
        ),
        pytest.param(
            OF_BOTH,
            blocked(6, 11, BOTH),
            (BOTH, 6, 3, Verdict.UNDECIDED),
            id="a number of accounts and posts counts both",
        ),
        pytest.param(
            MEMBERS,
            blocked(4, 10),
            (ACCOUNTS, 5, 4, Verdict.MORE_SEEN),
            id="a number of nothing in particular counts accounts",
        ),
        pytest.param(
            OF_BOTH,
            blocked(4, 10),
            (ACCOUNTS, 5, 4, Verdict.UNDECIDED),
            id="it may count posts, so more accounts than that refute nothing",
        ),
        pytest.param(
            OF_BOTH,
            blocked(0, 10),
            (ACCOUNTS, 5, 4, Verdict.MORE_SEEN),
            id="more were seen of accounts, of posts and of both",
        ),
    ],
)
def test_a_claim_is_compared_with_what_it_counts(
    members: Sequence[CohortMember], claim: Claim, found: tuple[object, ...]
) -> None:
    result = checked(ORDER, replace(CLAIMED, claim=claim), members, GAP)
    assert result is not None
    assert result.low == result.high
    assert (result.compared, result.low, result.unobserved, result.verdict) == found
