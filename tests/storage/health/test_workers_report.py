"""The machines that read, as people see them: nothing is said of one that it did not report itself."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from socket import gethostname
from uuid import UUID

import pytest

from collectors.bluesky.declaration import BLUESKY
from dashboard.health import words as health_words
from dashboard.health import worker_words
from jobs.base.clock import system_clock
from jobs.status.workers import machine_lines
from storage.countries.label_census import LabelerStatus
from storage.countries.measured_networks import NetworkReads
from storage.health.labeler_checks import labeler_checks, labeler_ending
from storage.health.network_checks import network_checks, network_ending
from storage.health.workers_report import Queue, WorkersReport, machines
from storage.model.alerts.conditions import ConditionKey, ConditionKind
from storage.model.limits.rate_limits import BudgetBasis, BudgetState
from storage.postgres.pool import Pool, transaction
from storage.work.request_queue import QueueBacklog
from storage.work.workers import SourcePause, Worker, WorkerStatus
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.clients.page_walker import said
from tests.support.processes.worker_fleet import fleet, many_accounts
from tests.support.samples.label_signing import LABELER
from tests.support.samples.readings import MINUTE, T0, minutes
from tests.support.seeds.changes import HOUR
from tests.support.seeds.sent_alerts import on
from tests.support.seeds.workers import FAULT, SECOND, report, three_machines
from tests.support.servers.dashboard import SETTINGS, page_of
from tests.support.simulated.scripted_x import far_x

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


NOW = minutes(600)
LABELER_CHECKS_WELL = LabelerStatus(
    labeler=LABELER,
    platform=BLUESKY.value,
    country="DE",
    began_at=T0,
    heard_at=minutes(599),
    lost_at=None,
    lost_why="",
    gap=None,
    gap_at=None,
    listed_at=minutes(500),
    unlisted_at=None,
    unlisted_why="",
    ended_at=None,
    refused=0,
    refused_dropped=0,
    newest_refused_at=None,
)
LOST = replace(LABELER_CHECKS_WELL, heard_at=minutes(500), lost_at=minutes(500), lost_why="It broke off.")
GAP = replace(
    LABELER_CHECKS_WELL, gap="outdated_cursor", gap_at=minutes(500), unlisted_why="The list was refused."
)
FORGED = replace(LABELER_CHECKS_WELL, refused=2, newest_refused_at=minutes(590))


@pytest.mark.parametrize(
    ("one", "kind", "since", "sentence", "detail"),
    [
        pytest.param(
            LOST,
            ConditionKind.LABELS_UNHEARD,
            minutes(500),
            "Labels of the Bluesky labeler for Germany (DE) are not received",
            "It broke off.",
            id="a stream that is lost",
        ),
        pytest.param(
            replace(LOST, heard_at=None),
            ConditionKind.LABELS_UNHEARD,
            T0,
            "Labels of the Bluesky labeler for Germany (DE) were never received",
            "It broke off.",
            id="a stream that was never connected",
        ),
        pytest.param(
            GAP,
            ConditionKind.LABELS_MISSING,
            minutes(500),
            "Labels of the Bluesky labeler for Germany (DE) may be missing",
            "The list was refused.",
            id="a gap that no list filled",
        ),
        pytest.param(
            FORGED,
            ConditionKind.LABELS_REFUSED,
            minutes(590),
            "2 labels from the Bluesky labeler for Germany (DE) are kept apart",
            "",
            id="labels that it did not sign",
        ),
    ],
)
def test_an_issue_of_a_labeler_is_named_with_what_is_known(
    one: LabelerStatus, kind: ConditionKind, since: object, sentence: str, detail: str
) -> None:
    (found,) = labeler_checks([one], NOW)
    assert found.key == ConditionKey(kind, BLUESKY, LABELER)
    assert found.since == since
    assert found.sentence.startswith(sentence)
    assert detail in found.detail
    assert found.to_do


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        (ConditionKind.LABELS_UNHEARD, "is connected again"),
        (ConditionKind.LABELS_MISSING, "list .* was read"),
        (ConditionKind.LABELS_REFUSED, "for a day"),
    ],
)
def test_an_issue_that_is_over_says_what_was_seen(kind: ConditionKind, said: str) -> None:
    key = ConditionKey(kind, BLUESKY, LABELER)
    assert re.search(said, labeler_ending(key, [LABELER_CHECKS_WELL]) or "")
    assert labeler_ending(key, []) == "The labels of this labeler are no longer collected"


DAY = timedelta(days=1)
NETWORK_CHECKS_HOUR = timedelta(hours=1)
KEY = ConditionKey(ConditionKind.NETWORKS_UNREAD, place="TR")


def reads(
    failure: str | None, last: timedelta, answered: timedelta | None, first: timedelta = 9 * DAY
) -> NetworkReads:
    return NetworkReads(T0 - first, T0 - last, failure, None if answered is None else T0 - answered, None)


@pytest.mark.parametrize(
    ("found", "since"),
    [
        pytest.param(reads("HTTP 502", NETWORK_CHECKS_HOUR, 3 * DAY), 3 * DAY, id="no answer for days"),
        pytest.param(reads("HTTP 502", NETWORK_CHECKS_HOUR, None), 9 * DAY, id="never an answer"),
        pytest.param(reads("HTTP 502", NETWORK_CHECKS_HOUR, DAY), None, id="an answer a day ago"),
        pytest.param(reads("HTTP 502", NETWORK_CHECKS_HOUR, None, DAY), None, id="asked for since yesterday"),
        pytest.param(reads(None, NETWORK_CHECKS_HOUR, NETWORK_CHECKS_HOUR), None, id="it is read"),
        pytest.param(reads("HTTP 502", 2 * DAY, 3 * DAY), None, id="it is no longer asked for"),
    ],
)
def test_a_country_that_is_asked_for_in_vain_is_an_issue(
    found: NetworkReads, since: timedelta | None
) -> None:
    issues = network_checks({"TR": found}, T0)
    assert [(one.key, T0 - one.since) for one in issues] == ([] if since is None else [(KEY, since)])


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(
            {"TR": reads(None, NETWORK_CHECKS_HOUR, NETWORK_CHECKS_HOUR)},
            "are read again",
            id="an answer came",
        ),
        pytest.param(
            {"TR": reads("HTTP 502", 2 * DAY, 3 * DAY)}, "no longer asked for", id="left the settings"
        ),
        pytest.param({}, "no longer asked for", id="nothing is stored of it"),
    ],
)
def test_the_end_says_why_it_is_over(found: dict[str, NetworkReads], said: str) -> None:
    assert said in (network_ending(KEY, found) or "")
