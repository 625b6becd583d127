"""Re-evaluation for the dashboard, in a process of its own and bounded in time, so that pages stay fast."""

import asyncio
import signal
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Protocol

from dashboard.replay.reevaluation import ReevaluationFailed, ReevaluationRequest
from dashboard.replay.reevaluation_result import (
    MOST_CASES,
    ChangeCase,
    MailCase,
    ReevaluationResult,
    ReevaluationSummary,
)
from jobs.base.errors import CommandError
from jobs.replay.replay import IN_FORCE, Redecided, redecide_stored
from jobs.replay.report import as_json, cases
from jobs.replay.what_if_rules import OtherRules, read_other_rules, thresholds_toml
from storage.model.tables.csv_rows import TableError
from storage.postgres.errors import StorageError

PATIENCE_S = 600.0
_PROCESSES = get_context("spawn")
"""Each begins empty: a fork would share the connections of this one."""


class _End(Protocol):
    """One end of a pipe: which class it is depends on the system."""

    def recv(self) -> ReevaluationResult | ReevaluationFailed: ...
    def send(self, obj: ReevaluationResult | ReevaluationFailed) -> None: ...


class ReplayProcess:
    """Decides what `blockline replay` decides, of one database."""

    thresholds = thresholds_toml(IN_FORCE)

    def __init__(self, dsn: str, patience_s: float = PATIENCE_S) -> None:
        self._dsn = dsn
        self._patience_s = patience_s

    async def decide(self, asked: ReevaluationRequest) -> ReevaluationResult:
        """Raises ReevaluationFailed. When cancelled, the process is killed first."""
        ours, theirs = _PROCESSES.Pipe(duplex=False)
        process = _PROCESSES.Process(target=_answer_into, args=(theirs, self._dsn, asked), daemon=True)
        try:
            process.start()
        except OSError as error:
            raise ReevaluationFailed(
                f"The process that re-evaluates could not be started: {error.strerror}."
            ) from error
        theirs.close()
        try:
            async with asyncio.timeout(self._patience_s):
                answer = await asyncio.to_thread(_received, ours, process)
        except TimeoutError:
            minutes = round(self._patience_s / 60)
            raise ReevaluationFailed(
                f"The re-evaluation was stopped after {minutes} minutes. Choose a shorter period, or run "
                "`blockline replay` on the command line."
            ) from None
        finally:
            process.kill()
        if isinstance(answer, ReevaluationResult):
            return answer
        raise answer


def _received(ours: _End, process: BaseProcess) -> ReevaluationResult | ReevaluationFailed:
    """What the process sends before it ends. Waits for that, so it is called in a thread."""
    try:
        answer = ours.recv()
    except EOFError:
        answer = None
    process.join()
    return answer or ReevaluationFailed(
        f"The process that re-evaluates ended without a result (exit code {process.exitcode})."
    )


def _answer_into(theirs: _End, dsn: str, asked: ReevaluationRequest) -> None:
    """What the process does. An error that nobody foresaw is printed where the log of the server goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began it ends it
    try:
        rules = OtherRules() if asked.rules is None else read_other_rules(asked.rules.encode(), "rules")
        found = asyncio.run(redecide_stored(dsn, asked.since, asked.until, rules, asked.list_name))
        theirs.send(_result(found, asked.list_name))
    except (CommandError, StorageError, TableError) as error:
        theirs.send(ReevaluationFailed(str(error)))


def _result(found: Redecided, of_list: str | None) -> ReevaluationResult:
    """The differences beyond MOST_CASES are counted only."""
    changes: list[ChangeCase] = []
    mails: list[MailCase] = []
    left_out = 0
    for case in cases(found):
        if len(changes) + len(mails) >= MOST_CASES:
            left_out += 1
        elif "account" in case:
            changes.append(ChangeCase.model_validate(case))
        else:
            mails.append(MailCase.model_validate(case))
    summary = ReevaluationSummary.model_validate(as_json(found, None, of_list))
    return ReevaluationResult(summary, changes, mails, left_out)
