"""The machines that read, as people see them: nothing is said of one that it did not report itself."""

from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from socket import gethostname
from uuid import UUID

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.health import words as health_words
from dashboard.health import worker_words
from dashboard.health.worker_cards import FAILED_SHOWN
from jobs.base.clock import system_clock
from jobs.status.workers import machine_lines
from storage.health.workers_report import FAILED_JOBS_SHOWN, Queue, WorkersReport, machines
from storage.model.core.accounts import Platform
from storage.model.limits.rate_limits import BudgetBasis, BudgetState, NamedBudget
from storage.model.text.units import clock_words
from storage.postgres.installation import mark_synthetic
from storage.postgres.locks import exclusive
from storage.postgres.pool import Pool, transaction
from storage.postgres.process_name import this_process
from storage.work.request_queue import FailedJob, QueueBacklog
from storage.work.workers import SourcePause, Worker, WorkerStatus, planning_lock
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.clients.page_text import said
from tests.support.processes.worker_fleet import fleet, many_accounts
from tests.support.samples.readings import MINUTE, T0
from tests.support.seeds.changes import HOUR
from tests.support.seeds.sent_alerts import on
from tests.support.seeds.workers import FAULT, SECOND, hold, put, report, three_machines
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


@pytest.mark.parametrize(
    ("off_s", "words"),
    [
        pytest.param(0.04, "right", id="less than a message takes on its way"),
        pytest.param(3.21, "3.2 s ahead", id="ahead"),
        pytest.param(-0.4, "0.4 s behind", id="behind"),
        pytest.param(-7200, "2 h behind", id="in another zone"),
    ],
)
def test_a_clock_is_told_beside_the_databases(off_s: float, words: str) -> None:
    assert clock_words(timedelta(seconds=off_s)) == words


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


@pytest.mark.parametrize(
    ("platform", "name", "words"),
    [
        pytest.param(X, "x 1f0c2b7a9d3e users", "token 1f0c2b7a9d3e users", id="a token"),
        pytest.param(BLUESKY, "bluesky from office pds.example", "from office pds.example", id="an address"),
        pytest.param(BLUESKY, "bluesky from  pds.example", "pds.example", id="the one of all"),
        pytest.param(MASTODON, "mastodon by tr one.example api", "by tr one.example api", id="a proxy"),
    ],
)
def test_a_budget_is_named_after_whose_it_is(platform: Platform, name: str, words: str) -> None:
    assert health_words.counted_as(NamedBudget(name, platform, T0, COUNTED)) == words


def test_the_budget_of_which_least_is_left_comes_first() -> None:
    known = {
        "much": COUNTED,
        "little": replace(COUNTED, left_over=3),
        "none is known": BudgetState(),
    }
    named = [NamedBudget(name, X, T0, budget) for name, budget in known.items()]
    named.append(NamedBudget("nobody asked for an hour", X, T0 - 61 * MINUTE, COUNTED))
    found = health_words.asked_lately(named, T0)
    assert [one.name for one in found] == ["little", "much", "none is known"]


# from the database ---------------------------------------------------------------------------------------


async def told(pool: Pool, now: datetime) -> WorkersReport:
    async with transaction(pool) as conn:
        return await machines(conn, now)


