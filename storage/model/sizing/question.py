"""Pure: what is asked of sizing: who is to be watched, and how much reading there may be."""

import math
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from enum import StrEnum

from storage.model.core.accounts import Platform
from storage.model.limits.daily_cost_shares import (
    CONTROLS,
    LEAST_USD,
    MOST_USD,
    CostLimitShares,
    accounts_for,
    divide,
    most_sentinels,
    sentinels_of,
)
from storage.model.platforms.declaration import CONTROLS as ADDED
from storage.model.platforms.declaration import RequestLimit, Terms
from storage.model.platforms.registry import DECLARED
from storage.model.sizing.facts import SIMULATED_ACCOUNTS, SIMULATED_SWEEP

MOST_ACCOUNTS = 10_000_000
MOST_LISTS = 20
SHORTEST, LONGEST = timedelta(minutes=1), timedelta(days=366)
"""Of a sweep."""
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


class PlannerKind(StrEnum):
    """Who is read when."""

    SWEEP = "sweep"
    """Everybody in turn."""
    ADAPTIVE = "adaptive"
    """Most in turn; the rest of the requests follow lists in which changes were just seen."""


class Room(StrEnum):
    """Whether the platform takes so many requests."""

    INSIDE = "inside"
    OVER_OWN_PACE = "over_own_pace"
    """No documented limit is exceeded, but Blockline does not ask so fast by itself."""
    OVER_LIMIT = "over_limit"


