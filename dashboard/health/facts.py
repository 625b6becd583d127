"""What the Health page tells, read in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.alerts.mails_report import MailLine, undelivered
from storage.backup.backup_log import RecordedBackup, newest_backup
from storage.health.canaries_report import Control, controls
from storage.health.collectors_report import (
    CollectorReport,
    Disagreement,
    SilentCountry,
    collector_reports,
    disagreements,
    silent_countries,
)
from storage.health.condition_facts import MailFacts, Thresholds, mail_facts
from storage.health.conditions import open_conditions
from storage.health.database_report import Database, Growth, database, growth
from storage.health.maintenance_tasks_report import MaintenanceTasks, OutboxReport, maintenance_tasks, outbox
from storage.health.planner_report import ListPace, ReadFor, list_paces, read_for
from storage.health.workers_report import WorkersReport, machines
from storage.model.alerts.conditions import KnownCondition
from storage.model.limits.rate_limits import NamedBudget
from storage.postgres.installation import is_synthetic
from storage.postgres.pool import Conn
from storage.readings.lateness_report import LateAccount, Lateness, late_accounts, lateness
from storage.readings.rates_report import Rate, rates
from storage.work.daily_cost_limit import StoredDailyBill, bills
from storage.work.rate_limits import budgets

MAILS = 20


@dataclass(frozen=True, slots=True)
class HealthFacts:
    at: datetime
    is_synthetic: bool
    """Whether an invented scenario is on file: nobody has to read anything then."""
    sweep_every: timedelta
    conditions: Sequence[KnownCondition]
    detectors: Sequence[CollectorReport]
    silent: Sequence[SilentCountry]
    disagreements: Sequence[Disagreement]
    rates: Sequence[Rate]
    lateness: Sequence[Lateness]
    late: Sequence[LateAccount]
    read_for: Sequence[ReadFor]
    paces: Sequence[ListPace]
    daily_costs: Sequence[StoredDailyBill]
    """Where there is a ceiling on what reading costs."""
    controls: Sequence[Control]
    machines: WorkersReport
    budgets: Sequence[NamedBudget]
    """Those that machines share."""
    database: Database
    growth: Growth
    backup: RecordedBackup | None
    """The newest one on record."""
    maintenance: MaintenanceTasks
    outbox: OutboxReport
    undelivered: MailFacts
    mails: Sequence[MailLine]
    """Some of those that were given up or wait."""


async def read_health(conn: Conn, now: datetime, sweep_every: timedelta) -> HealthFacts:
    late = await lateness(conn, now, sweep_every)
    return HealthFacts(
        at=now,
        is_synthetic=await is_synthetic(conn),
        sweep_every=sweep_every,
        conditions=await open_conditions(conn),
        detectors=await collector_reports(conn, now),
        silent=await silent_countries(conn),
        disagreements=await disagreements(conn),
        rates=await rates(conn, now),
        lateness=late,
        late=await late_accounts(conn, now, sweep_every) if any(one.older for one in late) else (),
        read_for=await read_for(conn, now),
        paces=await list_paces(conn, now, sweep_every),
        daily_costs=await bills(conn, now),
        controls=await controls(conn, now),
        machines=await machines(conn, now),
        budgets=await budgets(conn),
        database=await database(conn),
        growth=await growth(conn, now),
        backup=await newest_backup(conn),
        maintenance=await maintenance_tasks(conn),
        outbox=await outbox(conn, now),
        undelivered=await mail_facts(conn, now, Thresholds(sweep_every)),
        mails=await undelivered(conn, MAILS),
    )
