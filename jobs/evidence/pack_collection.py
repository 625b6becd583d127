"""The evidence packs of an account or an order in one zip file, made and verified pack by pack.

A file can hold thousands of packs. So one pack at a time is in memory, and no connection to the database is
held while a pack is computed, or while a slow reader takes it.
"""

import hashlib
import zipfile
from collections import Counter
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Final

from pydantic import TypeAdapter, ValidationError

from dashboard.asgi.off_loop import off_loop
from jobs.base.errors import CommandError
from jobs.base.wording import number
from jobs.evidence.pack import PackError, manifest_in, written
from jobs.evidence.pack_files import (
    MOST_FILES,
    archived,
    faults_as_sentence,
    read_member,
    read_zipped,
    zipped,
)
from jobs.evidence.pack_proof import KnownHeads, ProofCheck, ProofResult, StampOf, failed, ok
from jobs.evidence.pack_verification import verify
from jobs.evidence.stored_pack import MadePack, file_name, made_pack, signed_material
from storage.changes.evidence_collection import PackSelection, PackSubject, PackSubjectKind, select_changes
from storage.model.evidence.packs import Material, made_by
from storage.postgres.errors import StorageError, TookTooLong, Unreachable
from storage.postgres.pool import Pool, transaction
from storage.postgres.recording_order import settle_at_most

COLLECTION: Final = "collection.json"
"""The last file: what the others are. A file without it is not whole."""
MOST_CHANGES: Final = MOST_FILES - 1
MOST_BYTES: Final = 2_000_000_000
"""Of all packs in a file. From 2 GiB on, a zip file has another form (zip64), which does not verify."""
_FULL: Final = "The file is full. Choose a shorter period for its pack."
_FORMAT: Final = 1
HOW: Final = (
    "Each zip file is the evidence pack of one change and can be verified alone. The hash chain does not "
    "cover this list: it proves each change, and not that there was no other."
)


@dataclass(frozen=True, slots=True)
class PackedFile:
    """One pack in a collection."""

    change_id: int
    file: str
    sha256: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A change without a pack."""

    change_id: int
    why: str


@dataclass(frozen=True, slots=True)
class CollectionFile:
    """What a collection holds, as its file `collection.json` says it."""

    format: int
    how: str
    made_by: str
    made_at: datetime
    subject: str
    since: datetime | None
    until: datetime | None
    packs: tuple[PackedFile, ...]
    left_out: tuple[LeftOut, ...]


@dataclass(frozen=True, slots=True)
class Collection:
    """A zip file of evidence packs that is made while it is read."""

    name: str
    """The usual name of the file."""
    changes: int
    """The changes that were found. Those without a pack are among them."""
    left_out: list[LeftOut]
    """The changes without a pack, known when the last chunk is read."""
    chunks: AsyncGenerator[bytes]


async def collection(
    pool: Pool, subject: PackSubject, now: datetime, most_bytes: int = MOST_BYTES
) -> Collection:
    """Begin the packs of every change of an account or order. Raises CommandError if there is none to make.

    The heads of past days are made final before.
    """
    await settle_at_most(pool, now)
    async with transaction(pool) as conn:
        found = await select_changes(conn, subject)
    if found is None:
        raise CommandError(f"There is no such {subject.kind.value}.")
    if not found.change_ids:
        when = "" if subject.since is None and subject.until is None else " in this period"
        if subject.kind is PackSubjectKind.ORDER:
            when = " since it was issued" + (f" and{when}" if when else "")
        raise CommandError(f"No change of {found.name} is stored{when}, so there is nothing to pack.")
    if len(found.change_ids) > MOST_CHANGES:
        raise CommandError(
            f"{found.name} has {len(found.change_ids):,} changes; one file holds the packs of at most "
            f"{MOST_CHANGES:,}. Choose a shorter period."
        )
    name = file_name(f"{subject.kind.value}-{subject.number}", synthetic=found.synthetic)
    left_out: list[LeftOut] = []
    chunks = _chunks(pool, subject, found, now, most_bytes, left_out)
    return Collection(name, len(found.change_ids), left_out, chunks)


class _Sink:
    """Takes what a zip file writes, until it is sent."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def write(self, data: bytes) -> int:
        self._waiting += data
        return len(data)

    def flush(self) -> None: ...

    def close(self) -> None: ...

    def taken(self) -> bytes:
        out = bytes(self._waiting)
        self._waiting.clear()
        return out


