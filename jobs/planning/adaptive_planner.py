"""Turns as the adaptive planner picks them: as many readings as a sweep would make, spread over its time.

What is read again, because a change is to be confirmed or something was called for, comes on top, as it does
with a sweep; so do promises. Under a ceiling of account-days only those are read that it pays for.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from math import ceil

import numpy as np

from collectors.core.rate_limit_headers import longest_pause
from jobs.detect.judge import Judged, TrackedAccount
from jobs.planning.change_rates import (
    NEVER,
    Accounts,
    Expectations,
    Learned,
    Positions,
    Prior,
    nothing_learned,
)
from jobs.planning.daily_bill import DailyBill, Refusal, earliest_billable
from jobs.planning.roster_priority import Pick, PlannerRule, RosterPriority, rosters_by_list
from jobs.planning.rosters import RosterBook
from jobs.planning.sentinels import DailyCostFilter, plan_within_cost_limit
from jobs.planning.sweep import Attempt, retry_after
from jobs.planning.sweep_planner import NotBefore, ScheduledRead
from jobs.planning.watch_state import WatchState
from storage.model.core.accounts import Account, AccountId, ListId
from storage.model.core.availability import State
from storage.model.core.coverage import Batch, BatchOutcome, Roster, WhyRead
from storage.model.core.known_state import Closed
from storage.model.platforms.registry import DECLARED

_AT_ONCE_S = 60.0
"""What was not used is kept for so long: a night's silence is not made up for at once."""


Called = dict[tuple[bool, tuple[AccountId, ...]], Pick]
"""Picks by whether they are made in turn, and by their accounts."""


class InFlightReads:
    """The turns under way, each with what the planner that there is now calls it: they stay so when the
    rosters are made anew meanwhile.
    """

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


@dataclass(slots=True)
class _PlacePlan:
    """What is read from one place: its planner, and how many full requests it has left."""

    ids: list[AccountId]
    base: list[Roster]
    expectations: Expectations
    planner: RosterPriority
    request_every_s: float
    left: float
    counted_at: float
    open_today: DailyCostFilter | None = None
    """What a ceiling lets be read; None: there is none."""
    failed: dict[tuple[AccountId, ...], Attempt] = field(default_factory=dict[tuple[AccountId, ...], Attempt])
    """The last attempt of base rosters that gave nothing, by their accounts."""

    def count(self, now: float) -> None:
        """A clock that was set back takes nothing away."""
        most = max(1.0, _AT_ONCE_S / self.request_every_s)
        if self.left < most:
            passed = max(0.0, now - self.counted_at)
            self.left = min(most, self.left + passed / self.request_every_s)
        self.counted_at = now

    def begin(self, now: datetime) -> bool:
        return self.open_today is None or self.open_today.begin(now)

    def admit(self, pick: Pick, now: datetime) -> WhyRead | Refusal:
        return pick.why if self.open_today is None else self.open_today.admit(pick, now)

    def has_from(self, requests: float) -> float:
        """When so many requests will be left."""
        return self.counted_at + max(0.0, requests - self.left) * self.request_every_s


