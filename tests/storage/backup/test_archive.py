"""The file of a backup: what is altered in it is found, and ordinary programs can read it."""

import gzip
import hashlib
import os
import shutil
import subprocess
import tarfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.backup.archive import BackupError, BackupManifest, BackupWriter, read_backup
from storage.backup.contents import in_order
from storage.postgres.schema import newest

NOW = datetime(2021, 2, 12, 12, 0, tzinfo=UTC)


def quiet(_: str, __: int) -> None:
    """Nobody is told."""


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


@pytest.mark.parametrize("manifest", [b"[" * 200_000, b"[]", b"{}", b'{"form": 1}'])
def test_a_file_whose_manifest_is_none_is_no_backup_whatever_its_hash_says(
    tmp_path: Path, manifest: bytes
) -> None:
    said = tarfile.TarInfo("manifest.json")
    said.size = len(manifest)
    content = said.tobuf(tarfile.USTAR_FORMAT) + manifest + bytes(-len(manifest) % 512)
    digest = tarfile.TarInfo("SHA256")
    digest.size, digest.mode = 64, 0o600
    last = hashlib.sha256(content).hexdigest().encode() + bytes(512 - 64)
    (tmp_path / "b").write_bytes(content + digest.tobuf(tarfile.USTAR_FORMAT) + last + bytes(1024))
    with pytest.raises(BackupError, match="is not a complete backup of Blockline"):
        read_backup(tmp_path / "b", quiet)


def test_a_large_table_comes_in_pieces_that_ordinary_programs_join(tmp_path: Path) -> None:
    rows = b"".join(b"%d\t%s\n" % (n, os.urandom(40).hex().encode()) for n in range(120_000))
    path = tmp_path / "b"
    with path.open("wb") as file:
        writer = BackupWriter(file)
        table = writer.table("large", ("n", "t"))
        for first in range(0, len(rows), 70_001):
            table.take(rows[first : first + 70_001])
        writer.finish(BackupManifest("0.1.0", newest(), "18.6", NOW, (table.finish(),), ()))
    backup = read_backup(path, quiet)
    assert b"".join(backup.rows(backup.manifest.tables[0])) == rows
    assert backup.manifest.tables[0].rows == 120_000
    with tarfile.open(path) as tar:
        names = [n for n in tar.getnames() if n.startswith("data/large/")]
        assert len(names) == 3
        joined = b"".join(part.read() for n in names if (part := tar.extractfile(n)) is not None)
    assert gzip.decompress(joined) == rows


def test_tables_come_after_those_that_they_point_to() -> None:
    assert in_order({"c": {"a", "b"}, "b": {"a"}, "a": set(), "d": set()}) == ["a", "d", "b", "c"]


@pytest.mark.skipif(shutil.which("tar") is None, reason="tar is not installed")
def test_tar_can_read_a_backup(small: bytes, tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(small)
    done = subprocess.run(["tar", "tf", "b"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["data/full/00000000.gz", "manifest.json", "SHA256"]
