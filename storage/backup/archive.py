"""The file of a backup: a plain tar whose every byte is checked.

`data/TABLE/NUMBER.gz` hold the rows of a table as COPY writes them in text form, in pieces that join into one
gzip stream. `manifest.json` describes them. `SHA256`, the last member, is the hash of every byte before it.
Without Blockline, the file can be read with tar, zcat and psql.
"""

import gzip
import hashlib
import json
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from storage.postgres.errors import StorageError

_FORM = 1
_PIECE = 4 * 1024 * 1024
_BLOCK = 512
_MANIFEST = "manifest.json"
_MANIFEST_LIMIT = 64 * 1024 * 1024
_READ = 1024 * 1024

BackupProgress = Callable[[str, int], None]
"""Receives the current step (which table) and how many bytes of it are done."""


class BackupError(StorageError):
    """A backup cannot be made, read or restored. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class SavedTable:
    name: str
    columns: tuple[str, ...]
    rows: int
    bytes: int
    sha256: str
    """Of the rows as COPY wrote them."""


@dataclass(frozen=True, slots=True)
class SavedCounter:
    """The last number that an identity column gave out."""

    table: str
    column: str
    last: int


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup holds, as it was at one moment."""

    blockline: str
    """The version that made it."""
    revision: str
    """Of the schema."""
    postgres: str
    created_at: datetime
    tables: tuple[SavedTable, ...]
    """In an order in which no row points to one that comes later."""
    counters: tuple[SavedCounter, ...]

    @property
    def rows(self) -> int:
        return sum(t.rows for t in self.tables)


class BackupWriter:
    """Writes the file from its first byte to its last; holds one piece in memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = hashlib.sha256()

    def table(self, name: str, columns: tuple[str, ...]) -> "TableWriter":
        return TableWriter(self, name, columns)

    def finish(self, manifest: BackupManifest) -> None:
        said = {"form": _FORM, **asdict(manifest), "created_at": manifest.created_at.isoformat()}
        self.member(_MANIFEST, json.dumps(said, indent=1).encode())
        self._file.write(_tail(self._hash.hexdigest()))

    def member(self, name: str, content: bytes) -> None:
        content = _member(name, content)
        self._hash.update(content)
        self._file.write(content)


class TableWriter:
    """Takes the rows of one table, in parts of any size."""

    def __init__(self, into: BackupWriter, name: str, columns: tuple[str, ...]) -> None:
        self._into = into
        self._name = name
        self._columns = columns
        self._waiting = bytearray()
        self._hash = hashlib.sha256()
        self._rows = 0
        self._pieces = 0
        self.bytes = 0

    def take(self, part: bytes) -> None:
        self._hash.update(part)
        self._rows += part.count(b"\n")
        self.bytes += len(part)
        self._waiting += part
        while len(self._waiting) >= _PIECE:
            self._write(self._waiting[:_PIECE])
            del self._waiting[:_PIECE]

    def finish(self) -> SavedTable:
        if self._waiting:
            self._write(self._waiting)
        return SavedTable(self._name, self._columns, self._rows, self.bytes, self._hash.hexdigest())

    def _write(self, piece: bytes | bytearray) -> None:
        self._into.member(f"data/{self._name}/{self._pieces:08}.gz", gzip.compress(piece, 6, mtime=0))
        self._pieces += 1


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was read to the end and is complete."""

    path: Path
    manifest: BackupManifest
    _pieces: dict[str, list[tuple[int, int]]]
    """By table: where each piece begins in the file, and how long it is."""

    def rows(self, table: str) -> Iterator[bytes]:
        """The rows of a table as COPY reads them, in parts. Raises BackupError if a part cannot be read."""
        with self.path.open("rb") as file:
            for offset, size in self._pieces.get(table, []):
                file.seek(offset)
                yield _unpacked(file.read(size), self.path)


