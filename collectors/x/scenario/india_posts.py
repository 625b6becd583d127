"""Pure: the invented posts that the second order of the India 2021 scenario also names.

No published figure counts them: who wrote them, how many there are and what becomes of each is invented.
Their authors stay available throughout, so that what happens to a post is about the post alone.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random

from collectors.x.declaration import post_id
from collectors.x.scenario.india_cast import Cast, CastMember
from collectors.x.scenario.india_status import START, ScenarioState, irregular
from storage.model.core.availability import State, Status

NAMED = 40
WITHHELD = 31
RELEASED = 8
"""Of those withheld."""
DELETED = 3
"""Of those never withheld."""

_FIRST_ID = 9_100_000_000_000_000_000
"""Beside those of the accounts, and as far from any id that X gives out before 2078."""
_IN = State(Status.WITHHELD, ("IN",))
_AVAILABLE = State(Status.AVAILABLE)
_NOT_FOUND = State(Status.NOT_FOUND)


def posts(rng: Random, who: Cast, story: Sequence[ScenarioState]) -> tuple[CastMember, ...]:
    """The posts of the second order; the first ones are those that are withheld."""
    changed = {moment.person for moment in story if moment.at > START}
    authors = rng.sample([p for p in who.order_2 if p not in changed], 25)
    return tuple(_post(rng, rng.choice(authors)) for _ in range(NAMED))


def control_posts(rng: Random, who: Cast) -> tuple[CastMember, CastMember]:
    """One that stays and one that is gone, to ask for beside the others."""
    return _post(rng, who.stable_canary), _post(rng, who.stable_canary, Status.NOT_FOUND)


def post_moments(rng: Random, named: Sequence[CastMember]) -> list[ScenarioState]:
    """Every state of these posts after the start."""
    out: list[ScenarioState] = []
    for number, post in enumerate(named):
        day = datetime(2021, 2, rng.randrange(5, 9), tzinfo=UTC)
        at = irregular(rng, day + timedelta(hours=4), day + timedelta(hours=14))
        if number < WITHHELD:
            out.append(ScenarioState(post, at, _IN, post.handle))
        if number < RELEASED:
            back = irregular(rng, at + timedelta(hours=17), at + timedelta(hours=60))
            out.append(ScenarioState(post, back, _AVAILABLE, post.handle))
        if WITHHELD <= number < WITHHELD + DELETED:
            out.append(ScenarioState(post, at, _NOT_FOUND, post.handle))
    return out


def _post(rng: Random, author: CastMember, status: Status = Status.AVAILABLE) -> CastMember:
    number = str(_FIRST_ID + rng.randrange(10**15))
    return CastMember(post_id(number), f"{author.handle}/{number}", status)
