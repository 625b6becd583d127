"""The scenario by which planners are compared: orders, small orders and single suspensions, all made up.

Half of the accounts are on a list. Order A names 257 accounts: all are blocked within an hour and restored
by one decision 7 to 13 hours later. Order B names 1,178: 60 % are blocked over days, half of them in four
waves, and 40 % of those restored. Every three days some smaller list has 30 % of its accounts blocked. Single
accounts are suspended for weeks, once in 400 days each.
"""

import argparse
import csv
import gzip
import io
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import groupby
from math import log
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from jobs.planning.change_rates import (
    DAY,
    HOUR,
    NEVER,
    Accounts,
    Expectations,
    Positions,
    Prior,
    nothing_learned,
)
from jobs.planning.daily_bill import DailyBill
from jobs.planning.roster_priority import Pick, PlannerRule, RosterPriority, rosters_by_list
from jobs.planning.sentinels import plan_within_cost_limit
from storage.model.core.coverage import WhyRead
from tests.support.samples.readings import T0

A, B, SMALL, SINGLE = "A", "B", "small", "single"


BLOCK, RESTORATION = "block", "restoration"


@dataclass(frozen=True, slots=True)
class Flip:
    """One account is blocked or comes back, at a time in seconds since the start."""

    at: float
    account: int
    cause: str
    kind: str


@dataclass(frozen=True, slots=True)
class Scenario:
    accounts: int
    end: float
    lists: Sequence[Positions]
    flips: Sequence[Flip]
    """In order of time; of each account a block and a restoration in turn."""


def scenario(seed: int, accounts: int, days: float) -> Scenario:
    random = np.random.default_rng(seed)
    end = days * DAY
    shuffled: Positions = random.permutation(accounts)
    lists: list[Positions] = [shuffled[:257], shuffled[257 : 257 + 1178]]
    taken = 257 + 1178
    while taken < accounts / 2:
        size = min(1500, max(20, int(random.lognormal(log(150), 1.1))))
        lists.append(shuffled[taken : taken + size])
        taken += size
    spells = [
        *_order_a(random, lists[0]),
        *_order_b(random, lists[1], end),
        *_small_orders(random, lists[2:], end),
        *_singles(random, accounts, end),
    ]
    return Scenario(accounts, end, lists, _flips(spells, end))


Spell = tuple[float, float, int, str]
"""From, to, account, cause."""


def _order_a(random: np.random.Generator, members: Positions) -> Iterator[Spell]:
    start = random.uniform(2, 3) * DAY
    back = start + random.uniform(7, 13) * HOUR
    for account in members:
        yield start + random.uniform(0, HOUR), back + random.uniform(0, HOUR / 2), int(account), A


def _order_b(random: np.random.Generator, members: Positions, end: float) -> Iterator[Spell]:
    waves = [3 * DAY + random.uniform(0, 4 * DAY) for _ in range(4)]
    for account in members[random.random(len(members)) < 0.6]:
        in_wave = random.random() < 0.5
        at = waves[int(random.integers(4))] + random.uniform(0, 2 * HOUR)
        at = at if in_wave else 3 * DAY + random.exponential(36 * HOUR)
        length = float(random.lognormal(log(48), 1.0)) * HOUR
        back = at + length if random.random() < 0.4 else end
        yield at, back, int(account), B


def _small_orders(random: np.random.Generator, lists: Sequence[Positions], end: float) -> Iterator[Spell]:
    start = random.exponential(3 * DAY)
    while start < end:
        members = lists[int(random.integers(len(lists)))]
        for account in members[random.random(len(members)) < 0.3]:
            at = start + random.uniform(0, 2 * HOUR)
            back = at + random.uniform(8, 96) * HOUR if random.random() < 0.5 else end
            yield at, back, int(account), SMALL
        start += random.exponential(3 * DAY)


def _singles(random: np.random.Generator, accounts: int, end: float) -> Iterator[Spell]:
    for account in random.integers(0, accounts, random.poisson(accounts * end / (400 * DAY))):
        at = random.uniform(0, end)
        yield at, at + random.lognormal(log(30), 1.5) * DAY, int(account), SINGLE


def _flips(spells: Sequence[Spell], end: float) -> list[Flip]:
    """Of spells of one account that overlap, the first one counts."""
    free_from: dict[int, float] = {}
    flips: list[Flip] = []
    for start, back, account, cause in sorted(spells):
        if start >= end or start < free_from.get(account, 0):
            continue
        free_from[account] = back
        flips.append(Flip(start, account, cause, BLOCK))
        if back < end:
            flips.append(Flip(back, account, cause, RESTORATION))
    return sorted(flips, key=lambda f: f.at)


def unrelated(told: Scenario, seed: int) -> Scenario:
    """As many changes, of accounts and at times that have nothing to do with the lists."""
    random = np.random.default_rng(seed + 10_000)
    times = np.sort(random.uniform(0, told.end, len(told.flips)))
    side: dict[int, bool] = {}
    flips: list[Flip] = []
    for at in times:
        account = int(random.integers(told.accounts))
        side[account] = not side.get(account, False)
        flips.append(Flip(float(at), account, SINGLE, BLOCK if side[account] else RESTORATION))
    return Scenario(told.accounts, told.end, told.lists, flips)


