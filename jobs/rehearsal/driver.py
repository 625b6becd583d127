"""Running the real pipeline in simulated time: from event to event, without sleeping unless asked to."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.base.clock import SimulatedClock
from jobs.collect.monitor import Monitor, MonitorCounts
from jobs.engagement.timelines import EngagementPoller
from jobs.rehearsal.mail_loop import MailLoop


@dataclass(frozen=True, slots=True)
class Scripted:
    """Something that happens to the monitor's database at a moment, such as an order that arrives.

    Running it again changes nothing, so that a killed run may resume.
    """

    at: datetime
    run: Callable[[datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PlatformWatch:
    """Everything that reads one platform."""

    monitor: Monitor
    engagement: EngagementPoller

    async def load(self) -> None:
        await self.monitor.load()
        await self.monitor.canaries.tick()
        await self.engagement.load()

    async def tick(self) -> None:
        await self.monitor.tick()
        await self.engagement.tick()

    def next_due(self) -> datetime:
        due = self.engagement.next_due()
        return self.monitor.next_due() if due is None else min(self.monitor.next_due(), due)


@dataclass(frozen=True, slots=True)
class Simulation:
    watches: Sequence[PlatformWatch]
    mail: MailLoop
    clock: SimulatedClock
    tell_simulators: Callable[[datetime], Awaitable[None]]
    """Tells every simulator what time it is."""
    script: Sequence[Scripted] = ()


async def play(
    simulation: Simulation,
    start: datetime,
    end: datetime,
    before: Callable[[datetime], Awaitable[None]],
    after: Callable[[datetime, MonitorCounts], None],
) -> None:
    """Let everything happen from `start` to `end` that is due by then, in the order of time.

    `before(at)` is awaited ahead of each event (a demonstration waits there until a human-paced
    clock gets to it), `after(at, tally)` is called when all that was due at that time is done.
    """
    script = sorted(simulation.script, key=lambda s: s.at)
    now = start
    while now <= end:
        await before(now)
        simulation.clock.set(now)
        await simulation.tell_simulators(now)
        while script and script[0].at <= now:
            await script.pop(0).run(now)
            for watch in simulation.watches:
                await watch.load()
        async with asyncio.TaskGroup() as group:
            for watch in simulation.watches:
                group.create_task(watch.tick())
        await simulation.mail.tick(now)
        after(now, _sum(watch.monitor.tally for watch in simulation.watches))
        times = [watch.next_due() for watch in simulation.watches]
        if simulation.mail.next_due is not None:
            times.append(simulation.mail.next_due)
        if script:
            times.append(script[0].at)
        now = max(min(times), now + timedelta(seconds=1))


def _sum(tallies: Iterable[MonitorCounts]) -> MonitorCounts:
    total = MonitorCounts()
    for tally in tallies:
        total.requests += tally.requests
        total.readings += tally.readings
        total.missed += tally.missed
    return total
