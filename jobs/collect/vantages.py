"""Reading the same accounts from another vantage point, through a proxy, to see what is shown there.

Such a reading never changes a status. If the reading differs from what this installation sees, the difference
is stored as a side fact of that vantage point. The side fact includes the readings between which the
difference began and ended.

The other vantage point may merely see a block earlier. So a difference is stored only after the account was
read again, first here and then there.
"""

import asyncio
import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from collectors.core.collector import Collector
from collectors.core.rate_limit_headers import longest_pause
from jobs.base.clock import Clock
from jobs.collect.monitor import Monitor
from jobs.detect.judge import failed_canaries, held_in, silent_in
from jobs.dispatch.breaker_store import BreakerStore
from jobs.dispatch.local_requester import LocalRequester, Requester, TimedAnswer
from jobs.planning.rosters import RosterBook
from jobs.planning.sweep import Attempt, Due, Sweep, next_attempt
from storage.accounts import side_facts
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import MissedReason, Reading, State
from storage.model.core.coverage import Batch, BatchOutcome, Roster, bitmap
from storage.model.core.known_state import Known
from storage.model.core.platform_request import Question
from storage.model.core.side_facts import FactSighting, ObservedKind
from storage.postgres.pool import Conn, Pool, StorageError, transaction
from storage.postgres.recording_order import moment
from storage.readings import coverage, rosters

AT_ONCE = 4
"""Concurrent requests through one proxy."""


def differs(known: Known | None, state: State) -> bool:
    """Whether `state`, read elsewhere, is neither the confirmed nor the provisional state known here. False
    if no state is known here.
    """
    if known is None or known.state is None:
        return False
    known_states = {known.state} if known.pending is None else {known.state, known.pending.state}
    return state not in known_states


def value_of(state: State) -> str:
    """The state as the value of a side fact, such as `withheld IN TR`."""
    return " ".join((state.status.value, *state.withheld_in))


@dataclass(frozen=True, slots=True)
class VantageDifference:
    """A state that an account shows to another vantage point but not here. `at` is when it was first read
    there.

    Only a `proven` difference is stored as a fact. Before that, it may be a change that has not been read
    here yet.
    """

    value: str
    before: datetime | None
    """The request time of the last reading there without this difference; None if not known."""
    at: datetime
    proven: bool = False


def compare(
    known: Known,
    account_id: AccountId,
    look: Reading,
    earlier: VantageDifference | None,
    before: datetime | None,
) -> tuple[VantageDifference | None, tuple[FactSighting, ...]]:
    """Compare a reading from elsewhere with what is known here. Return the difference, or None if there is
    none, and the facts to store.

    `earlier` is the difference before this reading. `before` is the request time of the previous reading from
    elsewhere.

    The first reading from elsewhere that shows a difference does not prove it. The account must then be
    requested here, and after that a reading from elsewhere must show the same difference again.
    """
    value = value_of(look.state) if differs(known, look.state) else None
    if earlier is not None and earlier.value == value:
        read_since = known.last_asked_at is not None and known.last_asked_at > earlier.at
        if earlier.proven or not read_since:
            return earlier, ()
        seen_as = frozenset([(ObservedKind.SEEN_AS, earlier.value)])
        return replace(earlier, proven=True), (FactSighting(account_id, seen_as, earlier.before, earlier.at),)
    now = None if value is None else VantageDifference(value, before, look.at)
    if earlier is not None and not earlier.proven:
        # Any fact stored before ended with the reading that first showed this difference.
        return now, (FactSighting(account_id, frozenset(), earlier.before, earlier.at),)
    if earlier is not None and now is None:
        return None, (FactSighting(account_id, frozenset(), before, look.at),)
    return now, ()