def half_known(told: Scenario, seed: int) -> Scenario:
    """The lists as somebody knows them who has half of each, and as many others on it."""
    random = np.random.default_rng(seed + 20_000)
    lists: list[Positions] = []
    for members in told.lists:
        known = members[random.random(len(members)) < 0.5]
        wrong = random.integers(0, told.accounts, len(known))
        lists.append(np.unique(np.concatenate([known, wrong])))
    return Scenario(told.accounts, told.end, lists, told.flips)


class Reader(Protocol):
    """Decides who is read with each request, and hears what was seen."""

    def next(self, now: float) -> Positions: ...
    def saw(
        self, who: Positions, now: float, changed: NDArray[np.bool_], closed: NDArray[np.int8]
    ) -> None: ...


class RoundRobin:
    """Everybody in turn: the reference."""

    def __init__(self, base: Sequence[Positions]) -> None:
        self._base = base
        self._turn = 0

    def next(self, now: float) -> Positions:
        self._turn += 1
        return self._base[(self._turn - 1) % len(self._base)]

    def saw(self, who: Positions, now: float, changed: NDArray[np.bool_], closed: NDArray[np.int8]) -> None:
        """It does not matter."""


class Adaptive:
    """The planner of the product."""

    def __init__(self, told: Scenario, base: Sequence[Positions], sweep_s: float) -> None:
        prior = Prior()
        read_at = np.empty(told.accounts)
        for turn, roster in enumerate(base):
            read_at[roster] = (turn / len(base) - 1) * sweep_s
        known = Accounts(read_at, np.full(told.accounts, NEVER), np.zeros(told.accounts, np.int8))
        self.expectations = Expectations(prior, known, dict(enumerate(told.lists)), nothing_learned(prior))
        ahead = rosters_by_list(told.lists, [np.inf] * len(told.lists), len(base[0]))
        self._planner = RosterPriority(PlannerRule(), self.expectations, base, ahead)
        self._pick: Pick | None = None

    def next(self, now: float) -> Positions:
        self._pick = self._planner.next(now)
        assert self._pick is not None
        return self._planner.accounts_of(self._pick)

    def saw(self, who: Positions, now: float, changed: NDArray[np.bool_], closed: NDArray[np.int8]) -> None:
        assert self._pick is not None
        self.expectations.saw(who, now, changed, closed)
        self._planner.answered(self._pick, now)


class UnderCeiling:
    """The planner of the product under a ceiling of account-days; the scenario begins at 00:01 UTC."""

    begins = datetime(2021, 2, 1, 0, 1, tzinfo=UTC)

    def __init__(self, told: Scenario, base: Sequence[Positions], most: int) -> None:
        prior, begins = Prior(), self.begins.timestamp()
        read_at = np.empty(told.accounts)
        for turn, roster in enumerate(base):
            read_at[roster] = begins - (1 - turn / len(base)) * told.accounts / most * DAY
        known = Accounts(read_at, np.full(told.accounts, NEVER), np.zeros(told.accounts, np.int8))
        self._expected = Expectations(prior, known, dict(enumerate(told.lists)), nothing_learned(prior))
        self.days = DailyBill(most)
        self._open_today, self._planner = plan_within_cost_limit(
            self.days,
            PlannerRule(),
            self._expected,
            base,
            told.lists,
            [np.inf] * len(told.lists),
            [str(n) for n in range(told.accounts)],
            ("control 1", "control 2"),
            len(base[0]),
        )
        self._pick: Pick | None = None

    def next(self, now: float) -> Positions:
        at = self.begins + timedelta(seconds=now)
        assert self._open_today.begin(at)
        while True:
            pick = self._planner.next(at.timestamp())
            assert pick is not None
            if isinstance(self._open_today.admit(pick, at), WhyRead):
                self._pick = pick
                return self._planner.accounts_of(pick)

    def saw(self, who: Positions, now: float, changed: NDArray[np.bool_], closed: NDArray[np.int8]) -> None:
        assert self._pick is not None
        at = self.begins + timedelta(seconds=now)
        by_chance = self._expected.by_chance(who, at.timestamp())
        self._open_today.saw(who, changed, by_chance, at)
        self._expected.saw(who, at.timestamp(), changed, closed)
        self._planner.answered(self._pick, at.timestamp())


def day_of_order(told: Scenario, seed: int) -> Scenario:
    """The day of order A up to two hours after it began, which is at some hour of it."""
    first = next(f.at for f in told.flips if f.cause == A)
    begins = first - np.random.default_rng(seed + 40_000).uniform(2, 20) * HOUR
    flips = [Flip(f.at - begins, f.account, f.cause, f.kind) for f in told.flips if f.at >= begins]
    end = first - begins + 2 * HOUR
    return Scenario(told.accounts, end, told.lists, [f for f in flips if f.at < end])


