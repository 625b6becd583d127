"""The monitor of one platform: at each tick, whatever is due is planned, polled, judged and recorded."""

import asyncio
import math
from collections.abc import Coroutine, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from collectors.base import Answer, Collector
from jobs.clock import Clock
from jobs.cohorts import Cohorts
from jobs.confirm import ConfirmationRule
from jobs.health import Health
from jobs.judge import Judged, Watched, judge
from jobs.planner import Attempt, Due, Sweep, next_attempt, pack, retry_after
from jobs.recorder import Recorder
from jobs.roster_book import RosterBook
from storage import coverage, watch
from storage.db import Pool, StorageError, transaction
from storage.model.accounts import AccountId
from storage.model.availability import Status
from storage.model.coverage import Batch, BatchOutcome, Roster, bitmap
from storage.model.steps import Known

_NEVER = datetime.min.replace(tzinfo=UTC)
_CLOCK_TOLERANCE = timedelta(minutes=1)
_ASK_AGAIN = 3
"""How often an account that an answer left out is asked for again before its next turn in the sweep."""


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """How one platform is watched."""

    sweep: Sweep
    canaries_per_request: int = 2
    concurrency: int = 8


@dataclass(slots=True)
class Tally:
    """What was recorded since the monitor started. Control accounts are not counted."""

    requests: int = 0
    readings: int = 0
    missed: int = 0


