"""Issues of shared work: clocks, refused workers, leaders, parked requests and requests never taken."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from storage.health.workers_report import SHOWN_FOR, Queue, WorkersReport
from storage.model.alerts.conditions import Condition, ConditionKey, ConditionKind
from storage.model.core.accounts import Platform
from storage.model.core.availability import BREAKERS
from storage.model.core.platform_request import OTHER_ADDRESS, source_parts
from storage.model.text.collectors import HANGS_TO_DO, WAIT, collector_name, source_words, to_do, why_words
from storage.model.text.states import clean, quoted
from storage.model.text.units import clock_words, number, span
from storage.work.workers import SourcePause, Worker, WorkerStatus

TAKEN_WITHIN = timedelta(minutes=5)
"""A request that could be taken for longer, and was not, is stuck."""
_NAMED = 5
_CLOCK_TO_DO = (
    "Synchronize the clocks of all workers and of the database with NTP. The workers then resume by "
    "themselves. Until then, other workers read, if there are any."
)
_HELD_TO_DO = (
    "Report the error to the makers of Blockline. Other requests cover the same accounts. The command "
    "“blockline workers” lists the parked requests, and the command “blockline workers drop” removes them."
)
_UNTAKEN_TO_DO = (
    "See on the Health page which workers are OK, and read the log of the command “blockline run” on the "
    "others. Start another worker with the command “blockline run --role collect”."
)
ABOUT_MACHINES = frozenset(
    {ConditionKind.CLOCK_OFF, ConditionKind.REFUSED_ALONE, ConditionKind.OTHER_ADDRESS}
)
ABOUT_QUEUES = frozenset({ConditionKind.PLANNER_UNHEARD, ConditionKind.QUEUE_STUCK})

Source = tuple[Platform, str]
"""A platform and a vantage."""


class _Paused(NamedTuple):
    """A process that leaves a source to others, for a reason of its own: most often it is refused."""

    worker: Worker
    pause: SourcePause


def worker_checks(found: WorkersReport, now: datetime) -> list[Condition]:
    """The causes before what follows from them."""
    paused = _paused(found.workers, now)
    return [
        *_clocks([w for w in found.workers if not w.is_on_time]),
        *(
            _refused(source, alone)
            for source, all_paused in paused.items()
            if (alone := [p for p in all_paused if p.pause.reason in BREAKERS])
        ),
        *(
            _elsewhere(source, alone)
            for source, all_paused in paused.items()
            if (alone := [p for p in all_paused if p.pause.reason == OTHER_ADDRESS])
        ),
        *(c for q in found.queues if (c := _unheard(q)) is not None),
        *_parked(found),
        *(c for q in found.queues if (c := _untaken(q, found.workers, now)) is not None),
    ]


def worker_ending(key: ConditionKey, found: WorkersReport, now: datetime) -> str | None:
    """The state when one of these issues is over; None for any other issue."""
    if key.kind is ConditionKind.CLOCK_OFF:
        return "No worker with a wrong clock has reported recently"
    if key.kind is ConditionKind.REQUESTS_HELD:
        return "No request is parked any more"
    if key.platform is None:
        return None
    name = collector_name(key.platform, "", key.vantage)
    source = (key.platform, key.vantage)
    queue = next((q for q in found.queues if _source(q.line.source) == source), None)
    match key.kind:
        case ConditionKind.REFUSED_ALONE:
            return f"No worker reports any more that {name} refuses only its requests"
        case ConditionKind.OTHER_ADDRESS:
            return f"No worker reports any more that it uses another address for {name}"
        case ConditionKind.PLANNER_UNHEARD:
            if queue is None or queue.planner is None:
                return f"No leader plans the readings of {name} now"
            reported = "it has not reported yet" if queue.heard_at is None else "it has reported"
            return f"{clean(queue.planner, 80)} plans the readings of {name}, and {reported}"
        case ConditionKind.QUEUE_STUCK:
            if queue is None or not _waits_long(queue, now):
                return f"No request to {name} waits longer than {span(TAKEN_WITHIN)} any more"
            if queue.planner is None:
                return f"No leader plans the readings of {name} any more; {_wait(queue)}"
            return f"All workers for {name} are paused now; {_wait(queue)}"
        case _:
            return None


def _source(name: str) -> Source | None:
    try:
        return source_parts(name)
    except ValueError:  # put there by another version
        return None


def _paused(workers: Iterable[Worker], now: datetime) -> dict[Source, list[_Paused]]:
    """By source. A pause that ended just now counts: its worker may be about to be refused again."""
    found: dict[Source, list[_Paused]] = {}
    for worker in workers:
        for name, pause in worker.paused.items():
            if pause.until > now - SHOWN_FOR and (source := _source(name)) is not None:
                found.setdefault(source, []).append(_Paused(worker, pause))
    return found


def _clocks(off: list[Worker]) -> list[Condition]:
    if not off:
        return []
    each = [f"{clean(w.name, 80)} {clock_words(w.clock_off)}" for w in off]
    more = f", and {len(each) - _NAMED:,} more" if len(each) > _NAMED else ""
    return [
        Condition(
            ConditionKey(ConditionKind.CLOCK_OFF),
            min(w.heard_at for w in off),
            f"The clock of {clean(off[0].name, 80)} is wrong, so it reads nothing"
            if len(off) == 1
            else f"The clocks of {len(off):,} workers are wrong, so they read nothing",
            f"compared with the database: {', '.join(each[:_NAMED])}{more}",
            _CLOCK_TO_DO,
        )
    ]


def _refused(source: Source, alone: list[_Paused]) -> Condition:
    """`alone` is not empty."""
    platform, vantage = source
    why = "; ".join(dict.fromkeys(why_words(p.pause.reason) for p in alone))
    todos = dict.fromkeys(to_do(platform, p.pause.reason) or WAIT for p in alone)
    return Condition(
        ConditionKey(ConditionKind.REFUSED_ALONE, platform, "", vantage),
        min(p.worker.heard_at for p in alone),
        f"{collector_name(platform, '', vantage)} refuses {_names(alone)} but answers other workers ({why})",
        quoted(alone[0].pause.detail),
        " ".join(("Other workers make these requests.", *todos)),
    )


def _elsewhere(source: Source, alone: list[_Paused]) -> Condition:
    """`alone` is not empty."""
    platform, vantage = source
    use = "uses" if len(alone) == 1 else "use"
    name = collector_name(platform, "", vantage)
    return Condition(
        ConditionKey(ConditionKind.OTHER_ADDRESS, platform, "", vantage),
        min(p.worker.heard_at for p in alone),
        f"{_names(alone)} {use} another address for {name} than the leader",
        quoted(alone[0].pause.detail),
        f"Other workers make these requests. {to_do(platform, OTHER_ADDRESS)}",
    )


def _names(paused: list[_Paused]) -> str:
    more = f" and {len(paused) - _NAMED:,} more" if len(paused) > _NAMED else ""
    return ", ".join(clean(p.worker.name, 80) for p in paused[:_NAMED]) + more


def _unheard(queue: Queue) -> Condition | None:
    """One condition per platform, not per vantage. Nothing is claimed of a leader that never reported."""
    source = _source(queue.line.source)
    if queue.unheard_since is None or source is None or source[1]:
        return None
    return Condition(
        ConditionKey(ConditionKind.PLANNER_UNHEARD, source[0]),
        queue.unheard_since,
        f"{clean(queue.planner or '', 80)} is the leader for {collector_name(source[0], '', '')} and has "
        f"not reported for more than {span(SHOWN_FOR)}",
        "",
        HANGS_TO_DO,
    )


def _parked(found: WorkersReport) -> list[Condition]:
    if not found.held:
        return []
    count, oldest = found.held_in_all, found.held[0]
    they = "is parked" if count == 1 else "are parked"
    return [
        Condition(
            ConditionKey(ConditionKind.REQUESTS_HELD),
            oldest.since,
            f"{number(count, 'request')} {they} because of a fault in Blockline",
            quoted(oldest.said),
            _HELD_TO_DO,
        )
    ]


def _untaken(queue: Queue, workers: Iterable[Worker], now: datetime) -> Condition | None:
    """None without a leader, and where all workers are paused: the cause is a condition of its own."""
    source, since = _source(queue.line.source), queue.line.free_since
    if source is None or since is None or queue.planner is None or not _waits_long(queue, now):
        return None
    does = {w.status_for(queue.line.source, now) for w in workers if queue.line.source in w.sources}
    if does - {WorkerStatus.UNHEARD} and WorkerStatus.READS not in does:
        return None
    return Condition(
        ConditionKey(ConditionKind.QUEUE_STUCK, source[0], "", source[1]),
        since,
        f"{_wait(queue)}, and no worker takes {'it' if queue.line.waiting == 1 else 'them'}",
        "",
        _UNTAKEN_TO_DO,
    )


def _waits_long(queue: Queue, now: datetime) -> bool:
    return queue.line.free_since is not None and now - queue.line.free_since > TAKEN_WITHIN


def _wait(queue: Queue) -> str:
    n, name = queue.line.waiting, source_words(queue.line.source)
    return f"{number(n, 'request')} to {name} wait{'s' if n == 1 else ''}"
