"""What is stored of a collector that works."""

from storage.health.collectors_report import CollectorReport
from storage.model.core.accounts import Platform
from tests.support.samples.readings import T0

WORKING = CollectorReport(
    platform=Platform.X,
    place="",
    vantage="",
    healthy=True,
    reason=None,
    detail="",
    since=None,
    retry_at=None,
    stable=2,
    suspended=1,
    doubted=(),
    held_since=None,
    last_answered_at=T0,
    last_asked_at=T0,
)
