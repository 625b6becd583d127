"""Running the real pipeline in simulated time: from event to event, without sleeping unless asked to."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobs.clock import SimulatedClock
from jobs.engage import EngagementPoller
from jobs.mail_loop import MailLoop
from jobs.monitor import Monitor


@dataclass(frozen=True, slots=True)
class Scripted:
    """Something that happens to the monitor's database at a moment, such as an order that arrives.

    Running it again changes nothing, so that a killed run may resume.
    """

    at: datetime
    run: Callable[[datetime], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Simulation:
    monitor: Monitor
    engagement: EngagementPoller
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
    after: Callable[[datetime], None],
) -> None:
    """Let everything happen from `start` to `end` that is due by then, in the order of time.

    `before(at)` is awaited ahead of each event (a demonstration waits there until a human-paced
    clock gets to it), `after(at)` is called when all that was due at that time is done.
    """
    script = sorted(simulation.script, key=lambda s: s.at)
    now = start
    while now <= end:
        await before(now)
        simulation.clock.set(now)
        await simulation.tell_simulators(now)
        while script and script[0].at <= now:
            await script.pop(0).run(now)
            await simulation.monitor.load()
            await simulation.engagement.load()
        await simulation.monitor.tick()
        await simulation.engagement.tick()
        await simulation.mail.tick(now)
        after(now)
        times = [simulation.monitor.next_due()]
        if (engagement_due := simulation.engagement.next_due()) is not None:
            times.append(engagement_due)
        if (mail_due := await simulation.mail.next_due(now)) is not None:
            times.append(mail_due)
        if script:
            times.append(script[0].at)
        now = max(min(times), now + timedelta(seconds=1))
