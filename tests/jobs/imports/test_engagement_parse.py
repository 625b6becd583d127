"""What a record of an executive's engagement says, and what it does not: every trap has its row."""

from datetime import UTC, datetime, timedelta

import pytest

from collectors.x.declaration import X
from jobs.imports.engagement_parse import EngagementFile, form_of, read_engagement
from storage.model.core.signals import Counters, Doubt, Signal, SignalKind
from storage.model.tables.csv_rows import TableError

NOW = datetime(2024, 6, 1, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
FOLLOWS = "window_start,window_end,actor,signal,target,note\n"
ACTS = "observed_at,event_at,actor,signal,target,post_id\n"
COUNTERS = "actor,observed_at,statuses,following,followers,likes\n"


def at(day: float) -> str:
    return (datetime(2024, 1, 1, tzinfo=UTC) + day * DAY).isoformat().replace("+00:00", "Z")


def follow(day: float, signal: str, target: str, note: str = "") -> str:
    return f"{at(day)},{at(day + 1 / 24)},boss,{signal},{target},{note}\n"


def act(seen: float, made: float | None, post: int, target: str = "ada") -> str:
    return f"{at(seen)},{'' if made is None else at(made)},boss,repost,{target},{post}\n"


def read(text: str) -> EngagementFile:
    form = form_of(text.splitlines()[0].split(","))
    assert form is not None
    return read_engagement(text.encode(), "e.csv", form, X, NOW)


def doubts(read: EngagementFile, doubt: Doubt) -> list[int]:
    """Which of the acts have it, by their place."""
    return [n for n, signal in enumerate(read.signals) if doubt in signal.doubts]


def test_a_follow_lies_between_two_looks_and_has_no_time_of_its_own() -> None:
    (one,) = read(FOLLOWS + follow(1, "follow", "12345")).signals
    until = datetime(2024, 1, 2, 1, tzinfo=UTC)
    assert one == Signal(
        SignalKind.FOLLOW, f"12345:{int(until.timestamp())}", None, "12345", "12345", until, until - HOUR
    )


PAIR = follow(1, "unfollow", "old") + follow(1, "follow", "new")


def test_pairs_that_the_record_does_not_mark_are_counted_for_the_report() -> None:
    marked = follow(3, "unfollow", "c", "likely_rename") + follow(3, "follow", "d", "likely_rename")
    found = read(FOLLOWS + PAIR + marked).findings
    assert found["likely_renames"] == 2
    assert found["pairs_that_look_like_a_rename_and_are_not_marked"] == 1


@pytest.mark.parametrize(
    ("back", "doubted"),
    [
        pytest.param(follow(4, "follow", "ada"), [0, 1], id="followed again days later"),
        pytest.param(follow(1.5, "follow", "ada"), [], id="followed again the same day"),
        pytest.param(follow(4, "follow", "eve"), [], id="somebody else"),
    ],
)
def test_who_is_unfollowed_and_followed_days_later_may_have_been_gone(back: str, doubted: list[int]) -> None:
    lines = FOLLOWS + follow(1, "unfollow", "ada") + back
    assert doubts(read(lines), Doubt.TARGET_MAY_HAVE_BEEN_GONE) == doubted


RIGHT = "".join(act(day, day - 0.01, 900 + day) for day in range(101, 106))


def test_in_a_stretch_where_half_of_the_times_are_wrong_none_is_believed() -> None:
    early = act(1, -600, 1) + act(2, 1.98, 2) + act(3, 2.98, 3) + act(4, -700, 4)
    found = read(ACTS + early + RIGHT)
    assert doubts(found, Doubt.TIME_IMPOSSIBLE) == [0, 1, 2, 3]
    assert (found.findings["long_before_its_observation"], found.findings["in_a_stretch_of_such"]) == (2, 2)


def count(minute: float, likes: str, followers: str = "100") -> str:
    return f"boss,{at(minute / 1440)},1,2,{followers},{likes}\n"


def test_counters_that_fall_and_polls_that_fail_are_kept_as_such() -> None:
    lines = count(0, "5") + count(5, "4", "90") + f"boss,{at(10 / 1440)},,,,\n" + count(15, "6")
    found = read(COUNTERS + lines)
    assert [c.likes for c in found.counters] == [5, 4, None, 6]
    assert found.counters[2] == Counters(found.counters[2].at)
    assert {k: v for k, v in found.findings.items() if v} == {
        "failed_polls": 1,
        "falls_followers": 1,
        "falls_likes": 1,
    }


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (FOLLOWS + "2024-01-02T00:00:00,x,b,follow,a,\n", "has no time zone"),
        (FOLLOWS + f"{at(1)},{at(1)},b,follow,a,\n", "window_end is not after window_start."),
        (FOLLOWS + follow(1, "like", "a"), "unknown signal 'like'; known in this file are follow, unfollow."),
        (FOLLOWS + follow(1, "follow", "no handle"), "is neither an id nor a handle of X."),
        (FOLLOWS + follow(300, "follow", "a"), "is in the future"),
        (ACTS + act(1, 0.9, 1).replace("repost", "unfollow"), "unknown signal 'unfollow'"),
        (ACTS + f"{at(1)},,b,repost,a,\n", "post_id is empty."),
        (
            ACTS + act(1, 0.9, 1) + act(2, 0.9, 1, "eve"),
            "line 2 has another target or time for the same engagement.",
        ),
        (COUNTERS + f"b,{at(1)},1,2,-3,4\n", "followers '-3' is not a whole number."),
        (COUNTERS + count(1, "5") + count(1, "6"), "line 2 has other counts for the same time."),
    ],
)
def test_a_line_that_makes_no_sense_is_refused_by_its_number(text: str, fault: str) -> None:
    (problem,) = read(text).problems
    assert fault in str(problem)
    assert problem.line == len(text.splitlines())


def test_a_file_about_two_actors_is_refused_as_a_whole() -> None:
    with pytest.raises(
        TableError, match=r"the file contains 2 actors \(boss, other\); import one file per actor"
    ):
        read(FOLLOWS + follow(1, "follow", "a") + follow(2, "follow", "b").replace("boss", "other"))
