"""What one reading means for one account. Every status transition of Blockline is in this file.

An account has a confirmed state and at most one provisional change. A reading that agrees with the confirmed
state ends the provisional change. A reading that agrees with the provisional change brings it nearer to
confirmation. A reading that agrees with neither ends the provisional change and opens another. A missed
attempt is not a reading, so it never comes here.

An answer describes some moment between its request and its arrival. So the old state is certain only up to
the request (`asked_at`), and the new state only from the arrival of its answer (`reading.at`). When two
requests overlap, the order of their moments is unknown. An answer counts as earlier than another only if it
had arrived before the other was requested. An answer that shows what was known at its request opens no
change.

A platform may serve stale answers for a while and alternate between two states. So a sighted state stays
unsettled until another state has been read as often and for as long as the rule's `way_back` asks
(`Known.unsettled`). If the sighted state shows again before that, it may have lasted since it was sighted. A
sighting that was not confirmed does not narrow a change window: a change from the old state to a third state
began after the last reading of the old state.

An answer may say nothing about some countries; an answer that does not show the account says nothing about
any country. For these countries the known state is kept, and the answer proves nothing: a change found there
later may have begun before such an answer. The first answer that says anything about a country shows a first
state: being withheld there is then not a change.
"""

from collections.abc import Collection, Iterable, Mapping
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
    Strength,
)
from storage.model.core.known_state import (
    Closed,
    Known,
    Pending,
    ReadingEffect,
    Sighting,
    Unsettled,
)


def completed(known: Known, reading: Reading) -> Reading | None:
    """Fill in the known state of the countries about which the reading says nothing.

    None if the reading could show either the confirmed or the provisional state. Such a reading does not
    count for this account.
    """
    silent = reading.silent_on
    if not silent or reading.state.status not in BY_COUNTRY:
        return reading
    pending = None if known.pending is None else known.pending.state
    possible = [s for s in (known.state, pending) if s is not None and _heard(s, silent) == reading.state]
    if len(possible) > 1:
        return None
    # The last known state of each country. The provisional change is newer than the state that it is to
    # replace.
    last = pending if pending is not None and pending.status in BY_COUNTRY else known.state
    if possible and last is not None and not _differ(possible[0], last, silent):
        return replace(reading, state=possible[0])
    withheld_before = last.withheld_in if last is not None else ()
    return replace(
        reading, state=_withheld({*reading.state.withheld_in, *(c for c in withheld_before if c in silent)})
    )


def _differ(one: State, other: State, countries: Collection[str]) -> bool:
    """Whether two states differ in any of these countries."""
    return not set(countries).isdisjoint(set(one.withheld_in) ^ set(other.withheld_in))


def as_answered(reading: Reading) -> Reading:
    """Undo `completed`: reduce a reading to what its answer itself showed."""
    heard = _heard(reading.state, reading.silent_on)
    return reading if heard is None else replace(reading, state=heard)


def _heard(state: State, silent: Collection[str]) -> State | None:
    """Return what an answer shows of an account in this state if the answer says nothing about the `silent`
    countries. None if the status does not depend on the country.
    """
    if state.status not in BY_COUNTRY:
        return None
    return _withheld(c for c in state.withheld_in if c not in silent)


def _withheld(countries: Iterable[str]) -> State:
    found = tuple(sorted(countries))
    return State(Status.WITHHELD, found) if found else State(Status.AVAILABLE)


def says_nothing_new(known: Known, reading: Reading) -> bool:
    """Whether a reading repeats the known state for every country, and nothing is provisional or unsettled.
    The result of `step` then depends only on the state and the times.
    """
    return (
        known.pending is None
        and known.unsettled is None
        and reading.state == known.state
        and not reading.silent_on
        and (known.last_read_at is None or reading.at > known.last_read_at)
    )


def step(
    known: Known,
    reading: Reading,
    asked_at: datetime,
    rule: ConfirmationRule,
    *,
    cohort_active: bool,
    when_asked: Known | None = None,
) -> ReadingEffect:
    """Apply one reading that `completed` returned. A reading that is not later than the last one is a repeat
    and has no effect.

    `when_asked` is what was known when the reading was requested. It is None if no other answer arrived
    between the request and the reading (see `overlaps`).
    """
    if known.last_read_at is not None and reading.at <= known.last_read_at:
        return ReadingEffect(known)
    pending = known.pending
    if pending is not None and reading.state == pending.state:
        return _agree(known, pending, reading, asked_at, rule, cohort_active=cohort_active)
    if reading.state == known.state:
        refuted = None if pending is None else Closed(pending, Outcome.NOT_CONFIRMED, Reason.WENT_BACK)
        lasting = _lasting(known, reading, asked_at, reading.strength, rule, when_asked or known)
        return ReadingEffect(_known(known, reading, asked_at, known.state, lasting), refuted=refuted)
    refuted = None if pending is None else Closed(pending, Outcome.NOT_CONFIRMED, Reason.MOVED_ON)
    opened = _open(known, reading, asked_at, rule, when_asked, cohort_active=cohort_active)
    return replace(opened, refuted=refuted)


