"""What watching so many accounts takes: known answers, what never happens, what is refused."""

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.collector import MastodonCollector
from collectors.mastodon.declaration import MASTODON
from collectors.x.collector import XCollector
from collectors.x.declaration import X
from jobs.detect.confirmation import ConfirmationRule
from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from storage.model.sizing import facts
from storage.model.sizing.facts import FigureBasis
from storage.model.sizing.question import LONGEST, SHORTEST, PlannerKind, Room, SizingQuestion, SizingRefused
from storage.model.sizing.sizing import FigureName, Sizing, size
from storage.model.sizing.words import BASIS_WORDS, as_json, headline, tables, value_words, verdict
from storage.model.text.states import PLATFORM_NAME

SWEEP, ADAPTIVE = PlannerKind.SWEEP, PlannerKind.ADAPTIVE
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def minutes(found: Sizing, name: FigureName) -> float:
    return found.value(name) / 60


@pytest.mark.parametrize(
    ("asked", "name", "expected"),
    [
        pytest.param(
            SizingQuestion(X, 1_178, every=DAY),
            FigureName.REQUESTS_A_SWEEP,
            13,
            id="98 watched accounts a request",
        ),
        pytest.param(
            SizingQuestion(X, 1_176, every=DAY),
            FigureName.REQUESTS_A_SWEEP,
            12,
            id="full requests need no other",
        ),
        pytest.param(
            SizingQuestion(BLUESKY, 10_000, every=HOUR),
            FigureName.REQUESTS_A_SWEEP,
            435,
            id="Bluesky takes 23",
        ),
        pytest.param(
            SizingQuestion(MASTODON, 380, every=HOUR), FigureName.REQUESTS_A_SWEEP, 10, id="Mastodon takes 38"
        ),
        pytest.param(
            SizingQuestion(MASTODON, 380, every=HOUR, servers=20),
            FigureName.REQUESTS_A_SWEEP,
            20,
            id="each server by itself",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, every=DAY), FigureName.REQUESTS_A_DAY, 205, id="a sweep a day"
        ),
        pytest.param(
            SizingQuestion(X, 20_000, budget=5_000), FigureName.SWEEP, 4 * 3600, id="a budget is a sweep: N/B"
        ),
        pytest.param(
            SizingQuestion(X, 20_000, every=DAY),
            FigureName.FASTEST_SWEEP,
            615,
            id="20,000 at X's limit: 10 min",
        ),
        pytest.param(
            SizingQuestion(X, 200_000, every=DAY), FigureName.FASTEST_SWEEP, 6_123, id="200,000: 100 min"
        ),
        pytest.param(
            SizingQuestion(BLUESKY, 23, every=HOUR), FigureName.FASTEST_SWEEP, 0.2, id="5 requests a second"
        ),
        pytest.param(
            SizingQuestion(X, 20_000, every=DAY), FigureName.DELAY, 12 * 3600, id="half a sweep on average"
        ),
        pytest.param(
            SizingQuestion(X, 20_000, every=DAY),
            FigureName.DELAY_AT_MOST,
            DAY.total_seconds(),
            id="a sweep at most",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, every=7 * HOUR, planner=ADAPTIVE),
            FigureName.DELAY_AT_MOST,
            36_000,
            id="10/7 at most",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, every=7 * HOUR, planner=ADAPTIVE),
            FigureName.DELAY_IN_A_BURST,
            5 * 3600,
            id="T/(2 x 0.7) while others are read ahead",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, money=20),
            FigureName.SWEEP,
            10 * 86_400,
            id="$20 open 2,000 accounts a day",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, money=20),
            FigureName.DELAY,
            7_200 * 60,
            id="as a simulation had it: 7,205 min",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, money=200),
            FigureName.SWEEP,
            615,
            id="all paid for: as fast as X allows",
        ),
        pytest.param(
            SizingQuestion(X, 100, every=15 * MINUTE), FigureName.USD_A_DAY, 1, id="$1 a day for 100 accounts"
        ),
        pytest.param(
            SizingQuestion(X, 100, every=15 * MINUTE),
            FigureName.USD_A_DAY_AT_MOST,
            96,
            id="were every reading billed",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, every=10 * DAY), FigureName.USD_A_DAY, 20, id="a tenth of them a day"
        ),
        pytest.param(
            SizingQuestion(X, 1_000_000, every=15 * MINUTE),
            FigureName.BYTES_A_DAY,
            10_205 * 96 * facts.BYTES_PER_REQUEST,
            id="a row of coverage a request",
        ),
    ],
)
def test_known_answers(asked: SizingQuestion, name: FigureName, expected: float) -> None:
    assert size(asked).value(name) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("asked", "name", "expected"),
    [
        pytest.param(
            SizingQuestion(X, 0, every=DAY, posts=1_000),
            FigureName.POST_REQUESTS_A_SWEEP,
            11,
            id="98 posts and 2 control posts a request on X",
        ),
        pytest.param(
            SizingQuestion(BLUESKY, 0, every=DAY, posts=1_000),
            FigureName.REQUESTS_A_SWEEP,
            44,
            id="23 on Bluesky",
        ),
        pytest.param(
            SizingQuestion(MASTODON, 0, every=DAY, posts=38),
            FigureName.REQUESTS_A_SWEEP,
            2,
            id="Mastodon answers about 20 at once, so a batch of 40 takes two requests",
        ),
        pytest.param(
            SizingQuestion(MASTODON, 0, every=DAY, posts=18),
            FigureName.REQUESTS_A_SWEEP,
            1,
            id="18 and their control posts fit into one",
        ),
        pytest.param(
            SizingQuestion(X, 1_000, every=DAY, posts=1_000),
            FigureName.REQUESTS_A_SWEEP,
            22,
            id="posts are never in a request with accounts",
        ),
        pytest.param(
            SizingQuestion(X, 100, every=15 * MINUTE, posts=100),
            FigureName.USD_A_DAY,
            2.5,
            id="a cent an account and a cent and a half a post, once a day",
        ),
        pytest.param(
            SizingQuestion(X, 100, every=15 * MINUTE, posts=100),
            FigureName.USD_A_DAY_AT_MOST,
            240,
            id="were every reading billed",
        ),
        pytest.param(
            SizingQuestion(X, 1_000, budget=100, posts=1_000),
            FigureName.SWEEP,
            20 * 3600,
            id="a budget is shared by both",
        ),
        pytest.param(
            SizingQuestion(X, 1_000, money=2.5, posts=1_000),
            FigureName.SWEEP,
            10 * 86_400,
            id="a tenth of what both cost is a sweep of ten days",
        ),
        pytest.param(
            SizingQuestion(X, 98, every=DAY, posts=98 * 3_500),
            FigureName.FASTEST_SWEEP,
            900,
            id="X counts requests about posts by a limit of their own",
        ),
        pytest.param(
            SizingQuestion(BLUESKY, 23, every=HOUR, posts=23),
            FigureName.FASTEST_SWEEP,
            0.4,
            id="Bluesky's pace is shared by both",
        ),
        pytest.param(
            SizingQuestion(X, 1_000, every=DAY, posts=1_000),
            FigureName.BYTES_AT_FIRST,
            2_000 * facts.BYTES_AT_FIRST,
            id="a post is stored like an account",
        ),
    ],
)
def test_posts_are_counted_at_their_own_size_limit_and_price(
    asked: SizingQuestion, name: FigureName, expected: float
) -> None:
    assert size(asked).value(name) == pytest.approx(expected)


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
    ("accounts", "sweep", "simulated"),
    [
        (20_000, DAY, 49),
        (20_000, 100 * MINUTE, 6.1),
        (200_000, DAY, 38),
        (200_000, 100 * MINUTE, 4.3),
        (20_000, 10 * MINUTE, 0.87),
    ],
)
def test_what_schedules_took_in_simulations_lies_in_the_range_that_is_told(
    accounts: int, sweep: timedelta, simulated: float
) -> None:
    """Minutes until a block of a known list of 257 was seen, on average."""
    (delay,) = size(SizingQuestion(X, accounts, every=sweep, planner=ADAPTIVE, lists=(257,))).lists
    assert delay.mean.value <= simulated * 60 <= delay.mean_at_most.value
    assert {delay.mean.basis, delay.mean_at_most.basis} == {FigureBasis.ESTIMATE}


