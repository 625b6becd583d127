"""The machines that read, as people see them: nothing is said of one that it did not report itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from socket import gethostname
from uuid import UUID

import pytest

from collectors.x.declaration import X
from dashboard.health import words as health_words
from dashboard.health import worker_words
from jobs.base.clock import system_clock
from jobs.status.workers import machine_lines
from storage.health.workers_report import Queue, WorkersReport, machines
from storage.model.limits.rate_limits import BudgetBasis, BudgetState
from storage.postgres.locks import exclusive
from storage.postgres.pool import Pool, transaction
from storage.postgres.process_name import this_process
from storage.work.request_queue import QueueBacklog
from storage.work.workers import SourcePause, Worker, WorkerStatus, planning_lock
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.clients.page_text import said
from tests.support.processes.worker_fleet import fleet, many_accounts
from tests.support.samples.readings import MINUTE, T0
from tests.support.seeds.changes import HOUR
from tests.support.seeds.sent_alerts import on
from tests.support.seeds.workers import FAULT, SECOND, report, three_machines
from tests.support.servers.dashboard import SETTINGS, page_of
from tests.support.simulated.slow_x import far_x

WELL = Worker(
    UUID(int=1),
    "amber 4711",
    "office",
    ("x", "bluesky from tr"),
    T0 - HOUR,
    T0 - 2 * SECOND,
    timedelta(0),
)
NOTHING_MORE: list[str] = []
READS = ("OK", NOTHING_MORE)
REFUSED = SourcePause(T0 + MINUTE, "auth", "401")
OVER = SourcePause(T0 - MINUTE, "auth", "401")


@pytest.mark.parametrize(
    ("worker", "standing", "words", "wrong"),
    [
        pytest.param(WELL, WorkerStatus.READS, READS, "", id="it reported itself"),
        pytest.param(
            replace(WELL, seen_at=T0 - 15 * SECOND),
            WorkerStatus.READS,
            READS,
            "",
            id="15 s ago is lately",
        ),
        pytest.param(
            replace(WELL, seen_at=T0 - 16 * SECOND),
            WorkerStatus.UNHEARD,
            ("Silent", ["no report since 31 Jan 2021, 23:59:44 UTC"]),
            "No recent report from amber 4711.",
            id="of one not heard of nothing more is known",
        ),
        pytest.param(
            replace(WELL, seen_at=T0 + HOUR - 2 * SECOND, clock_off=HOUR),
            WorkerStatus.CLOCK_OFF,
            ("Failing", ["reads nothing because its clock is 1 h ahead"]),
            "The clock of amber 4711 is wrong, so it reads nothing. "
            "“compared with the database: amber 4711 1 h ahead”",
            id="its own clock does not say when it was heard of",
        ),
        pytest.param(
            replace(WELL, paused={"x": REFUSED}),
            WorkerStatus.READS,
            ("OK", ["X paused until 1 Feb 2021, 00:01 UTC: key refused", "“401”"]),
            "X refuses amber 4711 but answers other workers (key refused). “401”",
            id="it pauses one source and reads another",
        ),
        pytest.param(
            replace(WELL, sources=("x",), paused={"x": REFUSED}),
            WorkerStatus.PAUSES,
            ("Paused", ["X paused until 1 Feb 2021, 00:01 UTC: key refused", "“401”"]),
            "X refuses amber 4711 but answers other workers (key refused). “401”",
            id="it pauses all that it reads",
        ),
        pytest.param(
            replace(WELL, paused={"x": replace(REFUSED, reason="network", detail="")}),
            WorkerStatus.READS,
            ("OK", ["X paused until 1 Feb 2021, 00:01 UTC: connection failed"]),
            "amber 4711 cannot reach X.",
            id="it does not reach one: nobody refused it",
        ),
        pytest.param(
            replace(WELL, paused={"x": replace(REFUSED, reason="other_address", detail="")}),
            WorkerStatus.READS,
            (
                "OK",
                ["X paused until 1 Feb 2021, 00:01 UTC: uses another address than the leader"],
            ),
            "amber 4711 uses another address for X than the leader.",
            id="its settings are not those of the others",
        ),
        pytest.param(
            replace(WELL, paused={"x": OVER}), WorkerStatus.READS, READS, "", id="a pause that is over"
        ),
        pytest.param(
            replace(WELL, sources=("threads",)),
            WorkerStatus.READS,
            READS,
            "",
            id="a source of a newer version",
        ),
    ],
)
def test_a_worker_stands_as_it_last_reported_itself(
    worker: Worker, standing: WorkerStatus, words: tuple[str, list[str]], wrong: str
) -> None:
    assert worker.overall_status(T0) is standing
    assert worker_words.worker_status(worker, T0) == words
    assert worker_words.workers_verdict(WorkersReport((worker,), (), ()), T0).wrong == wrong


WAITS = Queue("amber 4711", QueueBacklog("x", 3, 1, 0, T0 - 6 * MINUTE, T0 - 6 * MINUTE))
UNTAKEN = "3 requests to X wait, and no worker takes them."
UNPLANNED = "No leader plans the readings of X."


@pytest.mark.parametrize(
    ("queue", "worker", "wrong"),
    [
        pytest.param(WAITS, WELL, UNTAKEN, id="somebody plans and nobody takes"),
        pytest.param(
            replace(WAITS, line=replace(WAITS.line, free_since=None)), WELL, "", id="all are put off"
        ),
        pytest.param(
            replace(WAITS, line=replace(WAITS.line, free_since=T0 - 5 * MINUTE)),
            WELL,
            "",
            id="five minutes is no longer",
        ),
        pytest.param(
            replace(WAITS, unheard_since=T0 - 2 * MINUTE),
            WELL,
            "amber 4711 is the leader for X and has not reported for more than 60 s.",
            id="whoever plans hangs",
        ),
        pytest.param(replace(WAITS, planner=None), WELL, UNPLANNED, id="it is read and nobody plans"),
        pytest.param(
            replace(WAITS, planner=None),
            replace(WELL, seen_at=T0 - 16 * SECOND),
            UNPLANNED,
            id="requests wait, and nobody is known to read it",
        ),
        pytest.param(
            replace(WAITS, planner=None, line=QueueBacklog("x", 0, 0, 1, None, None)),
            replace(WELL, seen_at=T0 - 16 * SECOND),
            "",
            id="nothing waits, and nobody is known to read it, so nobody could plan it",
        ),
    ],
)
def test_a_queue_that_nobody_takes_from_or_plans_is_worth_a_word(
    queue: Queue, worker: Worker, wrong: str
) -> None:
    found = WorkersReport((replace(worker, sources=("x",)),), (queue,), ())
    assert worker_words.queue_verdict(found, T0).wrong == wrong


COUNTED = BudgetState(BudgetBasis.COUNTED, T0 + MINUTE, 300, 212)


@pytest.mark.parametrize(
    ("budget", "told"),
    [
        pytest.param(COUNTED, ("212 of 300", "1 Feb 2021, 00:01:00 UTC"), id="as the platform stated it"),
        pytest.param(
            replace(COUNTED, most=None), ("212", "1 Feb 2021, 00:01:00 UTC"), id="it did not say of how many"
        ),
        pytest.param(
            replace(COUNTED, until=T0 - MINUTE),
            ("not known until the next answer", "–"),
            id="a window that is over says nothing of the next",
        ),
        pytest.param(
            BudgetState(BudgetBasis.NO_LIMIT, T0 + MINUTE),
            ("no limit stated", "–"),
            id="no limit was stated",
        ),
        pytest.param(BudgetState(), ("not known until the next answer", "–"), id="nothing was answered yet"),
    ],
)
def test_what_is_left_is_the_platforms_own_word(budget: BudgetState, told: tuple[str, str]) -> None:
    assert health_words.left(budget, T0) == told


# from the database ---------------------------------------------------------------------------------------


async def told(pool: Pool, now: datetime) -> WorkersReport:
    async with transaction(pool) as conn:
        return await machines(conn, now)


async def test_who_plans_is_who_holds_the_lock(pool: Pool, dsn: str, now: datetime) -> None:
    async with transaction(pool) as conn:
        await report(conn, "amber 4711", now, sources=("x", "x from tr", "bluesky"))
    async with exclusive(dsn, planning_lock(X), 1):
        found = await told(pool, now)
    assert [(q.line.source, q.planner) for q in found.queues] == [
        ("bluesky", None),
        ("x", this_process()),
        ("x from tr", this_process()),
    ]
    assert {q.planner for q in (await told(pool, now)).queues} == {None}


@pytest.mark.slow
async def test_what_processes_report_is_what_is_told_of_them(pool: Pool, dsn: str, tmp_path: Path) -> None:
    history = many_accounts(tmp_path / "history.csv", 500)
    async with far_x(history, 0.0) as x, fleet(pool, dsn, x, tmp_path, ["simulated"] * 2) as two:
        found = await told(pool, system_clock())
        here = gethostname()
        assert {w.name for w in found.workers} == {f"{here} {p.pid}" for p in two.processes}
        assert {w.overall_status(system_clock()) for w in found.workers} == {WorkerStatus.READS}
        assert [(q.line.source, q.planner) for q in found.queues] == [("x", f"{here} {two.processes[0].pid}")]


async def test_what_machines_call_themselves_is_shown_as_text(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        await report(conn, "<b>bold\u202e</b>", now, address="<i>\x07")
        page = said(await page_of(conn, "/health", now, SETTINGS, "light"))
    assert "<b>bold\ufffd</b> <i>\ufffd" in page


# the command line ----------------------------------------------------------------------------------------


@pytest.fixture
def run(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    return blockline(capsys)


def busy(dsn: str) -> None:
    """Three machines as they are now."""

    async def seeded(pool: Pool) -> None:
        await three_machines(pool, system_clock())

    on(dsn, seeded)


def test_workers_tells_a_reader_the_same(run: Blockline, dsn: str) -> None:
    busy(dsn)
    told = run("workers").out
    for words in (
        "amber 4711",
        "rate limit reached",
        "Silent",
        "none",
        "212 of 300",
        FAULT,
        "workers drop",
    ):
        assert words in told


def test_with_nobody_there_workers_says_so(run: Blockline) -> None:
    assert run("workers").said == ["No worker has reported in the last minute."]
    assert run("workers", "drop", "--all").said == ["There are no failed requests."]


def test_a_held_request_is_forgotten_and_the_log_keeps_what_it_said(run: Blockline, dsn: str) -> None:
    busy(dsn)
    busy(dsn)
    first, second = [h["id"] for h in run("workers", "--json").json["held"]]
    assert run("workers", "drop", first).said == ["1 failed request dropped."]
    assert [h["id"] for h in run("workers", "--json").json["held"]] == [second]
    assert run("workers", "drop", "--all", "--json").json == {"dropped": [second]}
    log = run("alerts", "log", "--json").json["log"]
    assert {(a["actor"], a["action"], a["subject"]) for a in log} == {
        ("command line", "held request forgotten", "request to X")
    }
    assert len(log) == 2
    assert log[0]["detail"]["said"] == FAULT


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        pytest.param((), 2, "Give the numbers of the requests, or --all.", id="none is named"),
        pytest.param(("1", "--all"), 2, "Give the numbers of the requests, or --all.", id="some and all"),
    ],
)
def test_it_has_to_be_said_what_is_forgotten(
    run: Blockline, arguments: tuple[str, ...], code: int, complaint: str
) -> None:
    done = run("workers", "drop", *arguments)
    assert done.code == code
    assert complaint in " ".join(done.err.split())


def test_when_one_is_not_held_none_is_forgotten(run: Blockline, dsn: str) -> None:
    busy(dsn)
    (held,) = [h["id"] for h in run("workers", "--json").json["held"]]
    done = run("workers", "drop", held, 999_999)
    assert (done.code, done.err) == (
        1,
        ("There is no failed request 999999; `blockline workers` lists them.\n"),
    )
    assert len(run("workers", "--json").json["held"]) == 1


def test_status_has_a_line_for_machines_only_where_there_is_something_to_say(
    run: Blockline, dsn: str
) -> None:
    quiet = run("status")
    assert "Workers" not in quiet.out
    assert "Held" not in quiet.out
    busy(dsn)
    found = " ".join(run("status").out.split())
    assert "Workers 2 OK, 1 Silent; 12 requests in the queue, 4 in progress (blockline workers)" in found
    assert "1 request is parked because of a fault in Blockline" in found
    assert len(run("status", "--json").json["workers"]) == 3


def test_one_process_that_reads_is_no_line_of_status() -> None:
    alone = WorkersReport((WELL,), (Queue("amber 4711", QueueBacklog("x", 0, 0, 0, None, None)),), ())
    assert machine_lines(alone, T0) == []
    wrong = replace(alone, workers=(replace(WELL, clock_off=5 * SECOND, seen_at=T0 + 3 * SECOND),))
    ((name, line),) = machine_lines(wrong, T0)
    assert (name, line) == (
        "Workers",
        "1 Failing; 0 requests in the queue, 0 in progress (blockline workers)",
    )
