"""What a person filled in about a story: read into values, or refused in one sentence."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from dashboard.ui.form_input import Filled, WrongInput, moment_in
from storage.model.stories.stories import StoryHead, View, WrittenStory, lines_of, one_line

BEFORE = timedelta(days=1)
"""How long a story is that nobody gave a beginning."""
_NO_TIME = (
    "{label}: this is not a time. Write it in UTC, such as 2021-02-11T08:00, or as a day, such as 2021-02-11."
)


def head_of(given: Filled, list_id: int | None) -> StoryHead:
    """What a form says of a story. Raises WrongInput."""
    view = given.text("view") or View.AS_IT_WAS
    if view not in list(View):
        raise WrongInput("The field view must be as_it_was or as_known_then.")
    known = given.text("as_known_at")
    return StoryHead(
        title=one_line(given.text("title")),
        list_id=list_id,
        since=moment(given, "from", "From"),
        until=moment(given, "to", "To"),
        view=View(view),
        known_at=moment(given, "as_known_at", "Known at") if known else None,
    )


def moment(given: Filled, name: str, label: str) -> datetime:
    """A time that was filled in. Raises WrongInput."""
    at = moment_in(given.needed(name, label))
    if at is None:
        raise WrongInput(_NO_TIME.format(label=label))
    return at


def caption_text(given: Filled) -> str:
    """The text of a caption, its lines as they were written."""
    return lines_of(given.text("text"))


def begun(query: Mapping[str, str], now: datetime) -> dict[str, str]:
    """What stands in the form of a new story at first: what the address says, such as one of Replay.

    There, as known at the very moment that is looked at is the other view; as known at another one is kept.
    """
    at = moment_in(query.get("at", ""))
    until = moment_in(query.get("to", "")) or at or now
    since = moment_in(query.get("from", "")) or min(until, at or until) - BEFORE
    known = moment_in(query.get("as_known_at", ""))
    then = known is not None and known == at
    return {
        "title": query.get("title", ""),
        "from": field(since),
        "to": field(until),
        "list": query.get("list", ""),
        "view": View.AS_KNOWN_THEN if then else View.AS_IT_WAS,
        "as_known_at": "" if known is None or then else field(known),
        "at": "" if at is None else field(at),
    }


def filled_with(story: WrittenStory) -> dict[str, str]:
    """What stands in the form of a story that there is."""
    head = story.head
    return {
        "title": head.title,
        "from": field(head.since),
        "to": field(head.until),
        "list": story.list_name or "",
        "view": head.view.value,
        "as_known_at": "" if head.known_at is None else field(head.known_at),
        "at": "",
    }


def field(at: datetime) -> str:
    """A time as a field holds it: exactly, in UTC."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat().removesuffix(":00")