@pytest.mark.parametrize(("accounts", "sweep"), [(200_001, DAY), (20_000, 9 * MINUTE)])
def test_beyond_what_was_simulated_no_gain_is_promised(accounts: int, sweep: timedelta) -> None:
    found = size(SizingQuestion(X, accounts, every=sweep, planner=ADAPTIVE, lists=(257,)))
    assert found.lists[0].mean_at_most.value == found.value(FigureName.DELAY)


def test_the_estimate_for_a_list_is_that_of_its_formula() -> None:
    (delay,) = size(SizingQuestion(X, 20_000, every=DAY, planner=ADAPTIVE, lists=(257,))).lists
    assert delay.mean.value / (12 * 3600) == pytest.approx(0.051, abs=0.0005)


def test_a_list_of_one_is_seen_no_sooner_than_anybody() -> None:
    found = size(SizingQuestion(X, 20_000, every=DAY, planner=ADAPTIVE, lists=(1, 20_000)))
    assert [one.mean.value for one in found.lists] == [found.value(FigureName.DELAY)] * 2


def test_in_turn_lists_are_seen_like_everybody_else() -> None:
    found = size(SizingQuestion(X, 20_000, every=DAY, lists=(257,)))
    (delay,) = found.lists
    assert (delay.mean, delay.at_most) == (
        found.figures[FigureName.DELAY],
        found.figures[FigureName.DELAY_AT_MOST],
    )


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


