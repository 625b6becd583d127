"""The names of a form are read and drawn in threads, and meanwhile no connection is held."""

import asyncio
import threading
from datetime import datetime
from typing import Any

from dashboard.asgi.off_loop import AT_ONCE, off_loop
from dashboard.asgi.process import WebProcess
from dashboard.auth.access import acting_as
from dashboard.filing.names_callbacks import connect_names
from storage.model.core.people import Actor, Role
from storage.postgres.pool import open_pool, transaction
from tests.support.clients.page_text import CallbackRecorder
from tests.support.servers.dashboard import SETTINGS


async def test_names_wait_for_a_thread_without_a_connection(dsn: str, now: datetime) -> None:
    app: Any = CallbackRecorder()
    gate = threading.Event()
    async with open_pool(dsn, max_size=1) as pool:
        connect_names(WebProcess(pool, lambda: now, dsn, SETTINGS), app)
        check = app.found[0]
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(off_loop(gate.wait))
            try:
                with acting_as(Actor("ada", Role.ANALYST)):
                    asked = tasks.create_task(check(1, "x:h1", None, ""))
                await asyncio.sleep(0.05)
                async with transaction(pool) as conn:
                    assert await conn.fetchval("select 1") == 1
                assert not asked.done()
            finally:
                gate.set()
        result, checked, said = asked.result()
    assert (said, sorted(checked), isinstance(result, dict)) == ("", ["check", "of"], True)


async def test_a_viewer_checks_no_names(dsn: str, now: datetime) -> None:
    app: Any = CallbackRecorder()
    async with open_pool(dsn, max_size=1) as pool:
        connect_names(WebProcess(pool, lambda: now, dsn, SETTINGS), app)
        with acting_as(Actor("vera", Role.VIEWER)):
            *_, said = await app.found[0](1, "x:h1", None, "")
    assert said == "This needs the role analyst or a higher one; your role is viewer."
