"""Local servers that answer as Mastodon's would at a moment of a history, for rehearsals and tests.

One port serves every host of the history: a request names the one it means in its Host header.
Clock and counts are as `collectors.simulator.server` says.
"""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Final

from collectors.mastodon.simulator.answers import MastodonAnswers
from collectors.mastodon.simulator.world import MastodonWorld
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import History
from collectors.simulator.server import SimulatorServer, first_time, served

_NO_FAULTS: Final = FaultPlan()


@asynccontextmanager
async def serve_mastodon(
    history: History,
    *,
    acts: Sequence[SimulatedAct] = (),
    faults: FaultPlan = _NO_FAULTS,
    now: datetime | None = None,
    limit: int | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
) -> AsyncGenerator[SimulatorServer]:
    """Serve until the block ends.

    `now` is where the clock starts, by default the earliest time of the history; `limit` is how many
    requests each server answers in 5 simulated minutes, and how many pages in 15 (real ones: 300, here by
    default no limit). In an act of Mastodon ids of accounts are native ids, and targets are addresses of
    posts. Port 0 picks a free one. Raises OSError when the port is taken.
    """
    world = MastodonWorld(history, acts, now or first_time(history))
    async with served(MastodonAnswers(world, faults, limit), host, port) as server:
        yield server
