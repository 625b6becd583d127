"""A database for one benchmark: embedded Postgres as it is shipped, fsync on."""

import asyncio
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from storage.embedded.launcher import embedded_postgres
from storage.postgres.migrate import migrate


@contextmanager
def scratch_database() -> Generator[str]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-postgres-"))
    try:
        with embedded_postgres(folder) as dsn:
            asyncio.run(migrate(dsn))
            yield dsn
    finally:
        shutil.rmtree(folder)
