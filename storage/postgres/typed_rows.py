"""Rows as typed values. Very many of them become so in a thread, so that the event loop goes on meanwhile."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from asyncpg import Record

Value = TypeVar("Value")
MANY = 2_000
"""So many take some milliseconds."""


async def typed_rows(rows: Sequence[Record], make: Callable[[Record], Value]) -> tuple[Value, ...]:
    """Each row as `make` returns it, which must be pure."""
    if len(rows) < MANY:
        return tuple(map(make, rows))
    return await asyncio.to_thread(lambda: tuple(map(make, rows)))
