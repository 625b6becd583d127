"""Which database an installation uses: the one that is configured, or its own embedded Postgres."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

from jobs.config.settings import Settings
from storage.embedded.launcher import embedded_postgres
from storage.postgres.schema import check_schema, newest, schema_of


@contextmanager
def database(settings: Settings) -> Generator[str]:
    """The DSN of the database, its server running as long as the block. Raises StorageError."""
    if settings.database_url is not None:
        yield settings.database_url.get_secret_value()
    else:
        with embedded_postgres(settings.data_dir / "postgres") as dsn:
            yield dsn


async def ready(settings: Settings, dsn: str) -> None:
    """See to it that the schema fits. Our own database is migrated; somebody else's only by command."""
    if settings.database_url is not None:
        await check_schema(dsn)
    elif await schema_of(dsn) != newest():
        from storage.postgres.migrate import migrate  # Alembic: large, and needed once a version

        await migrate(dsn)


async def revive(settings: Settings) -> None:
    """Start our own server again when it was killed. Somebody else's server is theirs to start."""
    if settings.database_url is None:
        await asyncio.to_thread(_enter_and_leave, settings)


def _enter_and_leave(settings: Settings) -> None:
    with database(settings):
        """Entering starts the server; leaving lets it run for whoever else uses it, which is this process."""
