"""The same accounts read from another vantage: through a proxy in a country, to see what is seen there.

What is seen elsewhere never changes a status. Where it differs from what this installation sees itself, it
is kept as a side fact of that vantage, with the readings between which it began and ended: a disagreement
is shown, never averaged.
"""

import asyncio
import math
from collections.abc import Collection, Mapping
from datetime import datetime

from collectors.base import Answer, Collector
from jobs.clock import Clock
from jobs.health import Health
from jobs.judge import SideFacts, wrong_ones
from jobs.monitor import Monitor
from jobs.planner import Attempt, Due, Sweep, next_attempt
from jobs.roster_book import RosterBook
from storage import coverage, facts
from storage.db import Pool, StorageError, transaction
from storage.model.accounts import Account, AccountId
from storage.model.availability import MissedReason, Reading, State
from storage.model.coverage import Batch, BatchOutcome, Roster, bitmap
from storage.model.facts import ObservedKind, Sighting
from storage.model.steps import Known

_AT_ONCE = 4
"""Requests under way through one proxy."""


def differs(known: Known | None, state: State) -> bool:
    """Whether a look from elsewhere contradicts everything that this installation holds of an account.

    A provisional change is held too: both vantages seeing the same new state do not disagree.
    """
    if known is None or known.state is None:
        return False
    held = {known.state} if known.pending is None else {known.state, known.pending.state}
    return state not in held


def value_of(state: State) -> str:
    """The state as the value of a side fact: `withheld IN TR`."""
    return " ".join((state.status.value, *state.withheld_in))


class Elsewhere:
    """Reads what `monitor` watches, in the same sweep, from the vantage of `collector`."""

    def __init__(
        self,
        pool: Pool,
        collector: Collector,
        vantage: str,
        monitor: Monitor,
        sweep: Sweep,
        clock: Clock,
        canaries_per_request: int = 2,
    ) -> None:
        self.health = Health(pool, collector.platform, vantage)
        self._pool = pool
        self._collector = collector
        self._vantage = vantage
        self._monitor = monitor
        self._sweep = sweep
        self._clock = clock
        self._rosters = RosterBook(
            collector.platform, collector.place, collector.batch_size, canaries_per_request, vantage
        )
        self._last: dict[int, Attempt] = {}
        self._read_at: dict[AccountId, datetime] = {}
        self._months: set[tuple[int, int]] = set()
        self._requests = asyncio.Semaphore(_AT_ONCE)

    async def load(self) -> None:
        """Take up what is watched, after the monitor did."""
        async with transaction(self._pool) as conn:
            await self._rosters.load(conn, self._monitor.accounts(), self._clock())
            stored = await coverage.last_attempts(conn, self._collector.platform, self._vantage)
            read = await coverage.last_readings(conn, self._collector.platform, self._vantage)
        self._last = {
            roster_id: Attempt(last.slot, last.attempt, last.observed_at, last.outcome)
            for roster_id, last in stored.items()
        }
        self._read_at = {account_id: last.asked_at for account_id, last in read.items()}
        await self.health.load()

    def next_due(self) -> datetime | None:
        """When the next roster is to be read; None when there is none."""
        return min((self._due_at(r, self._due(r)) for r in self._rosters.base), default=None)

    async def tick(self) -> None:
        """Read every roster whose turn it is. A fault of the database is raised at the end."""
        now = self._clock()
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
        async with self._requests:
            try:
                await self._poll(roster, due, accounts)
            except StorageError as error:
                faults.append(error)

    def _due(self, roster: Roster) -> Due:
        return next_attempt(self._sweep, self._last.get(roster.roster_id), self._clock())

    def _due_at(self, roster: Roster, due: Due) -> datetime:
        closed_until = self.health.closed_until(roster.place)
        return due.at if closed_until is None else max(due.at, closed_until)

    async def _poll(self, roster: Roster, due: Due, accounts: Mapping[AccountId, Account]) -> None:
        asked_at = self._clock()
        if self.health.is_closed(roster.place, asked_at):
            return
        canaries = self._rosters.canaries_of(roster)
        ids = [accounts[a].native_id for a in roster.account_ids if a in accounts]
        answer = await self._collector.read([*ids, *(c.account.native_id for c in canaries)], asked_at)
        at = self._clock()
        if not answer.sent:
            await self.health.note(roster.place, answer.trouble, asked_at, at)
            return
        looks = {r.native_id: r for r in answer.readings}
        wrong = wrong_ones(canaries, answer)
        told = [looks.get(accounts[a].native_id) if a in accounts else None for a in roster.account_ids]
        outcome, reason = BatchOutcome.ANSWERED, None
        if answer.trouble is not None:
            outcome, reason = BatchOutcome.MISSED, answer.trouble.reason
        elif wrong:
            outcome, reason = BatchOutcome.HELD, MissedReason.HELD
        batch = Batch(
            roster_id=roster.roster_id,
            slot=due.slot,
            attempt=due.number,
            observed_at=at,
            outcome=outcome,
            missed_reason=reason and reason.value,
            answered=bitmap([r is not None for r in told]) if outcome is BatchOutcome.ANSWERED else None,
            latency_ms=math.ceil((at - asked_at).total_seconds() * 1000),
            silent=_silent(answer),
        )
        sightings = self._sightings(roster, told, at) if outcome is BatchOutcome.ANSWERED else ()
        await self._store(batch, sightings)
        for account_id, look in zip(roster.account_ids, told, strict=True):
            if outcome is BatchOutcome.ANSWERED and look is not None:
                self._read_at[account_id] = asked_at
        self._last[roster.roster_id] = Attempt(due.slot, due.number, at, outcome)
        if wrong:
            await self.health.note_held(roster.place, "; ".join(said for _, said in wrong), asked_at, at)
        else:
            await self.health.note(roster.place, answer.trouble, asked_at, at)

    def _sightings(
        self, roster: Roster, told: Collection[Reading | None], at: datetime
    ) -> tuple[Sighting, ...]:
        """What each account looked like from here, where it looked otherwise than at home."""
        out: list[Sighting] = []
        for account_id, look in zip(roster.account_ids, told, strict=True):
            if look is None or look.silent_on:
                continue
            odd: SideFacts = frozenset()
            if differs(self._monitor.known(account_id), look.state):
                odd = frozenset([(ObservedKind.SEEN_AS, value_of(look.state))])
            out.append(Sighting(account_id, odd, self._read_at.get(account_id), at))
        return tuple(out)

    async def _store(self, batch: Batch, sightings: Collection[Sighting]) -> None:
        month = (batch.slot.year, batch.slot.month)
        async with transaction(self._pool) as conn:
            if month not in self._months:
                await coverage.ensure_month(conn, batch.slot.date())
            if await coverage.insert_batch(conn, batch, batch.observed_at):
                await facts.observe(conn, self._vantage, list(sightings))
        self._months.add(month)


def _silent(answer: Answer) -> tuple[str, ...]:
    return tuple(sorted({country for r in answer.readings for country in r.silent_on}))
