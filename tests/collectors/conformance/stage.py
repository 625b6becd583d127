"""A platform at its simulator, with a proxy in between that may spoil what it answers.

Everything here knows a platform by what it declares and by its simulator, so that a further platform has no
more to do than to be installed.
"""

import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias, cast

import aiohttp
from aiohttp import web

from collectors.core.collector import Collector, CollectorAnswer
from collectors.core.wire import is_array, is_object
from collectors.simulator.faults import FaultPlan
from collectors.simulator.history import History, HistoryAccount, settled
from collectors.simulator.history_conversion import recast
from collectors.simulator.platform_simulator import RunningSimulator, simulator_of
from jobs.rehearsal.pipeline import collector_at, simulated_hosts
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.model.platforms.registry import USUAL_PLATFORM
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_x import Scripted, scripted

HOUR: Final = timedelta(hours=1)
EACH: Final = 3
"""Accounts of each status."""
STATES: Final = tuple(
    State(status, ("DE", "TR")) if status is Status.WITHHELD else State(status) for status in Status
)
_OF_ONE_HOP: Final = {
    "content-length",
    "content-encoding",
    "transfer-encoding",
    "connection",
    "date",
    "server",
}

Json: TypeAlias = Any


@dataclass(slots=True)
class Answered:
    """An answer of the platform on its way to the collector; a test may change it."""

    number: int
    """Which answer of a reading it is: 0 is the one about all accounts."""
    status: int
    body: bytes

    @property
    def document(self) -> Json:
        """None if the answer is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return None

    def hold(self, document: Json) -> None:
        self.body = json.dumps(document).encode()

    def edit(self, change: Callable[[Json], None]) -> None:
        """Change the document in place. An answer that is not JSON stays unchanged."""
        document = self.document
        if document is not None:
            change(document)
            self.hold(document)


Spoil: TypeAlias = Callable[[Answered], None]


def _untouched(_: Answered) -> None: ...


@dataclass(slots=True)
class Stage:
    """A collector of a platform, and the truth about the accounts that it is asked about."""

    platform: Platform
    accounts: tuple[HistoryAccount, ...]
    simulator: RunningSimulator
    proxy: Scripted
    collector: Collector
    how: Spoil = _untouched
    """What is done to every answer."""
    asked_before: int = 0
    """Requests before the present reading."""

    async def move_to(self, now: datetime) -> None:
        async with aiohttp.ClientSession() as session:
            address = f"{self.simulator.base_url}/_simulator/clock"
            async with session.put(address, json={"now": now.isoformat()}) as answer:
                answer.raise_for_status()

    def truth(self, now: datetime) -> dict[str, State]:
        """What can be seen of each account, by native id."""
        seen = simulator_of(self.platform).observable
        return {account.native_id: seen(account.at(now)) for account in self.accounts}

    async def read(self, now: datetime) -> CollectorAnswer:
        """Ask about all accounts of one place; each must be answered for exactly once."""
        asked = [account.native_id for account in self.accounts]
        self.asked_before = len(self.proxy.asked)
        answer = await self.collector.read(asked, now)
        assert sorted(said.native_id for said in (*answer.readings, *answer.missed)) == sorted(asked)
        return answer

    async def read_truly(self, now: datetime) -> CollectorAnswer:
        """Ask about all accounts. Whatever is read must be so."""
        answer = await self.read(now)
        truth = self.truth(now)
        wrong = [r for r in answer.readings if r.state != heard(truth[r.native_id], r.silent_on)]
        assert wrong == []
        return answer


def heard(state: State, silent_on: frozenset[str]) -> State:
    """What is left to be seen of a state, if nothing was heard about some countries."""
    countries = tuple(country for country in state.withheld_in if country not in silent_on)
    if state.status is not Status.WITHHELD or countries == state.withheld_in:
        return state
    return State(Status.WITHHELD, countries) if countries else State(Status.AVAILABLE)


def crowd(platform: Platform) -> History:
    """Accounts of every status, as this platform has them; each has another handle an hour later."""
    of_usual = [
        settled(
            USUAL_PLATFORM,
            f"{1000 + 10 * number + copy}",
            [(T0 - HOUR, state, f"name{number}{copy}"), (T0 + HOUR, state, f"other{number}{copy}")],
        )
        for number, state in enumerate(STATES)
        for copy in range(EACH)
    ]
    return recast(History(tuple(of_usual)), platform)


@asynccontextmanager
async def staged(platform: Platform, faults: FaultPlan = FaultPlan()) -> AsyncGenerator[Stage]:  # noqa: B008 - frozen
    """The crowd of one place, read through a proxy. The clock stands at `T0`."""
    history = crowd(platform)
    hosts = simulated_hosts(history.accounts)
    stage: Stage | None = None
    async with (
        simulator_of(platform).serve(history, (), faults, T0, 0) as simulator,
        aiohttp.ClientSession() as session,
    ):

        async def forward(request: web.BaseRequest) -> web.Response:
            try:
                return await answered(request)
            except aiohttp.ClientError:  # the simulator cut the connection, and so does the proxy
                assert request.transport is not None
                request.transport.abort()
                return web.Response()

        async def answered(request: web.BaseRequest) -> web.Response:
            async with session.request(
                request.method,
                f"{simulator.base_url}{request.path_qs}",
                headers=_passed_on(request.headers),
                data=await request.read(),
                allow_redirects=False,
            ) as said:
                # Addresses of itself that the platform names lead through the proxy too.
                ours, theirs = proxy.base_url.encode(), simulator.base_url.encode()
                body = (await said.read()).replace(theirs, ours)
            if stage is None:
                return web.Response(status=500)  # nobody asks before there is a stage
            answer = Answered(len(proxy.asked) - stage.asked_before - 1, said.status, body)
            stage.how(answer)
            return web.Response(status=answer.status, body=answer.body, headers=_passed_on(said.headers))

        async with scripted(forward) as proxy, collector_at(platform, proxy.base_url, hosts) as collector:
            place = collector.place(history.accounts[0].native_id)
            here = [account for account in history.accounts if collector.place(account.native_id) == place]
            accounts = tuple(here[: collector.batch_size])
            stage = Stage(platform, accounts, simulator, proxy, collector)
            yield stage


def _passed_on(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_ONE_HOP}


def lists_of_objects(document: Json) -> Iterator[list[Json]]:
    """Every list of objects in a document that is not itself in one."""
    if is_object(document):
        for value in document.values():
            yield from lists_of_objects(value)
    elif is_array(document) and any(map(is_object, document)):
        yield cast("list[Json]", document)


def objects_of(document: Json) -> Iterator[dict[str, Json]]:
    """Every object in a document."""
    if is_object(document):
        yield cast("dict[str, Json]", document)
        for value in document.values():
            yield from objects_of(value)
    elif is_array(document):
        for item in document:
            yield from objects_of(item)
