"""Storing the corrections that late readings make necessary.

A correction adds new rows and never edits a stored change. The alerts are updated to match.
"""

from collections.abc import Sequence
from datetime import datetime

from storage.alerts import creation
from storage.changes import spells
from storage.model.bitemporal.corrections import Corrections, OwnChange, RecomputedChange
from storage.model.core.accounts import Account
from storage.model.core.availability import ChangeKind, Outcome, Reason, State, change_key
from storage.model.core.coverage import Batch
from storage.postgres.pool import Conn
from storage.readings import evidence


async def write(
    conn: Conn,
    account: Account,
    found: Corrections,
    batch: Batch,
    shown: bytes | None,
    now: datetime,
    ahead_of: datetime | None = None,
    shown_before: bytes | None = None,
) -> None:
    """Store the corrections of one account and recompute its spells. The account must be locked.

    `shown` is what the answer to `batch` says about the account. It becomes the evidence of the new state for
    each change that `batch` was the first to show. `shown_before` is what the previous answer says. It can
    become the evidence of the old state for the same changes. None means that there is no evidence to store.

    `ahead_of` is for repairs after a wrong clock: rows dated after this time are wrongly dated. If it is set,
    spells are not recomputed here, and the caller must recompute them with `storage.changes.rebuild`. None
    means that no clock was wrong.
    """
    at = await _moment(conn, account.account_id, now, ahead_of)
    why = Reason.CORRECTED if ahead_of is None else Reason.SET_ASIDE
    fresh = await evidence.store(conn, [shown_before, shown])
    if any(s.outcome is None for _, s in (*found.added, *found.settled) if s is not None) or any(
        s.outcome is None for s in found.annulled
    ):
        await conn.execute("delete from pending_change where account_id = $1", account.account_id)
    added: list[tuple[int, RecomputedChange, OwnChange | None]] = []
    for recomputed, superseded in found.added:
        is_first = recomputed.pending.first_seen_new == batch.observed_at
        change_id = await _add(conn, account, recomputed, superseded, fresh if is_first else (None, None), at)
        await _decide(conn, account, change_id, recomputed, at)
        added.append((change_id, recomputed, superseded))
    # After all rows are added, because each earlier alert belongs to the row that now repeats its change.
    for change_id, recomputed, superseded in added:
        await _alert(conn, change_id, recomputed, superseded, at)
    for recomputed, stored in found.settled:
        await _decide(conn, account, stored.change_id, recomputed, at)
        await _alert(conn, stored.change_id, recomputed, stored, at)
    for stored in found.annulled:
        await _annul(conn, stored, at, why)
    if ahead_of is None:
        await spells.project(conn, [account.account_id], at)


async def _moment(conn: Conn, account_id: int, now: datetime, ahead_of: datetime | None) -> datetime:
    """Return the time from which the corrections count as known. This is `now`, or just after the newest
    record about the account if that record is later.

    The newest record of a change is its row, its outcome or a pending step. If a row that supersedes the
    change was recorded earlier than this record, the time of that row counts instead.

    Records after `ahead_of` are ignored, because a wrong clock dated them.
    """
    return await conn.fetchval(
        """
        select greatest($2, max(known.at) + interval '1 microsecond') from (
            select least(
                greatest(
                    c.recorded_at, o.decided_at,
                    (select max(s.recorded_at) from pending_step s where s.change_id = c.change_id)
                ),
                (select min(later.recorded_at) from change later where later.supersedes = c.change_id)
            ) as at
            from change c left join change_outcome o using (change_id) where c.account_id = $1
            union all
            select greatest(lower(s.recorded), upper(s.recorded)) from spell s where s.account_id = $1
        ) known
        where $3::timestamptz is null or known.at <= $3
        """,
        account_id,
        now,
        ahead_of,
    )


