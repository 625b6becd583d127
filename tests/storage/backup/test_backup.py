"""A backup holds every row of one moment and proves every byte; a restore gives back all of it or nothing."""

import asyncio
import os
import subprocess
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest

from collectors.x.declaration import X
from storage.backup.archive import Backup, BackupError, BackupManifest, BackupWriter, read_backup
from storage.backup.backup import back_up
from storage.backup.restore import restore
from storage.changes.hash_chain import verify_chain
from storage.embedded.host import installed_binaries
from storage.model.core.people import Role, Scope
from storage.people.people import add_person
from storage.people.sessions import begin_session
from storage.people.tokens import add_token
from storage.postgres.audit_chain import verify_audit_chain
from storage.postgres.errors import SchemaTooNew, SchemaTooOld, Unreachable
from storage.postgres.pool import Conn, Refused, borrowed, close, connect, open_pool, transaction
from storage.postgres.schema import check_schema
from storage.purge.purge import purge_account
from tests.support.processes.later_version import LATER, later_version
from tests.support.seeds.changes import enlist
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import until
from tests.support.table_digests import counters, digests

NOW = datetime(2021, 2, 12, 12, 0, tzinfo=UTC)
ODD = "tab\t, line\nend, back\\slash \\N, quote ', nothing , हिन्दी 🌾"
Fresh = Callable[[], AbstractContextManager[str]]


def quiet(_: str, __: int) -> None:
    """Nobody is told."""


async def busy(dsn: str) -> None:
    """A database in which most kinds of rows are, odd texts among them."""
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        story = await seed(conn, NOW)
        await purge_account(conn, story.wave[0], NOW, whole=True, reason=ODD)
        await conn.execute("update account set handle = $1 where account_id = $2", ODD, story.wave[1])
        await conn.execute(
            "insert into evidence (sha256, packed) values ('\\x00ff', '\\x5c4e0a09')",
        )
        await conn.execute(
            """
            insert into fact (account_id, observer, kind, value, first_seen, recorded_at)
            values ($1, '', 'moved_to', $2, $3, $3)
            """,
            story.wave[1],
            ODD,
            NOW,
        )
        await conn.execute("select nextval(pg_get_serial_sequence('mail', 'mail_id'))")
        person = await add_person(conn, "ada", ODD, Role.ADMIN, "$argon2id$v=19$\\x", "test", NOW)
        await begin_session(conn, person, bytes(32), "192.0.2.1", ODD, NOW)
        await add_token(conn, person, bytes(range(32)), ODD, Scope.READ, None, "ada", NOW)


async def saved(dsn: str, path: Path) -> Backup:
    with path.open("wb") as file:
        await back_up(dsn, file, NOW, quiet)
    return read_backup(path, quiet)


def of_schema(revision: str, backup: Backup) -> Backup:
    return replace(backup, manifest=replace(backup.manifest, revision=revision))


def of_the_last_development_schema(backup: Backup) -> Backup:
    """The same, as that schema had it: it is the first schema, without what later ones added."""
    tables = [
        replace(one, columns=tuple(c for c in one.columns if (one.name, c) not in _LATER_COLUMNS))
        for one in backup.manifest.tables
        if one.name not in _LATER_TABLES
    ]
    return of_schema("0023", replace(backup, manifest=replace(backup.manifest, tables=tuple(tables))))


_LATER_TABLES = {
    *("archive_run", "archived_day", "archived_file", "archived_month", "archived_week"),
    *("chain_checkpoint", "chain_node", "labeled_profile", "labeler_key_log", "platform_shards"),
}
_LATER_COLUMNS = {("label", "content"), ("chain_anchor", "checkpoint_id"), ("stream_position", "shard")}


async def ask(dsn: str, query: str) -> object:
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return await conn.fetchval(query)


async def no_tables(dsn: str) -> bool:
    return not await ask(dsn, "select count(*) from pg_class where relnamespace = 'public'::regnamespace")


async def is_whole(conn: Conn) -> None:
    checked = await verify_chain(conn)
    assert checked.broken is None
    assert checked.entries > 50
    acts = await verify_audit_chain(conn)
    assert acts.broken is None
    assert acts.entries > 0


