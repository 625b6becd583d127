"""From schema 15 to 16: heard before is what that version shipped, and what was seen."""

from collectors.bluesky.wire.regional_labelers import SHIPPED_REGIONS
from storage.model.core.accounts import Platform
from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool, transaction
from storage.readings.country_scope import load_scopes
from tests.storage.postgres.test_migrate import execute
from tests.support.samples.readings import T0

BEFORE = """
    insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
    values ('bluesky', 'x', '{1}', '{}', true, now());
    insert into account (platform, native_id, handle, added_at) values ('bluesky', 'did:plc:a', 'a', now());
    insert into change (
        change_key, account_id, status, withheld_in, kind, strength, first_seen_new, recorded_at, source
    )
    select 'k', account_id, 'withheld', '{ZW}', 'baseline', 'strong', now(), now(), 'bluesky' from account;
"""


async def test_shipped_labelers_and_countries_that_were_seen_count_as_heard_before(empty_dsn: str) -> None:
    await migrate(empty_dsn, revision="0015")
    await execute(empty_dsn, BEFORE)
    await migrate(empty_dsn)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        (before,) = (await load_scopes(conn, Platform.BLUESKY)).scopes
        assert before.countries == {*SHIPPED_REGIONS, "ZW"}
        assert before.since < T0
        assert (await load_scopes(conn, Platform.X)).scopes == ()


async def test_a_database_without_readings_of_bluesky_says_nothing_of_them(empty_dsn: str) -> None:
    await migrate(empty_dsn)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        assert (await load_scopes(conn, Platform.BLUESKY)).scopes == ()