class VantageReader:
    """Reads the accounts of `monitor`, in the same sweep, from the vantage point of `collector`."""

    def __init__(
        self,
        pool: Pool,
        collector: Collector,
        vantage: str,
        monitor: Monitor,
        sweep: Sweep,
        clock: Clock,
        requester: Requester | None = None,
        canaries_per_request: int = 2,
    ) -> None:
        self.breakers = BreakerStore(pool, collector.platform, vantage, longest_pause(sweep.every))
        self._pool = pool
        self._collector = collector
        self._vantage = vantage
        self._monitor = monitor
        self._sweep = sweep
        self._clock = clock
        self._rosters = RosterBook(
            collector.platform, collector.place, collector.batch_size, canaries_per_request, vantage, sweep
        )
        self._last: dict[int, Attempt] = {}
        self._read_at: dict[AccountId, datetime] = {}
        """The request time of the last reading of each account from this vantage point. Empty after a
        restart.
        """
        self._held: dict[AccountId, VantageDifference] = {}
        self._months: set[tuple[int, int]] = set()
        self._requester = requester or LocalRequester(collector, clock, AT_ONCE)

    async def load(self) -> None:
        """Load the watched accounts. Call this after the monitor has loaded."""
        now, watched = self._clock(), self._monitor.accounts()
        async with self._rosters.renewal(self._pool, self._monitor.fence) as conn:
            await self._load_rosters(conn, now)
            kept = await side_facts.open_facts(conn, self._collector.platform, self._vantage)
        proven = {
            account_id: VantageDifference(value, None, now, proven=True)
            for account_id, seen in kept.items()
            if account_id in watched
            for _, value in seen
        }
        unproven = {a: d for a, d in self._held.items() if not d.proven and a in watched}
        self._held = proven | unproven
        self._read_at = {a: at for a, at in self._read_at.items() if a in watched}
        await self.breakers.load()

    async def _load_rosters(self, conn: Conn, now: datetime) -> None:
        """Load the rosters (`storage.model.core.coverage.Roster`). If only the control accounts of a roster
        changed, the new roster keeps the last attempt of the old one.
        """
        turns = {r.account_ids: self._last.get(r.roster_id) for r in self._rosters.base}
        self._rosters.shard = self._monitor.shard
        await self._rosters.load(conn, self._monitor.accounts(), now)
        stored = await self._rosters.attempts(conn)
        last = {r.roster_id: stored.get(r.roster_id) or turns.get(r.account_ids) for r in self._rosters.base}
        self._last = {roster_id: attempt for roster_id, attempt in last.items() if attempt is not None}

    def next_due(self) -> datetime | None:
        """The time at which the next roster is due; None if there is no roster."""
        return min((self._due_at(r, self._due(r)) for r in self._rosters.base), default=None)

    async def tick(self) -> None:
        """Read every roster that is due. A database error is raised at the end."""
        now = self._clock()
        if not self._monitor.shard.is_whole:
            await self.breakers.follow()
        # The monitor may have chosen, doubted or retired control accounts since the last tick.
        async with self._rosters.renewal(self._pool, self._monitor.fence) as conn:
            await self._rosters.load_canaries(conn)
            if any(self._is_outdated(roster) for roster in self._rosters.base):
                await self._load_rosters(conn, now)
        accounts = self._monitor.accounts()
        due = [(roster, self._due(roster)) for roster in self._rosters.base]
        faults: list[StorageError] = []
        async with asyncio.TaskGroup() as group:
            for roster, turn in due:
                if self._due_at(roster, turn) <= now:
                    group.create_task(self._caught(roster, turn, accounts, faults))
        if faults:
            raise faults[0]

    async def _caught(
        self, roster: Roster, due: Due, accounts: Mapping[AccountId, Account], faults: list[StorageError]
    ) -> None:
        try:
            await self._poll(roster, due, accounts)
        except StorageError as error:
            faults.append(error)

    def _is_outdated(self, roster: Roster) -> bool:
        """Whether a roster must be rebuilt, because a control account is gone or more are available."""
        wanted = self._collector.batch_size - self._rosters.size(roster.place)
        return not len(roster.canary_ids) == len(self._rosters.canaries_of(roster)) == wanted

    def _due(self, roster: Roster) -> Due:
        return next_attempt(self._sweep, self._last.get(roster.roster_id), self._clock())

    def _due_at(self, roster: Roster, due: Due) -> datetime:
        paused_until = self.breakers.paused_until(roster.place)
        return due.at if paused_until is None else max(due.at, paused_until)

    async def _poll(self, roster: Roster, due: Due, accounts: Mapping[AccountId, Account]) -> None:
        async with self._requester.room(roster.place, urgent=False):
            if not self.breakers.admits(roster.place, self._clock()):
                return
            known = {
                accounts[a].native_id: self._monitor.known(a) for a in roster.account_ids if a in accounts
            }
            ids = list(known)
            ids += [c.account.native_id for c in self._rosters.canaries_of(roster)]
            question = Question(
                self._collector.platform,
                self._vantage,
                roster.place,
                roster.roster_id,
                due.slot,
                due.number,
                tuple(ids),
                urgent=False,
                base_url=self._collector.base_url(roster.place),
                withheld_in={i: held for i, k in known.items() if k is not None and (held := held_in(k))},
            )
            async with self._requester.asked(question) as reply:
                if reply is not None:
                    await self._take_in(roster, question, reply, accounts)

    async def take_in(self, question: Question, reply: TimedAnswer) -> None:
        """Record the reply to a question that an earlier leader planned."""
        async with transaction(self._pool) as conn:
            roster = await rosters.roster(conn, question.roster_id)
        if roster is not None:
            await self._take_in(roster, question, reply, self._monitor.accounts())

    async def _take_in(
        self, roster: Roster, question: Question, reply: TimedAnswer, accounts: Mapping[AccountId, Account]
    ) -> None:
        answer, asked_at, at = reply.answer, reply.asked_at, reply.at
        if not answer.sent:
            await self.breakers.note(
                roster.place, roster.account_ids, answer.trouble, asked_at, at, sent=False
            )
            return
        canaries = self._rosters.canaries_of(roster)
        looks = {r.native_id: r for r in answer.readings}
        wrong = failed_canaries(canaries, answer)
        seen = [looks.get(accounts[a].native_id) if a in accounts else None for a in roster.account_ids]
        outcome, reason = BatchOutcome.ANSWERED, None
        if answer.trouble is not None:
            outcome, reason = BatchOutcome.MISSED, answer.trouble.reason
        elif wrong:
            outcome, reason = BatchOutcome.HELD, MissedReason.HELD
        answered = outcome is BatchOutcome.ANSWERED
        batch = Batch(
            roster_id=roster.roster_id,
            slot=question.slot,
            attempt=question.attempt,
            observed_at=at,
            outcome=outcome,
            missed_reason=reason and reason.value,
            answered=bitmap([r is not None for r in seen]) if answered else None,
            latency_ms=math.ceil((at - asked_at).total_seconds() * 1000),
            silent=silent_in(answer),
        )
        await self._store(batch, self._compared(roster, seen, at) if answered else {}, asked_at)
        self._last[roster.roster_id] = Attempt(question.slot, question.attempt, at, outcome)
        if wrong:
            await self.breakers.note_quarantined(
                roster.place, roster.account_ids, "; ".join(said for _, said in wrong), asked_at, at
            )
        else:
            await self.breakers.note(roster.place, roster.account_ids, answer.trouble, asked_at, at)

    def _compared(
        self, roster: Roster, seen: Collection[Reading | None], at: datetime
    ) -> dict[AccountId, tuple[VantageDifference | None, tuple[FactSighting, ...]]]:
        """Compare each reading with what is known here. Skip readings that say nothing about some country."""
        looks = {
            account_id: (known, replace(look, at=at))
            for account_id, look in zip(roster.account_ids, seen, strict=True)
            if look is not None and not look.silent_on
            if (known := self._monitor.known(account_id)) is not None and known.state is not None
        }
        return {
            i: compare(known, i, look, self._held.get(i), self._read_at.get(i))
            for i, (known, look) in looks.items()
        }

    async def _store(
        self,
        batch: Batch,
        compared: Mapping[AccountId, tuple[VantageDifference | None, tuple[FactSighting, ...]]],
        asked_at: datetime,
    ) -> None:
        month = (batch.slot.year, batch.slot.month)
        if month not in self._months:
            await coverage.ensure_months(self._pool, [batch.slot.date()])
        async with transaction(self._pool) as conn:
            await self._monitor.fence(conn)
            now = await moment(conn, self._clock)
            is_new = await coverage.insert_batch(conn, batch, now)
            if is_new:
                sightings = [s for _, said in compared.values() for s in said]
                await side_facts.observe(conn, self._vantage, sightings, now)
        self._months.add(month)
        for account_id, (difference, _) in compared.items() if is_new else ():
            self._read_at[account_id] = asked_at
            if difference is None:
                self._held.pop(account_id, None)
            else:
                self._held[account_id] = difference
