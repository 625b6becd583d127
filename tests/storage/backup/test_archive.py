"""The file of a backup: what is altered in it is found, and ordinary programs can read it."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.backup.archive import BackupError, BackupManifest, BackupWriter, read_backup
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