class AdaptivePlanner:
    """Reads each place as often as a sweep of `every` would, but not everybody equally often.

    What it learned is handed over by `learned`, and given back at the next start.
    """

    rule = PlannerRule()
    prior = Prior()

    def __init__(self, every: timedelta, watched: WatchState, rosters: RosterBook) -> None:
        self._every = every
        self._watched = watched
        self._rosters = rosters
        self._days: DailyBill | None = None
        self._kept_for_posts = 0.0
        """The part of the daily cost limit, in accounts, that is reserved for posts."""
        self._places: dict[str, _PlacePlan] = {}
        self._where: dict[AccountId, tuple[str, int]] = {}
        self._changed_at: dict[AccountId, float] = {}
        self._learned: dict[str, Learned] = {}
        self._promises: Mapping[ListId, timedelta] = {}
        self._under_way = InFlightReads()
        self._is_older = False
        """What is held of the places, than what the database holds."""

    def remember(
        self,
        changed_at: Mapping[AccountId, datetime],
        learned: Mapping[str, Learned],
        promises: Mapping[ListId, timedelta],
        days: DailyBill | None,
        *,
        by_another: bool,
    ) -> None:
        """What the database holds, before `take_up`: when each account changed last, what was learned by
        place, how often lists are to be read, and who was paid for where a ceiling holds. `by_another`:
        another process planned since, so that what this one learned is older.
        """
        self._is_older = by_another
        self._days = days
        self._changed_at = {account_id: at.timestamp() for account_id, at in changed_at.items()}
        self._learned = dict(learned)
        self._promises = promises

    def learned(self) -> dict[str, Learned]:
        """What was learned so far, by place."""
        return {place: one.expectations.learned() for place, one in self._places.items()}

    def take_up(self, base: Sequence[Roster], stored: Mapping[int, Attempt], now: datetime, /) -> None:
        """The accounts themselves say when they were read, their rosters when those were asked for whom
        answers leave out. What is under way stays so.
        """
        before, self._is_older = {} if self._is_older else self._places, False
        learned = self._learned | {place: one.expectations.learned() for place, one in before.items()}
        places: defaultdict[str, list[Roster]] = defaultdict(list)
        for roster in base:
            places[roster.place].append(roster)
        self._places, self._where = {}, {}
        asked_at = asked_in_turn(base, stored)
        for one in before.values():
            asked_at |= zip(one.ids, one.expectations.accounts.asked_at.tolist(), strict=True)
        self._kept_for_posts = sum(self._cost_of_posts(place, rosters) for place, rosters in places.items())
        for place, rosters in places.items():
            one = self._place(place, rosters, learned.get(place), asked_at, now.timestamp())
            if place in before:
                one.left, one.counted_at = before[place].left, before[place].counted_at
                one.failed = before[place].failed
            self._places[place] = one
            self._where |= {account_id: (place, at) for at, account_id in enumerate(one.ids)}
        self._under_way.take_up({name: (one.planner, one.ids) for name, one in self._places.items()})

    def loaded_again(self, roster: Roster, _newest: Attempt | None, /) -> None:
        """The accounts themselves say when they were read."""
        for account_id in roster.account_ids:
            if account_id in self._where:
                name, position = self._where[account_id]
                accounts, watched = self._places[name].expectations.accounts, self._watched[account_id]
                at = read_at(watched, accounts.read_at[position])
                accounts.read_at[position] = at
                accounts.asked_at[position] = max(at, accounts.asked_at[position])
                accounts.closed[position] = is_closed(watched.known.state)

    def due(self, now: datetime, not_before: NotBefore) -> list[ScheduledRead]:
        turns: list[ScheduledRead] = []
        for name, place in self._places.items():
            place.count(now.timestamp())
            if not_before(name, now) > now or not place.begin(now):
                continue
            while (pick := place.planner.promised(now.timestamp())) is not None:
                if isinstance(why := place.admit(pick, now), WhyRead):
                    turns.append(self._turn(name, place, pick, why, now))
            while place.left >= 1 and (pick := place.planner.next(now.timestamp())) is not None:
                if isinstance(why := place.admit(pick, now), WhyRead):
                    place.left -= place.planner.cost(pick)
                    turns.append(self._turn(name, place, pick, why, now))
        return turns

    def next_at(self, now: datetime, not_before: NotBefore, /) -> Iterable[datetime]:
        for name, place in self._places.items():
            at = min(max(place.has_from(1), place.planner.next_from()), place.planner.promised_from())
            if np.isfinite(at):
                moment = _moment(at)
                yield not_before(
                    name, moment if place.open_today is None else earliest_billable(max(moment, now))
                )

    def refused(self, _roster: Roster, _until: datetime, /) -> None:
        """It plans by what the day still pays for."""

    def polled(self, turn: ScheduledRead, batch: Batch | None) -> None:
        if (picked := self._under_way.end(turn)) is None:
            return
        planner, pick = picked
        place = self._places[turn.place]
        attempt = None if batch is None else Attempt(turn.slot, turn.number, batch.observed_at, batch.outcome)
        if attempt is None:
            planner.wait(pick, NEVER)
        elif attempt.outcome is BatchOutcome.ANSWERED:
            planner.answered(pick, attempt.at.timestamp())
        else:
            again_after = min(retry_after(turn.number), longest_pause(self._every))
            planner.wait(pick, (attempt.at + again_after).timestamp())
        if turn.why is WhyRead.TURN and attempt is not None:
            place.failed.pop(turn.account_ids, None)
            if attempt.outcome is not BatchOutcome.ANSWERED:
                place.failed[turn.account_ids] = attempt

    def saw(self, judged: Judged, at: datetime, /) -> None:
        by_place: defaultdict[str, list[tuple[int, bool, State]]] = defaultdict(list)
        refuted: list[tuple[TrackedAccount, Closed]] = []
        for w, _, step in judged.steps:
            account_id = w.account.account_id
            state = step.known.state if step.known.pending is None else step.known.pending.state
            if account_id not in self._where or state is None:
                continue
            place, position = self._where[account_id]
            changed = step.opened is not None and w.known.state is not None
            if changed:
                self._changed_at[account_id] = at.timestamp()
            by_place[place].append((position, changed, state))
            if step.refuted is not None and w.known.state is not None:
                refuted.append((w, step.refuted))
        for place, seen in by_place.items():
            here = self._places[place]
            who = np.array([position for position, _, _ in seen], np.intp)
            is_changed = np.array([changed for _, changed, _ in seen], np.bool_)
            if here.open_today is not None:
                by_chance = here.expectations.by_chance(who, at.timestamp())
                here.open_today.saw(who, is_changed, by_chance, at)
            here.expectations.saw(
                who,
                at.timestamp(),
                is_changed,
                np.array([is_closed(state) for _, _, state in seen], np.int8),
            )
        for w, closed in refuted:
            place, position = self._where[w.account.account_id]
            self._places[place].expectations.withdrew(
                np.array([position], np.intp),
                np.array([closed.pending.first_seen_new.timestamp()]),
                np.array([is_closed(w.known.state)], np.int8),
            )
            if (open_today := self._places[place].open_today) is not None:
                open_today.withdrew(position, closed.pending.first_seen_new.timestamp())

    def _turn(self, name: str, place: _PlacePlan, pick: Pick, why: WhyRead, now: datetime) -> ScheduledRead:
        roster = (
            place.base[pick.roster] if pick.why is WhyRead.TURN and pick.roster < len(place.base) else None
        )
        last = None if roster is None else place.failed.get(roster.account_ids)
        if roster is None or (why is not WhyRead.TURN and last is None):
            ids = tuple(place.ids[int(at)] for at in place.planner.accounts_of(pick))
            turn = ScheduledRead(why, name, ids, None, now, 0, pick.roster)
        else:
            slot, number = (now, 0) if last is None else (last.slot, last.number + 1)
            quarantined = last is not None and last.outcome is BatchOutcome.HELD
            turn = ScheduledRead(
                pick.why, name, roster.account_ids, roster, slot, number, pick.roster, quarantined
            )
        self._under_way.begin(turn, place.planner, pick)
        return turn

    def _cost_of_posts(self, place: str, base: Sequence[Roster]) -> float:
        """The cost in accounts of a place's posts and control posts. 0 if the place has accounts."""
        if self._days is None:
            return 0.0
        accounts = [self._watched[account_id].account for roster in base for account_id in roster.account_ids]
        if not _is_of_posts(accounts):
            return 0.0
        controls = (c.account for c in self._rosters.canaries_at(place))
        return self._days.cost({account.native_id for account in (*accounts, *controls)})

    def _place(
        self,
        place: str,
        base: list[Roster],
        learned: Learned | None,
        asked_at: Mapping[AccountId, float],
        now: float,
    ) -> _PlacePlan:
        ids = [account_id for roster in base for account_id in roster.account_ids]
        where = {account_id: at for at, account_id in enumerate(ids)}
        watched = [self._watched[account_id] for account_id in ids]
        lists = members_by_list(watched)
        # Who was never read counts as read a sweep ago: he comes first, and weighs no more than that.
        never = now - self._every.total_seconds()
        accounts = as_last_read(watched, self._changed_at, asked_at, never)
        expectations = Expectations(self.prior, accounts, lists, learned or nothing_learned(self.prior))
        every = [_seconds(self._promises.get(ListId(list_id))) for list_id in lists]
        size, members = self._rosters.size(place), list(lists.values())
        positions = [np.array([where[a] for a in roster.account_ids], np.intp) for roster in base]
        if self._days is None or _is_of_posts([w.account for w in watched]):
            ahead, open_today = rosters_by_list(members, every, size), None
            planner = RosterPriority(self.rule, expectations, positions, ahead)
        else:
            native_ids = [w.account.native_id for w in watched]
            controls = [c.account.native_id for c in self._rosters.canaries_at(place)]
            kept = ceil(self._kept_for_posts)
            open_today, planner = plan_within_cost_limit(
                self._days,
                self.rule,
                expectations,
                positions,
                members,
                every,
                native_ids,
                controls,
                size,
                kept,
            )
        return _PlacePlan(
            ids,
            base,
            expectations,
            planner,
            self._every.total_seconds() * planner.size / len(ids),
            left=0.0,
            # What was not used since the last reading on record is left: a restart costs nobody a turn.
            counted_at=min(now, float(accounts.read_at.max())),
            open_today=open_today,
        )


