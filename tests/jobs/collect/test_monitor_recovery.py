"""What fails is left alone, but works no longer than a sweep, or half a minute, before it is read again."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import CollectorAnswer, RequestFailure
from collectors.x.declaration import X
from jobs.collect.collector_factory import collector_of
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.config.settings import load_settings
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.availability import MissedReason
from storage.model.sizing.question import PlannerKind
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import MINUTE, T0, FakeCollector, minutes
from tests.support.simulated.scripted_bluesky import REPO_GONE, Stage, did, shown, staged
from tests.support.simulated.scripted_x import ONCE, TOKEN, USERS, Script, hang, plain, scripted

SECOND = timedelta(seconds=1)
RECOVERED = minutes(95.2)
ANSWERED = "select min(observed_at) from coverage where outcome = 0 and observed_at > '{}' group by roster_id"


@pytest.mark.parametrize(
    ("every", "longest"),
    [(10 * SECOND, 30 * SECOND), (2 * MINUTE, 2 * MINUTE), (15 * MINUTE, 15 * MINUTE)],
)
@pytest.mark.parametrize("planner", PlannerKind)
async def test_after_any_outage_a_place_is_read_within_a_sweep_or_half_a_minute(
    pool: Pool, planner: PlannerKind, every: timedelta, longest: timedelta
) -> None:
    world = World(pool)
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, str(n), f"h{n}") for n in range(590)], T0)
    settings = MonitorSettings(Sweep(every, T0), planner)
    monitor = reading_pipeline(pool, world.platform, ConfirmationRule(), settings, world.clock)
    await monitor.load()
    await world.run(monitor, minutes(5))
    world.platform.trouble = RequestFailure(MissedReason.NETWORK, "no answer", T0, breaker=False)
    await world.run(monitor, minutes(60))
    asked = len(world.platform.asked)
    await world.run(monitor, RECOVERED)
    # One request finds out; the others wait for its answer.
    assert len(world.platform.asked) - asked <= 2 + (RECOVERED - minutes(60)) / longest
    world.platform.trouble = None
    await world.run(monitor, RECOVERED + longest)
    assert await world.rows(ANSWERED.format(RECOVERED))
    await world.run(monitor, RECOVERED + longest + max(every, 2 * SECOND))
    assert len(await world.rows(ANSWERED.format(RECOVERED))) == 6


async def test_a_request_not_sent_because_another_hangs_is_not_a_failure(pool: Pool) -> None:
    """The request that hangs counts, not each that waited for its answer."""

    class Waiting(FakeCollector):
        async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
            return replace(await super().read(native_ids, now), sent=self.trouble is None)

    world = World(pool, Waiting())
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, str(n), f"h{n}") for n in range(590)], T0)
    monitor = await world.start()
    world.platform.trouble = RequestFailure(MissedReason.NETWORK, "unanswered", T0, breaker=False)
    await monitor.tick()
    assert await world.rows("select reason from collector_state") == []
    world.platform.trouble = None
    await monitor.tick()
    assert await world.rows("select count(*) from coverage where outcome = 0") == [(6,)]


@pytest.mark.parametrize(
    "refused",
    [
        pytest.param(plain(401), id="the token"),
        pytest.param(plain(403, b"<html>"), id="a firewall"),
        pytest.param(plain(429), id="a limit that says nothing"),
        pytest.param(plain(429, retry_after="86400"), id="a limit that says a day"),
        pytest.param(plain(429, x_rate_limit_reset="9999999999"), id="a limit that says centuries"),
    ],
)
async def test_a_refusal_without_a_retry_time_is_retried_within_a_sweep(pool: Pool, refused: Script) -> None:
    world = World(pool)
    said = [refused]
    async with scripted(lambda request: said[-1](request)) as server:
        told = load_settings(
            None,
            {
                "BLOCKLINE_X_BEARER_TOKEN": TOKEN,
                "BLOCKLINE_X_BASE_URL": server.base_url,
                "BLOCKLINE_SWEEP_EVERY": "1m",
            },
        )
        async with transaction(pool) as conn:
            await add_accounts(conn, [NewAccount(X, "7", "a")], T0)
        async with collector_of(told, X) as x:
            settings = MonitorSettings(Sweep(told.sweep_every, T0))
            monitor = reading_pipeline(pool, x, ConfirmationRule(), settings, world.clock)
            await monitor.load()
            await world.run(monitor, minutes(20.3))
            said.append(plain(200, USERS))
            await world.run(monitor, minutes(21.3))
    assert await world.rows("select count(*) from coverage where outcome = 0") == [(1,)]


async def test_an_account_whose_server_hangs_is_missed_and_the_others_are_recorded(
    pool: Pool,
) -> None:
    world = World(pool)
    away = did(1)
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(BLUESKY, did(n), f"h{n}.test", ("L",)) for n in range(4)], T0)
    stage = Stage({did(n): shown(did(n)) for n in range(4) if did(n) != away}, repos={away: hang})
    http = replace(ONCE, follow_up_s=0.2)
    async with staged(stage, http=http) as (bluesky, _):
        settings = MonitorSettings(Sweep(60 * MINUTE, T0))
        monitor = reading_pipeline(pool, bluesky, ConfirmationRule(), settings, world.clock)
        await monitor.load()
        async with asyncio.timeout(100):
            await monitor.tick()
        said = "select outcome, missed is not null, observed_at from coverage order by observed_at"
        assert await world.rows(said) == [(0, True, T0)]
        assert await world.rows(
            "select distinct reason from account a, account_misses(a.account_id, '-infinity', 'infinity')"
        ) == [("network",)]
        stage.repos = {away: REPO_GONE}
        await world.run(monitor, minutes(1))
    assert await world.rows(said) == [(0, True, T0), (0, False, minutes(1))]
