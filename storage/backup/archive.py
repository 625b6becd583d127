"""The file of a backup: a plain tar whose every byte is checked.

`data/TABLE/NUMBER.gz` hold the rows of a table as COPY writes them in text form, in pieces that join into one
gzip stream. `manifest.json` describes them. With a key, `HMAC-SHA256` follows: the HMAC, by this key, of the
hash of every byte before it. `SHA256`, the last member, is the hash of every byte before it. Without
Blockline, the file can be read with tar, zcat and psql.

A backup may come from a stranger. Nothing here trusts it: sizes are limited before memory is used, and names,
numbers and texts of the manifest are checked before they reach a message or the database.
"""

import gzip
import hashlib
import hmac
import re
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from json import dumps
from pathlib import Path
from typing import Annotated, BinaryIO, Final

from pydantic import AwareDatetime, Field, StringConstraints, TypeAdapter, ValidationError

from storage.postgres.errors import StorageError

_FORM: Final = 1
_PIECE: Final = 4 * 1024 * 1024
_LARGEST_MEMBER: Final = _PIECE + 64 * 1024
"""In bytes: a piece that cannot be compressed becomes slightly longer. The manifest is limited too."""
_BLOCK: Final = 512
_MANIFEST: Final = "manifest.json"
_SIGNATURE: Final = "HMAC-SHA256"
_DIGEST: Final = "SHA256"
_DATA: Final = re.compile(r"data/([a-z_][a-z0-9_]{0,62})/[0-9]{8}\.gz")

_Name = Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]
_Count = Annotated[int, Field(ge=0, lt=2**63)]
_Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9.+_-]{0,60}$")]
_Time = Annotated[
    AwareDatetime, Field(ge=datetime(1970, 1, 2, tzinfo=UTC), lt=datetime(9999, 12, 31, tzinfo=UTC))
]

BackupProgress = Callable[[str, int], None]
"""Receives the current step (which table) and how many bytes of it are done."""


class BackupError(StorageError):
    """A backup cannot be made, read or restored. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class SavedTable:
    name: _Name
    columns: tuple[_Name, ...]
    rows: _Count
    bytes: _Count
    sha256: str
    """Of the rows as COPY wrote them."""


@dataclass(frozen=True, slots=True)
class SavedCounter:
    """The last number that an identity column gave out."""

    table: _Name
    column: _Name
    last: Annotated[_Count, Field(ge=1)]


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup holds, as it was at one moment."""

    blockline: _Version
    """The version that made it."""
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9]{4}$")]
    """Of the schema."""
    postgres: Annotated[str, StringConstraints(pattern=r"^[ -~]{1,100}$")]
    created_at: _Time
    tables: tuple[SavedTable, ...]
    """In an order in which no row points to one that comes later."""
    counters: tuple[SavedCounter, ...]

    @property
    def rows(self) -> int:
        return sum(t.rows for t in self.tables)


@dataclass(frozen=True, slots=True)
class _Head:
    """What every form of manifest begins with."""

    form: int
    blockline: _Version


_MANIFESTS: Final = TypeAdapter(BackupManifest)
_HEADS: Final = TypeAdapter(_Head)


class BackupWriter:
    """Writes the file from its first byte to its last; holds one piece in memory. With a key, signs it."""

    def __init__(self, file: BinaryIO, key: bytes | None = None) -> None:
        self._file = file
        self._key = key
        self._hash = hashlib.sha256()

    def table(self, name: str, columns: tuple[str, ...]) -> "TableWriter":
        return TableWriter(self, name, columns)

    def finish(self, manifest: BackupManifest) -> None:
        said = {"form": _FORM, **asdict(manifest), "created_at": manifest.created_at.isoformat()}
        self.member(_MANIFEST, dumps(said, indent=1).encode())
        if self._key is not None:
            self.member(_SIGNATURE, _signature(self._key, self._hash.digest()))
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

    def rows(self, table: SavedTable) -> Iterator[bytes]:
        """The rows of a table as COPY reads them, in parts.

        Raises BackupError when a part cannot be read, and after the last part when the rows differ from
        what the manifest says: the file may have been altered since it was read.
        """
        hashed = hashlib.sha256()
        rows = size = 0
        with self.path.open("rb") as file:
            for offset, length in self._pieces.get(table.name, []):
                file.seek(offset)
                part = _unpacked(file.read(length), self.path)
                hashed.update(part)
                rows += part.count(b"\n")
                size += len(part)
                yield part
        if (rows, size, hashed.hexdigest()) != (table.rows, table.bytes, table.sha256):
            raise _damaged(self.path)


