"""Evidence of labels proves what labelers signed, and says what it does not prove."""

import json
import os
import stat
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobs.base.errors import CommandError
from jobs.evidence.label_pack import LABELS, LabelPackList, PackedLabel, verify_labels
from jobs.evidence.pack import README, PackError, read_exact, written
from jobs.evidence.pack_files import read_pack, write_pack
from jobs.evidence.pack_page import whole_pack
from jobs.evidence.pack_proof import KnownHeads, ProofResult
from jobs.evidence.pack_verification import verify
from jobs.evidence.stored_pack import signed_material
from storage.countries.label_evidence import StoredLabel
from storage.model.core.labels import KeyLog
from storage.postgres.pool import Pool, transaction
from tests.support.samples.label_signing import (
    DID,
    KEY,
    KEY_LOG,
    MADE_AT,
    MADE_BY,
    POST,
    ROTATED,
    STRANGER,
    pack,
    signed_content,
    stored,
)
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.chain_rows import block_of

Alter = Callable[[dict[str, bytes]], dict[str, bytes]]


def said(files: dict[str, bytes], verdict: ProofResult, made_by: str = MADE_BY) -> list[str]:
    return [check.said for check in verify_labels(files, made_by) if check.verdict is verdict]


@pytest.mark.parametrize("synthetic", [False, True])
def test_a_log_that_does_not_prove_itself_leaves_open_whose_keys_they_are(synthetic: bool) -> None:
    files = pack(stored(), log=KeyLog(json.dumps([ROTATED[1]]).encode(), T0), synthetic=synthetic)
    log, label = said(files, ProofResult.OPEN)
    assert log.startswith(
        f"Only the file itself says that the keys in keys/1.json are those of {DID}: its first"
    )
    assert label.endswith("is not proven: no log shows whose key signed it.")
    assert ("Synthetic scenario" in said(files, ProofResult.NOTE)[0]) is synthetic


@pytest.mark.parametrize(
    ("labels", "log"),
    [
        pytest.param(
            [stored(kept=False)], KEY_LOG, id="received by a version that did not keep what was signed"
        ),
        pytest.param([stored()], None, id="no log was kept"),
        pytest.param([stored()], KeyLog(b" " * 2**20 + b"[]", T0), id="a log that is too large"),
        pytest.param([stored(key=STRANGER)], KEY_LOG, id="a key that is not in the log, or no longer"),
        pytest.param([stored(2, KEY)], KEY_LOG, id="a key that was given up before"),
    ],
)
def test_a_label_that_cannot_be_proven_is_listed_and_left_open(
    labels: list[StoredLabel], log: KeyLog | None
) -> None:
    files = pack(*labels, log=log)
    assert not said(files, ProofResult.FAILED)
    (left,) = said(files, ProofResult.OPEN)
    assert "is not proven: the file does not contain what proves it" in left
    assert "not proven" in files[README].decode()


def replaced(name: str, content: bytes) -> Alter:
    """Put another content into a file, and its hash into the list."""

    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        hashed = sha256(files[name]).hexdigest().encode(), sha256(content).hexdigest().encode()
        return {**files, LABELS: files[LABELS].replace(*hashed), name: content}

    return change


def with_file(name: str, content: bytes) -> Alter:
    return lambda files: {**files, name: content}


def without(name: str) -> Alter:
    return lambda files: {one: content for one, content in files.items() if one != name}


def edited(old: str, new: str) -> Alter:
    return lambda files: {**files, LABELS: files[LABELS].replace(old.encode(), new.encode())}


def with_labels(labels: tuple[PackedLabel, ...]) -> Alter:
    """Put other labels into the list."""

    def change(files: dict[str, bytes]) -> dict[str, bytes]:
        listed = read_exact(LabelPackList, files, LABELS)
        return {**files, LABELS: written(replace(listed, labels=labels))}

    return change


def twice(files: dict[str, bytes]) -> dict[str, bytes]:
    """List what was signed once as two labels."""
    listed = read_exact(LabelPackList, files, LABELS)
    (one,) = listed.labels
    more = {f"labels/2.{ending}": files[f"labels/1.{ending}"] for ending in ("cbor", "sig")}
    hashes = {**listed.files, **{name: sha256(content).hexdigest() for name, content in more.items()}}
    both = replace(listed, labels=(one, replace(one, label_id=2, file="labels/2")), files=hashes)
    return {**files, **more, LABELS: written(both)}


OTHER = signed_content(KEY, MADE_AT, src=DID, uri=POST, val="!takedown", cts=MADE_AT.isoformat())


