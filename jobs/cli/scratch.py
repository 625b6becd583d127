"""What the commands that play something share: a database for the occasion, and a bar of their progress."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from jobs.cli.command import run
from storage.embedded.launcher import embedded_postgres
from storage.postgres.migrate import migrate

err = Console(stderr=True)


@contextmanager
def scratch_database() -> Generator[str]:
    """An empty, migrated database that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="blockline-postgres-"))
    try:
        with embedded_postgres(folder, fsync=False) as dsn:
            run(lambda: migrate(dsn))
            yield dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def progress(start: datetime, end: datetime, *, shown: bool) -> Generator[tuple[Progress, TaskID]]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        console=err,
        disable=not shown,
        transient=True,
    )
    with bar:
        task = bar.add_task(f"{start:%Y-%m-%d}", total=(end - start).total_seconds(), said="")
        yield bar, task
