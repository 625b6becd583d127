"""A story as its reader has it, on the page of the dashboard and in the file alike."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from dashboard.stories.chart_style import SIGNS
from dashboard.stories.reader import StoryRead
from dashboard.stories.story_json import story_json
from dashboard.stories.svg import MOST_LANES, moment_figure, overview, sample_of
from dashboard.stories.words import (
    CauseRow,
    Fact,
    Row,
    causes,
    causes_note,
    changes,
    countries,
    facts,
    knowledge,
    knowledge_sentence,
    state_words,
    states,
    unobserved,
    whose,
)
from dashboard.ui import words
from storage.model.stories.figures import Subject, density, standing
from storage.model.stories.lanes import lanes_at, unchecked_share
from storage.model.stories.stories import Caption
from storage.model.text.states import PLATFORM_NAME, capital, clean
from storage.model.text.target_counts import TargetCount
from storage.model.text.time_bins import time_bins

MOST_MEMBERS = 1_000
"""Accounts that are listed one by one at the end."""


@dataclass(frozen=True, slots=True)
class CaptionContent:
    """One moment: what somebody wrote about it, and what was seen up to it."""

    number: int
    caption: Caption
    at: str
    knowledge: str
    facts: list[Fact]
    states: list[Row]
    countries: list[Row]
    changes: list[Row]
    changes_since: str
    causes: list[CauseRow]
    not_listed: str
    figure: Markup


@dataclass(frozen=True, slots=True)
class StoryContent:
    kinds: str
    """What the story is of: "accounts", "posts", "accounts and posts"."""
    one: str
    """Any of them: "an account", "a post", "an account or a post"."""
    title: str
    synthetic: bool
    knowledge: str
    facts: list[tuple[str, str]]
    overview: Markup
    signs: list[tuple[Markup, str]]
    captions: list[CaptionContent]
    changes: list[Row]
    """Of the whole range."""
    not_listed: str
    causes: list[CauseRow]
    """Of the whole range too."""
    causes_note: str
    members: list[tuple[str, str, str]]
    """Handle, platform with its id, and the state at the end of the range. Posts say that they are."""
    members_note: str
    unobserved: list[str]
    sha256: str
    file_name: str


def story_content(read: StoryRead) -> StoryContent:
    """The same story and knowledge give the same content. May take a second of a processor."""
    story = read.story
    end = story.head.until
    lanes = lanes_at(story, read.facts, end, read.now)
    bins = time_bins(story.head.since, end)
    found = density(read.facts, story.head.since, end, read.known(end), bins)
    of_all, not_listed = changes(read, story.head.since, end)
    return StoryContent(
        kinds=story.count.kinds,
        one=story.count.one,
        title=story.head.title,
        synthetic=read.synthetic,
        knowledge=knowledge_sentence(read),
        facts=_head(read),
        overview=overview(story, lanes, bins, found, sum(one.accounts for one in read.sections(end))),
        signs=_signs(story.count.kinds),
        captions=_captions(read),
        changes=of_all,
        not_listed=not_listed,
        causes=causes(read, story.head.since, end),
        causes_note=causes_note(read),
        members=_members(read),
        members_note=_members_note(read.facts.subjects[MOST_MEMBERS:]),
        unobserved=unobserved(read, unchecked_share(story, read.facts, lanes)),
        sha256=str(story_json(read)["sha256"]),
        file_name=read.name(),
    )


def _head(read: StoryRead) -> list[tuple[str, str]]:
    story = read.story
    written = f"{clean(story.written_by)}, {words.stamp(story.written_at)}"
    if story.version > 1:
        changed = f"{clean(story.changed_by)}, {words.stamp(story.changed_at)}"
        written += f"; this is version {story.version}, by {changed}"
    return [
        ("Range", f"{words.exact(story.head.since)} to {words.exact(story.head.until)}"),
        (capital(story.count.kinds), whose(story)),
        ("Written by", written),
    ]


def _captions(read: StoryRead) -> list[CaptionContent]:
    out: list[CaptionContent] = []
    before = read.story.head.since
    by = knowledge(read)
    for n, caption in enumerate(read.story.captions, 1):
        sections = read.sections(caption.at)
        lanes = lanes_at(read.story, read.facts, caption.at, read.now)
        found, left = changes(read, before, caption.at)
        out.append(
            CaptionContent(
                number=n,
                caption=caption,
                at=words.exact(caption.at),
                knowledge=by,
                facts=[fact for one in sections for fact in facts(read, one)],
                states=[row for one in sections for row in states(one)],
                countries=[row for one in sections for row in countries(one)],
                changes=found,
                causes=causes(read, before, caption.at),
                changes_since="since the previous caption" if n > 1 else "since the range began",
                not_listed=left,
                figure=moment_figure(read.story, read.facts, lanes, caption.at, by, f"moment-{n}"),
            )
        )
        before = caption.at
    return out


def _signs(kinds: str) -> list[tuple[Markup, str]]:
    return [
        *((sample_of(f"s-{status.value}"), name) for status, name in SIGNS.items()),
        (sample_of("s-window"), "The change happened in this time"),
        (sample_of("s-pending"), "Provisional: seen, not yet confirmed"),
        (sample_of("s-unread"), f"Not checked (with up to {MOST_LANES} {kinds}: left empty)"),
    ]


def _members(read: StoryRead) -> list[tuple[str, str, str]]:
    end = read.story.head.until
    out: list[tuple[str, str, str]] = []
    for subject in read.facts.subjects[:MOST_MEMBERS]:
        found = read.facts.known_state(subject.account_id, end, read.known(end))
        said = state_words(standing(subject, found))
        late = ", according to an earlier reading" if subject.account_id in read.facts.late[end] else ""
        if subject.added_at > min(end, read.known(end)):
            said, late = "Not stored yet", ""
        where = f"{'Post on ' if subject.is_post else ''}{PLATFORM_NAME[subject.platform]}"
        platform = f"{where}, id {clean(subject.native_id, 120)}"
        out.append((f"@{clean(subject.handle, 80)}", platform, said + late))
    return out


def _members_note(left: Sequence[Subject]) -> str:
    posts = sum(s.is_post for s in left)
    more = TargetCount(len(left) - posts, posts)
    return f"The first {MOST_MEMBERS:,} by handle; {more.words()} are not listed." if more else ""
