"""Evidence packs on disk: written whole or not at all, and read although a stranger may have made them."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, BinaryIO, Final

from jobs.base.atomic_files import whole_file, whole_folder
from jobs.evidence.pack import Files, PackError

MOST_FILES: Final = 5_000
"""In one archive."""
_MOST_BYTES: Final = 256 * 1024 * 1024
_CHUNK: Final = 1024 * 1024
_BROKEN_ZIP: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, RuntimeError, ValueError),  # what zipfile raises for some archives that are damaged
)
_LOCAL_HEAD: Final = struct.Struct("<26xHH")
"""Before the content of an entry: the lengths of its name and of what else stands between."""
_LAST: Final = struct.Struct("<4s8xL4xH")
"""At the end of a zip file: its signature, the length of the list of entries, and that of a comment."""
_SIZES_FOLLOW: Final = 0x08
_NO_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The same pack is the same file: what is dated says so inside."""


def write_pack(path: Path, files: Files) -> None:
    """A zip file if the name ends with .zip, else a folder. Raises CommandError; nothing half is left."""
    if path.suffix == ".zip":
        with whole_file(path) as file:
            file.write(zipped(files))
        return
    with whole_folder(path) as folder:
        for name, content in sorted(files.items()):
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)


def zipped(files: Files) -> bytes:
    """The files as one zip file. Equal files give equal bytes."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, _NO_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    return out.getvalue()


def read_pack(path: Path) -> dict[str, bytes]:
    """The files of a pack, a zip file or a folder.

    Raises PackError for what no pack has: links, names that lead out of it, a name twice, bytes that belong
    to no file, more than 256 MB.
    """
    if not path.exists():
        raise PackError(f"{path}: the file does not exist.")
    if path.is_dir():
        with faults_as_sentence(str(path)):
            return _content(_folder(path), str(path))
    if not (path.is_file() and path.stat().st_size <= _MOST_BYTES):
        raise PackError(f"{path} is not an evidence pack.")
    with faults_as_sentence(str(path)), path.open("rb") as file:
        return read_zipped(file, str(path))


def read_zipped(file: BinaryIO, called: str) -> dict[str, bytes]:
    """The files of a pack that is a zip file. Raises PackError as `read_pack` does; it names the file
    `called`.
    """
    with faults_as_sentence(called):
        return _content(archived(file, called), called)


@contextmanager
def faults_as_sentence(called: str) -> Generator[None]:
    """Turn errors of reading a file or an archive into a PackError that names it."""
    try:
        yield
    except _BROKEN_ZIP as error:
        raise PackError(f"{called} is not a complete zip file.") from error
    except OSError as error:
        raise PackError(f"{called}: the file cannot be read ({error.strerror or error}).") from error


def _content(members: Iterator[tuple[str, IO[bytes]]], called: str) -> dict[str, bytes]:
    files: dict[str, bytes] = {}
    room = _MOST_BYTES
    for name, content in members:
        if len(files) == MOST_FILES:
            raise PackError(f"{called} holds more than {MOST_FILES:,} files, so it is not an evidence pack.")
        with content as opened:
            files[name] = read_member(opened, room, called)
        room -= len(files[name])
    return files


def read_member(opened: IO[bytes], room: int = _MOST_BYTES, called: str = "It") -> bytes:
    """The content of a file in an archive. Raises PackError if it is longer than `room`.

    What the headers of an archive say of a size is not believed.
    """
    out = bytearray()
    while chunk := opened.read(_CHUNK):
        out += chunk
        if len(out) > room:
            raise PackError(
                f"{called} holds more than {_MOST_BYTES // 1024**2} MB, so it is not an evidence pack."
            )
    return bytes(out)


def _folder(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    for item in sorted(path.rglob("*")):
        name = item.relative_to(path).as_posix()
        mode = item.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            raise PackError(
                f"{name!r} in {path} is a link or a device, which is not allowed in an evidence pack."
            )
        yield name, item.open("rb")


def archived(file: BinaryIO, called: str) -> Iterator[tuple[str, IO[bytes]]]:
    """Each plain file of a zip file, in its order, to be read and closed by the caller. Raises PackError for
    what no pack has, and the errors of `zipfile` for a damaged one.
    """
    with zipfile.ZipFile(file) as archive:
        _refuse_hidden(archive, file, called)
        seen: set[str] = set()
        for entry in archive.infolist():
            name = entry.orig_filename
            mode = entry.external_attr >> 16
            is_folder = entry.is_dir()
            parts = name.removesuffix("/").split("/")
            is_plain = not ({"", ".", ".."} & set(parts) or set(name) & set("\\:\0"))
            is_plain = is_plain and stat.S_IFMT(mode) in {0, stat.S_IFDIR if is_folder else stat.S_IFREG}
            if is_folder and (entry.file_size or entry.compress_size):
                raise PackError(
                    f"The entry {name!r} in {called} is a folder but has content of its own, which is not "
                    "allowed in an evidence pack."
                )
            if not is_plain or entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise PackError(
                    f"{name!r} in {called} is not a plain file. An evidence pack contains only plain files."
                )
            if name.casefold() in seen:
                raise PackError(f"{called} contains {name!r} twice.")
            seen.add(name.casefold())
            if is_folder:
                continue
            yield name, archive.open(entry)


def _refuse_hidden(archive: zipfile.ZipFile, file: BinaryIO, called: str) -> None:
    """Raises PackError unless every byte of the file belongs to an entry or to the list of them."""
    end = 0
    for entry in sorted(archive.infolist(), key=lambda one: one.header_offset):
        file.seek(entry.header_offset)
        head = file.read(_LOCAL_HEAD.size)
        name_size, extra_size = _LOCAL_HEAD.unpack(head)
        if entry.header_offset != end:
            break
        end += _LOCAL_HEAD.size + name_size + extra_size + entry.compress_size
        if entry.flag_bits & _SIZES_FOLLOW:
            file.seek(end)
            end += 16 if file.read(4) == b"PK\x07\x08" else 12
    file.seek(-_LAST.size, 2)
    signature, list_size, comment_size = _LAST.unpack(file.read(_LAST.size))
    size = file.tell()
    if (signature, comment_size, end, end + list_size + _LAST.size) != (
        b"PK\x05\x06",
        0,
        archive.start_dir,
        size,
    ):
        raise PackError(
            f"{called} contains bytes that belong to none of its files, which is not allowed in an evidence "
            "pack."
        )
