# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportUnknownParameterType=false, reportCallIssue=false
"""The Iceberg table of archived months, through PyIceberg. Loads it, so import this module only to archive.

Its catalog is in the schema `blockline_archive` of the same Postgres, in the namespace that is named after
Blockline's own schema. All functions block: call them in a thread.
"""

import hashlib
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import cast

import pyarrow as pa
from fsspec.core import url_to_fs
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.exceptions import NoSuchTableError
from pyiceberg.expressions import EqualTo
from pyiceberg.partitioning import PartitionField, PartitionSpec
from pyiceberg.schema import Schema
from pyiceberg.table import Table, Transaction
from pyiceberg.transforms import IdentityTransform
from pyiceberg.types import (
    BinaryType,
    DateType,
    IntegerType,
    ListType,
    NestedField,
    StringType,
    TimestamptzType,
)
from sqlalchemy.engine import make_url

from storage.postgres.errors import StorageError
from storage.readings.archive_files import StoredRow

CATALOG_SCHEMA = "blockline_archive"
_SCHEMA = Schema(
    NestedField(1, "month", DateType(), required=True, doc="The month of the planned time."),
    NestedField(2, "roster_id", IntegerType(), required=True, doc="Number of the set of accounts asked."),
    NestedField(3, "slot", TimestamptzType(), required=True, doc="The planned time."),
    NestedField(4, "attempt", IntegerType(), required=True, doc="Which attempt of this slot, from 0."),
    NestedField(5, "observed_at", TimestamptzType(), required=True, doc="When the answer came."),
    NestedField(6, "recorded_at", TimestamptzType(), required=True, doc="When it counts as known."),
    NestedField(7, "latency_ms", IntegerType(), required=True, doc="Milliseconds to the answer."),
    NestedField(8, "outcome", IntegerType(), required=True, doc="0: answered; 1: missed; 2: quarantined."),
    NestedField(9, "missed_reason", StringType(), doc="Why a whole request was missed."),
    NestedField(10, "answered", BinaryType(), doc="Bitmap over the roster of who was answered. Null: all."),
    NestedField(11, "missed", StringType(), doc="Why the others gave nothing, as JSON."),
    NestedField(12, "silent", ListType(13, StringType(), element_required=True), doc="Countries left out."),
)
_BY_MONTH = PartitionSpec(
    PartitionField(source_id=1, field_id=1000, transform=IdentityTransform(), name="month")
)
_TIME = pa.timestamp("us", tz="UTC")
_ARROW = pa.schema(
    [
        pa.field("month", pa.date32(), nullable=False),
        pa.field("slot", _TIME, nullable=False),
        pa.field("observed_at", _TIME, nullable=False),
        pa.field("recorded_at", _TIME, nullable=False),
        pa.field("roster_id", pa.int32(), nullable=False),
        pa.field("latency_ms", pa.int32(), nullable=False),
        pa.field("attempt", pa.int32(), nullable=False),
        pa.field("outcome", pa.int32(), nullable=False),
        pa.field("missed_reason", pa.string()),
        pa.field("answered", pa.binary()),
        pa.field("missed", pa.string()),
        pa.field("silent", pa.list_(pa.field("element", pa.string(), nullable=False))),
    ]
)
_PROPERTIES = {
    "format-version": "2",
    "write.parquet.compression-codec": "zstd",
    # A question about one account reads the groups with its rosters, by which the rows are sorted.
    "write.parquet.row-group-limit": "20000",
}


@dataclass(frozen=True, slots=True)
class WrittenFile:
    """A file of the table."""

    address: str
    rows: int
    bytes: int


@contextmanager
def _translated(url: str) -> Generator[None]:
    try:
        yield
    except StorageError:
        raise
    except Exception as error:
        why = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise StorageError(
            f"The archive at {url} (setting archive_url) cannot be used: {why}. Nothing was removed from the "
            "database."
        ) from error