def overlaps(known: Known, asked_at: datetime) -> bool:
    """Whether a reading was requested before the last answer had arrived."""
    return known.last_read_at is not None and asked_at < known.last_read_at


def _open(
    known: Known,
    reading: Reading,
    asked_at: datetime,
    rule: ConfirmationRule,
    when_asked: Known | None,
    *,
    cohort_active: bool,
) -> ReadingEffect:
    """Open a provisional change at the first reading that contradicts the known state."""
    unsettled = _stirred(known, reading, when_asked or known)
    sighting = unsettled.sighted[reading.state]
    first = _first_seen_flags(known.state, reading.state, sighting.first_heard)
    pending = Pending(
        state=reading.state,
        strength=reading.strength,
        last_seen_old=sighting.last_seen_old,
        first_seen_new=reading.at,
        agreeing=1,
        last_agreeing_at=reading.at,
        next_read_at=rule.next_read_at(1, reading.at, reading.at),
        flags=(reading.flags - FIRST_SEEN_FLAGS) | first,
    )
    if when_asked is not None and _may_be_older(known, reading, when_asked):
        overtaken = Closed(pending, Outcome.NOT_CONFIRMED, Reason.OVERTAKEN)
        after = _known(known, reading, asked_at, known.state, replace(unsettled, agreeing=0))
        return ReadingEffect(after, opened=pending, overtaken=overtaken)
    reason = rule.verdict(known.state, pending.state, pending.strength, 1, cohort_active=cohort_active)
    if reason is not None:
        confirmed = Closed(pending, Outcome.CONFIRMED, reason)
        believed = _believed(pending, unsettled)
        return ReadingEffect(
            _known(known, reading, asked_at, pending.state, believed),
            opened=pending,
            confirmed=confirmed,
        )
    return ReadingEffect(_known(known, reading, asked_at, known.state, unsettled, pending), opened=pending)


def _may_be_older(known: Known, reading: Reading, when_asked: Known) -> bool:
    """Whether a contradicting reading may be older than what is known.

    It may be older if the last answer before its request showed the same state. It may also be older if no
    state was known at its request, but one is known now.
    """
    shown = _last_shown(when_asked)
    return shown == reading.state or (shown is None and known.state is not None)


def _agree(
    known: Known,
    pending: Pending,
    reading: Reading,
    asked_at: datetime,
    rule: ConfirmationRule,
    *,
    cohort_active: bool,
) -> ReadingEffect:
    agreeing = pending.agreeing + _counts(rule, pending.agreeing, pending.first_seen_new, reading, asked_at)
    now_pending = replace(
        pending,
        agreeing=agreeing,
        last_agreeing_at=reading.at,
        next_read_at=rule.next_read_at(agreeing, pending.first_seen_new, reading.at),
    )
    unsettled = _lasting(known, reading, asked_at, pending.strength, rule, known)
    reason = rule.verdict(known.state, pending.state, pending.strength, agreeing, cohort_active=cohort_active)
    if reason is not None:
        confirmed = Closed(now_pending, Outcome.CONFIRMED, reason)
        believed = _believed(pending, unsettled)
        return ReadingEffect(_known(known, reading, asked_at, pending.state, believed), confirmed=confirmed)
    return ReadingEffect(_known(known, reading, asked_at, known.state, unsettled, now_pending), advanced=True)


def _counts(
    rule: ConfirmationRule, agreeing: int, since: datetime, reading: Reading, asked_at: datetime
) -> bool:
    """Whether a reading that agrees with earlier ones counts towards the rule. A reading does not count if it
    was requested before the first agreeing one arrived, because it may be older.
    """
    return asked_at >= since and rule.counts(agreeing, since, reading.at)


def _known(
    before: Known,
    reading: Reading,
    asked_at: datetime,
    state: State | None,
    unsettled: Unsettled | None,
    pending: Pending | None = None,
) -> Known:
    """What is known after a reading. A country about which the reading says nothing keeps the time of its
    last report.
    """
    if not reading.silent_on:
        return Known(state, reading.at, asked_at, pending, unsettled=unsettled)
    heard = {c: before.heard.get(c, before.last_asked_at) for c in reading.silent_on}
    return Known(state, reading.at, asked_at, pending, heard, unsettled)


def _stirred(known: Known, reading: Reading, when_asked: Known) -> Unsettled:
    """What is unsettled after a reading that differs from the one before."""
    sighted: Mapping[State, Sighting] = {} if known.unsettled is None else known.unsettled.sighted
    if reading.state not in sighted:
        sighted = {**sighted, reading.state: _sighting(known, reading.state, when_asked)}
    return Unsettled(reading.state, reading.at, int(_speaks_of(reading, sighted)), sighted)


def _lasting(
    known: Known,
    reading: Reading,
    asked_at: datetime,
    strength: Strength,
    rule: ConfirmationRule,
    when_asked: Known,
) -> Unsettled | None:
    """What is still unsettled after a reading that opens no change; None if nothing is."""
    before = known.unsettled
    if before is None:
        return None
    if reading.state != before.state:
        return _stirred(known, reading, when_asked)
    if not _speaks_of(reading, before.sighted):
        return before
    if not before.agreeing:
        return replace(before, since=reading.at, agreeing=1)
    agreeing = before.agreeing + _counts(rule, before.agreeing, before.since, reading, asked_at)
    if rule.settles(strength, agreeing, reading.at - before.since):
        return None
    return replace(before, agreeing=agreeing)