class SizingRefused(ValueError):
    """What is asked cannot be reckoned. The message is one sentence; `field` is whose value is wrong."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


@dataclass(frozen=True, slots=True)
class SizingQuestion:
    """What is to be watched, and how much reading there may be: exactly one of `every`, `budget` and `money`.

    Raises SizingRefused.
    """

    platform: Platform
    accounts: int
    every: timedelta | None = None
    """Everybody is read once in so long."""
    budget: float | None = None
    """Readings of watched accounts an hour."""
    money: float | None = None
    """US dollars a UTC day, where readings are billed. With the adaptive planner they are a ceiling."""
    planner: PlannerKind = PlannerKind.SWEEP
    lists: tuple[int, ...] = ()
    """How many accounts each of these known lists has."""
    servers: int = 1
    """That all of them are spread over evenly; more than one on federated platforms only."""
    posts: int = 0
    """Posts that are watched beside the accounts. Without accounts there must be some."""

    def __post_init__(self) -> None:
        if not 0 <= self.posts <= MOST_ACCOUNTS:
            raise SizingRefused("posts", f"Between 0 and {MOST_ACCOUNTS:,} posts can be estimated.")
        if not (0 if self.posts else 1) <= self.accounts <= MOST_ACCOUNTS:
            raise SizingRefused("accounts", f"Between 1 and {MOST_ACCOUNTS:,} accounts can be estimated.")
        if [self.every, self.budget, self.money].count(None) != 2:
            raise SizingRefused(
                "every",
                "Give exactly one of the length of a sweep, the readings per hour and the money per day.",
            )
        self._refuse_amounts()
        if len(self.lists) > MOST_LISTS:
            raise SizingRefused("list", f"At most {MOST_LISTS} lists can be estimated at once.")
        for size in self.lists:
            if not 1 <= size <= self.accounts:
                raise SizingRefused(
                    "list", f"A list must have between 1 and {self.accounts:,} accounts, not {size:,}."
                )
        if self.servers != 1 and not DECLARED[self.platform].is_federated:
            name = DECLARED[self.platform].name
            raise SizingRefused("servers", f"{name} does not have several servers; leave servers out.")
        if not 1 <= self.servers <= self.watched:
            raise SizingRefused("servers", "Give at least one server, and not more servers than accounts.")
        if self.has_cost_limit and self._paid_for - self.kept_for_posts < CONTROLS + bool(self.accounts):
            raise SizingRefused("money", "This does not pay for the posts, which are read every day.")
        if not SHORTEST <= self.sweep <= self.round <= LONGEST:
            field = "every" if self.every is not None else "budget" if self.budget is not None else "money"
            often = (
                "more often than once a minute" if self.sweep < SHORTEST else "less often than once a year"
            )
            raise SizingRefused(field, f"A sweep would run {often}, which cannot be estimated.")

    def _refuse_amounts(self) -> None:
        if self.money is not None and self.terms.price is None:
            name = DECLARED[self.platform].name
            raise SizingRefused("money", f"{name} does not charge for reading; leave money out.")
        for field, amount, least in (
            ("budget", self.budget, 0.01),
            ("money", self.money, self._usd_per_account),
        ):
            if amount is not None and not (least <= amount <= 1e12):
                raise SizingRefused(field, f"The number must be at least {least:g}.")
        if self.has_cost_limit and not LEAST_USD <= (self.money or 0) <= MOST_USD:
            raise SizingRefused(
                "money",
                f"With the adaptive planner, give between {LEAST_USD} and {MOST_USD:,} dollars per day.",
            )

    @property
    def terms(self) -> Terms:
        return DECLARED[self.platform].terms

    @property
    def watched(self) -> int:
        """Accounts and posts together, for what is the same for both."""
        return self.accounts + self.posts

    @property
    def kept_for_posts(self) -> int:
        """How many accounts cost as much as reading each post once a day."""
        return math.ceil(self.posts * self._accounts_per_post)

    @property
    def _accounts_per_post(self) -> float:
        declared = DECLARED[self.platform]
        return declared.accounts_billed(declared.post_id_example)

    @property
    def sweep(self) -> timedelta:
        """How long it takes to read everybody once when they are read in turn."""
        if self.every is not None:
            return self.every
        if self.budget is not None:
            return _of(HOUR, self.watched / self.budget)
        paid_for = (self.money or 0) / self._usd_per_account
        needed = self.accounts + self.posts * self._accounts_per_post
        if paid_for >= needed or self.has_cost_limit:
            return max(self.fastest, SHORTEST)
        return max(self.fastest, _of(DAY, needed / paid_for))

    @property
    def has_cost_limit(self) -> bool:
        """Whether no more accounts are read on a day than its money pays for, but those again and again."""
        return self.money is not None and self.planner is PlannerKind.ADAPTIVE

    @property
    def sentinels(self) -> tuple[int, ...]:
        """How many accounts of each list would watch for it under a ceiling."""
        return tuple(sentinels_of(self.lists, most_sentinels(self._paid_for)))

    @property
    def shares(self) -> CostLimitShares:
        """How a day's money would be divided under a ceiling."""
        full, rest = divmod(self.accounts, self.terms.roster_size)
        sizes = [self.terms.roster_size] * full + [rest] * (rest > 0)
        return divide(self._paid_for, sizes, CONTROLS + self.kept_for_posts, sum(self.sentinels))

    @property
    def _usd_per_account(self) -> float:
        return 0.0 if self.terms.price is None else self.terms.price.usd_per_account

    @property
    def _paid_for(self) -> int:
        return accounts_for(Decimal(str(self.money)), self._usd_per_account) if self.money else 0

    @property
    def round(self) -> timedelta:
        """Within which everybody has a turn."""
        if not self.has_cost_limit or self.shares.round_days == 1:  # everybody is paid for every day
            return self.sweep
        return _of(DAY, self.shares.round_days or math.inf)

    @property
    def waits_for_days(self) -> bool:
        """Whether there is a ceiling that does not pay for everybody every day."""
        return self.has_cost_limit and self.round > self.sweep

    @property
    def was_simulated(self) -> bool:
        """Whether simulations of the adaptive planner had so many accounts and such a sweep."""
        return self.accounts <= SIMULATED_ACCOUNTS and self.sweep >= SIMULATED_SWEEP

    @property
    def requests_at_one_place(self) -> int:
        """Of one sweep, to the server that has most."""
        return self._account_requests + self.post_requests_at_one_place

    @property
    def post_requests_at_one_place(self) -> int:
        """How many of them are about posts. A batch of posts has the size of one of accounts, and takes more
        than one request where fewer posts can be asked for at once.
        """
        here, at_once = math.ceil(self.posts / self.servers), self.terms.of_posts.at_once
        full, rest = divmod(here, self.terms.roster_size)
        return full * math.ceil(self.terms.batch / at_once) + math.ceil((rest + ADDED) / at_once) * (rest > 0)

    @property
    def _account_requests(self) -> int:
        return math.ceil(math.ceil(self.accounts / self.servers) / self.terms.roster_size)

    @property
    def fastest(self) -> timedelta:
        """The shortest sweep of one app, or one address, at the limit and at Blockline's own pace."""
        times = [self._shortest_by_limit]
        if self.terms.own_pace_s is not None:
            times.append(timedelta(seconds=self.requests_at_one_place / self.terms.own_pace_s))
        return max(times)

    @property
    def _shortest_by_limit(self) -> timedelta:
        limit, of_posts = self.terms.limit, self.terms.of_posts.limit
        if of_posts is not None:
            posts = of_posts.within * self.post_requests_at_one_place / of_posts.requests
            return max(posts, _least_time(limit, self._account_requests))
        return _least_time(limit, self.requests_at_one_place)

    @property
    def room(self) -> Room:
        if self.sweep < self._shortest_by_limit:
            return Room.OVER_LIMIT
        return Room.OVER_OWN_PACE if self.sweep < self.fastest else Room.INSIDE

    @property
    def needed(self) -> int:
        """How many apps, or addresses, it takes to ask so often."""
        return max(1, math.ceil(self.fastest / self.sweep - 1e-9))


def _least_time(limit: RequestLimit | None, requests: int) -> timedelta:
    """How long so many requests take at a limit."""
    return timedelta(0) if limit is None else limit.within * requests / limit.requests


def _of(unit: timedelta, times: float) -> timedelta:
    """So many times the unit; what would be longer than any sweep is just too long, however much it is."""
    return unit * times if times < 1e6 else 2 * LONGEST
