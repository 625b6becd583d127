# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false
"""The Parquet files of archived months, read with DuckDB. Importing this module loads neither."""

import asyncio
from collections.abc import AsyncGenerator, Generator, Mapping, Sequence
from contextlib import contextmanager
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final, LiteralString, cast

from storage.postgres.errors import StorageError

if TYPE_CHECKING:
    from pyarrow import RecordBatchReader

StoredRow = tuple[
    int, int, int, int, int, int, int, str | None, bytes | None, str | None, Sequence[str] | None
]
"""A row of coverage: slot, observed_at and recorded_at in microseconds since 1970; roster_id, latency_ms,
attempt, outcome, missed_reason, answered, missed (as the text of its JSON), silent.
"""
COLUMNS: Final = """
    epoch_us(slot) as slot, epoch_us(observed_at) as observed_at, epoch_us(recorded_at) as recorded_at,
    roster_id, latency_ms, attempt, outcome, missed_reason, answered, missed, silent
"""
"""The columns of a file, as `StoredRow` has them."""
_CHUNK: Final = 50_000
_MEMORY: Final = "1GB"


async def stored_rows(
    files: Sequence[str], query: LiteralString, values: Mapping[str, object], month: str
) -> AsyncGenerator[Sequence[StoredRow]]:
    """The answer of DuckDB to a query, a chunk of rows at a time. In the query, `$files` are these files.
    `month` names them in errors. Raises StorageError if they cannot be read.
    """
    with _translated(month, files), _answer(files, query, values) as reader:
        while (chunk := await asyncio.to_thread(_next, reader)) is not None:
            yield chunk


@contextmanager
def _answer(
    files: Sequence[str], query: LiteralString, values: Mapping[str, object]
) -> Generator["RecordBatchReader"]:
    import duckdb  # a large library, which only archived months need

    with TemporaryDirectory() as folder:
        options: dict[str, str | bool | int | float | list[str]] = {
            "temp_directory": folder,
            "memory_limit": _MEMORY,
            "timezone": "UTC",
            # It would look for extensions on the internet.
            "autoinstall_known_extensions": "false",
        }
        with duckdb.connect(config=options) as database:
            for protocol in {p for p, sep, _ in (f.partition("://") for f in files) if sep} - {"file"}:
                from fsspec import filesystem  # with the libraries of an object store

                database.register_filesystem(filesystem(protocol))
            answer = database.sql(query, params={"files": list(files), **values})
            yield cast("RecordBatchReader", answer.to_arrow_reader(_CHUNK))


def _next(reader: "RecordBatchReader") -> Sequence[StoredRow] | None:
    """The next rows; None at the end."""
    try:
        batch = reader.read_next_batch()
    except StopIteration:
        return None
    return cast("Sequence[StoredRow]", list(zip(*(column.to_pylist() for column in batch), strict=True)))


@contextmanager
def _translated(month: str, files: Sequence[str]) -> Generator[None]:
    """Raise StorageError for whatever keeps the files from being read."""
    try:
        yield
    except ImportError as error:
        raise StorageError(
            f"The month {month} is archived, and reading it needs {error.name}. Install Blockline with the "
            "extra `archive` (docs/how-to/archive.md)."
        ) from error
    except StorageError:
        raise
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StorageError(
            f"The archived month {month} cannot be read from {files[0]}: {why}. Make the files readable "
            "again, or restore them from a copy."
        ) from error
