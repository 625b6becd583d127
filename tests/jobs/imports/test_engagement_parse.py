"""What a record of an executive's engagement says, and what it does not: every trap has its row."""

from datetime import UTC, datetime, timedelta

import pytest

from collectors.x.declaration import X
from jobs.imports.engagement_parse import EngagementFile, EngagementForm, form_of, read_engagement
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


@pytest.mark.parametrize(
    ("header", "form"),
    [
        pytest.param(FOLLOWS, EngagementForm.FOLLOWS, id="follows"),
        pytest.param(FOLLOWS.replace(",note", ""), EngagementForm.FOLLOWS, id="follows without notes"),
        pytest.param(ACTS, EngagementForm.ACTS, id="acts"),
        pytest.param(COUNTERS, EngagementForm.COUNTERS, id="counters"),
        pytest.param("platform,handle\n", None, id="a watch list"),
    ],
)
def test_the_header_tells_what_a_file_is(header: str, form: EngagementForm | None) -> None:
    assert form_of(header.strip().split(",")) is form


def test_a_follow_lies_between_two_looks_and_has_no_time_of_its_own() -> None:
    (one,) = read(FOLLOWS + follow(1, "follow", "12345")).signals
    until = datetime(2024, 1, 2, 1, tzinfo=UTC)
    assert one == Signal(
        SignalKind.FOLLOW, f"12345:{int(until.timestamp())}", None, "12345", "12345", until, until - HOUR
    )


def test_a_target_that_is_a_handle_is_kept_as_one_and_its_act_has_no_handle_in_its_id() -> None:
    (one,) = read(FOLLOWS + follow(1, "unfollow", "Ada_L")).signals
    assert (one.target_id, one.target_author_id, one.doubts) == (
        "@ada_l",
        "@ada_l",
        (Doubt.TARGET_BY_HANDLE,),
    )
    assert "ada" not in one.native_id.lower()


PAIR = follow(1, "unfollow", "old") + follow(1, "follow", "new")


@pytest.mark.parametrize(
    ("lines", "renamed"),
    [
        pytest.param(PAIR, [0, 1], id="the only two of a window look like one"),
        pytest.param(PAIR + follow(1, "follow", "third"), [], id="a second follow: nobody knows which"),
        pytest.param(follow(0, "follow", "new") + PAIR, [], id="the new name was there before"),
        pytest.param(PAIR + follow(5, "follow", "old"), [], id="the old name comes back"),
        pytest.param(
            follow(1, "unfollow", "a") + follow(2, "follow", "b"), [], id="two windows are two acts"
        ),
        pytest.param(
            PAIR + follow(3, "unfollow", "c", "likely_rename") + follow(3, "follow", "d", "likely_rename"),
            [2, 3],
            id="a record that marks renames is believed where it does not",
        ),
    ],
)
def test_what_looks_like_a_rename_is_no_act(lines: str, renamed: list[int]) -> None:
    assert doubts(read(FOLLOWS + lines), Doubt.LIKELY_RENAME) == renamed


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


@pytest.mark.parametrize(
    ("line", "kept"),
    [
        pytest.param(act(106, 105.99, 1), True, id="made before it was seen"),
        pytest.param(act(106, 103, 1), True, id="late, and kept as late"),
        pytest.param(act(106, 106.001, 1), False, id="after its observation"),
        pytest.param(act(106, 90, 1), False, id="long before its observation"),
        pytest.param(act(125, 107, 1), True, id="as old as the silence before it"),
    ],
)
def test_a_time_that_cannot_be_right_is_not_kept(line: str, kept: bool) -> None:
    found = read(ACTS + RIGHT + line)
    assert (found.signals[-1].made_at is not None) is kept
    assert doubts(found, Doubt.TIME_IMPOSSIBLE) == ([] if kept else [5])


def test_in_a_stretch_where_half_of_the_times_are_wrong_none_is_believed() -> None:
    early = act(1, -600, 1) + act(2, 1.98, 2) + act(3, 2.98, 3) + act(4, -700, 4)
    found = read(ACTS + early + RIGHT)
    assert doubts(found, Doubt.TIME_IMPOSSIBLE) == [0, 1, 2, 3]
    assert (found.findings["long_before_its_observation"], found.findings["in_a_stretch_of_such"]) == (2, 2)


def test_a_post_that_is_told_twice_is_one_act_by_its_first_observation() -> None:
    found = read(ACTS + act(2, 0.9, 1) + act(1, 0.9, 1) + act(3, 0.9, 1))
    (one,) = found.signals
    assert one.first_seen_at == datetime(2024, 1, 2, tzinfo=UTC)
    assert (found.lines, found.findings["repeated_lines"]) == (3, 2)


def test_an_act_without_a_time_is_known_by_its_observation() -> None:
    found = read(ACTS + act(2, None, 1))
    assert (found.signals[0].made_at, found.findings["without_a_time"]) == (None, 1)
    assert doubts(found, Doubt.TIME_IMPOSSIBLE) == []


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
    ("minutes", "failed", "gaps", "unasked"),
    [
        pytest.param((0, 5, 20), (), 0, 0, id="fifteen minutes are no gap"),
        pytest.param((0, 5, 21), (), 1, 1, id="more than fifteen are one"),
        pytest.param((0, 10, 20), (10,), 1, 0, id="a poll that failed does not bridge it"),
    ],
)
def test_a_gap_is_where_no_poll_answered_for_more_than_15_minutes(
    minutes: tuple[int, ...], failed: tuple[int, ...], gaps: int, unasked: int
) -> None:
    lines = (f"boss,{at(m / 1440)},,,,\n" if m in failed else count(m, "1") for m in minutes)
    found = read(COUNTERS + "".join(lines)).findings
    assert (found["gaps"], found["gaps_without_a_poll"]) == (gaps, unasked)


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
