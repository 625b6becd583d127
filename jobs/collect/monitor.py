"""The monitor of one platform. At each tick it plans, requests, judges and records what is due."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

from collectors.core.collector import Collector, CollectorAnswer
from jobs.base.background_tasks import BackgroundTasks
from jobs.base.clock import Clock
from jobs.collect.canaries import ControlAccounts
from jobs.collect.load_accounts import load_accounts, take_up_edited
from jobs.collect.recorder import Recorder, batch_of, comes_late, stored_asked_at
from jobs.detect.judge import Judge, Judged, TrackedAccount, held_in, of_roster
from jobs.dispatch.breaker_store import BreakerStore
from jobs.dispatch.local_requester import Requester, TimedAnswer
from jobs.planning.daily_bill import next_day
from jobs.planning.daily_cost_guard import CostLimitGuard, is_refused
from jobs.planning.planner_store import PlannerMemory
from jobs.planning.roster_renewal import RosterRenewal
from jobs.planning.rosters import RosterBook
from jobs.planning.sweep import Sweep
from jobs.planning.sweep_planner import Planner, ScheduledRead
from jobs.planning.watch_state import WatchState
from storage.accounts import side_facts
from storage.accounts.accounts import watch_periods
from storage.accounts.list_thresholds import load_threshold_history
from storage.accounts.lookup import account_ids_of
from storage.changes import load_watched
from storage.model.core.accounts import Account, AccountId
from storage.model.core.country_scope import EVERY_COUNTRY
from storage.model.core.coverage import Batch, BatchOutcome, Roster, WhyRead
from storage.model.core.known_state import Known
from storage.model.core.platform_request import Question
from storage.model.core.shards import WHOLE, Shard
from storage.model.sizing.question import PlannerKind
from storage.postgres.locks import Fence, unfenced
from storage.postgres.pool import Conn, Pool, StorageError, plan_each, transaction
from storage.readings import country_scope, coverage, rosters
from storage.work.shards import watched_native_ids

_CLOCK_TOLERANCE = timedelta(minutes=1)
_STEP_S = 1.0


class AccountLocks:
    """Locks that let only one answer about an account be judged at a time. So each answer is judged with the
    result of the one before. An early re-read and the scheduled read of an account can overlap.
    """

    def __init__(self) -> None:
        self._accounts: set[AccountId] = set()
        self._everybody = asyncio.Lock()
        self._waiting: list[asyncio.Future[None]] = []

    @asynccontextmanager
    async def holding(self, account_ids: Collection[AccountId]) -> AsyncGenerator[None]:
        """Lock these accounts. Wait first until none of them is locked elsewhere."""
        while self._everybody.locked() or not self._accounts.isdisjoint(account_ids):
            await self._freed()
        self._accounts.update(account_ids)
        try:
            yield
        finally:
            self._accounts.difference_update(account_ids)
            self._wake()

    @asynccontextmanager
    async def holding_everybody(self) -> AsyncGenerator[None]:
        """Lock all accounts. Wait first until none is locked. Meanwhile, nothing else can lock an account."""
        try:
            async with self._everybody:
                while self._accounts:
                    await self._freed()
                yield
        finally:
            self._wake()

    async def _freed(self) -> None:
        freed = asyncio.get_running_loop().create_future()
        self._waiting.append(freed)
        await freed

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for freed in waiting:
            if not freed.done():
                freed.set_result(None)


@dataclass(frozen=True, slots=True)
class MonitorSettings:
    """How one platform is watched."""

    sweep: Sweep
    planner: PlannerKind = PlannerKind.SWEEP
    canaries_per_request: int = 2
    concurrency: int = 8


@dataclass(slots=True)
class MonitorCounts:
    """Counts since the monitor started, without control accounts."""

    requests: int = 0
    readings: int = 0
    missed: int = 0


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages that a reading passes, in order. `jobs.collect.pipeline.reading_pipeline` creates them."""

    watched: WatchState
    planner: Planner
    memory: PlannerMemory | None
    rosters: RosterBook
    renewal: RosterRenewal
    breakers: BreakerStore
    requester: Requester
    canaries: ControlAccounts
    judge: Judge
    recorder: Recorder


