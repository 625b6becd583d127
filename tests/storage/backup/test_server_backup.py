"""The commands of docs/how-to/backup-large.md on a real server that is lost and restored."""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

from storage.postgres.migrate import migrate
from storage.postgres.pool import connect, open_pool, transaction
from tests.conftest import NOW, roomy_memory
from tests.house.source import ROOT
from tests.support.clients.command_line import console
from tests.support.on_postgres_17 import BINARIES
from tests.support.seeds.chain_rows import block_of
from tests.support.seeds.live_page import seed
from tests.support.servers.ports import free_port
from tests.support.servers.postgres import OWNER, Postgres, started

pytestmark = [pytest.mark.slow, pytest.mark.again]

PAGE = ROOT / "docs/how-to/backup-large.md"


def blocks(kind: str) -> list[str]:
    """The code of the page, by its language."""
    return re.findall(rf"```{kind}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


def run(commands: str, folder: Path, port: int) -> None:
    """As an operator does on the machine of the server, on the folders of the test."""
    here = commands.replace("/srv/backup", f"{folder}/backup").replace(
        "/var/lib/postgresql/restored", f"{folder}/restored"
    )
    where = {"PGHOST": "127.0.0.1", "PGPORT": str(port), "PGUSER": "postgres"}
    subprocess.run(
        ["sh", "-e", "-c", here],
        cwd="/",
        user=OWNER,
        group=OWNER,
        extra_groups=[] if OWNER else None,
        env={"PATH": f"{BINARIES}:{os.environ['PATH']}", **where},
        check=True,
        stdout=subprocess.DEVNULL,
    )


async def rows(dsn: str) -> Sequence[tuple[str, int, str]]:
    """The tables, their rows and a hash of these."""
    conn = await connect(dsn)
    names = await conn.fetch(
        """
        select relname from pg_class
        where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace order by 1
        """
    )
    found: list[tuple[str, int, str]] = []
    for (name,) in names:
        row = await conn.fetchrow(
            f"select count(*), md5(coalesce(string_agg(t::text, '' order by t::text), '')) from {name} t"  # noqa: S608
        )
        assert row is not None
        found.append((name, row[0], row[1]))
    await conn.close()
    return found


async def test_a_lost_server_comes_back_with_what_was_committed_after_its_last_backup() -> None:
    folder = Path(tempfile.mkdtemp(prefix="blockline-backup-", dir=roomy_memory()))
    try:
        async with started(folder / "server", free_port()) as server:
            prepare, full, incremental, verify, combine, replay = blocks("sh")
            if OWNER is not None:
                shutil.chown(folder, OWNER)
            run(prepare, folder, server.port)
            (settings,) = blocks("ini")
            with (server.data / "postgresql.conf").open("a") as file:
                file.write(settings.replace("/srv/backup", f"{folder}/backup"))
            await server.stop()
            await server.start()
            await migrate(server.dsn)
            async with open_pool(server.dsn) as pool:
                async with transaction(pool) as conn:
                    await seed(conn, NOW)
                run(full, folder, server.port)
                async with transaction(pool) as conn:
                    await block_of(conn)
                run(incremental, folder, server.port)
                run(verify, folder, server.port)
                async with transaction(pool) as conn:
                    await conn.execute("update account set handle = 'written_after_the_backups'")
                await pool.execute("select pg_switch_wal()")
                before = await rows(server.dsn)
            await server.stop("immediate")
            shutil.rmtree(server.data)
            run(combine, folder, server.port)
            restored = Postgres(folder / "restored", server.port)
            options = f"-p {server.port} -c unix_socket_directories="
            run(
                replay.replace(" start", f" --log={folder}/restored.log --options='{options}' start"),
                folder,
                server.port,
            )
            try:
                assert await rows(restored.dsn) == before
                checked = console("evidence", "chain", BLOCKLINE_DATABASE_URL=restored.dsn)
                assert (checked.code, checked.err) == (0, "")
            finally:
                await restored.stop("immediate")
    finally:
        shutil.rmtree(folder)
