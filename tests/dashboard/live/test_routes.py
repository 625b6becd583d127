"""Whether the dashboard is ready, and if it is not, why."""

from datetime import datetime

import aiohttp

from storage.postgres.pool import Pool, close, connect, transaction
from tests.support.servers.dashboard import served, until

END_SESSIONS = """
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid()
"""


async def ready(base: str) -> tuple[int, dict[str, object]]:
    async with aiohttp.ClientSession() as session, session.get(f"{base}/readyz") as answer:
        return answer.status, await answer.json()


async def test_readyz_says_why_the_dashboard_is_not_ready(
    pool: Pool, dsn: str, postgres_dsn: str, now: datetime
) -> None:
    async with served(pool, dsn, now) as base:

        async def is_ready() -> bool:
            return (await ready(base))[0] == 200

        await until(is_ready)
        assert await ready(base) == (200, {"ok": True, "problem": None})

        async with transaction(pool) as conn:
            name = await conn.fetchval("select quote_ident(current_database())")
            await conn.execute(f"alter database {name} set default_transaction_read_only = on")
            await conn.execute(END_SESSIONS)
        await pool.expire_connections()
        status, said = await ready(base)
        assert (status, said["ok"]) == (503, False)
        assert "takes no writes" in str(said["problem"])

        elsewhere = await connect(postgres_dsn)
        await elsewhere.execute(f"alter database {name} with allow_connections false")
        await elsewhere.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1", name
        )
        status, said = await ready(base)
        assert (status, said["ok"]) == (503, False)
        assert "does not answer" in str(said["problem"])
        assert "socket" not in str(said), "who asks need not have logged in"
        await elsewhere.execute(f"alter database {name} with allow_connections true")
        await close(elsewhere)
