"""Requests for whichever machine has time: put into the queue while other processes read too, made here
otherwise. With one process there is no queue on the way of a reading.
"""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from collectors.core.collector import CollectorAnswer, RequestFailure
from jobs.base.clock import Clock
from jobs.base.errors import unknown_error
from jobs.dispatch.answer_codec import unpack
from jobs.dispatch.local_requester import Requester, TimedAnswer
from storage.model.core.availability import Missed, MissedReason
from storage.model.core.platform_request import Question
from storage.model.core.shards import WHOLE, Shard
from storage.postgres.errors import Unreachable
from storage.postgres.pool import Pool, StorageError, transaction
from storage.work import pending_answers, request_queue, workers
from storage.work.pending_answers import StoredAnswer
from storage.work.request_queue import QueueJob
from storage.work.workers import HEARD_WITHIN, SourcePause

log = logging.getLogger(__name__)

_AT_ONCE = 256
"""Questions in the queue: enough for many workers, few enough to be asked soon."""
_LOOK_S = 0.5
"""The longest wait between two turns, because a notification may be lost."""
_GATHER_S = 0.03
"""How long to collect more questions and answers before a turn."""
_LOOK_AROUND_S = 3.0
_TAKEN_AT_ONCE = 200
_HELD_FOR = timedelta(minutes=5)
_REASONS = frozenset(MissedReason)

Orphan = Callable[[Question, TimedAnswer], Awaitable[None]]
"""Records a reply to a question that this process did not ask."""
IsPaused = Callable[[str, datetime], bool]
"""Whether a place is not to be asked at a time; see `jobs.dispatch.breaker_store`."""


@dataclass(slots=True)
class _QueuedQuestion:
    question: Question
    at_s: float
    """When it was put into the queue, by the clock of this process; infinite before."""
    reply: asyncio.Future[TimedAnswer | None] = field(default_factory=asyncio.Future[TimedAnswer | None])
    waiting: int = 0
    """How many asked the same, and have not recorded the reply yet."""


