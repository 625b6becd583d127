"""Collects all labels of the labelers of a platform. A label is what its labeler states; it sets no status.

Each labeler has two sources. Its stream is followed from the stored position. Its list is read whole at the
start, once a day, and after a gap of the stream. It counts as whole if it has every label that is known to
hold: a server may leave out labels between two pages. A labeler may refuse to list all labels.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Sequence, Set
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from collectors.core.abilities import LabelFeed, StreamLost
from jobs.base.clock import Clock
from storage.countries.label_record import (
    LabelerPosition,
    follow_labeler,
    held_labels,
    newest_label,
    note_gap,
    note_heard,
    note_listed,
    note_lost,
    note_unlisted,
    record_labels,
)
from storage.model.core.accounts import Platform
from storage.model.core.labels import LabelBatch, LabelChannel, LabelGap
from storage.model.text.states import PLATFORM_NAME
from storage.model.text.units import number, span
from storage.postgres.pool import Pool, StorageError, transaction

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPauses:
    """How long to wait before the next attempt: a random time below a limit, which each failure doubles."""

    first_s: float
    longest_s: float

    def after(self, failures: int, dice: random.Random) -> float:
        """How long to wait after so many failures in a row, from 1."""
        limit_s = min(self.first_s * 2 ** min(failures - 1, 30), self.longest_s)
        return dice.uniform(limit_s / 2, limit_s)


@dataclass(frozen=True, slots=True)
class LabelPacing:
    """When labelers are asked again."""

    stream: RetryPauses = RetryPauses(1.0, 300.0)
    lists: RetryPauses = RetryPauses(60.0, 6 * 3600.0)
    lasted: timedelta = timedelta(minutes=1)
    """A stream that lasted this long counts as good, so the pause before the next one is short."""
    list_every: timedelta = timedelta(days=1)


USUAL: Final = LabelPacing()


class LabelListener:
    """Collects labels between `renew` and `let_go`, while `run` is active.

    Nothing is received while `can_date` says that the clock of this machine is wrong.
    """

    def __init__(
        self,
        pool: Pool,
        platform: Platform,
        feed: LabelFeed,
        clock: Clock,
        can_date: Callable[[], bool],
        pacing: LabelPacing = USUAL,
    ) -> None:
        self._pool = pool
        self._platform = platform
        self._feed = feed
        self._clock = clock
        self._can_date = can_date
        self._pacing = pacing
        self._wanted, self._unwanted = asyncio.Event(), asyncio.Event()
        self._list_due = {labeler: asyncio.Event() for labeler in feed.countries}
        self._lost_at: dict[str, datetime] = {}
        self._dice = random.SystemRandom()

    def renew(self) -> None:
        """See `Listener`. The labels do not depend on the accounts watched."""
        self._unwanted.clear()
        self._wanted.set()

    def let_go(self) -> None:
        """See `Listener`."""
        self._wanted.clear()
        self._unwanted.set()

    async def run(self) -> None:
        """See `Listener`. A lost stream is logged once, and its recovery."""
        while True:
            await self._wanted.wait()
            async with asyncio.TaskGroup() as group:
                loops = [
                    group.create_task(loop(labeler))
                    for labeler in self._feed.countries
                    for loop in (self._follow, self._list)
                ]
                await self._unwanted.wait()
                _cancel(loops)

    async def _follow(self, labeler: str) -> None:
        failures = 0
        while True:
            began = self._clock()
            try:
                await self._receive(labeler)
            except (StreamLost, StorageError) as lost:
                await self._lost(labeler, str(lost))
            failures = 1 if self._clock() - began > self._pacing.lasted else failures + 1
            await asyncio.sleep(self._pacing.stream.after(failures, self._dice))

    async def _receive(self, labeler: str) -> None:
        """Store what the stream sends from the stored position on, until it is lost."""
        position = await self._position(labeler)
        async with aclosing(self._feed.stream(labeler, position.seq, self._clock)) as news:
            async for one in news:
                if not self._can_date():
                    raise StreamLost("The clock of this machine is wrong.")
                await self._store(labeler, one, LabelChannel.STREAM)
                self._recovered(labeler)

    async def _store(self, labeler: str, one: LabelBatch | LabelGap | None, channel: LabelChannel) -> None:
        now = self._clock()
        async with transaction(self._pool) as conn:
            match one:
                case None:
                    await note_heard(conn, labeler, now)
                case LabelGap():
                    await note_gap(conn, labeler, one, now)
                case LabelBatch():
                    await record_labels(conn, labeler, one, channel, now)
        if isinstance(one, LabelGap):
            self._list_due[labeler].set()

    async def _list(self, labeler: str) -> None:
        """Read the whole list when that is due."""
        failures = 0
        while True:
            try:
                wait_s = await self._audit(labeler)
                failures = 0
            except (StreamLost, StorageError) as lost:
                failures += 1
                wait_s = self._pacing.lists.after(failures, self._dice)
                with suppress(StorageError):
                    async with transaction(self._pool) as conn:
                        await note_unlisted(conn, labeler, str(lost), self._clock())
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._list_due[labeler].wait()

    async def _audit(self, labeler: str) -> float:
        """Read the list whole if that is due; returns the seconds until it is due again."""
        self._list_due[labeler].clear()
        position, began = await self._position(labeler), self._clock()
        due_at = None if position.listed_at is None else position.listed_at + self._pacing.list_every
        if due_at is not None and position.gap_at is None and began < due_at:
            return (due_at - began).total_seconds()
        if not self._can_date():
            raise StreamLost("The clock of this machine is wrong.")
        if position.listed_at is None:  # so that something is known that the list must have
            await self._read_list(labeler)
            began = self._clock()
        async with transaction(self._pool) as conn:
            upto = await newest_label(conn)
        listed = await self._read_list(labeler)
        async with transaction(self._pool) as conn:
            held = await held_labels(conn, labeler, upto, self._clock())
            left_out = sum(hash(one) not in listed for one in held)
            if not left_out:
                await note_listed(conn, labeler, began)
        if left_out:
            raise StreamLost(f"The list left out {number(left_out, 'label')} that were not withdrawn.")
        return self._pacing.list_every.total_seconds()

    async def _read_list(self, labeler: str) -> Set[int]:
        """Store the list of a labeler; returns the hash of the subject and value of each label in it."""
        listed: set[int] = set()
        async with aclosing(self._feed.listing(labeler, self._clock)) as pages:
            async for page in pages:
                await self._store(labeler, page, LabelChannel.QUERY)
                listed.update(hash((one.subject, one.value)) for one in page.labels)
        return listed

    async def _position(self, labeler: str) -> LabelerPosition:
        country, withholding = self._feed.countries[labeler], self._feed.withholding
        async with transaction(self._pool) as conn:
            return await follow_labeler(conn, labeler, self._platform, country, withholding, self._clock())

    async def _lost(self, labeler: str, why: str) -> None:
        now = self._clock()
        if labeler not in self._lost_at:
            self._lost_at[labeler] = now
            log.warning(
                "%s label stream for %s failed: %s",
                PLATFORM_NAME[self._platform],
                self._feed.countries[labeler],
                why,
                extra={"event": "label_stream_failed", "labeler": labeler},
            )
        with suppress(StorageError):
            async with transaction(self._pool) as conn:
                await note_lost(conn, labeler, why, now)

    def _recovered(self, labeler: str) -> None:
        lost_at = self._lost_at.pop(labeler, None)
        if lost_at is not None:
            log.info(
                "%s label stream for %s recovered after %s",
                PLATFORM_NAME[self._platform],
                self._feed.countries[labeler],
                span(self._clock() - lost_at),
                extra={"event": "label_stream_recovered", "labeler": labeler},
            )


def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
