"""What fails is left alone, but works no longer than a sweep, or half a minute, before it is read again."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import CollectorAnswer, RequestFailure
from collectors.x.declaration import X
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.availability import MissedReason
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import MINUTE, T0, FakeCollector, minutes
from tests.support.simulated.scripted_bluesky import REPO_GONE, Stage, did, shown, staged
from tests.support.simulated.scripted_x import ONCE, hang


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
