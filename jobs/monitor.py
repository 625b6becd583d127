"""The monitor of one platform: at each tick, whatever is due is planned, polled, judged and recorded."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.base import Answer, Collector
from jobs.clock import Clock
from jobs.cohorts import Cohorts
from jobs.confirm import ConfirmationRule
from jobs.engage import EngagementPoller
from jobs.health import Health
from jobs.judge import Canary, Judged, Watched, judge
from jobs.planner import Attempt, Sweep, choose_canaries, next_attempt, pack
from storage import accounts, coverage, rosters, watch
from storage.db import Conn, Pool, StaleState, transaction
from storage.model.accounts import AccountId
from storage.model.availability import Status
from storage.model.coverage import Batch, BatchOutcome, Roster, bitmap
from storage.model.steps import Known
from storage.record import AccountStep, Recording, record

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """How one platform is watched."""

    sweep: Sweep
    canaries_per_request: int = 2
    concurrency: int = 8
    engagement_every: timedelta = timedelta(minutes=15)


@dataclass(slots=True)
class Tally:
    """What was recorded since the monitor started. Control accounts are not counted."""

    requests: int = 0
    readings: int = 0
    missed: int = 0


class Monitor:
    """Reads the watched accounts of one platform.

    All that it holds in memory can be loaded from the database again, so it may be killed at any
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
        self._pool = pool
        self._collector = collector
        self._platform = collector.platform
        self._rule = rule
        self._settings = settings
        self._clock = clock
        self._cohorts = Cohorts(rule.cohort_window)
        self._health = Health(pool, collector.platform)
        self._engagement = EngagementPoller(pool, collector, settings.engagement_every, self._health)
        self._watched: dict[AccountId, Watched] = {}
        self._pending: set[AccountId] = set()
        self._canaries: dict[AccountId, Canary] = {}
        self._rosters: list[Roster] = []
        self._last: dict[int, Attempt] = {}
        self._ad_hoc: dict[tuple[AccountId, ...], Roster] = {}
        self._months: set[tuple[int, int]] = set()
        self._requests = asyncio.Semaphore(settings.concurrency)

    async def load(self) -> None:
        """Take up what the database holds: at the start, and after accounts were added or removed."""
        now = self._clock()
        async with transaction(self._pool) as conn:
            loaded = {w.account.account_id: w for w in await watch.load_watched(conn, self._platform)}
            for gone in self._watched.keys() - loaded.keys():
                del self._watched[gone]
                self._pending.discard(gone)
            self._take_over(list(loaded.values()))
            self._canaries = {
                a.account_id: Canary(a, s) for a, s in await accounts.canaries(conn, self._platform)
            }
            self._rosters = await self._plan_rosters(
                conn, await rosters.base_rosters(conn, self._platform), now
            )
            self._last = {
                roster_id: Attempt(a.slot, a.attempt, a.observed_at, a.outcome)
                for roster_id, a in (await coverage.last_attempts(conn, self._platform)).items()
            }
            since = now - self._rule.cohort_window
            for list_id, at in await watch.recent_confirmations(conn, self._platform, since):
                self._cohorts.confirmed([list_id], at)
        await self._health.load()
        await self._engagement.load()

    def _take_over(self, loaded: Sequence[watch.WatchedAccount]) -> None:
        for w in loaded:
            account_id = w.account.account_id
            before = self._watched.get(account_id)
            body = before.body if before is not None and before.known == w.known else b""
            self._watched[account_id] = Watched(w.account, w.lists, w.known, _handle_seen_at(w.known), body)
            if w.known.pending is None:
                self._pending.discard(account_id)
            else:
                self._pending.add(account_id)

    async def _plan_rosters(self, conn: Conn, existing: Sequence[Roster], now: datetime) -> list[Roster]:
        """Put every watched account in one roster of the sweep, replacing only rosters that must change."""
        size = self._collector.batch_size - min(self._settings.canaries_per_request, len(self._canaries))
        kept = [r for r in existing if all(a in self._watched for a in r.account_ids)]
        placed = {a for r in kept for a in r.account_ids}
        missing = [w.account for i, w in self._watched.items() if i not in placed]
        if missing and kept and len(kept[-1].account_ids) < size:
            missing += [self._watched[a].account for a in kept.pop().account_ids]
        kept_ids = {r.roster_id for r in kept}
        await rosters.retire(conn, [r.roster_id for r in existing if r.roster_id not in kept_ids], now)
        return kept + [
            await rosters.get_or_make(
                conn, self._platform, ids, self._choose_canaries(len(kept) + i), now, base=True
            )
            for i, ids in enumerate(pack(missing, size))
        ]

    def _choose_canaries(self, turn: int) -> tuple[AccountId, ...]:
        blocked = [i for i, c in self._canaries.items() if c.expected.is_blocked]
        stable = [i for i, c in self._canaries.items() if not c.expected.is_blocked]
        return choose_canaries(stable, blocked, self._settings.canaries_per_request, turn)

    async def tick(self) -> None:
        """Do everything that is due now. Faults of the platform are recorded, never raised."""
        now = self._clock()
        if self._health.gate.is_closed(now):
            return
        async with asyncio.TaskGroup() as group:
            for roster in self._rosters:
                due = next_attempt(self._settings.sweep, self._last.get(roster.roster_id), now)
                if due.at <= now:
                    group.create_task(self._poll_base(roster, due.slot, due.number))
        async with asyncio.TaskGroup() as group:
            for ids in self._due_again(now):
                group.create_task(self._read_again(ids, now))
        await self._engagement.tick(now)

    def next_due(self) -> datetime:
        """The earliest time at which `tick` has something to do."""
        now = self._clock()
        sweep = self._settings.sweep
        times = [next_attempt(sweep, self._last.get(r.roster_id), now).at for r in self._rosters]
        times += [p.next_read_at for i in self._pending if (p := self._watched[i].known.pending)]
        if (engagement := self._engagement.next_due()) is not None:
            times.append(engagement)
        earliest = min(times, default=now + sweep.every)
        closed_until = self._health.gate.closed_until
        return earliest if closed_until is None else max(earliest, closed_until)

    def _due_again(self, now: datetime) -> list[tuple[AccountId, ...]]:
        """The provisional changes that are to be read again, packed as they would be in a sweep."""
        due = [
            w.account
            for i in self._pending
            if (w := self._watched[i]).known.pending is not None and w.known.pending.next_read_at <= now
        ]
        return pack(due, self._collector.batch_size - self._settings.canaries_per_request)

    async def _read_again(self, ids: tuple[AccountId, ...], now: datetime) -> None:
        roster = self._ad_hoc.get(ids)
        if roster is None:
            turn = len(self._ad_hoc)
            async with transaction(self._pool) as conn:
                canaries = self._choose_canaries(turn)
                roster = await rosters.get_or_make(conn, self._platform, ids, canaries, now, base=False)
            self._ad_hoc[ids] = roster
        await self._poll(roster, now, 0)

    async def _poll_base(self, roster: Roster, slot: datetime, number: int) -> None:
        polled = await self._poll(roster, slot, number)
        if polled is not None:
            self._last[roster.roster_id] = Attempt(slot, number, polled.observed_at, polled.outcome)

    async def _poll(self, roster: Roster, slot: datetime, number: int) -> Batch | None:
        """One request from question to commit; None when the collector pauses."""
        async with self._requests:
            asked_at = self._clock()
            if self._health.gate.is_closed(asked_at):
                return None
            watched = [self._watched[a] for a in roster.account_ids]
            canaries = [self._canaries[c] for c in roster.canary_ids if c in self._canaries]
            asked = [w.account.native_id for w in watched] + [c.account.native_id for c in canaries]
            answer = await self._collector.read(asked, asked_at)
            at = self._clock()
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
                latency_ms=round((at - asked_at).total_seconds() * 1000),
            )
            if await self._record(batch, judged, answer):
                self._apply(batch, judged, answer)
            else:
                async with transaction(self._pool) as conn:
                    self._take_over(await watch.load_watched(conn, self._platform, list(roster.account_ids)))
            await self._health.note(answer.trouble, at)
            return batch

    async def _record(self, batch: Batch, judged: Judged, answer: Answer) -> bool:
        """Commit what the request brought. False when another writer was first and memory is out of date."""
        opened = [w for w, _, s in judged.steps if s.opened]
        old, new = (
            self._evidence([(w.body, w) for w in opened]),
            self._evidence([(answer.body, w) for w in opened]),
        )
        news = [
            AccountStep(w.account, w.known, s, old.get(w.account.native_id), new.get(w.account.native_id))
            for w, _, s in judged.steps
            if s.is_news
        ]
        recording = Recording(batch, news, judged.renames, judged.postponed)
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

    def _evidence(self, shown: Iterable[tuple[bytes, Watched]]) -> dict[str, bytes]:
        """What each raw answer says of the accounts that it is to be kept for, by native id."""
        by_body: dict[bytes, list[str]] = {}
        for body, w in shown:
            by_body.setdefault(body, []).append(w.account.native_id)
        found: dict[str, bytes] = {}
        for body, native_ids in by_body.items():
            found |= self._collector.excerpts(body, native_ids) if body else {}
        return found

    def _apply(self, batch: Batch, judged: Judged, answer: Answer) -> None:
        """Take over into memory what was committed."""
        self.tally.requests += 1
        self.tally.readings += len(judged.steps)
        self.tally.missed += len(judged.answered) - len(judged.steps)
        for w, reading, s in judged.steps:
            if s.confirmed is not None and w.known.state is not None:
                self._cohorts.confirmed(w.lists, batch.observed_at)
            w.known = s.known
            w.body = answer.body
            if reading.handle is not None:
                w.handle_seen_at = reading.at
                if reading.handle != w.account.handle:
                    w.account = replace(w.account, handle=reading.handle)
            if s.is_news:
                change = self._pending.discard if s.known.pending is None else self._pending.add
                change(w.account.account_id)
        for account, next_read_at in judged.postponed:
            w = self._watched[account.account_id]
            if w.known.pending is not None:
                w.known = replace(w.known, pending=replace(w.known.pending, next_read_at=next_read_at))


def _handle_seen_at(known: Known) -> datetime | None:
    """The last time at which the stored handle is certain: a vanished or suspended account shows none."""
    if known.state is None or known.pending is not None:
        return None
    shows_none = known.state.status.is_gone or known.state.status is Status.SUSPENDED
    return None if shows_none else known.last_asked_at
