"""Pure: what is told of the accounts of a story at a moment, by what had been recorded by a time.

Counted as the Replay page counts (storage/health/status_at.py), but for the accounts that the story keeps.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.causes.causes import StatedCause
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.availability import SCOPE_FLAGS, ChangeKind, Flag, State, Status
from storage.model.core.coverage_gaps import Seen
from storage.model.stories.stories import WrittenStory
from storage.model.text.states import is_called_blocked
from storage.model.text.target_counts import Noun
from storage.model.text.time_bins import TimeBins


@dataclass(frozen=True, slots=True)
class Subject:
    """An account or a post of the story."""

    account_id: AccountId
    platform: Platform
    native_id: str
    handle: str
    """At the end of the range."""
    added_at: datetime
    """From then on it is counted."""
    is_post: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """A confirmed period of one account, as it was on record from `recorded_from` until `recorded_to`."""

    state: State
    flags: frozenset[Flag]
    onset_after: datetime | None
    since: datetime
    until: datetime | None
    recorded_from: datetime
    recorded_to: datetime | None

    def is_known(self, known: datetime) -> bool:
        return self.recorded_from <= known and (self.recorded_to is None or known < self.recorded_to)

    def covers(self, at: datetime) -> bool:
        return self.since <= at and (self.until is None or at < self.until)

    @property
    def is_blocked(self) -> bool:
        return is_called_blocked(self.state, self.flags)

    @property
    def is_back(self) -> bool:
        """Whether who was blocked before is back, as far as the platform goes."""
        return self.state.status in {Status.AVAILABLE, Status.PROTECTED}


@dataclass(frozen=True, slots=True)
class Noticed:
    """A change of one account or post, with when it was recorded, decided about and replaced."""

    change_id: int
    account_id: AccountId
    platform: Platform
    kind: ChangeKind
    old: State | None
    state: State
    flags: frozenset[Flag]
    last_seen_old: datetime | None
    first_seen_new: datetime
    recorded_at: datetime
    decided_at: datetime | None
    is_confirmed: bool
    superseded_at: datetime | None
    is_post: bool = False

    def stands(self, known: datetime) -> bool:
        """Whether it was on record by then, and by no later row replaced."""
        return self.recorded_at <= known and (self.superseded_at is None or self.superseded_at > known)

    def is_confirmed_by(self, known: datetime) -> bool:
        decided = self.decided_at is not None and self.decided_at <= known
        return self.is_confirmed and decided and self.stands(known)

    def is_open_by(self, known: datetime) -> bool:
        return (self.decided_at is None or self.decided_at > known) and self.stands(known)


@dataclass(frozen=True, slots=True)
class StoryFacts:
    """All that is on file of the accounts of a story, up to the end of its range."""

    subjects: tuple[Subject, ...]
    """By handle."""
    versions: Mapping[AccountId, Sequence[Version]]
    """By their times."""
    changes: Sequence[Noticed]
    """By when they were first seen; first states left out."""
    looks: Mapping[datetime, Mapping[int, Seen]]
    """When each account was read, by what had been recorded by a time."""
    late: Mapping[datetime, frozenset[int]]
    """By moment: who had not been read lately."""
    causes: Mapping[AccountId, Sequence[StatedCause]]
    """What is said of each account and its changes, with what was corrected or withdrawn since."""

    def known_state(self, account_id: AccountId, at: datetime, known: datetime) -> Version | None:
        """What was confirmed of that moment, by what was on record at `known`."""
        versions = self.versions.get(account_id, ())
        return next((v for v in versions if v.covers(at) and v.is_known(known)), None)


@dataclass(frozen=True, slots=True)
class FreshnessCount:
    """So many accounts, or posts, and those of them not read lately: of them nothing is known then."""

    accounts: int
    late: int

    @property
    def read(self) -> int:
        return self.accounts - self.late


@dataclass(frozen=True, slots=True)
class ConfirmedState:
    """A confirmed state that accounts of one platform were in. None: nothing was confirmed of them."""

    platform: Platform
    state: State | None
    flags: frozenset[Flag]
    """Those that say who took it down."""


@dataclass(frozen=True, slots=True)
class MomentFigures:
    """One moment of a story in numbers of accounts, or of posts: no number counts both."""

    at: datetime
    known_at: datetime
    accounts: int
    """On file by then: what every other number is of."""
    to_come: int
    """Of the story, and not on file yet."""
    late: int
    """Not read lately."""
    unconfirmed: int
    """Nothing was confirmed of them."""
    blocked: FreshnessCount
    withheld: FreshnessCount
    suspended: FreshnessCount
    countries: tuple[tuple[str, FreshnessCount], ...]
    """Withheld, by country, the most first; an account may be withheld in several."""
    restored: FreshnessCount
    """Blocked earlier in the range, and back."""
    provisional: int
    """Changes that were seen and neither confirmed nor refuted."""
    states: tuple[tuple[ConfirmedState, FreshnessCount], ...]
    """The most frequent first."""
    noun: Noun = "account"
    """What is counted."""


def figures_at(
    story: WrittenStory, facts: StoryFacts, at: datetime, now: datetime, noun: Noun = "account"
) -> MomentFigures:
    """The figures of the accounts of a story, or of its posts, at a moment of the range, read at `now`."""
    known, late, of_posts = story.known(at, now), facts.late[at], noun == "post"
    subjects = [s for s in facts.subjects if s.is_post is of_posts]
    counted = [s for s in subjects if s.added_at <= min(at, known)]
    alike: Counter[tuple[ConfirmedState, bool, bool]] = Counter()
    for subject in counted:
        found, was_blocked = _stands(facts.versions.get(subject.account_id, ()), story, at, known)
        restored = was_blocked and found is not None and found.is_back
        alike[standing(subject, found), restored, subject.account_id in late] += 1
    totals: Counter[str | ConfirmedState] = Counter()
    lates: Counter[str | ConfirmedState] = Counter()
    for (one, restored, is_late), n in alike.items():
        for name in (one, *_names(one, restored=restored)):
            totals[name] += n
            lates[name] += n * is_late

    def count(name: str | ConfirmedState) -> FreshnessCount:
        return FreshnessCount(totals[name], lates[name])

    states = [name for name in totals if isinstance(name, ConfirmedState)]
    countries = [name for name in totals if isinstance(name, str) and name[0] == "@"]
    return MomentFigures(
        at=at,
        known_at=known,
        accounts=len(counted),
        to_come=len(subjects) - len(counted),
        late=sum(s.account_id in late for s in counted),
        unconfirmed=totals["unconfirmed"],
        blocked=count("blocked"),
        withheld=count("withheld"),
        suspended=count("suspended"),
        countries=tuple((n[1:], count(n)) for n in sorted(countries, key=lambda n: (-totals[n], n))),
        restored=count("restored"),
        provisional=sum(
            c.is_post is of_posts and c.first_seen_new <= at and c.is_open_by(known) for c in facts.changes
        ),
        states=tuple((n, count(n)) for n in sorted(states, key=lambda n: (-totals[n], _order(n)))),
        noun=noun,
    )


def standing(subject: Subject, found: Version | None) -> ConfirmedState:
    """What an account is counted as, by what was confirmed of it."""
    if found is None:
        return ConfirmedState(subject.platform, None, frozenset())
    return ConfirmedState(subject.platform, found.state, found.flags & SCOPE_FLAGS)


def _order(confirmed: ConfirmedState) -> tuple[object, ...]:
    state = confirmed.state
    state_key = ("", ()) if state is None else (state.status.value, state.withheld_in)
    return confirmed.platform.value, *state_key, sorted(confirmed.flags)


def _stands(
    versions: Sequence[Version], story: WrittenStory, at: datetime, known: datetime
) -> tuple[Version | None, bool]:
    """What was confirmed of an account for the moment, and whether it was blocked earlier in the range."""
    found, was_blocked = None, False
    for version in versions:
        if version.since > at:
            break
        if not version.is_known(known):
            continue
        if version.until is None or at < version.until:
            found = version
        elif version.is_blocked and version.until > story.head.since:
            was_blocked = True
    return found, was_blocked


def _names(confirmed: ConfirmedState, *, restored: bool) -> Iterator[str]:
    """Under what an account is counted; a country has an @ before its code."""
    state = confirmed.state
    if state is None:
        yield "unconfirmed"
    elif is_called_blocked(state, confirmed.flags):
        yield "blocked"
        yield "withheld" if state.status is Status.WITHHELD else "suspended"
        yield from (f"@{country}" for country in state.withheld_in)
    elif restored:
        yield "restored"


def changes_between(
    facts: StoryFacts, after: datetime, until: datetime, known: datetime
) -> tuple[Noticed, ...]:
    """The changes confirmed by `known` that were first seen after one moment and up to the other."""
    return tuple(c for c in facts.changes if after < c.first_seen_new <= until and c.is_confirmed_by(known))


def density(
    facts: StoryFacts, since: datetime, until: datetime, known: datetime, bins: TimeBins
) -> list[Counter[ChangeKind]]:
    """How many changes of each kind were first seen in each bin, from `since` to `until`."""
    out: list[Counter[ChangeKind]] = [Counter() for _ in range(bins.count)]
    for change in facts.changes:
        if since <= change.first_seen_new <= until and change.is_confirmed_by(known):
            out[bins.place(change.first_seen_new)][change.kind] += 1
    return out
