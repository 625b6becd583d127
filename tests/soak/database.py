"""A Postgres on the clock of libfaketime. The launcher of Blockline starts its own in a clean environment."""

import asyncio
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from storage.embedded.host import installed_binaries, server_owner, usable_binaries
from storage.embedded.launcher import embedded_postgres
from storage.postgres.errors import StorageError
from storage.postgres.migrate import migrate
from storage.postgres.pool import connect
from tests.support.processes.fast_clock import share_clock


def make_database(folder: Path) -> None:
    """Make the files of a server and its schema, at the usual speed."""
    with embedded_postgres(folder, fsync=False) as dsn:
        asyncio.run(migrate(dsn))


@contextmanager
def running_database(folder: Path) -> Generator[str]:
    """The address of a server on the files of `make_database`, until the block ends."""
    owner = server_owner(folder / "pgdata")
    binaries = usable_binaries(installed_binaries(), folder, owner)
    socket = Path(tempfile.mkdtemp(prefix="blockline-soak-"))
    if owner.differs:
        os.chown(socket, owner.uid, owner.gid)
        share_clock()
    with (folder.parent / "postgres.log").open("ab") as log:
        server = subprocess.Popen(
            [
                *(binaries / "postgres", "-D", folder / "pgdata"),
                *("-c", f"config_file={folder / 'blockline.conf'}"),
                *("-c", f"unix_socket_directories={socket}"),
            ],
            stdout=log,
            stderr=log,
            user=owner.uid if owner.differs else None,
            group=owner.gid if owner.differs else None,
            extra_groups=[] if owner.differs else None,
        )
    dsn = f"postgresql://postgres@/postgres?host={socket}&port=5432"
    try:
        asyncio.run(_answers(dsn, server))
        yield dsn
    finally:
        server.terminate()
        server.wait()
        shutil.rmtree(socket, ignore_errors=True)


async def _answers(dsn: str, server: subprocess.Popen[bytes]) -> None:
    while server.poll() is None:
        with suppress(StorageError):
            return await (await connect(dsn)).close()
        await asyncio.sleep(1)
    raise SystemExit("Postgres did not start; postgres.log says why.")
