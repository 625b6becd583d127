"""Deciding again, as the dashboard sees it: what is asked, who answers, and how far that has come."""

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from dashboard.replay.reevaluation_result import ReevaluationResult
from storage.postgres.errors import Refused

PATH = "/replay/rules"
MOST_RUNS = 5
"""So many are kept, until the process ends. An answer may be some megabytes."""
RUN_EXPIRED = (
    "There is no such answer here, or it is not kept any more: the last few are, by the web process that was "
    "asked, until it stops."
)


_STOPPED = "It was stopped."


class ReevaluationFailed(Exception):
    """There is no answer. The message says why, in a sentence."""


class ReevaluationBusy(Refused):
    """Something is being decided already. The message is one sentence."""


@dataclass(frozen=True, slots=True)
class ReevaluationRequest:
    since: datetime | None
    """None: from the first reading on."""
    until: datetime | None
    """None: up to the last one."""
    list_name: str | None
    """Of whose accounts it is told; None: of all."""
    rules: str | None
    """Other rules as TOML (docs/replay.md); None: those in force."""


class Reevaluator(Protocol):
    """What decides, outside of the process that serves pages."""

    @property
    def thresholds(self) -> str:
        """Those of confirmation that are in force, as TOML."""
        ...

    async def decide(self, asked: ReevaluationRequest) -> ReevaluationResult:
        """Raises ReevaluationFailed. May be cancelled."""
        ...


@dataclass(slots=True)
class ReevaluationRun:
    """One time that somebody had it decided again."""

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
    """None: it is not over."""
    answer: ReevaluationResult | None = None
    why_not: str | None = None
    """A sentence, when it is over without an answer."""
    work: asyncio.Task[ReevaluationResult] | None = None


@dataclass(slots=True)
class ReevaluationRuns:
    """Those of this process, newest first. One at a time is decided, by `run`."""

    decider: Reevaluator
    clock: Callable[[], datetime]
    kept: list[ReevaluationRun] = field(default_factory=list[ReevaluationRun])
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def open(self) -> ReevaluationRun | None:
        """What is being decided."""
        return next((run for run in self.kept if run.took is None), None)

    def of(self, key: str) -> ReevaluationRun | None:
        return next((run for run in self.kept if run.key == key), None)

    def start(self, asked: ReevaluationRequest, text: str, actor: str) -> ReevaluationRun:
        """Raises ReevaluationBusy."""
        if (busy := self.open) is not None:
            raise ReevaluationBusy(
                f"Something is being decided already, for {busy.actor}: wait until that is done."
            )
        run = ReevaluationRun(secrets.token_urlsafe(6), asked, text, actor, self.clock(), _now_s())
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
        """Decide what is asked, until cancelled."""
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
    """Of the page of a run."""
    return f"{PATH}?run={key}"