async def test_after_a_restore_every_table_every_counter_and_the_chain_are_as_they_were(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    await busy(dsn)
    backup = await saved(dsn, tmp_path / "b")
    before = await digests(dsn)
    assert sum(rows > 0 for rows, _ in before.values()) > 20
    await restore(empty_dsn, backup, quiet)
    assert await digests(empty_dsn) == before
    assert {t.name: t.rows for t in backup.manifest.tables} == {
        name: rows for name, (rows, _) in before.items() if name != "alembic_version"
    }
    assert await counters(empty_dsn) == await counters(dsn)
    await check_schema(empty_dsn)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        await is_whole(conn)


async def test_a_restored_database_goes_on_as_the_old_one_would_triggers_and_all(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    await busy(dsn)
    await restore(empty_dsn, await saved(dsn, tmp_path / "b"), quiet)
    last = await ask(dsn, "select max(live_event_id) from live_event")
    async with open_pool(empty_dsn, max_size=1) as pool:
        async with transaction(pool) as conn:
            await enlist(conn, X, ["777"])
        with pytest.raises(Refused, match="append-only"):
            async with transaction(pool) as conn:
                await conn.execute("delete from change")
    newer = await ask(empty_dsn, "select max(live_event_id) from live_event")
    assert isinstance(newer, int)
    assert isinstance(last, int)
    assert newer > last
    assert (
        await ask(empty_dsn, "select count(*) from pg_trigger where not tgisinternal and tgenabled <> 'O'")
        == 0
    )


async def test_a_backup_of_a_database_that_is_written_to_is_one_moment(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    await busy(dsn)
    done = asyncio.Event()

    async def write() -> None:
        async with open_pool(dsn, max_size=1) as pool:
            n = 0
            while not done.is_set():
                async with transaction(pool) as conn:
                    (one,) = await enlist(conn, X, [f"55{n}"], ("New",))
                    await conn.execute(
                        """
                        insert into change (
                            change_key, account_id, status, kind, strength, first_seen_new, recorded_at,
                            source
                        ) values ($1, $2, 'available', 'baseline', 'strong', $3, $3, 'x')
                        """,
                        f"new {n}",
                        one.account_id,
                        NOW,
                    )
                n += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(write())
        await asyncio.sleep(0.2)
        backup = await saved(dsn, tmp_path / "b")
        done.set()
    await restore(empty_dsn, backup, quiet)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        await is_whole(conn)
        await enlist(conn, X, ["999"], ("New",))


@asynccontextmanager
async def owner(server: str) -> AsyncGenerator[str]:
    """A database whose owner is no superuser, as a DSN with which this owner logs in."""
    role = f"owner_{os.getpid()}"
    async with open_pool(server, max_size=1) as pool, borrowed(pool) as conn:
        # The embedded server of the tests has no rule for a login by password. Another server has its own.
        is_embedded = "TEST_DATABASE_URL" not in os.environ
        rules = Path(await conn.fetchval("show hba_file"))
        before = rules.read_text() if is_embedded else None
        await conn.execute(f"create role {role} login password '{role}'")
        await conn.execute(f"create database {role} owner {role} template template0")
        own = urlsplit(server)
        login = f"{role}:{role}@{own.netloc.rpartition('@')[2]}"
        dsn = urlunsplit(own._replace(netloc=login, path=f"/{role}"))
        try:
            if before is not None:
                rules.write_text(f"local all {role} trust\n{before}")
                await conn.execute("select pg_reload_conf()")
            await until(lambda: is_reachable(dsn))  # the server reads its rules a moment later
            yield dsn
        finally:
            if before is not None:
                rules.write_text(before)
                await conn.execute("select pg_reload_conf()")
            await conn.execute(f"drop database {role} with (force)")
            await conn.execute(f"drop role {role}")


async def is_reachable(dsn: str) -> bool:
    try:
        await close(await connect(dsn))
    except Unreachable:
        return False
    return True


async def test_an_audit_log_of_before_the_chain_is_chained(dsn: str, empty_dsn: str, tmp_path: Path) -> None:
    await busy(dsn)
    backup = of_the_last_development_schema(await saved(dsn, tmp_path / "b"))
    tables = tuple(t for t in backup.manifest.tables if t.name != "audit_chain")
    await restore(empty_dsn, replace(backup, manifest=replace(backup.manifest, tables=tables)), quiet)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        check = await verify_audit_chain(conn)
    assert check.broken is None
    assert check.entries > 0


async def test_an_owner_who_is_no_superuser_can_do_both(dsn: str, postgres_dsn: str, tmp_path: Path) -> None:
    await busy(dsn)
    backup = await saved(dsn, tmp_path / "b")
    async with owner(postgres_dsn) as own:
        await restore(own, backup, quiet)
        assert not await ask(own, "select rolsuper from pg_roles where rolname = session_user")
        assert await digests(own) == await digests(dsn)
        again = await saved(own, tmp_path / "again")
        assert again.manifest.tables == backup.manifest.tables


async def test_a_backup_is_restored_into_an_empty_database_only(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    await busy(dsn)
    backup = await saved(dsn, tmp_path / "b")
    before = await digests(dsn)
    with pytest.raises(BackupError, match=r"is not empty \(it contains rows in the table "):
        await restore(dsn, backup, quiet)
    assert await digests(dsn) == before
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        await conn.execute("create table letters (n int)")
    with pytest.raises(
        BackupError, match=r"it contains the table letters\)\. A backup can be restored only into an empty"
    ):
        await restore(empty_dsn, backup, quiet)


async def test_a_restore_that_was_killed_can_be_begun_again(dsn: str, empty_dsn: str, tmp_path: Path) -> None:
    await busy(dsn)
    backup = await saved(dsn, tmp_path / "b")

    def fail(what: str, size: int) -> None:
        if what == "change" and size:
            raise KeyError

    with pytest.raises(KeyError):
        await restore(empty_dsn, backup, fail)
    assert await no_tables(empty_dsn)
    await restore(empty_dsn, backup, quiet)
    assert await digests(empty_dsn) == await digests(dsn)


async def test_a_backup_of_an_older_schema_is_restored_and_brought_up(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    await busy(dsn)
    await saved(dsn, tmp_path / "b")
    await later_version(tmp_path).restore(empty_dsn, tmp_path / "b")
    assert await ask(empty_dsn, "select version_num from alembic_version") == LATER
    assert await ask(empty_dsn, "select bool_and(made_up is null) from change")
    before, after = await digests(dsn), await digests(empty_dsn)
    assert {name for name in before if before[name] != after[name]} == {"alembic_version", "change"}
    assert before["change"][0] == after["change"][0]
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        await is_whole(conn)


async def test_a_backup_of_the_last_development_schema_is_restored_into_the_first_schema(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    await busy(dsn)
    backup = of_the_last_development_schema(await saved(dsn, tmp_path / "b"))
    await restore(empty_dsn, backup, quiet)
    assert await digests(empty_dsn) == await digests(dsn)
    await check_schema(empty_dsn)


async def test_a_backup_of_an_earlier_development_schema_is_refused(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    backup = of_schema("0014", await saved(dsn, tmp_path / "b"))
    with pytest.raises(SchemaTooOld, match=r"The backup .*/b has schema 0014 of a development version"):
        await restore(empty_dsn, backup, quiet)
    assert await no_tables(empty_dsn)


async def test_a_backup_of_a_newer_blockline_is_refused(empty_dsn: str, tmp_path: Path) -> None:
    with (tmp_path / "b").open("wb") as file:
        BackupWriter(file).finish(BackupManifest("9.0", "9999", "30.1", NOW, (), ()))
    with pytest.raises(SchemaTooNew, match=r"The backup .*/b was made by a newer Blockline \(schema 9999\)"):
        await restore(empty_dsn, read_backup(tmp_path / "b", quiet), quiet)
    assert await no_tables(empty_dsn)


async def test_where_nothing_of_blockline_is_there_is_nothing_to_back_up(
    empty_dsn: str, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="there is nothing to back up"):
        await saved(empty_dsn, tmp_path / "b")


async def test_pg_dump_and_pg_restore_work_by_hand_as_well(dsn: str, empty_dsn: str, tmp_path: Path) -> None:
    await busy(dsn)
    file = tmp_path / "dump"
    for command in (
        ["pg_dump", "-Fc", "--no-owner", "--no-privileges", "-f", file, "-d", dsn],
        ["pg_restore", "--no-owner", "--exit-on-error", "--single-transaction", "-d", empty_dsn, file],
    ):
        done = subprocess.run(
            [installed_binaries() / str(command[0]), *command[1:]],
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, "")
    assert await digests(empty_dsn) == await digests(dsn)
    assert await counters(empty_dsn) == await counters(dsn)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        await is_whole(conn)
