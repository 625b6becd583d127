"""From the tables of schema 1 to those of schema 2: nothing that was seen is lost."""

import hashlib
from datetime import datetime, timedelta

import pytest

from storage.accounts.canaries import Origin, canaries
from storage.changes.load_watched import load_watched
from storage.health.collector_state import load_states
from storage.model.core.accounts import Platform
from storage.model.core.availability import Status
from storage.postgres.errors import Refused, SchemaBehind
from storage.postgres.migrate import Migrated, migrate
from storage.postgres.pool import Pool, open_pool, transaction
from storage.postgres.schema import check_schema, newest
from storage.readings.evidence import load, store
from storage.readings.rosters import base_rosters, get_or_make
from tests.storage.postgres.test_migrate import NOON, SCHEMA_1, a_change, execute

DOCUMENT = b'{"id":"1","withheld":{"country_codes":["IN"]}}'


async def with_rows_of_schema_1(dsn: str) -> None:
    """A database as the first version left it: one account that was withheld, and how it was read."""
    await execute(dsn, SCHEMA_1.read_text(encoding="utf-8"))
    await execute(dsn, "create table alembic_version (version_num varchar(32) primary key)")
    await execute(dsn, "insert into alembic_version values ('0001')")
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        account_id, _ = await a_change(conn)
        sha256 = hashlib.sha256(DOCUMENT).digest()
        await conn.execute("insert into evidence (sha256, content) values ($1, $2)", sha256, DOCUMENT)
        change_id = await conn.fetchval(
            """
            insert into change (
                change_key, account_id, old_status, status, withheld_in, kind, strength, last_seen_old,
                first_seen_new, recorded_at, source, new_evidence
            )
            values ('k2', $1, 'available', 'withheld', '{IN}', 'block', 'strong', $2, $3, $3, 'x', $4)
            returning change_id
            """,
            account_id,
            NOON,
            NOON + timedelta(minutes=15),
            sha256,
        )
        await conn.execute(
            "insert into pending_change values ($1, $2, 1, $3, $3)",
            account_id,
            change_id,
            NOON + timedelta(minutes=15),
        )
        await conn.execute("select ensure_coverage_month('2021-02-01')")
        roster_id = await conn.fetchval(
            """
            insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
            values ('x', sha256($1::text::bytea), $2, '{}', true, $3) returning roster_id
            """,
            f"{account_id}||base",
            [account_id],
            NOON,
        )
        await conn.execute(
            """
            insert into coverage (roster_id, slot, attempt, observed_at, outcome, latency_ms, recorded_at)
            values ($1, $2, 0, $2, 0, 1000, $2)
            """,
            roster_id,
            NOON,
        )
        await conn.execute(
            """
            insert into collector_state (platform, healthy, reason, since)
            values ('x', false, 'credits', $1)
            """,
            NOON,
        )
        stable = await conn.fetchval(
            """
            insert into account (platform, native_id, handle, watched, added_at)
            values ('x', '900', 'stable', false, $1) returning account_id
            """,
            NOON,
        )
        await conn.execute("insert into canary values ($1, 'available')", stable)


async def test_a_database_of_schema_1_is_carried_over_with_everything_that_was_seen(empty_dsn: str) -> None:
    await with_rows_of_schema_1(empty_dsn)
    assert await migrate(empty_dsn) == Migrated("0001", newest())
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        (watched,) = await load_watched(conn, Platform.X)
        (roster,) = await base_rosters(conn, Platform.X)
        again = await get_or_make(conn, Platform.X, [watched.account.account_id], (), NOON, base=True)
        (canary,) = await canaries(conn, Platform.X)
        state = (await load_states(conn, Platform.X))[""]
        evidence = await load(conn, hashlib.sha256(DOCUMENT).digest())
    assert watched.known.last_read_at == NOON
    assert watched.known.pending is not None
    assert (watched.known.pending.state.withheld_in, watched.known.pending.flags) == (("IN",), frozenset())
    assert again == roster
    assert (canary.account.handle, canary.expected, canary.origin) == (
        "stable",
        Status.AVAILABLE,
        Origin.SETTINGS,
    )
    assert (state.healthy, state.reason, state.vantage) == (False, "credits", "")
    assert evidence == DOCUMENT


