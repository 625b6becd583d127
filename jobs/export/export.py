"""Taking rows out of the store: one kind, in one form, all of one moment."""

import hashlib
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import BinaryIO, cast

from jobs.base.atomic_files import whole_file, whole_folder
from jobs.base.errors import CommandError
from storage.export.exports import EXPORTS, list_names, settled
from storage.export.row_stream import Row, Rows
from storage.model.evidence.export_kinds import ExportFilter, Kind
from storage.model.evidence.export_text import csv_lines, json_lines, utc
from storage.model.text.near_names import meant, unknown_name
from storage.postgres.pool import Pool
from storage.postgres.replica import snapshot
from storage.postgres.schema import newest


class Format(StrEnum):
    CSV = "csv"
    JSONL = "jsonl"
    PARQUET = "parquet"


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """What is to be exported."""

    kind: Kind
    form: Format
    wanted: ExportFilter


@dataclass(frozen=True, slots=True)
class Made:
    """A file that was written."""

    path: str
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Exported:
    kind: Kind
    rows: int
    files: tuple[Made, ...] = ()


Progress = Callable[[int, datetime | None], None]
"""Told how many rows are done, and which time they have reached where they come in the order of time."""


async def export_to_stream(
    pool: Pool, order: ExportRequest, stream: BinaryIO, progress: Progress
) -> Exported:
    """As text, line by line. Raises CommandError for a list that is not there."""
    async with _reading(pool, order) as (rows, _):
        first, lines = csv_lines(rows.columns) if order.form is Format.CSV else json_lines(rows.columns)
        stream.write(first.encode())
        done = await _each(order.kind, rows, lambda chunk: stream.write(lines(chunk).encode()), progress)
    stream.flush()
    return Exported(order.kind, done)


async def export_to_file(pool: Pool, order: ExportRequest, path: Path, progress: Progress) -> Exported:
    """As text, into a file that is not there yet. It is there when all of it is, and else not at all."""
    with whole_file(path) as file:
        done = await export_to_stream(pool, order, file, progress)
    return Exported(order.kind, done.rows, (_made(path, path.name, done.rows),))


async def export_to_folder(pool: Pool, order: ExportRequest, path: Path, progress: Progress) -> Exported:
    """As Parquet, with a manifest that names every file and its hash. The folder appears whole or not."""
    from jobs.export.parquet import ParquetFolder  # a large library, for this form only

    with whole_folder(path) as folder:
        async with _reading(pool, order) as (rows, about):
            with ParquetFolder(folder, rows.columns, EXPORTS[order.kind].time, about) as files:
                done = await _each(order.kind, rows, files.write, progress)
        made = tuple(_made(folder / name, name, n) for name, n in files.rows.items())
        manifest = {**about, "rows": done, "files": [asdict(one) for one in made]}
        (folder / "_manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    return Exported(order.kind, done, made)


async def _each(kind: Kind, rows: Rows, write: Callable[[Sequence[Row]], object], progress: Progress) -> int:
    """Hand on every row in its order; returns how many there were."""
    time = EXPORTS[kind].time
    column = None if time is None else list(rows.columns).index(time)
    done = 0
    async for chunk in rows.chunks:
        write(chunk)
        done += len(chunk)
        progress(done, None if column is None else cast("datetime", chunk[-1][column]))
    return done


@asynccontextmanager
async def _reading(pool: Pool, order: ExportRequest) -> AsyncGenerator[tuple[Rows, dict[str, str]]]:
    """The rows, all of the moment at which this begins, and what they are."""
    wanted = await settled(pool, order.kind, order.wanted)
    async with snapshot(pool) as conn:
        if wanted.list_name is not None:
            names = await list_names(conn)
            called = meant(wanted.list_name, names)
            if called is None:
                raise CommandError(unknown_name("list", wanted.list_name, names))
            wanted = replace(wanted, list_name=called)
        rows = await EXPORTS[order.kind].rows(conn, wanted)
        async with aclosing(rows.chunks):
            yield rows, _about(order.kind, wanted)


def _about(kind: Kind, wanted: ExportFilter) -> dict[str, str]:
    """What is exported, for the manifest and the metadata of each file."""
    chosen: dict[str, str] = {}
    for choice, value in wanted.choices.items():
        if value is not None:
            chosen[choice.field] = utc(value) if isinstance(value, datetime) else value
    return {
        "kind": kind.value,
        "exported_at": utc(wanted.now),
        "schema": newest(),
        "as_known_at": utc(wanted.known_at or wanted.now),
        **chosen,
    }


def _made(path: Path, name: str, rows: int) -> Made:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Made(name, rows, path.stat().st_size, digest)