def test_what_is_planned_with_is_what_the_collectors_and_the_rule_do() -> None:
    for platform, collector in (
        (X, XCollector("t")),
        (BLUESKY, BlueskyCollector()),
        (MASTODON, MastodonCollector()),
    ):
        assert DECLARED[platform].terms.batch == collector.batch_size
        assert DECLARED[platform].terms.of_posts.at_once <= collector.batch_size
    rule = ConfirmationRule()
    assert rule.offsets[rule.strong_readings - 1] == facts.CONFIRMED_STRONG
    assert rule.offsets[rule.weak_readings - 1] == facts.CONFIRMED_WEAK


def test_the_documentation_shows_the_estimates_of_the_model() -> None:
    documented = (Path(__file__).parent.parent.parent.parent.parent / "docs/explanation/sizing.md").read_text(
        encoding="utf-8"
    )
    columns = (
        *(FigureName.REQUESTS_A_DAY, FigureName.FASTEST_SWEEP, FigureName.NEEDED, FigureName.USD_A_DAY),
        *(FigureName.BYTES_A_YEAR, FigureName.WORKERS, FigureName.MEMORY),
    )
    for platform in Platform:
        for accounts in (1_178, 20_000, 200_000, 10_000_000):
            found = size(SizingQuestion(platform, accounts, every=DAY)).figures
            cells = [value_words(found[c]) if c in found else "–" for c in columns]
            row = f"| {PLATFORM_NAME[platform]} | {accounts:,} | {' | '.join(cells)} |"
            assert row in documented
        found = size(SizingQuestion(platform, 0, every=DAY, posts=1_000)).figures
        cells = [
            value_words(found[c]) if c in found else "–"
            for c in (FigureName.REQUESTS_A_DAY, FigureName.USD_A_DAY)
        ]
        assert f"| {PLATFORM_NAME[platform]} | {' | '.join(cells)} |" in documented
