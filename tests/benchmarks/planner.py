"""The planner of the product against round-robin, at equal readings, on made-up histories.

The seeds are none of those on which its figures were chosen. Each ratio is the mean over the seeds; half the
width of its 95 % interval stands beside it.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from collectors.x.declaration import X
from jobs.planning.change_rates import DAY, Positions
from jobs.planning.roster_priority import PlannerRule
from storage.model.core.coverage import WhyRead
from storage.model.platforms.registry import DECLARED
from tests.benchmarks.measuring import Figure
from tests.support.samples.planner_scenario import (
    BLOCK,
    RESTORATION,
    SINGLE,
    A,
    Adaptive,
    RoundRobin,
    Scenario,
    Seen,
    UnderCeiling,
    day_of_order,
    half_known,
    play,
    scenario,
    unrelated,
)

SEEDS = range(101, 113)
FEW_SEEDS = range(101, 105)
ACCOUNTS, MANY = 20_000, 200_000
DAYS = 10.0
SIZE = DECLARED[X].terms.batch
WITH_CONTROLS = DECLARED[X].terms.roster_size
"""Watched accounts in a request, without control accounts and with them."""
AT_LIMIT_S = ACCOUNTS / WITH_CONTROLS * 3
"""All accounts once, at 300 requests in 15 minutes."""

Wanted: TypeAlias = Callable[[tuple[str, str]], bool]
"""Which changes, by cause and kind."""


@dataclass(frozen=True, slots=True)
class Pair:
    """One scenario, read by both."""

    by_turn: Seen
    adaptive: Seen

    def ratio(self, wanted: Wanted) -> float:
        return self.adaptive.mean(wanted) / self.by_turn.mean(wanted)


def figures() -> Iterator[Figure]:
    known = [simulated(scenario(seed, ACCOUNTS, DAYS), seed) for seed in SEEDS]
    yield from _against_turns(known, "")
    yield from _ratio("all_delay_ratio", known, lambda _: True, 1.0)
    yield Figure(
        "missed_spells_share", _missed([p.adaptive for p in known]), "of spells", "lower",
        _missed([p.by_turn for p in known]),
    )  # fmt: skip
    guarded = [simulated(scenario(seed, ACCOUNTS, DAYS), seed, WITH_CONTROLS) for seed in SEEDS]
    yield from _against_turns(guarded, f"_{WITH_CONTROLS}")
    by_chance = [simulated(unrelated(scenario(seed, ACCOUNTS, DAYS), seed), seed) for seed in SEEDS]
    yield from _ratio("no_signal_ratio", by_chance, lambda _: True, 1.0)
    halves = [simulated(half_known(scenario(seed, ACCOUNTS, DAYS), seed), seed) for seed in SEEDS]
    yield from _ratio("half_known_block_ratio", halves, lambda k: k == (A, BLOCK), 1.0)
    yield from _ratio("half_known_all_ratio", halves, lambda _: True, 1.0)
    many = [simulated(scenario(seed, MANY, 6.0), seed) for seed in FEW_SEEDS]
    yield from _ratio("block_delay_ratio_200k", many, lambda k: k == (A, BLOCK), _limit(MANY))
    yield _oldest("max_age_sweeps_200k", many)
    yield from _under_ceilings()
    yield _cost("plan_ms_per_batch_20k", scenario(101, ACCOUNTS, 4.0))
    yield _cost("plan_ms_per_batch_200k", scenario(101, MANY, 4.0))


def _against_turns(pairs: Sequence[Pair], rosters: str) -> Iterator[Figure]:
    limit = _limit(ACCOUNTS)
    yield from _ratio(f"block_delay_ratio{rosters}", pairs, lambda k: k == (A, BLOCK), limit)
    yield from _ratio(f"restore_delay_ratio{rosters}", pairs, lambda k: k == (A, RESTORATION), limit)
    yield from _ratio(f"unrelated_delay_ratio{rosters}", pairs, lambda k: k == (SINGLE, BLOCK), 1.0)
    yield _oldest(f"max_age_sweeps{rosters}", pairs)


def _under_ceilings() -> Iterator[Figure]:
    """At the rate limit of X, for $20 and $5 a day: how late order A is seen, and how many more are paid for.

    Who was not paid for on that day counts with half of the days in which everybody has a turn. The reference
    is a sweep that pays for as many each day: half of its length, by arithmetic.
    """
    for usd, most in ((20, 2_000), (5, 500)):
        delays: list[float] = []
        unpaid: list[float] = []
        extra: list[float] = []
        paid: list[float] = []
        rounds: list[int] = []
        for seed in FEW_SEEDS:
            told = day_of_order(scenario(seed, ACCOUNTS, 4.0), seed)
            reader = UnderCeiling(told, _base(told, seed, WITH_CONTROLS), most)
            seen = play(told, reader, AT_LIMIT_S)
            found = seen.delays.get((A, BLOCK), [])
            unseen = sum(f.cause == A and f.kind == BLOCK for f in told.flips) - len(found)
            round_days = reader.days.shares.round_days
            assert round_days is not None
            delays += [d / 60 for d in found] + [round_days / 2 * DAY / 60] * unseen
            rounds.append(round_days)
            unpaid.append(unseen / (unseen + len(found)))
            extra.append(reader.days.paid_for(WhyRead.AHEAD))
            paid.append(reader.days.total)
        swept = ACCOUNTS / most / 2 * DAY / 60
        yield Figure(f"ceiling_{usd}_block_delay_min", float(np.mean(delays)), "min", "lower", swept)
        yield Figure(f"ceiling_{usd}_block_delay_median_min", float(np.median(delays)), "min", "lower", swept)
        yield Figure(f"ceiling_{usd}_block_unpaid", float(np.mean(unpaid)), "of the block", "lower")
        yield Figure(f"ceiling_{usd}_round_days", max(rounds), "days", "lower", ACCOUNTS / most)
        yield Figure(f"ceiling_{usd}_extra_accounts", float(np.mean(extra)), "accounts", "lower", 257)
        yield Figure(f"ceiling_{usd}_paid_at_most", max(paid), "accounts a day", "lower", most)


def _limit(accounts: int) -> float:
    """What no planner without other news can do without: to meet a first account, and to read the others."""
    return 2 / 257 + 257 / (accounts * (1 - 1 / PlannerRule().ceiling_sweeps))


def simulated(told: Scenario, seed: int, size: int = SIZE) -> Pair:
    """Read by both, in rosters of `size`, without anything of Blockline but the planner."""
    base = _base(told, seed, size)
    return Pair(play(told, RoundRobin(base), DAY), play(told, Adaptive(told, base, DAY), DAY))


def _base(told: Scenario, seed: int, size: int = SIZE) -> list[Positions]:
    order = np.random.default_rng(seed + 30_000).permutation(told.accounts)
    return [order[i : i + size] for i in range(0, told.accounts, size)]


def _ratio(name: str, pairs: Sequence[Pair], wanted: Wanted, reference: float) -> Iterator[Figure]:
    ratios = np.array([pair.ratio(wanted) for pair in pairs])
    half = 1.96 * float(ratios.std(ddof=1)) / len(ratios) ** 0.5
    yield Figure(name, float(ratios.mean()), "of round-robin", "lower", reference)
    yield Figure(f"{name}_ci95", half, "of round-robin", "lower")


def _missed(told: Sequence[Seen]) -> float:
    return sum(s.missed for s in told) / sum(s.spells for s in told)


def _oldest(name: str, pairs: Sequence[Pair]) -> Figure:
    oldest = max(p.adaptive.oldest_s for p in pairs) / DAY
    return Figure(name, oldest, "sweeps", "lower", max(p.by_turn.oldest_s for p in pairs) / DAY)


class _Timed(Adaptive):
    """Counts its own time, and what it would take to weigh everybody for each request."""

    spent_s = 0.0
    weighed_s = 0.0
    requests = 0

    def next(self, now: float) -> Positions:
        started = time.process_time()
        who = super().next(now)
        self.spent_s += time.process_time() - started
        self.requests += 1
        if self.requests % 50 == 0:
            self._weigh_everybody(now)
        return who

    def saw(self, who: Positions, now: float, changed: NDArray[np.bool_], closed: NDArray[np.int8]) -> None:
        started = time.process_time()
        super().saw(who, now, changed, closed)
        self.spent_s += time.process_time() - started

    def _weigh_everybody(self, now: float) -> None:
        everybody = np.arange(len(self.expectations.accounts.read_at))
        started = time.process_time()
        worth = self.expectations.worth(everybody, now, self.expectations.list_rates(now))
        np.argpartition(worth, -SIZE)
        self.weighed_s += (time.process_time() - started) * 50


def _cost(name: str, told: Scenario) -> Figure:
    """Time of the planner for one request, what it learns from the answer included."""
    reader = _Timed(told, _base(told, 1), DAY)
    requests = play(told, reader, DAY).requests
    return Figure(name, reader.spent_s / requests * 1000, "ms", "lower", reader.weighed_s / requests * 1000)