def read_backup(path: Path, progress: BackupProgress) -> Backup:
    """Read a backup to the last byte, and check that it is complete.

    Raises BackupError if anything in it differs from what was written.
    """
    try:
        _check_bytes(path, progress)
        backup = _opened(path)
        for table in backup.manifest.tables:
            _check_table(backup, table, progress)
    except FileNotFoundError:
        raise BackupError(f"{path}: the file does not exist.") from None
    except OSError as error:
        raise BackupError(f"{path}: the file cannot be read ({error.strerror or error}).") from error
    return backup


def _check_bytes(path: Path, progress: BackupProgress) -> None:
    size = path.stat().st_size
    tail_size = len(_tail("0" * 64))
    hashed = hashlib.sha256()
    with path.open("rb") as file:
        left = size - tail_size
        while left > 0:
            part = file.read(min(left, _READ))
            if not part:
                break
            hashed.update(part)
            left -= len(part)
            progress("reading", size - tail_size - left)
        tail = file.read(tail_size + 1)
    if tail != _tail(hashed.hexdigest()):
        raise _damaged(path)


def _opened(path: Path) -> Backup:
    pieces: dict[str, list[tuple[int, int]]] = {}
    manifest = None
    try:
        with tarfile.open(path, "r:") as tar:
            for member in tar:
                place = (member.offset_data, member.size)
                if member.name == _MANIFEST and member.size <= _MANIFEST_LIMIT:
                    with path.open("rb") as file:
                        file.seek(member.offset_data)
                        manifest = _manifest(json.loads(file.read(member.size)), path)
                elif member.name.startswith("data/"):
                    pieces.setdefault(member.name.split("/")[1], []).append(place)
    except (tarfile.TarError, ValueError, KeyError, TypeError, IndexError, RecursionError) as error:
        raise _damaged(path) from error
    if manifest is None or not pieces.keys() <= {t.name for t in manifest.tables}:
        raise _damaged(path)
    return Backup(path, manifest, pieces)


def _manifest(said: dict[str, Any], path: Path) -> BackupManifest:
    if said["form"] != _FORM:
        raise BackupError(f"{path} was made by a newer Blockline ({said['blockline']}). Upgrade Blockline.")
    return BackupManifest(
        blockline=said["blockline"],
        revision=said["revision"],
        postgres=said["postgres"],
        created_at=datetime.fromisoformat(said["created_at"]),
        tables=tuple(
            SavedTable(t["name"], tuple(t["columns"]), t["rows"], t["bytes"], t["sha256"])
            for t in said["tables"]
        ),
        counters=tuple(SavedCounter(**c) for c in said["counters"]),
    )


def _check_table(backup: Backup, table: SavedTable, progress: BackupProgress) -> None:
    hashed = hashlib.sha256()
    rows = size = 0
    for part in backup.rows(table.name):
        hashed.update(part)
        rows += part.count(b"\n")
        size += len(part)
        progress(f"checking {table.name}", size)
    if (rows, size, hashed.hexdigest()) != (table.rows, table.bytes, table.sha256):
        raise _damaged(backup.path)


def _unpacked(packed: bytes, path: Path) -> bytes:
    """Unpack one piece, and refuse a longer one than pieces are."""
    try:
        unpacker = zlib.decompressobj(wbits=31)
        piece = unpacker.decompress(packed, _PIECE)
    except zlib.error as error:
        raise _damaged(path) from error
    if not unpacker.eof or unpacker.unused_data:
        raise _damaged(path)
    return piece


def _damaged(path: Path) -> BackupError:
    return BackupError(
        f"{path} is not a complete backup of Blockline. It is another kind of file, or was cut off or "
        "altered. Nothing was restored. Use another backup."
    )


def _member(name: str, content: bytes) -> bytes:
    head = tarfile.TarInfo(name)
    head.size = len(content)
    head.mode = 0o600
    return head.tobuf(tarfile.USTAR_FORMAT) + content + bytes(-len(content) % _BLOCK)


def _tail(digest: str) -> bytes:
    """Make the last bytes of a file whose other bytes have this hash."""
    return _member("SHA256", digest.encode()) + bytes(2 * _BLOCK)
