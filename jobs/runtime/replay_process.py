"""Re-evaluation and trials of alert rules for the dashboard, in a process of its own and bounded in time."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
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
from jobs.messages.compose import Letterhead
from jobs.notify.group_explanation import explain_incident
from jobs.notify.rule_test_email import NEWEST, stored_test_email
from jobs.replay.load_rule_preview import preview_stored
from jobs.replay.replay import IN_FORCE, Redecided, redecide_stored
from jobs.replay.report import as_json, cases
from jobs.replay.threshold_preview import threshold_preview_stored
from jobs.replay.what_if_rules import OtherRules, read_other_rules, thresholds_toml
from jobs.runtime.file_maker import CommandLineFiles
from jobs.runtime.own_process import NoResult, Work, answer_of_process
from storage.model.alerts.alerts import MailDraft
from storage.model.alerts.group_explanation import GroupExplanation
from storage.model.alerts.rule_preview import RulePreview
from storage.model.alerts.rules import AlertRule
from storage.model.bitemporal.threshold_preview import ThresholdPreview
from storage.model.core.list_thresholds import ListThresholds
from storage.postgres.pool import Conn

PATIENCE_S = 600.0
TRIAL_PATIENCE_S = 60.0
"""How long trying an alert rule may take."""
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


class ReplayProcess(CommandLineFiles):
    """Decides what `blockline replay` decides, tries alert rules, and makes files, of one database."""

    thresholds = thresholds_toml(IN_FORCE)

    def __init__(
        self,
        dsn: str,
        patience_s: float = PATIENCE_S,
        head: Letterhead | None = None,
        chromium: Path | None = None,
        read_dsn: str | None = None,
    ) -> None:
        """`head` is for test emails; None means that of an installation without settings. Re-evaluation reads
        from the replica at `read_dsn`, if one is given.
        """
        super().__init__(chromium)
        self._dsn = dsn
        self._read_dsn = read_dsn
        self._patience_s = patience_s
        self._head = head or Letterhead()
        self._turns = TrialTurns()

    async def decide(self, asked: ReevaluationRequest) -> ReevaluationResult:
        """Raises ReevaluationFailed. When cancelled, the process is killed first."""
        minutes = round(self._patience_s / 60)
        try:
            answer = await answer_of_process(_decided, (self._dsn, self._read_dsn, asked), self._patience_s)
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
        answer = await self._tried(preview_stored, rule, since, until)
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
                answer = await answer_of_process(threshold_preview_stored, given, patience_s)
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

    async def _tried(self, work: Work, *given: object) -> object:
        try:
            async with self._turns.turn(access.acting().name):
                return await answer_of_process(
                    work, (self._dsn, *given), min(TRIAL_PATIENCE_S, self._patience_s)
                )
        except TimeoutError:
            raise RuleTrialFailed(
                f"Trying the rule was stopped after {TRIAL_PATIENCE_S:g} s. The command `blockline alerts "
                "preview` can count fewer days."
            ) from None


async def _decided(dsn: str, read_dsn: str | None, asked: ReevaluationRequest) -> ReevaluationResult:
    rules = OtherRules() if asked.rules is None else read_other_rules(asked.rules.encode(), "rules")
    found = await redecide_stored(
        dsn, asked.since, asked.until, rules, asked.list_name, asked.mails_until, read_dsn
    )
    return _result(found, asked.list_name)


async def _test_email(
    dsn: str, rule: AlertRule, to: str, head: Letterhead, now: datetime
) -> MailDraft | NoResult:
    made = await stored_test_email(dsn, rule, to, head, now)
    return made or NoResult(
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