def read_backup(path: Path, progress: BackupProgress, key: bytes | None = None) -> Backup:
    """Read a backup to the last byte, and check that it is complete.

    Raises BackupError if anything in it differs from what was written. With a key, also if the backup is not
    signed with this key.
    """
    try:
        backup = _opened(path, progress, key)
        for table in backup.manifest.tables:
            size = 0
            for part in backup.rows(table):
                size += len(part)
                progress(f"checking {table.name}", size)
    except FileNotFoundError:
        raise BackupError(f"{path}: the file does not exist.") from None
    except OSError as error:
        raise BackupError(f"{path}: the file cannot be read ({error.strerror or error}).") from error
    return backup


def _opened(path: Path, progress: BackupProgress, key: bytes | None) -> Backup:
    """Read the members in the one order in which they are written. The manifest is not used before hash and
    signature are known to be right.
    """
    pieces: dict[str, list[tuple[int, int]]] = {}
    hashed = hashlib.sha256()
    signature = None
    try:
        with path.open("rb") as file:
            member = _next_member(file)
            while data := _DATA.fullmatch(member.name):
                pieces.setdefault(data[1], []).append((member.offset, len(member.content)))
                hashed.update(member.raw)
                progress("reading", file.tell())
                member = _next_member(file)
            manifest = member
            hashed.update(manifest.raw)
            signed = hashed.digest()
            member = _next_member(file)
            if member.name == _SIGNATURE:
                signature = member.content
                hashed.update(member.raw)
                member = _next_member(file)
            tail = member.raw + file.read(2 * _BLOCK + 1)
    except (tarfile.TarError, ValueError) as error:
        raise _damaged(path) from error
    if manifest.name != _MANIFEST or tail != _tail(hashed.hexdigest()):
        raise _damaged(path)
    if key is not None:
        _refuse_unsigned(path, key, signed, signature)
    return _described(path, manifest.content, pieces)


@dataclass(frozen=True, slots=True)
class _Member:
    """A file in the tar. `raw` is all of it, with its header and up to the end of its last block."""

    name: str
    content: bytes
    offset: int
    """Where the content begins."""
    raw: bytes


def _next_member(file: BinaryIO) -> _Member:
    """Raise ValueError or TarError for what a backup does not contain.

    `tarfile.open` is not used: tar has kinds of members whose headers ask for any amount of memory.
    """
    header = file.read(_BLOCK)
    found = tarfile.TarInfo.frombuf(header, "ascii", "strict")
    if found.type != tarfile.REGTYPE or not 0 <= found.size <= _LARGEST_MEMBER:
        raise ValueError(found.size)
    offset = file.tell()
    padded = file.read(found.size + -found.size % _BLOCK)
    return _Member(found.name, padded[: found.size], offset, header + padded)


def _refuse_unsigned(path: Path, key: bytes, signed: bytes, signature: bytes | None) -> None:
    if signature is None:
        raise BackupError(
            f"{path} is not signed, and the setting backup_key asks for a signature. Restore it without "
            "backup_key only if you know who made the file."
        )
    if not hmac.compare_digest(signature, _signature(key, signed)):
        raise BackupError(
            f"{path} has no valid signature by the key of the setting backup_key: it was signed with another "
            "key, or was altered. If the key was changed, set backup_key to the earlier one; otherwise do "
            "not restore the file."
        )


def _described(path: Path, manifest: bytes, pieces: dict[str, list[tuple[int, int]]]) -> Backup:
    try:
        head = _HEADS.validate_json(manifest, strict=True)
        if head.form != _FORM:
            raise BackupError(f"{path} was made by a newer Blockline ({head.blockline}). Upgrade Blockline.")
        found = _MANIFESTS.validate_json(manifest, strict=True)
    except ValidationError as error:
        raise _damaged(path) from error
    names = [table.name for table in found.tables]
    if len(set(names)) < len(names):  # each would be unpacked again
        raise _damaged(path)
    if not pieces.keys() <= set(names):
        raise _damaged(path)
    return Backup(path, found, pieces)


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


def _signature(key: bytes, digest: bytes) -> bytes:
    return hmac.new(key, digest, hashlib.sha256).hexdigest().encode()


def _tail(digest: str) -> bytes:
    """Make the last bytes of a file whose other bytes have this hash."""
    return _member(_DIGEST, digest.encode()) + bytes(2 * _BLOCK)
