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
    """A range of time that somebody tells of, without any figure."""

    model_config = ConfigDict(serialize_by_alias=True, validate_by_name=True)

    story_id: int
    title: str
    list_id: int | None
    """Null: of all that were watched in its time."""
    list_name: Annotated[str | None, Field(alias="list")]
    accounts: int
    """How many it is of; settled when it was written."""
    since: Annotated[datetime, Field(alias="from")]
    until: Annotated[datetime, Field(alias="to")]
    view: View
    as_known_at: datetime | None
    """Told by what had been recorded by then; null: by what is known when it is read, or `view` says it."""
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
    """So many accounts."""

    accounts: int
    last_known_only: int
    """Of them, not read lately: at that moment nothing is known of them."""


class StoryFigures(ApiModel):
    """One moment of a story, in accounts. What was not read lately is told beside, never as zero."""

    as_known_at: datetime
    """By what had been recorded by then."""
    accounts: int
    """On file by then."""
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
    """A confirmed change. It lies after `last_seen_old` and not after `first_seen_new`."""

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
    """Everything that a story tells."""

    told_as_known_at: datetime | None
    """When it says of itself by which knowledge it is told: null. Else by what was on record then."""
    synthetic: bool
    """It tells of an invented scenario."""
    captions: list[CaptionFigures]  # pyright: ignore[reportIncompatibleVariableOverride]  # each with its figures
    at_the_end: StoryFigures
    members: list[StoryMember]
    sha256: str
    """Of the rest of this object: keys in order, no spaces, ASCII."""
