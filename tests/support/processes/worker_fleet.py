"""Several processes that read, as they run on several machines: `blockline run --role collect`."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from collectors.x.declaration import X
from collectors.x.simulator.simulator import X_CANARIES
from storage.accounts.accounts import NewAccount, add_accounts
from storage.postgres.pool import Pool, StorageError, transaction
from storage.work.workers import platform_leaders
from tests.support.samples.readings import HEADER

FROM = datetime(2021, 1, 1, tzinfo=UTC)


@dataclass
class Fleet:
    """The processes, in the order in which they were started: the first one plans."""

    processes: list[Process]
    folders: list[Path]

    def end(self, number: int, how: signal.Signals) -> None:
        self.processes[number].send_signal(how)

    async def plans(self, pool: Pool) -> int:
        """Wait until one of those that have not ended plans the reading of X: which."""
        while True:
            async with transaction(pool) as conn:
                [planner] = (await platform_leaders(conn)).get(X) or [None]
            for number, process in enumerate(self.processes):
                if planner and process.returncode is None and planner.name.endswith(f" {process.pid}"):
                    return number
            await asyncio.sleep(0.05)


@asynccontextmanager
async def fleet(
    pool: Pool,
    dsn: str,
    address: str,
    folder: Path,
    tokens: Sequence[str],
    sweep_every: str = "12h",
    more: str = "",
) -> AsyncGenerator[Fleet]:
    """A process for each token, all of which have reported themselves. Those left at the end are ended.

    `more` are further lines of their settings.
    """
    started: list[Process] = []
    try:
        for number, token in enumerate(tokens):
            here = folder / f"machine{number}"
            here.mkdir(parents=True)
            started.append(await _start(dsn, address, here, token, sweep_every, more))
            await until(pool, "select count(*) from worker", number + 1)
        yield Fleet(started, [folder / f"machine{number}" for number in range(len(tokens))])
    finally:
        for process in started:
            with suppress(ProcessLookupError):
                process.terminate()
        for process in started:
            await process.wait()


async def _start(dsn: str, address: str, folder: Path, token: str, sweep_every: str, more: str) -> Process:
    (folder / "blockline.toml").write_text(
        f"""
        database_url = "{dsn}"
        data_dir = "{folder}"
        platforms = ["x"]
        x_bearer_token = "{token}"
        x_base_url = "{address}"
        x_canaries = [{", ".join(f'"{c.native_id}:{c.handles[0]}:{c.states[0].status}"' for c in X_CANARIES)}]
        sweep_every = "{sweep_every}"
        {more}
        """
    )
    root = Path(__file__).parent.parent.parent.parent
    with (folder / "said").open("wb") as said:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-c", "from jobs.start import main; main()", "run", "--role", "collect"),
            *("--config", str(folder / "blockline.toml")),
            stdout=said,
            stderr=said,
            env=os.environ | {"PYTHONPATH": str(root)},
        )


def many_accounts(path: Path, accounts: int) -> Path:
    """A history in which nothing happens to so many accounts of X."""
    rows = [HEADER, *(f"x,{10_000 + n},handle_{n},2021-01-01T00:00:00Z,available,," for n in range(accounts))]
    path.write_text("\n".join(rows) + "\n")
    return path


async def watch_many(pool: Pool, accounts: int) -> None:
    """Put the accounts of `many_accounts` on the watch."""
    everybody = [NewAccount(X, str(10_000 + n), f"handle_{n}") for n in range(accounts)]
    async with transaction(pool) as conn:
        await add_accounts(conn, everybody, FROM)


async def until(pool: Pool, query: str, wanted: object) -> None:
    """Wait until the query gives what is wanted; the test's own time limit is the bound."""
    while True:
        if await asked(pool, query) == wanted:
            return
        await asyncio.sleep(0.05)


async def said(folder: Path, words: str) -> None:
    """Wait until the process of this folder has said so."""
    while words not in (folder / "said").read_text(encoding="utf-8"):  # noqa: ASYNC110 - it is another process
        await asyncio.sleep(0.1)


async def asked(pool: Pool, query: str) -> object:
    with suppress(StorageError):
        async with transaction(pool) as conn:
            return await conn.fetchval(query)
    return None
