"""Under a ceiling of account-days: how much of a list is opened by what is seen of it."""

from datetime import UTC, datetime, timedelta

import numpy as np

from jobs.planning.change_rates import NEVER, Accounts, Expectations, Positions, Prior, nothing_learned
from jobs.planning.daily_bill import DailyBill
from jobs.planning.roster_priority import Pick, PlannerRule
from jobs.planning.sentinels import plan_within_cost_limit
from storage.model.core.coverage import WhyRead

AT = datetime(2021, 2, 1, 1, tzinfo=UTC)
SIZE = 98


class Day:
    """A day on which sentinels, two rosters and the changes of the only list are paid for."""

    def __init__(self, most: int, members: int) -> None:
        accounts = 2000
        lists: list[Positions] = [np.arange(members)]
        known = Accounts(np.zeros(accounts), np.full(accounts, NEVER), np.zeros(accounts, np.int8))
        prior = Prior()
        expectations = Expectations(prior, known, dict(enumerate(lists)), nothing_learned(prior))
        base = [np.arange(i, min(i + SIZE, accounts)) for i in range(members, accounts, SIZE)]
        self.days = DailyBill(most)
        ids = [str(n) for n in range(accounts)]
        self.open, self.planner = plan_within_cost_limit(
            self.days, PlannerRule(), expectations, base, lists, [np.inf], ids, (), SIZE
        )
        assert self.open.begin(AT)

    def see(self, account: int, at: datetime = AT, *, expected: float = 0.0) -> None:
        """One member is found changed."""
        self.open.saw(np.array([account]), np.array([True]), np.array([expected]), at)

    def read(self) -> float:
        """Read all that can be; how many of the list were paid for because of changes by then."""
        at = AT.timestamp()
        picks: list[Pick] = []
        while (pick := self.planner.next(at)) is not None:
            if isinstance(self.open.admit(pick, AT), WhyRead):
                picks.append(pick)
        for pick in picks:
            self.planner.answered(pick, at)
        return self.days.paid_for(WhyRead.AHEAD)


def _day(members: int) -> Day:
    day = Day(500, members)
    assert day.read() == 0
    assert day.days.paid_for(WhyRead.SENTINEL) == 5
    return day


def test_of_a_list_nothing_is_paid_for_when_chance_explains_the_change() -> None:
    day = _day(100)
    day.see(0, expected=1.0)
    assert day.read() == 0


def test_after_a_change_that_was_not_confirmed_the_next_one_is_the_first() -> None:
    day = _day(100)
    day.see(0)
    part = day.read()
    day.open.withdrew(0, AT.timestamp())
    day.see(1, AT + timedelta(minutes=1))
    assert day.read() == part
