"""Readings that come in late or out of order: from another machine, a redelivery, an export.

They tell the same as if they had come in when they were made. What was recorded before stays, as what was
known then; what is known now is told by rows that supersede it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from jobs.base.clock import Clock
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.redetect import ConfirmedOn, corrections, redetect
from storage.changes import corrections as stored_corrections
from storage.changes import late_context
from storage.changes.record import Recording, record_beside
from storage.model.bitemporal.corrections import RecomputedChange, TimedReading
from storage.model.core.accounts import AccountId
from storage.model.core.availability import Reading
from storage.model.core.country_scope import CountryScopes
from storage.model.core.coverage import Batch, BatchOutcome, Roster, is_answered
from storage.postgres.locks import Fence, unfenced
from storage.postgres.pool import Conn, Pool, transaction
from storage.postgres.recording_order import moment
from storage.readings import coverage
from storage.readings.country_scope import load_scopes

NOTHING: Mapping[AccountId, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LateReport:
    """What became of a late batch."""

    stored: bool
    """False: this attempt was stored before, so nothing was."""
    retold: tuple[AccountId, ...] = ()
    """Accounts of which something is told otherwise, or more, than before: load them again."""


async def record_late(
    pool: Pool,
    batch: Batch,
    readings: Mapping[AccountId, Reading],
    rule: ConfirmationRule,
    clock: Clock,
    evidence: Mapping[AccountId, bytes] = NOTHING,
    *,
    evidence_before: Mapping[AccountId, bytes] = NOTHING,
    beside: Recording | None = None,
    fence: Fence = unfenced,
) -> LateReport:
    """Store a batch of our own connection, whenever it was read, and whatever it changes, in one transaction.

    `readings` are what its answer showed of the accounts that answered, `evidence` the parts of it that say
    so, `evidence_before` what the answer before said of those for whom it is not late. A batch that is not
    late at all does the same as the usual way. Only statuses are told from it: a name or a side fact that it
    shows may be long out of date. `beside` has those of accounts for which it is not late, and was judged
    under the `fence`; its steps do not count. All of it counts as known from the moment that `clock` shows
    when it is written.

    Raises ValueError when `readings` are not those of the accounts that the batch says have answered, and
    StaleState when another writer came first: nothing is stored then.
    """
    await coverage.ensure_months(pool, [batch.slot.date()])
    async with transaction(pool) as conn:
        await fence(conn)
        roster = await late_context.roster(conn, batch.roster_id)
        _check(batch, roster, readings)
        scopes = await load_scopes(conn, roster.platform)
        ground = await late_context.load(conn, batch, readings.keys(), rule.cohort_window, rule)
        late = {
            i: TimedReading(_dated(r, batch.observed_at, scopes), batch.asked_at) for i, r in readings.items()
        }
        told = redetect(ground.accounts, late, ConfirmedOn(ground.confirmed_on), rule)
        now = await moment(conn, clock)
        if not await coverage.insert_batch(conn, batch, now):
            return LateReport(stored=False)
        retold = await _write(conn, ground, told, batch, now, evidence, evidence_before)
        if beside is not None:
            await record_beside(conn, beside, now)
        return LateReport(stored=True, retold=retold)


async def tell_again(
    conn: Conn, account_ids: Sequence[AccountId], since: datetime, rule: ConfirmationRule, now: datetime
) -> tuple[AccountId, ...]:
    """Tell what the stored readings show of these accounts, from the last agreeing one before `since` on;
    returns those of which something is told otherwise than before. For readings that were set aside because a
    wrong clock dated them after `since`; `storage.changes.rebuild` has to tell the spells afterwards.
    """
    if not account_ids:
        return ()
    nothing = Batch(0, since, 0, since, BatchOutcome.MISSED, None, None, 0)
    ground = await late_context.load(conn, nothing, account_ids, rule.cohort_window, rule)
    told = redetect(ground.accounts, {}, ConfirmedOn(ground.confirmed_on), rule)
    return await _write(conn, ground, told, nothing, now, ahead_of=since)


async def _write(
    conn: Conn,
    ground: late_context.LateContext,
    told: Mapping[AccountId, Sequence[RecomputedChange]],
    batch: Batch,
    now: datetime,
    evidence: Mapping[AccountId, bytes] = NOTHING,
    evidence_before: Mapping[AccountId, bytes] = NOTHING,
    ahead_of: datetime | None = None,
) -> tuple[AccountId, ...]:
    """Store what is told otherwise than before; returns the accounts of which something is."""
    retold: list[AccountId] = []
    for g in ground.accounts:
        account_id = g.account.account_id
        found = corrections(g.stored, told[account_id])
        if found.is_news:
            shown, before = evidence.get(account_id), evidence_before.get(account_id)
            await stored_corrections.write(conn, g.account, found, batch, shown, now, ahead_of, before)
            retold.append(account_id)
    return tuple(retold)


def _dated(reading: Reading, at: datetime, scopes: CountryScopes) -> Reading:
    """A reading with its time, and with all that an answer of then said nothing of."""
    unspoken = scopes.unspoken(at, reading.state.status)
    return replace(reading, at=at, silent_on=reading.silent_on | unspoken)


def _check(batch: Batch, roster: Roster, readings: Mapping[AccountId, Reading]) -> None:
    if roster.vantage:
        raise ValueError(f"roster {roster.roster_id} is read from {roster.vantage}: that tells no status")
    answered = {
        account_id
        for position, account_id in enumerate(roster.account_ids)
        if batch.outcome is BatchOutcome.ANSWERED and is_answered(batch.answered, position)
    }
    if answered != set(readings):
        raise ValueError(
            f"{len(readings)} readings, but {len(answered)} accounts of roster {roster.roster_id} answered"
        )
