"""A monitor on a real database, with a platform and a clock that a test moves; and deciding again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from collectors.x.declaration import X
from jobs.alerting.rules_file import FileRule
from jobs.base.clock import SimulatedClock
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.replay.replay import IN_FORCE, Redecided, redecide
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.model.alerts.rules import AlertRule
from storage.model.bitemporal.reevaluation import Effect
from storage.model.core.availability import Status
from storage.model.core.shards import WHOLE, Shard
from storage.postgres.locks import Fence, unfenced
from storage.postgres.pool import Pool, open_pool, transaction
from storage.postgres.replica import snapshot
from tests.support.samples.readings import SUSPENDED, T0, FakeCollector

SWEEP = Sweep(timedelta(hours=2), T0)


CANARIES = [("900", "stable", Status.AVAILABLE), ("901", "gone", Status.SUSPENDED)]


@dataclass
class World:
    """A monitor, its platform and its clock."""

    pool: Pool
    platform: FakeCollector = field(default_factory=FakeCollector)
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(T0))

    async def enlist(self, ids: Sequence[str], lists: tuple[str, ...] = ()) -> None:
        self.platform.truth["901"] = SUSPENDED
        async with transaction(self.pool) as conn:
            await set_canaries(conn, X, CANARIES, T0)
            await add_accounts(conn, [NewAccount(X, i, f"h{i}", lists) for i in ids], T0)

    async def start(self, sweep: Sweep = SWEEP, fence: Fence = unfenced, shard: Shard = WHOLE) -> Monitor:
        settings = MonitorSettings(sweep)
        monitor = reading_pipeline(
            self.pool, self.platform, ConfirmationRule(), settings, self.clock, fence=fence
        )
        monitor.turn_to(shard)
        await monitor.load()
        return monitor

    async def run(self, monitor: Monitor, until: datetime) -> None:
        """Tick at every time at which the monitor says that something is due."""
        while True:
            await monitor.tick()
            due = max(monitor.next_due(), self.clock() + timedelta(seconds=1))
            if due > until:
                break
            self.clock.set(due)
        self.clock.set(until)

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        async with transaction(self.pool) as conn:
            return [tuple(r) for r in await conn.fetch(query)]


CHANGES = """
    select a.native_id, c.kind, c.status, o.outcome, o.reason from change c
    join account a using (account_id) left join change_outcome o using (change_id)
    where c.kind <> 'baseline' order by c.first_seen_new, a.native_id
"""


EARLY = ConfirmationRule(strong_readings=1)


async def again(
    pool: Pool,
    since: datetime,
    until: datetime,
    rule: ConfirmationRule = IN_FORCE,
    rules: Sequence[AlertRule] | None = None,
) -> Redecided:
    """Decide on a time again, in a transaction that can write nothing."""
    others = None if rules is None else [FileRule(1, r, enabled=True) for r in rules]
    async with snapshot(pool) as conn:
        return await redecide(conn, since, until, rule, others)


def effects(found: Redecided) -> Mapping[Effect, int]:
    """How many changes come out otherwise, by how."""
    return {effect: n for effect, n in found.compared.counts.items() if n}


async def require_the_same(dsn: str, plan: SimulationPlan, readings: int) -> None:
    """By the rules in force, every change of a rehearsal comes out as it is stored; and of parts of it."""
    whole = plan.end - plan.start
    async with open_pool(dsn, max_size=1) as pool:
        for since, until in (
            (plan.start, plan.end + timedelta.resolution),
            (plan.start + whole * 0.31, plan.start + whole * 0.57),
            (plan.start + whole / 2, plan.end),
        ):
            found = await again(pool, since, until)
            assert found.compared.differences == ()
            assert found.mails.differences == ()
            assert found.mails.decisions_otherwise == 0
            if since == plan.start:
                assert found.mails.decisions_same > 0
                # Two answers at one instant are one reading here.
                assert 0.95 * readings <= found.courses.readings <= readings
        early = await again(pool, plan.start, plan.end, EARLY)
    assert early.compared.counts[Effect.EARLIER] > 10
    assert early.compared.unexplained == 0
