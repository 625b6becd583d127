"""Move an embedded database to the Postgres of this Blockline, if another version made it.

The rows are read from a server of the old version and written to one of the new version. The old files are
renamed and never changed again. If an upgrade is killed, the folder is as before, or the next start finishes
it.
"""

import fcntl
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.embedded.host import (
    EmbeddedError,
    Owner,
    installed_binaries,
    major_version,
    open_to,
    process_owner,
    refuse_closed_parents,
    runs,
    server_owner,
    version_of,
)
from storage.embedded.launcher import as_sentence, embedded_postgres, locked, opened
from storage.embedded.server import UPGRADED, EmbeddedServer

_WORKSHOP = "upgrade"

Carry = Callable[[str, str, Path], None]
"""Copies everything from the first DSN to the second, an empty database; may use a file at the path."""


@dataclass(frozen=True, slots=True)
class Upgraded:
    old: int
    """Major version of the Postgres that made the files."""
    new: int
    kept: Path
    """Where the old files are now."""


def upgrade_folder(data_dir: Path, old_binaries: Path | None, carry: Carry) -> Upgraded:
    """Rebuild the files in `data_dir` with the Postgres of this Blockline; keep the old ones beside them.

    `old_binaries` is a folder with the programs of the Postgres that made them; None means a copy in the data
    folder itself. Raises EmbeddedError, and whatever `carry` raises; nothing is changed then.
    """
    folder = data_dir.resolve()
    with as_sentence(folder):
        installed = installed_binaries()
        old, new = _versions(folder, major_version(installed))
        kept = folder / f"pgdata-{old}"
        if kept.exists():
            raise EmbeddedError(f"{kept} is left from an earlier upgrade. Move it away first.")
        owner = server_owner(folder / "pgdata")
        if owner.differs:
            refuse_closed_parents(folder, owner)
        open_to(folder, owner)
        binaries = _old_programs(folder, old, old_binaries, owner)
        server = EmbeddedServer(folder, binaries, installed, owner, process_owner(), fsync=True)
        with _alone(folder):
            _clear(folder)
            try:
                server.ensure_running()
                with embedded_postgres(folder / _WORKSHOP) as new_dsn:
                    carry(server.dsn, new_dsn, folder / _WORKSHOP / "carried")
            finally:
                server.stop()
            # The new files are complete from the first rename on. If the process ends between the second and
            # the third, the next start of a server does the third.
            (folder / _WORKSHOP / "pgdata").rename(folder / UPGRADED)
            (folder / "pgdata").rename(kept)
            (folder / UPGRADED).rename(folder / "pgdata")
            shutil.rmtree(folder / _WORKSHOP)
    return Upgraded(old, new, kept)


def _versions(folder: Path, brought: int) -> tuple[int, int]:
    made_by = version_of(folder)
    if made_by is None:
        raise EmbeddedError(f"There is no database in {folder}, so there is nothing to upgrade.")
    if made_by == brought:
        raise EmbeddedError(
            f"The database in {folder} is already one of Postgres {brought}, so there is nothing to upgrade."
        )
    if made_by > brought:
        raise EmbeddedError(
            f"The database in {folder} was made by Postgres {made_by}, which is newer than the {brought} of "
            "this Blockline. Use the Blockline that made it."
        )
    return made_by, brought


def _old_programs(folder: Path, old: int, named: Path | None, owner: Owner) -> Path:
    """Find the programs of the old version: those in `named`, or a copy that was made for this folder."""
    if named is not None:
        binaries = named.resolve()
        if not (binaries / "postgres").is_file() or major_version(binaries) != old:
            raise EmbeddedError(f"--old-binaries: {named} does not hold the programs of Postgres {old}.")
        if not runs(binaries, owner):
            raise EmbeddedError(
                f"--old-binaries: the user {owner.name}, who owns the database, cannot run the programs in "
                f"{named}."
            )
        return binaries
    for copy in sorted(folder.glob("binaries-*/embedded_postgres/pginstall/bin")):
        if (copy / "postgres").is_file() and major_version(copy) == old and runs(copy, owner):
            return copy
    raise EmbeddedError(
        f"The programs of Postgres {old} are needed to read the database in {folder}. Give their folder "
        f"with --old-binaries, such as /usr/lib/postgresql/{old}/bin."
    )


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """Keep every other process from using the folder until the block ends."""
    with (
        opened(folder / "start.lock") as start_lock,
        opened(folder / "users.lock") as user_lock,
        locked(start_lock),
    ):
        try:
            fcntl.flock(user_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(f"The database in {folder} is in use. Stop Blockline first.") from None
        yield


def _clear(folder: Path) -> None:
    """Remove what a killed upgrade left, including its server. It did not change the old files."""
    workshop = folder / _WORKSHOP
    if (workshop / "pgdata" / "postmaster.pid").exists():
        with embedded_postgres(workshop):
            """The last user of a server stops it."""
    for left in (workshop, folder / UPGRADED):
        if left.exists():
            shutil.rmtree(left)
