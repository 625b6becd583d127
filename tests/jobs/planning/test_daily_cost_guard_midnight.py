"""The ceiling of account-days near midnight UTC, when nothing may be asked."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from collectors.x.declaration import X
from jobs.base.clock import SimulatedClock
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.local_requester import LocalRequester, TimedAnswer
from jobs.planning.daily_cost_guard import CostLimitedCollector, CostLimitGuard
from jobs.planning.sweep import Sweep
from storage.model.core.platform_request import Question
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Pool
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import MINUTE, T0

MIDNIGHT = T0 + timedelta(days=1)
SECOND = timedelta(seconds=1)


class Waiting(LocalRequester):
    """Time passes while a request waits for its turn, or on its way to the machine that makes it."""

    def __init__(self, cost_limit: CostLimitedCollector, clock: SimulatedClock, on_its_way: bool) -> None:
        super().__init__(cost_limit, clock, 8)
        self._time = clock
        self._on_its_way = on_its_way
        self.until = T0

    @asynccontextmanager
    async def room(self, place: str, *, urgent: bool) -> AsyncGenerator[None]:
        async with super().room(place, urgent=urgent):
            if not self._on_its_way:
                self._time.set(max(self._time(), self.until))
            yield

    @asynccontextmanager
    async def asked(self, question: Question, /) -> AsyncGenerator[TimedAnswer]:
        self._time.set(max(self._time(), self.until))
        async with super().asked(question) as reply:
            yield reply


@pytest.mark.parametrize("on_its_way", [False, True], ids=["for its turn", "in the queue"])
async def test_what_waited_until_it_was_too_near_midnight_is_no_trouble_of_the_platform(
    pool: Pool, caplog: pytest.LogCaptureFixture, on_its_way: bool
) -> None:
    world = World(pool)
    await world.enlist([str(n) for n in range(10_000, 12_000)])
    cost_limit = CostLimitGuard(pool, X, 3000)
    collector = CostLimitedCollector(world.platform, cost_limit)
    waiting = Waiting(collector, world.clock, on_its_way)
    settings = MonitorSettings(Sweep(MINUTE, T0), PlannerKind.ADAPTIVE)
    monitor = reading_pipeline(
        pool, collector, ConfirmationRule(), settings, world.clock, waiting, cost_limit
    )
    world.clock.set(MIDNIGHT - 10 * MINUTE)
    await monitor.load()
    await world.run(monitor, MIDNIGHT - 7 * MINUTE)
    read = len(world.platform.asked)
    assert read > 20
    world.clock.set(MIDNIGHT - 122 * SECOND)
    waiting.until = MIDNIGHT - 118 * SECOND
    await monitor.tick()
    assert len(world.platform.asked) == read
    await world.run(monitor, MIDNIGHT + 5 * MINUTE)
    assert len(world.platform.asked) > 2 * read
    assert await world.rows("select reason, detail from collector_state") == []
    assert "collector failed" not in caplog.text
