"""The processes that read, their queue and what is held, in words; and what a person can do about each."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from dashboard.health.words import WELL, HealthVerdict
from dashboard.ui import words
from storage.health.workers_report import WorkersReport
from storage.model.core.availability import MissedReason
from storage.model.core.platform_request import OTHER_ADDRESS, source_parts
from storage.model.text.collectors import HANGS_TO_DO, WAIT, source_words, to_do, why_words
from storage.model.text.states import clean
from storage.model.text.units import clock_words
from storage.work.request_queue import FailedJob, QueueBacklog
from storage.work.workers import Worker, WorkerStatus

WORKER_STATUS = {
    WorkerStatus.READS: "reads",
    WorkerStatus.PAUSES: "pauses",
    WorkerStatus.CLOCK_OFF: "reads nothing",
    WorkerStatus.UNHEARD: "not heard of",
}
WAITS_AT_MOST = timedelta(minutes=5)
"""A request that could be taken for longer, and was not, is worth a look."""


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


def workers_verdict(workers: Iterable[Worker], now: datetime) -> HealthVerdict:
    """About the worst of what was heard of them."""
    workers = list(workers)
    by = {standing: [w for w in workers if w.overall_status(now) is standing] for standing in WorkerStatus}
    if off := by[WorkerStatus.CLOCK_OFF]:
        whose = _names(off)
        return HealthVerdict(
            f"Nothing is read by {whose}: what it reads could not be dated, since its clock is "
            f"{clock_words(off[0].clock_off)}."
            if len(off) == 1
            else f"Nothing is read by {whose}: their clocks are off by more than a second.",
            "Keep the clocks of the machines and of the database right (NTP); then they read by themselves.",
        )
    if unheard := by[WorkerStatus.UNHEARD]:
        return HealthVerdict(
            f"Nothing was heard lately of {_names(unheard)}.",
            "Its requests are left to others that read the same, if there are any. See on the machine "
            "whether blockline run still runs there, and whether it reaches the database.",
        )
    refused = [(w, s) for w in workers for s in w.sources if w.status_for(s, now) is WorkerStatus.PAUSES]
    if refused:
        worker, source = refused[0]
        reason = worker.paused[source].reason
        return HealthVerdict(
            _in_its_way(worker, source, reason),
            f"Its requests are left to others. {_advice(source, reason)}",
        )
    return WELL


def no_worker_verdicts(found: WorkersReport) -> list[HealthVerdict]:
    """What there is to say of it that no process reported itself. One that plans may be busy."""
    if any(queue.planner for queue in found.queues):
        return []
    return [
        HealthVerdict(
            "As far as is known, nothing is read.", "Start blockline run --role collect where it is to read."
        )
    ]


def _in_its_way(worker: Worker, source: str, reason: str) -> str:
    if reason == MissedReason.NETWORK:
        return f"{source_words(source)} is not reached from {named(worker)}."
    if reason == OTHER_ADDRESS:
        return f"{named(worker)} asks another address for {source_words(source)} than the process that plans."
    return f"{source_words(source)} refuses {named(worker)} alone, for this reason: {why_words(reason)}."


def _advice(source: str, reason: str) -> str:
    try:
        platform, _ = source_parts(source)
    except ValueError:
        return WAIT
    return to_do(platform, reason) or WAIT


def _names(workers: list[Worker]) -> str:
    return ", ".join(map(named, workers))


def queue_verdict(found: WorkersReport, now: datetime) -> HealthVerdict:
    """About sources that a process plans which hangs, or nobody; or whose requests nobody takes."""
    hangs = [(q.planner, since) for q in found.queues if (since := q.unheard_since) is not None]
    if hangs:
        planner, since = hangs[0]
        of_it = [q.line.source for q in found.queues if q.planner == planner]
        return HealthVerdict(
            f"{clean(planner or '', 80)} plans the reading of {reads(of_it)}, and nothing was heard of it "
            f"since {words.exact(since)}.",
            HANGS_TO_DO,
        )
    stuck = [q.line.source for q in found.queues if q.planner is not None and _is_stuck(q.line, now)]
    if stuck:
        return HealthVerdict(
            f"Requests to {reads(stuck)} could be taken for more than {words.span(WAITS_AT_MOST)}, and "
            "nobody takes them.",
            "See above which machines read, and what the log of blockline run says on them; start another "
            "with blockline run --role collect.",
        )
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


def _is_stuck(line: QueueBacklog, now: datetime) -> bool:
    return line.free_since is not None and now - line.free_since > WAITS_AT_MOST


def failed_request(job: FailedJob) -> str:
    """What went wrong at a request, as the worker said it."""
    return clean(job.said, 300) if job.said else "nothing is on record about it"
