"""The files with tables that a user names, read whole and with a limit."""

import gzip
import io
import zlib
from pathlib import Path

from jobs.base.errors import CommandError
from storage.model.tables.csv_rows import TableError

_MOST_BYTES = 256 * 1024 * 1024


def table_content(path: Path) -> bytes:
    """What a file holds, unpacked where its name ends with .gz. Raises CommandError or TableError.

    What is no regular file is refused before it is opened: a pipe may never end.
    """
    content = file_content(path, _MOST_BYTES, "a CSV file")
    if path.suffix == ".gz" and len(content) <= _MOST_BYTES:
        content = _unpacked(content, path.name)
    if len(content) > _MOST_BYTES:
        raise TableError(path.name, None, "the table is larger than 256 MB; split it into several files.")
    if b"\0" in content:
        raise TableError(path.name, None, "the file is not a text file; save the table as CSV UTF-8.")
    return content


def file_content(path: Path, most: int, what: str) -> bytes:
    """What a file holds, up to a byte more than `most`; `what` is what it should be. Raises CommandError."""
    try:
        if path.is_dir():
            raise CommandError(f"{path} is a folder; name {what} in it.")
        if path.exists() and not path.is_file():
            raise CommandError(f"{path} is a pipe or a device; name a file.")
        with path.open("rb") as file:
            return file.read(most + 1)
    except FileNotFoundError:
        raise CommandError(f"{path}: the file does not exist.") from None
    except (OSError, ValueError) as error:
        raise CommandError(
            f"{path}: the file cannot be read ({getattr(error, 'strerror', error)})."
        ) from error


def _unpacked(content: bytes, name: str) -> bytes:
    """As far as a table may be long, and a byte more: a small file can be packed from an endless one."""
    try:
        return gzip.GzipFile(fileobj=io.BytesIO(content)).read(_MOST_BYTES + 1)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TableError(name, None, "the file is not a complete gzip file.") from error
