"""What X's timelines say of their authors' acts, and what a lookup by handle says."""

import json
from datetime import UTC, datetime

import pytest

from collectors.core.collector import ResolvedHandle, UnresolvedReason
from collectors.x.wire.envelope import UnreadableResource
from collectors.x.wire.handles import read_handles
from collectors.x.wire.timeline import TimelinePosition, XTimelinePage, read_timeline
from storage.model.core.availability import MissedReason
from storage.model.core.signals import Signal, SignalKind
from tests.support.samples.x_answers import OTHER, body, recorded

AUTHOR = "310000001"


@pytest.mark.parametrize("spelling", ["tweets", "posts"])
def test_a_timeline_is_read_in_both_spellings(spelling: str) -> None:
    page = read_timeline(200, recorded(f"timeline_{spelling}"), AUTHOR)
    at = [datetime(2021, 2, 1, hour, tzinfo=UTC) for hour in (8, 7, 6, 5)]
    post, target = "13560000000000000", "135500000000000000"
    assert page == XTimelinePage(
        (
            Signal(SignalKind.REPOST, f"{post}40", at[0], f"{target}1", "555"),
            Signal(SignalKind.QUOTE, f"{post}30", at[1], f"{target}2", "666"),
            Signal(SignalKind.REPLY, f"{post}20", at[2], f"{target}3", "777"),
            Signal(SignalKind.POST, f"{post}10", at[3]),
        ),
        None,
    )


@pytest.mark.parametrize("status", [200, 403])
@pytest.mark.parametrize("name", ["protected_timeline", "suspended_timeline"])
def test_an_unreadable_author_is_no_fault_of_ours(name: str, status: int) -> None:
    assert isinstance(read_timeline(status, recorded(name), "1500850517966311430"), UnreadableResource)


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


def test_an_empty_timeline_is_a_page_without_acts() -> None:
    assert read_timeline(200, body(meta={"result_count": 0}), AUTHOR) == XTimelinePage((), None)


def test_a_poll_that_stopped_early_goes_on_where_it_stopped() -> None:
    acts = [Signal(SignalKind.POST, str(n), None) for n in range(900, 700, -1)]
    stopped = TimelinePosition.of("500").after(acts, complete=False)
    assert stopped.cursor == "500-701-900"
    assert TimelinePosition.of(stopped.cursor) == TimelinePosition("500", "701", "900")
    rest = [Signal(SignalKind.POST, str(n), None) for n in range(700, 500, -1)]
    assert stopped.after(rest, complete=True).cursor == "900"


def test_a_cursor_from_elsewhere_is_refused() -> None:
    with pytest.raises(ValueError, match="not a cursor"):
        TimelinePosition.of("2021-02-01T00:00")


def test_a_handle_resolves_in_any_case_of_letters() -> None:
    answer = read_handles(200, recorded("mixed_by_id"), ["someBody"])
    assert answer.found == (ResolvedHandle("someBody", OTHER, "Somebody"),)


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


def test_a_handle_that_is_found_and_missing_in_one_answer_is_not_resolved() -> None:
    document = json.loads(recorded("mixed_by_id"))
    error = json.loads(recorded("not_found_by_handle"))["errors"][0]
    document["errors"] = [{**error, "value": "somebody", "resource_id": "somebody"}]
    answer = read_handles(200, json.dumps(document).encode(), ["Somebody"])
    assert [one.why for one in answer.unresolved] == [UnresolvedReason.NO_ANSWER]
