"""Evidence packs on disk: written whole or not at all, and read although a stranger may have made them."""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from jobs.pack import Files, PackError
from jobs.whole_files import whole_file, whole_folder

_MOST_FILES: Final = 5_000
_MOST_BYTES: Final = 256 * 1024 * 1024
_CHUNK: Final = 1024 * 1024
_BROKEN_ZIP: Final = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, RuntimeError, ValueError),  # what zipfile raises for some archives that are damaged
)
_NO_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The same pack is the same file: what is dated says so inside."""


def write_pack(path: Path, files: Files) -> None:
    """A zip file if the name ends with .zip, else a folder. Raises CommandError; nothing half is left."""
    if path.suffix == ".zip":
        with whole_file(path) as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in sorted(files.items()):
                entry = zipfile.ZipInfo(name, _NO_DATE)
                entry.compress_type = zipfile.ZIP_DEFLATED
                entry.external_attr = (stat.S_IFREG | 0o644) << 16
                archive.writestr(entry, content)
        return
    with whole_folder(path) as folder:
        for name, content in sorted(files.items()):
            target = folder / name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)


def read_pack(path: Path) -> dict[str, bytes]:
    """The files of a pack, a zip file or a folder.

    Raises PackError for what no pack has: links, names that lead out of it, a name twice, more than 256 MB.
    """
    files: dict[str, bytes] = {}
    room = _MOST_BYTES
    if not path.exists():
        raise PackError(f"There is no file or folder {path}.")
    if not path.is_dir() and not (path.is_file() and path.stat().st_size <= room):
        raise PackError(f"{path} is no evidence pack.")
    try:
        for name, content in _folder(path) if path.is_dir() else _archive(path):
            if len(files) == _MOST_FILES:
                raise PackError(f"{path} holds more than {_MOST_FILES:,} files: it is no evidence pack.")
            with content as opened:
                files[name] = _read(opened, room, path)
            room -= len(files[name])
    except _BROKEN_ZIP as error:
        raise PackError(f"{path} is no whole zip file.") from error
    except OSError as error:
        raise PackError(f"{path} cannot be read ({error.strerror or error}).") from error
    return files


def _read(opened: IO[bytes], room: int, path: Path) -> bytes:
    """What the headers of an archive say of a size is not believed."""
    out = bytearray()
    while chunk := opened.read(_CHUNK):
        out += chunk
        if len(out) > room:
            raise PackError(f"{path} holds more than {_MOST_BYTES // 1024**2} MB: it is no evidence pack.")
    return bytes(out)


def _folder(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    for item in sorted(path.rglob("*")):
        name = item.relative_to(path).as_posix()
        mode = item.lstat().st_mode
        if stat.S_ISDIR(mode):
            continue
        if not stat.S_ISREG(mode):
            raise PackError(f"{name!r} in {path} is a link or a device: no evidence pack has one.")
        yield name, item.open("rb")


def _archive(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(path) as archive:
        seen: set[str] = set()
        for entry in archive.infolist():
            name = entry.orig_filename
            mode = entry.external_attr >> 16
            parts = name.split("/")
            if entry.is_dir():
                continue
            is_plain = not ({"", ".", ".."} & set(parts) or set(name) & set("\\:\0"))
            is_plain = is_plain and stat.S_IFMT(mode) in {0, stat.S_IFREG}
            if not is_plain or entry.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
                raise PackError(
                    f"{name!r} in {path} is not the name of a plain file: no evidence pack has it."
                )
            if name.casefold() in seen:
                raise PackError(f"{name!r} is twice in {path}.")
            seen.add(name.casefold())
            yield name, archive.open(entry)
