"""A backup holds every row of one moment and proves every byte; a restore gives back all of it or nothing."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.backup.archive import Backup, BackupError, BackupManifest, BackupWriter, read_backup
from storage.backup.backup import back_up
from storage.backup.restore import restore
from storage.model.core.people import Role, Scope
from storage.people.people import add_person
from storage.people.sessions import begin_session
from storage.people.tokens import add_token
from storage.postgres.audit_chain import verify_audit_chain
from storage.postgres.errors import SchemaTooOld
from storage.postgres.pool import open_pool, transaction
from storage.postgres.schema import newest
from storage.purge.purge import purge_account
from tests.support.seeds.live_page import seed
from tests.support.table_digests import digests

NOW = datetime(2021, 2, 12, 12, 0, tzinfo=UTC)
ODD = "tab\t, line\nend, back\\slash \\N, quote ', nothing , हिन्दी 🌾"


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


async def test_an_audit_log_of_before_the_chain_is_chained(dsn: str, empty_dsn: str, tmp_path: Path) -> None:
    await busy(dsn)
    backup = of_the_last_development_schema(await saved(dsn, tmp_path / "b"))
    tables = tuple(t for t in backup.manifest.tables if t.name != "audit_chain")
    await restore(empty_dsn, replace(backup, manifest=replace(backup.manifest, tables=tables)), quiet)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        check = await verify_audit_chain(conn)
    assert check.broken is None
    assert check.entries > 0


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


async def test_a_backup_of_an_earlier_development_schema_is_refused(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    backup = of_schema("0014", await saved(dsn, tmp_path / "b"))
    with pytest.raises(SchemaTooOld, match=r"The backup .*/b has schema 0014 of a development version"):
        await restore(empty_dsn, backup, quiet)
    assert await no_tables(empty_dsn)


async def test_where_nothing_of_blockline_is_there_is_nothing_to_back_up(
    empty_dsn: str, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="there is nothing to back up"):
        await saved(empty_dsn, tmp_path / "b")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A backup with two tables, one of them empty."""
    path = tmp_path_factory.mktemp("small") / "b"
    with path.open("wb") as file:
        writer = BackupWriter(file)
        full, empty = writer.table("full", ("a", "b")), writer.table("empty", ("a",))
        for n in range(300):
            full.take(b"%d\tsome text\n" % n)
        writer.finish(BackupManifest("0.1.0", newest(), "18.6", NOW, (full.finish(), empty.finish()), ()))
    read_backup(path, quiet)
    return path.read_bytes()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_byte_that_is_altered_anywhere_is_found(small: bytes, tmp_path: Path, data: st.DataObject) -> None:
    altered = bytearray(small)
    altered[data.draw(st.integers(0, len(small) - 1))] ^= data.draw(st.integers(1, 255))
    (tmp_path / "b").write_bytes(altered)
    with pytest.raises(BackupError, match="cut off or altered"):
        read_backup(tmp_path / "b", quiet)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_is_cut_or_grew_is_found(small: bytes, tmp_path: Path, data: st.DataObject) -> None:
    cut = small[: data.draw(st.integers(0, len(small) - 1))]
    grown = small + data.draw(st.binary(min_size=1, max_size=3))
    for content in (cut, grown):
        (tmp_path / "b").write_bytes(content)
        with pytest.raises(BackupError, match="cut off or altered"):
            read_backup(tmp_path / "b", quiet)