def _speaks_of(reading: Reading, sighted: Iterable[State]) -> bool:
    """Whether a reading distinguishes its state from every other sighted state, although it says nothing
    about some countries.
    """
    state, silent = reading.state, reading.silent_on
    return not silent or all(
        other == state
        or not {other.status, state.status} <= BY_COUNTRY
        or _heard(other, silent) != _heard(state, silent)
        for other in sighted
    )


def _sighting(known: Known, state: State, when_asked: Known) -> Sighting:
    """Return the earliest time at which a newly sighted state may have begun. The time depends on what was
    known when the reading was requested, and on what was sighted shortly before.
    """
    before = when_asked.unsettled
    if _last_shown(when_asked) == state:
        asked_then = Sighting(when_asked.last_asked_at)
        return asked_then if before is None else before.sighted.get(state, asked_then)
    first = _first_seen_in(when_asked, state)
    after = _last_seen_old(when_asked, state, first)
    if state == known.state:
        return Sighting(after, first)
    if before is not None and before.state != when_asked.state:
        unconfirmed = before.sighted[before.state]
        if unconfirmed.last_seen_old is not None or not unconfirmed.first_heard:
            after = _earlier(after, unconfirmed.last_seen_old)
    if known.unsettled is not None:
        for other, sighting in known.unsettled.sighted.items():
            if _announces(other, sighting, known.state, state):
                after = _earlier(after, sighting.last_seen_old)
    return Sighting(after, first)


def _announces(other: State, sighting: Sighting, old: State | None, new: State) -> bool:
    """Whether the sighted state `other` and the state `new` both differ from `old` in the same country. A
    country counts only if an answer before the sighting said something about it. False if `old` is None, or
    if one of the statuses does not depend on the country.
    """
    if old is None or not {other.status, old.status, new.status} <= BY_COUNTRY:
        return False
    was = set(old.withheld_in)
    reported = (was ^ set(other.withheld_in)) - sighting.first_heard
    return not reported.isdisjoint(was ^ set(new.withheld_in))


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else min(one, other)


def _believed(pending: Pending, unsettled: Unsettled | None) -> Unsettled | None:
    """What stays unsettled after a change is confirmed. Sightings from before this change's window are moved
    to its start, because a later change cannot have begun earlier.
    """
    if unsettled is None:
        return None
    after = pending.last_seen_old
    times = {s: sighting.last_seen_old for s, sighting in unsettled.sighted.items() if s != pending.state}
    sighted = {
        s: Sighting(after if at is None or (after is not None and at < after) else at)
        for s, at in times.items()
    }
    return replace(unsettled, sighted=sighted) if sighted else None


def _first_seen_in(known: Known, new: State) -> frozenset[str]:
    """The countries in which the new state is withheld, and about which no earlier answer said anything.

    A country stays among them while the sighting that first reported it is unsettled.
    """
    if known.state is None:
        return frozenset()
    never = {c for c in new.withheld_in if c in known.heard and known.heard[c] is None}
    if known.unsettled is not None:
        never.update(*(s.first_heard for s in known.unsettled.sighted.values()))
    return frozenset(never.intersection(new.withheld_in).difference(known.state.withheld_in))


def _last_shown(known: Known) -> State | None:
    """The state that the last answer showed."""
    return known.state if known.unsettled is None else known.unsettled.state


def _first_seen_flags(old: State | None, new: State, first: Collection[str]) -> frozenset[Flag]:
    if old is None or not first or new.status not in BY_COUNTRY:
        return frozenset()
    alone = old.status in BY_COUNTRY and set(old.withheld_in) ^ set(new.withheld_in) == set(first)
    return frozenset({Flag.FIRST_SEEN if alone else Flag.PARTLY_FIRST_SEEN})


def _last_seen_old(known: Known, new: State, first: Collection[str]) -> datetime | None:
    """Return when the last answer that contradicts the new state was requested. The countries in `first` are
    ignored. None if no answer contradicts the new state.
    """
    last, unsettled = _last_shown(known), known.unsettled
    if Flag.FIRST_SEEN in _first_seen_flags(known.state, new, first):
        return None
    if last is None or not {last.status, new.status} <= BY_COUNTRY:
        return known.last_asked_at
    changed = (set(last.withheld_in) ^ set(new.withheld_in)).difference(first)
    if unsettled is not None and not changed:
        # The remaining difference was new already in the sighting that this one replaces.
        return unsettled.sighted[last].last_seen_old
    if not known.heard or any(c not in known.heard for c in changed):
        return known.last_asked_at
    # The countries that the last answer reported are unchanged. Each of the others has its own last report.
    times = [at for c in changed if (at := known.heard[c]) is not None]
    return min(times) if len(times) == len(changed) else None
