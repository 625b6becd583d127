"""X's simulator in a process of its own, as far away as a real platform, and counting what comes.

`python -m tests.support.simulated.slow_x HISTORY DELAY_S AT_ONCE LIMIT TOKEN`: prints its address, serves
until its input ends. Each answer takes `DELAY_S`; more than `AT_ONCE` requests wait for one another;
`LIMIT` requests of a token are answered in 15 minutes (0: all), and of no token but `TOKEN` (empty: of
any).
"""

import asyncio
import contextlib
import json
import os
import sys
from collections import Counter
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
from aiohttp import web

from collectors.simulator.canaries import with_canaries
from collectors.simulator.history_files import load_history
from collectors.simulator.server import CONTROL, listening
from collectors.x.simulator.app import XServer, serve_x


class _Far:
    def __init__(self, server: XServer, delay_s: float, at_once: int) -> None:
        self.base_url = ""
        self._server = server
        self._delay_s = delay_s
        self._at_once = asyncio.Semaphore(at_once)
        self._by_token = Counter[str]()

    @property
    def counts(self) -> Mapping[str, Mapping[str, int]]:
        """Those of the simulator, how many accounts it bills on which day, and requests by token."""
        days = {day.isoformat(): accounts for day, accounts in self._server.account_days.items()}
        return self._server.counts | {"account_days": days, "tokens": self._by_token}

    def set_clock(self, now: datetime) -> None:
        self._server.set_clock(now)

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        self._by_token[request.headers.get("Authorization", "").removeprefix("Bearer ")] += 1
        async with self._at_once:
            answer = await self._server.handle(request)
            await asyncio.sleep(self._delay_s)
        return answer


@asynccontextmanager
async def far_x(
    history: Path, delay_s: float, at_once: int = 10_000, limit: int = 0, token: str = ""
) -> AsyncGenerator[str]:
    """Its address, until the block ends."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *(
            "-m",
            "tests.support.simulated.slow_x",
            str(history),
            str(delay_s),
            str(at_once),
            str(limit),
            token,
        ),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent.parent.parent)},
    )
    try:
        assert process.stdout is not None
        yield (await process.stdout.readline()).decode().strip()
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


async def counted(address: str) -> dict[str, dict[str, int]]:
    """What the simulator counted: by endpoint, requests, ids, and requests that it refused; `_Far.counts`."""
    async with aiohttp.ClientSession() as session, session.get(f"{address}{CONTROL}counts") as answer:
        return json.loads(await answer.text())


async def _serve(history: str, delay_s: str, at_once: str, limit: str, token: str) -> None:
    told = with_canaries(load_history(Path(history)))
    now = datetime.now(UTC)  # noqa: TID251 - the processes that ask it live in the present
    async with serve_x(told, now=now, limit=int(limit) or None, bearer_token=token or None) as server:
        far = _Far(server, float(delay_s), int(at_once))
        async with listening(far, "127.0.0.1", 0):
            print(far.base_url, flush=True)
            await asyncio.to_thread(sys.stdin.buffer.read)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(*sys.argv[1:]))
