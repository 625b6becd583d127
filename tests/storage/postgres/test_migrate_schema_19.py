"""From schema 18 to 19: what is recorded next counts as known after what was recorded before."""

from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool, transaction
from storage.postgres.recording_order import moment
from tests.storage.postgres.test_migrate import execute
from tests.support.samples.readings import T0, minutes

BEFORE = """
    insert into account (platform, native_id, handle, added_at) values ('x', '1', 'a', '2021-02-01T00:00Z');
    insert into change (
        change_key, account_id, status, kind, strength, first_seen_new, recorded_at, source
    )
    select n, account_id, 'available', 'baseline', 'strong', '2021-02-01T00:00Z', at::timestamptz, 'x'
    from account, (values ('a', '2021-02-01T00:07Z'), ('b', '2021-02-01T00:05Z')) as u (n, at);
"""


async def test_the_first_moment_is_not_before_what_an_earlier_version_recorded(empty_dsn: str) -> None:
    await migrate(empty_dsn, revision="0018")
    await execute(empty_dsn, BEFORE)
    await migrate(empty_dsn)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        assert await moment(conn, lambda: T0) == minutes(7)


async def test_a_clock_that_was_years_ahead_is_not_followed(empty_dsn: str) -> None:
    await migrate(empty_dsn, revision="0018")
    await execute(empty_dsn, BEFORE.replace("2021-02-01T00:07Z", "2199-01-01T00:00Z"))
    await migrate(empty_dsn)
    async with open_pool(empty_dsn, max_size=1) as pool, transaction(pool) as conn:
        now = await conn.fetchval("select clock_timestamp()")
        assert T0 < await moment(conn, lambda: T0) < now
