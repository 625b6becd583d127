"""What can go wrong with the database, by what the caller can do about it."""

from urllib.parse import parse_qs, urlsplit

SETTING = "database_url"
"""What names the server: in the settings file so, in the environment as BLOCKLINE_DATABASE_URL."""
READ_SETTING = "database_read_url"
"""What names its replica."""


class StorageError(Exception):
    """Base of all errors of this package. Its message is one sentence for the user."""


class Unreachable(StorageError):
    """The database does not answer, refuses this login or dropped the connection. Later it may work."""


class NoFreeConnection(Unreachable):
    """All connections of the pool stayed in use. Later it may work."""


class TookTooLong(StorageError):
    """A statement, or its wait for a lock, took longer than its limit: nothing was written."""


class StaleState(StorageError):
    """Somebody else changed the row first: nothing was written, so read again and decide again."""


class Refused(StorageError):
    """A rule of the schema forbids this write: nothing was written, and repeating it will not help."""

    def __init__(self, message: str, constraint: str | None = None) -> None:
        super().__init__(message)
        self.constraint = constraint
        """Name of the constraint, where Postgres gives one."""


class SchemaBehind(StorageError):
    """The database lacks tables that this version needs: migrate it."""


class SchemaTooOld(StorageError):
    """The database was made before the first schema that can be migrated: export it and import it again."""


class SchemaTooNew(StorageError):
    """The database was made by a newer Blockline: upgrade Blockline, never the other way round."""


class NotSettled(StorageError):
    """What was known at a moment cannot be told yet: it might still become more. Later it can."""


class AlreadyHeld(StorageError):
    """Another process holds this lock."""


def address(dsn: str) -> str:
    """Where the server of a DSN is, as host:port or socket folder. Never contains the password."""
    try:
        parts = urlsplit(dsn)
        query = parse_qs(parts.query)
        host = query["host"][-1] if "host" in query else parts.hostname or "localhost"
        port = query["port"][-1] if "port" in query else str(parts.port or 5432)
    except ValueError:
        return "an address that cannot be read"
    return host if host.startswith("/") else f"{host}:{port}"
