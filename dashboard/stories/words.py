"""The words of a story: what its figures are called, by which knowledge, and what they leave open."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.orders.report_words import CONFIRMATION, within
from dashboard.stories.reader import StoryRead
from dashboard.ui import words
from dashboard.ui.words import share
from storage.model.causes.words import NONE_RECORDED, NOT_KNOWN, cause_words
from storage.model.core.availability import EVERYWHERE
from storage.model.stories.causes import StatedOf, causes_between
from storage.model.stories.figures import (
    ConfirmedState,
    FreshnessCount,
    MomentFigures,
    Noticed,
    changes_between,
)
from storage.model.stories.stories import View, WrittenStory
from storage.model.text.countries import country_name
from storage.model.text.states import capital, change_words, clean, of_many, short_words
from storage.model.text.target_counts import Noun, TargetCount
from storage.model.text.units import number

VIEW_NAME = {View.AS_IT_WAS: "As it was", View.AS_KNOWN_THEN: "As we knew it then"}
MOST_CHANGES = 12
"""Lines of changes below one caption."""

Fact = tuple[str, str, str]
"""What it is called, the figure, and what it means."""
Row = tuple[str, str, str]
CauseRow = tuple[str, str]
"""Of how many accounts or posts it is stated, and the statement with its source."""


def knowledge(read: StoryRead) -> str:
    """By which knowledge every figure is, to follow a figure or a moment."""
    if read.story.head.view is View.AS_KNOWN_THEN:
        return "as known then"
    known = words.exact(read.known(read.story.head.until))
    settled = read.story.head.known_at is not None
    return f"as known on {known}" if settled else f"as known {read.occasion}, {known}"


def knowledge_sentence(read: StoryRead) -> str:
    """The same as a sentence for the head of the story."""
    if read.story.head.view is View.AS_KNOWN_THEN:
        return (
            "As we knew it then: each moment shows what had been recorded by that moment, and nothing "
            "recorded later."
        )
    known = words.exact(read.known(read.story.head.until))
    if read.story.head.known_at is not None:
        return (
            f"As it was: each moment is shown with everything recorded until {known}. Anything recorded "
            "later is left out."
        )
    return f"As it was: each moment is shown with everything recorded until {known} ({read.occasion})."


def whose(story: WrittenStory) -> str:
    count = story.count
    of = "" if story.list_name is None else f"of the list “{clean(story.list_name)}” "
    which = f"all {count.kinds} {of}that were watched in this time, as known when the story was written"
    return f"{count.words()}: {which}; purged {count.kinds} are left out"


def facts(read: StoryRead, figures: MomentFigures) -> list[Fact]:
    """The accounts, or the posts, of one moment in figures. Where nobody looked nothing is called zero."""
    noun = figures.noun
    late = (
        f"of {number(figures.accounts, noun)}; not read in the {words.span(read.story.late_after)} before "
        "this moment"
    )
    back = "blocked earlier in this range and available again"
    out = [
        ("Blocked", *_read_lately(figures, figures.blocked, _blocked_note(figures))),
        ("Back", *_read_lately(figures, figures.restored, back)),
        ("Provisional", f"{figures.provisional:,}", "changes seen but not yet confirmed"),
        ("Not checked", f"{figures.late:,}", late),
    ]
    if figures.unconfirmed:
        out.append(
            ("Nothing confirmed", f"{figures.unconfirmed:,}", f"{noun}s without a confirmed status yet")
        )
    if figures.to_come:
        out.append(
            ("Not stored yet", f"{figures.to_come:,}", f"{noun}s of the story that no other figure includes")
        )
    return [(_of(noun, name), value, note) for name, value, note in out]


def _of(noun: Noun, name: str) -> str:
    """A name in a table of accounts, or among them in one of posts: "Blocked, posts"."""
    return f"{name}, posts" if noun == "post" else name


def _read_lately(figures: MomentFigures, count: FreshnessCount, note: str) -> tuple[str, str]:
    before = f"and {count.late:,} more according to an earlier reading" if count.late else ""
    if figures.accounts == figures.late:
        return "not known", before or f"no {figures.noun} was read recently"
    return f"{count.read:,}", "; ".join(part for part in (note, before) if part)


def _blocked_note(figures: MomentFigures) -> str:
    parts = [
        f"{count.read:,} {name}"
        for name, count in (("withheld", figures.withheld), ("suspended", figures.suspended))
        if count.read
    ]
    if not parts:
        return f"none of the {figures.noun}s read recently"
    part = share(figures.blocked.read, figures.accounts)
    return f"{' and '.join(parts)}, {part} of the story's {figures.noun}s"


def countries(figures: MomentFigures) -> list[Row]:
    """Withheld by country: the country, accounts or posts, and those of them not read lately."""
    named = [("All countries" if c == EVERYWHERE else country_name(c), n) for c, n in figures.countries]
    return [(_of(figures.noun, name), f"{n.accounts:,}", f"{n.late:,}") for name, n in named]


def states(figures: MomentFigures) -> list[Row]:
    """Each state: in words, accounts or posts, and those of them that had not been read lately."""
    counts: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for confirmed, count in figures.states:
        name = _of(figures.noun, of_many(state_words(confirmed)))
        counts[name] += count.accounts
        late[name] += count.late
    return [(name, f"{n:,}", f"{late[name]:,}") for name, n in counts.items()]


def state_words(confirmed: ConfirmedState) -> str:
    if confirmed.state is None:
        return "Nothing confirmed"
    return capital(short_words(confirmed.state, confirmed.platform, confirmed.flags))


def changes(read: StoryRead, after: datetime, until: datetime) -> tuple[list[Row], str]:
    """What was first seen to change between two moments: words, accounts or posts, and where the change lies.

    Then what is left out, as a sentence.
    """
    rows = _grouped(changes_between(read.facts, after, until, read.known(until)))
    shown = sorted(sorted(rows, key=lambda row: -row.count.total)[:MOST_CHANGES], key=rows.index)
    left = sum((row.count for row in rows if row not in shown), TargetCount())
    note = f"Not listed: smaller groups with {left.words()} in all." if left else ""
    return [(row.what, f"{row.count.total:,}", row.when) for row in shown], note


def causes(read: StoryRead, after: datetime, until: datetime) -> list[CauseRow]:
    """What is stated of why accounts and posts were blocked or gone between two moments, those without a
    cause last. Empty if none was, or if no cause of any of them is recorded.
    """
    found = causes_between(read.facts, after, until, read.known(until))
    stated = [(one, one.text) for one in found if one.text is not None]
    if not stated:
        return []
    rows = [(number(one.count, one.noun), cause_words(text)) for one, text in stated[:MOST_CHANGES]]
    if left := sum((_count(one) for one, _ in stated[MOST_CHANGES:]), TargetCount()):
        rows.append((left.words(), "Other statements, not listed here."))
    return rows + [(number(one.count, one.noun), f"{NOT_KNOWN}.") for one in found if one.text is None]


def causes_note(read: StoryRead) -> str:
    """That no cause of the whole range is known; empty if one is, or if nothing was blocked or gone."""
    until = read.story.head.until
    found = causes_between(read.facts, read.story.head.since, until, read.known(until))
    is_known = not found or any(one.text is not None for one in found)
    return "" if is_known else NONE_RECORDED


def _count(one: StatedOf) -> TargetCount:
    return TargetCount(0, one.count) if one.noun == "post" else TargetCount(one.count)


@dataclass(frozen=True, slots=True)
class _ChangeGroup:
    """The accounts, or the posts, with the same change between the same two minutes."""

    what: str
    when: str
    count: TargetCount


def _grouped(found: Sequence[Noticed]) -> list[_ChangeGroup]:
    """One line for each such group, oldest first. Accounts and posts are never in one."""
    counted: Counter[tuple[str, str, bool]] = Counter()
    for c in found:
        what = capital(of_many(change_words(c.kind, c.old, c.state, c.platform, c.flags)))
        noun: Noun = "post" if c.is_post else "account"
        counted[_of(noun, what), within(c.last_seen_old, c.first_seen_new), c.is_post] += 1
    return [
        _ChangeGroup(what, when, TargetCount(0, n) if is_post else TargetCount(n))
        for (what, when, is_post), n in counted.items()
    ]


def unobserved(read: StoryRead, unchecked: float | None) -> list[str]:
    """What the story cannot say."""
    late, count = words.span(read.story.late_after), read.story.count
    out = [
        f"{capital(count.one)} counts as not checked if it was not read for {late}. A failed request is not "
        "a reading: it does not begin, end or shorten a status period.",
        "A change happened between the last reading that contradicts it and the first reading that "
        "shows it; the exact time was not observed. The intervals are in UTC and rounded outward to whole "
        "minutes.",
    ]
    if unchecked is not None:
        part = share(round(unchecked * 10_000), 10_000)
        out.insert(0, f"Added up over all {count.kinds}, {part} of the range was not checked.")
    unwatched = "posts withheld while their account was not"
    if count.posts:
        unwatched = "posts that are not of this story"
    return [
        *out,
        CONFIRMATION.replace("This report", "This story"),
        f"Not observed: who asked for a block and why; {unwatched}; what happened between two readings; "
        "what connections other than the monitor's own would show.",
        f"The {count.kinds} of the story were chosen when it was written. Each counts from the time when it "
        "was stored; nothing is known about it before that time.",
    ]
