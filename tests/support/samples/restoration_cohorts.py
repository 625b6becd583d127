"""Cohorts whose time to restoration is known: accounts are blocked, restored, and read now and then."""

import math
import random
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from storage.model.core.availability import Spell, State
from storage.model.orders.restoration import BlockedFor, durations
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN

HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Cohort:
    seen: tuple[BlockedFor, ...]
    gap: timedelta
    median: float
    """In hours, of all blocks; infinite when half or more are never restored."""
    median_seen: float
    """Of the blocks that a reading falls into: longer, where some are lost between two."""
    still_blocked: Callable[[float], float]
    """The true share of all after so many hours."""


@dataclass(frozen=True, slots=True)
class Law:
    """How long those stay blocked who are restored: distribution function and its inverse, on some scale."""

    below: Callable[[float], float]
    quantile: Callable[[float], float]


def weibull(shape: float) -> Law:
    return Law(lambda t: -math.expm1(-(t**shape)), lambda u: (-math.log1p(-u)) ** (1 / shape))


def loglogistic(shape: float) -> Law:
    return Law(lambda t: 1 / (1 + t**-shape), lambda u: (u / (1 - u)) ** (1 / shape))


LAWS = (weibull(0.7), weibull(1), weibull(2.5), loglogistic(1.5), loglogistic(4))


def cohort(seed: int, *, all_seen: bool) -> Cohort:
    """One with 30 to 300 accounts, readings 0.5 to 24 hours apart, and up to 60 % never restored.

    `all_seen`: no block is shorter than the gap; otherwise those between two readings are lost.
    """
    chance = random.Random(seed)
    n, gap = chance.randint(30, 300), chance.choice([0.5, 1, 3, 6, 12, 24])
    law, never = chance.choice(LAWS), chance.uniform(0, 0.6)
    least = gap if all_seen else 0.0
    scale = math.exp(chance.uniform(math.log(6), math.log(480))) / law.quantile(0.5)

    blocks = [gap * chance.uniform(1, 1 + chance.choice([1, 20])) for _ in range(n)]
    end = max(blocks) + scale * chance.uniform(0.5, 6)
    readings = [gap * i for i in range(math.ceil(end / gap) + 1)]
    spells: list[Spell] = []
    for account_id, block in enumerate(blocks):
        lasts = math.inf if chance.random() < never else least + scale * law.quantile(chance.random())
        spells += told(account_id, readings, block, block + lasts)

    grid = [least + scale * law.quantile((i + 0.5) / 2000) for i in range(2000)]
    return Cohort(
        durations(spells, dict.fromkeys(range(n), T0 + readings[-1] * HOUR), "order"),
        gap * HOUR,
        _median(grid, [1.0] * len(grid), never),
        _median(grid, [min(1.0, t / gap) for t in grid], never),
        lambda hours: 1 - (1 - never) * (law.below((hours - least) / scale) if hours > least else 0.0),
    )


def _median(lengths: list[float], seen: list[float], never: float) -> float:
    """Of blocks of these lengths, each seen with a chance, and a share of ones without an end."""
    half = (sum(seen) / len(seen) * (1 - never) + never) / 2
    so_far = 0.0
    for length, weight in zip(lengths, seen, strict=True):
        so_far += weight / len(seen) * (1 - never)
        if so_far >= half:
            return length
    return math.inf


def told(account_id: int, readings: list[float], block: float, restored: float) -> list[Spell]:
    """What those who read at these hours know of one block."""

    def spell(state: State, first: int, after: int) -> Spell:
        onset = T0 + readings[first - 1] * HOUR if first else None
        until = T0 + readings[after] * HOUR if after < len(readings) else None
        return Spell(account_id, state, onset, T0 + readings[first] * HOUR, until)

    first, after = bisect_left(readings, block), bisect_left(readings, restored)
    if first >= after:
        return [spell(AVAILABLE, 0, len(readings))]
    spells = [spell(AVAILABLE, 0, first), spell(WITHHELD_IN, first, after)]
    if after < len(readings):
        spells.append(spell(AVAILABLE, after, len(readings)))
    return spells
