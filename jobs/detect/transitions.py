"""What one reading means for one account. Every status transition of Blockline is in this file.

An account has a confirmed state and at most one provisional change (`Pending`). If a reading agrees with the
confirmed state, the provisional change ends. If it agrees with the provisional change, the change comes
nearer to confirmation. If it agrees with neither, the provisional change ends and another one opens. A missed
attempt is not a reading and has no effect here.

Times: an answer describes some moment between its request (`asked_at`) and its arrival (`reading.at`). So the
old state is certain only up to the request of its last answer. The new state is certain only from the arrival
of its first answer.

Overlapping requests: an answer is earlier than another only if it arrived before the other was requested.
Otherwise the order is not known. If the answer then shows only what was already known when it was requested,
it proves nothing new. A change that it opens is closed at once (`Reason.OVERTAKEN`).

Stale answers: a platform may alternate between two states for a while. So each state that was seen is
remembered for some time (`Sighting`, `Unsettled`). If an answer shows that state again within this time, the
account may have had the state ever since it was first seen.

Unconfirmed states: an account may show a second state that is not confirmed, and then a third. The window of
the change to the third state begins at the last reading of the old state.

Countries: an answer may say nothing about some countries. An answer that does not show the account says
nothing about any country. For countries about which an answer says nothing, the known state is kept. If a
later answer shows a change there, the change may have begun before the answer that said nothing.

First answer about a country: it shows a first state. If the account is withheld there, that is not a change.
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
    """Add to a reading what is known of the countries about which it says nothing.

    If the reading fits both the confirmed and the provisional state, return None. The reading then does not
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
    """Reduce a reading to what its answer itself showed. This undoes `completed`."""
    heard = _heard(reading.state, reading.silent_on)
    return reading if heard is None else replace(reading, state=heard)


def _heard(state: State, silent: Collection[str]) -> State | None:
    """Remove the `silent` countries from a state, because the answer says nothing about them. None if the
    status does not depend on the country.
    """
    if state.status not in BY_COUNTRY:
        return None
    return _withheld(c for c in state.withheld_in if c not in silent)


def _withheld(countries: Iterable[str]) -> State:
    found = tuple(sorted(countries))
    return State(Status.WITHHELD, found) if found else State(Status.AVAILABLE)


def says_nothing_new(known: Known, reading: Reading) -> bool:
    """Whether a reading only repeats the known state for every country, while nothing is provisional or
    unsettled. The result of `step` then depends only on the state and the times.
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
    """Apply one reading that `completed` returned. A reading that is not later than the last one has no
    effect.

    `when_asked` is what was known when the reading was requested. None means that no other answer arrived
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

    True if the last answer that arrived before the reading's request showed the same state. If no state was
    known at that time, True if a state is known now.
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
    """Whether an agreeing reading counts towards the rule. A reading that was requested before `since` may be
    older than the first agreeing one, so it does not count.
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
    """What is known after a reading. If the reading says nothing about a country, the time of the country's
    last report is kept.
    """
    if not reading.silent_on:
        return Known(state, reading.at, asked_at, pending, unsettled=unsettled)
    heard = {c: before.heard.get(c, before.last_asked_at) for c in reading.silent_on}
    return Known(state, reading.at, asked_at, pending, heard, unsettled)


def _stirred(known: Known, reading: Reading, when_asked: Known) -> Unsettled:
    """What is unsettled (`Unsettled`) after a reading with another state than the reading before."""
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
    """What is still unsettled (`Unsettled`) after a reading that opens no change; None if nothing is."""
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
    """Whether a reading rules out every other sighted state (`Sighting`). A reading that says nothing about
    some countries may fit several states.
    """
    state, silent = reading.state, reading.silent_on
    return not silent or all(
        other == state
        or not {other.status, state.status} <= BY_COUNTRY
        or _heard(other, silent) != _heard(state, silent)
        for other in sighted
    )


def _sighting(known: Known, state: State, when_asked: Known) -> Sighting:
    """Return when a newly seen state may have begun at the earliest. `when_asked` is what was known when the
    reading was requested. States seen shortly before may make that time earlier.
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
    """Whether the state `other`, seen earlier, already showed part of the change from `old` to `new`: in some
    country, both `other` and `new` differ from `old`.

    `sighting` is the sighting of `other`. Countries in its `first_heard` are ignored. False if `old` is None,
    or if one of the statuses does not depend on the country.
    """
    if old is None or not {other.status, old.status, new.status} <= BY_COUNTRY:
        return False
    was = set(old.withheld_in)
    reported = (was ^ set(other.withheld_in)) - sighting.first_heard
    return not reported.isdisjoint(was ^ set(new.withheld_in))


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return None if one is None or other is None else min(one, other)


def _believed(pending: Pending, unsettled: Unsettled | None) -> Unsettled | None:
    """What stays unsettled (`Unsettled`) after a change is confirmed; None if nothing does.

    No later change can have begun before the window of the confirmed change. So sightings from before that
    window are moved to the start of the window.
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
    """The countries withheld in the state `new` about which no earlier answer said anything. Such a block is
    a first state, not a change. Unsettled answers (`Unsettled`) do not count as earlier answers.

    Countries in which the confirmed state is withheld are left out. Empty if no state is confirmed.
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
    """Return the request time of the last answer that contradicts the new state. The countries in `first` are
    ignored. None if no answer contradicts it.
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
