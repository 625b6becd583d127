"""Turns as the adaptive planner picks them: as many readings as a sweep would make, spread over its time.

What is read again, because a change is to be confirmed or something was called for, comes on top, as it does
with a sweep; so do promises. Under a ceiling of account-days only those are read that it pays for.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import chain
from math import ceil

import numpy as np

from collectors.core.rate_limit_headers import longest_pause
from jobs.detect.judge import Judged
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
from jobs.planning.planned_accounts import (
    AccountIndex,
    Ids,
    account_ids_at,
    is_closed,
    members_by_list,
    note_asked,
    nothing_read,
    read_at,
    starts_of,
)
from jobs.planning.roster_priority import Pick, PlannerRule, RosterPriority, rosters_by_list
from jobs.planning.rosters import RosterBook
from jobs.planning.sentinels import DailyCostFilter, plan_within_cost_limit
from jobs.planning.sweep import Attempt, retry_after
from jobs.planning.sweep_planner import NotBefore, ScheduledRead
from jobs.planning.watch_state import WatchState
from storage.model.core.accounts import Account, AccountId, ListId
from storage.model.core.coverage import Batch, BatchOutcome, Roster, WhyRead
from storage.model.platforms.registry import DECLARED

_AT_ONCE_S = 60.0
"""What was not used is kept for so long: a night's silence is not made up for at once."""


Turns = dict[tuple[bool, tuple[AccountId, ...]], ScheduledRead]
"""Scheduled reads, by whether they are made in turn, and by their accounts."""


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

    def take_up(self, planners: Mapping[str, tuple[RosterPriority, Ids]]) -> None:
        """These are the planners now, by place, each with its accounts in the order of their positions."""
        before, self._turns = self._turns, {}
        by_place: defaultdict[str, Turns] = defaultdict(dict)
        for turn, (_, pick) in before.items():
            by_place[turn.place][pick.why is WhyRead.TURN, turn.account_ids] = turn
        for place, turns in by_place.items():
            if place not in planners:
                continue
            planner, ids = planners[place]
            for turn, pick in _found_again(turns, planner, ids):
                planner.wait(pick, np.inf)  # until it is known how it went
                self._turns[turn] = planner, pick


def _found_again(turns: Turns, planner: RosterPriority, ids: Ids) -> Iterable[tuple[ScheduledRead, Pick]]:
    """Yield each turn whose accounts are still read together, with its pick in this planner."""
    begins = {account_ids[0] for _, account_ids in turns}
    for pick in planner.picks():
        accounts = planner.accounts_of(pick)
        if ids[accounts[0]] in begins:
            turn = turns.get((pick.why is WhyRead.TURN, account_ids_at(ids, accounts)))
            if turn is not None:
                yield turn, pick


