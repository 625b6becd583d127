"""Rows of a query as a stream: the server holds the rest, the client a few thousand."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from typing import LiteralString

from storage.model.evidence.export_kinds import Cell
from storage.postgres.pool import Conn

Row = Sequence[object]

_CHUNK = 5_000
_CELLS = {
    "text": Cell.TEXT,
    "text[]": Cell.WORDS,
    "timestamptz": Cell.TIME,
    "int2": Cell.INTEGER,
    "int4": Cell.INTEGER,
    "int8": Cell.INTEGER,
    "float8": Cell.NUMBER,
    "bool": Cell.BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class Rows:
    """A table that is read once, from first to last."""

    columns: Mapping[str, Cell]
    """In the order of the cells of a row. The query tells them, so that they are written down once."""
    chunks: AsyncGenerator[Sequence[Row]]


async def rows_of(conn: Conn, query: LiteralString, *args: object) -> Rows:
    """The answer to a query, to be read inside the caller's transaction."""
    return await rows_of_each(conn, query, [args])


async def rows_of_each(conn: Conn, query: LiteralString, rounds: Sequence[Sequence[object]]) -> Rows:
    """The answers to a query with each of these arguments, one after the other."""
    statement = await conn.prepare(query)
    columns = {a.name: _CELLS[a.type.name] for a in statement.get_attributes()}

    async def chunks() -> AsyncGenerator[Sequence[Row]]:
        for args in rounds:
            cursor = await statement.cursor(*args)
            while rows := await cursor.fetch(_CHUNK):
                yield [tuple(row) for row in rows]

    return Rows(columns, chunks())
