"""One Postgres server in one data folder: made, configured, started, asked and stopped."""

import os
import re
import shlex
import shutil
import socket
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from storage.embedded.host import INSTEAD, EmbeddedError, Owner

_PATIENCE_S = 600
"""Recovery after a crash replays at most about 1 GB of log, far below this."""
_RETRY_S = 0.2
_PORT = 5432
_SOCKET_PATH_BYTES = 103
"""The kernel's limit on macOS; Linux has 107."""
_LOG_BYTES = 1_000_000
_LOCK_STANDS = re.compile(
    r"lock file .* already exists|pre-existing shared memory block|Address already in use"
)
_NO_PROCESS = 2**31 - 1
UPGRADED = "pgdata.upgraded"
"""Files that an upgrade made, which are whole and not yet in their place."""

_HBA = "local all all peer map=blockline\n"
_CONFIG = """\
# Written by Blockline at every start. Settings that initdb found for this machine come first.
include '{pgdata}/postgresql.conf'
hba_file = '{folder}/pg_hba.conf'
ident_file = '{folder}/pg_ident.conf'
listen_addresses = ''
port = {port}
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 100
shared_buffers = 128MB
work_mem = 16MB
maintenance_work_mem = 64MB
max_wal_size = 1GB
checkpoint_timeout = 15min
wal_compression = pglz
random_page_cost = 1.1
jit = off
# Tables fill within minutes of an import: queries are not to be planned by when they were empty.
autovacuum_naptime = 10s
timezone = 'UTC'
log_timezone = 'UTC'
log_checkpoints = off
fsync = {durable}
full_page_writes = {durable}
"""


