"""Re-evaluation from the dashboard: the request, permissions and the result, by a real process."""

import asyncio
import csv
import io
import multiprocessing
import os
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import aiohttp
import pytest

from dashboard.auth.access import acting_as
from dashboard.replay.feature import replay_pages
from dashboard.replay.reevaluation import (
    ReevaluationBusy,
    ReevaluationFailed,
    ReevaluationRequest,
    ReevaluationRun,
    ReevaluationRuns,
)
from dashboard.replay.reevaluation_form import asked, in_force, other
from dashboard.replay.reevaluation_result import ReevaluationResult
from dashboard.replay.reevaluation_result_page import scope
from dashboard.ui.form_input import WrongInput, filled
from jobs.replay.replay import IN_FORCE
from jobs.replay.what_if_rules import thresholds_toml
from jobs.runtime.replay_process import ReplayProcess
from storage.model.alerts.rule_toml import to_toml
from storage.model.alerts.rules import AlertRule
from storage.model.bitemporal.reevaluation import Effect
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.readings import AVAILABLE, WITHHELD_IN
from tests.support.servers.dashboard import SETTINGS, page_of, served, until

NOW = datetime(2021, 3, 1, tzinfo=UTC)
EVERYTHING = ReevaluationRequest(None, None, None, None)
EARLY = ReevaluationRequest(None, None, None, "[confirmation]\nstrong_readings = 1\n")
THRESHOLDS, RULES = thresholds_toml(IN_FORCE), to_toml([(AlertRule(("a@example.org",)), True)])
TEXT = f"{THRESHOLDS}\n{RULES}"
ADDED = '[[rules]]\nname = "added"\nrecipients = ["new@example.org"]\n'
ADDED_FIRST = f"{THRESHOLDS}\n{ADDED}\n{RULES}"


def clock() -> datetime:
    return NOW


async def told(pool: Pool) -> None:
    """One account of each list is blocked, and believed to be so at the second reading."""
    desk = Desk(pool)
    await desk.enlist("1")
    await desk.enlist("2", lists=("Other",))
    for minute, look in ((0, AVAILABLE), (10, WITHHELD_IN), (20, WITHHELD_IN)):
        await desk.take(Sent(minute, {"1": look, "2": look}))


@asynccontextmanager
async def deciding(runs: ReevaluationRuns) -> AsyncGenerator[None]:
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(runs.run())
        try:
            yield
        finally:
            work.cancel()


async def over(run: ReevaluationRun) -> bool:
    return run.took is not None


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        pytest.param(TEXT, None, id="what is in force is nothing else"),
        pytest.param(TEXT.replace("\n", "\r\n"), None, id="as a browser sends it"),
        pytest.param("", None, id="nothing is what is in force"),
        pytest.param("# a thought\n", None, id="a thought is no rule"),
        pytest.param(
            TEXT.replace("strong_readings = 2", "strong_readings = 1"),
            THRESHOLDS.replace("strong_readings = 2", "strong_readings = 1"),
            id="alert rules that were left are those of each moment",
        ),
        pytest.param(ADDED_FIRST, ADDED_FIRST, id="one that was added before the others leaves them there"),
        pytest.param(TEXT.replace("a@", "b@"), TEXT.replace("a@", "b@"), id="others are all of them"),
        pytest.param(f"\n{TEXT}x", f"\n{TEXT}x", id="no line moves"),
    ],
)
def test_what_was_left_as_it_stood_is_no_other_rule(written: str, expected: str | None) -> None:
    found = other(written, THRESHOLDS, RULES)
    assert (found and found.rstrip("\n")) == (expected and expected.rstrip("\n"))


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (b"from=soon", "From: 'soon' is not a time. Enter it in UTC as 2021-02-11T08:00"),
        (b"to=2021-99-01", "Until: '2021-99-01' is not a time"),
        (b"from=2021-02-02&to=2021-02-02", "Until must be later than From."),
        (b"from=2021-02-02&to=2021-02-01T23:00", "Until must be later than From."),
    ],
)
def test_a_time_that_is_none_gets_one_sentence(form: bytes, why: str) -> None:
    with pytest.raises(WrongInput, match=why):
        asked(filled("", form), *in_force(THRESHOLDS, []))


async def test_by_the_rules_in_force_the_difference_is_zero(pool: Pool, dsn: str) -> None:
    await told(pool)
    answer = await ReplayProcess(dsn).decide(EVERYTHING)
    assert (answer.summary.changes_otherwise, answer.summary.mails_otherwise) == (0, 0)
    assert (answer.summary.changes[Effect.SAME], answer.summary.accounts, answer.summary.posts) == (4, 2, 0)
    mixed = answer.summary.model_copy(update={"posts": 1})
    assert "Reported: 1 account and 1 post. Alert rules" in scope(mixed, None)
    assert (answer.changes, answer.mails, answer.left_out) == ([], [], 0)


async def test_a_process_that_ends_by_itself_is_told_of(dsn: str) -> None:
    deciding = asyncio.ensure_future(ReplayProcess(dsn).decide(EVERYTHING))
    await until(its_processes)
    (process,) = await its_processes()
    os.kill(process, signal.SIGKILL)
    with pytest.raises(ReevaluationFailed, match=r"ended without a result \(exit code -9\)"):
        await deciding