class Monitor:
    """Reads the watched accounts of one shard of a platform. Only one monitor per database reads a shard (see
    `storage.postgres.locks.Lock`).

    All data that decisions about changes need is in the database and can be loaded again. So the process may
    be killed at any time.
    """

    def __init__(
        self,
        pool: Pool,
        collector: Collector,
        settings: MonitorSettings,
        clock: Clock,
        stages: Stages,
        cost_limit: CostLimitGuard | None = None,
        fence: Fence = unfenced,
    ) -> None:
        """`cost_limit` is the daily cost limit that the collector obeys; None means no limit. `fence`
        (`storage.postgres.locks.Fence`) is called first in each transaction that records something.
        """
        self.tally = MonitorCounts()
        self.shard = WHOLE
        self.fence = fence
        self.planner = stages.planner
        self.breakers = stages.breakers
        self.canaries = stages.canaries
        self._pool = pool
        self._collector = collector
        self._platform = collector.platform
        self._settings = settings
        self._clock = clock
        self._cost_limit = cost_limit
        self._watched = stages.watched
        self._memory = stages.memory
        self._rosters = stages.rosters
        self._renewal = stages.renewal
        self._requester = stages.requester
        self._judge = stages.judge
        self._recorder = stages.recorder
        self._under_way = BackgroundTasks()
        self._settles = False
        self._scopes = EVERY_COUNTRY
        self._account_locks = AccountLocks()
        self._read_again_now: set[AccountId] = set()
        """Accounts whose early re-read is running."""

    def turn_to(self, shard: Shard) -> None:
        """Read the accounts of this shard from the next `load` on, which must load everything."""
        self.shard = self._rosters.shard = shard

    async def load(self, edited: Collection[AccountId] | None = None) -> None:
        """Load the state from the database: at the start, and after what is watched was edited. If only some
        accounts were `edited`, the others are not loaded again.

        Must not run during a tick. Raises StorageError if a stored reading is later than this process's
        clock. New readings could then not be dated.
        """
        now = self._clock()
        async with self._rosters.renewal(self._pool, self.fence) as conn:
            await plan_each(conn)
            newest = await coverage.newest_observation(conn, self._platform)
            if newest is not None and newest > now + _CLOCK_TOLERANCE:
                raise StorageError(
                    f"The newest reading in the database has the time {newest:%Y-%m-%d %H:%M} UTC, but the "
                    f"clock of this machine shows {now:%Y-%m-%d %H:%M} UTC. Correct the clock. If the clock "
                    "is right, set these readings aside with `blockline doctor --set-aside`."
                )
            if self._collector.countries is not None:
                # The new scope must not begin before an earlier reading, even if the clock was set back.
                since = now if newest is None else max(now, newest + timedelta.resolution)
                await country_scope.record_scope(conn, self._platform, self._collector.countries, since)
            self._scopes = await country_scope.load_scopes(conn, self._platform)
            await take_up_edited(
                conn, self._platform, self._judge.rules.rule, self._watched, edited, self.shard
            )
            if self._cost_limit is not None:
                await self._cost_limit.load(conn, now)
            if self._memory is not None:
                await self._memory.load(conn, edited)
            await self._renewal.load(conn, now, edited)
            self.canaries.take_up(self._held_since(self._watched.some(edited)))
            await self._load_confirmations(conn)
            self._judge.rules.history = await load_threshold_history(conn)
        await self.breakers.load()

    async def _load_confirmations(self, conn: Conn) -> None:
        since = self._clock() - self._judge.rules.rule.cohort_window
        confirmed = await load_watched.recent_confirmations(conn, self._platform, since)
        self._judge.confirmations.take_up(confirmed)

    async def follow_others(self) -> None:
        """Take up what the leaders of other shards found out about the whole platform: which places are
        paused, which changes were confirmed on which lists, and which control accounts there are.
        """
        await self.breakers.follow()
        async with transaction(self._pool) as conn:
            await self._load_confirmations(conn)
            has_others = await self._rosters.has_other_canaries(conn)
        if has_others:
            await self._renewal.renew(self._clock())

    def accounts(self) -> Mapping[AccountId, Account]:
        """All watched accounts of this shard, as of now."""
        return dict(self._watched.accounts())

    async def watched_anywhere(self) -> Sequence[str]:
        """The platform's own ids of all its watched accounts, also those of other shards."""
        if self.shard.is_whole:
            return [account.native_id for account in self._watched.accounts().values()]
        async with transaction(self._pool) as conn:
            return await watched_native_ids(conn, self._platform)

    def known(self, account_id: AccountId) -> Known | None:
        """What is known of an account; None if it is not watched."""
        w = self._watched.get(account_id)
        return None if w is None else w.known

    async def read_now(self, native_ids: Sequence[str]) -> None:
        """Read these accounts in the next tick, because something happened to them. Accounts that are not
        watched are passed over. Raises StorageError.
        """
        async with transaction(self._pool) as conn:
            ids = await account_ids_of(conn, self._platform, native_ids)
        called = [w.account.account_id for w in self._watched.some(ids)]
        self._watched.again.call_for(called, self._clock())

    def read_everybody_now(self) -> None:
        """Read all accounts in the next tick, because any of them may have changed."""
        self._watched.again.call_for(self._watched.accounts(), self._clock())

    async def tick(self) -> None:
        """Do what is due now. Faults of the platform are recorded; a database error is raised at the end."""
        await self._step(None)

    async def step(self) -> None:
        """Do what is due now, like `tick`, but do not wait for slow requests to end."""
        await self._step(_STEP_S)

    async def settled(self, within_s: float, take_back: Callable[[], Awaitable[None]] | None = None) -> None:
        """Stop making requests, and wait at most `within_s` for running ones to be recorded. `take_back`
        withdraws those that wait in a queue.
        """
        self._settles = True
        try:
            if take_back is not None:
                await take_back()
            await self._under_way.give_up(within_s)
        finally:
            self._settles = False

    async def _step(self, wait_s: float | None) -> None:
        now = self._clock()
        self._under_way.begin(self._review(now))
        await self._under_way.wait(wait_s)
        again = [a for a in self._watched.due_again(now) if a.account_id not in self._read_again_now]
        for turn, (place, ids) in enumerate(self._rosters.by_place(again)):
            if self._not_before(place, now) <= now:
                self._under_way.begin(self._read_again(turn, place, ids, now))
        await self._under_way.wait(wait_s)
        for turn in self.planner.due(now, self._not_before):
            self._under_way.begin(self._take_turn(turn))
        await self._under_way.wait(wait_s)
        if self._memory is not None:
            await self._memory.keep(now)
        if (fault := self._under_way.fault()) is not None:
            raise fault

    def next_due(self) -> datetime:
        """The earliest time at which `tick` has something to do."""
        now = self._clock()
        times = list(self.planner.next_at(now, self._not_before))
        for account, at in self._watched.times(now):
            times.append(self._not_before(self._collector.place(account.native_id), at))
        if (at := self.canaries.next_review()) is not None:
            times.append(at)
        return min(times, default=now + self._settings.sweep.every)

    def _not_before(self, place: str, at: datetime) -> datetime:
        paused_until = self.breakers.paused_until(place)
        return at if paused_until is None else max(at, paused_until)

    async def _read_again(self, turn: int, place: str, ids: tuple[AccountId, ...], now: datetime) -> None:
        self._read_again_now.update(ids)
        try:
            roster = await self._rosters.out_of_turn(self._pool, place, ids, turn, WhyRead.AGAIN, now)
            await self.read(roster, now, 0, urgent=True)
        finally:
            self._read_again_now.difference_update(ids)

    async def _take_turn(self, turn: ScheduledRead) -> None:
        """Make one scheduled read. If the answer before was quarantined, ask the same accounts in a different
        batch.
        """
        batch = None
        try:
            if turn.roster is not None and not turn.another_way:
                batch = await self.read(turn.roster, turn.slot, turn.number, urgent=False)
            else:
                now = self._clock()
                why = WhyRead.AGAIN if turn.another_way else turn.why
                roster = await self._rosters.out_of_turn(
                    self._pool, turn.place, turn.account_ids, turn.position + turn.number, why, now
                )
                batch = await self.read(roster, now, 0, urgent=turn.why is not WhyRead.TURN)
        finally:
            self.planner.polled(turn, batch)

    async def read(self, roster: Roster, slot: datetime, number: int, *, urgent: bool) -> Batch | None:
        """Make one request, from the question to the commit. Return the stored batch. None if nothing was
        asked or stored, or if the answer came late.
        """
        async with self._requester.room(roster.place, urgent=urgent):
            if self._settles or not self.breakers.admits(roster.place, self._clock()):
                return None
            question = self._question(roster, slot, number, urgent=urgent)
            if not await self._charge(question):
                self.planner.refused(roster, next_day(self._clock()))
                return None
            async with self._requester.asked(question) as reply:
                return None if reply is None else await self._take_in(roster, question, reply)

    def _question(self, roster: Roster, slot: datetime, number: int, *, urgent: bool) -> Question:
        watched = self._watched.of(roster.account_ids)
        asked = [w.account.native_id for w in watched]
        asked += [c.account.native_id for c in self._rosters.canaries_of(roster)]
        url = self._collector.base_url(roster.place)
        held = {w.account.native_id: countries for w in watched if (countries := held_in(w.known))}
        return Question(
            self._platform, "", roster.place, roster.roster_id, slot, number, tuple(asked), urgent, url, held
        )

    async def _charge(self, question: Question) -> bool:
        """Add the cost of this request to the day's cost. Return False if the daily cost limit does not allow
        the request.
        """
        if self._cost_limit is None:
            return True
        return await self._cost_limit.charge(question.native_ids, self._clock()) is None

    async def take_in(self, question: Question, reply: TimedAnswer) -> None:
        """Record the reply to a question that an earlier leader planned, unless that one recorded it."""
        async with transaction(self._pool) as conn:
            roster = await rosters.roster(conn, question.roster_id)
            if roster is None or await coverage.is_stored(conn, roster, question.slot, question.attempt):
                return
            periods = await watch_periods(conn, roster.account_ids)
        left = [p.until for of_one in periods.values() for p in of_one if p.until is not None]
        was_removed = any(until >= reply.at for until in left)
        if await self._take_in(roster, question, reply, was_removed=was_removed) is not None:
            async with transaction(self._pool) as conn:
                newest = await self._rosters.attempts(conn, [roster.roster_id])
            self.planner.loaded_again(roster, newest.get(roster.roster_id))

    async def _take_in(
        self, roster: Roster, question: Question, reply: TimedAnswer, *, was_removed: bool = False
    ) -> Batch | None:
        """Judge an answer, record it and update memory. Return the stored batch. None if nothing was sent or
        stored, or if the answer was recorded as a late one.

        An answer is late if `comes_late` says so. `was_removed` means that an account was removed from the
        watch after the answer arrived, but before it was recorded. Such an answer is late too: if it opens a
        change for the removed account, the removal ends the change.
        """
        answer, asked_at, at = reply.answer, reply.asked_at, reply.at
        if not answer.sent:
            if not is_refused(answer):
                await self.breakers.note(
                    roster.place, roster.account_ids, answer.trouble, asked_at, at, sent=False
                )
            return None
        answer, asked_at = answer.arrived(at), stored_asked_at(asked_at, at)
        async with self._account_locks.holding(roster.account_ids):
            watched, judged, batch = self._judged(roster, question, answer, asked_at, at)
            late = comes_late(batch, judged) or (was_removed and bool(judged.steps))
            stored = not late and await self._record(roster, watched, judged, batch, answer)
        if late:
            async with self._account_locks.holding_everybody():
                watched, judged, batch = self._judged(roster, question, answer, asked_at, at)
                late = comes_late(batch, judged) or (was_removed and bool(judged.steps))
                stored = await self._record(roster, watched, judged, batch, answer, late=late)
        await self._note(roster, judged, answer, asked_at, at)
        return batch if stored else None

    def _judged(
        self, roster: Roster, question: Question, answer: CollectorAnswer, asked_at: datetime, at: datetime
    ) -> tuple[list[TrackedAccount], Judged, Batch]:
        """Judge an answer for those accounts of its roster that are still watched."""
        found = [(n, w) for n, a in enumerate(roster.account_ids) if (w := self._watched.get(a)) is not None]
        watched = [w for _, w in found]
        judged = self._judge(
            answer,
            watched,
            self._rosters.canaries_of(roster),
            asked_at,
            at,
            unsure=self.canaries.is_unsure(roster.place),
            countries=self._collector.countries,
            unspoken=self._scopes.before_the_newest(at),
        )
        whole = judged
        if len(found) < len(roster.account_ids):
            whole = of_roster(judged, [n for n, _ in found], len(roster.account_ids))
        return watched, judged, batch_of(question, whole, asked_at, at)

    async def _record(
        self,
        roster: Roster,
        watched: Sequence[TrackedAccount],
        judged: Judged,
        batch: Batch,
        answer: CollectorAnswer,
        *,
        late: bool = False,
    ) -> bool:
        """Commit, then update memory. Return False if another writer came first or `late` is set. In these
        cases, memory is loaded again from the database.
        """
        retold: Sequence[AccountId] = ()
        if late:
            retold = await self._recorder.record_late(batch, judged, answer, self.shard)
        elif await self._recorder.record(batch, judged, answer):
            self._count(judged)
            self.planner.saw(judged, batch.observed_at)
            self._watched.apply(batch, watched, judged, answer)
            return True
        await self._load_again(roster, retold)
        return False

    def _count(self, judged: Judged) -> None:
        self.tally.requests += 1
        self.tally.readings += len(judged.steps)
        self.tally.missed += len(judged.answered) - len(judged.steps)

    async def _note(
        self, roster: Roster, judged: Judged, answer: CollectorAnswer, asked_at: datetime, at: datetime
    ) -> None:
        """Report the answer to the circuit breaker. After a quarantined answer, ask the control accounts
        alone.
        """
        if judged.outcome is not BatchOutcome.HELD:
            await self.breakers.note(roster.place, roster.account_ids, answer.trouble, asked_at, at)
            return
        await self.breakers.note_quarantined(roster.place, roster.account_ids, judged.detail, asked_at, at)
        self.canaries.take_up(self._held_since(self._watched.some(roster.account_ids)))
        if await self.canaries.held(roster.place, at, vouched=judged.vouched):
            await self._renewal.renew(at)

    def _held_since(self, accounts: Iterable[TrackedAccount]) -> dict[str, datetime]:
        """The time since which answers about these accounts have been quarantined, by place. If the accounts
        of a place have different times, the oldest counts. Places without quarantined answers are left out.
        """
        found: dict[str, datetime] = {}
        for w in accounts:
            if w.held_since is not None:
                place = self._collector.place(w.account.native_id)
                found[place] = min(w.held_since, found.get(place, w.held_since))
        return found

    async def _review(self, now: datetime) -> None:
        if await self.canaries.review(now):
            await self._renewal.renew(now)

    async def _load_again(self, roster: Roster, retold: Sequence[AccountId] = ()) -> None:
        """Reload the accounts of the roster and of `retold`, because their stored state is newer than memory.
        The `retold` accounts are those whose history a late answer corrected.
        """
        async with transaction(self._pool) as conn:
            ids = sorted({*roster.account_ids, *retold})
            loaded = await load_accounts(conn, self._platform, self._judge.rules.rule, ids, self.shard)
            self._watched.take_up(
                loaded, await side_facts.open_facts(conn, self._platform, only=ids), whole=False
            )
            newest = await self._rosters.attempts(conn, [roster.roster_id])
            if retold:
                await self._load_confirmations(conn)
        self.planner.loaded_again(roster, newest.get(roster.roster_id))
