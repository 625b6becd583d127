"""Pure: what X says of a batch compliance job: why accounts that nobody can see any more are gone.

A job is made, a list of ids is sent to an address that X names, and some time later a file with one
JSON object a line can be fetched from another (documented, batch-compliance). Only accounts with a
compliance event are in the file.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field

from collectors.core.abilities import JobStatus
from collectors.core.wire import WireFault, is_object, parse, printable
from collectors.x.wire.envelope import open_answer
from storage.model.core.availability import MissedReason

_is_job_id = re.compile(r"[0-9]{1,19}").fullmatch
_is_reason = re.compile(r"[a-z_]{1,40}").fullmatch


@dataclass(frozen=True, slots=True)
class ComplianceJob:
    """A job. Who holds the two addresses needs no token for them: they are secrets, and do not print."""

    job_id: str
    status: JobStatus
    upload_url: str = field(repr=False)
    download_url: str = field(repr=False)


def read_job(http_status: int, body: bytes) -> ComplianceJob | WireFault:
    """A job in the answer to its making or to a look at it. Never raises.

    403 and 404 mean that the app's plan has no compliance jobs: reason ACCESS.
    """
    if http_status in {403, 404}:
        return WireFault(
            MissedReason.ACCESS, f"HTTP {http_status}: the plan of this app has no compliance jobs"
        )
    document = open_answer(http_status, body)
    if isinstance(document, WireFault):
        return document
    data = document.get("data")
    if not is_object(data):
        return WireFault(MissedReason.MALFORMED, "the answer contains no job")
    job_id, status = data.get("id"), data.get("status")
    upload_url, download_url = data.get("upload_url"), data.get("download_url")
    if not isinstance(job_id, str) or _is_job_id(job_id) is None:
        return WireFault(MissedReason.MALFORMED, "the job has no usable id")
    if not isinstance(status, str) or status not in set(JobStatus):
        return WireFault(
            MissedReason.UNCLASSIFIED, f"the job has the unknown status {printable(repr(status))}"
        )
    if not isinstance(upload_url, str) or not isinstance(download_url, str):
        return WireFault(MissedReason.MALFORMED, "the job lacks its upload or download address")
    return ComplianceJob(job_id, JobStatus(status), upload_url, download_url)


def read_reasons(
    http_status: int, body: bytes, asked: Collection[str]
) -> dict[str, frozenset[str]] | WireFault:
    """The reasons (deactivated, deleted, suspended, …) that the file of a job gives for the `asked` ids.

    An id that is not in the result has no compliance event at X. Never raises. The file is used whole or
    not at all: an id in a line that is passed over would look like one without an event.
    """
    if http_status != 200:
        return WireFault(MissedReason.UPSTREAM, f"the file of a job could not be read: HTTP {http_status}")
    found: dict[str, set[str]] = {}
    for line in body.split(b"\n"):
        if not line.strip():
            continue
        item = parse(line)
        if not is_object(item):
            return WireFault(MissedReason.MALFORMED, "a line is not a JSON object")
        native_id, reason = item.get("id"), item.get("reason")
        if not isinstance(native_id, str) or not isinstance(reason, str) or _is_reason(reason) is None:
            return WireFault(MissedReason.MALFORMED, "a line has no usable id or no usable reason")
        if native_id in asked:
            found.setdefault(native_id, set()).add(reason)
    return {native_id: frozenset(reasons) for native_id, reasons in found.items()}
