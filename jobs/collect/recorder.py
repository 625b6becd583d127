"""Committing what requests brought, with the evidence that belongs to it: many requests in one transaction.

While one transaction is under way, further recordings wait; then all that wait are written together. Nobody
waits on purpose: a recording that comes alone is committed at once.
"""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.core.collector import Collector, CollectorAnswer, Exchange
from jobs.base.clock import Clock
from jobs.collect.late_readings import record_late
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.judge import Judged, TrackedAccount
from jobs.detect.transitions import overlaps
from storage.changes.record import AccountStep, Recording, record_many
from storage.model.core.accounts import AccountId
from storage.model.core.availability import Reading
from storage.model.core.coverage import Batch, BatchOutcome, bitmap
from storage.model.core.known_state import Pending, ReadingEffect
from storage.model.core.platform_request import Question
from storage.postgres.locks import Fence, unfenced
from storage.postgres.pool import Pool, StaleState, StorageError, Unreachable, transaction
from storage.readings import coverage

log = logging.getLogger(__name__)

_MILLISECOND = timedelta(milliseconds=1)
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
        """Commit what does not come late. False when another writer was first: nothing is stored, and memory
        is out of date, so that it must be loaded again.

        Whoever has the turn writes for all who wait. Nothing waits without its caller, so there is nothing
        to be emptied at the end: what was not acknowledged was not promised.
        """
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

    async def record_late(
        self, batch: Batch, judged: Judged, answer: CollectorAnswer
    ) -> tuple[AccountId, ...]:
        """Commit what comes late (`comes_late`), and return the accounts of which something is told otherwise
        than before. Memory is out of date then: of these, and of everybody in the batch.

        Nothing else is to be judged meanwhile that rests on memory: whom it concerns is known only then.
        """
        said = {r.native_id: r.state for r in answer.readings}
        shown = self._evidence((answer.exchanges, w) for w, _, _ in judged.steps)
        readings = {
            # As it was said: what it leaves open is completed with what was held at its own time.
            w.account.account_id: replace(r, state=said[w.account.native_id])
            for w, r, _ in judged.steps
        }
        before = self._evidence(
            (w.exchanges, w)
            for w, _, s in judged.steps
            if s.opened and _is_bounded_by_last(w, s.opened) and not overlaps(w.known, batch.asked_at)
        )
        ids = {w.account.native_id: w.account.account_id for w, _, _ in judged.steps}
        late = {w.account.account_id for w, r, _ in judged.steps if _is_behind(w, r)}
        beside = Recording(
            batch,
            (),
            [r for r in judged.renames if r.account_id not in late],
            judged.postponed,
            [s for s in judged.sightings if s.account_id not in late],
        )
        try:
            report = await record_late(
                self._pool,
                batch,
                readings,
                self._rule,
                self._clock,
                {ids[i]: said for i, said in shown.items()},
                evidence_before={ids[i]: said for i, said in before.items()},
                beside=beside,
                fence=self._fence,
            )
        except StaleState as error:
            _failed(error)
            return ()
        return report.retold

    def _recording(self, batch: Batch, judged: Judged, answer: CollectorAnswer) -> Recording:
        news = [(w, s) for w, _, s in judged.steps if s.is_news]
        opened = [(w, s.opened) for w, s in news if s.opened]
        old = self._evidence((w.exchanges, w) for w, p in opened if _is_bounded_by_last(w, p))
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


def stored_asked_at(asked_at: datetime, at: datetime) -> datetime:
    """When a question was asked, as it can be stored with its answer: how long it took is kept in whole
    milliseconds, rounded up. What is decided by it comes out the same after a restart.
    """
    return at - _latency_ms(asked_at, at) * _MILLISECOND


def _latency_ms(asked_at: datetime, at: datetime) -> int:
    return -((asked_at - at) // _MILLISECOND)


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
        latency_ms=_latency_ms(asked_at, at),
        missed=judged.missed,
        silent=judged.silent,
    )


def _is_bounded_by_last(watched: TrackedAccount, opened: Pending) -> bool:
    """Whether the last answer is the one that shows the old side."""
    return opened.last_seen_old == watched.known.last_asked_at


def comes_late(batch: Batch, judged: Judged) -> bool:
    """Whether what a batch shows of some account is to be told from all readings around it: a later one is
    held already, or one came in after the question, and what this one opens, or what is in question, is
    bounded by those before it.
    """
    return any(_is_late(w, r, s, batch.asked_at) for w, r, s in judged.steps)


def _is_late(watched: TrackedAccount, reading: Reading, effect: ReadingEffect, asked_at: datetime) -> bool:
    known = watched.known
    if not _is_behind(watched, reading):
        return overlaps(known, asked_at) and bool(effect.opened or effect.refuted or known.unsettled)
    last = known.state if known.pending is None else known.pending.state
    if reading.at != known.last_read_at or reading.state != last:
        return True
    # A repeat of the last one. Of two the one counts that was asked for first.
    return known.last_asked_at is not None and asked_at < known.last_asked_at


def _is_behind(watched: TrackedAccount, reading: Reading) -> bool:
    """Whether a reading that is not earlier was held before this one came."""
    return watched.known.last_read_at is not None and reading.at <= watched.known.last_read_at


def _failed(error: StorageError) -> bool | StorageError:
    """What the caller hears: another writer who was first is no fault."""
    if not isinstance(error, StaleState):
        return error
    log.warning("%s The state is loaded again from the database.", error, extra={"event": "state_reloaded"})
    return False


async def _to_the_end(writing: Coroutine[object, object, None]) -> None:
    """Finish a transaction also when its writer is cancelled meanwhile: others wait for it as well."""
    task = asyncio.ensure_future(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
