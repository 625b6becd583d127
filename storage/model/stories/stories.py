"""Pure: a story that somebody writes: a range of time, captions at moments of it, and whose accounts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from unicodedata import category

from storage.model.core.accounts import AccountId
from storage.model.text.target_counts import TargetCount

LONGEST_TITLE = 160
LONGEST_CAPTION = 400
"""Characters."""
MOST_CAPTIONS = 50
_JOINERS = "\u200c\u200d"
"""Of Indic and Persian writing."""
_TURNING = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068"
"""What stands after them is shown in another order."""


class View(StrEnum):
    """By which knowledge the moments of a story are told."""

    AS_IT_WAS = "as_it_was"
    """By what is known at one later time."""
    AS_KNOWN_THEN = "as_known_then"
    """Each by what had been recorded by that very moment."""


class StoryFault(StrEnum):
    """Why a story or a caption is not taken; the value is the sentence."""

    NO_TITLE = "The title is empty."
    LONG_TITLE = f"The title has more than {LONGEST_TITLE} characters."
    NO_TEXT = "The caption is empty."
    LONG_TEXT = f"The caption has more than {LONGEST_CAPTION} characters."
    ENDLESS = "The range must end after it begins."
    TO_COME = "The range ends in the future. End it now or earlier."
    KNOWN_TO_COME = "The time “known at” is in the future. Use now or earlier."
    KNOWN_TOO_EARLY = "The range ends after the time “known at”. End it earlier, or use a later time."
    KNOWN_TWICE = "“As we knew it then” takes no time “known at”. Leave that field empty."
    SETTLED = "This story has a time “known at” of its own. Leave that parameter out."
    OUTSIDE = "The moment of the caption lies outside the range of the story."
    MANY = f"A story has at most {MOST_CAPTIONS} captions."
    NOBODY = "No account was watched in this range. Choose another range or list."
    HIDDEN = "The text contains an invisible character. Remove it."


@dataclass(frozen=True, slots=True)
class StoryHead:
    """What a person says of a story, apart from its captions."""

    title: str
    list_id: int | None
    """None: of all accounts that are watched."""
    since: datetime
    until: datetime
    view: View = View.AS_IT_WAS
    known_at: datetime | None = None
    """With AS_IT_WAS: by what had been recorded by then. None: by what is known when it is read."""


@dataclass(frozen=True, slots=True)
class Caption:
    caption_id: int
    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class WrittenStory:
    """A story as it is kept."""

    story_id: int
    head: StoryHead
    list_name: str | None
    account_ids: tuple[AccountId, ...]
    """Who was watched, or on the list, when it was written: later edits of the list do not change it."""
    late_after: timedelta
    """An account that was not read for longer counts as not checked."""
    version: int
    """One more with each edit."""
    written_at: datetime
    written_by: str
    changed_at: datetime
    changed_by: str
    captions: tuple[Caption, ...]
    """By their moments."""
    posts: int = 0
    """How many of `account_ids` are posts."""

    @property
    def count(self) -> TargetCount:
        """Its accounts and its posts."""
        return TargetCount(len(self.account_ids) - self.posts, self.posts)

    @property
    def is_settled(self) -> bool:
        """Whether it tells the same whenever it is read, since it says by which knowledge."""
        return self.head.view is View.AS_KNOWN_THEN or self.head.known_at is not None

    def known(self, at: datetime, now: datetime) -> datetime:
        """By which time something must have been recorded to be told of the moment `at`, read at `now`."""
        return at if self.head.view is View.AS_KNOWN_THEN else self.head.known_at or now


def head_fault(head: StoryHead, now: datetime) -> StoryFault | None:
    """Why these words of a story are refused; None: they can be kept."""
    rules = (
        (not head.title.strip(_JOINERS), StoryFault.NO_TITLE),
        (len(head.title) > LONGEST_TITLE, StoryFault.LONG_TITLE),
        (any(not c.isprintable() and c not in _JOINERS for c in head.title), StoryFault.HIDDEN),
        (head.until <= head.since, StoryFault.ENDLESS),
        (head.until > now, StoryFault.TO_COME),
        (head.known_at is not None and head.view is View.AS_KNOWN_THEN, StoryFault.KNOWN_TWICE),
        (head.known_at is not None and head.known_at > now, StoryFault.KNOWN_TO_COME),
        (head.known_at is not None and head.known_at < head.until, StoryFault.KNOWN_TOO_EARLY),
    )
    return next((fault for broken, fault in rules if broken), None)


def caption_fault(head: StoryHead, at: datetime, text: str) -> StoryFault | None:
    """Why a caption is refused; None: it can be kept."""
    rules = (
        (not text, StoryFault.NO_TEXT),
        (len(text) > LONGEST_CAPTION, StoryFault.LONG_TEXT),
        (any(c in _TURNING or (category(c) == "Cc" and c != "\n") for c in text), StoryFault.HIDDEN),
        (not head.since <= at <= head.until, StoryFault.OUTSIDE),
    )
    return next((fault for broken, fault in rules if broken), None)


def one_line(text: str) -> str:
    """What somebody typed, without line ends and double spaces."""
    return " ".join(text.split())


def lines_of(text: str) -> str:
    """The same of each line of several."""
    return "\n".join(one_line(line) for line in text.replace("\r\n", "\n").split("\n")).strip()
