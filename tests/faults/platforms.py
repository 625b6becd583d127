"""The platforms of the run: the simulators, in real time, whose accounts change every few minutes."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import blake2b

from aiohttp import web

from collectors.simulator.canaries import with_canaries
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.history import History, parse_history
from collectors.simulator.history_conversion import recast_all
from collectors.simulator.platform_simulator import simulator_of
from collectors.simulator.server import HttpSimulator, listening
from jobs.base.clock import system_clock
from storage.model.core.accounts import Platform

READ = ("bluesky", "mastodon", "x")
ACCOUNTS = 80
"""On each platform."""
FLIP_EVERY = timedelta(minutes=3)
_STATES = ("suspended,", "withheld,IN")


@dataclass(frozen=True)
class Moods(FaultPlan):
    """Faults that a test chooses while the platforms run."""

    now_on: list[FaultKind] = field(default_factory=list[FaultKind])
    """What meets every request; of several, one drawn by the request; none while it is empty."""

    def of(self, now: datetime, request: str) -> FaultKind | None:
        if not self.now_on:
            return None
        drawn = blake2b(f"{now.isoformat()} {request}".encode(), digest_size=4).digest()
        return self.now_on[int.from_bytes(drawn) % len(self.now_on)]


def invented(start: datetime, until: datetime) -> History:
    """On every platform that is read the same accounts; every few minutes another one changes its state."""
    lines = ["platform,account_id,handle,at,status,withheld_in,list"]
    lines += [f"x,{10_000 + n},name{n},{start.isoformat()},available,," for n in range(ACCOUNTS)]
    at, step = start + FLIP_EVERY, 0
    while at < until:
        turn, n = divmod(step, ACCOUNTS)
        state = "available," if turn % 2 else _STATES[n % 2]
        lines.append(f"x,{10_000 + n},name{n},{at.isoformat()},{state},")
        at, step = at + FLIP_EVERY, step + 1
    told = recast_all(parse_history(lines, "invented"))
    return History(tuple(a for a in told.accounts if a.platform.value in READ))


class _Living:
    """A simulator whose clock is that of the machine at every request."""

    def __init__(self, inner: HttpSimulator) -> None:
        self.base_url = ""
        self._inner = inner

    @property
    def counts(self) -> object:
        return self._inner.counts

    def set_clock(self, now: datetime) -> None:
        self._inner.set_clock(now)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._inner.set_clock(system_clock())
        return await self._inner.handle(request)


@asynccontextmanager
async def living(history: History, moods: Moods) -> AsyncGenerator[dict[Platform, tuple[str, int]]]:
    """Serve the history as time passes; yields host and port of each platform."""
    async with AsyncExitStack() as stack:
        places: dict[Platform, tuple[str, int]] = {}
        for platform in sorted({a.platform for a in history.accounts}):
            one = simulator_of(platform).serve(with_canaries(history), (), moods, system_clock(), 0)
            living_one = _Living(await stack.enter_async_context(one))  # type: ignore[arg-type]
            await stack.enter_async_context(listening(living_one, "127.0.0.1", 0))  # type: ignore[arg-type]
            host, _, port = living_one.base_url.removeprefix("http://").rpartition(":")
            places[platform] = (host, int(port))
        yield places


def controls(history: History, platform: Platform) -> Sequence[str]:
    """The control accounts of a platform as a setting names them."""
    return [
        f"{c.native_id}:{c.handles[0]}:{c.states[0].status}" for c in simulator_of(platform).canaries(history)
    ]
