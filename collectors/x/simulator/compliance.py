"""Pure: X's batch compliance jobs, and the storage that ids are sent to and files are fetched from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from collectors.core.wire import is_object, parse
from collectors.simulator.reply import SimulatedReply
from collectors.x.simulator import payloads
from collectors.x.simulator.follows_likes import invalid
from collectors.x.simulator.payloads import dumps
from collectors.x.simulator.rate_limits import Meter
from collectors.x.simulator.world import XWorld
from storage.model.core.availability import Status

JOBS: Final = "/2/compliance/jobs"
FILES: Final = "/_storage/"
ENDPOINT: Final = "compliance/jobs"
READY_AFTER: Final = timedelta(minutes=10)
"""Simulated time from the upload to the result."""

_UPLOAD_UNTIL: Final = timedelta(minutes=15)
_DOWNLOAD_UNTIL: Final = timedelta(days=7)
_SIGNATURE: Final = "X-Goog-Credential=simulator%40example&X-Goog-Signature=f00d"
_REASONS: Final = {
    Status.DEACTIVATED: "deactivated",
    Status.NOT_FOUND: "deleted",
    Status.SUSPENDED: "suspended",
    Status.PROTECTED: "protected",
}
_file_of = re.compile(r"/_storage/(submission|delivery)/([0-9]+)").fullmatch


@dataclass(slots=True)
class _Job:
    job_id: str
    name: str
    made_at: datetime
    ids: tuple[str, ...] = ()
    uploaded_at: datetime | None = None

    def status(self, now: datetime) -> str:
        if self.uploaded_at is None:
            return "created" if now < self.made_at + _UPLOAD_UNTIL else "expired"
        return "in_progress" if now < self.uploaded_at + READY_AFTER else "complete"


class SimulatedComplianceJobs:
    """The jobs of one app. `included` is False for a plan without them."""

    def __init__(self, world: XWorld, meter: Meter, *, included: bool = True) -> None:
        self._world = world
        self._meter = meter
        self._included = included
        self._jobs: dict[str, _Job] = {}

    def reply(self, method: str, path: str, body: bytes, base_url: str) -> SimulatedReply:
        """The answer to an authorised request under `JOBS`."""
        now = self._world.now
        headers, refused = self._meter.take(ENDPOINT, "", now)
        if refused:
            return SimulatedReply(429, dumps(payloads.TOO_MANY_REQUESTS), headers)
        if not self._included:
            return SimulatedReply(
                403, dumps(payloads.CLIENT_FORBIDDEN), content_type="application/problem+json"
            )
        if method == "POST" and path == JOBS:
            return self._made(body, base_url)
        job = self._jobs.get(path.removeprefix(f"{JOBS}/"))
        if method != "GET" or job is None:
            return SimulatedReply(404, b"")
        return SimulatedReply(200, dumps({"data": self._shown(job, base_url)}), headers)

    def file(
        self, method: str, path: str, query: str, headers: Mapping[str, str], body: bytes
    ) -> SimulatedReply:
        """The answer of the storage, which knows no token: the address itself is signed."""
        match, now = _file_of(path), self._world.now
        job = self._jobs.get(match[2]) if match else None
        if match is None or job is None or query != _SIGNATURE or "Authorization" in headers:
            return SimulatedReply(
                403, b"<Error><Code>SignatureDoesNotMatch</Code></Error>", content_type="text/xml"
            )
        if match[1] == "submission":
            if method != "PUT" or headers.get("Content-Type") != "text/plain" or job.status(now) != "created":
                return SimulatedReply(
                    403, b"<Error><Code>AccessDenied</Code></Error>", content_type="text/xml"
                )
            job.ids, job.uploaded_at = tuple(body.decode().split()), now
            self._meter.asked(ENDPOINT, len(job.ids))
            return SimulatedReply(200, b"")
        if method != "GET" or job.status(now) != "complete":
            return SimulatedReply(404, b"<Error><Code>NoSuchKey</Code></Error>", content_type="text/xml")
        return SimulatedReply(200, self._result(job), content_type="text/plain")

    def _made(self, body: bytes, base_url: str) -> SimulatedReply:
        said = parse(body)
        if not is_object(said) or said.get("type") != "users":
            return invalid("type", body.decode(errors="replace"))
        job = _Job(str(1_000_000 + len(self._jobs)), str(said.get("name", "")), self._world.now)
        self._jobs[job.job_id] = job
        return SimulatedReply(200, dumps({"data": self._shown(job, base_url)}))

    def _shown(self, job: _Job, base_url: str) -> dict[str, object]:
        return {
            "id": job.job_id,
            "type": "users",
            "name": job.name,
            "status": job.status(self._world.now),
            "created_at": _text(job.made_at),
            "upload_url": f"{base_url}/_storage/submission/{job.job_id}?{_SIGNATURE}",
            "upload_expires_at": _text(job.made_at + _UPLOAD_UNTIL),
            "download_url": f"{base_url}/_storage/delivery/{job.job_id}?{_SIGNATURE}",
            "download_expires_at": _text(job.made_at + _DOWNLOAD_UNTIL),
        }

    def _result(self, job: _Job) -> bytes:
        """One line for each account with an event at the time of the upload, by the truth of the history."""
        lines: list[bytes] = []
        at = job.uploaded_at or job.made_at
        for native_id in job.ids:
            reason = _REASONS.get(self._world.true_state(native_id, at).status)
            if reason is not None:
                item = {"id": native_id, "action": "delete", "created_at": _text(at), "reason": reason}
                lines.append(dumps(item) + b"\n")
        return b"".join(lines)


def _text(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
