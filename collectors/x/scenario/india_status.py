"""Pure: what happens to each account of the India 2021 scenario, and when.

Published are only the totals (story: 250 withheld and restored on 1 February, 126 of 257 and 583 of
1,178 acted on by 11 February). Every time and every split below them is an assumption.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from collectors.x.scenario.india_cast import Cast, CastMember
from storage.model.core.availability import State, Status

START = datetime(2021, 1, 29, tzinfo=UTC)
END = datetime(2021, 2, 12, tzinfo=UTC)
COUNTED_AT = datetime(2021, 2, 11, 12, tzinfo=UTC)
"""The moment that the press figures of 11 February are compared with."""

WAVE_FROM = datetime(2021, 2, 1, 6, 48, 11, tzinfo=UTC)
WAVE_TO = datetime(2021, 2, 1, 7, 34, 52, tzinfo=UTC)
BACK_FROM = datetime(2021, 2, 1, 12, 6, 17, tzinfo=UTC)
BACK_TO = datetime(2021, 2, 1, 12, 46, 29, tzinfo=UTC)

NEVER_TOUCHED = 7
ACTED_ON_1 = 126
ACTED_ON_2 = 583
SUSPENDED_1 = 52
SUSPENDED_2 = 252
# Withheld first and suspended some days later: part of the suspended above.
_ESCALATED_1 = 6
_ESCALATED_2 = 14

# How many of the 709 lasting blocks begin on each day, 5 to 11 February: the drift gathers pace.
_DRIFT = ((5, 47), (6, 55), (7, 60), (8, 104), (9, 147), (10, 214), (11, 82))

_IN = State(Status.WITHHELD, ("IN",))
_AVAILABLE = State(Status.AVAILABLE)
_PROTECTED = State(Status.PROTECTED)
_SUSPENDED = State(Status.SUSPENDED)
_DEACTIVATED = State(Status.DEACTIVATED)


@dataclass(frozen=True, slots=True)
class ScenarioState:
    """From `at` on, an account is in this state under this handle."""

    person: CastMember
    at: datetime
    state: State
    handle: str


def moments(rng: Random, who: Cast) -> tuple[ScenarioState, ...]:
    """Every state of every account, by time: each account's first is its state at the start."""
    everyone = (
        *who.order_1,
        *who.order_2,
        *who.quiet,
        who.stable_canary,
        who.suspended_canary,
        who.chief,
        who.policy_head,
    )
    out = [ScenarioState(p, START, State(p.status), p.handle) for p in everyone]
    out += _wave(rng, who.order_1[NEVER_TOUCHED:])

    first, second = iter(who.order_1[NEVER_TOUCHED:]), iter(who.order_2)
    acted_on = _take(first, ACTED_ON_1), _take(second, ACTED_ON_2)
    out += _drift(rng, *acted_on)
    out += _blocked_for_a_while(rng, _take(first, 4) + _take(second, 5))
    out += _flapping(rng, _take(first, 2) + _take(second, 3))
    quiet = iter(who.quiet)
    out += _once(rng, _take(first, 6) + _take(second, 24) + _take(quiet, 2), _DEACTIVATED)
    out += _once(rng, _take(first, 3) + _take(second, 9) + _take(quiet, 3), _PROTECTED)
    out += _renames(rng, _take(first, 2) + _take(second, 2) + _take(quiet, 2))
    return tuple(sorted(out, key=lambda m: (m.at, m.person.native_id)))


def irregular(rng: Random, earliest: datetime, latest: datetime) -> datetime:
    """A second between the two, never on a full minute."""
    while True:
        at = earliest + timedelta(seconds=rng.randrange(int((latest - earliest).total_seconds()) + 1))
        if at.second:
            return at


def _take(people: Iterable[CastMember], count: int) -> tuple[CastMember, ...]:
    return tuple(person for _, person in zip(range(count), people, strict=False))


def _moment(person: CastMember, at: datetime, state: State) -> ScenarioState:
    return ScenarioState(person, at, state, person.handle)


