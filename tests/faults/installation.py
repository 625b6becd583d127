"""An installation as it runs in the field: three processes, a database, a mail server, platforms.

Between them stand gates, so that everything that can fail can be made to. All of it runs under one
`faketime`, so that an hour passes in minutes.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import aiohttp
import asyncpg

from collectors.simulator.history import History
from jobs.base.clock import system_clock
from jobs.delivery.local_inbox import SmtpServer
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.accounts import Platform
from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool, transaction
from tests.faults.gate import Gate, gated
from tests.faults.mail_server import Certificates, MailDesk, mail_server
from tests.faults.platforms import Moods, controls, invented, living
from tests.support.processes.fast_clock import share_clock
from tests.support.servers.ports import free_port
from tests.support.servers.postgres import Postgres, started

ROOT = Path(__file__).parents[2]
ROLES = ("collect", "notify", "web")
SWEEP = timedelta(minutes=1)
_DISK = "2g"
CAN_MOUNT = os.geteuid() == 0
_START = "import sys; from jobs.start import main; main()"


@dataclass
class Installation:
    """What runs, and what can be done to it."""

    folder: Path
    history: History
    moods: Moods
    server: Postgres
    database: Gate
    platforms: Mapping[Platform, Gate]
    mail: Gate
    desk: MailDesk
    certificates: Certificates
    smtp: SmtpServer
    environment: dict[str, str]
    began: datetime
    web_port: int
    stack: AsyncExitStack
    """What a fault adds for good; it ends with the installation."""
    processes: dict[str, Process] = field(default_factory=dict[str, Process])

    @property
    def disk(self) -> Path:
        """Where the databases are."""
        return self.folder / "disk"

    async def start(self, role: str, *, named: str = "", **environment: str) -> None:
        """Start a process of this role; what it says is in the file `said` of its folder."""
        name = named or role
        here = self.folder / name
        here.mkdir(exist_ok=True)
        with (here / "said").open("ab") as said:
            self.processes[name] = await asyncio.create_subprocess_exec(
                sys.executable, "-c", _START,
                "run", "--role", role, "--config", str(self.folder / "blockline.toml"),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                env=self.environment | {"BLOCKLINE_DATA_DIR": str(here)} | environment,
            )  # fmt: skip

    async def end(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        process = self.processes.pop(name)
        with suppress(ProcessLookupError):
            process.send_signal(how)
        await process.wait()

    def send(self, name: str, how: signal.Signals) -> None:
        self.processes[name].send_signal(how)

    def said(self, name: str) -> str:
        return (self.folder / name / "said").read_text(encoding="utf-8", errors="replace")

    async def query(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Ask the database itself, past the gate."""
        conn = await asyncpg.connect(self.server.dsn)
        try:
            return await conn.fetch(query, *arguments)
        finally:
            await conn.close()

    async def until(self, is_so: Callable[[], Awaitable[bool]], within: timedelta) -> bool:
        """Wait until it is so; False if it is not within that time."""
        last = system_clock() + within
        while system_clock() < last:
            with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                if await is_so():
                    return True
            await asyncio.sleep(5)
        return False

    async def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page; 0 and why if there is no answer."""
        timeout = aiohttp.ClientTimeout(total=300)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(f"http://127.0.0.1:{self.web_port}{path}") as answer,
            ):
                return answer.status, await answer.text(errors="replace")
        except (aiohttp.ClientError, TimeoutError) as error:
            return 0, type(error).__name__

    async def command(self, *arguments: str) -> tuple[int, str, str]:
        """Run a command of Blockline: its exit code, what it prints, and what it prints of errors."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", _START, *arguments, "--config", str(self.folder / "blockline.toml"),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=self.environment | {"BLOCKLINE_DATA_DIR": str(self.folder / "command")},
        )  # fmt: skip
        try:
            async with asyncio.timeout(300):
                out, err = await process.communicate()
        except TimeoutError:
            process.kill()
            await process.wait()
            return -1, "", "no answer within five minutes"
        return process.returncode or 0, out.decode(), err.decode()


