"""The simulators of X and Bluesky in a process of their own, on the clock of the machine.

`python -m tests.soak.platforms HISTORY` prints the address of each as JSON, and serves until its input ends.
"""

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Never

from aiohttp import web

from collectors.bluesky.simulator.app import serve_bluesky
from collectors.simulator.canaries import with_canaries
from collectors.simulator.history_files import load_history
from collectors.simulator.server import HttpSimulator, listening
from collectors.x.simulator.app import serve_x
from jobs.base.clock import system_clock
from tests.support.servers.ports import free_port

_EVENTS_EVERY_S = 5.0


class _Present:
    """A simulator that answers with what is so now; by itself its clock stands until it is set."""

    def __init__(self, server: HttpSimulator) -> None:
        self.base_url = ""
        self._server = server

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        return self._server.counts

    def set_clock(self, now: datetime) -> None:
        self._server.set_clock(now)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self.set_clock(system_clock())
        return await self._server.handle(request)

    async def run(self) -> Never:
        """Send the events of the stream, which no request asks for."""
        while True:
            self.set_clock(system_clock())
            await asyncio.sleep(_EVENTS_EVERY_S)


@asynccontextmanager
async def simulated(history: Path) -> AsyncGenerator[dict[str, str]]:
    """The address of each platform, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.soak.platforms", str(history)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent.parent)},
    )
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        yield json.loads(await process.stdout.readline())
    finally:
        process.stdin.close()
        await process.wait()


async def _serve(history: Path) -> None:
    everybody, now = with_canaries(load_history(history)), system_clock()
    port = free_port()
    async with AsyncExitStack() as stack:
        x = _Present(await stack.enter_async_context(serve_x(everybody, now=now)))
        bluesky = _Present(
            await stack.enter_async_context(serve_bluesky(everybody, now=now, pds=f"http://127.0.0.1:{port}"))
        )
        await stack.enter_async_context(listening(x, "127.0.0.1", 0))
        await stack.enter_async_context(listening(bluesky, "127.0.0.1", port))
        group = await stack.enter_async_context(asyncio.TaskGroup())
        events = group.create_task(bluesky.run())
        print(json.dumps({"x": x.base_url, "bluesky": bluesky.base_url}), flush=True)
        await asyncio.to_thread(sys.stdin.buffer.read)
        events.cancel()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(Path(sys.argv[1])))
