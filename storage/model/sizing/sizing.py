"""Pure: what watching so many accounts takes, and how late a change would be seen.

Nothing here looks at an installation: figures follow from what is asked and from
`storage.model.sizing.facts`, and each says which kind it is. Readings that confirm a change, retries and
requests for one account come on top.
"""

import math
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from storage.model.limits.daily_cost_shares import AFTER_MIDNIGHT, BEFORE_MIDNIGHT
from storage.model.sizing import facts
from storage.model.sizing.facts import FigureBasis
from storage.model.sizing.question import DAY, HOUR, PlannerKind, Room, SizingQuestion


class FigureName(StrEnum):
    """What a figure is of, as programs call it."""

    ROSTER_SIZE = "roster_size"
    REQUESTS_A_SWEEP = "requests_a_sweep"
    POST_REQUESTS_A_SWEEP = "post_requests_a_sweep"
    SWEEP = "sweep"
    READINGS_AN_HOUR = "readings_an_hour"
    REQUESTS_AN_HOUR = "requests_an_hour"
    REQUESTS_A_DAY = "requests_a_day"
    LIMIT_AN_HOUR = "limit_an_hour"
    POST_LIMIT_AN_HOUR = "post_limit_an_hour"
    FASTEST_SWEEP = "fastest_sweep"
    NEEDED = "needed"
    PAID_A_DAY = "paid_a_day"
    POSTS_A_DAY = "posts_a_day"
    CONTROLS_A_DAY = "controls_a_day"
    SENTINELS_A_DAY = "sentinels_a_day"
    IN_TURN_A_DAY = "in_turn_a_day"
    RESERVE_A_DAY = "reserve_a_day"
    ROUND = "round"
    DELAY = "delay"
    DELAY_IN_A_BURST = "delay_in_a_burst"
    DELAY_AT_MOST = "delay_at_most"
    CONFIRMED_STRONG = "confirmed_strong"
    CONFIRMED_WEAK = "confirmed_weak"
    USD_A_DAY = "usd_a_day"
    USD_A_DAY_AT_MOST = "usd_a_day_at_most"
    BYTES_AT_FIRST = "bytes_at_first"
    BYTES_A_DAY = "bytes_a_day"
    CHANGE_BYTES_A_DAY = "change_bytes_a_day"
    BYTES_A_YEAR = "bytes_a_year"
    CORES = "cores"
    WORKERS = "workers"
    MEMORY = "memory"


class Unit(StrEnum):
    SECONDS = "s"
    BYTES = "bytes"
    USD = "USD"
    ACCOUNTS = "accounts"
    POSTS = "posts"
    REQUESTS = "requests"
    READINGS = "readings"
    CORES = "cores"
    PROCESSES = "processes"
    CREDENTIALS = "credentials"


@dataclass(frozen=True, slots=True)
class Figure:
    value: float
    unit: Unit
    basis: FigureBasis


@dataclass(frozen=True, slots=True)
class ListDelay:
    """How late a block of all accounts of one known list would be seen, on average over them."""

    accounts: int
    mean: Figure
    """At best, where it is an estimate."""
    mean_at_most: Figure
    at_most: Figure
    """Of any account."""


@dataclass(frozen=True, slots=True)
class ListWatch:
    """How one known list is watched under a ceiling."""

    accounts: int
    sentinels: Figure
    followed: Figure
    """Others of it that are paid for on a day on which changes are seen in it, at most."""


@dataclass(frozen=True, slots=True)
class Sizing:
    """The answer. Where `room` is not INSIDE it supposes as many apps or addresses as are `needed`."""

    asked: SizingQuestion
    room: Room
    figures: dict[FigureName, Figure]
    """In the order in which they are told; what does not apply is left out."""
    lists: tuple[ListDelay, ...]
    """Where everybody is read in one sweep; otherwise `list_watches` says how they are watched."""
    list_watches: tuple[ListWatch, ...]

    def value(self, name: FigureName) -> float:
        return self.figures[name].value


def size(asked: SizingQuestion) -> Sizing:
    """What it takes to watch so."""
    figures = {
        **_requests(asked),
        **_ceiling(asked),
        **_delays(asked),
        **_costs(asked),
        **_database(asked),
        **_machine(asked),
    }
    if asked.waits_for_days:
        return Sizing(asked, asked.room, figures, (), tuple(_list_watches(asked)))
    return Sizing(asked, asked.room, figures, tuple(_list_delay(asked, n) for n in asked.lists), ())


def _requests_a_sweep(asked: SizingQuestion) -> int:
    return asked.requests_at_one_place * asked.servers


