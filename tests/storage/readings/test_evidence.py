"""Evidence is kept small, under the hash of what it holds, and is not handed out when it does not fit it."""

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from storage.postgres.errors import StorageError
from storage.postgres.pool import Pool, transaction
from storage.readings import evidence

DOCUMENT = b'[{"url":"https://api.example/users","http_status":200,"about":{"id":"1"}}]' * 20


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.binary(max_size=300) | st.just(DOCUMENT) | st.none(), max_size=6))
async def test_what_is_stored_comes_back_byte_for_byte(pool: Pool, contents: list[bytes | None]) -> None:
    async with transaction(pool) as conn:
        hashes = await evidence.store(conn, contents)
        assert hashes == [None if c is None else hashlib.sha256(c).digest() for c in contents]
        assert [None if h is None else await evidence.load(conn, h) for h in hashes] == contents


async def test_missing_evidence_is_none(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await evidence.load(conn, bytes(32)) is None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("set packed = substr(packed, 2)", id="bytes are missing"),
        pytest.param("set packed = 'something else', compressed = false", id="another content"),
    ],
)
async def test_damaged_evidence_is_refused_instead_of_handed_out(pool: Pool, damage: str) -> None:
    async with transaction(pool) as conn:
        (sha256,) = await evidence.store(conn, [DOCUMENT])
        assert sha256 is not None
        await conn.execute(f"update evidence {damage}")
        with pytest.raises(StorageError, match=f"The evidence {sha256.hex()} is damaged"):
            await evidence.load(conn, sha256)