async def test_evidence_of_schema_1_can_be_stored_again_and_is_still_readable(empty_dsn: str) -> None:
    await with_rows_of_schema_1(empty_dsn)
    await migrate(empty_dsn)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        (sha256,) = await store(conn, [DOCUMENT])
        assert sha256 is not None
        assert await load(conn, sha256) == DOCUMENT
        assert await conn.fetchval("select count(*) from evidence") == 1


async def test_a_database_of_schema_1_is_behind_until_it_is_migrated(empty_dsn: str) -> None:
    await with_rows_of_schema_1(empty_dsn)
    with pytest.raises(SchemaBehind, match=f"has schema 0001; this version needs {newest()}"):
        await check_schema(empty_dsn)
    await migrate(empty_dsn)
    await check_schema(empty_dsn)


async def test_an_old_database_gets_the_same_tables_as_a_new_one(empty_dsn: str, dsn: str) -> None:
    async def shape(dsn: str) -> list[tuple[object, ...]]:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            rows = await conn.fetch(
                """
                select table_name, column_name, data_type, is_nullable, column_default
                from information_schema.columns
                where table_schema = 'public' and table_name not like 'coverage\\_%' order by 1, 2
                """
            )
        return [tuple(row) for row in rows]

    await with_rows_of_schema_1(empty_dsn)
    await migrate(empty_dsn)
    assert await shape(empty_dsn) == await shape(dsn)


@pytest.mark.parametrize(
    ("packed", "purged_at"),
    [
        pytest.param(None, None, id="no content, and nobody purged it"),
        pytest.param(b"content", NOON, id="purged, but the content is there"),
    ],
)
async def test_evidence_without_content_says_when_it_was_purged(
    pool: Pool, packed: bytes | None, purged_at: datetime | None
) -> None:
    with pytest.raises(Refused):
        async with transaction(pool) as conn:
            await conn.execute(
                "insert into evidence (sha256, packed, purged_at) values ('h', $1, $2)", packed, purged_at
            )


@pytest.mark.parametrize(
    "days",
    [
        pytest.param((1, 1, None, None), id="begins at the look without it"),
        pytest.param((None, 1, 2, None), id="last seen, but not over"),
        pytest.param((None, 1, None, 2), id="over, but never last seen"),
        pytest.param((None, 1, 2, 2), id="ends at the last look with it"),
    ],
)
async def test_a_side_fact_has_times_that_can_be(pool: Pool, days: tuple[int | None, ...]) -> None:
    async with transaction(pool) as conn:
        account_id, _ = await a_change(conn)
    with pytest.raises(Refused):
        async with transaction(pool) as conn:
            await conn.execute(
                """
                insert into fact (
                    account_id, kind, last_absent, first_seen, last_seen, first_absent, recorded_at
                )
                values ($1, 'limited', $2, $3, $4, $5, $6)
                """,
                account_id,
                *(None if n is None else NOON + timedelta(days=n) for n in days),
                NOON,
            )


async def test_a_side_fact_is_open_once_for_each_observer(pool: Pool) -> None:
    async with transaction(pool) as conn:
        account_id, _ = await a_change(conn)
    insert = """
        insert into fact (account_id, observer, kind, first_seen, recorded_at)
        values ($1, $2, 'limited', now(), now())
    """
    async with transaction(pool) as conn:
        await conn.execute(insert, account_id, "")
        await conn.execute(insert, account_id, "other.example")
    with pytest.raises(Refused):
        async with transaction(pool) as conn:
            await conn.execute(insert, account_id, "")
