"""Requests as a monitor brings them to its recorder: judged by the real rules, without a platform."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from collectors.core.collector import CollectorAnswer, Exchange
from jobs.collect.recorder import Recorder, comes_late
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.detect.confirmation import ConfirmationRule, RuleOfLists
from jobs.detect.judge import Judge, Judged, TrackedAccount
from storage.model.core.accounts import Account
from storage.model.core.availability import Missed, MissedReason, State
from storage.model.core.coverage import Batch, Roster, bitmap
from storage.model.core.known_state import Known
from tests.support.samples.readings import AVAILABLE, reading

LATENCY = timedelta(milliseconds=500)
RULE = ConfirmationRule()


@dataclass(frozen=True, slots=True)
class Poll:
    """One answered request."""

    batch: Batch
    judged: Judged
    answer: CollectorAnswer

    async def record(self, recorder: Recorder) -> bool:
        """False: memory is out of date, as it is after what came late."""
        if comes_late(self.batch, self.judged):
            await recorder.record_late(self.batch, self.judged, self.answer)
            return False
        return await recorder.record(self.batch, self.judged, self.answer)

    def apply(self) -> None:
        """Take over what it said, as the monitor does after the commit."""
        for w, _, step in self.judged.steps:
            w.known = step.known
            w.exchanges = self.answer.exchanges


def watched(accounts: Sequence[Account], known: Known) -> list[TrackedAccount]:
    return [TrackedAccount(a, frozenset(), known, None) for a in accounts]


def poll(
    roster: Roster,
    accounts: Sequence[TrackedAccount],
    at: datetime,
    said: Mapping[str, State],
    *,
    omitted: frozenset[str] = frozenset(),
    attempt: int = 0,
) -> Poll:
    """An answer that had come at `at`: what `said` names by native id, everybody else available."""
    asked_at = at - LATENCY
    ids = [w.account.native_id for w in accounts]
    answer = CollectorAnswer(
        tuple(reading(i, said.get(i, AVAILABLE), at) for i in ids if i not in omitted),
        tuple(Missed(i, at, MissedReason.OMITTED) for i in ids if i in omitted),
        (Exchange("/read", at, 200, b"an answer"),),
    )
    judged = Judge(RuleOfLists(RULE), RecentConfirmations(RULE.cohort_window))(
        answer, accounts, (), asked_at, at
    )
    batch = Batch(
        roster_id=roster.roster_id,
        slot=at,
        attempt=attempt,
        observed_at=at,
        outcome=judged.outcome,
        missed_reason=None,
        answered=bitmap(judged.answered),
        latency_ms=round(LATENCY.total_seconds() * 1000),
        missed=judged.missed,
    )
    return Poll(batch, judged, answer)