async def _add(
    conn: Conn,
    account: Account,
    recomputed: RecomputedChange,
    superseded: OwnChange | None,
    fresh: Sequence[bytes | None],
    at: datetime,
) -> int:
    """Add a change row and return its id.

    The new row supersedes `superseded`. If that is None, the new row supersedes the newest stored row of the
    same change, if there is one.

    Missing evidence of the new state is copied from a stored row of the same change. Missing evidence of the
    old state is copied from a change with the same last reading of the old state.
    """
    pending = recomputed.pending
    same_old = superseded is not None and superseded.last_seen_old == pending.last_seen_old
    return await conn.fetchval(
        """
        with before as (
            select max(change_id) as change_id,
                (array_agg(new_evidence order by change_id desc) filter (where new_evidence is not null))[1]
                    as new_evidence
            from change where change_key = $1 and source = $12
        )
        insert into change (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, recorded_at, source, old_evidence, new_evidence, flags, supersedes
        )
        select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12,
            coalesce(
                $13,
                (
                    select c.old_evidence from change c
                    where c.account_id = $2 and c.source = $12 and c.last_seen_old = $9
                        and c.old_evidence is not null
                    order by c.change_id desc limit 1
                )
            ),
            coalesce($14, before.new_evidence), $15, coalesce($16, before.change_id)
        from before
        returning change_id
        """,
        change_key(account.platform, account.native_id, pending.state, pending.first_seen_new),
        account.account_id,
        recomputed.old and recomputed.old.status.value,
        _countries(recomputed.old),
        pending.state.status.value,
        _countries(pending.state),
        recomputed.kind.value,
        pending.strength.value,
        pending.last_seen_old,
        pending.first_seen_new,
        at,
        account.platform.value,
        superseded.old_evidence if superseded is not None and same_old else fresh[0],
        fresh[1],
        sorted(pending.flags),
        superseded and superseded.change_id,
    )


def _countries(state: State | None) -> Sequence[str]:
    return () if state is None else state.withheld_in


async def _decide(
    conn: Conn, account: Account, change_id: int, recomputed: RecomputedChange, at: datetime
) -> None:
    """Store the outcome of a change, or mark it as waiting for more readings."""
    pending = recomputed.pending
    if recomputed.closed is not None:
        await _outcome(
            conn,
            change_id,
            recomputed.closed.outcome,
            recomputed.closed.reason,
            pending.agreeing,
            pending.last_agreeing_at,
            at,
        )
        return
    await conn.execute(
        """
        insert into pending_change (account_id, change_id, agreeing, next_read_at, last_agreeing_at)
        values ($1, $2, $3, $4, $5)
        """,
        account.account_id,
        change_id,
        pending.agreeing,
        pending.next_read_at,
        pending.last_agreeing_at,
    )
    if pending.last_agreeing_at > pending.first_seen_new:
        await conn.execute(
            """
            insert into pending_step (change_id, recorded_at, agreeing, last_agreeing_at)
            values ($1, step_moment($1, $2), $3, $4)
            """,
            change_id,
            at,
            pending.agreeing,
            pending.last_agreeing_at,
        )


async def _outcome(
    conn: Conn,
    change_id: int,
    outcome: Outcome,
    reason: Reason,
    readings: int,
    last_agreeing_at: datetime,
    at: datetime,
) -> None:
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        values ($1, $2, $3, $4, $5, $6)
        """,
        change_id,
        outcome.value,
        reason.value,
        at,
        readings,
        last_agreeing_at,
    )


async def _annul(conn: Conn, stored: OwnChange, at: datetime, why: Reason) -> None:
    """Annul a change: add a superseding row with the outcome "not confirmed"."""
    change_id = await conn.fetchval(
        """
        insert into change (
            change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, recorded_at, source, old_evidence, new_evidence, flags, supersedes
        )
        select change_key, account_id, old_status, old_withheld_in, status, withheld_in, kind, strength,
            last_seen_old, first_seen_new, $2, source, old_evidence, new_evidence, flags, change_id
        from change where change_id = $1
        returning change_id
        """,
        stored.change_id,
        at,
    )
    await _outcome(conn, change_id, Outcome.NOT_CONFIRMED, why, stored.readings, stored.last_agreeing_at, at)
    await creation.withdrawn(conn, [stored.change_id], at)


async def _alert(
    conn: Conn, change_id: int, recomputed: RecomputedChange, superseded: OwnChange | None, at: datetime
) -> None:
    """Update the alerts of a recomputed change. A new alert replaces an alert that still waits.

    `superseded` is the row that stated the change before the correction, even if that row was provisional.
    None means that no row stated the change.
    """
    notifies = recomputed.is_confirmed and recomputed.kind is not ChangeKind.BASELINE
    # A first state had no alert to replace.
    was_alerted = (
        superseded is not None
        and superseded.outcome is Outcome.CONFIRMED
        and superseded.kind is not ChangeKind.BASELINE
    )
    if superseded is not None and was_alerted and notifies:
        await creation.moved(conn, superseded.change_id, change_id, at)
    elif superseded is not None and was_alerted and not recomputed.is_confirmed:
        await creation.withdrawn(conn, [superseded.change_id], at)
    elif notifies:
        await creation.alert_again(conn, change_id, at)
    elif recomputed.closed is not None and recomputed.closed.reason is Reason.NO_LONGER_WATCHED:
        await creation.unresolved(conn, [change_id], at)
    elif recomputed.closed is not None:
        # This includes a change confirmed as a first state: it was alerted as a change and is not one.
        await creation.withdrawn(conn, [change_id], at)
    elif superseded is None:
        await creation.provisional(conn, [change_id], at)
