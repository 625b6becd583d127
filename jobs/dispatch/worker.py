"""What every process that reads does: it makes the requests that are put into the queue, on any machine.

It judges nothing: answers go to the process that plans. What stands in the way of this machine alone
(`jobs.dispatch.worker_pauses`) pauses this machine alone, and others do its work.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID, uuid4

from collectors.core.collector import Collector
from jobs.base.database_clock import SteadyClock
from jobs.base.errors import unknown_error
from jobs.dispatch.answer_codec import pack
from jobs.dispatch.local_requester import ask
from jobs.dispatch.request_slots import RequestSlots
from jobs.dispatch.worker_pauses import WorkerPauses, asks_elsewhere, unasked
from storage.model.core.platform_request import Question
from storage.model.platforms.registry import DECLARED
from storage.postgres.pool import Conn, Pool, StorageError, transaction
from storage.postgres.process_name import this_process
from storage.work import (
    pending_answers,
    rate_limits,
    request_queue,
    workers,
)
from storage.work.pending_answers import WorkerAnswer
from storage.work.queue_consumer import PutBack, take_jobs
from storage.work.workers import HEARD_WITHIN, MOST_CLOCK_OFF, SourcePause, Worker

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Requests that one process makes to one source at once."""
_IN_HAND = 3 * AT_ONCE
"""Requests to one source that it takes from the queue: the next are there when one is done. Of one that is
killed, they are given to others.
"""
_REPORT_EVERY_S = 3.0
_RETRY_S = 2.0
_RECOVERED_AFTER_S = 20.0
"""Longer than it takes to fail once more."""
_LOOK_S = 0.5
"""How often to look whether a pause is over."""
_HAND_OVER_AGAIN_S = (1.0, 2.0, 4.0, 8.0)
_TIDY_EVERY_S = 60.0
_FORGOTTEN_AFTER = timedelta(days=1)
_FAREWELL_S = 30.0
"""Longer than a request may take."""
_AT_ONCE_AGAIN = timedelta(seconds=0.1)


