"""Writes the generated parts of docs/reference, and the notebook."""

import asyncio
from datetime import UTC, datetime

from jobs.cli.rehearse import scratch_database
from storage.postgres.pool import open_pool
from tests.support.reference import command_pages, notebook
from tests.support.reference.pages import parts, with_parts, written
from tests.support.servers.dashboard import SETTINGS, WebProcess


async def main(dsn: str) -> None:
    async with open_pool(dsn) as pool:
        generated = await parts(WebProcess(pool, lambda: datetime(2021, 2, 1, tzinfo=UTC), dsn, SETTINGS))
    for path, text in written().items():
        path.write_text(with_parts(text, generated), encoding="utf-8")
        print(path.name)
    command_pages.FILE.write_text(command_pages.manual(), encoding="utf-8")
    notebook.FILE.write_text(notebook.text(), encoding="utf-8")


with scratch_database() as dsn:
    asyncio.run(main(dsn))