class ArchiveTable:
    """The table, opened in the catalog of a database; created at `url` if it is not there.

    `metadata` is the address of its last known metadata, from which a catalog that was lost is made again;
    None means that nothing was archived before. Raises StorageError, as all its methods do.
    """

    def __init__(self, dsn: str, schema: str, url: str, metadata: str | None) -> None:
        self._url = url
        name = (schema, "coverage")
        with _translated(url):
            self._catalog = SqlCatalog("blockline", uri=_sqlalchemy(dsn), warehouse=url)
            self._catalog.create_namespace_if_not_exists(schema)
            try:
                self._table = self._catalog.load_table(name)
            except NoSuchTableError:
                self._table = (
                    self._catalog.register_table(name, metadata)
                    if metadata is not None
                    else self._catalog.create_table(
                        name,
                        _SCHEMA,
                        location=f"{url.rstrip('/')}/{schema}/coverage",
                        partition_spec=_BY_MONTH,
                        properties=_PROPERTIES,
                    )
                )

    @property
    def metadata(self) -> str:
        """Address of the present metadata."""
        return self._table.metadata_location

    def close(self) -> None:
        """Close the connections to the catalog."""
        self._catalog.close()

    def begin(self, month: date) -> "MonthWriter":
        """Begin to add a month, which the table does not have. Nothing of it is seen before the commit."""
        return MonthWriter(self._table, self._url, month)

    def files(self, month: date) -> list[WrittenFile]:
        """The files of a month in the table."""
        with _translated(self._url):
            self._table.refresh()
            return self._files(month)

    def scan(self) -> pa.Table:
        """All rows, as PyIceberg reads them: for a table that fits into memory."""
        with _translated(self._url):
            self._table.refresh()
            return self._table.scan().to_arrow()

    def sha256(self, file: WrittenFile) -> bytes:
        """The hash of the bytes of a file."""
        digest = hashlib.sha256()
        with _translated(self._url), self._table.io.new_input(file.address).open() as stream:
            while part := stream.read(1 << 20):
                digest.update(part)
        return digest.digest()

    def remove(self, month: date) -> None:
        """Take a month out of the table, if it is in it. Its files stay until `clean`."""
        with _translated(self._url):
            self._table.refresh()
            if self._files(month):
                self._table.delete(EqualTo("month", month.isoformat()))

    def keep_only(self, months: Collection[date]) -> None:
        """Take all other months out of the table: those that a crash left in it."""
        with _translated(self._url):
            self._table.refresh()
            found = {_month(task.file.partition[0]) for task in self._table.scan().plan_files()}
        for month in sorted(found - set(months)):
            self.remove(month)

    def clean(self, month: date) -> int:
        """Delete the files of a month that the table does not have, and forget the snapshots that had them.
        Return how many files were deleted.
        """
        with _translated(self._url):
            self._table.refresh()
            current = self._table.current_snapshot()
            if current is None:
                return 0
            old = [s.snapshot_id for s in self._table.snapshots() if s.snapshot_id != current.snapshot_id]
            if old:
                self._table.maintenance.expire_snapshots().by_ids(old).commit()
            system, folder = url_to_fs(f"{self._table.location()}/data/month={month.isoformat()}")
            kept = {url_to_fs(file.address)[1] for file in self._files(month)}
            unused = [path for path in system.glob(f"{folder}/*.parquet") if path not in kept]
            for path in unused:
                system.rm_file(path)
        return len(unused)

    def _files(self, month: date) -> list[WrittenFile]:
        tasks = self._table.scan(row_filter=EqualTo("month", month.isoformat())).plan_files()
        files = [WrittenFile(t.file.file_path, t.file.record_count, t.file.file_size_in_bytes) for t in tasks]
        return sorted(files, key=lambda file: file.address)


class MonthWriter:
    """The rows of one month on their way into the table."""

    def __init__(self, table: Table, url: str, month: date) -> None:
        self._url, self._month = url, month
        self._transaction = Transaction(table)

    def write(self, rows: Sequence[StoredRow]) -> None:
        """Write a file with these rows."""
        with _translated(self._url):
            columns = [[self._month] * len(rows), *zip(*rows, strict=True)]
            arrays = [_array(list(c), field.type) for c, field in zip(columns, _ARROW, strict=True)]
            self._transaction.append(pa.Table.from_arrays(arrays, schema=_ARROW))

    def commit(self) -> None:
        """Put the rows into the table, all at once."""
        with _translated(self._url):
            self._transaction.commit_transaction()


def _month(cell: object) -> date:
    """The month in a partition of the table, which is a date or its number of days since 1970."""
    return cell if isinstance(cell, date) else date(1970, 1, 1) + timedelta(days=cast("int", cell))


def _array(values: Sequence[object], kind: pa.DataType) -> pa.Array:
    return pa.array(values, pa.int64()).cast(kind) if kind == _TIME else pa.array(values, kind)


def _sqlalchemy(dsn: str) -> str:
    """The address of the catalog, as SQLAlchemy needs it."""
    url = make_url(dsn).set(drivername="postgresql+psycopg2")
    url = url.update_query_dict({"options": f"-csearch_path={CATALOG_SCHEMA}"})
    return url.render_as_string(hide_password=False)
