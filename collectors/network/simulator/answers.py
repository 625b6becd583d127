"""Pure: what OONI's API answers about invented measurements, with the faults of a plan."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from urllib.parse import parse_qsl

from collectors.network.wire.aggregation import PATH
from collectors.simulator.faults import FaultKind, FaultPlan
from collectors.simulator.reply import SimulatedReply
from storage.model.core.reachability import MeasuredDay

_FAILED: Mapping[FaultKind, SimulatedReply] = {
    FaultKind.RESET: SimulatedReply(0, b"", cut=True),
    FaultKind.LIMIT_WITHOUT_RESET: SimulatedReply(429, b'{"detail":"Too Many Requests"}'),
    FaultKind.UNAVAILABLE_HTML: SimulatedReply(502, b"<html>Bad Gateway</html>", content_type="text/html"),
    FaultKind.UNAVAILABLE_JSON: SimulatedReply(503, b'{"detail":"Service Unavailable"}'),
    FaultKind.BAD_REQUEST: SimulatedReply(400, b'{"detail":"Unable to run query"}'),
    FaultKind.HTML: SimulatedReply(200, b"<html></html>", content_type="text/html"),
    FaultKind.EMPTY: SimulatedReply(200, b""),
    FaultKind.NULL: SimulatedReply(200, b"null"),
}


@dataclass(frozen=True, slots=True)
class PublishedDay:
    """A day of measurements from one country, and from when on the API has it."""

    country: str
    counts: MeasuredDay
    since: datetime
    """Later rows about the same day and domain replace earlier ones: devices send in more."""


class OoniAnswers:
    """Answers requests at its simulated time; see `collectors.simulator.server.SimulatedPlatform`."""

    def __init__(self, published: Sequence[PublishedDay], now: datetime, faults: FaultPlan) -> None:
        self._published = sorted(published, key=lambda one: one.since)
        self._now = now
        self._faults = faults
        self._counts = defaultdict[str, int](int)

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        return {PATH: dict(self._counts)}

    def move_to(self, now: datetime) -> None:
        self._now = now

    def reply(self, host: str, path: str, query: str, accept: str) -> SimulatedReply:  # noqa: ARG002 - it has one host and one format
        if path != PATH:
            return SimulatedReply(404, b'{"detail":"Not Found"}')
        self._counts["requests"] += 1
        kind = self._faults.of(self._now, f"{path}?{query}")
        if kind is not None and kind in _FAILED:
            return _FAILED[kind]
        reply = self._rows(dict(parse_qsl(query)))
        if kind is FaultKind.TRUNCATED:
            return replace(reply, body=reply.body[: len(reply.body) // 2])
        if kind is FaultKind.SLOW:
            return replace(reply, hang_s=self._faults.slow_s)
        return reply

    def _rows(self, params: Mapping[str, str]) -> SimulatedReply:
        """By day and domain. Its real API counts a time up to seven days by the hour, unless asked not to."""
        try:
            since, until = (date.fromisoformat(params[name]) for name in ("since", "until"))
        except (KeyError, ValueError):
            return SimulatedReply(422, b'{"detail":[{"type":"date_from_datetime_parsing"}]}')
        if until - since <= timedelta() or params.get("time_grain") != "day":
            return SimulatedReply(400, b'{"detail":"Invalid since and until values"}')
        domains = params.get("domain", "").split(",")
        newest: dict[tuple[date, str], MeasuredDay] = {}
        for one in self._published:
            day = one.counts.day
            if one.country == params.get("probe_cc") and one.since <= self._now and since <= day < until:
                newest[day, one.counts.domain] = one.counts
        rows = [
            {
                "anomaly_count": one.anomaly,
                "confirmed_count": one.confirmed,
                "failure_count": one.failure,
                "ok_count": one.ok,
                "measurement_count": one.measured,
                "measurement_start_day": one.day.isoformat(),
                "domain": one.domain,
            }
            for _, one in sorted(newest.items())
            if one.domain in domains
        ]
        stats = {"row_count": len(rows), "bytes": 0, "total_row_count": len(rows), "elapsed_seconds": 0.01}
        document = {"v": 0, "dimension_count": 2, "db_stats": stats, "result": rows}
        return SimulatedReply(200, json.dumps(document).encode())
