"""Committing what one request brought, with the evidence that belongs to it."""

import logging
from collections.abc import Iterable

from collectors.base import Answer, Collector, Exchange
from jobs.judge import Judged, Watched
from storage import coverage
from storage.db import Pool, StaleState, transaction
from storage.model.coverage import Batch
from storage.record import AccountStep, Recording, record

log = logging.getLogger(__name__)


class Recorder:
    """Writes for one collector, whose answers the evidence is cut out of."""

    def __init__(self, pool: Pool, collector: Collector) -> None:
        self._pool = pool
        self._collector = collector
        self._months: set[tuple[int, int]] = set()
        """Those whose partition is known to be there."""

    async def record(self, batch: Batch, judged: Judged, answer: Answer) -> bool:
        """Commit. False when another writer was first: nothing is stored, and memory is out of date."""
        opened = [w for w, _, s in judged.steps if s.opened]
        old = self._evidence((w.exchanges, w) for w in opened)
        new = self._evidence((answer.exchanges, w) for w in opened)
        news = [
            AccountStep(w.account, w.known, s, old.get(w.account.native_id), new.get(w.account.native_id))
            for w, _, s in judged.steps
            if s.is_news
        ]
        recording = Recording(batch, news, judged.renames, judged.postponed, judged.sightings)
        month = (batch.slot.year, batch.slot.month)
        try:
            async with transaction(self._pool) as conn:
                if month not in self._months:
                    await coverage.ensure_month(conn, batch.slot.date())
                stored = await record(conn, recording, batch.observed_at)
        except StaleState as error:
            log.warning("%s What the database holds is loaded again.", error)
            return False
        self._months.add(month)
        return stored

    def _evidence(self, shown: Iterable[tuple[tuple[Exchange, ...], Watched]]) -> dict[str, bytes]:
        """What the raw answers say of the accounts that they are to be kept for, by native id."""
        by_answer: dict[tuple[Exchange, ...], list[str]] = {}
        for exchanges, w in shown:
            by_answer.setdefault(exchanges, []).append(w.account.native_id)
        found: dict[str, bytes] = {}
        for exchanges, native_ids in by_answer.items():
            found |= self._collector.evidence(exchanges, native_ids)
        return found
