"""How each collector stands: whether it reads, and if not, since when and why."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from storage.health.collectors_report import CollectorReport
from storage.model.core.availability import MissedReason
from storage.model.text.collectors import collector_name


class CollectorHealth(StrEnum):
    """The worst first."""

    STOPPED = "stopped"
    """A trouble is on record: nothing is read until it is over."""
    HELD = "held"
    """Answers come, but their control accounts look wrong, so that none of them is believed."""
    SILENT = "silent"
    """No trouble is on record and no answer came either: the monitor may not be running."""
    NEVER = "never"
    WORKS = "works"


_WORST_FIRST = list(CollectorHealth)
COLLECTOR_HEALTH_NAMES = {
    CollectorHealth.STOPPED: "pauses",
    CollectorHealth.HELD: "held",
    CollectorHealth.SILENT: "silent",
    CollectorHealth.NEVER: "never_read",
    CollectorHealth.WORKS: "reads",
}
"""What each is called for programs."""


def collector_health(detector: CollectorReport, now: datetime, late_after: timedelta) -> CollectorHealth:
    """`late_after` is how old the newest answer may be."""
    last = detector.last_answered_at
    if not detector.healthy:
        return CollectorHealth.HELD if detector.reason == MissedReason.HELD else CollectorHealth.STOPPED
    if detector.held_since is not None:
        return CollectorHealth.HELD
    if last is None:
        return CollectorHealth.NEVER if detector.last_asked_at is None else CollectorHealth.SILENT
    return CollectorHealth.SILENT if now - last > late_after else CollectorHealth.WORKS


def since(detector: CollectorReport, found: CollectorHealth) -> datetime | None:
    """Since when it gives nothing; None when it works, and when it never gave anything."""
    match found:
        case CollectorHealth.STOPPED:
            return detector.since
        case CollectorHealth.HELD:
            return detector.held_since or detector.since
        case CollectorHealth.SILENT:
            return detector.last_answered_at
        case _:
            return None


def worst_first(
    detectors: Iterable[CollectorReport], now: datetime, late_after: timedelta
) -> list[tuple[CollectorHealth, CollectorReport]]:
    """Every detector with its condition; among equals whole platforms before servers and other vantages."""
    found = [(collector_health(d, now, late_after), d) for d in detectors]
    return sorted(
        found,
        key=lambda f: (
            _WORST_FIRST.index(f[0]),
            bool(f[1].place or f[1].vantage),
            f[1].vantage,
            f[1].platform,
            f[1].place,
        ),
    )


def detector_name(detector: CollectorReport) -> str:
    return collector_name(detector.platform, detector.place, detector.vantage)