async def _chunks(
    pool: Pool,
    subject: PackSubject,
    selection: PackSelection,
    now: datetime,
    most_bytes: int,
    left_out: list[LeftOut],
) -> AsyncGenerator[bytes]:
    sink = _Sink()
    packs: list[PackedFile] = []
    room = most_bytes
    archive = zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED)
    for change_id in selection.change_ids:
        if room < 0:
            left_out.append(LeftOut(change_id, _FULL))
            continue
        try:
            async with transaction(pool) as conn:
                gathered = await signed_material(conn, change_id, now)
            made, content = await off_loop(_packed, gathered, now)
        except (Unreachable, TookTooLong):
            raise
        except (CommandError, StorageError) as error:
            left_out.append(LeftOut(change_id, str(error)))
            continue
        room -= len(content)
        if room < 0:
            left_out.append(LeftOut(change_id, _FULL))
            continue
        packs.append(PackedFile(change_id, made.name, hashlib.sha256(content).hexdigest()))
        archive.writestr(_entry(made.name), content)
        yield sink.taken()
    listed = CollectionFile(
        *(_FORMAT, HOW, made_by(), now, selection.name, subject.since, subject.until),
        packs=tuple(packs),
        left_out=tuple(left_out),
    )
    archive.writestr(_entry(COLLECTION), written(listed))
    archive.close()
    yield sink.taken()


def _packed(gathered: Material, now: datetime) -> tuple[MadePack, bytes]:
    made = made_pack(gathered, now)
    return made, zipped(made.files)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = 0o100644 << 16
    return entry


async def write_collection(made: Collection, write: Callable[[bytes], object]) -> None:
    """Hand each part of the file to `write`. Raises StorageError if the database goes away meanwhile."""
    async with aclosing(made.chunks) as chunks:
        async for chunk in chunks:
            write(chunk)


def is_collection(path: Path) -> bool:
    """Whether a file lists packs, and is not a pack itself. False for what is not a zip file."""
    try:
        with faults_as_sentence(str(path)), zipfile.ZipFile(path) as archive:
            return COLLECTION in archive.namelist()
    except PackError:
        return False


def verify_collection(path: Path, known: KnownHeads, stamp_of: StampOf, version: str) -> list[ProofCheck]:
    """Verify every pack in a file, and the list of them. What is wrong or open names the pack.

    Notes that several packs share are given once, with their number.
    """
    out: list[ProofCheck] = []
    notes: Counter[str] = Counter()
    hashes: dict[str, tuple[int, str]] = {}
    listed: bytes | None = None
    try:
        with faults_as_sentence(str(path)), path.open("rb") as file:
            for name, member in archived(file, str(path)):
                with member as opened:
                    content = read_member(opened, called=name)
                if name == COLLECTION:
                    listed = content
                    continue
                files = read_zipped(BytesIO(content), name)
                hashes[name] = (manifest_in(files).change_id, hashlib.sha256(content).hexdigest())
                checks = verify(files, known, stamp_of, version)
                notes.update(check.said for check in checks if check.verdict is ProofResult.NOTE)
                wrong = [c for c in checks if c.verdict in {ProofResult.FAILED, ProofResult.OPEN}]
                out += [ProofCheck(c.verdict, f"{name}: {c.said}") for c in wrong]
                if not wrong:
                    out.append(ok(f"{name} verifies, in {number(len(checks), 'check')}."))
        out += _list_checks(_list_in(listed), hashes)
    except PackError as error:
        out.append(failed(str(error)))
    out += [ProofCheck(ProofResult.NOTE, f"{said} ({number(n, 'pack')})") for said, n in notes.items()]
    return out


def _list_in(content: bytes | None) -> CollectionFile:
    if content is None:
        raise PackError(f"{COLLECTION} is missing.")
    adapter = TypeAdapter(CollectionFile)
    try:
        listed = adapter.validate_json(content)
        is_exact = written(listed) == content
    except (ValidationError, ValueError, OverflowError) as error:
        raise PackError(f"The content of {COLLECTION} does not have the form that it needs.") from error
    if listed.format != _FORMAT:
        raise PackError(f"The file has format {listed.format}; this version reads format {_FORMAT}.")
    if not is_exact or listed.how != HOW:
        raise PackError(f"{COLLECTION} was not written by Blockline: its form or its words differ.")
    return listed


def _list_checks(listed: CollectionFile, found: dict[str, tuple[int, str]]) -> list[ProofCheck]:
    named = {one.file: (one.change_id, one.sha256) for one in listed.packs}
    out = [failed(f"{name} is missing.") for name in named if name not in found]
    out += [failed(f"{name!r} does not belong in the file.") for name in found if name not in named]
    out += [
        failed(f"{name} is not the pack that {COLLECTION} lists.")
        for name in named
        if name in found and named[name] != found[name]
    ]
    if not out:
        out.append(ok(f"The packs are those that {COLLECTION} lists for {listed.subject}, and no other."))
    out += [
        ProofCheck(ProofResult.NOTE, f"Change {one.change_id} has no pack: {one.why}")
        for one in listed.left_out
    ]
    out.append(ProofCheck(ProofResult.NOTE, "Nothing proves that there was no other change."))
    return out
