"""How the collectors stand in `blockline status`, for a program and for a reader."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

from dashboard.health.collectors import (
    COLLECTOR_HEALTH_NAMES,
    CollectorHealth,
    detector_name,
    since,
    worst_first,
)
from jobs.base.output import moment
from jobs.base.wording import handle_name, number
from storage.health.collectors_report import CollectorReport
from storage.model.core.availability import MissedReason
from storage.model.text.collectors import collector_name, why_words
from storage.model.text.states import clean


def collectors_json(
    detectors: Iterable[CollectorReport], now: datetime, late_after: timedelta
) -> list[dict[str, object]]:
    """Each collector, the worst first. What is not known is null."""
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
    """A line for each collector; servers of Mastodon that work are only counted."""
    found = worst_first(detectors, now, late_after)
    if not found:
        return [("Collectors", "nothing was read yet; start it with: blockline run")]
    lines: list[tuple[str, str]] = []
    works: Counter[str] = Counter()
    for condition, detector in found:
        if detector.place and condition is CollectorHealth.WORKS:
            works[collector_name(detector.platform, "", detector.vantage)] += 1
        else:
            lines.append((f"Collector of {detector_name(detector)}", _words(detector, condition)))
    return lines + [(f"Collector of {of}", f"{number(n, 'server')} read") for of, n in works.items()]


def _words(detector: CollectorReport, found: CollectorHealth) -> str:
    last = detector.last_answered_at
    match found:
        case CollectorHealth.STOPPED:
            reason = detector.reason or "no reason is on record"
            why = f"{reason}: {clean(detector.detail, 160)}" if detector.detail else reason
            return f"pauses since {moment(since(detector, found))} ({why}){_again(detector)}"
        case CollectorHealth.HELD:
            began = moment(since(detector, found))
            return (
                f"held since {began}: answers come and none is believed ({_held_why(detector)})"
                f"{_again(detector)}"
            )
        case CollectorHealth.NEVER:
            return "has not read anything yet; start it with: blockline run"
        case CollectorHealth.SILENT if last is None:
            return "was never answered yet"
        case CollectorHealth.SILENT:
            return f"silent since {moment(last)}; is blockline run running?"
        case CollectorHealth.WORKS:
            return f"reads, last answer {moment(last)}; {_controls(detector)}"


def _again(detector: CollectorReport) -> str:
    return "" if detector.retry_at is None else f", tries again at {moment(detector.retry_at)}"


def _held_why(detector: CollectorReport) -> str:
    if detector.detail:
        return clean(detector.detail, 160)
    return _controls(detector) if _in_doubt(detector) else why_words(MissedReason.HELD)


def _in_doubt(detector: CollectorReport) -> bool:
    return bool(detector.doubted) or not detector.stable + detector.suspended


def _controls(detector: CollectorReport) -> str:
    """How the control accounts of a collector look now."""
    if not _in_doubt(detector):
        return f"control accounts ok ({detector.stable} stable, {detector.suspended} suspended)"
    if detector.doubted:
        return f"control accounts look otherwise: {', '.join(map(handle_name, detector.doubted))}"
    return "no control accounts"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
