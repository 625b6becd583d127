"""What a day's ceiling in dollars pays for, as it is planned."""

from collectors.x.declaration import X
from storage.model.sizing.question import PlannerKind, SizingQuestion
from storage.model.sizing.sizing import size
from storage.model.sizing.words import tables

ADAPTIVE = PlannerKind.ADAPTIVE
UNDER_20 = SizingQuestion(X, 20_000, money=20, planner=ADAPTIVE, lists=(257, 1_178, 3))


def test_lists_have_sentinels_under_a_daily_cost_limit_and_what_follows_them_is_bounded() -> None:
    found = size(UNDER_20)
    told = [(one.accounts, one.sentinels.value, one.followed.value) for one in found.list_watches]
    assert told == [(257, 5, 252), (1_178, 5, 403), (3, 3, 0)]
    assert found.lists == ()
    rows = {row.name: row for table in tables(found) for row in table.rows}
    assert "at most 403 other accounts of it" in rows["Sentinel accounts of a list of 1,178"].note
    assert rows["Sentinel accounts of a list of 3"].value == "3"
