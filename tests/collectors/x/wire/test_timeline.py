"""What X's timelines say of their authors' acts, and what a lookup by handle says."""

import json

import pytest

from collectors.core.collector import UnresolvedReason
from collectors.x.wire.envelope import UnreadableResource
from collectors.x.wire.handles import read_handles
from collectors.x.wire.timeline import TimelinePosition, XTimelinePage, read_timeline
from storage.model.core.availability import MissedReason
from tests.support.samples.x_answers import body, recorded

AUTHOR = "310000001"


def test_errors_about_other_accounts_do_not_hide_a_timeline() -> None:
    document = json.loads(recorded("timeline_tweets"))
    document["errors"] = json.loads(recorded("suspended_mention"))["errors"]
    page = read_timeline(200, json.dumps(document).encode(), AUTHOR)
    assert isinstance(page, XTimelinePage)
    assert len(page.signals) == 4


@pytest.mark.parametrize(
    "post",
    [
        pytest.param(None, id="no object"),
        pytest.param({"id": 5}, id="id a number"),
        pytest.param({"id": "5", "created_at": "yesterday"}, id="odd time"),
        pytest.param({"id": "5", "referenced_tweets": {}}, id="odd references"),
        pytest.param({"id": "5", "referenced_tweets": [{"type": "quoted"}]}, id="reference without an id"),
    ],
)
def test_a_page_with_a_post_that_is_not_understood_is_not_used(post: object) -> None:
    answer = body(data=[{"id": "6"}, post], meta={"result_count": 2})
    page = read_timeline(200, answer, AUTHOR)
    assert not isinstance(page, XTimelinePage | UnreadableResource)
    assert page.reason is MissedReason.MALFORMED


def test_a_cursor_from_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        TimelinePosition.of("2021-02-01T00:00")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("not_found_by_handle", UnresolvedReason.NOT_FOUND),
        ("suspended_by_handle", UnresolvedReason.SUSPENDED),
        ("mixed_by_id", UnresolvedReason.NO_ANSWER),
        ("usage_capped", UnresolvedReason.NO_ANSWER),
    ],
)
def test_a_handle_without_an_id_says_why(name: str, why: UnresolvedReason) -> None:
    answer = read_handles(200, recorded(name), ["Missing1"])
    assert [(one.asked, one.why) for one in answer.unresolved] == [("Missing1", why)]