@asynccontextmanager
async def installed(folder: Path, hours: float) -> AsyncGenerator[Installation]:
    """An installation that reads accounts, some of which change, for so many hours."""
    async with AsyncExitStack() as stack:
        began = system_clock()
        folder.chmod(0o755)  # Postgres may be run by another user
        history = invented(began, began + timedelta(hours=hours))
        moods = Moods(hang_s=120, slow_s=4)
        places = await stack.enter_async_context(living(history, moods))
        platforms = {p: await stack.enter_async_context(gated(place)) for p, place in places.items()}
        disk = stack.enter_context(_small_disk(folder / "disk"))
        share_clock()
        server = await stack.enter_async_context(started(disk / "database", free_port()))
        database = await stack.enter_async_context(gated(("127.0.0.1", server.port)))
        certificates, desk = Certificates(folder), MailDesk()
        smtp = stack.enter_context(mail_server(desk, certificates.context("mail")))
        mail = await stack.enter_async_context(gated((smtp.host, smtp.port)))
        web_port = free_port()
        (folder / "blockline.toml").write_text(_settings(history, database, platforms, mail, web_port))
        (folder / "blockline.toml").chmod(0o600)
        environment = os.environ | {
            "PYTHONPATH": str(ROOT),
            "SSL_CERT_FILE": str(certificates.authority),
            "HOME": str(folder),
        }
        await migrate(server.dsn)
        async with open_pool(server.dsn, max_size=1) as pool, transaction(pool) as conn:
            # A list for each: later changes of one incident would wait for a round-up.
            new = [
                NewAccount(a.platform, a.native_id, a.handles[0], (a.handles[0],)) for a in history.accounts
            ]
            await add_accounts(conn, new, began)
        here = Installation(
            folder, history, moods, server, database, platforms, mail, desk, certificates, smtp, environment,
            began, web_port, stack,
        )  # fmt: skip
        try:
            for role in ROLES:
                await here.start(role)
            yield here
        finally:
            for name in list(here.processes):
                with suppress(ProcessLookupError):
                    here.send(name, signal.SIGCONT)
                await here.end(name, signal.SIGKILL)


@contextmanager
def _small_disk(folder: Path) -> Generator[Path]:
    """A disk of its own, which can be filled, if this user may make one; else a folder."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "tmpfs", folder]
    if not CAN_MOUNT or subprocess.run(mount, check=False).returncode:
        yield folder
        return
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def _settings(
    history: History, database: Gate, platforms: Mapping[Platform, Gate], mail: Gate, web_port: int
) -> str:
    x, bluesky, mastodon = (f"http://{platforms[Platform(p)].address}" for p in ("x", "bluesky", "mastodon"))
    lines: Sequence[str] = [
        f'database_url = "postgresql://postgres@{database.address}/blockline?sslmode=disable"',
        f"port = {web_port}",
        'auth = "none"',
        'platforms = ["x", "bluesky", "mastodon"]',
        'x_bearer_token = "simulated"',
        f'x_base_url = "{x}"',
        f'bluesky_app_view = "{bluesky}"',
        f'bluesky_plc = "{bluesky}"',
        f'bluesky_jetstream = "{bluesky.replace("http", "ws")}/subscribe"',
        f'mastodon_origins = {{"mastodon.example" = "{mastodon}", "social.example" = "{mastodon}"}}',
        *(f"{p.value}_canaries = {json.dumps(list(controls(history, p)))}" for p in platforms),
        f'sweep_every = "{SWEEP.total_seconds():.0f}s"',
        'smtp_host = "127.0.0.1"',
        f"smtp_port = {mail.port}",
        'mail_from = "Blockline <alerts@example.org>"',
        'operators = ["operator@example.org"]',
        "[[rules]]",
        'name = "desk"',
        'recipients = ["desk@example.org"]',
    ]
    return "\n".join(lines) + "\n"
