"""How each collector stands: whether it reads, and if not, since when and why."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from storage.health.collectors_report import Detector
from storage.model.core.availability import MissedReason
from storage.model.text.collectors import collector_name


class Condition(StrEnum):
    """The worst first."""

    STOPPED = "stopped"
    """A trouble is on record: nothing is read until it is over."""
    HELD = "held"
    """Answers come, but their control accounts look wrong, so that none of them is believed."""
    SILENT = "silent"
    """No trouble is on record and no answer came either: the monitor may not be running."""
    NEVER = "never"
    WORKS = "works"


_WORST_FIRST = list(Condition)
CONDITION_NAMES = {
    Condition.STOPPED: "pauses",
    Condition.HELD: "held",
    Condition.SILENT: "silent",
    Condition.NEVER: "never_read",
    Condition.WORKS: "reads",
}
"""What each is called for programs."""


def condition(detector: Detector, now: datetime, gap_after: timedelta) -> Condition:
    """`gap_after` is how old the newest answer may be."""
    last = detector.last_answered_at
    if not detector.healthy:
        return Condition.HELD if detector.reason == MissedReason.HELD else Condition.STOPPED
    if detector.held_since is not None:
        return Condition.HELD
    if last is None:
        return Condition.NEVER if detector.last_asked_at is None else Condition.SILENT
    return Condition.SILENT if now - last > gap_after else Condition.WORKS


def since(detector: Detector, found: Condition) -> datetime | None:
    """Since when it gives nothing; None when it works, and when it never gave anything."""
    match found:
        case Condition.STOPPED:
            return detector.since
        case Condition.HELD:
            return detector.held_since or detector.since
        case Condition.SILENT:
            return detector.last_answered_at
        case _:
            return None


def worst_first(
    detectors: Iterable[Detector], now: datetime, gap_after: timedelta
) -> list[tuple[Condition, Detector]]:
    """Every detector with its condition; among equals whole platforms before servers and other vantages."""
    found = [(condition(d, now, gap_after), d) for d in detectors]
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


def detector_name(detector: Detector) -> str:
    return collector_name(detector.platform, detector.place, detector.vantage)
