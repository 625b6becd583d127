"""A platform simulator in a process of its own, so that it does not share a processor with the monitor.

`python -m jobs.simulators HISTORY` serves until its standard input ends: it cannot outlive the
process that started it, even one that was killed.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import aiohttp

from collectors.simulator.canaries import with_canaries
from collectors.simulator.faults import Faults, Outage, profile
from collectors.simulator.files import load_acts, load_history
from collectors.simulator.history import HistoryError
from collectors.simulator.x import XServer, serve_x

TOKEN = "simulated"  # noqa: S105 - the simulator's own, good for nothing else


class SimulatorError(Exception):
    """The simulator did not start. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class SimulatedX:
    """A running simulator, and how to tell it the time."""

    base_url: str
    _session: aiohttp.ClientSession

    async def set_clock(self, now: datetime) -> None:
        url = f"{self.base_url}/_simulator/clock"
        async with self._session.put(url, json={"now": now.isoformat()}) as answer:
            answer.raise_for_status()


@asynccontextmanager
async def spawn_x(
    history: Path, *, acts: Path | None = None, faults: str = "none", outages: Sequence[Outage] = ()
) -> AsyncGenerator[SimulatedX]:
    """Start a simulator of X for a history and end it with the block. Raises SimulatorError."""
    command = [sys.executable, "-m", "jobs.simulators", str(history), "--faults", faults]
    if acts is not None:
        command += ["--acts", str(acts)]
    for outage in outages:
        command += ["--outage", f"{outage.since.isoformat()}/{outage.until.isoformat()}"]
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent)},
    )
    try:
        first = await process.stdout.readline() if process.stdout is not None else b""
        if not first:
            raise SimulatorError("The simulator of X did not start; its own message stands above.")
        async with connect_x(json.loads(first)["x"]) as simulator:
            yield simulator
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


@asynccontextmanager
async def connect_x(base_url: str) -> AsyncGenerator[SimulatedX]:
    """A simulator that runs already."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield SimulatedX(base_url, session)


@asynccontextmanager
async def serve_history(
    history: Path, acts: Path | None, faults: Faults, port: int
) -> AsyncGenerator[XServer]:
    """Serve a history file here, in this process. Raises HistoryError, and OSError for a taken port."""
    told = with_canaries(load_history(history))
    done = load_acts(acts) if acts is not None else ()
    async with serve_x(told, acts=done, faults=faults, port=port) as server:
        yield server


async def _serve_until_input_ends(arguments: argparse.Namespace) -> None:
    faults = profile(arguments.faults, outages=tuple(arguments.outage))
    async with serve_history(arguments.history, arguments.acts, faults, port=0) as server:
        print(json.dumps({"x": server.base_url}), flush=True)  # noqa: T201 - the parent reads it
        await asyncio.to_thread(sys.stdin.buffer.read)


def _outage(text: str) -> Outage:
    since, _, until = text.partition("/")
    return Outage(datetime.fromisoformat(since), datetime.fromisoformat(until))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m jobs.simulators")
    parser.add_argument("history", type=Path)
    parser.add_argument("--acts", type=Path)
    parser.add_argument("--faults", default="none")
    parser.add_argument("--outage", type=_outage, action="append", default=[])
    try:
        asyncio.run(_serve_until_input_ends(parser.parse_args()))
    except (HistoryError, ValueError) as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    except KeyboardInterrupt:
        pass  # the terminal sends it to parent and child alike; the parent says goodbye
    return 0


if __name__ == "__main__":
    sys.exit(main())