async def test_what_takes_too_long_is_given_up(dsn: str) -> None:
    with pytest.raises(ReevaluationFailed, match="The re-evaluation was stopped after 0 minutes"):
        await ReplayProcess(dsn, patience_s=0.05).decide(EVERYTHING)


async def test_when_it_is_stopped_its_process_ends(dsn: str) -> None:
    deciding = asyncio.ensure_future(ReplayProcess(dsn).decide(EARLY))
    await until(its_processes)
    deciding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await deciding
    await until(nobody_decides)


async def its_processes() -> list[int]:
    return [process.pid for process in multiprocessing.active_children() if process.pid is not None]


async def nobody_decides() -> bool:
    return not await its_processes()


class Slow:
    """Decides until it is let go."""

    thresholds = THRESHOLDS

    def __init__(self) -> None:
        self.ended = 0

    async def decide(self, asked: ReevaluationRequest) -> ReevaluationResult:
        try:
            await asyncio.Event().wait()
        finally:
            self.ended += 1
        raise ReevaluationFailed


async def test_what_is_stopped_before_it_begins_never_does() -> None:
    runs = ReevaluationRuns(Slow(), clock)
    run = runs.start(EVERYTHING, "", "Ada")
    runs.stop(run.key)
    assert run.why_not == "The run was stopped."
    assert runs.open is None


async def test_one_is_decided_at_a_time_and_can_be_stopped() -> None:
    slow = Slow()
    runs = ReevaluationRuns(slow, clock)
    async with deciding(runs):
        run = runs.start(EVERYTHING, "", "anna")
        with pytest.raises(ReevaluationBusy, match="for anna is running"):
            runs.start(EVERYTHING, "", "bert")
        await until(lambda: begun(run))
        runs.stop(run.key)
        await until(lambda: over(run))
        assert (run.why_not, slow.ended) == ("The run was stopped.", 1)
        after = runs.start(EVERYTHING, "", "bert")
        await until(lambda: begun(after))
    assert slow.ended == 2, "what is decided ends with the server"


async def begun(run: ReevaluationRun) -> bool:
    return run.work is not None


async def test_the_last_few_are_kept() -> None:
    class Never:
        thresholds = THRESHOLDS

        async def decide(self, asked: ReevaluationRequest) -> ReevaluationResult:
            raise ReevaluationFailed("Never.")

    runs = ReevaluationRuns(Never(), clock)
    async with deciding(runs):
        made = [await decided(runs) for _ in range(7)]
    assert [run.why_not for run in made] == ["Never."] * 7
    assert runs.kept == made[:1:-1]
    assert runs.of(made[-1].key) is made[-1]
    assert runs.of(made[0].key) is None


async def decided(runs: ReevaluationRuns) -> ReevaluationRun:
    run = runs.start(EVERYTHING, "", "anna")
    await until(lambda: over(run))
    return run


async def test_over_http_it_is_begun_told_and_handed_out_as_a_table(pool: Pool, dsn: str) -> None:
    await told(pool)
    async with (
        served(pool, dsn, NOW) as base,
        aiohttp.ClientSession(base, headers={"Origin": base}) as session,
    ):
        fields = {"from": "", "to": "2021-03-01", "list": "Desk", "rules": EARLY.rules}
        async with session.post("/api/replay/rules", data=fields) as answer:
            assert answer.status == 200
            key = (await answer.json())["next"].partition("?run=")[2]
        async with session.post("/api/replay/rules", data=fields) as answer:
            assert (answer.status, (await answer.json())["error"]) == (
                409,
                "A re-evaluation for dashboard is running. Wait until it is done.",
            )

        async def table() -> str | None:
            async with session.get(f"/api/replay/rules/{key}.csv") as answer:
                return await answer.text() if answer.status == 200 else None

        await until(table)
        (row,) = csv.DictReader(io.StringIO(await table() or ""))
        async with session.get("/api/replay/rules/another.csv") as answer:
            assert answer.status == 404
    assert (row["what"], row["cause"], row["handle"], row["new"]) == (
        "earlier",
        "thresholds",
        "h1",
        "withheld IN",
    )
    assert (row["stored_last_agreeing_at"], row["again_last_agreeing_at"]) == (
        "2021-02-01T00:20:00Z",
        "2021-02-01T00:10:00Z",
    )
    assert row["recipient"] == ""


async def test_the_page_has_the_rules_in_force_and_tells_a_viewer_what_he_lacks(pool: Pool) -> None:
    runs = ReevaluationRuns(Slow(), clock)

    async def page(role: Role, query: dict[str, str]) -> str:
        async with transaction(pool) as conn:
            with acting_as(Actor("p", role)):
                return said(
                    await page_of(conn, "/replay/rules", NOW, SETTINGS, "light", query, [replay_pages(runs)])
                )

    written = await page(Role.ANALYST, {"from": "2021-02-01", "list": "Gone"})
    assert "strong_readings = 2" in written
    assert "2021-02-01" in written
    assert "Gone" in written
    assert "no longer kept" in await page(Role.ANALYST, {"run": "x"})
    runs.start(ReevaluationRequest(None, None, None, "x"), "what I wrote", "anna")
    assert "Re-evaluating …" in await page(Role.ANALYST, {})
    assert "what I wrote" in await page(Role.ANALYST, {})
    for fresh in ({"run": ""}, {"list": "Desk"}):
        assert "what I wrote" not in await page(Role.ANALYST, fresh)
    assert "needs the role analyst. Your role is viewer." in await page(Role.VIEWER, {})
