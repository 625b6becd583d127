"""The status of each collector: whether it reads, and if not, since when and why."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from dashboard.ui import words
from storage.health.collectors_report import CollectorReport
from storage.model.core.availability import MissedReason
from storage.model.text.collectors import collector_name, why_words
from storage.model.text.states import clean

Stamp = Callable[[datetime], str]
"""How a time is written."""


class CollectorHealth(StrEnum):
    """The worst first."""

    STOPPED = "stopped"
    """An issue is recorded: nothing is read until it is over."""
    HELD = "held"
    """Answers come, but their control accounts look wrong, so that none of them is believed."""
    SILENT = "silent"
    """No issue is recorded and no answer came either: the monitor may not be running."""
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
    """Every collector with its health; among equals whole platforms before servers and other vantages."""
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


def collector_status(
    detector: CollectorReport, found: CollectorHealth, stamp: Stamp = words.stamp
) -> tuple[str, list[str]]:
    """The status in one word, and the lines that explain it; `since` says since when."""
    again = [] if detector.retry_at is None else [f"next attempt {stamp(detector.retry_at)}"]
    match found:
        case CollectorHealth.WORKS:
            return "OK", []
        case CollectorHealth.NEVER:
            return "Waiting", ["no request yet; the command “blockline run” makes the first one"]
        case CollectorHealth.SILENT if detector.last_answered_at is None:
            return "Silent", ["no answer yet to any request"]
        case CollectorHealth.SILENT:
            return "Silent", [
                "no answer and no error is recorded; check that the command “blockline run” is running"
            ]
        case CollectorHealth.HELD:
            why = ["its control accounts look wrong, so no answer is believed", *_said(detector)]
            return "Quarantined", [*why, *again]
        case CollectorHealth.STOPPED:
            return "Failing", [why_words(detector.reason), *_said(detector), *again]


def _said(detector: CollectorReport) -> list[str]:
    return [f"“{clean(detector.detail, 200)}”"] if detector.detail else []


def controls(detector: CollectorReport, found: CollectorHealth, stamp: Stamp = words.stamp) -> str:
    """The status of its control accounts: "OK (2 stable, 1 suspended)", or which looks wrong since when, or
    that no answer of late shows it.
    """
    if not detector.stable and not detector.suspended:
        return "none, so a mass block cannot be distinguished from an outage"
    kinds = (("stable", detector.stable), ("suspended", detector.suspended))
    count = ", ".join(f"{n} {kind}" for kind, n in kinds if n)
    doubted = ", ".join(f"@{clean(handle, 80)}" for handle in detector.doubted)
    began = since(detector, found) if found is CollectorHealth.HELD else None
    if began is not None:
        which = f"{doubted} looked wrong" if doubted else "they looked wrong"
        return f"quarantined since {stamp(began)}, because {which} ({count})"
    if doubted:
        return f"{doubted} looks wrong ({count})"
    if found is CollectorHealth.WORKS:
        return f"OK ({count})"
    last = detector.last_answered_at
    return f"not read yet ({count})" if last is None else f"not read since {stamp(last)} ({count})"
