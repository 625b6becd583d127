"""A backup that a stranger made restores nothing but rows of Blockline's own tables, or nothing at all."""

import gzip
import hashlib
import json
import tarfile
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from storage.backup.archive import (
    Backup,
    BackupError,
    BackupManifest,
    BackupWriter,
    SavedTable,
    read_backup,
)
from storage.backup.restore import restore
from storage.postgres.schema import newest
from tests.storage.backup.test_backup import (
    ask,
    no_tables,
    of_the_last_development_schema,
    quiet,
    saved,
)
from tests.support.table_digests import digests

NOW = datetime(2021, 2, 12, 12, 0, tzinfo=UTC)
KEY = b"k" * 32
EMPTY = hashlib.sha256().hexdigest()

Manifest = Callable[[BackupManifest], BackupManifest]


def with_table(name: str, *columns: str) -> Manifest:
    table = SavedTable(name, columns, 0, 0, EMPTY)
    return lambda said: replace(said, tables=(*said.tables, table))


def without_table(name: str) -> Manifest:
    return lambda said: replace(said, tables=tuple(t for t in said.tables if t.name != name))


def with_columns(name: str, columns: Callable[[tuple[str, ...]], tuple[str, ...]]) -> Manifest:
    def changed(table: SavedTable) -> SavedTable:
        return replace(table, columns=columns(table.columns)) if table.name == name else table

    return lambda said: replace(said, tables=tuple(map(changed, said.tables)))


async def test_a_backup_of_the_last_development_schema_may_lack_what_came_later(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    backup = of_the_last_development_schema(await saved(dsn, tmp_path / "b"))
    older = without_table("mute")(with_columns("person", lambda columns: columns[:-1])(backup.manifest))
    with pytest.raises(BackupError, match="contains the table pg_authid"):
        await restore(empty_dsn, replace(backup, manifest=with_table("pg_authid")(older)), quiet)
    await restore(empty_dsn, replace(backup, manifest=older), quiet)
    assert await digests(empty_dsn) == await digests(dsn)


async def test_a_file_that_is_replaced_after_it_was_verified_is_refused(
    dsn: str, empty_dsn: str, tmp_path: Path
) -> None:
    path = tmp_path / "b"
    row = "insert into watch_list (name, created_at) values ('A', '2021-02-01') returning list_id"
    await ask(dsn, row)
    backup = await saved(dsn, path)
    await ask(dsn, "update watch_list set name = 'B' returning list_id")
    await saved(dsn, tmp_path / "other")
    assert (tmp_path / "other").stat().st_size == path.stat().st_size
    path.write_bytes((tmp_path / "other").read_bytes())
    with pytest.raises(BackupError, match="cut off or altered"):
        await restore(empty_dsn, backup, quiet)
    assert await no_tables(empty_dsn)


def whole(*members: bytes) -> bytes:
    """A file of these members, with the right hash."""
    content = b"".join(members)
    return content + member("SHA256", hashlib.sha256(content).hexdigest().encode()) + bytes(1024)


def member(name: str, content: bytes, kind: bytes = tarfile.REGTYPE, size: int | None = None) -> bytes:
    head = tarfile.TarInfo(name)
    head.size, head.mode, head.type = len(content) if size is None else size, 0o600, kind
    return (
        head.tobuf(tarfile.GNU_FORMAT if head.size < 0 else tarfile.USTAR_FORMAT)
        + content
        + bytes(-len(content) % 512)
    )


def described(**other: object) -> bytes:
    said: dict[str, Any] = {
        "form": 1,
        "blockline": "0.1.0",
        "revision": newest(),
        "postgres": "18.6 (Debian 18.6-1)",
        "created_at": NOW.isoformat(),
        "tables": [{"name": "a", "columns": ["b"], "rows": 1, "bytes": 2, "sha256": SHA}],
        "counters": [{"table": "a", "column": "b", "last": 1}],
    }
    return json.dumps(said | other).encode()


ROWS = b"1\n"
SHA = hashlib.sha256(ROWS).hexdigest()
PIECE = member("data/a/00000000.gz", gzip.compress(ROWS))
MANIFEST = member("manifest.json", described())


def opened(tmp_path: Path, content: bytes, key: bytes | None = None) -> Backup:
    (tmp_path / "b").write_bytes(content)
    return read_backup(tmp_path / "b", quiet, key)


def table(**other: object) -> dict[str, object]:
    said = {"name": "a", "columns": ["b"], "rows": 1, "bytes": 2, "sha256": SHA} | other
    return {"tables": [said]}


@pytest.mark.parametrize(
    "members",
    [
        pytest.param([MANIFEST, PIECE], id="rows after the manifest"),
        pytest.param([PIECE, MANIFEST, MANIFEST], id="two manifests"),
        pytest.param([PIECE], id="no manifest"),
        pytest.param([member("data/../a", b""), PIECE, MANIFEST], id="a path"),
        pytest.param([member("data/a/00000000.gz", b"", tarfile.SYMTYPE), MANIFEST], id="a link"),
        pytest.param([member("x", b"", tarfile.XHDTYPE, 2**33 - 1), PIECE, MANIFEST], id="endless headers"),
        pytest.param([member("data/a/00000000.gz", b"", size=-512), PIECE, MANIFEST], id="a way back"),
        pytest.param([PIECE, member("manifest.json", described() + b" " * 2**23)], id="a large manifest"),
        pytest.param(
            [member("data/a/00000000.gz", gzip.compress(bytes(2**23))), MANIFEST], id="a piece that expands"
        ),
    ],
)
def test_a_tar_that_blockline_does_not_write_is_no_backup(tmp_path: Path, members: list[bytes]) -> None:
    with pytest.raises(BackupError, match="is not a complete backup of Blockline"):
        opened(tmp_path, whole(*members))


def signed(content: bytes = ROWS, key: bytes | None = KEY) -> Callable[[Path], bytes]:
    def write(path: Path) -> bytes:
        with path.open("wb") as file:
            writer = BackupWriter(file, key)
            one = writer.table("a", ("b",))
            one.take(content)
            writer.finish(BackupManifest("0.1.0", newest(), "18.6", NOW, (one.finish(),), ()))
        return path.read_bytes()

    return write


def test_with_a_key_only_what_it_signed_is_read(tmp_path: Path) -> None:
    content = signed()(tmp_path / "made")
    with pytest.raises(BackupError, match="has no valid signature by the key of the setting backup_key"):
        opened(tmp_path, content, b"another key" * 3)
    with pytest.raises(BackupError, match="is not signed, and the setting backup_key asks for"):
        opened(tmp_path, signed(key=None)(tmp_path / "made"), KEY)
