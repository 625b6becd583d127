"""Assembling the reading pipeline, from the planner to the stored change.

`jobs.collect.monitor.Monitor` runs it: `Monitor.read` takes one request through all stages.
"""

from collectors.core.collector import Collector
from collectors.core.rate_limit_headers import longest_pause
from jobs.base.clock import Clock
from jobs.collect.canaries import ControlAccounts
from jobs.collect.monitor import Monitor, MonitorSettings, Stages
from jobs.collect.recorder import Recorder
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.detect.confirmation import ConfirmationRule, RuleOfLists
from jobs.detect.judge import Judge
from jobs.dispatch.breaker_store import BreakerStore
from jobs.dispatch.local_requester import LocalRequester, Requester
from jobs.planning.adaptive_planner import AdaptivePlanner
from jobs.planning.daily_cost_guard import CostLimitGuard
from jobs.planning.planner_store import PlannerMemory
from jobs.planning.roster_renewal import RosterRenewal
from jobs.planning.rosters import RosterBook
from jobs.planning.sweep_planner import SweepPlanner
from jobs.planning.watch_state import WatchState
from storage.model.sizing.question import PlannerKind
from storage.postgres.locks import Fence, unfenced
from storage.postgres.pool import Pool


def reading_pipeline(
    pool: Pool,
    collector: Collector,
    rule: ConfirmationRule,
    settings: MonitorSettings,
    clock: Clock,
    requester: Requester | None = None,
    cost_limit: CostLimitGuard | None = None,
    fence: Fence = unfenced,
) -> Monitor:
    """Create the monitor of one platform, with all stages of a reading.

    If `requester` is None, this process makes the requests, `settings.concurrency` at a time. `cost_limit` is
    the daily cost limit that the collector obeys; None means no limit. The `fence`
    (`storage.postgres.locks.Fence`) is called first in each transaction that records something.
    """
    platform = collector.platform
    confirmations = RecentConfirmations(rule.cohort_window)
    watched = WatchState(confirmations, cost_limit)
    rosters = RosterBook(
        platform, collector.place, collector.batch_size, settings.canaries_per_request, sweep=settings.sweep
    )
    # Which accounts are due.
    planner, memory = SweepPlanner(settings.sweep, watched), None
    if settings.planner is PlannerKind.ADAPTIVE:
        planner = AdaptivePlanner(settings.sweep.every, watched, rosters)
        memory = PlannerMemory(pool, platform, planner, cost_limit)
    # Whether their server is paused, and which process makes the request.
    breakers = BreakerStore(pool, platform, longest=longest_pause(settings.sweep.every))
    requester = requester or LocalRequester(collector, clock, settings.concurrency)
    # Which control accounts are in doubt, whether the answer is believed, and what it means.
    renewal = RosterRenewal(pool, watched, rosters, planner, fence)
    canaries = ControlAccounts(pool, collector, rosters, clock, renewal.renew)
    judge = Judge(RuleOfLists(rule), confirmations)
    # Coverage, change, spell and alert, in one transaction.
    recorder = Recorder(pool, collector, rule, clock, fence)
    stages = Stages(
        watched, planner, memory, rosters, renewal, breakers, requester, canaries, judge, recorder
    )
    return Monitor(pool, collector, settings, clock, stages, cost_limit, fence)
