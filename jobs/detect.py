"""What one reading means for one account. Every status transition of Blockline is in this file.

An account has a confirmed state and at most one provisional change. A reading that agrees with
the confirmed state ends the provisional change; one that agrees with the provisional change
brings it nearer to confirmation; one that agrees with neither ends it and opens another. A missed
attempt is not a reading, so it never comes here.

An answer speaks of a moment between question and answer. So the old state is certain up to when
it was asked for (`asked_at`), and the new one from when its answer had arrived (`reading.at`).
"""

from dataclasses import replace
from datetime import datetime

from jobs.confirm import ConfirmationRule
from storage.model.availability import Outcome, Reading, Reason
from storage.model.steps import Closed, Known, Pending, Step


def step(
    known: Known, reading: Reading, asked_at: datetime, rule: ConfirmationRule, *, cohort_active: bool
) -> Step:
    """Apply one reading. A reading not later than the last one changes nothing: it is a repeat."""
    if known.last_read_at is not None and reading.at <= known.last_read_at:
        return Step(known)
    pending = known.pending
    if pending is None:
        if reading.state == known.state:
            return Step(Known(known.state, reading.at, asked_at))
        return _open(known, reading, asked_at, rule, cohort_active=cohort_active)
    if reading.state == pending.state:
        return _agree(known, pending, reading, asked_at, rule, cohort_active=cohort_active)
    if reading.state == known.state:
        refuted = Closed(pending, Outcome.NOT_CONFIRMED, Reason.WENT_BACK)
        return Step(Known(known.state, reading.at, asked_at), refuted=refuted)
    refuted = Closed(pending, Outcome.NOT_CONFIRMED, Reason.MOVED_ON)
    return replace(_open(known, reading, asked_at, rule, cohort_active=cohort_active), refuted=refuted)


def _open(
    known: Known, reading: Reading, asked_at: datetime, rule: ConfirmationRule, *, cohort_active: bool
) -> Step:
    """The first contrary reading. Whatever was read last contradicts it, so the onset lies after that."""
    pending = Pending(
        state=reading.state,
        strength=reading.strength,
        last_seen_old=known.last_asked_at,
        first_seen_new=reading.at,
        agreeing=1,
        last_agreeing_at=reading.at,
        next_read_at=rule.next_read_at(1, reading.at, reading.at),
    )
    reason = rule.verdict(known.state, pending.state, pending.strength, 1, cohort_active=cohort_active)
    if reason is not None:
        confirmed = Closed(pending, Outcome.CONFIRMED, reason)
        return Step(Known(pending.state, reading.at, asked_at), opened=pending, confirmed=confirmed)
    return Step(Known(known.state, reading.at, asked_at, pending), opened=pending)


def _agree(
    known: Known,
    pending: Pending,
    reading: Reading,
    asked_at: datetime,
    rule: ConfirmationRule,
    *,
    cohort_active: bool,
) -> Step:
    counted = rule.counts(pending.agreeing, pending.first_seen_new, reading.at)
    agreeing = pending.agreeing + counted
    now_pending = replace(
        pending,
        agreeing=agreeing,
        last_agreeing_at=reading.at,
        next_read_at=rule.next_read_at(agreeing, pending.first_seen_new, reading.at),
    )
    reason = rule.verdict(known.state, pending.state, pending.strength, agreeing, cohort_active=cohort_active)
    if reason is not None:
        confirmed = Closed(now_pending, Outcome.CONFIRMED, reason)
        return Step(Known(pending.state, reading.at, asked_at), confirmed=confirmed)
    return Step(Known(known.state, reading.at, asked_at, now_pending), advanced=True)