class QueueWorker:
    """One process that makes requests, known to the others while it runs."""

    def __init__(self, dsn: str, pool: Pool, address: str, clock: SteadyClock) -> None:
        self.worker_id: UUID = uuid4()
        self._dsn = dsn
        self._pool = pool
        self._address = address
        self._clock = clock
        self._started_at = clock()
        self._collectors: dict[str, Collector] = {}
        self._paused: dict[str, SourcePause] = {}
        self._alone = WorkerPauses()
        self._told_off = False
        self._requests: dict[str, RequestSlots] = {}
        self._stops: dict[str, asyncio.Event] = {}
        """By source: set when it takes no more of it."""
        self._ends = False
        self._failed_s: float | None = None
        """When the queue last failed. None: since then it recovered, or it never did."""
        self._tidied_s = -_TIDY_EVERY_S

    def reads(self, collectors: Mapping[str, Collector]) -> None:
        """These are its sources, each with what reads it. To be said before `running`."""
        self._collectors |= collectors
        self._requests |= {source: RequestSlots(AT_ONCE) for source in collectors}

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Make requests until the block ends, through losses of the database; what was not begun then is put
        back, and what is under way is handed over.
        """
        async with asyncio.TaskGroup() as group:
            reporting = group.create_task(self._keep_reporting())
            taking = [group.create_task(self._keep_taking(source)) for source in self._collectors]
            try:
                yield
            finally:
                self._ends = True
                for stop in self._stops.values():
                    stop.set()
                await asyncio.wait(taking, timeout=_FAREWELL_S)
                for task in (reporting, *taking):
                    task.cancel()
                await asyncio.wait([reporting])  # nothing is reported once it has left
                with suppress(StorageError):
                    async with transaction(self._pool) as conn:
                        await workers.leave(conn, self.worker_id)

    async def _keep_taking(self, source: str) -> None:
        while not self._ends:
            if self._is_paused(source):
                await asyncio.sleep(_LOOK_S)
                continue
            stop = self._stops[source] = asyncio.Event()
            try:
                await take_jobs(self._dsn, source, partial(self._do, source), _IN_HAND, stop)
            except Exception as error:  # noqa: BLE001 - a machine that asks nothing would be silent
                if self._failed_s is None:
                    said = str(error) if isinstance(error, StorageError) else unknown_error(error)
                    log.error(  # noqa: TRY400
                        "Requests from the queue failed: %s", said, extra={"event": "queue_failed"}
                    )
                self._failed_s = time.monotonic()
                await asyncio.sleep(_RETRY_S)

    async def report(self) -> None:
        """Tell the others that this process is there. Raises StorageError."""
        async with transaction(self._pool) as conn:
            await self._report(conn)
            if time.monotonic() - self._tidied_s >= _TIDY_EVERY_S:
                await _tidy(conn)
                self._tidied_s = time.monotonic()

    async def _report(self, conn: Conn) -> None:
        found = await self._clock.compare(conn)
        self._note_clock(found.off)
        worker = Worker(
            self.worker_id,
            this_process(),
            self._address,
            tuple(self._collectors),
            self._started_at + found.off,
            found.at,
            found.off,
            self._paused,
        )
        await workers.report(conn, worker)

    async def _keep_reporting(self) -> None:
        while True:
            with suppress(StorageError):  # whoever needs the database says that it is away
                await self.report()
                if self._failed_s is not None and time.monotonic() - self._failed_s > _RECOVERED_AFTER_S:
                    log.info("Requests from the queue recovered", extra={"event": "queue_recovered"})
                    self._failed_s = None
            await asyncio.sleep(_REPORT_EVERY_S)

    def _note_clock(self, off: timedelta) -> None:
        is_off = abs(off) > MOST_CLOCK_OFF
        if is_off and not self._told_off:
            log.error(
                "The clock of this machine differs by %.1f s from the clock of the database. This worker "
                "reads nothing until the clock is corrected.",
                off.total_seconds(),
                extra={"event": "clock_off", "seconds": off.total_seconds()},
            )
        elif self._told_off and not is_off:
            log.info(
                "The clock of this machine agrees with the clock of the database again",
                extra={"event": "clock_recovered"},
            )
        self._told_off = is_off

    def _is_paused(self, source: str) -> bool:
        pause = self._paused.get(source)
        return not self._clock.is_right() or (pause is not None and pause.until > self._clock())

    async def _do(self, source: str, payload: bytes) -> None:
        try:
            question = pending_answers.unpacked(payload)
            of_one_server = DECLARED[question.platform].is_one_server(question.place)
            async with self._requests[source].taken(of_one_server=of_one_server):
                await self._answer(source, question)
        except StorageError:
            raise PutBack(timedelta(seconds=1)) from None
        except PutBack:
            raise
        except Exception as error:
            log.error(  # noqa: TRY400
                "A request to %s failed and is parked: %s",
                source,
                unknown_error(error),
                extra={"event": "request_failed", "source": source},
            )
            raise

    async def _answer(self, source: str, question: Question) -> None:
        if self._ends or self._is_paused(source):
            self._stops[source].set()
            raise PutBack(timedelta(0))
        asked_at = self._clock()
        collector = self._collectors[source]
        pause = asks_elsewhere(question, collector.base_url(question.place), asked_at)
        answer = await ask(collector, question, asked_at) if pause is None else unasked(pause)
        at = max(asked_at, self._clock())
        pause = pause or self._alone.pause_after(question, answer, at)
        if pause is not None and await self._leaves_to_others(source, pause, at):
            raise PutBack(_AT_ONCE_AGAIN)
        await self._hand_over(WorkerAnswer(question, self.worker_id, asked_at, at, pack(answer)))

    async def _hand_over(self, one: WorkerAnswer) -> None:
        """What was read is not let go of because the database is away for a moment. Raises StorageError."""
        for pause_s in (*_HAND_OVER_AGAIN_S, None):
            try:
                async with transaction(self._pool) as conn:
                    await pending_answers.put(conn, one)
            except StorageError:
                if pause_s is None:
                    raise
                await asyncio.sleep(pause_s)
            else:
                return

    async def _leaves_to_others(self, source: str, pause: SourcePause, now: datetime) -> bool:
        """Pause a source, unless nobody else makes its requests now: then it is not this one's alone."""
        async with transaction(self._pool) as conn:
            await workers.one_pauses(conn, source)
            alive = await workers.heard_of(conn, await workers.database_now(conn) - HEARD_WITHIN)
            if not any(w.worker_id != self.worker_id and w.answers_for(source, now) for w in alive):
                return False
            before = self._paused.get(source, pause)
            self._paused[source] = max(before, pause, key=lambda one: one.until)
            self._stops[source].set()
            await self._report(conn)
            return True


async def _tidy(conn: Conn) -> None:
    """Forget what ended without a farewell: processes, requests and answers of sources that nobody plans any
    more, budgets that nobody takes of.
    """
    await workers.forget_unheard(conn, _FORGOTTEN_AFTER)
    await request_queue.tidy(conn, _FORGOTTEN_AFTER)
    await pending_answers.forget_untaken(conn, _FORGOTTEN_AFTER)
    await rate_limits.forget_unused(conn, _FORGOTTEN_AFTER)
