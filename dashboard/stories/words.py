"""The words of a story: what its figures are called, by which knowledge, and what they leave open."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from dashboard.orders.report_words import CONFIRMATION, within
from dashboard.stories.reader import StoryRead
from dashboard.ui import words
from dashboard.ui.words import accounts, share
from storage.model.core.availability import EVERYWHERE
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

VIEW_NAME = {View.AS_IT_WAS: "As it was", View.AS_KNOWN_THEN: "As we knew it then"}
MOST_CHANGES = 12
"""Lines of changes below one caption."""

Fact = tuple[str, str, str]
"""What it is called, the figure, and what it means."""
Row = tuple[str, str, str]


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
    n = accounts(len(story.account_ids))
    of = "" if story.list_name is None else f"of the list “{clean(story.list_name)}” "
    which = f"{n}: all accounts {of}that were watched in this time, as known when the story was written"
    return f"{which}; purged accounts are left out"


def facts(read: StoryRead, figures: MomentFigures) -> list[Fact]:
    """One moment in figures. Where nobody looked nothing is called zero."""
    nothing = figures.accounts == figures.late
    late = (
        f"of {accounts(figures.accounts)}; not read in the {words.span(read.story.late_after)} before this "
        "moment"
    )
    out = [
        ("Blocked", *_read_lately(figures.blocked, _blocked_note(figures), nothing=nothing)),
        (
            "Back",
            *_read_lately(
                figures.restored, "blocked earlier in this range and available again", nothing=nothing
            ),
        ),
        ("Provisional", f"{figures.provisional:,}", "changes seen but not yet confirmed"),
        ("Not checked", f"{figures.late:,}", late),
    ]
    if figures.unconfirmed:
        out.append(
            ("Nothing confirmed", f"{figures.unconfirmed:,}", "accounts without a confirmed status yet")
        )
    if figures.to_come:
        out.append(
            ("Not stored yet", f"{figures.to_come:,}", "accounts of the story that no other figure includes")
        )
    return out


def _read_lately(count: FreshnessCount, note: str, *, nothing: bool) -> tuple[str, str]:
    before = f"and {count.late:,} more according to an earlier reading" if count.late else ""
    if nothing:
        return "not known", before or "no account was read recently"
    return f"{count.read:,}", "; ".join(part for part in (note, before) if part)


def _blocked_note(figures: MomentFigures) -> str:
    parts = [
        f"{count.read:,} {name}"
        for name, count in (("withheld", figures.withheld), ("suspended", figures.suspended))
        if count.read
    ]
    if not parts:
        return "none of the accounts read recently"
    return f"{' and '.join(parts)}, {share(figures.blocked.read, figures.accounts)} of the story's accounts"


def countries(figures: MomentFigures) -> list[Row]:
    """Withheld by country: the country, accounts, and those of them that had not been read lately."""
    return [
        ("All countries" if c == EVERYWHERE else country_name(c), f"{n.accounts:,}", f"{n.late:,}")
        for c, n in figures.countries
    ]


def states(figures: MomentFigures) -> list[Row]:
    """Each state: in words, accounts, and those of them that had not been read lately."""
    counts: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for confirmed, count in figures.states:
        name = of_many(state_words(confirmed))
        counts[name] += count.accounts
        late[name] += count.late
    return [(name, f"{n:,}", f"{late[name]:,}") for name, n in counts.items()]


def state_words(confirmed: ConfirmedState) -> str:
    if confirmed.state is None:
        return "Nothing confirmed"
    return capital(short_words(confirmed.state, confirmed.platform, confirmed.flags))


def changes(read: StoryRead, after: datetime, until: datetime) -> tuple[list[Row], str]:
    """What was first seen to change between two moments: words, accounts, and where the change lies.

    Then what is left out, as a sentence.
    """
    rows = _grouped(changes_between(read.facts, after, until, read.known(until)))
    shown = sorted(sorted(rows, key=lambda row: -row[1])[:MOST_CHANGES], key=rows.index)
    left = sum(n for _, n, _ in rows) - sum(n for _, n, _ in shown)
    note = f"Not listed: smaller groups with {accounts(left)} in all." if left else ""
    return [(what, f"{n:,}", when) for what, n, when in shown], note


def _grouped(found: Sequence[Noticed]) -> list[tuple[str, int, str]]:
    """One line for all accounts with the same change between the same two minutes, oldest first."""
    counted: Counter[tuple[str, str]] = Counter()
    for c in found:
        what = change_words(c.kind, c.old, c.state, c.platform, c.flags)
        counted[capital(of_many(what)), within(c.last_seen_old, c.first_seen_new)] += 1
    return [(what, n, when) for (what, when), n in counted.items()]


def unobserved(read: StoryRead, unchecked: float | None) -> list[str]:
    """What the story cannot say."""
    late = words.span(read.story.late_after)
    out = [
        f"An account counts as not checked if it was not read for {late}. A failed request is not a reading: "
        "it does not begin, end or shorten a status period.",
        "A change happened between the last reading that contradicts it and the first reading that "
        "shows it; the exact time was not observed. The intervals are in UTC and rounded outward to whole "
        "minutes.",
    ]
    if unchecked is not None:
        part = share(round(unchecked * 10_000), 10_000)
        out.insert(0, f"Added up over all accounts, {part} of the range was not checked.")
    return [
        *out,
        CONFIRMATION.replace("This report", "This story"),
        "Not observed: who asked for a block and why; posts withheld while their account was not; what "
        "happened between two readings; what connections other than the monitor's own would show.",
        "The accounts of the story were chosen when it was written. Each account counts from the time when "
        "it was stored; nothing is known about it before that time.",
    ]
