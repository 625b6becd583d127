"""What a day's ceiling in dollars pays for, as it is planned."""

from pathlib import Path

import pytest

from collectors.x.declaration import X
from storage.model.sizing.question import PlannerKind, SizingQuestion
from storage.model.sizing.sizing import FigureName, size
from storage.model.sizing.words import tables, value_words

ADAPTIVE = PlannerKind.ADAPTIVE
UNDER_20 = SizingQuestion(X, 20_000, money=20, planner=ADAPTIVE, lists=(257, 1_178, 3))


@pytest.mark.parametrize(
    ("asked", "name", "expected"),
    [
        pytest.param(UNDER_20, FigureName.PAID_A_DAY, 2_000, id="a cent an account"),
        pytest.param(UNDER_20, FigureName.CONTROLS_A_DAY, 10, id="ten are kept for control accounts"),
        pytest.param(UNDER_20, FigureName.SENTINELS_A_DAY, 13, id="five of each list, or all of a small one"),
        pytest.param(
            UNDER_20, FigureName.IN_TURN_A_DAY, 1_372, id="fourteen whole requests, seven tenths at most"
        ),
        pytest.param(UNDER_20, FigureName.RESERVE_A_DAY, 605, id="the rest is kept for what is seen"),
        pytest.param(UNDER_20, FigureName.ROUND, 15 * 86_400, id="205 requests by turns of fourteen"),
        pytest.param(UNDER_20, FigureName.DELAY_AT_MOST, 15 * 86_400, id="from one turn to the next at most"),
        pytest.param(
            UNDER_20, FigureName.DELAY, 14 / 15 * 7 * 86_400, id="nothing on the day, half of the others"
        ),
        pytest.param(UNDER_20, FigureName.USD_A_DAY, 20, id="what is asked for is what is spent"),
        pytest.param(
            UNDER_20, FigureName.SWEEP, 615, id="those who are paid for are read as often as X allows"
        ),
        pytest.param(
            SizingQuestion(X, 20_000, money=20, planner=ADAPTIVE),
            FigureName.SENTINELS_A_DAY,
            0,
            id="no list, no sentinels",
        ),
        pytest.param(
            SizingQuestion(X, 1_178, money=11.87, planner=ADAPTIVE),
            FigureName.ROUND,
            2 * 86_400,
            id="a cent is missing",
        ),
        pytest.param(
            SizingQuestion(X, 1_178, money=11.88, planner=ADAPTIVE),
            FigureName.ROUND,
            86_400,
            id="everybody every day",
        ),
        pytest.param(
            SizingQuestion(X, 1_178, money=500, planner=ADAPTIVE),
            FigureName.USD_A_DAY,
            11.88,
            id="nobody else is paid for",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, money=20, planner=ADAPTIVE, posts=400),
            FigureName.PAID_A_DAY,
            1_400,
            id="400 posts take the money of 600 accounts, before any account",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, money=20, planner=ADAPTIVE, posts=400),
            FigureName.POSTS_A_DAY,
            400,
            id="each post is paid for every day",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, money=20, planner=ADAPTIVE, posts=400),
            FigureName.CONTROLS_A_DAY,
            10,
            id="what is kept for posts is not kept for control accounts",
        ),
        pytest.param(
            SizingQuestion(X, 20_000, money=20, planner=ADAPTIVE, posts=400),
            FigureName.USD_A_DAY,
            20,
            id="posts and accounts together cost no more than the limit",
        ),
        pytest.param(
            SizingQuestion(X, 1_178, money=500, planner=ADAPTIVE, posts=100),
            FigureName.USD_A_DAY,
            11.88 + 1.5,
            id="all accounts, their control accounts and all posts",
        ),
        pytest.param(
            SizingQuestion(X, 0, money=20, planner=ADAPTIVE, posts=100),
            FigureName.ROUND,
            86_400,
            id="posts alone are all read every day",
        ),
        pytest.param(
            SizingQuestion(X, 980, money=500, planner=ADAPTIVE),
            FigureName.DELAY_AT_MOST,
            60 / 0.7 + 180,
            id="everybody paid for waits as without a ceiling, and around midnight",
        ),
    ],
)
def test_what_a_ceiling_pays_for(asked: SizingQuestion, name: FigureName, expected: float) -> None:
    assert size(asked).value(name) == pytest.approx(expected)


def test_lists_have_sentinels_under_a_daily_cost_limit_and_what_follows_them_is_bounded() -> None:
    found = size(UNDER_20)
    told = [(one.accounts, one.sentinels.value, one.followed.value) for one in found.list_watches]
    assert told == [(257, 5, 252), (1_178, 5, 403), (3, 3, 0)]
    assert found.lists == ()
    rows = {row.name: row for table in tables(found) for row in table.rows}
    assert "at most 403 other accounts of it" in rows["Sentinel accounts of a list of 1,178"].note
    assert rows["Sentinel accounts of a list of 3"].value == "3"


def test_lists_are_read_early_if_the_daily_cost_limit_pays_for_all_accounts() -> None:
    found = size(SizingQuestion(X, 1_178, money=12, planner=ADAPTIVE, lists=(257,)))
    assert (len(found.lists), found.list_watches) == (1, ())
    assert FigureName.SENTINELS_A_DAY not in found.figures


def test_the_documentation_shows_the_estimates_under_a_daily_cost_limit() -> None:
    documented = (Path(__file__).parent.parent.parent.parent.parent / "docs/explanation/sizing.md").read_text(
        encoding="utf-8"
    )
    both = [
        size(SizingQuestion(X, 20_000, money=usd, planner=ADAPTIVE, lists=(257, 1_178))) for usd in (20, 5)
    ]
    for words, names in (
        ("accounts paid for, at most", [FigureName.PAID_A_DAY]),
        (
            "of them control accounts, sentinel accounts",
            [FigureName.CONTROLS_A_DAY, FigureName.SENTINELS_A_DAY],
        ),
        ("every account is read within", [FigureName.ROUND]),
        ("delay of a change that no sentinel account shows, on average", [FigureName.DELAY]),
    ):
        cells = [", ".join(value_words(found.figures[n]) for n in names) for found in both]
        assert f"| {words} | {' | '.join(cells)} |" in documented
    followed = [value_words(found.list_watches[0].followed) for found in both]
    row = f"| other accounts of the list of 257 followed in a day, at most | {' | '.join(followed)} |"
    assert row in documented
