"""Two dashboards behind the proxy of the docs get a later version one after the other: one always answers.

Guards `jobs/runtime` and `dashboard/asgi`.
"""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import aiohttp
import pytest

from storage.postgres.pool import Pool
from storage.postgres.schema import newest
from tests.support.processes.later_version import LATER, LaterVersion, later_version
from tests.support.repeats import cases
from tests.support.servers.reverse_proxy import HOST, PROXIES, ROOT, before, behind, web_process

pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

PATHS = ("/", "/api/live", "/api/accounts", "/readyz")
_PAUSE_S = 0.05


class Reader:
    """Somebody who asks through the proxy without a break, and counts the answers."""

    def __init__(self, address: str) -> None:
        self._local = address.replace(HOST, "127.0.0.1")
        self._host = address.removeprefix("https://")
        self.answers: Counter[object] = Counter()
        self._answered = asyncio.Event()

    async def run(self) -> None:
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=False)) as session:
            while True:
                for path in PATHS:
                    await self._ask(session, path)
                await asyncio.sleep(_PAUSE_S)

    async def _ask(self, session: aiohttp.ClientSession, path: str) -> None:
        headers = {"Host": self._host}
        try:
            async with session.get(self._local + path, headers=headers, server_hostname=HOST) as answer:
                await answer.read()
                self.answers[200 if answer.status == 200 else f"{path}: {answer.status}"] += 1
        except aiohttp.ClientError as error:
            self.answers[f"{path}: {error!r}"] += 1
        self._answered.set()

    async def more(self, least: int = 20) -> None:
        """Return after so many further answers."""
        for _ in range(least):
            self._answered.clear()
            await self._answered.wait()


async def migrated(later: LaterVersion, dsn: str) -> str:
    """Run the migration again as long as it says that another program uses the database."""
    while not (said := await later.migrate(dsn)).startswith(f"{newest()} "):
        assert said.startswith("Another program uses the database")
    return said


@pytest.mark.again
@pytest.mark.parametrize("proxy_name", cases(["nginx"], [*PROXIES]))
async def test_no_request_is_refused_while_two_dashboards_are_replaced(
    pool: Pool, dsn: str, tmp_path: Path, proxy_name: str
) -> None:
    del pool  # the database is there as long as it is
    later = later_version(tmp_path / "later")
    async with AsyncExitStack() as stack:
        address, *ports = stack.enter_context(before(proxy_name, tmp_path))
        settings = behind(address)
        group = await stack.enter_async_context(asyncio.TaskGroup())
        running = {port: stack.enter_context(ExitStack()) for port in ports}
        for port, process in running.items():
            await asyncio.to_thread(process.enter_context, web_process(dsn, settings, tmp_path, port=port))
        reader = Reader(address)
        reading = group.create_task(reader.run())
        await reader.more()
        assert await migrated(later, dsn) == f"{newest()} {LATER}"
        await reader.more()
        settings |= {"PYTHONPATH": f"{later.folder}:{ROOT}"}
        for port, process in running.items():
            await asyncio.to_thread(process.close)
            await reader.more()
            await asyncio.to_thread(process.enter_context, web_process(dsn, settings, tmp_path, port=port))
            await reader.more()
        reading.cancel()
    assert set(reader.answers) == {200}
