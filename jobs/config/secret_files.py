"""Secrets in files of their own, such as those of Docker and systemd, and files that others can read."""

import stat
from collections.abc import Iterable, Mapping
from pathlib import Path

_MOST_BYTES = 64 * 1024
_CONTAINER_SECRETS = Path("/run/secrets")
"""Docker lets every user of the container read these files, and no other user of the machine."""


def read_secret(path: Path) -> str:
    """Return what a file holds, without one line end at the end.

    Raises ValueError with a clause that does not quote the path, because it may be a secret itself if the
    setting was mistaken for the one without `_file`.
    """
    try:
        if not path.is_file():  # before it is opened: a pipe may never end
            raise ValueError("the path is not a file" if path.exists() else "the file does not exist")
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
        text = content.decode("utf-8-sig").removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ValueError(f"the file cannot be read ({error.strerror})") from error
    except UnicodeDecodeError:
        raise ValueError("the file is not a text file in UTF-8") from None
    if len(content) > _MOST_BYTES:
        raise ValueError("the file is larger than 64 kB")
    if not text.strip():
        raise ValueError("the file is empty")
    if not text.isprintable():
        raise ValueError("the file holds more than one line, or characters that cannot be printed")
    return text


def permission_warnings(files: Mapping[Path, Iterable[str]]) -> list[str]:
    """Return a sentence for each file that other users of this machine can read.

    `files` names the settings that each file contains. A file that is gone is left out.
    """
    said: list[str] = []
    for path, names in files.items():
        try:
            found = path.stat()
        except OSError:
            continue
        if readers := other_readers(path.absolute(), found.st_mode, found.st_uid):
            said.append(
                f"{readers} can read {path}, which contains {', '.join(names)}. Let only Blockline's user "
                f"read it, for example with: chmod 600 {path}"
            )
    return said


def other_readers(path: Path, mode: int, owner: int) -> str | None:
    """Say who else can read a file; None means nobody.

    Root may share a file with a group: this is how a service reads settings that it must not change.
    """
    if _CONTAINER_SECRETS in path.parents:
        return None
    if mode & stat.S_IROTH:
        return "Every user of this machine"
    if mode & stat.S_IRGRP and owner != 0:
        return "The group of the file"
    return None
