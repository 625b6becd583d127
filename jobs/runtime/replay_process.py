"""Re-evaluation and trials of alert rules for the dashboard, in a process of its own and bounded in time."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Protocol
from weakref import WeakValueDictionary

from dashboard.accounts.threshold_trials import ThresholdTrialFailed
from dashboard.alerts.rule_trials import RuleTrialFailed
from dashboard.auth import access
from dashboard.replay.reevaluation import ReevaluationFailed, ReevaluationRequest
from dashboard.replay.reevaluation_result import (
    MOST_CASES,
    ChangeCase,
    MailCase,
    ReevaluationResult,
    ReevaluationSummary,
)
from jobs.base.errors import CommandError
from jobs.messages.compose import Letterhead
from jobs.notify.group_explanation import explain_incident
from jobs.notify.rule_test_email import NEWEST, stored_test_email
from jobs.replay.load_rule_preview import preview_stored
from jobs.replay.replay import IN_FORCE, Redecided, redecide_stored
from jobs.replay.report import as_json, cases
from jobs.replay.threshold_preview import threshold_preview_stored
from jobs.replay.what_if_rules import OtherRules, read_other_rules, thresholds_toml
from jobs.runtime.file_maker import CommandLineFiles
from storage.model.alerts.alerts import MailDraft
from storage.model.alerts.group_explanation import GroupExplanation
from storage.model.alerts.rule_preview import RulePreview
from storage.model.alerts.rules import AlertRule
from storage.model.bitemporal.threshold_preview import ThresholdPreview
from storage.model.core.list_thresholds import ListThresholds
from storage.model.tables.csv_rows import TableError
from storage.postgres.errors import StorageError
from storage.postgres.pool import Conn

PATIENCE_S = 600.0
TRIAL_PATIENCE_S = 60.0
"""How long trying an alert rule may take."""
_PROCESSES = get_context("spawn")
"""Each begins empty: a fork would share the connections of this one."""


MOST_TRIALS = 2
"""How many trials run at once. Each is a process of its own; further ones wait."""


class TrialTurns:
    """Whose turn it is to try something: one trial per person, and at most `most` of all people at once."""

    def __init__(self, most: int = MOST_TRIALS) -> None:
        self._room = asyncio.Semaphore(most)
        self._own: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    @asynccontextmanager
    async def turn(self, person: str) -> AsyncGenerator[None]:
        """Wait for the turn of a person, and keep it until the block ends."""
        own = self._own.setdefault(person, asyncio.Lock())
        async with own, self._room:
            yield


class _End(Protocol):
    """One end of a pipe: which class it is depends on the system."""

    def recv(self) -> object: ...
    def send(self, obj: object) -> None: ...


class ReplayProcess(CommandLineFiles):
    """Decides what `blockline replay` decides, tries alert rules, and makes files, of one database."""

    thresholds = thresholds_toml(IN_FORCE)

    def __init__(
        self,
        dsn: str,
        patience_s: float = PATIENCE_S,
        head: Letterhead | None = None,
        chromium: Path | None = None,
    ) -> None:
        """`head` is for test emails; None means that of an installation without settings."""
        super().__init__(chromium)
        self._dsn = dsn
        self._patience_s = patience_s
        self._head = head or Letterhead()
        self._turns = TrialTurns()

    async def decide(self, asked: ReevaluationRequest) -> ReevaluationResult:
        """Raises ReevaluationFailed. When cancelled, the process is killed first."""
        minutes = round(self._patience_s / 60)
        try:
            answer = await _answered(_decided, (self._dsn, asked), self._patience_s)
        except TimeoutError:
            raise ReevaluationFailed(
                f"The re-evaluation was stopped after {minutes} minutes. Choose a shorter period, or run "
                "`blockline replay` on the command line."
            ) from None
        if isinstance(answer, ReevaluationResult):
            return answer
        raise ReevaluationFailed(str(answer))

    async def preview(self, rule: AlertRule, since: datetime, until: datetime) -> RulePreview:
        """Raises RuleTrialFailed. When cancelled, the process is killed first."""
        answer = await self._tried(_previewed, rule, since, until)
        if isinstance(answer, RulePreview):
            return answer
        raise RuleTrialFailed(str(answer))

    async def test_email(self, rule: AlertRule, to: str, now: datetime) -> MailDraft:
        """Raises RuleTrialFailed. When cancelled, the process is killed first."""
        answer = await self._tried(_test_email, rule, to, self._head, now)
        if isinstance(answer, MailDraft):
            return answer
        raise RuleTrialFailed(str(answer))

    async def preview_thresholds(
        self, list_name: str, wanted: ListThresholds | None, since: datetime, until: datetime
    ) -> ThresholdPreview:
        """Raises ThresholdTrialFailed. When cancelled, the process is killed first."""
        given = (self._dsn, list_name, wanted, since, until)
        patience_s = min(TRIAL_PATIENCE_S, self._patience_s)
        try:
            async with self._turns.turn(access.acting().name):
                answer = await _answered(_thresholds_previewed, given, patience_s)
        except TimeoutError:
            raise ThresholdTrialFailed(
                f"Counting was stopped after {patience_s:g} s. The command `blockline lists thresholds` with "
                "--preview takes as long as it needs."
            ) from None
        if isinstance(answer, ThresholdPreview):
            return answer
        raise ThresholdTrialFailed(str(answer))

    async def explain_incident(self, conn: Conn, story_key: str) -> GroupExplanation | None:
        """What each rule would do with the newest group of an incident; None if no group was sent."""
        return await explain_incident(conn, story_key)

    async def _tried(self, work: Callable[..., object], *given: object) -> object:
        try:
            async with self._turns.turn(access.acting().name):
                return await _answered(work, (self._dsn, *given), min(TRIAL_PATIENCE_S, self._patience_s))
        except TimeoutError:
            raise RuleTrialFailed(
                f"Trying the rule was stopped after {TRIAL_PATIENCE_S:g} s. The command `blockline alerts "
                "preview` can count fewer days."
            ) from None


@dataclass(frozen=True, slots=True)
class _NoResult:
    """Why a process gave no result, in one sentence."""

    sentence: str

    def __str__(self) -> str:
        return self.sentence


async def _answered(work: Callable[..., object], given: tuple[object, ...], patience_s: float) -> object:
    """What a function returns that runs in a process of its own; a _NoResult if it gave no result.

    Raises TimeoutError. When that happens, or when cancelled, the process is killed first.
    """
    ours, theirs = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_answer_into, args=(theirs, work, given), daemon=True)
    try:
        process.start()
    except OSError as error:
        return _NoResult(f"The process that re-evaluates could not be started: {error.strerror}.")
    theirs.close()
    try:
        async with asyncio.timeout(patience_s):
            return await asyncio.to_thread(_received, ours, process)
    finally:
        process.kill()


def _received(ours: _End, process: BaseProcess) -> object:
    """What the process sends before it ends. Waits for that, so it is called in a thread."""
    try:
        answer = ours.recv()
    except EOFError:
        answer = None
    process.join()
    return answer or _NoResult(
        f"The process that re-evaluates ended without a result (exit code {process.exitcode})."
    )


def _answer_into(theirs: _End, work: Callable[..., object], given: tuple[object, ...]) -> None:
    """What the process does. An error that nobody foresaw is printed where the log of the server goes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who began it ends it
    try:
        theirs.send(work(*given))
    except (CommandError, StorageError, TableError) as error:
        theirs.send(_NoResult(str(error)))


def _decided(dsn: str, asked: ReevaluationRequest) -> ReevaluationResult:
    rules = OtherRules() if asked.rules is None else read_other_rules(asked.rules.encode(), "rules")
    found = asyncio.run(
        redecide_stored(dsn, asked.since, asked.until, rules, asked.list_name, asked.mails_until)
    )
    return _result(found, asked.list_name)


def _previewed(dsn: str, rule: AlertRule, since: datetime, until: datetime) -> RulePreview:
    return asyncio.run(preview_stored(dsn, rule, since, until))


def _thresholds_previewed(
    dsn: str, name: str, wanted: ListThresholds | None, since: datetime, until: datetime
) -> ThresholdPreview:
    return asyncio.run(threshold_preview_stored(dsn, name, wanted, since, until))


def _test_email(dsn: str, rule: AlertRule, to: str, head: Letterhead, now: datetime) -> MailDraft | _NoResult:
    made = asyncio.run(stored_test_email(dsn, rule, to, head, now))
    return made or _NoResult(
        f"None of the newest {NEWEST:,} confirmed changes matches this rule, so there is no email to show."
    )


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
