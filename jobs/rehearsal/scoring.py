"""A rehearsal's judgement: what was detected, held against the truth that the simulators served.

The yardstick is an ideal monitor. It looks at the true history, not at any answer, at exactly those
times at which this run got conclusive answers, and believes a change by the same thresholds. What
it believes is what the run could observe; `jobs.detect.transitions` has no part in it. An answer that says
nothing of a country shows it no change there.
"""

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from collectors.simulator.history import HistoryAccount
from collectors.simulator.platform_simulator import simulator_of
from jobs.detect.confirmation import ConfirmationRule
from storage.model.core.availability import BY_COUNTRY, ChangeKind, State, Status
from storage.model.platforms.registry import DECLARED
from storage.readings.rehearsal_readback import Confirmed

_NO_SILENCES: Mapping[tuple[str, datetime], frozenset[str]] = MappingProxyType({})
_NO_READINGS: Mapping[str, Sequence[datetime]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Believed:
    """A confirmed change: from `old` to `new` somewhere in (`last_seen_old`, `first_seen_new`]."""

    native_id: str
    old: State | None
    new: State
    last_seen_old: datetime | None
    first_seen_new: datetime
    is_first: bool = False
    """The first state in a country: it claims no change."""


@dataclass(frozen=True, slots=True)
class StatusTimeline:
    """What a platform shows of one account over time: entry i of `states` holds from `times[i]`."""

    times: tuple[datetime, ...]
    states: tuple[State, ...]

    def at(self, when: datetime) -> State:
        return self.states[max(bisect_right(self.times, when) - 1, 0)]

    def start_of(self, when: datetime) -> datetime | None:
        """When the state at `when` began; None when it was so from the start of the record."""
        segment = bisect_right(self.times, when) - 1
        return self.times[segment] if segment > 0 else None


def shown(account: HistoryAccount) -> StatusTimeline:
    """The true history as an outsider can see it: states that look alike are one."""
    times: list[datetime] = []
    states: list[State] = []
    simulator, is_post = simulator_of(account.platform), DECLARED[account.platform].is_post(account.native_id)
    observable_of = simulator.observable_post if is_post else simulator.observable
    for at, state in zip(account.times, account.states, strict=True):
        seen = observable_of(state)
        if not states or states[-1] != seen:
            times.append(at)
            states.append(seen)
    return StatusTimeline(tuple(times), tuple(states))


@dataclass(slots=True)
class _Ideal:
    native_id: str
    lists: tuple[str, ...]
    line: StatusTimeline
    readings: Sequence[datetime]
    held: State | None = None
    wanted: State | None = None
    """The state of the change that is not believed yet."""
    first: int = 0
    """Index of its first reading."""
    agreeing: int = 0

    def is_unheard(self, at: datetime, silent: frozenset[str]) -> bool:
        """Whether a reading is silent on a country in which it would show a change."""
        state = self.line.at(at)
        others = (self.held, self.wanted) if silent and state.status in BY_COUNTRY else ()
        return any(
            other is not None and silent & (set(state.withheld_in) ^ set(other.withheld_in))
            for other in others
        )

    def next_contrary(self, index: int) -> int | None:
        """The next reading from `index` on that does not show the held state."""
        while index < len(self.readings):
            segment = max(bisect_right(self.line.times, self.readings[index]) - 1, 0)
            if self.line.states[segment] != self.held:
                return index
            if segment + 1 == len(self.line.times):
                return None
            index = bisect_left(self.readings, self.line.times[segment + 1], index)
        return None


@dataclass(slots=True)
class _Cohorts:
    rule: ConfirmationRule
    confirmed: dict[str, list[datetime]] = field(default_factory=dict[str, list[datetime]])

    def active(self, lists: Sequence[str], at: datetime) -> bool:
        for name in lists:
            times = self.confirmed.get(name, [])
            i = bisect_left(times, at)
            if i and times[i - 1] >= at - self.rule.cohort_window:
                return True
        return False


def as_believed(confirmed: Confirmed) -> Believed:
    """A stored change, to be held against the truth."""
    c = confirmed
    is_first = c.kind == ChangeKind.BASELINE and c.old is not None
    return Believed(c.native_id, c.old, c.new, c.last_seen_old, c.first_seen_new, is_first)


def observable(
    lines: Mapping[str, StatusTimeline],
    lists: Mapping[str, tuple[str, ...]],
    readings: Mapping[str, Sequence[datetime]],
    rule: ConfirmationRule,
    silences: Mapping[tuple[str, datetime], frozenset[str]] = _NO_SILENCES,
) -> list[Believed]:
    """What an ideal monitor believes that looks at the truth at those times. First states are left out.

    `silences` holds the countries that answers said nothing of, by account and time.
    """
    cohorts = _Cohorts(rule)
    believed: list[Believed] = []
    accounts = [_Ideal(i, lists.get(i, ()), line, readings.get(i, ())) for i, line in lines.items()]
    queue = [(a.readings[0], n, 0) for n, a in enumerate(accounts) if a.readings]
    heapq.heapify(queue)
    while queue:
        at, n, index = heapq.heappop(queue)
        account = accounts[n]
        silent = silences.get((account.native_id, at), frozenset())
        change = None if account.is_unheard(at, silent) else _look(account, index, at, rule, cohorts)
        if change is not None and change.old is not None:
            believed.append(change)
            for name in account.lists:
                cohorts.confirmed.setdefault(name, []).append(at)
        following = index + 1 if account.wanted is not None else account.next_contrary(index + 1)
        if following is not None and following < len(account.readings):
            heapq.heappush(queue, (account.readings[following], n, following))
    return believed


def _look(
    account: _Ideal, index: int, at: datetime, rule: ConfirmationRule, cohorts: _Cohorts
) -> Believed | None:
    state = account.line.at(at)
    if state == account.held:
        account.wanted = None
        return None
    if state != account.wanted:
        account.wanted, account.first, account.agreeing = state, index, 1
    elif (
        account.agreeing < len(rule.offsets)
        and at - account.readings[account.first] >= rule.offsets[account.agreeing]
    ):
        account.agreeing += 1
    if account.agreeing < _needed(account, state, at, rule, cohorts):
        return None
    before = account.readings[account.first - 1] if account.first else None
    change = Believed(account.native_id, account.held, state, before, account.readings[account.first])
    account.held, account.wanted = state, None
    return change


def _needed(account: _Ideal, state: State, at: datetime, rule: ConfirmationRule, cohorts: _Cohorts) -> int:
    if account.held is None and state.status in {Status.AVAILABLE, Status.PROTECTED}:
        return 1
    if state.status is not Status.NOT_FOUND:
        return rule.strong_readings  # the platform says so
    return rule.weak_readings - (rule.cohort_discount if cohorts.active(account.lists, at) else 0)


@dataclass(frozen=True, slots=True)
class RehearsalScore:
    """What a run found, against the truth. Every list holds the cases themselves, for the report."""

    changes_true: int
    observable: int
    detected: int
    false: list[Believed]
    """Believed, but not so at that reading, or told twice, or from a state that was not held before."""
    wrong_interval: list[Believed]
    """It was so, but it did not begin between the two readings."""
    misled: list[Believed]
    """As these, but the platform itself said of the account, at a reading that bounds the interval, that it
    did not exist, and no reading before had announced the change: no monitor can tell that from the truth.
    Only fault profiles that lie have such cases.
    """
    unseen: list[Believed]
    """Observable, but not detected."""
    spells_missed: int
    delays_s: list[float]
    """From the true time to the first agreeing reading, of every change whose interval is right."""


def hold_against_truth(
    lines: Mapping[str, StatusTimeline],
    ideal: Sequence[Believed],
    detected: Sequence[Believed],
    start: datetime,
    end: datetime,
    lied: Callable[[str, datetime], bool] = lambda _account, _at: False,
    readings: Mapping[str, Sequence[datetime]] = _NO_READINGS,
    silences: Mapping[tuple[str, datetime], frozenset[str]] = _NO_SILENCES,
) -> RehearsalScore:
    """Compare the confirmed changes of a run over [`start`, `end`] with the truth.

    `lied` tells whether the platform said untruly of an account, at a time, that it did not exist; `readings`
    are the times at which the accounts were read, `silences` as in `observable`.
    """

    def was_announced(change: Believed, began: datetime) -> bool:
        """Whether an answer before the interval showed what had truly begun."""
        after = change.last_seen_old
        return after is not None and any(
            began <= at <= after and not lied(change.native_id, at)
            for at in readings.get(change.native_id, ())
        )

    misled: list[Believed] = []
    false: list[Believed] = []
    wrong: list[Believed] = []
    delays: list[float] = []
    explained: set[tuple[str, datetime]] = set()
    changes_of: dict[str, list[tuple[datetime, State]]] = {}
    for change in sorted(detected, key=lambda c: c.first_seen_new):
        line = lines[change.native_id]
        before = changes_of.setdefault(change.native_id, [])
        held_state = before[-1][1] if before else None
        before.append((change.first_seen_new, change.new))
        began = line.start_of(change.first_seen_new)
        truth = line.at(change.first_seen_new)
        silent = silences.get((change.native_id, change.first_seen_new), frozenset())
        is_part = truth != change.new and _differ_only_in(truth, change.new, silent)
        is_true = (is_part or truth == change.new) and change.old == held_state != change.new
        bounds = [at for at in (change.last_seen_old, change.first_seen_new) if at is not None]
        is_misled = any(lied(change.native_id, at) for at in bounds)
        if not is_true or (began is not None and (change.native_id, began) in explained):
            (misled if is_misled and change.old == held_state else false).append(change)
        elif change.is_first or is_part:
            continue
        elif change.old is not None and (began is None or not _within(began, change)):
            is_wrong = not is_misled or (began is not None and was_announced(change, began))
            (wrong if is_wrong else misled).append(change)
        elif change.old is not None and began is not None:
            explained.add((change.native_id, began))
            delays.append((change.first_seen_new - began).total_seconds())
    changes = [c for c in detected if c.old is not None and not c.is_first]
    found = {_event(lines, c) for c in detected if c.old is not None}
    true_times = [(i, at, s) for i, line in lines.items() for at, s in _starts(line, start, end)]
    missed = [
        at
        for i, at, state in true_times
        if (i, at) not in explained and _held_at(changes_of.get(i, []), at) != state
    ]
    return RehearsalScore(
        changes_true=len(true_times),
        observable=len(ideal),
        detected=len(changes),
        false=false,
        wrong_interval=wrong,
        misled=misled,
        unseen=[b for b in ideal if _event(lines, b) not in found],
        spells_missed=len(missed),
        delays_s=sorted(delays),
    )


def _differ_only_in(one: State, other: State, countries: frozenset[str]) -> bool:
    """Whether two states say the same of all but these countries, of which an answer said nothing."""
    return {one.status, other.status} <= BY_COUNTRY and not (
        (set(one.withheld_in) ^ set(other.withheld_in)) - countries
    )


def _event(lines: Mapping[str, StatusTimeline], change: Believed) -> tuple[str, State, datetime | None]:
    """What truly happened, whichever reading showed it first."""
    return change.native_id, change.new, lines[change.native_id].start_of(change.first_seen_new)


def _within(began: datetime, change: Believed) -> bool:
    return (change.last_seen_old is None or change.last_seen_old < began) and began <= change.first_seen_new


def _starts(line: StatusTimeline, start: datetime, end: datetime) -> list[tuple[datetime, State]]:
    return [
        (at, state) for at, state in zip(line.times[1:], line.states[1:], strict=True) if start < at <= end
    ]


def _held_at(changes: Sequence[tuple[datetime, State]], at: datetime) -> State | None:
    """The state that the run held to be so at `at`, from its confirmed changes in order of time."""
    earlier = [state for seen, state in changes if seen <= at]
    return earlier[-1] if earlier else None
