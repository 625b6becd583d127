"""Re-evaluations that the dashboard runs: the request, the process that answers it, and the progress."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Protocol

from dashboard.replay.reevaluation_result import ReevaluationResult
from storage.postgres.errors import Refused

PATH = "/replay/rules"
MOST_RUNS = 5
"""Runs that are kept until the process ends. A result may be some megabytes."""
RUN_EXPIRED = (
    f"This result is no longer kept. A web process keeps its last {MOST_RUNS} results, until the process "
    "stops."
)


_STOPPED = "The run was stopped."


class ReevaluationFailed(Exception):
    """The re-evaluation gave no result. The message says why, in one sentence."""


class ReevaluationBusy(Refused):
    """Another re-evaluation is running. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class ReevaluationRequest:
    since: datetime | None
    """None means from the first reading on."""
    until: datetime | None
    """None means up to the last reading."""
    list_name: str | None
    """The list whose accounts are reported; None means all accounts."""
    rules: str | None
    """Other rules as TOML (docs/how-to/replay.md); None means those in force."""
    mails_until: datetime | None = None
    """With other alert rules, emails that are due before this time count; None: before the last reading."""


class Reevaluator(Protocol):
    """The process that re-evaluates, apart from the one that serves pages."""

    @property
    def thresholds(self) -> str:
        """The confirmation thresholds in force, as TOML."""
        ...

    async def decide(self, asked: ReevaluationRequest) -> ReevaluationResult:
        """Raises ReevaluationFailed. May be cancelled."""
        ...


@dataclass(slots=True)
class ReevaluationRun:
    """One re-evaluation that somebody started."""

    key: str
    """Its name in an address."""
    asked: ReevaluationRequest
    text: str
    """The rules as they were written."""
    actor: str
    at: datetime
    began_s: float
    """By the clock of the event loop."""
    took: timedelta | None = None
    """None while it runs."""
    answer: ReevaluationResult | None = None
    why_not: str | None = None
    """Why it ended without a result, in one sentence."""
    work: asyncio.Task[ReevaluationResult] | None = None


@dataclass(slots=True)
class ReevaluationRuns:
    """The runs of this process, newest first. `run` takes one at a time."""

    decider: Reevaluator
    clock: Callable[[], datetime]
    kept: list[ReevaluationRun] = field(default_factory=list[ReevaluationRun])
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def open(self) -> ReevaluationRun | None:
        """The run that is not over; None if there is none."""
        return next((run for run in self.kept if run.took is None), None)

    def of(self, key: str) -> ReevaluationRun | None:
        return next((run for run in self.kept if run.key == key), None)

    def start(self, asked: ReevaluationRequest, text: str, actor: str) -> ReevaluationRun:
        """Raises ReevaluationBusy."""
        if (busy := self.open) is not None:
            raise ReevaluationBusy(f"A re-evaluation for {busy.actor} is running. Wait until it is done.")
        now = self.clock()
        asked = replace(asked, mails_until=min(asked.until or now, now))
        run = ReevaluationRun(secrets.token_urlsafe(6), asked, text, actor, now, _now_s())
        self.kept = [run, *self.kept][:MOST_RUNS]
        self._wanted.set()
        return run

    def stop(self, key: str) -> None:
        """End a run before it is done; one that is over stays as it is."""
        run = self.of(key)
        if run is None or run.took is not None:
            return
        if run.work is not None:
            run.work.cancel()
        else:  # it has not begun
            run.took, run.why_not = self.spent(run), _STOPPED

    def spent(self, run: ReevaluationRun) -> timedelta:
        return run.took if run.took is not None else timedelta(seconds=_now_s() - run.began_s)

    async def run(self) -> None:
        """Re-evaluate what is asked, until cancelled."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            if (run := self.open) is not None:
                await self._decide(run)

    async def _decide(self, run: ReevaluationRun) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:  # a task that was stopped ends it, and nothing else
                run.work = tasks.create_task(self.decider.decide(run.asked))
            stopped = run.work.cancelled()
            run.answer = None if stopped else run.work.result()
            run.why_not = _STOPPED if stopped else None
        except* ReevaluationFailed as group:
            run.why_not = " ".join(str(error) for error in group.exceptions)
        run.took, run.work = self.spent(run), None


def _now_s() -> float:
    return asyncio.get_running_loop().time()


def address(key: str) -> str:
    """The address of a run's page."""
    return f"{PATH}?run={key}"