def _is_of_posts(accounts: Sequence[Account]) -> bool:
    """Whether the accounts of one place are posts."""
    return bool(accounts) and DECLARED[accounts[0].platform].is_post(accounts[0].native_id)


def _moment(at: float) -> datetime:
    """Not before `at`: a little too early, a budget would lack a little of a request."""
    return datetime.fromtimestamp(at, UTC) + timedelta(milliseconds=1)


def _seconds(every: timedelta | None) -> float:
    return np.inf if every is None else every.total_seconds()


def as_last_read(
    watched: Sequence[TrackedAccount],
    changed_at: Mapping[AccountId, float],
    asked_at: Mapping[AccountId, float],
    never: float,
) -> Accounts:
    """In the order of `watched`; who was never read counts as read at `never`."""
    ids = [w.account.account_id for w in watched]
    accounts = Accounts(
        np.array([read_at(w, never) for w in watched]),
        np.array([changed_at.get(account_id, NEVER) for account_id in ids]),
        np.array([is_closed(w.known.state) for w in watched], np.int8),
    )
    asked = np.array([asked_at.get(account_id, NEVER) for account_id in ids])
    accounts.asked_at = np.maximum(accounts.read_at, asked)
    return accounts


def asked_in_turn(base: Sequence[Roster], stored: Mapping[int, Attempt]) -> dict[AccountId, float]:
    """When each account was asked for with its base roster, where its newest attempt was answered."""
    return {
        account_id: last.at.timestamp()
        for roster in base
        if (last := stored.get(roster.roster_id)) is not None and last.outcome is BatchOutcome.ANSWERED
        for account_id in roster.account_ids
    }


def members_by_list(watched: Sequence[TrackedAccount]) -> dict[int, Positions]:
    """Their positions among `watched`."""
    members: defaultdict[ListId, list[int]] = defaultdict(list)
    for at, w in enumerate(watched):
        for list_id in w.lists:
            members[list_id].append(at)
    return {list_id: np.array(members[list_id], np.intp) for list_id in sorted(members)}


def read_at(watched: TrackedAccount, never: float) -> float:
    at = watched.known.last_read_at
    return never if at is None else at.timestamp()


def is_closed(state: State | None) -> int:
    return int(state is not None and (state.status.is_gone or state.status.is_blocked))
