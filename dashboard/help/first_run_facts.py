"""What the first run shows, read in one go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.health.collectors_report import CollectorReport, collector_reports
from storage.health.conditions import open_conditions
from storage.health.workers_report import WorkersReport, machines
from storage.live.first_readings import FirstReadings, first_readings
from storage.model.core.people import Role
from storage.people.people import people
from storage.postgres.pool import Conn
from storage.work.workers import database_now


@dataclass(frozen=True, slots=True)
class FirstRunFacts:
    at: datetime
    heard_at: datetime
    """The database's clock, by which workers report."""
    readings: FirstReadings
    collectors: Sequence[CollectorReport]
    workers: WorkersReport
    issues: int
    """Open issues of the Health page."""
    may_add: Sequence[str]
    """The names of those who may log in and add accounts. Empty without a login."""


async def read_first_run(conn: Conn, now: datetime) -> FirstRunFacts:
    """Read the facts as of `now`."""
    heard_at = await database_now(conn)
    return FirstRunFacts(
        now,
        heard_at,
        await first_readings(conn, now),
        await collector_reports(conn, now),
        await machines(conn, heard_at),
        len(await open_conditions(conn)),
        [
            one.display_name
            for one in await people(conn)
            if one.disabled_at is None and one.role.includes(Role.ANALYST)
        ],
    )
