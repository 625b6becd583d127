"""How a request gets made: by this process itself, or (`jobs.dispatch.queued_requester`) by whichever
machine has time.
"""

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from collectors.core.collector import Collector, CollectorAnswer
from jobs.base.clock import Clock
from jobs.dispatch.request_slots import HANGS_AFTER_S, RequestSlots
from storage.model.core.platform_request import Question
from storage.model.platforms.registry import DECLARED


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    """The outcome of a request that was sent at `asked_at` and answered at `at`."""

    answer: CollectorAnswer
    asked_at: datetime
    at: datetime


async def ask(collector: Collector, question: Question, now: datetime) -> CollectorAnswer:
    """The answer to a question, after what it shows of lifted restrictions was verified."""
    answer = await collector.read(question.native_ids, now)
    if not question.withheld_in or not answer.readings:
        return answer
    return await collector.verify_lifts(answer, question.withheld_in, now)


class Requester(Protocol):
    """Makes requests, some of them at once."""

    def room(self, place: str, *, urgent: bool) -> AbstractAsyncContextManager[None]:
        """Waits until one more request, to `place`, may be under way. What is urgent waits for no turn of a
        sweep.
        """
        ...

    def asked(self, question: Question, /) -> AbstractAsyncContextManager[TimedAnswer | None]:
        """Ask; whoever leaves the block without an error has recorded the reply.

        None: nothing is known of the question any more, and it is to be asked anew.
        """
        ...


class LocalRequester:
    """Makes the requests in this process."""

    def __init__(
        self, collector: Collector, clock: Clock, at_once: int, hangs_after_s: float = HANGS_AFTER_S
    ) -> None:
        self._collector = collector
        self._clock = clock
        self._requests = RequestSlots(at_once, hangs_after_s)
        self._urgent = RequestSlots(max(1, at_once // 2), hangs_after_s)

    def room(self, place: str, *, urgent: bool) -> AbstractAsyncContextManager[None]:
        of_one_server = DECLARED[self._collector.platform].is_one_server(place)
        return (self._urgent if urgent else self._requests).taken(of_one_server=of_one_server)

    @asynccontextmanager
    async def asked(self, question: Question, /) -> AsyncGenerator[TimedAnswer]:
        asked_at = self._clock()
        answer = await ask(self._collector, question, asked_at)
        yield TimedAnswer(answer, asked_at, max(asked_at, self._clock()))
