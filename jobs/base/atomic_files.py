"""Files and folders that appear under their name only when they are whole."""

import os
import secrets
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from jobs.base.errors import CommandError


@contextmanager
def whole_file(path: Path) -> Generator[BinaryIO]:
    """A new file, on the disk and under its name when the block ends. When it raises, nothing is left.

    Raises CommandError when there is something of that name already, or it cannot be written.
    """
    with _errors_as_sentence(path), _stand_in(path) as partial:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        refuse_taken(path)
        partial.rename(path)
        _sync(path.parent)


@contextmanager
def whole_folder(path: Path) -> Generator[Path]:
    """A folder to fill with files, on the disk and under its name when the block ends; an empty one of that
    name is replaced. When it raises, nothing is left. Raises CommandError as `whole_file` does.
    """
    with _errors_as_sentence(path), _stand_in(path) as partial:
        partial.mkdir()
        yield partial
        for made in partial.rglob("*"):
            _sync(made)
        _sync(partial)
        refuse_filled(path)
        partial.rename(path)
        _sync(path.parent)


def private_folder(path: Path) -> Path:
    """Make a folder that only its owner can enter, unless it is there. Raises CommandError."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The folder {path} cannot be made: {error.strerror or error}.") from error
    return path


def refuse_taken(path: Path) -> None:
    """Raises CommandError unless a file can be made there."""
    with _errors_as_sentence(path):
        _refuse_homeless(path)
        if path.is_dir():
            raise CommandError(f"{path} is a folder; name a file in it.")
        if path.exists() or path.is_symlink():
            raise CommandError(f"{path} exists already; name another file.")


def refuse_filled(path: Path) -> None:
    """Raises CommandError unless a folder can be made there, or there is an empty one."""
    with _errors_as_sentence(path):
        _refuse_homeless(path)
        if path.is_symlink() or (path.exists() and not path.is_dir()):
            raise CommandError(f"{path} is not a folder; name a folder that is empty or does not exist yet.")
        if path.is_dir() and any(path.iterdir()):
            raise CommandError(
                f"The folder {path} is not empty; name a folder that is empty or does not exist yet."
            )


def _refuse_homeless(path: Path) -> None:
    if not path.parent.is_dir():
        raise CommandError(f"{path} cannot be written: the folder {path.parent} does not exist.")


@contextmanager
def _errors_as_sentence(path: Path) -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror or error}.") from error


@contextmanager
def _stand_in(path: Path) -> Generator[Path]:
    """Another name in the same folder, hidden; what is there at the end is removed."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        yield partial
    finally:
        if partial.is_dir():
            shutil.rmtree(partial, ignore_errors=True)
        else:
            partial.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """See to it that a file, or the names in a folder, outlast a power failure."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
