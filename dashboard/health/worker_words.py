"""The processes that read, their queue and what is held, in words; and what a person can do about each."""

from collections.abc import Iterable
from datetime import datetime

from dashboard.health.words import WELL, HealthVerdict, told_of
from dashboard.ui import words
from storage.health.worker_checks import ABOUT_MACHINES, ABOUT_QUEUES, worker_checks
from storage.health.workers_report import WorkersReport
from storage.model.core.availability import MissedReason
from storage.model.text.collectors import WAIT, source_words, why_words
from storage.model.text.states import clean
from storage.model.text.units import clock_words
from storage.work.request_queue import FailedJob
from storage.work.workers import Worker, WorkerStatus

WORKER_STATUS = {
    WorkerStatus.READS: "reads",
    WorkerStatus.PAUSES: "pauses",
    WorkerStatus.CLOCK_OFF: "reads nothing",
    WorkerStatus.UNHEARD: "not heard of",
}


def named(worker: Worker) -> str:
    return clean(worker.name, 80)


def reads(sources: Iterable[str]) -> str:
    return ", ".join(source_words(source) for source in sources)


def worker_status(worker: Worker, now: datetime) -> tuple[str, list[str]]:
    """What a worker does, and the lines that explain it."""
    found = worker.overall_status(now)
    match found:
        case WorkerStatus.UNHEARD:
            return f"{WORKER_STATUS[found]} since {words.exact(worker.heard_at)}", []
        case WorkerStatus.CLOCK_OFF:
            return WORKER_STATUS[found], [f"its clock is {clock_words(worker.clock_off)}"]
        case _:
            return WORKER_STATUS[found], [
                line for source in worker.sources for line in _pause(worker, source, now)
            ]


def _pause(worker: Worker, source: str, now: datetime) -> list[str]:
    if worker.status_for(source, now) is not WorkerStatus.PAUSES:
        return []
    pause = worker.paused[source]
    said = [f"“{clean(pause.detail, 200)}”"] if pause.detail else []
    until = words.stamp(pause.until)
    return [f"pauses {source_words(source)} until {until}: {why_words(pause.reason)}", *said]


def workers_verdict(found: WorkersReport, now: datetime) -> HealthVerdict:
    """About the worst of what was heard of them."""
    if (verdict := told_of(worker_checks(found, now), ABOUT_MACHINES)) is not WELL:
        return verdict
    if unheard := [w for w in found.workers if w.overall_status(now) is WorkerStatus.UNHEARD]:
        return HealthVerdict(
            f"Nothing was heard lately of {', '.join(map(named, unheard))}.",
            "Its requests are left to others that read the same, if there are any. See on the machine "
            "whether blockline run still runs there, and whether it reaches the database.",
        )
    pauses = [(w, s) for w in found.workers for s in w.sources if _is_unreached(w, s, now)]
    if pauses:
        worker, source = pauses[0]
        return HealthVerdict(
            f"{source_words(source)} is not reached from {named(worker)}.",
            f"Its requests are left to others. {WAIT}",
        )
    return WELL


def _is_unreached(worker: Worker, source: str, now: datetime) -> bool:
    is_paused = worker.status_for(source, now) is WorkerStatus.PAUSES
    return is_paused and worker.paused[source].reason == MissedReason.NETWORK


def no_worker_verdicts(found: WorkersReport) -> list[HealthVerdict]:
    """What there is to say of it that no process reported itself. One that plans may be busy."""
    if any(queue.planner for queue in found.queues):
        return []
    return [
        HealthVerdict(
            "As far as is known, nothing is read.", "Start blockline run --role collect where it is to read."
        )
    ]


def queue_verdict(found: WorkersReport, now: datetime) -> HealthVerdict:
    """About sources that a process plans which hangs, or nobody; or whose requests nobody takes."""
    if (verdict := told_of(worker_checks(found, now), ABOUT_QUEUES)) is not WELL:
        return verdict
    heard = {s for w in found.workers for s in w.sources if w.status_for(s, now) is not WorkerStatus.UNHEARD}
    wanted = heard | {q.line.source for q in found.queues if q.line.waiting or q.line.in_hand}
    unplanned = [q.line.source for q in found.queues if q.planner is None and q.line.source in wanted]
    if unplanned:
        return HealthVerdict(
            f"No process plans the reading of {reads(unplanned)}.",
            "One that reads it takes that over within seconds. If none does, the log of blockline run says "
            "why; if none runs, start one.",
        )
    return WELL


def failed_request(job: FailedJob) -> str:
    """What went wrong at a request, as the worker said it."""
    return clean(job.said, 300) if job.said else "nothing is on record about it"
