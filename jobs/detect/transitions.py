"""What one reading means for one account. Every status transition of Blockline is in this file.

An account has a confirmed state and at most one provisional change. A reading that agrees with
the confirmed state ends the provisional change; one that agrees with the provisional change
brings it nearer to confirmation; one that agrees with neither ends it and opens another. A missed
attempt is not a reading, so it never comes here.

An answer speaks of a moment between question and answer. So the old state is certain up to when
it was asked for (`asked_at`), and the new one from when its answer had arrived (`reading.at`).

An answer may say nothing of some countries. It is then taken to say of them what is held already, and
no more: a change there did not begin after such an answer, it may have begun before.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from jobs.detect.confirmation import ConfirmationRule
from storage.model.core.availability import Outcome, Reading, Reason, State, Status
from storage.model.core.known_state import Closed, Known, Pending, ReadingEffect

_BY_COUNTRY = {Status.AVAILABLE, Status.WITHHELD}


def completed(known: Known, reading: Reading) -> Reading | None:
    """The reading with what is held of the countries that it is silent on.

    None when it leaves open whether a provisional change is so: it does not count for this account.
    """
    silent = reading.silent_on
    if not silent or reading.state.status not in _BY_COUNTRY:
        return reading
    pending = None if known.pending is None else known.pending.state
    possible = [s for s in (known.state, pending) if s is not None and _heard(s, silent) == reading.state]
    if len(possible) > 1:
        return None
    # What was heard last of each: the provisional change knows more than the state that it is to replace.
    last = pending if pending is not None and pending.status in _BY_COUNTRY else known.state
    if possible and last is not None and not _differ(possible[0], last, silent):
        return replace(reading, state=possible[0])
    held = last.withheld_in if last is not None else ()
    return replace(reading, state=_withheld({*reading.state.withheld_in, *(c for c in held if c in silent)}))


def _differ(one: State, other: State, countries: Collection[str]) -> bool:
    """Whether two states say something different of any of these countries."""
    return not set(countries).isdisjoint(set(one.withheld_in) ^ set(other.withheld_in))


def as_answered(reading: Reading) -> Reading:
    """A reading without what was `completed`: what its answer itself showed."""
    heard = _heard(reading.state, reading.silent_on)
    return reading if heard is None else replace(reading, state=heard)


def _heard(state: State, silent: Collection[str]) -> State | None:
    """What an answer that is silent on these countries shows of an account in this state."""
    if state.status not in _BY_COUNTRY:
        return None
    return _withheld(c for c in state.withheld_in if c not in silent)


def _withheld(countries: Iterable[str]) -> State:
    found = tuple(sorted(countries))
    return State(Status.WITHHELD, found) if found else State(Status.AVAILABLE)


def says_nothing_new(known: Known, reading: Reading) -> bool:
    """Whether a reading shows what is known, of every country and with nothing provisional: its `step` then
    depends on no more than its state and its times.
    """
    return (
        known.pending is None
        and reading.state == known.state
        and not reading.silent_on
        and (known.last_read_at is None or reading.at > known.last_read_at)
    )


def step(
    known: Known, reading: Reading, asked_at: datetime, rule: ConfirmationRule, *, cohort_active: bool
) -> ReadingEffect:
    """Apply one reading, `completed` before. One not later than the last changes nothing: it is a repeat."""
    if known.last_read_at is not None and reading.at <= known.last_read_at:
        return ReadingEffect(known)
    pending = known.pending
    if pending is None:
        if reading.state == known.state:
            return ReadingEffect(_known(known, reading, asked_at, known.state))
        return _open(known, reading, asked_at, rule, cohort_active=cohort_active)
    if reading.state == pending.state:
        return _agree(known, pending, reading, asked_at, rule, cohort_active=cohort_active)
    if reading.state == known.state:
        refuted = Closed(pending, Outcome.NOT_CONFIRMED, Reason.WENT_BACK)
        return ReadingEffect(_known(known, reading, asked_at, known.state), refuted=refuted)
    refuted = Closed(pending, Outcome.NOT_CONFIRMED, Reason.MOVED_ON)
    return replace(_open(known, reading, asked_at, rule, cohort_active=cohort_active), refuted=refuted)


def _open(
    known: Known, reading: Reading, asked_at: datetime, rule: ConfirmationRule, *, cohort_active: bool
) -> ReadingEffect:
    """The first contrary reading. Whatever was read last contradicts it, so the onset lies after that."""
    pending = Pending(
        state=reading.state,
        strength=reading.strength,
        last_seen_old=_last_seen_old(known, reading.state),
        first_seen_new=reading.at,
        agreeing=1,
        last_agreeing_at=reading.at,
        next_read_at=rule.next_read_at(1, reading.at, reading.at),
        flags=reading.flags,
    )
    reason = rule.verdict(known.state, pending.state, pending.strength, 1, cohort_active=cohort_active)
    if reason is not None:
        confirmed = Closed(pending, Outcome.CONFIRMED, reason)
        return ReadingEffect(
            _known(known, reading, asked_at, pending.state),
            opened=pending,
            confirmed=confirmed,
        )
    return ReadingEffect(_known(known, reading, asked_at, known.state, pending), opened=pending)


def _agree(
    known: Known,
    pending: Pending,
    reading: Reading,
    asked_at: datetime,
    rule: ConfirmationRule,
    *,
    cohort_active: bool,
) -> ReadingEffect:
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
        return ReadingEffect(_known(known, reading, asked_at, pending.state), confirmed=confirmed)
    return ReadingEffect(_known(known, reading, asked_at, known.state, now_pending), advanced=True)


def _known(
    before: Known, reading: Reading, asked_at: datetime, state: State | None, pending: Pending | None = None
) -> Known:
    """What is held after a reading; of the countries that it is silent on, when each was last heard of."""
    if not reading.silent_on:
        return Known(state, reading.at, asked_at, pending)
    heard = {c: before.heard.get(c, before.last_asked_at) for c in reading.silent_on}
    return Known(state, reading.at, asked_at, pending, heard)


def _last_seen_old(known: Known, new: State) -> datetime | None:
    """When the last answer was asked for that contradicts the new state."""
    last = known.state if known.pending is None else known.pending.state
    if not known.heard or last is None or not {last.status, new.status} <= _BY_COUNTRY:
        return known.last_asked_at
    changed = set(last.withheld_in) ^ set(new.withheld_in)
    if any(c not in known.heard for c in changed):
        return known.last_asked_at
    # What the last answer spoke of is as before. Of the rest, each country was last heard of at its own time.
    times = [at for c in changed if (at := known.heard[c]) is not None]
    return min(times) if len(times) == len(changed) else None
