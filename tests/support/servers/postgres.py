"""A Postgres server of the run's own, which can be stopped, killed, filled up, copied and replaced."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.on_postgres_17 import BINARIES

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "wal_level": "replica",
    "hot_standby": "on",
    "autovacuum": "on",
    "timezone": "UTC",
    "max_wal_size": "256MB",
}


OWNER = "postgres" if os.geteuid() == 0 else None
"""Postgres refuses to be run by root."""


class ServerFailed(Exception):
    """A program of Postgres failed. The message is what it said."""


class Postgres:
    """A server on a port, with its data in a folder."""

    def __init__(self, data: Path, port: int) -> None:
        self.data = data
        self.port = port

    @property
    def dsn(self) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/blockline?sslmode=disable"

    @property
    def pid(self) -> int:
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    async def make(self) -> None:
        self.own()
        await program("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")

    def own(self) -> None:
        """Make the folder, if need be, and give it to who runs the server."""
        self.data.mkdir(mode=0o700, exist_ok=True)
        log = self._log
        log.touch()
        if OWNER is not None:
            shutil.chown(self.data, OWNER)
            shutil.chown(log, OWNER)

    @property
    def _log(self) -> Path:
        return self.data.parent / f"{self.data.name}.log"

    async def start(self) -> None:
        options = " ".join(f"-c {name}={value or repr('')}" for name, value in _SETTINGS.items())
        await program(
            "pg_ctl", "-D", self.data, "-l", self._log, "-w", "-o", f"{options} -p {self.port}", "start"
        )

    async def stop(self, how: str = "fast") -> None:
        await program("pg_ctl", "-D", self.data, "-m", how, "-w", "stop")

    def send(self, how: signal.Signals) -> None:
        """To the server and all its processes."""
        for pid in (self.pid, *children(self.pid)):
            os.kill(pid, how)

    async def copy_to(self, copy: "Postgres", *options: str) -> None:
        """Copy this server, which goes on working, to another one's folder."""
        copy.own()
        await program(
            "pg_basebackup", "-h", "127.0.0.1", "-p", self.port, "-U", "postgres", "-D", copy.data,
            "-X", "stream", "-c", "fast", "--no-sync", *options,
        )  # fmt: skip

    async def promote(self) -> None:
        await program("pg_ctl", "-D", self.data, "-w", "promote")


def children(pid: int) -> list[int]:
    """The processes that a process started."""
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


async def program(name: str, *arguments: object) -> None:
    """Run one of Postgres' programs. Raises ServerFailed."""
    process = await asyncio.create_subprocess_exec(
        str(BINARIES / name),
        *map(str, arguments),
        cwd="/",
        user=OWNER,
        group=OWNER,
        extra_groups=[] if OWNER else None,
        stdin=asyncio.subprocess.DEVNULL,
        # A server that is started keeps its output, so no pipe.
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    if code := await process.wait():
        raise ServerFailed(f"{name} {' '.join(map(str, arguments))} ended with {code}")


@asynccontextmanager
async def started(data: Path, port: int) -> AsyncGenerator[Postgres]:
    """A new server; it is stopped with the block."""
    data.parent.chmod(0o755)
    server = Postgres(data, port)
    await server.make()
    await server.start()
    try:
        await program("createdb", "-h", "127.0.0.1", "-p", port, "-U", "postgres", "blockline")
        yield server
    finally:
        if (data / "postmaster.pid").exists():
            await server.stop("immediate")