async def test_one_that_was_not_heard_of_for_a_minute_is_not_told_of(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        await report(conn, "there", now, heard=59 * SECOND)
        await report(conn, "gone", now, heard=61 * SECOND)
        await report(conn, "gone too, an hour ahead", now, heard=61 * SECOND, off=HOUR)
        await report(conn, "there too, an hour behind", now, off=-HOUR)
    assert [w.name for w in (await told(pool, now)).workers] == ["there", "there too, an hour behind"]


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


@pytest.mark.parametrize(
    ("heard", "is_told"),
    [pytest.param(59, False, id="it reports itself"), pytest.param(61, True, id="it hangs")],
)
async def test_that_who_plans_hangs_is_told_of_all_that_it_plans(
    pool: Pool, dsn: str, now: datetime, heard: int, is_told: bool
) -> None:
    async with transaction(pool) as conn:
        await report(conn, this_process(), now, sources=("x",), heard=heard * SECOND)
        await report(conn, "amber 4711", now, sources=("x from tr", "bluesky"))
    async with exclusive(dsn, planning_lock(X), 1):
        found = await told(pool, now)
    since = now - heard * SECOND if is_told else None
    unheard = [(q.line.source, q.unheard_since) for q in found.queues]
    assert unheard == [("bluesky", None), ("x", since), ("x from tr", since)]
    assert ("Leader" in dict(machine_lines(found, now))) == is_told


@pytest.mark.slow
async def test_what_processes_report_is_what_is_told_of_them(pool: Pool, dsn: str, tmp_path: Path) -> None:
    history = many_accounts(tmp_path / "history.csv", 500)
    async with far_x(history, 0.0) as x, fleet(pool, dsn, x, tmp_path, ["simulated"] * 2) as two:
        found = await told(pool, system_clock())
        here = gethostname()
        assert {w.name for w in found.workers} == {f"{here} {p.pid}" for p in two.processes}
        assert {w.overall_status(system_clock()) for w in found.workers} == {WorkerStatus.READS}
        assert [(q.line.source, q.planner) for q in found.queues] == [("x", f"{here} {two.processes[0].pid}")]


async def test_the_queue_is_counted_by_source(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        await put(conn, "x", now - MINUTE)
        await put(conn, "x", now - 9 * MINUTE, not_before=now - 2 * MINUTE)
        await put(conn, "x", now - 20 * MINUTE, not_before=now + MINUTE)
        await put(conn, "x", now - 30 * MINUTE, "picked")
        await put(conn, "bluesky", now, "picked")
        await hold(conn, "bluesky", now - HOUR, key="7 slot 0")
        await hold(conn, "bluesky", now - MINUTE, "ValueError")
    found = await told(pool, now)
    assert [q.line for q in found.queues] == [
        QueueBacklog("bluesky", 0, 1, 2, None, None),
        QueueBacklog("x", 3, 1, 0, now - 20 * MINUTE, now - 2 * MINUTE),
    ]
    first, second = found.held
    assert first == FailedJob(first.job_id, "7 slot 0", "bluesky", now - HOUR, FAULT)
    assert second.said == "ValueError"


async def test_the_health_page_tells_of_each_machine(pool: Pool, now: datetime) -> None:
    await three_machines(pool, now)
    async with transaction(pool) as conn:
        page = said(await page_of(conn, "/health", now, SETTINGS, "light"))
    assert (
        "amber 4711 office X, Bluesky 1 Feb 2021, 10:30 UTC 1 Feb 2021, 11:59:58 UTC 2 s ago right OK" in page
    )
    assert "OK X paused until 1 Feb 2021, 12:10 UTC: rate limit reached “429 Too Many Requests”" in page
    assert "no report since 1 Feb 2021, 11:59:30 UTC" in page
    assert "dead" not in page.lower().replace("dead letters", "").replace("deadline", "")
    assert "X none 12 0 1 Feb 2021, 11:59:49 UTC 11 s ago 1" in page
    assert f"1 Feb 2021, 11:20 UTC 40 min ago {FAULT}" in page


async def test_of_very_many_held_requests_the_oldest_are_shown(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        for n in range(FAILED_JOBS_SHOWN + 5):
            await hold(conn, "x", now - MINUTE, f"ValueError: {n}")
        found = await machines(conn, now)
        page = said(await page_of(conn, "/health", now, SETTINGS, "light"))
    assert (len(found.held), found.held_in_all) == (FAILED_JOBS_SHOWN, FAILED_JOBS_SHOWN + 5)
    assert f"; {FAILED_JOBS_SHOWN + 5 - FAILED_SHOWN} more" in page
    assert f"ValueError: {FAILED_SHOWN - 1}" in page
    assert f"ValueError: {FAILED_SHOWN}" not in page


async def test_without_a_report_the_page_says_that_nothing_is_known_to_read(
    pool: Pool, dsn: str, now: datetime
) -> None:
    nothing = "As far as is known, no worker is running."
    async with transaction(pool) as conn:
        page = said(await page_of(conn, "/health", now, SETTINGS, "light"))
    async with exclusive(dsn, planning_lock(X), 1), transaction(pool) as conn:
        planned = said(await page_of(conn, "/health", now, SETTINGS, "light"))
    async with transaction(pool) as conn:
        await mark_synthetic(conn)
        invented = said(await page_of(conn, "/health", now, SETTINGS, "light"))
    async with exclusive(dsn, planning_lock(X), 1), transaction(pool) as conn:
        played = said(await page_of(conn, "/health", now, SETTINGS, "light"))
        await hold(conn, "x", now - MINUTE, "ValueError: 1")
        shared = said(await page_of(conn, "/health", now, SETTINGS, "light"))
    assert "No worker has reported in the last minute." in page
    assert nothing in page
    assert nothing not in planned, "who plans may be busy"
    for demonstration in (invented, played):  # one that has ended, and one that plays
        assert "Not set up. The demonstration reads in one process" in demonstration
        assert nothing not in demonstration
        assert "no worker has reported" not in demonstration.lower()
    assert "Not set up. The demonstration reads" not in page + planned + shared
    assert "Request queue" not in page
    assert "Parked requests" not in page


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


def test_workers_tells_a_program_what_was_reported(run: Blockline, dsn: str) -> None:
    busy(dsn)
    found = run("workers", "--json").json
    by_name = {w["name"]: w for w in found["workers"]}
    assert [w["state"] for w in by_name.values()] == ["reads", "reads", "unheard"]
    x, bluesky = by_name["birch 812"]["reads"]
    assert (x["source"], x["state"], x["reason"]) == ("x", "pauses", "rate_limited")
    assert (bluesky["state"], bluesky["until"]) == ("reads", None)
    (held,) = found["held"]
    assert (held["source"], held["said"]) == ("x", FAULT)
    queue = {q["source"]: (q["waiting"], q["in_hand"], q["held"], q["planned_by"]) for q in found["queue"]}
    left = [(b["platform"], b["counted_as"], b["left"], b["of"]) for b in found["budgets"]]
    assert left == [
        ("x", "token 1f0c2b7a9d3e users", 212, 300),
        ("bluesky", "from office public.api app.bsky", 2_871, 3_000),
    ]
    assert queue == {"bluesky": (0, 4, 0, None), "bluesky from tr": (0, 0, 0, None), "x": (12, 0, 1, None)}


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
