"""Pure: a synthetic history that tells the story of India, 29 January to 12 February 2021.

The published totals are kept exactly; persons, hours and every split below the totals are invented,
and whoever shows the scenario shows `NOTICE` with it.
"""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import StringIO
from random import Random

from collectors.simulator import engagement_file, history
from collectors.simulator.engagement_file import SimulatedAct
from collectors.x.declaration import X
from collectors.x.scenario.india_cast import ORDER_2, CastMember, cast
from collectors.x.scenario.india_engagement import acts
from collectors.x.scenario.india_orders import events, orders
from collectors.x.scenario.india_posts import control_posts, post_moments, posts
from collectors.x.scenario.india_status import END, START, ScenarioState, moments
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.model.core.coverage import Gap
from storage.model.core.orders import NewOrder, NewOrderEvent

NOTICE = (
    "Synthetic scenario: persons, posts, hours and splits are invented, the totals of accounts are those of "
    "the press."
)


@dataclass(frozen=True, slots=True)
class ScenarioAccount:
    """An account or a post under the handle that it has at the start."""

    native_id: str
    handle: str


@dataclass(frozen=True, slots=True)
class ScenarioList:
    """A watch list. What is on it is enlisted at `enlist_at`: the start, or when its order arrives."""

    name: str
    enlist_at: datetime
    accounts: tuple[ScenarioAccount, ...]


@dataclass(frozen=True, slots=True)
class ScenarioExecutive:
    account: ScenarioAccount
    name: str
    title: str


@dataclass(frozen=True, slots=True)
class ScenarioCanary:
    account: ScenarioAccount
    expected: Status


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """One line of the history file: from `at` on, the account has this status under this handle."""

    platform: Platform
    account_id: str
    handle: str
    at: datetime
    status: Status
    withheld_in: tuple[str, ...]
    lists: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scenario:
    """All that a demo needs: the truth that the simulators serve, and what the monitor is told, when."""

    start: datetime
    end: datetime
    rows: tuple[HistoryRow, ...]
    """By time. The first row of an account is its state at the start."""
    acts: tuple[SimulatedAct, ...]
    lists: tuple[ScenarioList, ...]
    orders: tuple[NewOrder, ...]
    events: tuple[NewOrderEvent, ...]
    executives: tuple[ScenarioExecutive, ...]
    canaries: tuple[ScenarioCanary, ...]
    """Neither these nor the executives are on a list."""
    outage: Gap
    """The collector reaches nothing between these two times."""

    def to_csv(self) -> tuple[str, ...]:
        """The lines of the history file, header first, without line ends."""
        return _lines(
            history.COLUMNS,
            [
                (
                    row.platform.value,
                    row.account_id,
                    row.handle,
                    _stamp(row.at),
                    row.status.value,
                    " ".join(row.withheld_in),
                    ";".join(row.lists),
                )
                for row in self.rows
            ],
        )

    def acts_csv(self) -> tuple[str, ...]:
        """The lines of the acts file, header first, without line ends."""
        return _lines(
            engagement_file.COLUMNS,
            [
                (
                    act.actor_id,
                    _stamp(act.at),
                    act.kind.value,
                    act.post_id,
                    act.target_id or "",
                    act.target_author_id or "",
                )
                for act in self.acts
            ],
        )


def scenario(seed: int = 2021) -> Scenario:
    """The scenario: the same seed gives the same history to the last second."""
    rng = Random(seed)  # noqa: S311 - a repeatable story, not a secret
    who = cast(rng)
    story = moments(rng, who)
    dice = Random(f"{seed}: posts")  # noqa: S311 - of their own, so that the accounts do not depend on them
    named, control = posts(dice, who, story), control_posts(dice, who)
    members = tuple((name, people + named if name == ORDER_2 else people) for name, people in who.members)
    begin = [ScenarioState(p, START, State(p.status), p.handle) for p in (*named, *control)]
    states = [*story, *begin, *post_moments(dice, named)]
    story = tuple(sorted(states, key=lambda m: (m.at, m.person.native_id)))
    papers = orders()
    return Scenario(
        start=START,
        end=END,
        rows=_rows(members, story),
        acts=acts(rng, who),
        lists=_lists(members, papers),
        orders=papers,
        events=events(),
        executives=(
            ScenarioExecutive(_account(who.chief), "Rowan Ashvale (invented)", "Chief executive"),
            ScenarioExecutive(_account(who.policy_head), "Maren Tolliver (invented)", "Head of policy"),
        ),
        canaries=tuple(
            ScenarioCanary(_account(p), p.status) for p in (who.stable_canary, who.suspended_canary, *control)
        ),
        outage=Gap(
            datetime(2021, 2, 6, 21, 10, tzinfo=UTC),
            datetime(2021, 2, 7, 5, 40, tzinfo=UTC),
        ),
    )


# Where each stretch of the story begins, and how many real seconds the demo gives it.
_STRETCHES = (
    (START, 11.0),  # quiet; order 1 arrives
    (datetime(2021, 2, 1, 6, 30, tzinfo=UTC), 25.0),  # noon in India: blocked, and back in the evening
    (datetime(2021, 2, 1, 13, 30, tzinfo=UTC), 8.0),
    (datetime(2021, 2, 3, 10, tzinfo=UTC), 14.0),  # notice, burst of the executives, order 2
    (datetime(2021, 2, 5, tzinfo=UTC), 40.0),  # the drift, with the outage in it
    (datetime(2021, 2, 11, 9, tzinfo=UTC), 7.0),
)
REAL_SECONDS = sum(seconds for _, seconds in _STRETCHES)
"""How long the whole scenario plays at `pace`."""


def pace(at: datetime) -> float:
    """Simulated seconds per real second at the moment `at` of the scenario.

    Before the start it is the pace of the first stretch, after the end that of the last.
    """
    begins = [begin for begin, _ in _STRETCHES]
    current = max(sum(begin <= at for begin in begins) - 1, 0)
    until = begins[current + 1] if current + 1 < len(begins) else END
    return (until - begins[current]) / timedelta(seconds=_STRETCHES[current][1])


_Members = Sequence[tuple[str, Sequence[CastMember]]]
"""Each list with its accounts and posts."""


def _rows(members: _Members, story: Sequence[ScenarioState]) -> tuple[HistoryRow, ...]:
    lists: dict[str, list[str]] = {}
    for name, people in members:
        for person in people:
            lists.setdefault(person.native_id, []).append(name)
    return tuple(
        HistoryRow(
            X,
            moment.person.native_id,
            moment.handle,
            moment.at,
            moment.state.status,
            moment.state.withheld_in,
            tuple(lists.get(moment.person.native_id, ())),
        )
        for moment in story
    )


def _lists(members: _Members, papers: Sequence[NewOrder]) -> tuple[ScenarioList, ...]:
    arrival = {order.list_name: order.known_at for order in papers}
    return tuple(
        ScenarioList(name, arrival.get(name, START), tuple(_account(p) for p in people))
        for name, people in members
    )


def _account(person: CastMember) -> ScenarioAccount:
    return ScenarioAccount(person.native_id, person.handle)


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _lines(header: Sequence[str], rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
    out = StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return tuple(out.getvalue().splitlines())