@pytest.mark.parametrize(
    ("altered", "fault"),
    [
        pytest.param(with_file("more.txt", b""), "'more.txt' does not belong in the file.", id="one more"),
        pytest.param(without("labels/1.sig"), "labels/1.sig is missing.", id="one less"),
        pytest.param(with_file("labels/1.cbor", OTHER[0]), "labels/1.cbor has another SHA-256", id="other"),
        pytest.param(replaced("labels/1.cbor", OTHER[0]), "No key that did:plc", id="what was not signed"),
        pytest.param(replaced("labels/1.cbor", b"\xff"), "What was signed cannot be read.", id="no CBOR"),
        pytest.param(replaced("labels/1.sig", b"\0" * 64), "No key that did:plc", id="another signature"),
        pytest.param(replaced("keys/1.json", b" " * 2**20 + b"1"), "is larger than 1 MB", id="a huge log"),
        pytest.param(replaced(README, b"It proves all."), f"{README} says something else", id="other words"),
        pytest.param(edited('"!hide"', '"!warn"'), "is not what labels.json says", id="another value"),
        pytest.param(edited('"withdrawal": false', '"withdrawal": true'), "is not what", id="withdrawn"),
        pytest.param(edited("2024-02-10T00:00", "2024-02-09T00:00"), "is not what", id="another time"),
        pytest.param(edited('"cid": null', '"cid": "bafy"'), "is not what", id="another version"),
        pytest.param(edited(POST, POST + "x"), "is not what labels.json says", id="another subject"),
        pytest.param(edited('"TR"', '"TR\\n2. more"'), "an id that is none", id="a line more by the country"),
        pytest.param(edited(POST, POST + "\\n"), "an id that is none", id="a line more by the subject"),
        pytest.param(edited('"label_id": 1', '"label_id": -5'), "an id that is none", id="no number"),
        pytest.param(twice, "lists a label twice", id="a label twice"),
        pytest.param(with_labels(()), "lists 0 labels", id="no label"),
        pytest.param(edited('"format": 1', '"format": 9'), "has format 9", id="a later format"),
        pytest.param(
            edited('"format": 1', '"format":  1'), "was not written by Blockline", id="another form"
        ),
        pytest.param(edited('"file": "labels/1"', '"file": "labels/2"'), "are not those", id="another name"),
        pytest.param(
            edited('"bluesky"', '"other"'), "no labels of the platform 'other'", id="other platform"
        ),
        pytest.param(edited('"bluesky"', '"x"'), "no labels of the platform 'x'", id="one without labelers"),
        pytest.param(edited('"format"', '"form"'), "does not have the form", id="no list"),
    ],
)
def test_a_file_that_was_altered_does_not_verify(altered: Alter, fault: str) -> None:
    wrong = said(altered(pack(stored())), ProofResult.FAILED)
    assert any(fault in one for one in wrong), wrong


def test_the_words_of_another_version_are_left_open() -> None:
    files = replaced(README, b"other words")(pack(stored()))
    assert "its words are not checked" in said(files, ProofResult.OPEN, "Blockline 9.9.9")[0]


FILES_MADE_BY = "Blockline 1.2.3"
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
async def files_pack(pool: Pool) -> dict[str, bytes]:
    async with transaction(pool) as conn:
        _, change_id = await block_of(conn)
        return whole_pack(await signed_material(conn, change_id, minutes(60)), FILES_MADE_BY, minutes(60))


def fails(files: dict[str, bytes]) -> bool:
    checks = verify(files, KnownHeads(), lambda _token, _entry: "no anchor", FILES_MADE_BY)
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
    files_pack: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    write_pack(tmp_path / name, files_pack)
    assert read_pack(tmp_path / name) == files_pack
    assert [p.name for p in tmp_path.iterdir()] == [name]
    with pytest.raises(CommandError, match=r"exists already|not empty"):
        write_pack(tmp_path / name, files_pack)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_flipped_bit_of_the_zip_file_is_found_or_alters_no_file(
    files_pack: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("zip")
    write_pack(folder / "pack.zip", files_pack)
    content = (folder / "pack.zip").read_bytes()
    spoilt = bytearray(content)
    spoilt[data.draw(st.integers(0, len(content) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    (folder / "flipped.zip").write_bytes(spoilt)
    try:
        files = read_pack(folder / "flipped.zip")
    except PackError:
        return
    assert files == files_pack or fails(files)


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
    files_pack: dict[str, bytes], tmp_path: Path, name: str, content: bytes, why: str
) -> None:
    write_pack(tmp_path / "pack.zip", files_pack)
    added(tmp_path / "pack.zip", name, content)
    with pytest.raises(PackError, match=why):
        read_pack(tmp_path / "pack.zip")


async def test_a_pack_that_another_tool_has_zipped_with_its_folders_is_read(
    files_pack: dict[str, bytes], tmp_path: Path
) -> None:
    write_pack(tmp_path / "pack.zip", files_pack)
    added(tmp_path / "pack.zip", "raw/")
    assert read_pack(tmp_path / "pack.zip") == files_pack
    with (
        (tmp_path / "streamed.zip").open("wb") as file,
        subprocess.Popen(
            [sys.executable, "-c", STREAMED, str(tmp_path / "pack.zip")], stdout=file
        ) as process,
    ):
        assert process.wait() == 0
    assert read_pack(tmp_path / "streamed.zip") == files_pack


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


async def test_a_folder_with_links_or_devices_is_refused(
    files_pack: dict[str, bytes], tmp_path: Path
) -> None:
    write_pack(tmp_path / "pack", files_pack)
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
    assert read_pack(tmp_path / "pack") == files_pack


@pytest.mark.parametrize("content", [b"", b"no zip", b"PK\x03\x04" + bytes(40)])
def test_what_is_no_zip_file_is_told_as_that(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(content)
    with pytest.raises(PackError, match=r"x\.zip is not a complete zip file"):
        read_pack(tmp_path / "x.zip")
    with pytest.raises(PackError, match="the file does not exist"):
        read_pack(tmp_path / "missing.zip")
