"""How Blockline connects to a platform: from where, how fast, and with which settings."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, ClassVar, Protocol

from collectors.core.abilities import Abilities
from collectors.core.collector import Collector, CollectorAnswer, RequestFailure
from collectors.core.findings import Finding
from collectors.core.shared_budget import RequestBudget
from collectors.transport.client import HttpOptions
from collectors.transport.host_pacing import HostRateLimiter
from collectors.transport.ssrf_guard import Guard
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.model.limits.rate_limits import UNPACED, BudgetPace
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import clean


class Budgets(Protocol):
    """Counts the requests of all processes together."""

    def of(
        self,
        platform: Platform,
        *,
        credential: str | None = None,
        vantage: str = "",
        pace: BudgetPace = UNPACED,
    ) -> RequestBudget:
        """The budget of a credential, or else of an address: this machine's, or a vantage point's."""
        ...


@dataclass(frozen=True, slots=True)
class Reach:
    """From where a platform is asked. `vantage` is empty for a direct connection; else `proxy` leads there.

    `longest_pause` is how long a place that failed is left alone at most, and `trusted` are private hosts
    that may be asked. Without `budgets` a collector counts its own requests only.
    """

    longest_pause: timedelta
    vantage: str = ""
    proxy: str | None = None
    trusted: Collection[str] = ()
    budgets: Budgets | None = None

    def by_key(self, platform: Platform, key: str, options: HttpOptions) -> HttpOptions:
        """The options for a platform that counts the requests of a key, wherever they come from."""
        return self._shared(platform, options, credential=key)

    def by_address(self, platform: Platform, options: HttpOptions) -> HttpOptions:
        """The options for a platform that counts the requests of an address, and whose hosts are strangers'.

        Without a pace in the options it is the one that the platform declares.
        """
        declared_s = DECLARED[platform].terms.own_pace_s
        if options.pace is None and declared_s is not None:
            options = replace(options, pace=HostRateLimiter(declared_s))
        options = replace(options, longest_pause=self.longest_pause, guard=Guard(self.trusted))
        return self._shared(platform, options, vantage=self.vantage)

    def _shared(
        self, platform: Platform, options: HttpOptions, *, credential: str | None = None, vantage: str = ""
    ) -> HttpOptions:
        """The options with the budget that all processes share, which then keeps the pace. Without budgets
        each process keeps its own.
        """
        if self.budgets is None:
            return replace(options, proxy=self.proxy)
        pace = UNPACED if options.pace is None else options.pace.of_all
        budget = self.budgets.of(platform, credential=credential, vantage=vantage, pace=pace)
        return replace(options, proxy=self.proxy, pace=None, budget=budget)


class PlatformConnection(ABC):
    """Creates the collectors of a platform, and checks them: the module `connection` of its package."""

    refused_to_do: ClassVar[Mapping[MissedReason, str]] = MappingProxyType({})
    """What to do if the first request is refused for a reason: a clause."""
    address_setting: ClassVar[str]
    """The setting to look at if nothing answers."""

    @abstractmethod
    def collector(self, settings: Any, reach: Reach) -> Collector:
        """A collector with the settings of an installation.

        Raises ValueError with the setting at fault and a clause about it.
        """

    @abstractmethod
    def address(self, settings: Any) -> str:
        """The name of the asked server in a sentence: its address, or the platform if there are several."""

    def answers(self, settings: Any, collector: Collector) -> str:
        """A sentence for a server that answers."""
        return f"{self.address(settings)} answers."

    def answer_findings(self, settings: Any, answer: CollectorAnswer) -> list[Finding]:
        """What an answer about control accounts shows beside their statuses."""
        return []

    async def further_findings(self, settings: Any, reach: Reach, now: datetime) -> list[Finding]:
        """What can be checked beside the answer about an account."""
        return []

    async def probe(self, settings: Any, reach: Reach, now: datetime) -> RequestFailure | str | None:
        """Send one request, if there is anything to ask for without an account of the user's.

        Return a sentence if there is not, a failure if nothing answered, and None if something did.
        """
        async with self.collector(settings, reach) as collector:
            ids = [one.native_id for one in await collector.candidates("", now)]
            if not ids:
                return "Not checked: no account is known that could be asked about."
            answer = await collector.read(ids[: collector.batch_size], now)
        if answer.readings:
            return None
        missed = answer.missed[0]
        return answer.trouble or RequestFailure(missed.reason, missed.detail, now, breaker=False)

    async def executive_findings(
        self, settings: Any, reach: Reach, native_ids: Sequence[str], now: datetime
    ) -> list[Finding]:
        """What can be said of reading these executives, such as its cost. No finding: nothing special."""
        return []

    def abilities(self, settings: Any, collector: Any, reach: Reach) -> Abilities:
        """What the platform shows beside statuses and timelines, and the settings ask for. `collector` was
        made by `collector`.

        Raises ValueError with the setting at fault and a clause about it.
        """
        return Abilities()

    @abstractmethod
    def simulated(self, address: str, hosts: Sequence[str], options: HttpOptions) -> Collector:
        """A collector that asks the simulator at an address; `hosts` are the servers that it plays."""


def why_words(reason: MissedReason, detail: str) -> str:
    """Why a request gave no reading, as it is written in brackets."""
    return reason.value + (f": {clean(detail, 160)}" if detail else "")