@dataclass(slots=True)
class Seen:
    """What a reader saw of a scenario."""

    delays: dict[tuple[str, str], list[float]] = field(default_factory=dict[tuple[str, str], list[float]])
    """Seconds from each change to the first reading after it, by cause and kind; of missed spells too."""
    spells: int = 0
    """Those that ended; and of them, those of which no reading was made."""
    missed: int = 0
    oldest_s: float = 0
    readings: float = 0
    requests: int = 0

    def mean(self, wanted: Callable[[tuple[str, str]], bool]) -> float:
        values = [v for key, delays in self.delays.items() if wanted(key) for v in delays]
        return float(np.mean(values)) if values else float("nan")


def play(told: Scenario, reader: Reader, sweep_s: float) -> Seen:
    """Let a reader read through a scenario, in requests that together make one sweep in `sweep_s`.

    A request that asks fewer than a full one brings the next one nearer: what is equal are the readings.
    """
    of: dict[int, list[Flip]] = {}
    for flip in told.flips:
        of.setdefault(flip.account, []).append(flip)
    position = dict.fromkeys(of, 0)
    next_at = np.full(told.accounts, np.inf)
    for account, flips in of.items():
        next_at[account] = flips[0].at
    closed = np.zeros(told.accounts, np.int8)
    read_at = np.full(told.accounts, -np.inf)
    seen = Seen(spells=sum(f.kind == RESTORATION for f in told.flips))
    now = 0.0
    while now < told.end:
        who = reader.next(now)
        changed = np.zeros(len(who), np.bool_)
        for at in np.flatnonzero(next_at[who] <= now):
            account = int(who[at])
            flips, first = of[account], position[account]
            last = first
            while last < len(flips) and flips[last].at <= now:
                seen.delays.setdefault((flips[last].cause, flips[last].kind), []).append(now - flips[last].at)
                last += 1
            position[account] = last
            next_at[account] = flips[last].at if last < len(flips) else np.inf
            seen.missed += (last - first) // 2
            changed[at] = (last - first) % 2 == 1
        closed[who[changed]] ^= 1
        old = read_at[who]
        seen.oldest_s = max(seen.oldest_s, float((now - old[np.isfinite(old)]).max(initial=0)))
        read_at[who] = now
        seen.readings += len(who)
        seen.requests += 1
        reader.saw(who, now, changed, closed[who])
        now += sweep_s * len(who) / told.accounts
    return seen


HEADER = ("platform", "account_id", "handle", "at", "status", "withheld_in", "list")


FIRST_ID = 100_000


def write_scenario(path: Path, told: Scenario) -> Path:
    """Orders withhold accounts in India, single accounts are suspended. It begins at `T0`."""
    lists = {account: f"Order {n}" for n, members in enumerate(told.lists, 1) for account in members.tolist()}
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(HEADER)

    def write(account: int, at: float, status: str, countries: str = "") -> None:
        named = "x", FIRST_ID + account, f"account_{account}"
        table.writerow((*named, moment(at).isoformat(), status, countries, lists.get(account, "")))

    for account in range(told.accounts):
        write(account, -1, "available")
    for flip in told.flips:
        if flip.kind != BLOCK:
            write(flip.account, flip.at, "available")
        elif flip.cause == SINGLE:
            write(flip.account, flip.at, "suspended")
        else:
            write(flip.account, flip.at, "withheld", "IN")
    content = text.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def moment(at: float) -> datetime:
    return T0 + timedelta(seconds=at)


def looks(told: Scenario, readings: Mapping[str, Sequence[datetime]], since: float) -> Seen:
    """What those saw who read at these times, by account, of what happened from `since` on.

    Counted as in `planner_scenario.play`: each change until the next reading, those of missed spells too.
    """
    happened = [f for f in told.flips if f.at >= since]
    seen = Seen(spells=sum(f.kind == RESTORATION for f in happened))
    for account, flips in groupby(sorted(happened, key=_by_account), key=lambda f: f.account):
        times = readings[str(FIRST_ID + account)]
        for place, together in _by_reading(flips, times):
            if place < len(times):
                for flip in together:
                    delay = times[place] - moment(flip.at)
                    seen.delays.setdefault((flip.cause, flip.kind), []).append(delay.total_seconds())
                seen.missed += len(together) // 2
    return seen


def _by_account(flip: Flip) -> tuple[int, float]:
    return flip.account, flip.at


def _by_reading(flips: Iterable[Flip], times: Sequence[datetime]) -> Iterable[tuple[int, list[Flip]]]:
    found: defaultdict[int, list[Flip]] = defaultdict(list)
    for flip in flips:
        found[bisect_left(times, moment(flip.at))].append(flip)
    return found.items()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.support.samples.planner_scenario")
    parser.add_argument("file", type=Path)
    parser.add_argument("--accounts", type=int, default=20_000)
    parser.add_argument("--days", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=101)
    asked = parser.parse_args()
    write_scenario(asked.file, scenario(asked.seed, asked.accounts, asked.days))


if __name__ == "__main__":
    main()
