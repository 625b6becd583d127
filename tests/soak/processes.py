"""The processes of the installation: two collect, one sends emails, two serve the dashboard."""

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from collectors.bluesky.simulator.simulator import BLUESKY_CANARIES
from collectors.simulator.history import HistoryAccount
from collectors.x.declaration import X
from collectors.x.simulator.simulator import X_CANARIES
from storage.postgres.pool import Pool, transaction
from storage.work.workers import platform_leaders
from tests.support.servers.ports import free_port

ROLES = {
    "collector 1": "collect",
    "collector 2": "collect",
    "notifier": "notify",
    "web 1": "web",
    "web 2": "web",
}

RECIPIENT = "desk@example.org"
_ROOT = Path(__file__).parent.parent.parent
_LOOK_S = 1.0
_AS_SERVICES = {"MALLOC_ARENA_MAX": "2"}
"""What the unit of systemd and the container set."""


@dataclass(slots=True)
class Installation:
    """The running processes by name; each writes what it says to a file of this name."""

    folder: Path
    settings: str
    processes: dict[str, Process] = field(default_factory=dict[str, Process])
    addresses: dict[str, str] = field(default_factory=dict[str, str])
    """Of the dashboards, by the name of the process."""

    async def start(self, name: str) -> None:
        """Start a process; returns when it has said that it runs."""
        here, role = self.folder / name.replace(" ", "_"), ROLES[name]
        here.mkdir(exist_ok=True)
        port = free_port()
        toml = here / "blockline.toml"
        toml.touch(mode=0o600)
        toml.write_text(f'data_dir = "{here}"\nport = {port}\n{self.settings}')
        said = here / "said"
        with said.open("ab") as file:
            before = said.stat().st_size
            self.processes[name] = await asyncio.create_subprocess_exec(
                *(sys.executable, "-c", "from jobs.start import main; main()"),
                *("run", "--role", role, "--config", str(toml)),
                stdout=file,
                stderr=file,
                env=os.environ | {"PYTHONPATH": str(_ROOT)} | _AS_SERVICES,
            )
        while not re.search(r"Reading|Alert rules|Dashboard on", said.read_bytes()[before:].decode()):
            if self.processes[name].returncode is not None:
                raise SystemExit(f"{name} ended: {said.read_text(encoding='utf-8')[-2000:]}")
            await asyncio.sleep(_LOOK_S)
        if role == "web":
            self.addresses[name] = f"http://127.0.0.1:{port}"

    async def kill_leader(self, pool: Pool) -> str:
        """Kill the process that plans the reading of X, and start it again. Returns its name."""
        while True:
            async with transaction(pool) as conn:
                [leader] = (await platform_leaders(conn)).get(X) or [None]
            for name, process in self.processes.items():
                if leader is not None and leader.name.endswith(f" {process.pid}"):
                    process.send_signal(signal.SIGKILL)
                    await process.wait()
                    await self.start(name)
                    return name
            await asyncio.sleep(_LOOK_S)

    def ended(self) -> list[str]:
        """The names of the processes that ended by themselves."""
        return [name for name, process in self.processes.items() if process.returncode is not None]

    def said(self) -> dict[str, list[str]]:
        """The warnings and errors that each process logged."""
        found = {name: (self.folder / name.replace(" ", "_") / "said") for name in ROLES}
        return {
            name: [line for line in file.read_text(encoding="utf-8").splitlines() if _is_fault(line)]
            for name, file in found.items()
            if file.exists()
        }


def _is_fault(line: str) -> bool:
    return re.search(r"\b(WARNING|ERROR|CRITICAL)\b", line) is not None or "Traceback" in line


def settings_of(dsn: str, addresses: Mapping[str, str], smtp_port: int, sweep_every: timedelta) -> str:
    """The settings that all processes share, as lines of TOML."""
    bluesky = addresses["bluesky"]
    return f"""\
database_url = "{dsn}"
platforms = ["bluesky", "x"]
x_bearer_token = "simulated"
x_base_url = "{addresses["x"]}"
x_canaries = {_canaries(X_CANARIES)}
bluesky_app_view = "{bluesky}"
bluesky_plc = "{bluesky}"
bluesky_jetstream = "{bluesky.replace("http", "ws", 1)}/subscribe"
bluesky_labelers = {{}}
bluesky_canaries = {_canaries(BLUESKY_CANARIES)}
sweep_every = "{round(sweep_every.total_seconds())}s"
smtp_host = "127.0.0.1"
smtp_port = {smtp_port}
smtp_security = "none"
mail_from = "blockline@example.org"
recipients = ["{RECIPIENT}"]
auth = "none"
host = "127.0.0.1"
"""


def _canaries(accounts: tuple[HistoryAccount, ...]) -> str:
    named = [f'"{a.native_id}:{a.handles[0]}:{a.states[0].status}"' for a in accounts]
    return f"[{', '.join(named)}]"


@asynccontextmanager
async def installed(folder: Path, settings: str) -> AsyncGenerator[Installation]:
    """All processes of `ROLES`, ended with the block."""
    here = Installation(folder, settings)
    try:
        async with asyncio.TaskGroup() as group:
            for name in ROLES:
                group.create_task(here.start(name))
        yield here
    finally:
        for process in here.processes.values():
            with suppress(ProcessLookupError):
                process.terminate()
        for process in here.processes.values():
            await process.wait()
