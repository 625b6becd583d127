"""What one reading means for one account. Every status transition of Blockline is in this file.

An account has a confirmed state and at most one provisional change. A reading that agrees with
the confirmed state ends the provisional change; one that agrees with the provisional change
brings it nearer to confirmation; one that agrees with neither ends it and opens another. A missed
attempt is not a reading, so it never comes here.

An answer speaks of a moment between question and answer. So the old state is certain up to when
it was asked for (`asked_at`), and the new one from when its answer had arrived (`reading.at`).

An answer may say nothing of some countries; one that shows no account says nothing of any. It is then taken
to say of them what is held already, and no more: a change there did not begin after such an answer, it may
have begun before. A country of which no answer said anything before has a first state: that an account is
withheld there is then no change.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from datetime import datetime

from jobs.detect.confirmation import ConfirmationRule
from storage.model.core.availability import (
    BY_COUNTRY,
    FIRST_SEEN_FLAGS,
    Flag,
    Outcome,
    Reading,
    Reason,
    State,
    Status,
)
from storage.model.core.known_state import Closed, Known, Pending, ReadingEffect


def completed(known: Known, reading: Reading) -> Reading | None:
    """The reading with what is held of the countries that it is silent on.

    None when it leaves open whether a provisional change is so: it does not count for this account.
    """
    silent = reading.silent_on
    if not silent or reading.state.status not in BY_COUNTRY:
        return reading
    pending = None if known.pending is None else known.pending.state
    possible = [s for s in (known.state, pending) if s is not None and _heard(s, silent) == reading.state]
    if len(possible) > 1:
        return None
    # What was heard last of each: the provisional change knows more than the state that it is to replace.
    last = pending if pending is not None and pending.status in BY_COUNTRY else known.state
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
    if state.status not in BY_COUNTRY:
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
    first = _first_seen_in(known, reading.state)
    pending = Pending(
        state=reading.state,
        strength=reading.strength,
        last_seen_old=_last_seen_old(known, reading.state, first),
        first_seen_new=reading.at,
        agreeing=1,
        last_agreeing_at=reading.at,
        next_read_at=rule.next_read_at(1, reading.at, reading.at),
        flags=(reading.flags - FIRST_SEEN_FLAGS) | _first_seen_flags(known.state, reading.state, first),
        first_seen_in=first,
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


def _first_seen_in(known: Known, new: State) -> frozenset[str]:
    """The countries of a contrary state of which no answer spoke before.

    A provisional change that has such countries hands them on as long as it is not confirmed, also through
    one that shows no account.
    """
    handed = frozenset[str]() if known.pending is None else known.pending.first_seen_in
    if known.state is None or new.status not in BY_COUNTRY:
        return handed
    never = {c for c in new.withheld_in if c in known.heard and known.heard[c] is None}
    return (handed | never).intersection(new.withheld_in).difference(known.state.withheld_in)


def _first_seen_flags(old: State | None, new: State, first: Collection[str]) -> frozenset[Flag]:
    if old is None or not first or new.status not in BY_COUNTRY:
        return frozenset()
    alone = old.status in BY_COUNTRY and set(old.withheld_in) ^ set(new.withheld_in) == set(first)
    return frozenset({Flag.FIRST_SEEN if alone else Flag.PARTLY_FIRST_SEEN})


def _last_seen_old(known: Known, new: State, first: Collection[str]) -> datetime | None:
    """When the last answer was asked for that contradicts the new state, the countries `first` left aside."""
    pending = known.pending
    last = known.state if pending is None else pending.state
    if Flag.FIRST_SEEN in _first_seen_flags(known.state, new, first):
        return None
    if last is None or not {last.status, new.status} <= BY_COUNTRY:
        return known.last_asked_at
    changed = (set(last.withheld_in) ^ set(new.withheld_in)).difference(first)
    if pending is not None and not changed:
        # What else is new was new already in the provisional change that this one replaces.
        return pending.last_seen_old
    if not known.heard or any(c not in known.heard for c in changed):
        return known.last_asked_at
    # What the last answer spoke of is as before. Of the rest, each country was last heard of at its own time.
    times = [at for c in changed if (at := known.heard[c]) is not None]
    return min(times) if len(times) == len(changed) else None
