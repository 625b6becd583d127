"""The platform simulators in a process of their own, so that the monitor keeps its processor to itself.

`python -m jobs.rehearsal.simulators HISTORY` serves every platform of the history until its standard
input ends. So it cannot outlive the process that started it, even a killed one.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

import aiohttp

from collectors.simulator.canaries import with_canaries
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan, Outage, profile
from collectors.simulator.history import History, HistoryError
from collectors.simulator.history_conversion import recast, recast_all
from collectors.simulator.history_files import load_acts, load_history
from collectors.simulator.platform_simulator import simulator_of
from collectors.simulator.server import first_time
from jobs.base.errors import CommandError
from storage.model.core.accounts import Platform
from storage.model.text.control_characters import escaped_lines
from storage.model.text.states import PLATFORM_NAME
from storage.model.text.units import either


class SimulatorError(CommandError):
    """The simulators did not start. The message is one sentence."""


class Played(StrEnum):
    """The platform on which the accounts of a history are played."""

    # The members are the installed platforms, and ALL.
    vars().update({platform.name: platform.value for platform in Platform})
    ALL = "all"
    """Each account on every platform."""


@dataclass(frozen=True, slots=True)
class Simulators:
    """Running simulators: the address of each platform, and their clock."""

    addresses: Mapping[Platform, str]
    _session: aiohttp.ClientSession

    async def set_clock(self, now: datetime) -> None:
        """Set the time of all simulators at once."""
        async with asyncio.TaskGroup() as group:
            for address in self.addresses.values():
                group.create_task(self._set_clock(address, now))

    async def _set_clock(self, address: str, now: datetime) -> None:
        url = f"{address}/_simulator/clock"
        async with self._session.put(url, json={"now": now.isoformat()}) as answer:
            answer.raise_for_status()


@asynccontextmanager
async def spawn(
    history: Path,
    *,
    platform: str | None = None,
    acts: Path | None = None,
    faults: str = "none",
    outages: Sequence[Outage] = (),
) -> AsyncGenerator[Simulators]:
    """Start the simulators for a history and end them with the block. Raises SimulatorError.

    `platform` is one of `Played`; None leaves every account on the platform that the file names.
    """
    command = [sys.executable, "-m", "jobs.rehearsal.simulators", str(history), "--faults", faults]
    if platform is not None:
        command += ["--platform", platform]
    if acts is not None:
        command += ["--acts", str(acts)]
    for outage in outages:
        command += ["--outage", f"{outage.since.isoformat()}/{outage.until.isoformat()}"]
    # Where this process found the platforms, the other one finds them too. It has a session of its own: a
    # terminal interrupts all processes of one, and the simulators have to answer until this one is done.
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        start_new_session=True,
    )
    try:
        first = await process.stdout.readline() if process.stdout is not None else b""
        if not first:
            raise SimulatorError("The simulators did not start. Their own message is above.")
        addresses = {Platform(name): str(address) for name, address in json.loads(first).items()}
        async with connected(addresses) as simulators:
            yield simulators
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


@asynccontextmanager
async def connected(addresses: Mapping[Platform, str]) -> AsyncGenerator[Simulators]:
    """Connect to simulators that run already."""
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield Simulators(addresses, session)


def played(history: History, platform: str | None) -> History:
    """Convert a history for `platform`, one of `Played`; None leaves it as it is.

    Raises ValueError for any other word.
    """
    if platform is None:
        return history
    on = Played(platform)
    return recast_all(history) if on is Played.ALL else recast(history, Platform(on))


def read_history_file(path: Path, platform: str | None) -> History:
    """Read a history file, as played on `platform`. Raises HistoryError, also if it names no account."""
    history = played(load_history(path), platform)
    if not history.accounts:
        raise HistoryError(f"{path.name}: the file contains no account.")
    return history


def acts_for(path: Path | None, history: History) -> tuple[SimulatedAct, ...]:
    """Read the engagements in a file; None gives none. Raises HistoryError."""
    if path is None:
        return ()
    if not any(simulator_of(account.platform).plays_acts for account in history.accounts):
        able = either([PLATFORM_NAME[p] for p in Platform if simulator_of(p).plays_acts])
        raise HistoryError(
            f"{path.name}: simulated engagements need an account on {able}, and the history has none."
        )
    return load_acts(path)


@asynccontextmanager
async def serving(
    history: History, acts: Sequence[SimulatedAct], faults: FaultPlan, port: int
) -> AsyncGenerator[dict[Platform, str]]:
    """Serve a history and control accounts in this process; yields the address of each platform.

    The first platform takes `port`, the others the ports after it; 0 takes free ports. The clocks start at
    the beginning of the history. Raises OSError for a taken port, and ValueError if the history uses the id
    of a control account.
    """
    everybody, start, own_port = with_canaries(history), first_time(history), port
    addresses: dict[Platform, str] = {}
    platforms = {account.platform for account in history.accounts}
    async with AsyncExitStack() as stack:
        for platform in Platform:
            if platform in platforms:
                one = simulator_of(platform).serve(everybody, acts, faults, start, own_port)
                server = await stack.enter_async_context(one)
                addresses[platform] = server.base_url
                own_port += 1 if port else 0
        yield addresses


async def _serve_until_input_ends(arguments: argparse.Namespace) -> None:
    faults = profile(arguments.faults, outages=tuple(arguments.outage))
    history = read_history_file(arguments.history, arguments.platform)
    acts = acts_for(arguments.acts, history)
    async with serving(history, acts, faults, port=0) as addresses:
        print(json.dumps(addresses), flush=True)  # noqa: T201 - the parent reads it
        await asyncio.to_thread(sys.stdin.buffer.read)


def _outage(text: str) -> Outage:
    since, _, until = text.partition("/")
    return Outage(datetime.fromisoformat(since), datetime.fromisoformat(until))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m jobs.rehearsal.simulators")
    parser.add_argument("history", type=Path)
    parser.add_argument("--platform", choices=[on.value for on in Played])
    parser.add_argument("--acts", type=Path)
    parser.add_argument("--faults", default="none")
    parser.add_argument("--outage", type=_outage, action="append", default=[])
    try:
        asyncio.run(_serve_until_input_ends(parser.parse_args()))
    except (HistoryError, ValueError) as error:
        print(escaped_lines(str(error)), file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
