"""What is stored of a collector that works."""

from collectors.x.declaration import X
from storage.health.collectors_report import CollectorReport
from tests.support.samples.readings import T0

WORKING = CollectorReport(
    platform=X,
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