@dataclass(slots=True)
class _PlacePlan:
    """What is read from one place: its planner, and how many full requests it has left."""

    ids: Ids
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
        self._index = AccountIndex({})
        self._changed_at: Mapping[AccountId, datetime] = {}
        """When accounts that the next `take_up` looks at changed last."""
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
        """What the database holds, before `take_up`: when each account to look at changed last, what was
        learned by place, how often lists are to be read, and who was paid for where a ceiling holds.
        `by_another`: another process planned since, so that what this one learned is older.
        """
        self._is_older = by_another
        self._days = days
        self._changed_at = changed_at
        self._learned = dict(learned)
        self._promises = promises

    def learned(self) -> dict[str, Learned]:
        """What was learned so far, by place."""
        return {place: one.expectations.learned() for place, one in self._places.items()}

    def take_up(
        self,
        base: Sequence[Roster],
        stored: Mapping[int, Attempt],
        now: datetime,
        edited: Collection[AccountId] | None = None,
        /,
    ) -> None:
        """The accounts themselves say when they were read, their rosters when those were asked for whom
        answers leave out. What is under way stays so.
        """
        before, self._is_older = {} if self._is_older else self._places, False
        learned = self._learned | {place: one.expectations.learned() for place, one in before.items()}
        places: defaultdict[str, list[Roster]] = defaultdict(list)
        for roster in base:
            places[roster.place].append(roster)
        self._kept_for_posts = sum(self._cost_of_posts(place, rosters) for place, rosters in places.items())
        numbers = {place: number for number, place in enumerate(self._index.places)}
        now_s = now.timestamp()
        places_now: dict[str, _PlacePlan] = {}
        for place, rosters in places.items():
            ids = np.fromiter(chain.from_iterable(r.account_ids for r in rosters), np.int64)
            earlier = before.get(place)
            came_from = self._came_from(rosters, ids, earlier, numbers.get(place, -1))
            accounts, lists = self._taken_over(ids, earlier, came_from, edited, now_s)
            note_asked(accounts, rosters, stored, came_from)
            one = self._place(place, ids, rosters, accounts, lists, learned.get(place), now_s)
            if earlier is not None:
                one.left, one.counted_at, one.failed = earlier.left, earlier.counted_at, earlier.failed
            places_now[place] = one
        self._places = places_now
        self._index = AccountIndex({place: one.ids for place, one in places_now.items()})
        self._changed_at = {}
        self._under_way.take_up({name: (one.planner, one.ids) for name, one in self._places.items()})

    def loaded_again(self, roster: Roster, _newest: Attempt | None, /) -> None:
        """The accounts themselves say when they were read."""
        where, positions = self._index.find(np.array(roster.account_ids, np.int64))
        numbers: list[int] = where.tolist()
        for account_id, number, position in zip(roster.account_ids, numbers, positions, strict=True):
            if number < 0:
                continue
            place, watched = self._places[self._index.places[number]], self._watched[account_id]
            accounts = place.expectations.accounts
            at = read_at(watched, float(accounts.read_at[position]))
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
        steps = [
            (w, step, state)
            for w, _, step in judged.steps
            if (state := step.known.state if step.known.pending is None else step.known.pending.state)
        ]
        where, positions = self._index.find(np.array([w.account.account_id for w, _, _ in steps], np.int64))
        changed = np.array(
            [s.opened is not None and w.known.state is not None for w, s, _ in steps], np.bool_
        )
        closed = np.array([is_closed(state) for _, _, state in steps], np.int8)
        numbers: set[int] = set(where.tolist()) - {-1}
        for number in sorted(numbers):
            here, of = self._places[self._index.places[number]], where == number
            who = positions[of]
            if here.open_today is not None:
                by_chance = here.expectations.by_chance(who, at.timestamp())
                here.open_today.saw(who, changed[of], by_chance, at)
            here.expectations.saw(who, at.timestamp(), changed[of], closed[of])
            refuted = [
                (position, w.known.state, step.refuted.pending.first_seen_new.timestamp())
                for (w, step, _), position, is_here in zip(
                    steps, positions.tolist(), of.tolist(), strict=True
                )
                if is_here and step.refuted is not None and w.known.state is not None
            ]
            for position, state, seen_at in refuted:
                before = np.array([is_closed(state)], np.int8)
                here.expectations.withdrew(np.array([position], np.intp), np.array([seen_at]), before)
                if here.open_today is not None:
                    here.open_today.withdrew(position, seen_at)

    def _turn(self, name: str, place: _PlacePlan, pick: Pick, why: WhyRead, now: datetime) -> ScheduledRead:
        roster = (
            place.base[pick.roster] if pick.why is WhyRead.TURN and pick.roster < len(place.base) else None
        )
        last = None if roster is None else place.failed.get(roster.account_ids)
        if roster is None or (why is not WhyRead.TURN and last is None):
            ids = account_ids_at(place.ids, place.planner.accounts_of(pick))
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
        if self._days is None or not _is_post(self._watched[base[0].account_ids[0]].account):
            return 0.0
        accounts = [self._watched[account_id].account for roster in base for account_id in roster.account_ids]
        controls = (c.account for c in self._rosters.canaries_at(place))
        return self._days.cost({account.native_id for account in (*accounts, *controls)})

    def _came_from(
        self, base: Sequence[Roster], ids: Ids, earlier: _PlacePlan | None, number: int
    ) -> Positions:
        """Return the earlier position of each account of a place; -1 if it has none. The accounts of a roster
        that stays are not looked up one by one.
        """
        if earlier is None:
            return np.full(len(ids), -1)
        begins = {r.roster_id: begin for r, begin in zip(earlier.base, starts_of(earlier.base), strict=True)}
        starts = starts_of(base)
        moved_by = [begins.get(r.roster_id, -1) - start for r, start in zip(base, starts, strict=True)]
        came_from = np.arange(len(ids)) + np.repeat(moved_by, [len(r.account_ids) for r in base])
        for roster, start in zip(base, starts, strict=True):
            if roster.roster_id not in begins:
                here = slice(start, start + len(roster.account_ids))
                where, positions = self._index.find(ids[here])
                came_from[here] = np.where(where == number, positions, -1)
        return came_from

    def _taken_over(
        self,
        ids: Ids,
        earlier: _PlacePlan | None,
        came_from: Positions,
        edited: Collection[AccountId] | None,
        now: float,
    ) -> tuple[Accounts, dict[int, Positions]]:
        """Return the accounts of one place, and the members of each list. New and `edited` accounts are read
        from what is watched; all others are as `earlier`, at the positions `came_from`.
        """
        # An account that was never read counts as read a sweep ago: it comes first, and weighs no more.
        never = now - self._every.total_seconds()
        accounts = nothing_read(len(ids), never)
        is_new = came_from < 0
        is_open = np.ones(len(ids), np.bool_) if edited is None else is_new | np.isin(ids, [*edited])
        positions, numbers = np.empty(0, np.intp), np.empty(0, np.int64)
        if earlier is not None:
            before, kept = earlier.expectations.accounts, came_from[~is_new]
            accounts.asked_at[~is_new] = before.asked_at[kept]
            unchanged = np.flatnonzero(~is_open)
            kept = came_from[unchanged]
            accounts.read_at[unchanged] = before.read_at[kept]
            accounts.changed_at[unchanged] = before.changed_at[kept]
            accounts.closed[unchanged] = before.closed[kept]
            index, numbers = earlier.expectations.lists_of(kept)
            positions = unchanged[index]
        looked_at = [(n, self._watched[AccountId(int(ids[n]))]) for n in np.flatnonzero(is_open).tolist()]
        for n, w in looked_at:
            accounts.read_at[n] = read_at(w, never)
            accounts.closed[n] = is_closed(w.known.state)
            if (changed_at := self._changed_at.get(w.account.account_id)) is not None:
                accounts.changed_at[n] = changed_at.timestamp()
        np.maximum(accounts.asked_at, accounts.read_at, out=accounts.asked_at)
        listed = [(n, list_id) for n, w in looked_at for list_id in w.lists]
        return accounts, members_by_list(
            np.concatenate([positions, np.array([n for n, _ in listed], np.intp)]),
            np.concatenate([numbers, np.array([list_id for _, list_id in listed], np.int64)]),
        )

    def _place(
        self,
        place: str,
        ids: Ids,
        base: list[Roster],
        accounts: Accounts,
        lists: Mapping[int, Positions],
        learned: Learned | None,
        now: float,
    ) -> _PlacePlan:
        expectations = Expectations(self.prior, accounts, lists, learned or nothing_learned(self.prior))
        every = [_seconds(self._promises.get(ListId(list_id))) for list_id in lists]
        size, members = self._rosters.size(place), list(lists.values())
        together = np.arange(len(ids))
        positions = [
            together[at : at + len(r.account_ids)] for r, at in zip(base, starts_of(base), strict=True)
        ]
        if self._days is None or _is_post(self._watched[base[0].account_ids[0]].account):
            ahead, open_today = rosters_by_list(members, every, size), None
            planner = RosterPriority(self.rule, expectations, positions, ahead)
        else:
            native_ids = [self._watched[AccountId(i)].account.native_id for i in ids.tolist()]
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


def _is_post(account: Account) -> bool:
    """Whether it is a post; then all accounts of its place are."""
    return DECLARED[account.platform].is_post(account.native_id)


def _moment(at: float) -> datetime:
    """Not before `at`: a little too early, a budget would lack a little of a request."""
    return datetime.fromtimestamp(at, UTC) + timedelta(milliseconds=1)


def _seconds(every: timedelta | None) -> float:
    return np.inf if every is None else every.total_seconds()
