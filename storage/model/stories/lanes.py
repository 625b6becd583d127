"""Pure: what is drawn of the accounts of a story up to a moment, and what of it is drawn of many together."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

from storage.model.core.accounts import AccountId
from storage.model.core.availability import Flag, State, Status
from storage.model.core.coverage_gaps import Seen
from storage.model.stories.figures import StoryFacts, Subject
from storage.model.stories.stories import WrittenStory


@dataclass(frozen=True, slots=True)
class Span:
    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Piece(Span):
    """A time in which somebody looked and one confirmed state was seen."""

    state: State
    flags: frozenset[Flag]


@dataclass(frozen=True, slots=True)
class StoryLane:
    """What is drawn of one account up to a moment. What is left empty was not looked at."""

    pieces: tuple[Piece, ...]
    windows: tuple[Span, ...]
    """Times in which a change lies."""
    pending: tuple[Span, ...]
    """What was seen and is not decided about."""


def lanes_at(story: WrittenStory, facts: StoryFacts, at: datetime, now: datetime) -> list[StoryLane]:
    """The lane of each subject, in their order, up to `at` and not after."""
    known = story.known(at, now)
    looks = facts.looks[known]
    pending: dict[AccountId, list[Span]] = {}
    for c in facts.changes:
        if c.first_seen_new <= at and c.is_open_by(known):
            pending.setdefault(c.account_id, []).append(Span(max(c.first_seen_new, story.head.since), at))
    return [
        _lane(story, facts, subject, (at, known), looks.get(subject.account_id), pending)
        for subject in facts.subjects
    ]


def _lane(
    story: WrittenStory,
    facts: StoryFacts,
    subject: Subject,
    moment: tuple[datetime, datetime],
    seen: Seen | None,
    pending: Mapping[AccountId, Sequence[Span]],
) -> StoryLane:
    at, known = moment
    begin = max(story.head.since, subject.added_at)
    if seen is None or seen.last is None or begin > at:
        return StoryLane((), (), ())
    own = [v for v in facts.versions.get(subject.account_id, ()) if v.since <= at and v.is_known(known)]
    own = [v for v in own if v.until is None or v.until > begin]
    silences = [(g.since, g.until) for g in seen.gaps if g.until is not None and g.until <= at]
    last = _last_look(seen, at, story.late_after)
    pieces: list[Piece] = []
    for n, v in enumerate(own):
        following = own[n + 1] if n + 1 < len(own) else None
        end = min(v.until or at, at) if following is None else following.onset_after or following.since
        start, end = max(v.since, begin), min(max(end, v.since), last)
        if start <= end:
            pieces += (Piece(a, b, v.state, v.flags) for a, b in _without(start, end, silences))
    windows = [
        Span(max(v.onset_after, begin), v.since) for v in own if v.onset_after is not None and v.since > begin
    ]
    return StoryLane(tuple(pieces), tuple(windows), tuple(pending.get(subject.account_id, ())))


def _last_look(seen: Seen, at: datetime, limit: timedelta) -> datetime:
    """Up to when an account counts as looked at, seen from `at`: that moment, unless the silence before it is
    too long. `seen` has a reading.
    """
    for gap in seen.gaps:
        if gap.since < at and (gap.until is None or at < gap.until) and at - gap.since > limit:
            return gap.since
    return at if seen.last is None or at - seen.last <= limit else seen.last


def _without(
    since: datetime, until: datetime, silences: Sequence[tuple[datetime, datetime]]
) -> Iterator[tuple[datetime, datetime]]:
    """The parts of a time that lie in no silence; one reading alone is a part without length."""
    start = since
    for begun, ended in silences:
        if ended <= start or begun >= until:
            continue
        if begun >= start:
            yield start, begun
        start = ended
    if start <= until:
        yield start, until


Shared = Counter[tuple[Status, bool] | None]
"""Accounts by the status that they were seen in, and whether that may as well be the owner's own deletion.
None: between the two readings of a change. Who is in none of them was not checked.
"""


def shares(lanes: Sequence[StoryLane], story: WrittenStory, bins: int) -> list[Shared]:
    """How many accounts were seen in what, in the middle of each of equal parts of the range."""
    since = story.head.since
    wide = (story.head.until - since) / bins
    steps: list[Shared] = [Counter() for _ in range(bins + 1)]

    def add(key: tuple[Status, bool] | None, span: Span) -> None:
        first, last = (min(max(ceil((t - since) / wide - 0.5), 0), bins) for t in (span.since, span.until))
        steps[first][key] += 1
        steps[last][key] -= 1

    for lane in lanes:
        for piece in lane.pieces:
            add((piece.state.status, Flag.SUSPENDED_OR_DELETED in piece.flags), piece)
        for window in lane.windows:
            if window.until - window.since <= story.late_after:
                add(None, window)
    out: list[Shared] = []
    running: Shared = Counter()
    for step in steps[:bins]:
        running.update(step)
        out.append(Counter({key: n for key, n in running.items() if n > 0}))
    return out


def unchecked_share(story: WrittenStory, facts: StoryFacts, lanes: Sequence[StoryLane]) -> float | None:
    """Of the time of the range, once for each account that was on file, what was not checked. None: of none.

    `lanes` are those of the whole range.
    """
    looked = whole = timedelta(0)
    for subject, lane in zip(facts.subjects, lanes, strict=True):
        whole += max(story.head.until - max(story.head.since, subject.added_at), timedelta(0))
        looked += sum((p.until - p.since for p in lane.pieces), timedelta(0))
        spans = (w.until - w.since for w in lane.windows)
        looked += sum((span for span in spans if span <= story.late_after), timedelta(0))
    return None if not whole else max(0.0, 1 - looked / whole)