class QueuedRequester:
    """Asks one source. Each process that reads holds one; only that which plans asks, and takes turns."""

    def __init__(
        self,
        pool: Pool,
        source: str,
        worker_id: UUID,
        here: Requester,
        clock: Clock,
        is_on_time: Callable[[], bool],
        shard: Callable[[], Shard] = lambda: WHOLE,
    ) -> None:
        """`here` makes requests in this process, as long as `is_on_time` says that its clock is right.
        Answers about the accounts of another `shard` are left to its leader.
        """
        self._pool = pool
        self._source = source
        self._worker_id = worker_id
        self._here = here
        self._clock = clock
        self._is_on_time = is_on_time
        self._shard = shard
        self._knows = asyncio.Event()
        """Whether there are others was looked up."""
        self._has_others = False
        self._others_are_right = False
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._asked: dict[str, _QueuedQuestion] = {}
        self._in_hand: set[str] = set()
        """Answers that are being recorded, or are and have not been let go of."""
        self._recorded: list[str] = []
        self._looked_around_s = float("-inf")
        self._woken = asyncio.Event()

    @property
    def source(self) -> str:
        return self._source

    def can_date(self) -> bool:
        """Whether there is anybody whose clock is right: nothing is to be asked otherwise."""
        return self._is_on_time() or (self._has_others and self._others_are_right)

    @asynccontextmanager
    async def room(self, place: str, *, urgent: bool) -> AsyncGenerator[None]:
        await self._knows.wait()
        while True:
            has_others = self._has_others
            async with self._room_with(place, has_others=has_others, urgent=urgent):
                if has_others == self._has_others:  # it may have changed while room was waited for
                    yield
                    return

    def _room_with(self, place: str, *, has_others: bool, urgent: bool) -> AbstractAsyncContextManager[None]:
        if not has_others:
            return self._here.room(place, urgent=urgent)
        # What is urgent goes before the others in the queue as well.
        return nullcontext() if urgent else self._room

    @asynccontextmanager
    async def asked(self, question: Question, /) -> AsyncGenerator[TimedAnswer | None]:
        if not self._has_others:
            if not self._is_on_time():
                yield None
                return
            async with self._here.asked(question) as reply:
                yield reply
            return
        mine = self._asked.setdefault(question.key, _QueuedQuestion(question, float("inf")))
        mine.waiting += 1
        self.wake()
        try:
            # Whoever gives up takes the reply from nobody else who waits for it.
            yield await asyncio.shield(mine.reply)
        except BaseException:
            self._in_hand.discard(question.key)  # it is handed over once more, and recorded then
            raise
        else:
            if question.key in self._in_hand:
                self._recorded.append(question.key)
        finally:
            mine.waiting -= 1
            if mine.waiting == 0:
                self._asked.pop(question.key, None)

    async def turn(self, orphan: Orphan, is_paused: IsPaused) -> bool:
        """Put new questions into the queue and take what was answered; true when there may be more of that.

        Raises StorageError.
        """
        now_s = time.monotonic()
        if now_s - self._looked_around_s >= _LOOK_AROUND_S:
            await self._look_around(is_paused)
            self._looked_around_s = now_s
        recorded = tuple(self._recorded)  # more may come while they are let go of
        if recorded:
            async with transaction(self._pool) as conn:
                await pending_answers.drop(conn, recorded)
        del self._recorded[: len(recorded)]
        self._in_hand.difference_update(recorded)
        # Before anything is asked: what another process asked may be answered, and its job gone, since then.
        taken = await self._take(orphan)
        new = [one for one in self._asked.values() if one.at_s == float("inf") and not one.reply.done()]
        if new:
            async with transaction(self._pool) as conn:
                await request_queue.enqueue(conn, [_job(one.question) for one in new])
        for one in new:
            one.at_s = now_s
        if taken == _TAKEN_AT_ONCE:
            self.wake()
        return taken == _TAKEN_AT_ONCE

    async def take_back(self) -> None:
        """Withdraw the requests that no worker has in hand. Whoever asked gets None. To be called between two
        turns.
        """
        await self._take_back([key for key, _ in self._open(())])
        for one in self._asked.values():
            if one.at_s == float("inf") and not one.reply.done():
                one.reply.set_result(None)

    def look_around_now(self) -> None:
        """The next turn looks who else reads, however lately that was done."""
        self._looked_around_s = float("-inf")

    def wake(self) -> None:
        """Let `wait_for_work` return soon."""
        self._woken.set()

    async def wait_for_work(self) -> None:
        """Wait for a question or an answer, or for a while."""
        with suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_S):
                await self._woken.wait()
                await asyncio.sleep(_GATHER_S)
        self._woken.clear()

    async def _take(self, orphan: Orphan) -> int:
        """How many were taken."""
        taken = 0
        async with transaction(self._pool) as conn:
            found = await pending_answers.handed_over(
                conn, self._source, self._in_hand, _TAKEN_AT_ONCE, self._shard()
            )
        for one in found:
            mine = self._asked.get(one.key)
            if mine is not None and mine.reply.done():
                continue  # it was given up a moment ago, and is adopted in the next turn
            self._in_hand.add(one.key)
            taken += 1
            if mine is None:
                await self._adopt(one, orphan)
            elif (reply := _reply(one)) is None:
                self._recorded.append(one.key)
            else:
                mine.reply.set_result(reply)
        return taken

    async def _adopt(self, one: StoredAnswer, orphan: Orphan) -> None:
        """Whoever asked it plans no more, or it was asked twice. What is recorded already stays as it is.

        One that cannot be recorded must not hold up the others: it is told, and let go.
        """
        try:
            question, reply = pending_answers.unpacked(one.asked), _reply(one)
            if reply is not None:
                await orphan(question, reply)
        except (Unreachable, asyncio.CancelledError):
            self._in_hand.discard(one.key)
            raise
        except Exception as error:  # noqa: BLE001 - see above
            said = str(error) if isinstance(error, StorageError) else unknown_error(error)
            log.error(  # noqa: TRY400
                "The answer to a request of another process could not be recorded: %s",
                said,
                extra={"event": "answer_not_recorded"},
            )
        self._recorded.append(one.key)

    def let_go(self) -> None:
        """Wait for no answer any more: what is answered yet is recorded by whoever plans next."""
        for one in self._asked.values():
            one.reply.cancel()

    async def _look_around(self, is_paused: IsPaused) -> None:
        """Who else reads, and what has become of questions that nobody answered."""
        now = self._clock()
        asked_by = time.monotonic()
        async with transaction(self._pool) as conn:
            alive = await workers.heard_of(conn, await workers.database_now(conn) - HEARD_WITHIN)
            waiting = await request_queue.waiting(conn, self._source)
            failed = await request_queue.failed(conn, self._asked)
        async with transaction(self._pool) as conn:  # later: an answer comes before its job ends
            there = set(await pending_answers.keys(conn, self._source))
        here = [w for w in alive if self._source in w.sources]
        others = [w for w in here if w.worker_id != self._worker_id]
        self._has_others, self._others_are_right = bool(others), any(w.is_on_time for w in others)
        self._knows.set()
        for key, one in self._asked.items():
            if key in waiting or key in there or one.at_s > asked_by or one.reply.done():
                continue
            one.reply.set_result(self._parked(one.question) if key in failed else None)
        if here and not any(w.answers_for(self._source, now) for w in here):
            await self._withdraw([w.paused[self._source] for w in here if self._source in w.paused], there)
        elif shut := [k for k, one in self._open(there) if is_paused(one.question.place, now)]:
            await self._take_back(shut)

    async def _withdraw(self, pauses: Sequence[SourcePause], there: Collection[str]) -> None:
        """Nobody asks this source for a while: the platform refuses each of us, or no clock is right."""
        mine = [k for k, _ in self._open(there)]
        async with transaction(self._pool) as conn:
            await request_queue.withdraw(conn, mine)
        first = min(pauses, key=lambda pause: pause.until, default=None)
        unsent = None if first is None else self._unsent(first)
        for key in mine:
            one = self._asked.get(key)
            if one is not None and not one.reply.done():
                one.reply.set_result(unsent)

    async def _take_back(self, keys: Sequence[str]) -> None:
        """Ask for these later: what a worker has in hand is waited for, since its answer counts."""
        async with transaction(self._pool) as conn:
            withdrawn = await request_queue.withdraw(conn, keys)
        for key in withdrawn:
            one = self._asked.get(key)
            if one is not None and not one.reply.done():
                one.reply.set_result(None)

    def _open(self, there: Collection[str]) -> list[tuple[str, _QueuedQuestion]]:
        """What this process asked, by key, and was not answered yet."""
        return [(k, one) for k, one in self._asked.items() if k not in there and not one.reply.done()]

    def _unsent(self, pause: SourcePause) -> TimedAnswer:
        now = self._clock()
        reason = MissedReason(pause.reason) if pause.reason in _REASONS else MissedReason.UNCLASSIFIED
        failure = RequestFailure(reason, pause.detail, pause.until, breaker=False)
        return TimedAnswer(CollectorAnswer((), (), trouble=failure, sent=False), now, now)

    def _parked(self, question: Question) -> TimedAnswer:
        now = self._clock()
        detail = "a fault of Blockline's own: the request is held (blockline workers)"
        failure = RequestFailure(MissedReason.UNCLASSIFIED, detail, now + _HELD_FOR, breaker=False)
        missed = tuple(Missed(i, now, failure.reason, detail) for i in question.native_ids)
        return TimedAnswer(CollectorAnswer((), missed, trouble=failure), now, now)


def _job(question: Question) -> QueueJob:
    return QueueJob(question.key, question.source, pending_answers.packed(question), question.urgent)


def _reply(one: StoredAnswer) -> TimedAnswer | None:
    """None when a worker of another version wrote it in a form that cannot be read here."""
    try:
        return TimedAnswer(unpack(one.answer), one.asked_at, one.at)
    except ValueError:
        log.error(  # noqa: TRY400
            "An answer of worker %s cannot be read. Run the same version of Blockline on all machines.",
            one.worker_id,
            extra={"event": "answer_unreadable", "worker": one.worker_id},
        )
        return None
