"""Evidence is kept small, under the hash of what it holds, and is not handed out when it does not fit it."""

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from storage.changes.load_watched import load_watched
from storage.model.core.availability import Flag
from storage.postgres.errors import StorageError
from storage.postgres.pool import Pool, transaction
from storage.readings import evidence
from tests.support.samples.readings import AVAILABLE, SUSPENDED, minutes
from tests.support.seeds.changes import become, enlist, roster_of

DOCUMENT = b'[{"url":"https://api.example/users","http_status":200,"about":{"id":"1"}}]' * 20


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.binary(max_size=300) | st.just(DOCUMENT) | st.none(), max_size=6))
async def test_what_is_stored_comes_back_byte_for_byte(pool: Pool, contents: list[bytes | None]) -> None:
    async with transaction(pool) as conn:
        hashes = await evidence.store(conn, contents)
        assert hashes == [None if c is None else hashlib.sha256(c).digest() for c in contents]
        assert [None if h is None else await evidence.load(conn, h) for h in hashes] == contents


async def test_equal_contents_are_stored_once_and_compressed(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await evidence.store(conn, [DOCUMENT, DOCUMENT])
        await evidence.store(conn, [DOCUMENT])
        rows = await conn.fetch("select length(packed) as size, compressed from evidence")
    assert [(r["size"] < len(DOCUMENT) // 5, r["compressed"]) for r in rows] == [(True, True)]


async def test_a_content_that_compression_makes_longer_is_stored_as_it_is(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await evidence.store(conn, [b"short"])
        row = await conn.fetchrow("select packed, compressed from evidence")
    assert row is not None
    assert tuple(row) == (b"short", False)


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


async def test_a_change_keeps_both_sides_of_its_evidence_and_the_flags_that_it_was_seen_with(
    pool: Pool,
) -> None:
    flags = frozenset({Flag.HOST, Flag.HANDLE_INVALID})
    async with transaction(pool) as conn:
        accounts = await enlist(conn, BLUESKY, ["did:plc:a"])
        roster = await roster_of(conn, accounts)
        await become(conn, roster, accounts[0], None, AVAILABLE, minutes(0))
        await become(
            conn, roster, accounts[0], AVAILABLE, SUSPENDED, minutes(15), flags=flags, evidence=DOCUMENT
        )
        row = await conn.fetchrow(
            "select flags, kind, old_evidence, new_evidence from change where kind = 'block'"
        )
        assert row is not None
        assert set(row["flags"]) == flags
        assert await evidence.load(conn, row["old_evidence"]) == b"old " + DOCUMENT
        assert await evidence.load(conn, row["new_evidence"]) == DOCUMENT


async def test_what_its_owner_may_have_deleted_is_recorded_as_gone_and_not_as_a_block(pool: Pool) -> None:
    flags = frozenset({Flag.SUSPENDED_OR_DELETED})
    async with transaction(pool) as conn:
        accounts = await enlist(conn, MASTODON, ["https://m.example/users/a#1"])
        roster = await roster_of(conn, accounts, place="m.example")
        await become(conn, roster, accounts[0], None, AVAILABLE, minutes(0))
        await become(
            conn, roster, accounts[0], AVAILABLE, SUSPENDED, minutes(15), flags=flags, confirmed=False
        )
        kinds = await conn.fetch("select kind from change order by change_id")
        (loaded,) = await load_watched(conn, MASTODON)
    assert [r["kind"] for r in kinds] == ["baseline", "gone"]
    assert loaded.known.pending is not None
    assert loaded.known.pending.flags == flags
