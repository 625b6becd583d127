"""Turns that the adaptive planner picked stay under way when the rosters are made anew meanwhile."""

from collections.abc import Mapping, Sequence

import numpy as np

from jobs.planning.roster_priority import Pick, RosterPriority
from jobs.planning.sweep_planner import ScheduledRead
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import WhyRead

Called = dict[tuple[bool, tuple[AccountId, ...]], Pick]
"""Picks by whether they are made in turn, and by their accounts."""


class InFlightReads:
    """The turns under way, each with what the planner that there is now calls it."""

    def __init__(self) -> None:
        self._turns: dict[ScheduledRead, tuple[RosterPriority, Pick]] = {}

    def begin(self, turn: ScheduledRead, planner: RosterPriority, pick: Pick) -> None:
        self._turns[turn] = planner, pick

    def end(self, turn: ScheduledRead) -> tuple[RosterPriority, Pick] | None:
        """Whom to tell how it went; None when its accounts do not stand together any more."""
        return self._turns.pop(turn, None)

    def take_up(self, planners: Mapping[str, tuple[RosterPriority, Sequence[AccountId]]]) -> None:
        """These are the planners now, by place, each with its accounts in the order of their positions."""
        before, self._turns = self._turns, {}
        concerned = planners.keys() & {turn.place for turn in before}
        called = {place: _called(*planners[place]) for place in concerned}
        for turn, (_, picked) in before.items():
            pick = called.get(turn.place, {}).get((picked.why is WhyRead.TURN, turn.account_ids))
            if pick is not None:
                planner, _ = planners[turn.place]
                planner.wait(pick, np.inf)  # until it is known how it went
                self._turns[turn] = planner, pick


def _called(planner: RosterPriority, ids: Sequence[AccountId]) -> Called:
    return {
        (pick.why is WhyRead.TURN, tuple(ids[int(at)] for at in planner.accounts_of(pick))): pick
        for pick in planner.picks()
    }