def _requests(asked: SizingQuestion) -> dict[FigureName, Figure]:
    terms, sweep = asked.terms, _requests_a_sweep(asked)
    of_posts = asked.post_requests_at_one_place * asked.servers
    an_hour = sweep * (HOUR / asked.sweep)
    fastest = FigureBasis.DOCUMENTED if terms.own_pace_s is None else FigureBasis.RULE
    figures = {
        FigureName.ROSTER_SIZE: Figure(terms.roster_size, Unit.ACCOUNTS, FigureBasis.DOCUMENTED),
        FigureName.REQUESTS_A_SWEEP: Figure(sweep, Unit.REQUESTS, FigureBasis.DOCUMENTED),
        **_about_posts(asked, FigureName.POST_REQUESTS_A_SWEEP, of_posts),
        FigureName.SWEEP: _seconds(asked.sweep, FigureBasis.RULE),
        FigureName.READINGS_AN_HOUR: Figure(
            asked.watched * (HOUR / asked.sweep), Unit.READINGS, FigureBasis.RULE
        ),
        FigureName.REQUESTS_AN_HOUR: Figure(an_hour, Unit.REQUESTS, FigureBasis.DOCUMENTED),
        FigureName.REQUESTS_A_DAY: Figure(24 * an_hour, Unit.REQUESTS, FigureBasis.DOCUMENTED),
    }
    if terms.limit is not None:
        limit = terms.limit.requests * (HOUR / terms.limit.within)
        figures[FigureName.LIMIT_AN_HOUR] = Figure(limit, Unit.REQUESTS, FigureBasis.DOCUMENTED)
    if (post_limit := terms.of_posts.limit) is not None:
        limit = post_limit.requests * (HOUR / post_limit.within)
        figures |= _about_posts(asked, FigureName.POST_LIMIT_AN_HOUR, limit)
    return figures | {
        FigureName.FASTEST_SWEEP: _seconds(asked.fastest, fastest),
        FigureName.NEEDED: Figure(asked.needed, Unit.CREDENTIALS, fastest),
    }


def _about_posts(asked: SizingQuestion, name: FigureName, requests: float) -> dict[FigureName, Figure]:
    """A number of requests about posts; nothing if no post is to be watched."""
    return {name: Figure(requests, Unit.REQUESTS, FigureBasis.DOCUMENTED)} if asked.posts else {}


def _ceiling(asked: SizingQuestion) -> dict[FigureName, Figure]:
    """Who is paid for on a day under a ceiling."""
    if not asked.has_cost_limit:
        return {}
    shares = asked.shares
    controls = shares.controls - asked.kept_for_posts
    paid = {
        FigureName.PAID_A_DAY: _accounts(min(shares.most - asked.kept_for_posts, asked.accounts + controls)),
        **(
            {FigureName.POSTS_A_DAY: Figure(asked.posts, Unit.POSTS, FigureBasis.RULE)} if asked.posts else {}
        ),
        FigureName.CONTROLS_A_DAY: _accounts(controls),
    }
    if asked.waits_for_days:
        paid[FigureName.SENTINELS_A_DAY] = _accounts(shares.sentinels)
        paid[FigureName.IN_TURN_A_DAY] = _accounts(shares.in_turn)
        paid[FigureName.RESERVE_A_DAY] = _accounts(shares.reserve)
    else:
        paid[FigureName.IN_TURN_A_DAY] = _accounts(asked.accounts)
    return paid | {FigureName.ROUND: _seconds(max(DAY, asked.round), FigureBasis.RULE)}


def _list_watches(asked: SizingQuestion) -> list[ListWatch]:
    most = int(asked.shares.for_one_list)
    return [
        ListWatch(size, _accounts(sentinels), _accounts(min(size - sentinels, most)))
        for size, sentinels in zip(asked.lists, asked.sentinels, strict=True)
    ]


def _delays(asked: SizingQuestion) -> dict[FigureName, Figure]:
    """From the true time of a change that no list announces to the first reading that shows it."""
    half = asked.sweep / 2
    if asked.waits_for_days:  # read again and again on the day of a turn, and not until the next
        between = asked.round - DAY
        delays = {
            FigureName.DELAY: _seconds(between / 2 * (between / asked.round), FigureBasis.RULE),
            FigureName.DELAY_AT_MOST: _seconds(asked.round, FigureBasis.RULE),
        }
    elif asked.planner is PlannerKind.SWEEP:
        delays = {
            FigureName.DELAY: _seconds(half, FigureBasis.RULE),
            FigureName.DELAY_AT_MOST: _seconds(asked.sweep, FigureBasis.RULE),
        }
    else:
        delays = {
            FigureName.DELAY: _seconds(half * facts.UNRELATED_LATER, FigureBasis.SIMULATED),
            FigureName.DELAY_IN_A_BURST: _seconds(half / facts.SHARE_IN_TURN, FigureBasis.RULE),
            FigureName.DELAY_AT_MOST: _seconds(
                asked.sweep * facts.COST_LIMIT_SWEEPS + _pause(asked), FigureBasis.RULE
            ),
        }
    return delays | {
        FigureName.CONFIRMED_STRONG: _seconds(facts.CONFIRMED_STRONG, FigureBasis.RULE),
        FigureName.CONFIRMED_WEAK: _seconds(facts.CONFIRMED_WEAK, FigureBasis.RULE),
    }


