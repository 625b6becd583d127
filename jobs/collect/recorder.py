"""Committing the results of requests, with their evidence. One transaction can commit many results.

Results that arrive during a transaction wait and are then written together. If no transaction is running, a
result is committed at once.
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
from storage.model.core.shards import WHOLE, Shard
from storage.postgres.errors import TookTooLong
from storage.postgres.locks import Fence, unfenced
from storage.postgres.pool import Pool, StaleState, StorageError, Unreachable, transaction
from storage.readings import coverage

log = logging.getLogger(__name__)

_MILLISECOND = timedelta(milliseconds=1)
_AT_MOST = 256
"""Maximum number of recordings per transaction."""


@dataclass(slots=True, eq=False)
class _Waiting:
    """A recording that waits to be written. `outcome` is None until the recording was written or failed."""

    recording: Recording
    outcome: bool | StorageError | None = None


class Recorder:
    """Writes the answers of one collector to the database, with the evidence that the collector cuts out of
    the answers.

    Each transaction calls the `fence` first. The `fence` raises an error if another process may have recorded
    since. The memory from which the answers were judged could then be out of date.
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
        """Months whose partition is known to exist."""

    async def record(self, batch: Batch, judged: Judged, answer: CollectorAnswer) -> bool:
        """Commit an answer that is not late. Return False if another writer came first. In that case nothing
        is stored, and memory must be loaded again. Raises StorageError if the write fails.

        The caller that holds the lock also writes the recordings of the waiting callers. A recording counts
        as stored only once its own caller got the result.
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
        """Store a group in one transaction. If that fails, store each half separately, so that one bad
        recording does not block the others.
        """
        try:
            stored = await self._commit([w.recording for w in group])
        except (Unreachable, TookTooLong) as error:  # each half would take as long
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
        self, batch: Batch, judged: Judged, answer: CollectorAnswer, shard: Shard = WHOLE
    ) -> tuple[AccountId, ...]:
        """Commit a late answer (see `comes_late`). Return the accounts whose changes were corrected. If
        another writer came first, nothing is stored and the result is empty. The leaders of other shards than
        `shard` load their corrected accounts again.

        Afterwards, memory is out of date for these accounts and for all accounts of the batch. Until this
        function returns, nothing else may be judged from memory: the affected accounts are known only at the
        end.
        """
        said = {r.native_id: r.state for r in answer.readings}
        shown = self._evidence((answer.exchanges, w) for w, _, _ in judged.steps)
        readings = {
            # As the answer said it. What it leaves open is filled in with what was known at its own time.
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
                shard=shard,
            )
        except StaleState as error:
            _failed(error)
            return ()
        return report.corrected

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
        """Cut the evidence about these accounts out of the raw answers. Return it by native id."""
        by_answer: dict[tuple[Exchange, ...], list[str]] = {}
        for exchanges, w in shown:
            by_answer.setdefault(exchanges, []).append(w.account.native_id)
        found: dict[str, bytes] = {}
        for exchanges, native_ids in by_answer.items():
            found |= self._collector.evidence(exchanges, native_ids)
        return found


def stored_asked_at(asked_at: datetime, at: datetime) -> datetime:
    """Return the request time as the database gives it back: the arrival time minus the stored latency. The
    latency is stored in whole milliseconds, rounded up.

    A decision that uses this time gives the same result after a restart.
    """
    return at - _latency_ms(asked_at, at) * _MILLISECOND


def _latency_ms(asked_at: datetime, at: datetime) -> int:
    return -((asked_at - at) // _MILLISECOND)


def batch_of(question: Question, judged: Judged, asked_at: datetime, at: datetime) -> Batch:
    """The coverage row of a request."""
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
    """Whether the change window begins at the request of the last answer about the account."""
    return opened.last_seen_old == watched.known.last_asked_at


def comes_late(batch: Batch, judged: Judged) -> bool:
    """Whether a batch is late for some account. If so, all readings around the batch must be evaluated again.

    A batch is late if a reading of the same time or later is already known, with one exception: an answer
    that merely repeats the last reading is not late.

    If another answer arrived while this request was running, the batch is late in two more cases: it opens or
    refutes a change, or `Known.unsettled` is set.
    """
    return any(_is_late(w, r, s, batch.asked_at) for w, r, s in judged.steps)


def _is_late(watched: TrackedAccount, reading: Reading, effect: ReadingEffect, asked_at: datetime) -> bool:
    known = watched.known
    if not _is_behind(watched, reading):
        return overlaps(known, asked_at) and bool(effect.opened or effect.refuted or known.unsettled)
    last = known.state if known.pending is None else known.pending.state
    if reading.at != known.last_read_at or reading.state != last:
        return True
    # A repeat of the last reading. Of the two, the one that was requested first counts.
    return known.last_asked_at is not None and asked_at < known.last_asked_at


def _is_behind(watched: TrackedAccount, reading: Reading) -> bool:
    """Whether a reading of the same time or later was already known."""
    return watched.known.last_read_at is not None and reading.at <= watched.known.last_read_at


def _failed(error: StorageError) -> bool | StorageError:
    """Return the result of a failed write: the error itself, or False if another writer came first."""
    if not isinstance(error, StaleState):
        return error
    log.warning("%s The state is loaded again from the database.", error, extra={"event": "state_reloaded"})
    return False


async def _to_the_end(writing: Coroutine[object, object, None]) -> None:
    """Finish a transaction even if its writer is cancelled, because other callers wait for it too."""
    task = asyncio.ensure_future(writing)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        raise
