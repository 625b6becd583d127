"""Rows as typed values."""

import pytest

from storage.postgres.pool import Pool, transaction
from storage.postgres.typed_rows import MANY, typed_rows


@pytest.mark.parametrize("n", [0, 1, MANY - 1, MANY, MANY + 1])
async def test_each_row_becomes_a_value_in_its_order_however_many_there_are(pool: Pool, n: int) -> None:
    async with transaction(pool) as conn:
        rows = await conn.fetch("select n from generate_series(1, $1::int) as n", n)
        assert await typed_rows(rows, lambda r: r["n"] * 2) == tuple(range(2, 2 * n + 1, 2))
