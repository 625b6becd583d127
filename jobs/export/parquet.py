# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false, reportUnknownParameterType=false
"""Rows as Parquet files, one for each month. Loads pyarrow: to be imported only when it is needed."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import groupby
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import pyarrow as pa
import pyarrow.parquet as pq

from storage.model.evidence.export_kinds import Cell

Row = Sequence[object]

_ROW_GROUP = 100_000
_TYPES = {
    Cell.TEXT: pa.string(),
    Cell.WORDS: pa.list_(pa.string()),
    Cell.TIME: pa.timestamp("us", tz="UTC"),
    Cell.INTEGER: pa.int64(),
    Cell.NUMBER: pa.float64(),
    Cell.BOOLEAN: pa.bool_(),
}


class ParquetFolder:
    """Takes rows in the order of their months and keeps at most one row group of them in memory.

    Without a column `month_of` all rows go into one file. Each file says `about` in its metadata.
    """

    def __init__(
        self, folder: Path, columns: Mapping[str, Cell], month_of: str | None, about: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._month_of = None if month_of is None else list(columns).index(month_of)
        self._schema = pa.schema(
            [pa.field(name, _TYPES[cell]) for name, cell in columns.items()], metadata=dict(about)
        )
        self._open: _File | None = None
        self._month: str | None = None
        self.rows: dict[str, int] = {}
        """How many rows each file has, by its path in the folder."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Finish the last file, unless something went wrong: then it is only let go of."""
        if error is None and self._open is None:
            self._turn_to(None)
        if self._open is not None:
            self._open.close(finish=error is None)

    def write(self, rows: Sequence[Row]) -> None:
        for month, some in self._by_month(rows):
            if self._open is None or month != self._month:
                self._turn_to(month)
            self._add(some)

    def _by_month(self, rows: Sequence[Row]) -> Iterator[tuple[str | None, Sequence[Row]]]:
        column = self._month_of
        if column is None:
            yield None, rows
            return
        for (year, month), some in groupby(rows, key=lambda row: _month(cast("datetime", row[column]))):
            yield f"{year:04}-{month:02}", list(some)

    def _turn_to(self, month: str | None) -> None:
        if self._open is not None:
            self._open.close(finish=True)
        self._month = month
        self._name = "part-0.parquet" if month is None else f"month={month}/part-0.parquet"
        path = self._folder / self._name
        path.parent.mkdir(exist_ok=True)
        self._open = _File(path, self._schema)
        self.rows[self._name] = 0

    def _add(self, rows: Sequence[Row]) -> None:
        assert self._open is not None  # noqa: S101 - _turn_to came before
        cells = zip(*rows, strict=True)
        arrays = [pa.array(column, type=f.type) for column, f in zip(cells, self._schema, strict=True)]
        self._open.add(pa.record_batch(arrays, schema=self._schema))
        self.rows[self._name] += len(rows)


def _month(at: datetime) -> tuple[int, int]:
    return at.year, at.month


class _File:
    """One file, written a row group at a time."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._stack = ExitStack()
        # Ours and not pyarrow's, so that a full disk is told in the words of the system.
        file = self._stack.enter_context(path.open("xb"))
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []

    def add(self, batch: pa.RecordBatch) -> None:
        self._waiting.append(batch)
        if sum(b.num_rows for b in self._waiting) >= _ROW_GROUP:
            self._write()

    def close(self, *, finish: bool) -> None:
        with self._stack:
            if finish:
                self._write()
                self._writer.close()
            # Otherwise it would write the end of the file when it is collected, into what is closed by then.
            self._writer.is_open = False

    def _write(self) -> None:
        if self._waiting:
            group = pa.Table.from_batches(self._waiting)
            self._writer.write_table(group, row_group_size=group.num_rows)
            self._waiting = []
