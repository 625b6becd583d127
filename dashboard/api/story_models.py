"""What the API says of a story that somebody wrote: the data of `dashboard.stories.story_json`, field by
field.
"""

from datetime import datetime
from typing import Annotated

from pydantic import ConfigDict, Field

from dashboard.api.account_models import ApiModel
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Status
from storage.model.stories.stories import View


class StoryCaption(ApiModel):
    """What somebody wrote about one moment."""

    caption_id: int
    at: datetime
    text: str


class WrittenStory(ApiModel):
    """The head of a written story: its range and title, without figures."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    story_id: int
    title: str
    list_id: int | None
    """Null for all accounts watched in its time."""
    list_name: Annotated[str | None, Field(alias="list")]
    accounts: int
    """Number of accounts, fixed when the story was written."""
    since: Annotated[datetime, Field(alias="from")]
    until: Annotated[datetime, Field(alias="to")]
    view: View
    as_known_at: datetime | None
    """Figures show what was recorded by then. Null: what is known when it is read, or `view` decides."""
    late_after_s: int
    """An account that was not read for longer counts as not checked."""
    version: int
    """One more with each edit."""
    written_at: datetime
    written_by: str
    changed_at: datetime
    changed_by: str
    captions: list[StoryCaption]


class StoryCount(ApiModel):
    """A number of accounts."""

    accounts: int
    last_known_only: int
    """Of these, accounts not read lately. Their status at that time is not known."""


class StoryFigures(ApiModel):
    """One moment of a story, in accounts. Accounts not read lately are given separately, never as zero."""

    as_known_at: datetime
    """Figures show what had been recorded by then."""
    accounts: int
    """Stored by then."""
    not_on_file_yet: int
    not_checked: int
    nothing_confirmed: int
    provisional: int
    """Changes, neither confirmed nor refuted."""
    blocked: StoryCount
    withheld: StoryCount
    suspended: StoryCount
    restored: StoryCount
    """Blocked earlier in the range, and back."""
    withheld_in: dict[str, StoryCount]
    """By ISO 3166-1 code, or `XX` for all countries."""


class StoryChange(ApiModel):
    """A confirmed change. It happened after `last_seen_old` and at or before `first_seen_new`."""

    account_id: int
    kind: ChangeKind
    status: Status
    withheld_in: list[str]
    last_seen_old: datetime | None
    first_seen_new: datetime


class CaptionFigures(StoryFigures):
    """A caption with its figures, and what changed since the caption before."""

    caption_id: int
    at: datetime
    text: str
    changes: list[StoryChange]


class StoryMember(ApiModel):
    """An account of a story."""

    account_id: int
    platform: Platform
    native_id: str
    handle: str
    """At the end of the range."""
    on_file_since: datetime


class StoryTold(WrittenStory):
    """All figures of a story."""

    told_as_known_at: datetime | None
    """Null if the story itself sets what was known; else the figures show what was recorded by then."""
    synthetic: bool
    """True if the scenario is invented."""
    captions: list[CaptionFigures]  # pyright: ignore[reportIncompatibleVariableOverride]  # each with its figures
    at_the_end: StoryFigures
    members: list[StoryMember]
    sha256: str
    """SHA-256 of the rest of this object: keys sorted, no spaces, ASCII."""
