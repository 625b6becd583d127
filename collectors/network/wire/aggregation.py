"""Pure: answers of `/api/v1/aggregation`, the counts of OONI's measurements by day and domain.

Documented: the source of OONI's API (ooniapi/services/oonimeasurements of ooni/backend, November 2026).
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import TypeGuard

from collectors.core.wire import REASON_OF_CODE, WireFault, is_array, is_object, parse, printable
from storage.model.core.availability import MissedReason
from storage.model.core.reachability import MeasuredDay

PATH = "/api/v1/aggregation"
_COUNTS = ("confirmed_count", "anomaly_count", "failure_count", "ok_count")
_MOST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class AggregationQuestion:
    """The measurements of some domains from one country, from the day `since` to before the day `until`."""

    country: str
    domains: tuple[str, ...]
    since: date
    until: date

    @property
    def parameters(self) -> dict[str, str]:
        """One row for each day and domain. Without `time_grain` a short time is counted by the hour."""
        return {
            "probe_cc": self.country,
            "domain": ",".join(self.domains),
            "test_name": "web_connectivity",
            "since": self.since.isoformat(),
            "until": self.until.isoformat(),
            "time_grain": "day",
            "axis_x": "measurement_start_day",
            "axis_y": "domain",
        }


def read_aggregation(
    http_status: int, body: bytes, asked: AggregationQuestion
) -> tuple[MeasuredDay, ...] | WireFault:
    """The days with measurements. A day without a row had none yet. Never raises.

    Of an answer in which any row cannot be understood, nothing is taken.
    """
    document = parse(body)
    if http_status != 200:
        return WireFault(REASON_OF_CODE.get(http_status, MissedReason.UPSTREAM), f"HTTP {http_status}")
    rows = document.get("result") if is_object(document) else None
    if not is_array(rows):
        return WireFault(MissedReason.MALFORMED, f"not a list of days: {printable(repr(document))}")
    days: dict[tuple[str, date], MeasuredDay] = {}
    for row in rows:
        one = _day(row, asked.domains)
        if one is None or not asked.since <= one.day < asked.until or (one.domain, one.day) in days:
            return WireFault(MissedReason.MALFORMED, f"not a day that was asked for: {printable(repr(row))}")
        days[one.domain, one.day] = one
    return tuple(days.values())


def _day(row: object, domains: Collection[str]) -> MeasuredDay | None:
    if not is_object(row):
        return None
    domain, day = row.get("domain"), row.get("measurement_start_day")
    counts = [count for name in _COUNTS if _is_count(count := row.get(name))]
    if not isinstance(domain, str) or domain not in domains or not isinstance(day, str):
        return None
    if len(counts) != len(_COUNTS) or row.get("measurement_count") != sum(counts):
        return None
    try:
        return MeasuredDay(domain, date.fromisoformat(day), *counts)
    except ValueError:
        return None


def _is_count(value: object) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST
