"""What watching so many accounts takes: known answers, what never happens, what is refused."""

import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.model.core.accounts import Platform
from storage.model.sizing.facts import FigureBasis
from storage.model.sizing.question import LONGEST, SHORTEST, PlannerKind, Room, SizingQuestion, SizingRefused
from storage.model.sizing.sizing import FigureName, size
from storage.model.sizing.words import BASIS_WORDS, as_json, headline, tables, verdict

SWEEP, ADAPTIVE = PlannerKind.SWEEP, PlannerKind.ADAPTIVE
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def test_posts_are_named_wherever_there_are_some_and_nowhere_else() -> None:
    both, alone = (size(SizingQuestion(X, accounts, every=DAY, posts=500)) for accounts in (20_000, 0))
    without = size(SizingQuestion(X, 20_000, every=DAY))
    assert headline(both) == "20,000 accounts and 500 posts on X, a sweep every 24 h."
    assert headline(alone) == "500 posts on X, a sweep every 24 h."
    assert "and, about posts, of 3,500 requests in 15 min for an app" in verdict(both)
    rows = {row.name: row for table in tables(both) for row in table.rows}
    assert rows["Of them about posts"].value == "6"
    assert "at most $0.015 per post" in rows["Per day"].note
    assert as_json(both)["posts"] == 500
    for said in (headline(without), verdict(without), *(str(table) for table in tables(without))):
        assert "post" not in said


@pytest.mark.parametrize(
    ("asked", "room", "needed", "said"),
    [
        (
            SizingQuestion(X, 20_000, every=HOUR),
            Room.INSIDE,
            1,
            "Inside the documented limit of 300 requests in 15 min",
        ),
        (SizingQuestion(X, 10_000_000, every=15 * MINUTE), Room.OVER_LIMIT, 341, "need 341 apps"),
        (
            SizingQuestion(X, 200_000, every=HOUR),
            Room.OVER_LIMIT,
            2,
            "a sweep takes at least 1 h 42 min",
        ),
        (SizingQuestion(X, 20_000, money=200), Room.INSIDE, 1, "Inside"),
        (SizingQuestion(BLUESKY, 10_000, every=15 * MINUTE), Room.INSIDE, 1, "documents no limit"),
        (
            SizingQuestion(BLUESKY, 1_000_000, every=HOUR),
            Room.OVER_OWN_PACE,
            3,
            "need 3 addresses to ask from",
        ),
        (SizingQuestion(MASTODON, 10_260, every=270 * timedelta(seconds=1)), Room.OVER_OWN_PACE, 2, "Inside"),
        (SizingQuestion(MASTODON, 100_000, every=15 * MINUTE), Room.OVER_LIMIT, 4, "Outside"),
        (SizingQuestion(MASTODON, 100_000, every=15 * MINUTE, servers=100), Room.INSIDE, 1, "Inside"),
    ],
)
def test_whether_the_platform_takes_it_is_said_with_whose_word_it_is(
    asked: SizingQuestion, room: Room, needed: int, said: str
) -> None:
    found = size(asked)
    assert (found.room, found.value(FigureName.NEEDED)) == (room, needed)
    assert said in verdict(found)


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"accounts": 0, "every": DAY}, "accounts", "Between 1 and 10,000,000"),
        ({"accounts": 10_000_001, "every": DAY}, "accounts", "Between 1 and 10,000,000"),
        ({"posts": -1, "every": DAY}, "posts", "Between 0 and 10,000,000"),
        ({"posts": 10_000_001, "every": DAY}, "posts", "Between 0 and 10,000,000"),
        ({"money": 2.0, "posts": 200, "planner": ADAPTIVE}, "money", "does not pay for the posts"),
        ({}, "every", "exactly one of the length"),
        ({"every": DAY, "budget": 10.0}, "every", "exactly one of the length"),
        ({"every": timedelta(seconds=59)}, "every", "more often than once a minute"),
        ({"every": 367 * DAY}, "every", "less often than once a year"),
        ({"budget": 0.0}, "budget", "at least 0.01"),
        ({"budget": float("nan")}, "budget", "at least 0.01"),
        ({"budget": 0.02, "accounts": 10_000_000}, "budget", "less often than once a year"),
        ({"budget": 1e9}, "budget", "more often than once a minute"),
        ({"money": 0.0}, "money", "at least 0.01"),
        ({"money": 1.0, "accounts": 10_000_000}, "money", "less often than once a year"),
        ({"money": 5.0, "platform": BLUESKY}, "money", "Bluesky does not charge"),
        ({"money": 1.99, "planner": ADAPTIVE}, "money", "between 2 and 1,000,000"),
        ({"money": 1e6 + 1, "planner": ADAPTIVE}, "money", "between 2 and 1,000,000"),
        ({"money": 2.0, "accounts": 200_000, "planner": ADAPTIVE}, "money", "less often than once a year"),
        ({"every": DAY, "lists": (0,)}, "list", "between 1 and 500"),
        ({"every": DAY, "lists": (501,)}, "list", "between 1 and 500"),
        ({"every": DAY, "lists": (2,) * 21}, "list", "At most 20"),
        ({"every": DAY, "servers": 2}, "servers", "X does not have several"),
        ({"every": DAY, "servers": 0, "platform": MASTODON}, "servers", "at least one"),
        ({"every": DAY, "servers": 501, "platform": MASTODON}, "servers", "not more servers"),
    ],
)
def test_what_cannot_be_estimated_is_refused_in_one_sentence(
    wrong: dict[str, object], field: str, said: str
) -> None:
    with pytest.raises(SizingRefused, match=said) as refused:
        SizingQuestion(**({"platform": X, "accounts": 500} | wrong))  # pyright: ignore[reportArgumentType]
    assert refused.value.field == field
    assert str(refused.value).count(". ") == 0


ACCOUNTS = st.integers(1, 10_000_000)
EVERY = st.timedeltas(SHORTEST, LONGEST)
PLATFORMS, PLANNERS = st.sampled_from(Platform), st.sampled_from(PlannerKind)
NEVER_LESS = tuple(n for n in FigureName if n not in {FigureName.ROSTER_SIZE, FigureName.SWEEP})


@given(PLATFORMS, PLANNERS, EVERY, st.tuples(ACCOUNTS, ACCOUNTS))
def test_more_accounts_read_as_often_never_take_less_of_anything(
    platform: Platform, planner: PlannerKind, every: timedelta, accounts: tuple[int, int]
) -> None:
    fewer, more = (size(SizingQuestion(platform, n, every=every, planner=planner)) for n in sorted(accounts))
    assert fewer.figures.keys() == more.figures.keys()
    assert [n for n in NEVER_LESS if n in more.figures and more.value(n) < fewer.value(n)] == []


@given(PLATFORMS, PLANNERS, EVERY, ACCOUNTS, st.tuples(ACCOUNTS, ACCOUNTS))
def test_more_posts_read_as_often_never_take_less_of_anything(
    platform: Platform, planner: PlannerKind, every: timedelta, accounts: int, posts: tuple[int, int]
) -> None:
    fewer, more = (
        size(SizingQuestion(platform, accounts, every=every, planner=planner, posts=n)) for n in sorted(posts)
    )
    assert fewer.figures.keys() == more.figures.keys()
    assert [n for n in NEVER_LESS if n in more.figures and more.value(n) < fewer.value(n)] == []


@given(PLATFORMS, PLANNERS, ACCOUNTS, st.tuples(EVERY, EVERY))
def test_reading_less_often_is_never_dearer_and_never_sooner(
    platform: Platform, planner: PlannerKind, accounts: int, every: tuple[timedelta, timedelta]
) -> None:
    often, seldom = (
        size(SizingQuestion(platform, accounts, every=e, planner=planner)) for e in sorted(every)
    )
    for name in (
        FigureName.REQUESTS_A_DAY,
        FigureName.BYTES_A_YEAR,
        FigureName.WORKERS,
        FigureName.NEEDED,
        FigureName.USD_A_DAY,
    ):
        if name in often.figures:
            assert seldom.value(name) <= often.value(name) * (1 + 1e-9)
    for name in (FigureName.DELAY, FigureName.DELAY_AT_MOST):
        assert seldom.value(name) >= often.value(name)


@given(PLANNERS, ACCOUNTS, st.floats(0.01, 1e6))
def test_money_is_never_exceeded_nor_the_limit(planner: PlannerKind, accounts: int, money: float) -> None:
    try:
        asked = SizingQuestion(X, accounts, money=money, planner=planner)
    except SizingRefused:
        return
    found = size(asked)
    assert found.value(FigureName.USD_A_DAY) <= money * (1 + 1e-6)
    assert found.room is Room.INSIDE
    assert found.value(FigureName.REQUESTS_AN_HOUR) <= found.value(FigureName.LIMIT_AN_HOUR) * (1 + 1e-6)


@given(PLATFORMS, ACCOUNTS, EVERY, st.integers(1, 10_000_000))
def test_a_known_list_is_never_told_to_be_seen_later_than_nobodys(
    platform: Platform, accounts: int, every: timedelta, n: int
) -> None:
    found = size(SizingQuestion(platform, accounts, every=every, planner=ADAPTIVE, lists=(min(n, accounts),)))
    (delay,) = found.lists
    assert 0 < delay.mean.value <= delay.mean_at_most.value <= found.value(FigureName.DELAY)
    assert delay.at_most.value == found.value(FigureName.DELAY_AT_MOST)


@given(PLATFORMS, PLANNERS, ACCOUNTS, EVERY)
def test_every_figure_is_told_with_its_basis_and_in_json(
    platform: Platform, planner: PlannerKind, accounts: int, every: timedelta
) -> None:
    found = size(SizingQuestion(platform, accounts, every=every, planner=planner, lists=(1,)))
    rows = [row for table in tables(found) for row in table.rows]
    assert len(rows) == len(found.figures) - 1 + 1  # `needed` is told by the verdict, and there is one list
    assert all(row.name and row.value and row.basis in BASIS_WORDS for row in rows)
    told = json.loads(json.dumps(as_json(found)))
    assert {figure["basis"] for figure in told["figures"].values()} <= {b.value for b in FigureBasis}
    assert headline(found).endswith(".")


LIMITED_ADAPTIVE = PlannerKind.ADAPTIVE
UNDER_20 = SizingQuestion(X, 20_000, money=20, planner=LIMITED_ADAPTIVE, lists=(257, 1_178, 3))


def test_lists_have_sentinels_under_a_daily_cost_limit_and_what_follows_them_is_bounded() -> None:
    found = size(UNDER_20)
    told = [(one.accounts, one.sentinels.value, one.followed.value) for one in found.list_watches]
    assert told == [(257, 5, 252), (1_178, 5, 403), (3, 3, 0)]
    assert found.lists == ()
    rows = {row.name: row for table in tables(found) for row in table.rows}
    assert "at most 403 other accounts of it" in rows["Sentinel accounts of a list of 1,178"].note
    assert rows["Sentinel accounts of a list of 3"].value == "3"
