"""Why vanished accounts are gone, asked once a day: a side fact with its interval, never a status."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from aiohttp import web

from collectors.simulator.history import History, settled
from collectors.x.declaration import X
from collectors.x.simulator.app import XServer, serve_x
from jobs.base.clock import SimulatedClock
from jobs.collect.closure_reasons import ClosureReasonsLoop
from storage.accounts.side_facts import facts_of
from storage.model.core.availability import State, Status
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import MINUTE, T0
from tests.support.samples.x_answers import body
from tests.support.simulated.scripted_x import JOB, app, plain, scripted

DAY = timedelta(days=1)
GONE = History(
    (
        settled(X, "7", [(T0, State(Status.DEACTIVATED), "a")]),
        settled(X, "8", [(T0, State(Status.NOT_FOUND), "b")]),
    )
)


async def vanished(pool: Pool, *native_ids: str, at: datetime = T0) -> None:
    """Watched accounts whose confirmed status is not found since `at`."""
    async with transaction(pool) as conn:
        for native_id in native_ids:
            await conn.execute(
                """
                with a as (
                    insert into account (platform, native_id, handle, added_at) values ('x', $1, $1, $2)
                    returning account_id
                ),
                c as (
                    insert into change (
                        change_key, account_id, status, kind, strength, first_seen_new, recorded_at, source
                    )
                    select $1, account_id, 'not_found', 'baseline', 'weak', $2, $2, 'test' from a
                    returning change_id, account_id
                )
                insert into spell (account_id, change_id, status, valid, recorded)
                select account_id, change_id, 'not_found', tstzrange($2, null), tstzrange($2, null) from c
                """,
                native_id,
                at,
            )


async def facts(pool: Pool, native_id: str) -> list[tuple[object, ...]]:
    async with transaction(pool) as conn:
        account_id = await conn.fetchval("select account_id from account where native_id = $1", native_id)
        return [
            (f.observer, f.kind, f.value, f.last_absent, f.first_seen, f.last_seen, f.first_absent)
            for f in await facts_of(conn, account_id)
        ]


async def run(loop: ClosureReasonsLoop, clock: SimulatedClock, server: XServer, until: datetime) -> None:
    """Tick whenever the loop says that something is due."""
    while (due := max(loop.next_due(), clock())) <= until:
        clock.set(due)
        server.set_clock(due)
        await loop.tick()
    clock.set(until)


async def test_posts_are_not_asked_about(pool: Pool) -> None:
    await vanished(pool, "7", "post:8")
    clock = SimulatedClock(T0)
    async with serve_x(GONE, now=T0) as server, app(server.base_url) as x:
        await run(ClosureReasonsLoop(pool, X, x, clock), clock, server, T0 + 30 * MINUTE)
        assert server.counts["compliance/jobs"]["ids"] == 1
    assert await facts(pool, "post:8") == []


async def test_without_missing_accounts_no_job_is_made(pool: Pool) -> None:
    clock = SimulatedClock(T0)
    async with serve_x(GONE, now=T0) as server, app(server.base_url) as x:
        loop = ClosureReasonsLoop(pool, X, x, clock)
        await loop.tick()
        assert server.counts == {}
        assert loop.next_due() == T0 + DAY


async def test_a_plan_without_compliance_jobs_is_logged_once_and_tried_daily(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    await vanished(pool, "7")
    clock = SimulatedClock(T0)
    async with serve_x(GONE, now=T0, compliance=False) as server, app(server.base_url) as x:
        await run(ClosureReasonsLoop(pool, X, x, clock), clock, server, T0 + 3 * DAY)
        assert server.counts["compliance/jobs"]["requests"] == 4
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "plan" in caplog.text
    assert await facts(pool, "7") == []


def then(*scripts: Callable[[web.BaseRequest], web.Response]) -> Callable[[web.BaseRequest], web.Response]:
    left = iter(scripts)
    return lambda request: next(left)(request)


@pytest.mark.parametrize(
    ("looks", "due"),
    [
        pytest.param([plain(503)], 10, id="a look that failed is repeated"),
        pytest.param([plain(200, body(data={**JOB, "status": "failed"}))], 24 * 60, id="a failed job"),
        pytest.param([plain(200, body(data={**JOB, "status": "expired"}))], 24 * 60, id="an expired job"),
        pytest.param([plain(429)], 10, id="a rate limit is waited for"),
    ],
)
async def test_a_job_that_fails_says_nothing_about_any_account(
    looks: Sequence[Callable[[web.BaseRequest], web.Response]], due: int, pool: Pool
) -> None:
    await vanished(pool, "7")
    clock = SimulatedClock(T0)

    def made(_: web.BaseRequest) -> web.Response:
        return web.Response(body=body(data={**JOB, "upload_url": f"{server.base_url}/up"}))

    async with scripted(then(made, plain(200), *looks)) as server, app(server.base_url) as x:
        loop = ClosureReasonsLoop(pool, X, x, clock)
        await loop.tick()
        clock.set(T0 + 5 * MINUTE)
        await loop.tick()
    assert loop.next_due() == T0 + due * MINUTE
    assert await facts(pool, "7") == []


async def test_a_job_that_never_ends_is_abandoned_after_a_day(pool: Pool) -> None:
    await vanished(pool, "7")
    clock = SimulatedClock(T0)
    made = 0

    def script(request: web.BaseRequest) -> web.Response:
        nonlocal made
        made += request.method == "POST"
        urls = {"upload_url": f"{server.base_url}/up", "status": "in_progress"}
        return web.Response(body=body(data={**JOB, **urls}))

    async with scripted(script) as server, app(server.base_url) as x:
        loop = ClosureReasonsLoop(pool, X, x, clock)
        while clock() <= T0 + DAY + 10 * MINUTE:
            await loop.tick()
            clock.set(loop.next_due() if loop.next_due() > clock() else clock() + MINUTE)
    assert made == 2
    assert await facts(pool, "7") == []
