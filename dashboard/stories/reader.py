"""A written story with all its figures, read at once: for page, file, API and command line."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from storage.model.stories.figures import MomentFigures, StoryFacts, figures_at
from storage.model.stories.stories import StoryFault, WrittenStory
from storage.model.text.target_counts import Noun
from storage.postgres.installation import is_synthetic
from storage.postgres.pool import Conn
from storage.stories.stories import story
from storage.stories.story_facts import story_facts


@dataclass(frozen=True, slots=True)
class StoryRead:
    """A story, read at a whole second: what names its moment names all of it."""

    story: WrittenStory
    facts: StoryFacts
    now: datetime
    """By what was on record then, unless the story says otherwise."""
    synthetic: bool
    occasion: str
    """What `now` is called: "at export"."""
    _figures: dict[tuple[datetime, Noun], MomentFigures] = field(
        default_factory=dict[tuple[datetime, Noun], MomentFigures], compare=False, repr=False
    )

    def figures(self, at: datetime, noun: Noun = "account") -> MomentFigures:
        """The figures of its accounts, or of its posts. `at` is the moment of a caption, or the end of the
        range.
        """
        if (at, noun) not in self._figures:
            self._figures[at, noun] = figures_at(self.story, self.facts, at, self.now, noun)
        return self._figures[at, noun]

    def sections(self, at: datetime) -> tuple[MomentFigures, ...]:
        """The figures to show: of accounts, or of posts, or first of accounts and then of posts."""
        count = self.story.count
        accounts = (self.figures(at),) if count.accounts or not count.posts else ()
        return (*accounts, self.figures(at, "post")) if count.posts else accounts

    def known(self, at: datetime) -> datetime:
        return self.story.known(at, self.now)

    def name(self) -> str:
        """What its file is called: `story-7-all-257-back.html`."""
        signs = [c if c.isascii() and c.isalnum() else "-" for c in self.story.head.title.lower()]
        words = "-".join(word for word in "".join(signs).split("-") if word)[:60].strip("-")
        return f"story-{self.story.story_id}{f'-{words}' if words else ''}.html"


async def read_story(
    conn: Conn,
    story_id: int,
    now: datetime,
    known_at: datetime | None = None,
    *,
    synthetic: bool,
    occasion: str = "at export",
) -> StoryRead | StoryFault | None:
    """The story as shown at `now`, or as it was shown at `known_at`; None if it does not exist.

    A StoryFault says why it cannot be shown by that knowledge. Synthetic data is marked as invented,
    whatever `synthetic` says.
    """
    found = await story(conn, story_id)
    if found is None:
        return None
    moment = (known_at or now).astimezone(UTC).replace(microsecond=0)
    if known_at is not None:
        if known_at > now:
            return StoryFault.KNOWN_TO_COME
        if found.is_settled and known_at != found.head.known_at:
            return StoryFault.SETTLED
        if known_at < found.head.until:
            return StoryFault.KNOWN_TOO_EARLY
    facts = await story_facts(conn, found, moment)
    return StoryRead(found, facts, moment, synthetic or await is_synthetic(conn), occasion)
