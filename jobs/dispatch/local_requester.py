"""How a request gets made: by this process itself, or (`jobs.dispatch.queued_requester`) by whichever
machine has time.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from collectors.core.collector import Collector, CollectorAnswer
from jobs.base.clock import Clock
from storage.model.core.platform_request import Question


@dataclass(frozen=True, slots=True)
class TimedAnswer:
    """The outcome of a request that was sent at `asked_at` and answered at `at`."""

    answer: CollectorAnswer
    asked_at: datetime
    at: datetime


class Requester(Protocol):
    """Makes requests, some of them at once."""

    def room(self, *, urgent: bool) -> AbstractAsyncContextManager[None]:
        """Waits until one more request may be under way. What is urgent waits for no turn of a sweep."""
        ...

    def asked(self, question: Question, /) -> AbstractAsyncContextManager[TimedAnswer | None]:
        """Ask; whoever leaves the block without an error has recorded the reply.

        None: nothing is known of the question any more, and it is to be asked anew.
        """
        ...


class LocalRequester:
    """Makes the requests in this process."""

    def __init__(self, collector: Collector, clock: Clock, at_once: int) -> None:
        self._collector = collector
        self._clock = clock
        self._requests = asyncio.Semaphore(at_once)
        self._urgent = asyncio.Semaphore(max(1, at_once // 2))

    @asynccontextmanager
    async def room(self, *, urgent: bool) -> AsyncGenerator[None]:
        async with self._urgent if urgent else self._requests:
            yield

    @asynccontextmanager
    async def asked(self, question: Question, /) -> AsyncGenerator[TimedAnswer]:
        asked_at = self._clock()
        answer = await self._collector.read(question.native_ids, asked_at)
        yield TimedAnswer(answer, asked_at, max(asked_at, self._clock()))
