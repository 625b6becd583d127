"""Committing what requests brought, with the evidence that belongs to it: many requests in one transaction.

While one transaction is under way, further recordings wait; then all that wait are written together. Nobody
waits on purpose: a recording that comes alone is committed at once.
"""

import asyncio
import logging
import math
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from collectors.core.collector import Collector, CollectorAnswer, Exchange
from jobs.base.clock import Clock
from jobs.collect.late_readings import record_late
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.judge import Judged, TrackedAccount
from storage.changes.record import AccountStep, Recording, record_many
from storage.model.core.availability import Reading
from storage.model.core.coverage import Batch, BatchOutcome, bitmap
from storage.model.core.platform_request import Question
from storage.postgres.locks import Fence, unfenced
from storage.postgres.pool import Pool, StaleState, StorageError, Unreachable, transaction
from storage.readings import coverage

log = logging.getLogger(__name__)

_AT_MOST = 256
"""Recordings in one transaction."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A recording whose caller waits, and what became of it: None as long as nobody has tried to write it."""

    recording: Recording
    outcome: bool | StorageError | None = None


class Recorder:
    """Writes for one collector, whose answers the evidence is cut out of.

    What was judged rests on memory, so it is written under a `fence`: a process that was stopped for a while
    has missed what another one saw since.
    """

    def __init__(
        self,
        pool: Pool,
        collector: Collector,
        rule: ConfirmationRule,
        clock: Clock,
        fence: Fence = unfenced,
    ) -> None:
        self._pool = pool
        self._collector = collector
        self._rule = rule
        self._clock = clock
        self._fence = fence
        self._waiting: list[_Waiting] = []
        self._turn = asyncio.Lock()
        self._months: set[tuple[int, int]] = set()
        """Those whose partition is known to be there."""

    async def record(self, batch: Batch, judged: Judged, answer: CollectorAnswer) -> bool:
        """Commit. False when memory is out of date, so that it must be loaded again: another writer was
        first, and nothing is stored; or another had read later, and this is stored as what came in late.

        Whoever has the turn writes for all who wait. Nothing waits without its caller, so there is nothing
        to be emptied at the end: what was not acknowledged was not promised.
        """
        if any(s.known is w.known and _is_late(w, r) for w, r, s in judged.steps):
            await self._record_late(batch, judged, answer)
            return False
        mine = _Waiting(self._recording(batch, judged, answer))
        self._waiting.append(mine)
        try:
            async with self._turn:
                if mine.outcome is None:
                    group = [w for w in self._waiting if w.outcome is None][:_AT_MOST]
                    await _to_the_end(self._write(group))
        finally:
            self._waiting.remove(mine)
        if isinstance(mine.outcome, StorageError):
            raise mine.outcome
        return bool(mine.outcome)

    async def _write(self, group: Sequence[_Waiting]) -> None:
        """Store a group in one transaction; in two when something in it cannot be stored, and so on, so that
        in the end it takes no other with it.
        """
        try:
            stored = await self._commit([w.recording for w in group])
        except Unreachable as error:
            for w in group:
                w.outcome = error
        except StorageError as error:
            if len(group) == 1:
                group[0].outcome = _failed(error)
                return
            half = len(group) // 2
            await self._write(group[:half])
            await self._write(group[half:])
        else:
            for w, is_stored in zip(group, stored, strict=True):
                w.outcome = is_stored

    async def _commit(self, recordings: Sequence[Recording]) -> list[bool]:
        months = {(r.batch.slot.year, r.batch.slot.month): r.batch.slot.date() for r in recordings}
        if new := sorted(months.keys() - self._months):
            await coverage.ensure_months(self._pool, [months[month] for month in new])
        async with transaction(self._pool) as conn:
            await self._fence(conn)
            stored = await record_many(conn, recordings, self._clock)
        self._months |= months.keys()
        return stored

    async def _record_late(self, batch: Batch, judged: Judged, answer: CollectorAnswer) -> None:
        said = {r.native_id: r.state for r in answer.readings}
        shown = self._evidence((answer.exchanges, w) for w, _, _ in judged.steps)
        readings = {
            # As it was said: what it leaves open is completed with what was held at its own time.
            w.account.account_id: replace(r, state=said[w.account.native_id])
            for w, r, _ in judged.steps
        }
        evidence = {
            w.account.account_id: shown[w.account.native_id]
            for w, _, _ in judged.steps
            if w.account.native_id in shown
        }
        try:
            await record_late(self._pool, batch, readings, self._rule, self._clock, evidence)
        except StaleState as error:
            _failed(error)

    def _recording(self, batch: Batch, judged: Judged, answer: CollectorAnswer) -> Recording:
        news = [(w, s) for w, _, s in judged.steps if s.is_news]
        opened = [(w, s.opened) for w, s in news if s.opened]
        # The last answer shows the old side only where it is the one that bounds the change.
        old = self._evidence((w.exchanges, w) for w, p in opened if p.last_seen_old == w.known.last_asked_at)
        new = self._evidence((answer.exchanges, w) for w, _ in opened)
        steps = [
            AccountStep(w.account, w.known, s, old.get(w.account.native_id), new.get(w.account.native_id))
            for w, s in news
        ]
        return Recording(batch, steps, judged.renames, judged.postponed, judged.sightings)

    def _evidence(self, shown: Iterable[tuple[tuple[Exchange, ...], TrackedAccount]]) -> dict[str, bytes]:
        """What the raw answers say of the accounts that they are to be kept for, by native id."""
        by_answer: dict[tuple[Exchange, ...], list[str]] = {}
        for exchanges, w in shown:
            by_answer.setdefault(exchanges, []).append(w.account.native_id)
        found: dict[str, bytes] = {}
        for exchanges, native_ids in by_answer.items():
            found |= self._collector.evidence(exchanges, native_ids)
        return found


def batch_of(question: Question, judged: Judged, asked_at: datetime, at: datetime) -> Batch:
    """What is kept of a request as a whole."""
    return Batch(
        roster_id=question.roster_id,
        slot=question.slot,
        attempt=question.attempt,
        observed_at=at,
        outcome=judged.outcome,
        missed_reason=judged.reason and judged.reason.value,
        answered=bitmap(judged.answered) if judged.outcome is BatchOutcome.ANSWERED else None,
        latency_ms=math.ceil((at - asked_at).total_seconds() * 1000),
        missed=judged.missed,
        silent=judged.silent,
    )


def _is_late(watched: TrackedAccount, reading: Reading) -> bool:
    """Whether a reading that did nothing comes too late for that, rather than being a repeat of the last."""
    known = watched.known
    if known.last_read_at is None or reading.at > known.last_read_at:
        return False
    last = known.state if known.pending is None else known.pending.state
    return reading.at < known.last_read_at or reading.state != last


def _failed(error: StorageError) -> bool | StorageError:
    """What the caller hears: another writer who was first is no fault."""
    if not isinstance(error, StaleState):
        return error
    log.warning("%s What the database holds is loaded again.", error)
    return False


async def _to_the_end(writing: Coroutine[object, object, None]) -> None:
    """Finish a transaction also when its writer is cancelled meanwhile: others wait for it as well."""
    task = asyncio.ensure_future(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
