"""One real Postgres for the session, one fresh database for each test that asks for it."""

import asyncio
import gc
import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import hypothesis
import pytest

from storage.embedded.launcher import embedded_postgres
from storage.postgres.migrate import migrate
from storage.postgres.pool import Conn, Pool, connect, open_pool, transaction
from tests.support.seeds.alerts import Played, play_alerts
from tests.support.seeds.changes import Story
from tests.support.seeds.every_page import Everything, seed_everything
from tests.support.seeds.live_page import seed

T = TypeVar("T")
_counter = itertools.count()
_thread, _runner = ThreadPoolExecutor(1), asyncio.Runner()
_connections: dict[str, Conn] = {}
"""To the servers on which databases are made, by address."""

# How long an example takes says something about the machine, not about the code.
hypothesis.settings.register_profile("blockline", deadline=None)
hypothesis.settings.load_profile("blockline")


NOW = datetime(2021, 2, 1, 12, 0, tzinfo=UTC)


def pytest_collection_finish() -> None:
    """Let the garbage collector skip what was loaded so far, which stays to the end, and run seldom: a test
    leaves little.
    """
    gc.freeze()
    gc.set_threshold(20_000, 50, 50)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each of several testers begins with its share of the slow ones: one that takes minutes and comes last
    would keep all waiting.
    """
    slow = [item for item in items if item.get_closest_marker("slow") is not None]
    fast = [item for item in items if item.get_closest_marker("slow") is None]
    testers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    modules = [*dict.fromkeys(item.path for item in slow)]  # the tests of one share what it made
    items[:] = [
        one
        for n in range(testers)
        for one in (
            *(item for item in slow if modules.index(item.path) % testers == n),
            *fast[len(fast) * n // testers : len(fast) * (n + 1) // testers],
        )
    ]


@pytest.fixture(autouse=True, scope="session")
def no_settings_of_the_user(tmp_path_factory: pytest.TempPathFactory) -> Generator[None]:
    """Whoever runs the tests may use Blockline: their recipients get no email of a test."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))
        yield


@pytest.fixture
def now() -> datetime:
    return NOW


@pytest.fixture(scope="session")
def postgres_dsn() -> Generator[str]:
    """A server: TEST_DATABASE_URL, else our own. Tests make their databases on it and drop them.

    Each of several testers at once has its own: in the setting, {tester} stands for its name.
    """
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given.replace("{tester}", os.environ.get("PYTEST_XDIST_WORKER", "gw0"))
        _part()
        return
    folder = Path(tempfile.mkdtemp(prefix="blockline-tests-", dir=roomy_memory()))
    try:
        with embedded_postgres(folder, fsync=False) as dsn:
            # Autovacuum would start a process for each of thousands of databases, which live for a moment.
            _run(_execute(dsn, "alter system set autovacuum = off"))
            _run(_execute(dsn, "select pg_reload_conf()"))
            yield dsn
            _part()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def template(postgres_dsn: str) -> Generator[str]:
    """Name of a migrated database that tests clone."""
    with _database(postgres_dsn, "template0") as dsn:
        _run(migrate(dsn))
        yield urlsplit(dsn).path[1:]


@pytest.fixture
def empty_dsn(postgres_dsn: str) -> Generator[str]:
    """A fresh database with nothing in it."""
    with _database(postgres_dsn, "template0") as dsn:
        yield dsn


@pytest.fixture(scope="session")
def story_template(postgres_dsn: str, template: str) -> Generator[tuple[str, Story]]:
    """Name of a database with the small story, and what was written."""

    async def write(pool: Pool) -> Story:
        async with transaction(pool) as conn:
            return await seed(conn, NOW)

    with _database(postgres_dsn, template) as dsn:
        yield urlsplit(dsn).path[1:], _run(_written(dsn, write))


@pytest.fixture(scope="session")
def played_template(postgres_dsn: str, template: str) -> Generator[tuple[str, Played]]:
    """The same with what the notifier makes of the story."""
    with _database(postgres_dsn, template) as dsn:
        yield urlsplit(dsn).path[1:], _run(_written(dsn, lambda pool: play_alerts(pool, NOW)))


@pytest.fixture(scope="session")
def everything_template(postgres_dsn: str, template: str) -> Generator[tuple[str, Everything]]:
    """Name of a database with something on every page, and what was written."""
    with _database(postgres_dsn, template) as dsn:
        yield urlsplit(dsn).path[1:], _run(_written(dsn, lambda pool: seed_everything(pool, NOW)))


@pytest.fixture
def dsn(request: pytest.FixtureRequest, postgres_dsn: str, template: str) -> Generator[str]:
    """A fresh database with the schema, and the rows of the story that the test asks for, or none."""
    for told in ("everything_template", "played_template", "story_template"):
        if told in request.fixturenames:
            template, _ = request.getfixturevalue(told)
    with _database(postgres_dsn, template) as dsn:
        yield dsn


@pytest.fixture
def story(dsn: str, story_template: tuple[str, Story]) -> Story:
    """The small story of tests/support/seeds/live_page.py, which is in the test's database."""
    return deepcopy(story_template[1])


@pytest.fixture
def played(dsn: str, played_template: tuple[str, Played]) -> Played:
    """The story with rules, mails and decisions of tests/support/seeds/alerts.py, which is in the test's
    database.
    """
    return deepcopy(played_template[1])


@pytest.fixture
def everything(dsn: str, everything_template: tuple[str, Everything]) -> Everything:
    """Something on every page, by tests/support/seeds/every_page.py, which is in the test's database."""
    return deepcopy(everything_template[1])


@pytest.fixture(scope="session")
def fresh_database(postgres_dsn: str, template: str) -> Callable[[], AbstractContextManager[str]]:
    """Makes databases with the schema and no rows, for tests that need more than one."""
    return lambda: _database(postgres_dsn, template)


@pytest.fixture
async def pool(dsn: str) -> AsyncGenerator[Pool]:
    async with open_pool(dsn) as pool:
        yield pool


@contextmanager
def _database(server: str, template: str) -> Generator[str]:
    name = f"blockline_test_{os.getpid()}_{next(_counter)}"
    _run(_execute(server, f'create database "{name}" template "{template}" strategy file_copy'))
    try:
        yield urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    finally:
        _run(_execute(server, f'drop database "{name}" with (force)'))


async def _written(dsn: str, write: Callable[[Pool], Awaitable[T]]) -> T:
    async with open_pool(dsn, max_size=1) as pool:
        return await write(pool)


async def _execute(server: str, command: str) -> None:
    if server not in _connections:
        _connections[server] = await connect(server)
    await _connections[server].execute(command)


def _part() -> None:
    _run(_disconnect())
    _thread.submit(_runner.close).result()


async def _disconnect() -> None:
    while _connections:
        await _connections.popitem()[1].close()


def roomy_memory() -> str | None:
    """A file system in memory, if there is room: a database is cloned there thirty times faster."""
    memory = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
    is_roomy = memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2**31
    return str(memory) if is_roomy else None


def _run(work: Coroutine[object, object, T]) -> T:
    """In a thread of its own, since the test's event loop may be set up already."""
    return _thread.submit(_runner.run, work).result()