class Monitor:
    """Reads the watched accounts of one platform.

    Whatever decides about a change can be loaded from the database again, so it may be killed at any
    moment. Only one may run for a platform on one database (`storage.db.exclusive`).
    """

    def __init__(
        self,
        pool: Pool,
        collector: Collector,
        rule: ConfirmationRule,
        settings: MonitorSettings,
        clock: Clock,
    ) -> None:
        self.tally = Tally()
        self.health = Health(pool, collector.platform)
        self._pool = pool
        self._collector = collector
        self._platform = collector.platform
        self._rule = rule
        self._settings = settings
        self._clock = clock
        self._cohorts = Cohorts(rule.cohort_window)
        self._watched: dict[AccountId, Watched] = {}
        self._pending: set[AccountId] = set()
        self._left_out: dict[AccountId, tuple[datetime, int]] = {}
        """Accounts that an answer left out: when to ask again, and how often that was done."""
        self._rosters = RosterBook(collector.platform, collector.batch_size, settings.canaries_per_request)
        self._recorder = Recorder(pool, collector)
        self._last: dict[int, Attempt] = {}
        self._requests = asyncio.Semaphore(settings.concurrency)

    async def load(self) -> None:
        """Take up what the database holds: at the start, and after accounts were added or removed.

        Not to be called during a tick. Raises StorageError when the database knows later readings than
        this clock can have made: nothing could be dated then.
        """
        now = self._clock()
        async with transaction(self._pool) as conn:
            newest = await coverage.newest_observation(conn, self._platform)
            if newest is not None and newest > now + _CLOCK_TOLERANCE:
                raise StorageError(
                    f"The newest reading in the database is of {newest:%Y-%m-%d %H:%M} UTC, but this clock "
                    f"shows {now:%Y-%m-%d %H:%M}: set the clock right."
                )
            loaded = await watch.load_watched(conn, self._platform)
            for gone in self._watched.keys() - {w.account.account_id for w in loaded}:
                del self._watched[gone]
                self._pending.discard(gone)
                self._left_out.pop(gone, None)
            self._take_over(loaded)
            await self._rosters.load(conn, self._watched, now)
            self._last = {
                roster_id: _attempt(a)
                for roster_id, a in (await coverage.last_attempts(conn, self._platform)).items()
            }
            since = now - self._rule.cohort_window
            for list_id, at in await watch.recent_confirmations(conn, self._platform, since):
                self._cohorts.confirmed([list_id], at)
        await self.health.load()

    def _take_over(self, loaded: Iterable[watch.WatchedAccount]) -> None:
        for w in loaded:
            account_id = w.account.account_id
            before = self._watched.get(account_id)
            same = before is not None and before.known.last_read_at == w.known.last_read_at
            shown = before.exchanges if before is not None and same else ()
            self._watched[account_id] = Watched(w.account, w.lists, w.known, _handle_seen_at(w.known), shown)
            if w.known.pending is None:
                self._pending.discard(account_id)
            else:
                self._pending.add(account_id)

    async def tick(self) -> None:
        """Do everything that is due now. Faults of the platform are recorded, never raised.

        A fault of the database is raised at the end, after the other requests had their turn.
        """
        now = self._clock()
        if self.health.gate.is_closed(now):
            return
        faults: list[StorageError] = []
        async with asyncio.TaskGroup() as group:
            for turn, ids in enumerate(self._due_again(now)):
                group.create_task(self._caught(self._read_again(turn, ids, now), faults))
        async with asyncio.TaskGroup() as group:
            for turn, roster, due in self._due_in_sweep(now):
                group.create_task(self._caught(self._poll_base(turn, roster, due), faults))
        if faults:
            raise faults[0]

    async def _caught(self, request: Coroutine[object, object, None], faults: list[StorageError]) -> None:
        try:
            await request
        except StorageError as error:
            faults.append(error)

    def next_due(self) -> datetime:
        """The earliest time at which `tick` has something to do."""
        now = self._clock()
        sweep = self._settings.sweep
        times = [next_attempt(sweep, self._last.get(r.roster_id), now).at for r in self._rosters.base]
        times += [p.next_read_at for i in self._pending if (p := self._watched[i].known.pending)]
        times += [at for at, _ in self._left_out.values()]
        earliest = min(times, default=now + sweep.every)
        closed_until = self.health.gate.closed_until
        return earliest if closed_until is None else max(earliest, closed_until)

    def _due_in_sweep(self, now: datetime) -> list[tuple[int, Roster, Due]]:
        """The rosters whose turn it is, those answered longest ago first: a limit starves nobody."""
        due = [
            (turn, roster, next_attempt(self._settings.sweep, self._last.get(roster.roster_id), now))
            for turn, roster in enumerate(self._rosters.base)
        ]
        ready = [one for one in due if one[2].at <= now]
        return sorted(ready, key=lambda one: (self._read_at(one[1]), one[0]))

    def _read_at(self, roster: Roster) -> datetime:
        """When the roster was last answered."""
        read = (self._watched[a].known.last_read_at for a in roster.account_ids)
        return max((at for at in read if at is not None), default=_NEVER)

    def _due_again(self, now: datetime) -> list[tuple[AccountId, ...]]:
        """Provisional changes to be read again, and accounts that were left out, packed as in a sweep."""
        due = {i for i in self._pending if (p := self._watched[i].known.pending) and p.next_read_at <= now}
        due |= {i for i, (at, _) in self._left_out.items() if at <= now}
        return pack([self._watched[i].account for i in due], self._rosters.size)

    async def _read_again(self, turn: int, ids: tuple[AccountId, ...], now: datetime) -> None:
        await self._poll(await self._rosters.ad_hoc(self._pool, ids, turn, now), now, 0)

    async def _poll_base(self, turn: int, roster: Roster, due: Due) -> None:
        """The turn of a roster. After an answer that was held, the same accounts are asked another way."""
        last = self._last.get(roster.roster_id)
        if last is not None and last.outcome is BatchOutcome.HELD:
            now = self._clock()
            other = await self._rosters.ad_hoc(self._pool, roster.account_ids, turn + due.number, now)
            polled = await self._poll(other, now, 0)
        else:
            polled = await self._poll(roster, due.slot, due.number)
        if polled is not None:
            self._last[roster.roster_id] = Attempt(due.slot, due.number, polled.observed_at, polled.outcome)

    async def _poll(self, roster: Roster, slot: datetime, number: int) -> Batch | None:
        """One request from question to commit; None when nothing was asked or nothing could be stored."""
        async with self._requests:
            asked_at = self._clock()
            if self.health.gate.is_closed(asked_at):
                return None
            watched = [self._watched[a] for a in roster.account_ids]
            canaries = self._rosters.canaries_of(roster)
            asked = [w.account.native_id for w in watched] + [c.account.native_id for c in canaries]
            answer = await self._collector.read(asked, asked_at)
            at = self._clock()
            if not answer.sent:
                await self.health.note(answer.trouble, asked_at, at)
                return None
            if at != asked_at:
                answer = replace(answer, readings=tuple(replace(r, at=at) for r in answer.readings))
            judged = judge(answer, watched, canaries, self._rule, self._cohorts, asked_at, at)
            batch = Batch(
                roster_id=roster.roster_id,
                slot=slot,
                attempt=number,
                observed_at=at,
                outcome=judged.outcome,
                missed_reason=judged.reason and judged.reason.value,
                answered=bitmap(judged.answered) if judged.outcome is BatchOutcome.ANSWERED else None,
                latency_ms=math.ceil((at - asked_at).total_seconds() * 1000),
                missed=judged.missed,
            )
            stored = await self._recorder.record(batch, judged, answer)
            if stored:
                self._apply(batch, watched, judged, answer)
            else:
                await self._load_again(roster)
            if judged.outcome is BatchOutcome.HELD:
                await self.health.note_held(judged.detail, asked_at, at)
            else:
                await self.health.note(answer.trouble, asked_at, at)
            return batch if stored else None

    async def _load_again(self, roster: Roster) -> None:
        async with transaction(self._pool) as conn:
            self._take_over(await watch.load_watched(conn, self._platform, list(roster.account_ids)))
            last = (await coverage.last_attempts(conn, self._platform)).get(roster.roster_id)
        if last is not None:
            self._last[roster.roster_id] = _attempt(last)

    def _apply(self, batch: Batch, watched: Sequence[Watched], judged: Judged, answer: Answer) -> None:
        """Take over into memory what was committed."""
        self.tally.requests += 1
        self.tally.readings += len(judged.steps)
        self.tally.missed += len(judged.answered) - len(judged.steps)
        for w, reading, s in judged.steps:
            if s.confirmed is not None and w.known.state is not None:
                self._cohorts.confirmed(w.lists, batch.observed_at)
            w.known = s.known
            w.exchanges = answer.exchanges
            if reading.handle is not None:
                w.handle_seen_at = s.known.last_asked_at
            if s.is_news:
                change = self._pending.discard if s.known.pending is None else self._pending.add
                change(w.account.account_id)
        for rename in judged.renames:
            w = self._watched[rename.account_id]
            w.account = replace(w.account, handle=rename.new_handle)
        for account, next_read_at in judged.postponed:
            w = self._watched[account.account_id]
            if w.known.pending is not None:
                w.known = replace(w.known, pending=replace(w.known.pending, next_read_at=next_read_at))
        for w, answered in zip(watched, judged.answered, strict=True):
            self._note_left_out(w, batch, answered=answered)

    def _note_left_out(self, w: Watched, batch: Batch, *, answered: bool) -> None:
        """An account that one answer left out does not wait for the next slot, which may be a day off."""
        account_id = w.account.account_id
        before = self._left_out.pop(account_id, None)
        times = 0 if before is None else before[1]
        alone = batch.outcome is BatchOutcome.ANSWERED or before is not None
        if not answered and alone and w.known.pending is None and times < _ASK_AGAIN:
            self._left_out[account_id] = (batch.observed_at + retry_after(times), times + 1)


def _attempt(stored: coverage.LastAttempt) -> Attempt:
    return Attempt(stored.slot, stored.attempt, stored.observed_at, stored.outcome)


def _handle_seen_at(known: Known) -> datetime | None:
    """The last time at which the stored handle is certain: a vanished or suspended account shows none."""
    if known.state is None or known.pending is not None:
        return None
    shows_none = known.state.status.is_gone or known.state.status is Status.SUSPENDED
    return None if shows_none else known.last_asked_at