def _list_delay(asked: SizingQuestion, accounts: int) -> ListDelay:
    """Two parts: until the first of the list is met in turn, and until the others are read by the share that
    follows. As shares of half a sweep they are 2/n and n/(N (1 - g)).
    """
    half, unrelated = asked.sweep / 2, _delays(asked)
    at_most, otherwise = unrelated[FigureName.DELAY_AT_MOST], unrelated[FigureName.DELAY]
    if asked.planner is PlannerKind.SWEEP:
        return ListDelay(accounts, otherwise, otherwise, at_most)
    ratio = 2 / accounts + accounts / (asked.accounts * (1 - facts.SHARE_IN_TURN))
    best = half.total_seconds() * ratio

    def capped(seconds: float) -> Figure:
        return Figure(min(seconds, otherwise.value), Unit.SECONDS, FigureBasis.ESTIMATE)

    worst = best * facts.ESTIMATE_EXCEEDED if asked.was_simulated else otherwise.value
    return ListDelay(accounts, capped(best), capped(worst), at_most)


def _costs(asked: SizingQuestion) -> dict[FigureName, Figure]:
    if (price := asked.terms.price) is None:
        return {}
    sweeps_a_day = DAY / asked.sweep
    usd_per_post = price.usd_per_account if price.usd_per_post is None else price.usd_per_post
    usd_a_sweep = asked.accounts * price.usd_per_account + asked.posts * usd_per_post
    usd_a_day = usd_a_sweep * min(1.0, sweeps_a_day)
    if asked.has_cost_limit:
        billed = min(asked.shares.most, asked.accounts + asked.shares.controls)
        usd_a_day = billed * price.usd_per_account
    return {
        FigureName.USD_A_DAY: Figure(usd_a_day, Unit.USD, FigureBasis.DOCUMENTED),
        FigureName.USD_A_DAY_AT_MOST: Figure(usd_a_sweep * sweeps_a_day, Unit.USD, FigureBasis.DOCUMENTED),
    }


def _database(asked: SizingQuestion) -> dict[FigureName, Figure]:
    coverage = _requests_a_sweep(asked) * (DAY / asked.sweep) * facts.BYTES_PER_REQUEST
    changes = asked.watched * facts.CHANGES_A_DAY * facts.BYTES_PER_CHANGE
    at_first = asked.watched * facts.BYTES_AT_FIRST
    return {
        FigureName.BYTES_AT_FIRST: Figure(at_first, Unit.BYTES, FigureBasis.MEASURED),
        FigureName.BYTES_A_DAY: Figure(coverage, Unit.BYTES, FigureBasis.MEASURED),
        FigureName.CHANGE_BYTES_A_DAY: Figure(changes, Unit.BYTES, FigureBasis.ESTIMATE),
        FigureName.BYTES_A_YEAR: Figure(365 * (coverage + changes), Unit.BYTES, FigureBasis.ESTIMATE),
    }


def _machine(asked: SizingQuestion) -> dict[FigureName, Figure]:
    terms = asked.terms
    busy = _requests_a_sweep(asked) / asked.sweep.total_seconds() * terms.cpu_s_per_request
    workers = max(1, math.ceil(busy / facts.UTILISATION))
    memory = workers * facts.MEMORY_OF_A_PROCESS + asked.watched * terms.memory_per_account
    return {
        FigureName.CORES: Figure(busy, Unit.CORES, FigureBasis.MEASURED),
        FigureName.WORKERS: Figure(workers, Unit.PROCESSES, FigureBasis.MEASURED),
        FigureName.MEMORY: Figure(memory, Unit.BYTES, FigureBasis.MEASURED),
    }


def _pause(asked: SizingQuestion) -> timedelta:
    """For so long nothing is asked at midnight."""
    return BEFORE_MIDNIGHT + AFTER_MIDNIGHT if asked.has_cost_limit else timedelta(0)


def _accounts(number: int) -> Figure:
    return Figure(number, Unit.ACCOUNTS, FigureBasis.RULE)


def _seconds(length: timedelta, basis: FigureBasis) -> Figure:
    return Figure(length.total_seconds(), Unit.SECONDS, basis)
