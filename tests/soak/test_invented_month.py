"""Who is watched on which day of a soak, and what happens to them."""

from datetime import UTC, datetime
from pathlib import Path

from collectors.simulator.history import parse_history
from tests.soak.invented_month import DAY, SoakPlan, invented_month
from tests.soak.month import write_history

START = datetime(2026, 12, 1, tzinfo=UTC)
PLAN = SoakPlan(days=5, accounts=200, churn=10, changing=0.05)


def test_as_many_join_as_leave_and_nobody_comes_back() -> None:
    watched = set(range(PLAN.accounts))
    seen = set(watched)
    for day in range(1, PLAN.days + 1):
        assert watched.issuperset(PLAN.watched(day))
        assert watched.issuperset(PLAN.leaving(day))
        assert seen.isdisjoint(PLAN.joining(day))
        watched = (watched - set(PLAN.leaving(day))) | set(PLAN.joining(day))
        seen |= watched
        assert len(watched) == PLAN.accounts


def test_those_who_change_are_watched_all_of_that_day() -> None:
    accounts = invented_month(PLAN, START)
    changes = [(n, at) for n, a in enumerate(accounts) for at in a.times[1:]]
    assert len(changes) == PLAN.days * PLAN.accounts * PLAN.changing
    for number, at in changes:
        assert number in PLAN.watched((at - START) // DAY + 1)


def test_the_simulators_read_the_same_history_from_its_file(tmp_path: Path) -> None:
    accounts = invented_month(PLAN, START)
    file = tmp_path / "history.csv"
    write_history(file, accounts)
    assert parse_history(file.read_text(encoding="utf-8").splitlines(), file.name).accounts == accounts
