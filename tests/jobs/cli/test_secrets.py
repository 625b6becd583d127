"""The command that renews the keys of an installation, as its user meets it."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from dashboard.auth.signed_links import Link, LinkAction, read_token, token
from storage.alerts import outbox
from storage.postgres.installation import link_key
from storage.postgres.pool import Pool, transaction
from tests.support.clients.command_line import Ran, console, forget_settings
from tests.support.samples.readings import T0

Run: TypeAlias = Callable[..., Awaitable[Ran]]

LINK = Link(LinkAction.ACKNOWLEDGE, "key", "desk@example.org", T0, 1)
DONE = (
    "The keys are changed: links in emails written until now are void, and people who are logging in "
    "through a provider must begin again."
)


@pytest.fixture
def run(dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a process of its own, while this one goes on."""
    forget_settings(monkeypatch, tmp_path)
    return lambda *arguments: asyncio.to_thread(console, *arguments, BLOCKLINE_DATABASE_URL=dsn)


async def key_of(pool: Pool) -> bytes:
    async with transaction(pool) as conn:
        return await link_key(conn)


async def test_a_rotation_makes_all_old_links_void(run: Run, pool: Pool) -> None:
    old = token(await key_of(pool), LINK)
    ran = await run("secrets", "rotate")
    assert (ran.code, ran.err, ran.said) == (0, "", [DONE])
    assert read_token(await key_of(pool), old) is None
    (entry,) = (await run("alerts", "log", "--json")).json["log"]
    assert (entry["actor"], entry["action"]) == ("command line", "keys rotated")


async def test_a_rotation_waits_for_mails_that_are_being_written(run: Run, pool: Pool) -> None:
    """Else a mail could be stored after it, with a link that never worked."""
    key = await key_of(pool)
    async with transaction(pool) as conn:
        await outbox.begin(conn)
        rotating = asyncio.ensure_future(run("secrets", "rotate"))
        while not rotating.done():
            if await pool.fetchval("select exists (select from pg_locks where not granted)"):
                break
            await asyncio.sleep(0.05)
        assert await link_key(conn) == key
    assert (await rotating).said == [DONE]
    assert await key_of(pool) != key


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        pytest.param(("rotate", "links"), "Got unexpected extra argument", id="no key is chosen"),
        pytest.param(("burn",), "No such command 'burn'", id="nothing else is done to secrets"),
    ],
)
async def test_a_wrong_use_is_refused(run: Run, arguments: tuple[str, ...], sentence: str) -> None:
    ran = await run("secrets", *arguments)
    assert ran.code == 2
    assert sentence in ran.err
