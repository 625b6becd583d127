"""A later Blockline: a copy of this one's storage that has one migration more, which adds a column."""

import asyncio
import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from storage.postgres.schema import MIGRATIONS, newest

LATER = f"{int(newest()) + 1:04}"
"""The schema that it makes."""
_MIGRATION = f'''
from alembic import op

revision = "{LATER}"
down_revision = "{newest()}"


def upgrade() -> None:
    op.execute("alter table change add column made_up int")
'''
_MIGRATE = """
import asyncio, sys
from datetime import timedelta
from storage.postgres.migrate import StorageError, migrate
try:
    done = asyncio.run(migrate(sys.argv[1], timedelta(milliseconds=50)))
    print(done.before, done.after)
except StorageError as error:
    print(error)
"""
_CHECK = """
import asyncio, sys
from storage.postgres.schema import StorageError, check_schema
try:
    asyncio.run(check_schema(sys.argv[1]))
except StorageError as error:
    print(error)
"""
_RESTORE = """
import asyncio, sys
from pathlib import Path
from storage.backup.archive import read_backup
from storage.backup.restore import restore
quiet = lambda what, size: None
asyncio.run(restore(sys.argv[1], read_backup(Path(sys.argv[2]), quiet), quiet))
"""


@dataclass(frozen=True, slots=True)
class LaterVersion:
    """Each command says what the later version prints: its answer, or the sentence why not."""

    folder: Path

    async def migrate(self, dsn: str) -> str:
        return await self._run(_MIGRATE, dsn)

    async def check_schema(self, dsn: str) -> str:
        return await self._run(_CHECK, dsn)

    async def restore(self, dsn: str, backup: Path) -> str:
        return await self._run(_RESTORE, dsn, str(backup))

    async def _run(self, script: str, *args: str) -> str:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", script, *args),
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder)},
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await process.communicate()
        assert process.returncode == 0
        return said.decode().strip()


def later_version(folder: Path) -> LaterVersion:
    """Make it in a folder."""
    storage = MIGRATIONS.parent
    shutil.copytree(storage, folder / storage.name, ignore=shutil.ignore_patterns("__pycache__"))
    versions = folder / MIGRATIONS.relative_to(storage.parent) / "versions"
    (versions / f"{LATER}_made_up.py").write_text(_MIGRATION, encoding="utf-8")
    return LaterVersion(folder)
