"""The part of the Health page about shared work: workers, their queue and parked requests."""

from dash import html
from dash.development.base_component import Component

from dashboard.health import worker_words
from dashboard.health.facts import HealthFacts
from dashboard.health.reading_cards import verdict
from dashboard.ui import words
from dashboard.ui.cards import Cell, empty_card, table_card
from dashboard.ui.terms import term
from storage.health.workers_report import Queue
from storage.model.text.collectors import source_words
from storage.model.text.states import clean
from storage.model.text.units import clock_words
from storage.work.workers import Worker, WorkerStatus

ROWS = 100
FAILED_SHOWN = 20
_MARKS = {
    WorkerStatus.READS: "works",
    WorkerStatus.PAUSES: "held",
    WorkerStatus.CLOCK_OFF: "stopped",
    WorkerStatus.UNHEARD: "silent",
}
"""Marks of the same look as those of collectors."""
_TITLE, _NOTE = (
    "Workers",
    "processes of the command “blockline run” that make requests, as each last reported",
)
_ALONE = "Not set up. The demonstration reads in one process, without workers and their queue."


def worker_cards(facts: HealthFacts) -> list[Component]:
    if _reads_alone(facts):
        return [empty_card(_TITLE, _NOTE, _ALONE)]
    return [_workers(facts), *_queue(facts), *_held(facts)]


def _reads_alone(facts: HealthFacts) -> bool:
    """Whether it is the demonstration, and nothing shows that a worker was ever to read for it."""
    found = facts.machines
    is_shared = any(q.heard_at or q.line.waiting or q.line.in_hand or q.line.held for q in found.queues)
    return facts.is_synthetic and not found.workers and not is_shared


def _workers(facts: HealthFacts) -> Component:
    found = facts.machines.workers
    if not found:
        nobody = "No worker has reported in the last minute."
        verdicts = [] if facts.is_synthetic else worker_words.no_worker_verdicts(facts.machines)
        return empty_card(_TITLE, _NOTE, nobody, *map(verdict, verdicts))
    more = f"; {len(found) - ROWS:,} more" if len(found) > ROWS else ""
    return table_card(
        _TITLE,
        f"{_NOTE}{more}",
        (term("worker"), "Address", "Reads", "Started", "Last report", "Clock", "Status"),
        [_worker(worker, facts) for worker in found[:ROWS]],
        above=verdict(worker_words.workers_verdict(facts.machines, facts.at)),
    )


def _worker(worker: Worker, facts: HealthFacts) -> tuple[Cell, ...]:
    status, more = worker_words.worker_status(worker, facts.at)
    mark = _MARKS[worker.overall_status(facts.at)]
    return (
        html.B(worker_words.named(worker)),
        clean(worker.address, 80) or "–",
        worker_words.reads(worker.sources),
        words.stamp(worker.running_since),
        html.Div(
            [words.exact(worker.heard_at), html.Small(words.ago(worker.heard_at, facts.at))],
        ),
        clock_words(worker.clock_off),
        html.Div([html.Span(status, className=f"condition {mark}"), *map(html.Small, more)]),
    )


def _queue(facts: HealthFacts) -> list[Component]:
    found = facts.machines.queues
    if not found:
        return []
    return [
        table_card(
            "Request queue",
            "any worker takes the next request; a single worker makes its requests without a queue",
            ("Source", term("leader"), "Waiting", "In progress", "Oldest", "Parked"),
            [_line(queue, facts) for queue in found],
            above=verdict(worker_words.queue_verdict(facts.machines, facts.at)),
        )
    ]


def _line(queue: Queue, facts: HealthFacts) -> tuple[Cell, ...]:
    line, oldest = queue.line, queue.line.oldest_at
    return (
        html.B(source_words(line.source)),
        clean(queue.planner or "none", 80),
        f"{line.waiting:,}",
        f"{line.in_hand:,}",
        "–" if oldest is None else html.Div([words.exact(oldest), html.Small(words.ago(oldest, facts.at))]),
        f"{line.held:,}",
    )


def _held(facts: HealthFacts) -> list[Component]:
    found = facts.machines.held
    if not found:
        return []
    left = facts.machines.held_in_all - min(len(found), FAILED_SHOWN)
    more = f"; {left:,} more" if left else ""
    return [
        table_card(
            "Parked requests",
            f"each failed because of a fault in Blockline and is not retried{more}",
            ("Number", "Source", "Since", "Error"),
            [
                (
                    str(job.job_id),
                    source_words(job.source),
                    html.Div([words.stamp(job.since), html.Small(words.ago(job.since, facts.at))]),
                    html.Code(worker_words.failed_request(job)),
                )
                for job in found[:FAILED_SHOWN]
            ],
            html.P(
                [
                    "Other requests cover the same accounts. Report the errors to the makers of Blockline, "
                    "then remove the parked requests: ",
                    html.Code("blockline workers drop --all"),
                ],
                className="not-said",
            ),
        )
    ]
