"""Who took an account down on Bluesky: seen with its own interval, asked again, told by the newest look."""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.app import serve_bluesky
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import APP_VIEW_ONLY, History, HistoryAccount, settled
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from collectors.x.declaration import X
from collectors.x.simulator.app import XServer, serve_x
from jobs.base.clock import SimulatedClock
from jobs.collect.closure_reasons import ClosureReasonsLoop
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.listing import listed_accounts
from storage.accounts.paged_accounts import AccountFilter, accounts_page
from storage.accounts.side_facts import facts_of
from storage.alerts.open_alerts import open_alerts
from storage.live.snapshot import last_event_id, spells
from storage.model.core.availability import Flag, State, Status
from storage.postgres.pool import Pool, transaction
from storage.readings.readings import readings_of
from storage.replay.film import beliefs
from tests.support.clients.page_walker import said
from tests.support.samples.readings import AVAILABLE, MINUTE, SUSPENDED, T0
from tests.support.samples.x_answers import body
from tests.support.servers.dashboard import SETTINGS, page_of
from tests.support.simulated.scripted_x import JOB, app, plain, scripted

DAY = datetime(2021, 2, 1, tzinfo=UTC)
START = DAY + timedelta(hours=10)
TAKEN_DOWN = DAY + timedelta(hours=11, minutes=10)
BY_SERVER = DAY + timedelta(hours=12, minutes=10)
DID = "did:plc:" + "a" * 24

APP_ONLY, HOST = frozenset({Flag.APP_VIEW_ONLY}), frozenset({Flag.HOST})


@dataclass
class Watch:
    """One account that is read every half hour."""

    pool: Pool
    account_id: int
    play_until: Callable[[datetime], Awaitable[None]]
    clock: SimulatedClock

    async def page(self) -> str:
        async with transaction(self.pool) as conn:
            return said(await page_of(conn, f"/account/{self.account_id}", self.clock(), SETTINGS, "light"))

    async def shown(self, known_at: datetime | None = None) -> frozenset[Flag]:
        async with transaction(self.pool) as conn:
            return (await spells(conn, None, [self.account_id], known_at))[-1].flags

    async def facts(self) -> list[tuple[str, datetime | None, datetime, datetime | None]]:
        async with transaction(self.pool) as conn:
            found = await facts_of(conn, self.account_id)
        return [(f.kind.value, f.last_absent, f.first_seen, f.last_seen) for f in reversed(found)]

    async def mailed(self) -> frozenset[Flag]:
        async with transaction(self.pool) as conn:
            return (await open_alerts(conn))[-1].change.flags


@asynccontextmanager
async def watch(pool: Pool, account: HistoryAccount, faults: FaultPlan) -> AsyncGenerator[Watch]:
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, DID, "a.test", ("Desk",))], START)
        account_id = await conn.fetchval("select account_id from account")
    clock = SimulatedClock(START)
    async with serve_bluesky(History((account,)), now=START, faults=faults) as server:
        http = HttpOptions(retry=Retry(attempts=0), guard=Guard({server.base_url.removeprefix("http://")}))
        async with BlueskyCollector(app_view=server.base_url, plc=server.base_url, http=http) as collector:
            settings = MonitorSettings(Sweep(timedelta(minutes=30), START))
            monitor = reading_pipeline(pool, collector, ConfirmationRule(), settings, clock)
            await monitor.load()

            async def play_until(end: datetime) -> None:
                while clock() <= end:
                    server.set_clock(clock())
                    await monitor.tick()
                    clock.set(max(monitor.next_due(), clock() + timedelta(seconds=1)))

            yield Watch(pool, account_id, play_until, clock)


def taken_down(first: str) -> HistoryAccount:
    seen = [(DAY, AVAILABLE, "a.test"), (TAKEN_DOWN, SUSPENDED, "a.test"), (BY_SERVER, SUSPENDED, "a.test")]
    return settled(BLUESKY, DID, seen, details={TAKEN_DOWN: first})


def at(hour: int, minute: int = 0) -> datetime:
    return DAY + timedelta(hours=hour, minutes=minute)


async def test_a_takedown_by_the_server_after_one_in_the_app_has_its_own_interval(
    pool: Pool,
) -> None:
    async with watch(pool, taken_down(APP_VIEW_ONLY), FaultPlan()) as desk:
        await desk.play_until(at(12, 15))
        assert "Taken down in the Bluesky app only; its own server still serves it." in await desk.page()
        async with transaction(pool) as conn:
            event = await last_event_id(conn)
        await desk.play_until(at(12, 35))
        page = await desk.page()
        assert (
            "Taken down by its server. Changed 1 Feb 2021, between 11:00 and 11:30 UTC. "
            "Taken down by its server: 1 Feb 2021, between 12:00 and 12:30 UTC. "
            "Before that: taken down in the Bluesky app only." in page
        )
        assert "still serves it" not in page
        assert [f[0] for f in await desk.facts()] == ["app_view_only", "host"]
        assert (await desk.shown(), await desk.shown(at(12, 15)), await desk.mailed()) == (
            HOST,
            APP_ONLY,
            HOST,
        )
        async with transaction(pool) as conn:
            assert await last_event_id(conn) == event + 1
            (row,) = await accounts_page(conn, AccountFilter(), desk.clock(), 0, 10)
            assert (row.flags, row.change_id) == (["host"], row.change_id)
            now = desk.clock()
            told = [(await listed_accounts(conn, "Desk", t, now))[0].flags for t in (at(12, 15), at(12, 30))]
            assert told == [APP_ONLY, HOST]
            assert [b.flags for b in await beliefs(conn, [desk.account_id], now)][-2:] == [APP_ONLY, HOST]
            readings = await readings_of(conn, desk.account_id, at(11, 15), now)
        assert {r.flags for r in readings if r.at < at(12, 10)} == {APP_ONLY}
        assert {r.flags for r in readings if r.at > at(12, 10)} == {HOST}


CLOSURE_REASONS_DAY = timedelta(days=1)
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
        assert loop.next_due() == T0 + CLOSURE_REASONS_DAY


async def test_a_plan_without_compliance_jobs_is_logged_once_and_tried_daily(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    await vanished(pool, "7")
    clock = SimulatedClock(T0)
    async with serve_x(GONE, now=T0, compliance=False) as server, app(server.base_url) as x:
        await run(ClosureReasonsLoop(pool, X, x, clock), clock, server, T0 + 3 * CLOSURE_REASONS_DAY)
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
        while clock() <= T0 + CLOSURE_REASONS_DAY + 10 * MINUTE:
            await loop.tick()
            clock.set(loop.next_due() if loop.next_due() > clock() else clock() + MINUTE)
    assert made == 2
    assert await facts(pool, "7") == []
