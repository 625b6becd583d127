"""Readings that arrive late or out of order: from another worker, a repeated delivery or an export.

The resulting changes are the same as if the readings had arrived in order. Earlier rows are kept, because
they show what was known before. New rows supersede them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from jobs.base.clock import Clock
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.redetect import ConfirmedOn, corrections, redetect
from storage.accounts.accounts import announce_watch
from storage.accounts.list_thresholds import load_threshold_history
from storage.changes import corrections as stored_corrections
from storage.changes import late_context
from storage.changes.record import Recording, record_beside
from storage.model.bitemporal.corrections import RecomputedChange, TimedReading
from storage.model.core.accounts import AccountId
from storage.model.core.availability import Reading
from storage.model.core.country_scope import CountryScopes
from storage.model.core.coverage import Batch, BatchOutcome, Roster, is_answered
from storage.model.core.shards import WHOLE, Shard
from storage.postgres.locks import Fence, unfenced
from storage.postgres.pool import Conn, Pool, transaction
from storage.postgres.recording_order import moment
from storage.readings import coverage
from storage.readings.country_scope import load_scopes

NOTHING: Mapping[AccountId, bytes] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class LateReport:
    """The result of storing a late batch."""

    stored: bool
    """False if this attempt was already stored. In that case, nothing new is stored."""
    corrected: tuple[AccountId, ...] = ()
    """Accounts whose changes were corrected or extended. The caller must load them again."""


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
    shard: Shard = WHOLE,
) -> LateReport:
    """Store a batch and all corrections that it causes in one transaction. A batch that is not late has the
    same result as `Recorder.record`.

    `readings` holds what the answer showed of each account that answered. Names and side facts in `readings`
    are not used, because they may be out of date. The names and side facts to store are in `beside`, only for
    accounts for which the batch is not late. The steps in `beside` are ignored.

    `evidence` holds, by account, the part of the answer that shows the status. `evidence_before` holds the
    same part of the previous answer, only for accounts for which the batch is not late.

    The `fence` is called first in the transaction. Corrected accounts outside of the caller's `shard` are
    announced, so that their leaders load them again. All rows count as known from the time that `clock` shows
    when they are written.

    Raises ValueError if the batch is from a vantage point, or if `readings` do not match the accounts that
    answered. Raises StaleState if another writer came first. In these cases nothing is stored.
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
        history = await load_threshold_history(conn)
        found = redetect(ground.accounts, late, ConfirmedOn(ground.confirmed_on), rule, history)
        now = await moment(conn, clock)
        if await coverage.is_stored(conn, roster, batch.slot, batch.attempt):
            return LateReport(stored=False)
        if not await coverage.insert_batch(conn, batch, now):
            return LateReport(stored=False)
        corrected = await _write(conn, ground, found, batch, now, evidence, evidence_before)
        if elsewhere := [a for a in corrected if not shard.holds(a)]:
            await announce_watch(conn, elsewhere)
        if beside is not None:
            await record_beside(conn, beside, now)
        return LateReport(stored=True, corrected=corrected)


async def recompute_changes(
    conn: Conn, account_ids: Sequence[AccountId], since: datetime, rule: ConfirmationRule, now: datetime
) -> tuple[AccountId, ...]:
    """Recompute the changes of these accounts from their stored readings. Return the accounts whose changes
    differ from before.

    The recomputation begins before `since`, at the last reading at which nothing was provisional or unsettled
    (`Known.unsettled`).

    A wrong clock may have dated readings later than `since`. Call this function after such readings were set
    aside. Then rebuild the spells (status periods) with `storage.changes.rebuild`.
    """
    if not account_ids:
        return ()
    nothing = Batch(0, since, 0, since, BatchOutcome.MISSED, None, None, 0)
    ground = await late_context.load(conn, nothing, account_ids, rule.cohort_window, rule)
    history = await load_threshold_history(conn)
    found = redetect(ground.accounts, {}, ConfirmedOn(ground.confirmed_on), rule, history)
    return await _write(conn, ground, found, nothing, now, ahead_of=since)


async def _write(
    conn: Conn,
    ground: late_context.LateContext,
    recomputed: Mapping[AccountId, Sequence[RecomputedChange]],
    batch: Batch,
    now: datetime,
    evidence: Mapping[AccountId, bytes] = NOTHING,
    evidence_before: Mapping[AccountId, bytes] = NOTHING,
    ahead_of: datetime | None = None,
) -> tuple[AccountId, ...]:
    """Store the corrections. Return the accounts that have any."""
    corrected: list[AccountId] = []
    for g in ground.accounts:
        account_id = g.account.account_id
        found = corrections(g.stored, recomputed[account_id])
        if found.is_news:
            shown, before = evidence.get(account_id), evidence_before.get(account_id)
            await stored_corrections.write(conn, g.account, found, batch, shown, now, ahead_of, before)
            corrected.append(account_id)
    return tuple(corrected)


def _dated(reading: Reading, at: datetime, scopes: CountryScopes) -> Reading:
    """Return the reading with the time `at`. Countries that no answer could report at that time are added to
    `silent_on`.
    """
    unspoken = scopes.unspoken(at, reading.state.status)
    return replace(reading, at=at, silent_on=reading.silent_on | unspoken)


def _check(batch: Batch, roster: Roster, readings: Mapping[AccountId, Reading]) -> None:
    if roster.vantage:
        raise ValueError(
            f"batch {roster.roster_id} is read from vantage point {roster.vantage}; only readings over our "
            "own connection give a status"
        )
    answered = {
        account_id
        for position, account_id in enumerate(roster.account_ids)
        if batch.outcome is BatchOutcome.ANSWERED and is_answered(batch.answered, position)
    }
    if answered != set(readings):
        raise ValueError(
            f"{len(readings)} readings, but {len(answered)} accounts of roster {roster.roster_id} answered"
        )
