"""The status of collectors in `blockline status`, as JSON and as text."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from dashboard.health.collectors import (
    COLLECTOR_HEALTH_NAMES,
    CollectorHealth,
    collector_status,
    controls,
    detector_name,
    since,
    worst_first,
)
from jobs.base.output import moment
from jobs.base.wording import number
from storage.health.collectors_report import CollectorReport
from storage.model.platforms.registry import DECLARED
from storage.model.text.collectors import collector_name


def collectors_json(
    detectors: Iterable[CollectorReport], now: datetime, late_after: timedelta
) -> list[dict[str, object]]:
    """Return each collector as JSON, the worst first. Unknown values are null."""
    return [_json(detector, found) for found, detector in worst_first(detectors, now, late_after)]


def _json(detector: CollectorReport, found: CollectorHealth) -> dict[str, object]:
    return {
        "platform": detector.platform.value,
        "place": detector.place,
        "vantage": detector.vantage,
        "state": COLLECTOR_HEALTH_NAMES[found],
        "healthy": None if found is CollectorHealth.NEVER else found is CollectorHealth.WORKS,
        "reason": None if detector.healthy else detector.reason,
        "detail": None if detector.healthy else detector.detail,
        "since": _iso(None if detector.healthy else detector.since),
        "held_since": _iso(detector.held_since),
        "retry_at": _iso(None if detector.healthy else detector.retry_at),
        "last_answer_at": _iso(detector.last_answered_at),
    }


def collector_lines(
    detectors: Iterable[CollectorReport], now: datetime, late_after: timedelta
) -> list[tuple[str, str]]:
    """Return a line for each collector. Working servers of federated platforms are only counted."""
    found = worst_first(detectors, now, late_after)
    if not found:
        return [("Collectors", "nothing was read yet; start the monitor with: blockline run")]
    lines: list[tuple[str, str]] = []
    works: Counter[str] = Counter()
    for condition, detector in found:
        if DECLARED[detector.platform].is_one_server(detector.place) and condition is CollectorHealth.WORKS:
            works[collector_name(detector.platform, "", detector.vantage)] += 1
        else:
            lines.append((f"Collector of {detector_name(detector)}", _words(detector, condition)))
    return lines + [(f"Collector of {of}", f"{number(n, 'server')} read") for of, n in works.items()]


def _words(detector: CollectorReport, found: CollectorHealth) -> str:
    word, more = collector_status(detector, found, moment)
    began = since(detector, found)
    status = word if began is None else f"{word} since {moment(began)}"
    if found is CollectorHealth.WORKS:
        more.append(f"last answer {moment(detector.last_answered_at)}")
    if found in {CollectorHealth.WORKS, CollectorHealth.HELD}:
        more.append(f"control accounts: {controls(detector, found, moment)}")
    return "; ".join((status, *more))


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