def _wave(rng: Random, people: Sequence[CastMember]) -> list[ScenarioState]:
    """Withheld within the hour after noon in India, most of them early, and back the same evening."""
    span = (WAVE_TO - WAVE_FROM).total_seconds()
    out: list[ScenarioState] = []
    for person in people:
        blocked = WAVE_FROM + timedelta(seconds=int(rng.triangular(0, span, span / 5)))
        blocked += timedelta(seconds=int(blocked.second == 0))
        out += [
            _moment(person, blocked, _IN),
            _moment(person, irregular(rng, BACK_FROM, BACK_TO), _AVAILABLE),
        ]
    return out


def _drift(rng: Random, first: Sequence[CastMember], second: Sequence[CastMember]) -> list[ScenarioState]:
    """The lasting blocks: who is suspended and who withheld is drawn, how many is not."""
    onsets = [_onset(rng, day) for day, count in _DRIFT for _ in range(count)]
    rng.shuffle(onsets)
    onset = dict(zip((*first, *second), onsets, strict=True))
    suspended: set[CastMember] = set()
    escalated: set[CastMember] = set()
    for people, lost, later in ((first, SUSPENDED_1, _ESCALATED_1), (second, SUSPENDED_2, _ESCALATED_2)):
        early = [p for p in people if onset[p] < datetime(2021, 2, 9, tzinfo=UTC)]
        both = rng.sample(early, later)
        escalated.update(both)
        suspended.update(both, rng.sample([p for p in people if p not in escalated], lost - later))
    out: list[ScenarioState] = []
    for person, at in onset.items():
        if person in escalated:
            until = datetime(2021, 2, 11, 8, tzinfo=UTC)
            later_at = irregular(rng, at + timedelta(hours=14), min(at + timedelta(hours=60), until))
            out += [_moment(person, at, _IN), _moment(person, later_at, _SUSPENDED)]
        else:
            out.append(_moment(person, at, _SUSPENDED if person in suspended else _IN))
    return out


def _onset(rng: Random, day: int) -> datetime:
    """Mostly in office hours of India; the 11th ends before the press counts."""
    midnight = datetime(2021, 2, day, tzinfo=UTC)
    if day == COUNTED_AT.day:
        return irregular(rng, midnight + timedelta(hours=2), midnight + timedelta(hours=9))
    if rng.random() < 0.85:
        return irregular(rng, midnight + timedelta(hours=3, minutes=30), midnight + timedelta(hours=15))
    return irregular(rng, midnight, midnight + timedelta(hours=24) - timedelta(seconds=1))


def _blocked_for_a_while(rng: Random, people: Sequence[CastMember]) -> list[ScenarioState]:
    """Withheld during the drift and restored again: not acted on when the press counts."""
    out: list[ScenarioState] = []
    for person in people:
        day = datetime(2021, 2, rng.randrange(5, 9), tzinfo=UTC)
        blocked = irregular(rng, day + timedelta(hours=4), day + timedelta(hours=14))
        back = irregular(rng, blocked + timedelta(hours=17), blocked + timedelta(hours=50))
        out += [_moment(person, blocked, _IN), _moment(person, back, _AVAILABLE)]
    return out


def _flapping(rng: Random, people: Sequence[CastMember]) -> list[ScenarioState]:
    """Owners who lock and unlock their account, five to nine times."""
    out: list[ScenarioState] = []
    for person in people:
        at = irregular(rng, datetime(2021, 2, 2, tzinfo=UTC), datetime(2021, 2, 3, tzinfo=UTC))
        for n in range(rng.randrange(5, 10)):
            out.append(_moment(person, at, _AVAILABLE if n % 2 else _PROTECTED))
            at = irregular(rng, at + timedelta(hours=3), at + timedelta(hours=21))
    return out


def _once(rng: Random, people: Sequence[CastMember], state: State) -> list[ScenarioState]:
    """An act of the owner, at any time after the first wave; it stays."""
    earliest = datetime(2021, 2, 2, 2, tzinfo=UTC)
    return [_moment(p, irregular(rng, earliest, COUNTED_AT - timedelta(hours=3)), state) for p in people]


def _renames(rng: Random, people: Sequence[CastMember]) -> list[ScenarioState]:
    out: list[ScenarioState] = []
    for person in people:
        at = irregular(rng, datetime(2021, 2, 2, tzinfo=UTC), datetime(2021, 2, 10, tzinfo=UTC))
        out.append(ScenarioState(person, at, _AVAILABLE, f"{person.handle}_new"))
    return out
