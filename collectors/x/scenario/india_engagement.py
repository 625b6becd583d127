"""Pure: what the two invented executives of the India 2021 scenario post, repost, quote and reply to."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random

from collectors.simulator.engagement_file import SimulatedAct
from collectors.x.scenario.india_cast import Cast, CastMember
from collectors.x.scenario.india_status import END, START, irregular
from storage.model.core.signals import SignalKind

BURST_FROM = START + timedelta(days=5, hours=14)
BURST_TO = START + timedelta(days=6, hours=5)
"""The night from 3 to 4 February, between the notice and the second order."""

# Ids of posts grow with time, as on X, in a range that X will not reach before 2078.
_FIRST_POST_ID = 9_100_000_000_000_000_000
_KINDS = (SignalKind.POST, SignalKind.REPOST, SignalKind.QUOTE, SignalKind.REPLY)
_TARGET_AGE_S = 30 * 3600


def acts(rng: Random, who: Cast) -> tuple[SimulatedAct, ...]:
    """Every act of both, oldest first. None is a like: X shows those to nobody."""
    authors = (*who.order_1, *who.order_2, *who.quiet)
    out = _series(rng, who.chief, authors, a_day=6, burst=26)
    out += _series(rng, who.policy_head, authors, a_day=3, burst=11)
    return tuple(sorted(out, key=lambda act: act.post_id))


def _series(
    rng: Random, actor: CastMember, authors: Sequence[CastMember], *, a_day: int, burst: int
) -> list[SimulatedAct]:
    days = (END - START).days
    times = {
        irregular(rng, START + timedelta(days=day), START + timedelta(days=day + 1, seconds=-1))
        for day in range(days)
        for _ in range(a_day)
    }
    while len(times) < a_day * days + burst:
        times.add(irregular(rng, BURST_FROM, BURST_TO))
    return [_act(rng, actor, authors, at) for at in sorted(times)]


def _act(rng: Random, actor: CastMember, authors: Sequence[CastMember], at: datetime) -> SimulatedAct:
    kind = rng.choices(_KINDS, weights=(2, 4, 1, 3))[0]
    post_id = _post_id(at, rng.randrange(1000))
    if kind is SignalKind.POST:
        return SimulatedAct(actor.native_id, at, kind, post_id, None, None)
    written = at - timedelta(seconds=rng.randrange(60, _TARGET_AGE_S))
    target_id = _post_id(written, rng.randrange(1000))
    return SimulatedAct(actor.native_id, at, kind, post_id, target_id, rng.choice(authors).native_id)


def _post_id(at: datetime, sequence: int) -> str:
    """An id that sorts by time; posts written up to a month before the scenario have one too."""
    milliseconds = int((at - START + timedelta(days=31)).total_seconds() * 1000)
    return str(_FIRST_POST_ID + milliseconds * 1000 + sequence)
