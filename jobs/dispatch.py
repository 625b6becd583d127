"""Requests for whichever machine has time: put into the queue while other processes read too, made here
otherwise. With one process there is no queue on the way of a reading.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from collectors.base import Answer, Trouble
from jobs.asking import Asking, Reply
from jobs.clock import Clock
from jobs.packed_answers import unpack
from storage import answered, work_queue, workers
from storage.answered import Answered
from storage.db import Pool, transaction
from storage.model.availability import Missed, MissedReason
from storage.model.questions import Question
from storage.work_queue import Job
from storage.workers import HEARD_WITHIN, Pause

log = logging.getLogger(__name__)

_AT_ONCE = 256
"""Questions in the queue: enough for many workers, few enough to be asked soon."""
_LOOK_S, _IDLE_S = 0.05, 0.5
_LOOK_AROUND_S = 3.0
_TAKEN_AT_ONCE = 200
_HELD_FOR = timedelta(minutes=5)

Orphan = Callable[[Question, Reply], Awaitable[None]]
"""Records a reply to a question that this process did not ask."""


@dataclass(slots=True)
class _Asked:
    question: Question
    at_s: float
    """When it was put into the queue, by the clock of this process; infinite before."""
    reply: asyncio.Future[Reply | None] = field(default_factory=asyncio.Future[Reply | None])


class Dispatch:
    """Asks one source. Only the process that plans may hold one."""

    def __init__(self, pool: Pool, source: str, worker_id: UUID, here: Asking, clock: Clock) -> None:
        self._pool = pool
        self._source = source
        self._worker_id = worker_id
        self._here = here
        self._clock = clock
        self._knows = asyncio.Event()
        """Whether there are others was looked up."""
        self._has_others = False
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._asked: dict[str, _Asked] = {}
        self._in_hand: set[str] = set()
        """Answers that are being recorded, or are and have not been let go of."""
        self._recorded: list[str] = []
        self._looked_around_s = -_LOOK_AROUND_S

    @asynccontextmanager
    async def room(self) -> AsyncGenerator[None]:
        await self._knows.wait()
        if not self._has_others:
            async with self._here.room():
                yield
        else:
            async with self._room:
                yield

    @asynccontextmanager
    async def asked(self, question: Question, /) -> AsyncGenerator[Reply | None]:
        if not self._has_others:
            async with self._here.asked(question) as reply:
                yield reply
            return
        mine = self._asked[question.key] = _Asked(question, float("inf"))
        try:
            yield await mine.reply
        except BaseException:
            self._in_hand.discard(question.key)  # it is handed over once more, and recorded then
            raise
        else:
            self._recorded.append(question.key)
        finally:
            self._asked.pop(question.key, None)

    async def turn(self, orphan: Orphan) -> None:
        """Put new questions into the queue and take what was answered. Raises StorageError."""
        now_s = time.monotonic()
        if now_s - self._looked_around_s >= _LOOK_AROUND_S:
            await self._look_around()
            self._looked_around_s = now_s
        new = [one for one in self._asked.values() if one.at_s == float("inf")]
        recorded = tuple(self._recorded)  # more may come while they are let go of
        if new or recorded:
            async with transaction(self._pool) as conn:
                await work_queue.enqueue(conn, [_job(one.question) for one in new])
                await answered.drop(conn, recorded)
        for one in new:
            one.at_s = now_s
        del self._recorded[: len(recorded)]
        self._in_hand.difference_update(recorded)
        await self._take(orphan)

    def pause_s(self) -> float:
        """How long to wait before the next turn."""
        return _LOOK_S if self._asked or self._recorded else _IDLE_S

    async def _take(self, orphan: Orphan) -> None:
        async with transaction(self._pool) as conn:
            found = await answered.handed_over(conn, self._source, self._in_hand, _TAKEN_AT_ONCE)
        for one in found:
            key = one.question.key
            self._in_hand.add(key)
            mine = self._asked.get(key)
            if (reply := _reply(one)) is None:
                self._recorded.append(key)
            elif mine is None:
                await self._adopt(one.question, reply, orphan)
            elif not mine.reply.done():
                mine.reply.set_result(reply)

    async def _adopt(self, question: Question, reply: Reply, orphan: Orphan) -> None:
        """Whoever asked it plans no more, or it was asked twice. What is recorded already stays as it is."""
        try:
            await orphan(question, reply)
        except BaseException:
            self._in_hand.discard(question.key)
            raise
        self._recorded.append(question.key)

    def let_go(self) -> None:
        """Wait for no answer any more: what is answered yet is recorded by whoever plans next."""
        for one in self._asked.values():
            one.reply.cancel()

    async def _look_around(self) -> None:
        """Who else reads, and what has become of questions that nobody answered."""
        now = self._clock()
        asked_by = time.monotonic()
        async with transaction(self._pool) as conn:
            alive = await workers.heard_of(conn, await workers.database_now(conn) - HEARD_WITHIN)
            waiting = await work_queue.waiting(conn, self._source)
            failed = await work_queue.failed(conn, self._source)
        async with transaction(self._pool) as conn:  # later: an answer comes before its job ends
            there = set(await answered.keys(conn, self._source))
        here = [w for w in alive if self._source in w.sources]
        self._has_others = any(w.worker_id != self._worker_id for w in here)
        self._knows.set()
        for key, one in self._asked.items():
            if key in waiting or key in there or one.at_s > asked_by or one.reply.done():
                continue
            one.reply.set_result(self._held(one.question) if key in failed else None)
        if here and not any(w.answers_for(self._source, now) for w in here):
            await self._withdraw([w.paused[self._source] for w in here if self._source in w.paused], there)

    async def _withdraw(self, pauses: Sequence[Pause], there: Collection[str]) -> None:
        """Nobody asks this source for a while: the platform refuses each of us. It is not asked before."""
        if not pauses:
            return
        first = min(pauses, key=lambda pause: pause.until)
        trouble = Trouble(MissedReason(first.reason), first.detail, first.until, breaker=False)
        mine = [k for k, one in self._asked.items() if k not in there and not one.reply.done()]
        async with transaction(self._pool) as conn:
            await work_queue.withdraw(conn, mine)
        now = self._clock()
        for key in mine:
            if key in self._asked and not self._asked[key].reply.done():
                self._asked[key].reply.set_result(
                    Reply(Answer((), (), trouble=trouble, sent=False), now, now)
                )

    def _held(self, question: Question) -> Reply:
        now = self._clock()
        detail = "a fault of Blockline's own: the request is held (blockline workers)"
        trouble = Trouble(MissedReason.UNCLASSIFIED, detail, now + _HELD_FOR, breaker=False)
        missed = tuple(Missed(i, now, trouble.reason, detail) for i in question.native_ids)
        return Reply(Answer((), missed, trouble=trouble), now, now)


def _job(question: Question) -> Job:
    return Job(question.key, question.source, answered.packed(question), question.urgent)


def _reply(one: Answered) -> Reply | None:
    """None when a worker of another version wrote it in a form that cannot be read here."""
    try:
        return Reply(unpack(one.answer), one.asked_at, one.at)
    except ValueError:
        log.error("An answer of worker %s cannot be read: does it run another version?", one.worker_id)  # noqa: TRY400
        return None
