"""The database of an installation has the schema of this version before it is used."""

import asyncpg
import pytest

from jobs.config.database import ready
from jobs.config.settings import Settings
from storage.postgres.errors import SchemaBehind, SchemaTooNew, SchemaTooOld, StorageError
from storage.postgres.schema import check_schema

OWN = Settings()


async def test_our_own_database_is_migrated(empty_dsn: str) -> None:
    await ready(OWN, empty_dsn)
    await check_schema(empty_dsn)


async def test_somebody_elses_database_is_migrated_only_by_command(empty_dsn: str) -> None:
    with pytest.raises(SchemaBehind, match=r"Run: blockline migrate$"):
        await ready(Settings.model_validate({"database_url": empty_dsn}), empty_dsn)


@pytest.mark.parametrize(
    ("revision", "error", "fix"),
    [("9999", SchemaTooNew, "Upgrade Blockline"), ("0023", SchemaTooOld, "blockline restore FILE")],
)
async def test_our_own_database_of_a_newer_or_a_development_version_is_refused(
    dsn: str, revision: str, error: type[StorageError], fix: str
) -> None:
    conn = await asyncpg.connect(dsn)
    await conn.execute("update alembic_version set version_num = $1", revision)
    await conn.close()
    with pytest.raises(error, match=fix):
        await ready(OWN, dsn)
