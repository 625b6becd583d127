"""A pack on disk: written whole or not at all, and read although a stranger may have made it."""

import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.base.errors import CommandError
from jobs.evidence.pack import PackError
from jobs.evidence.pack_files import read_pack, write_pack
from jobs.evidence.pack_page import whole_pack
from jobs.evidence.pack_proof import KnownHeads, ProofResult
from jobs.evidence.pack_verification import verify
from jobs.evidence.stored_pack import signed_material
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import block_of

MADE_BY = "Blockline 1.2.3"
STREAMED = """
import sys, zipfile
class Pipe:
    def write(self, content): return sys.stdout.buffer.write(content)
    def flush(self): sys.stdout.buffer.flush()
with zipfile.ZipFile(sys.argv[1]) as one, zipfile.ZipFile(Pipe(), "w", zipfile.ZIP_DEFLATED) as other:
    for name in one.namelist():
        if not name.endswith('/'):
            other.writestr(name, one.read(name))
"""
"""Zips anew into what cannot be sought in: sizes follow the content then."""


@pytest.fixture
async def pack(pool: Pool) -> dict[str, bytes]:
    async with transaction(pool) as conn:
        _, change_id = await block_of(conn)
        return whole_pack(await signed_material(conn, change_id, minutes(60)), MADE_BY, minutes(60))


def fails(files: dict[str, bytes]) -> bool:
    checks = verify(files, KnownHeads(), lambda _token, _entry: "no anchor", MADE_BY)
    return any(check.verdict is ProofResult.FAILED for check in checks)


def zip_of(path: Path, *entries: tuple[str, bytes], mode: int = stat.S_IFREG | 0o644) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            entry = zipfile.ZipInfo(name)
            entry.external_attr = mode << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content, compresslevel=1)
    return path


@pytest.mark.parametrize("name", ["pack.zip", "pack"])
async def test_a_pack_comes_back_as_it_was_written_and_nothing_is_overwritten(
    pack: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    write_pack(tmp_path / name, pack)
    assert read_pack(tmp_path / name) == pack
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with pytest.raises(CommandError, match=r"exists already|not empty"):
        write_pack(tmp_path / name, pack)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_flipped_bit_of_the_zip_file_is_found_or_alters_no_file(
    pack: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    write_pack(folder / "pack.zip", pack)
    content = (folder / "pack.zip").read_bytes()
    spoilt = bytearray(content)
    spoilt[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (folder / "flipped.zip").write_bytes(spoilt)
    try:
        files = read_pack(folder / "flipped.zip")
    except PackError:
        return
    assert files == pack or fails(files)


def added(path: Path, name: str, content: bytes = b"", mode: int = stat.S_IFDIR) -> None:
    with zipfile.ZipFile(path, "a") as archive:
        entry = zipfile.ZipInfo(name)
        entry.external_attr = (mode | 0o755) << 16
        archive.writestr(entry, content)


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        pytest.param("more/", b"hidden payload", "has content of its own", id="with bytes"),
        pytest.param("../../more/", b"", "is not a plain file", id="above the folder"),
        pytest.param("x\\..\\y/", b"", "is not a plain file", id="with backslashes"),
        pytest.param("/", b"", "is not a plain file", id="the root"),
    ],
)
async def test_a_folder_in_a_zip_file_is_no_hiding_place(
    pack: dict[str, bytes], tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    write_pack(tmp_path / "pack.zip", pack)
    added(tmp_path / "pack.zip", name, content)
    with pytest.raises(PackError, match=why):
        read_pack(tmp_path / "pack.zip")


async def test_a_pack_that_another_tool_has_zipped_with_its_folders_is_read(
    pack: dict[str, bytes], tmp_path: Path
) -> None:
    write_pack(tmp_path / "pack.zip", pack)
    added(tmp_path / "pack.zip", "raw/")
    assert read_pack(tmp_path / "pack.zip") == pack
    with (
        (tmp_path / "streamed.zip").open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-c", STREAMED, str(tmp_path / "pack.zip")], stdout=file
        ) as process,
    ):
        assert process.wait() == 0
    assert read_pack(tmp_path / "streamed.zip") == pack


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_file_with_a_name_twice_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "bad.zip", ("a.json", b"1"), ("A.json", b"2"))
    with pytest.raises(PackError, match=r"contains 'A\.json' twice"):
        read_pack(path)


def test_a_zip_file_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "bomb.zip", *((f"{n}", bytes(40 * 1024 * 1024)) for n in range(7)))
    assert path.stat().st_size < 2 * 1024 * 1024
    with pytest.raises(PackError, match="more than 256 MB"):
        read_pack(path)


def test_a_zip_file_of_very_many_files_is_refused(tmp_path: Path) -> None:
    path = zip_of(tmp_path / "many.zip", *((f"{n}", b"") for n in range(5_001)))
    with pytest.raises(PackError, match="more than 5,000 files"):
        read_pack(path)


async def test_a_folder_with_links_or_devices_is_refused(pack: dict[str, bytes], tmp_path: Path) -> None:
    write_pack(tmp_path / "pack", pack)
    link = tmp_path / "pack" / "raw" / "link"
    for make in (
        lambda: link.symlink_to("/etc/passwd"),
        lambda: link.symlink_to("/etc"),
        lambda: os.mkfifo(link),
    ):
        make()
        with pytest.raises(PackError, match="is a link or a device"):
            read_pack(tmp_path / "pack")
        link.unlink()
    assert read_pack(tmp_path / "pack") == pack


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_zip_file_is_told_as_that(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(PackError, match=r"x\.zip is not a complete zip file"):
        read_pack(tmp_path / "x.zip")
    with pytest.raises(PackError, match="the file does not exist"):
        read_pack(tmp_path / "missing.zip")