@dataclass(frozen=True, slots=True)
class EmbeddedServer:
    """Where one server's files are, and who runs it. Call its methods under the start lock only."""

    folder: Path
    binaries: Path
    own_binaries: Path
    """Where we ourselves run psql from: the installed ones."""
    owner: Owner
    caller: Owner
    fsync: bool

    @property
    def pgdata(self) -> Path:
        return self.folder / "pgdata"

    @property
    def log(self) -> Path:
        return self.pgdata / "server.log"

    @property
    def dsn(self) -> str:
        """Address of the running server."""
        return f"postgresql://postgres@/postgres?host={quote(str(self._socket))}&port={_PORT}"

    @property
    def _socket(self) -> Path:
        return self._socket_link.resolve()

    @property
    def _socket_link(self) -> Path:
        return self.folder / "socket"

    def ensure_running(self) -> None:
        """Return when a connection has worked. Starts the server unless it runs; makes its files if need be.

        While the lock of a dead server stands, or another start is still in recovery, tries again.
        """
        give_up_at = time.monotonic() + _PATIENCE_S
        if self._answers():
            return
        if not self.pgdata.exists():
            if (self.folder / UPGRADED).exists():  # an upgrade was killed at its last step
                (self.folder / UPGRADED).rename(self.pgdata)
            else:
                self._initdb()
        self._configure()
        while not self._answers():
            fault = self._start()
            if fault and not _LOCK_STANDS.search(fault):
                raise EmbeddedError(
                    f"Postgres in {self.folder} does not start ({last_line(fault)}). "
                    f"See {self.log}, {INSTEAD}."
                )
            if time.monotonic() > give_up_at:
                raise EmbeddedError(
                    f"Postgres in {self.folder} gave no connection within {_PATIENCE_S} seconds. "
                    f"See {self.log}, {INSTEAD}."
                )
            if fault:
                self._disown_other_process()
                time.sleep(_RETRY_S)

    def stop(self) -> None:
        """End all sessions, write everything down and stop. Nothing happens when it does not run."""
        self.owner.run(
            self.binaries / "pg_ctl", "-D", self.pgdata, "-m", "fast", "-w", "-t", str(_PATIENCE_S), "stop"
        )
        if self._socket_link.is_symlink() and not (self.pgdata / "postmaster.pid").exists():
            shutil.rmtree(self._socket, ignore_errors=True)
            self._socket_link.unlink()

    def _answers(self) -> bool:
        if not self._socket.exists():
            return False
        done = self.caller.run(
            self.own_binaries / "psql", "-X", "-q", "-A", "-t", "-w", "-d", self.dsn, "-c", "select 1"
        )
        if "authentication failed" in done.stderr:
            raise EmbeddedError(
                f"The database in {self.folder} was started by another user of this machine, "
                f"and only that user can use it. Stop it as that user first, {INSTEAD}."
            )
        return done.returncode == 0 and done.stdout.strip() == "1"

    def _start(self) -> str:
        """Start the server and wait until it is ready. Returns what it logged when it did not come up."""
        logged = self.log.stat().st_size if self.log.exists() else 0
        done = self.owner.run(
            *(self.binaries / "pg_ctl", "-D", self.pgdata, "-l", self.log, "-w", "-t", str(_PATIENCE_S)),
            *("-o", f"-c config_file={shlex.quote(str(self.folder / 'blockline.conf'))}", "start"),
        )
        if done.returncode == 0:
            return ""
        if not self.log.exists():
            return done.stderr or "no reason given"
        with self.log.open("rb") as file:
            file.seek(logged)
            return file.read().decode(errors="replace") or done.stderr or "no reason given"

    def _initdb(self) -> None:
        new = self.folder / "pgdata.new"
        if new.exists():  # an earlier attempt was killed
            shutil.rmtree(new)
        self._private_folder(new)
        done = self.owner.run(
            *(self.binaries / "initdb", "-D", new, "-U", "postgres", "-E", "UTF8", "--locale=C"),
            *("--auth=peer", "--no-instructions", *([] if self.fsync else ["--no-sync"])),
        )
        if done.returncode != 0:
            raise EmbeddedError(
                f"Postgres could not make its files in {self.folder} ({last_line(done.stderr)}). "
                f"Correct the cause, {INSTEAD}."
            )
        new.rename(self.pgdata)

    def _configure(self) -> None:
        users = dict.fromkeys((self.caller.name, self.owner.name))
        self._write("pg_ident.conf", "".join(f'blockline "{name}" postgres\n' for name in users))
        self._write("pg_hba.conf", _HBA)
        self._write(
            "blockline.conf",
            _CONFIG.format(
                pgdata=_quoted(self.pgdata),
                folder=_quoted(self.folder),
                socket=_quoted(self._socket_folder()),
                port=_PORT,
                durable="on" if self.fsync else "off",
            ),
        )
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))

    def _write(self, name: str, content: str) -> None:
        """Files of ours that the server may read and not write."""
        path = self.folder / name
        path.write_text(content, encoding="utf-8")
        if self.owner.differs:
            os.chown(path, -1, self.owner.gid)
        path.chmod(0o640 if self.owner.differs else 0o600)

    def _socket_folder(self) -> Path:
        """A private folder with a path short enough for a socket: `socket` or a temporary one it links to."""
        link = self._socket_link
        if link.is_symlink():
            if self._socket.is_dir() and self._socket.stat().st_uid == self.owner.uid:
                return self._socket
            link.unlink()  # cleaned away, or no longer ours
        if fits_a_socket(link):
            if not link.exists():
                self._private_folder(link)
            return link
        if link.exists():  # the data folder was moved to a longer path
            shutil.rmtree(link)
        target = Path(tempfile.mkdtemp(prefix="blockline-"))
        if self.owner.differs:
            os.chown(target, self.owner.uid, self.owner.gid)
        if not self.owner.can_enter(target):
            target.rmdir()
            raise EmbeddedError(
                f"The path {self.folder} is too long for a socket, and the user {self.owner.name} "
                f"cannot enter {target.parent}. Choose a data folder with a shorter path, {INSTEAD}."
            )
        link.symlink_to(target)
        return target

    def _private_folder(self, path: Path) -> None:
        path.mkdir(mode=0o700)
        if self.owner.differs:
            os.chown(path, self.owner.uid, self.owner.gid)

    def _is_listening(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self._socket / f".s.PGSQL.{_PORT}")) == 0

    def _disown_other_process(self) -> None:
        """Correct a left-over lock file whose process number now belongs to a zombie or to another program.

        Postgres takes any living process for its server and would wait for ever. The number is replaced by
        one that no process has and the file stays, so that Postgres still makes its own check that nobody
        uses the shared memory. Linux only: elsewhere zombies are reaped.
        """
        if self._is_listening():
            return
        lock = self.pgdata / "postmaster.pid"
        try:
            first, _, rest = lock.read_text(encoding="utf-8").partition("\n")
            if not Path("/proc/self/cmdline").exists() or first == str(_NO_PROCESS):
                return
            program = Path("/proc", str(int(first)), "cmdline")
            if program.exists() and os.fsencode(self.pgdata) in program.read_bytes():
                return
            with os.fdopen(os.open(lock, os.O_WRONLY | os.O_TRUNC | os.O_NOFOLLOW), "w") as file:
                file.write(f"{_NO_PROCESS}\n{rest}")
        except (OSError, ValueError):
            return  # the file changed under us: the next attempt sees what it is now
        for left in self._socket.glob(".s.PGSQL.*"):
            left.unlink()


def fits_a_socket(folder: Path) -> bool:
    """Whether a socket in `folder` has a path that the kernel, Postgres and an address in a DSN can take."""
    plain = re.fullmatch(r"[\w./+ -]+", str(folder), re.ASCII) is not None
    return plain and len(f"{folder}/.s.PGSQL.{_PORT}") <= _SOCKET_PATH_BYTES


def last_line(output: str) -> str:
    """The line that tells why: the last one with an error in it, else the last."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if re.search(r"FATAL|PANIC|error:", line)]
    line = (telling or lines or ["no reason given"])[-1]
    return re.sub(r"^.*?(FATAL|PANIC|error):\s*", "", line)


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
