"""A local server that answers as OONI's API would, for rehearsals and tests."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime

from collectors.network.simulator.answers import OoniAnswers, PublishedDay
from collectors.simulator.faults import FaultPlan
from collectors.simulator.server import SimulatorServer, served


@asynccontextmanager
async def simulated_ooni(
    published: Sequence[PublishedDay], now: datetime, faults: FaultPlan | None = None
) -> AsyncGenerator[SimulatorServer]:
    """Serve these measurements until the block ends; the clock stands at `now` until it is set."""
    async with served(OoniAnswers(published, now, faults or FaultPlan())) as server:
        yield server
