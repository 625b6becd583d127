"""What accounts really looked like at every moment, and a platform that answers with it."""

import asyncio
from bisect import bisect_right
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import CollectorAnswer, Exchange, RequestFailure
from jobs.base.clock import Clock
from jobs.dispatch.local_requester import TimedAnswer
from storage.model.core.availability import Missed, MissedReason, Reading, State, Status
from storage.model.core.platform_request import Question
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, FakeCollector, reading

_BY_COUNTRY = {Status.AVAILABLE, Status.WITHHELD}
_SCOPES = (frozenset({"IN"}), frozenset({"BR"}), frozenset({"BR", "IN"}))
CONTROL = "900"
OUT_OF_DATE_AT_MOST = timedelta(minutes=10)


@dataclass(slots=True)
class Timeline:
    """The states of one account, each from its time on; the first one holds from ever."""

    states: list[State] = field(default_factory=lambda: [AVAILABLE])
    since: list[datetime] = field(default_factory=list[datetime])
    """When each state but the first began."""

    def turn(self, state: State, at: datetime) -> None:
        if state != self.states[-1]:
            self.states.append(state)
            self.since.append(at)

    def at(self, moment: datetime) -> State:
        return self.states[bisect_right(self.since, moment)]

    def began(self, old: State, new: State, after: datetime | None, until: datetime) -> bool:
        """Whether what a change from `old` to `new` claims really began later than `after` and not later than
        `until`: the new state as a whole, as far as some of the countries are heard, or every country that
        differs.
        """
        inside = [
            (a, b)
            for at, a, b in zip(self.since, self.states, self.states[1:], strict=False)
            if (after is None or at > after) and at <= until
        ]
        if any(_heard(a, heard) != _heard(b, heard) == new for heard in _SCOPES for a, b in inside):
            return True
        if new.status not in _BY_COUNTRY:
            return False
        differ = set(old.withheld_in) ^ set(new.withheld_in)
        if old.status in _BY_COUNTRY and differ:
            return all(
                any(_side(a, c) != _side(b, c) == (c in new.withheld_in) for a, b in inside) for c in differ
            )
        return any(a.status not in _BY_COUNTRY and b.status in _BY_COUNTRY for a, b in inside)


def _heard(state: State, heard: frozenset[str]) -> State:
    if state.status is not Status.WITHHELD:
        return state
    countries = tuple(c for c in state.withheld_in if c in heard)
    return State(Status.WITHHELD, countries) if countries else AVAILABLE


def _side(state: State, country: str) -> bool | None:
    return country in state.withheld_in if state.status in _BY_COUNTRY else None


class Fault(Enum):
    """What is wrong with one answer."""

    NOTHING = auto()
    FAILS = auto()
    OMITS_SOME = auto()
    SHOWS_NOBODY = auto()
    """Everybody is gone in it, the control account as well: nothing of that is so."""
    SILENT_ON_BRAZIL = auto()
    OUT_OF_DATE = auto()
    """It shows what was so some minutes before the question."""


@dataclass(slots=True, eq=False)
class Asked:
    """A question that is on its way, until it is answered."""

    question: Question
    asked_at: datetime
    reply: asyncio.Future[TimedAnswer]


class InventedPlatform(FakeCollector):
    """Answers with what was so at some moment between question and answer, when the test says so."""

    platform = BLUESKY

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.timelines: dict[str, Timeline] = {CONTROL: Timeline()}
        self.spoken_of = frozenset({"IN"})

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        """What is asked without a `Requester`: control accounts, alone."""
        return self.answer(native_ids, now, now, Fault.NOTHING)

    def answer(
        self, native_ids: Sequence[str], moment: datetime, at: datetime, fault: Fault
    ) -> CollectorAnswer:
        """What was so at `moment`, in an answer that arrived at `at`."""
        if fault is Fault.FAILS:
            trouble = RequestFailure(
                MissedReason.NETWORK, "no answer", at + timedelta(seconds=30), breaker=False
            )
            return CollectorAnswer((), tuple(Missed(i, at, trouble.reason) for i in native_ids), (), trouble)
        omitted = {i for i in native_ids[::2] if i != CONTROL} if fault is Fault.OMITS_SOME else set[str]()
        body = f"answer of {at.isoformat()}".encode()
        return CollectorAnswer(
            tuple(self._reading(i, moment, at, fault) for i in native_ids if i not in omitted),
            tuple(Missed(i, at, MissedReason.OMITTED) for i in native_ids if i in omitted),
            (Exchange("/read", at, 200, body),),
        )

    def _reading(self, native_id: str, moment: datetime, at: datetime, fault: Fault) -> Reading:
        if fault is Fault.SHOWS_NOBODY:
            return reading(native_id, NOT_FOUND, at)
        state = self.timelines[native_id].at(moment)
        silent = frozenset({"BR"} if fault is Fault.SILENT_ON_BRAZIL else ()) & (
            self.spoken_of or frozenset()
        )
        heard = (self.spoken_of or frozenset()) - silent
        if state.status is Status.WITHHELD:
            countries = tuple(c for c in state.withheld_in if c in heard)
            state = State(Status.WITHHELD, countries) if countries else AVAILABLE
        return replace(reading(native_id, state, at), silent_on=silent)


class Questions:
    """A `Requester` whose questions stay on their way until the test answers them."""

    def __init__(self, platform: InventedPlatform) -> None:
        self.on_its_way: list[Asked] = []
        self.sent: asyncio.Queue[Asked] = asyncio.Queue()
        """Each question once more, when it is sent."""
        self._platform = platform

    def room(self, place: str, *, urgent: bool) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    @asynccontextmanager
    async def asked(self, question: Question, /) -> AsyncGenerator[TimedAnswer]:
        asked_at = self._platform.clock()
        asked = Asked(question, asked_at, asyncio.get_running_loop().create_future())
        self.on_its_way.append(asked)
        self.sent.put_nowait(asked)
        try:
            yield await asked.reply
        finally:
            self.on_its_way.remove(asked)

    def replied(self, asked: Asked, part: float, fault: Fault) -> TimedAnswer:
        """The reply that arrives now: it shows what was so when that `part` of the time had passed."""
        at = self._platform.clock()
        moment = asked.asked_at + part * (at - asked.asked_at)
        if fault is Fault.OUT_OF_DATE:
            moment = asked.asked_at - part * OUT_OF_DATE_AT_MOST
        answer = self._platform.answer(asked.question.native_ids, moment, at, fault)
        return TimedAnswer(answer, asked.asked_at, at)


def states() -> Iterator[State]:
    """Those that accounts take."""
    yield AVAILABLE
    for countries in (("IN",), ("BR",), ("BR", "IN")):
        yield State(Status.WITHHELD, countries)
    for status in (Status.SUSPENDED, Status.NOT_FOUND, Status.DEACTIVATED):
        yield State(status)
