"""The figure of a story's range: its bars point as those of Live and Replay do."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from dashboard.stories.svg import overview
from storage.model.core.availability import ChangeKind
from storage.model.stories.stories import StoryHead, View, WrittenStory
from storage.model.text.time_bins import time_bins

SINCE = datetime(2021, 1, 31, 12, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=72)


def _drawn(found: dict[int, Counter[ChangeKind]]) -> str:
    bins = time_bins(SINCE, UNTIL)
    head = StoryHead("Two days", None, SINCE, UNTIL, View.AS_IT_WAS)
    late = timedelta(minutes=30)
    story = WrittenStory(1, head, None, (), late, 1, UNTIL, "Asha", UNTIL, "Asha", ())
    return str(overview(story, (), bins, [found.get(n, Counter()) for n in range(bins.count)], 0))


def test_without_changes_no_peak_is_named() -> None:
    assert "per hour</text>" not in _drawn({})
