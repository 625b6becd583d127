"""What the simulator of a platform has to offer: `simulator/simulator.py` in the platform's folder."""

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import ClassVar, Final, Protocol

from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import History, HistoryAccount, settled
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.model.platforms.registry import DECLARED, part

AVAILABLE: Final = State(Status.AVAILABLE)


class RunningSimulator(Protocol):
    @property
    def base_url(self) -> str:
        """What a collector takes as its address."""
        ...


@dataclass(frozen=True, slots=True)
class HandleRules:
    """The handles that a simulator makes up for accounts of other platforms."""

    unfit: re.Pattern[str]
    """Characters that a handle there cannot have."""
    separator: str
    """What stands in their place."""
    most_letters: int
    ending: str = ""
    """Of every handle that is made up; no network hands it out."""
    is_lower: bool = False


class PlatformSimulator(ABC):
    """A simulator: the truth of a history, as one platform would show it."""

    platform: ClassVar[Platform]
    plays_acts: ClassVar[bool] = False
    """Whether the engagements of a file of acts can be played."""
    handle_rules: ClassVar[HandleRules]
    calls: ClassVar[tuple[str, ...]]
    """The requests that it answers, a line each, for the output of `blockline simulate`."""

    @abstractmethod
    def serve(
        self, history: History, acts: Sequence[SimulatedAct], faults: FaultPlan, now: datetime, port: int
    ) -> AbstractAsyncContextManager[RunningSimulator]:
        """Serve the accounts of the platform until the block ends, with the clock at `now`.

        Port 0 picks a free one. Raises OSError when the port is taken.
        """

    @abstractmethod
    def canaries(self, history: History) -> tuple[HistoryAccount, ...]:
        """Control accounts, served beside the history: two stay available, one stays suspended."""

    @abstractmethod
    def made_up_id(self, digest: bytes) -> str:
        """An id for an account of another platform."""

    @abstractmethod
    def made_up_handle(self, native_id: str) -> str:
        """A handle for an account of which a record gives only the id."""

    @abstractmethod
    def notes(self, accounts: Sequence[HistoryAccount]) -> list[str]:
        """What has to be known to ask it, a line each."""

    @abstractmethod
    def example(self, address: str, account: HistoryAccount) -> str:
        """A command that asks the simulator at `address` about an account."""

    def visible(self, state: State) -> State:
        """What the platform lets an outsider see of the true `state`. What it never shows looks available."""
        return state if state.status in DECLARED[self.platform].statuses else AVAILABLE

    def observable(self, state: State) -> State:
        """What its collector can see of the true `state` with the settings of a new installation."""
        return self.visible(state)

    def observable_post(self, state: State) -> State:
        """What its collector can see of the true `state` of a post. See `observable`."""
        return self.observable(state)

    def recast(self, account: HistoryAccount, digest: bytes, taken: set[str]) -> HistoryAccount:
        """An account of another platform as one of this platform, with the same states and lists.

        `taken` are names in lower case that are used already; the names that this one uses are added.
        """
        names = {handle: self.name_of(handle, account.platform, digest) for handle in set(account.handles)}
        seen = [
            (at, account.at(at), names[account.handle_at(at)] + self.handle_rules.ending)
            for at in sorted({*account.times, *account.handle_times})
        ]
        return settled(self.platform, self.made_up_id(digest), seen, account.lists)

    def name_of(self, handle: str, of: Platform, digest: bytes) -> str:
        """A name that is allowed here. One that had to be changed is marked, so that two never become one."""
        rules = self.handle_rules
        whole = handle.removesuffix(simulator_of(of).handle_rules.ending)
        whole = whole.lower() if rules.is_lower else whole
        fit = rules.unfit.sub(rules.separator, whole.partition("@")[0])
        name = fit.strip("-")[: rules.most_letters]
        return name if name == whole else self.marked(name, digest + whole.encode())

    def marked(self, name: str, seed: bytes) -> str:
        """The name with a suffix that no other account has."""
        rules = self.handle_rules
        mark = blake2b(seed, digest_size=3).hexdigest()
        return f"{name[: rules.most_letters - 7]}{rules.separator}{mark}".lstrip("-")


def number_of(digest: bytes) -> str:
    """Eighteen digits: fewer than the ids of control accounts have on X, more than on Mastodon."""
    return str(10**17 + int.from_bytes(digest, "big") % (9 * 10**17))


@lru_cache
def simulator_of(platform: Platform) -> PlatformSimulator:
    """The simulator of a platform. Raises ImportError if it has none."""
    return part(platform, "simulator.simulator", PlatformSimulator)
