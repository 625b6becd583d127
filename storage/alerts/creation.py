"""How alerts are born and overtaken: in the transaction that recorded what they tell."""

from collections.abc import Sequence
from datetime import datetime

from storage.model.alerts.alerts import AlertDecision, AlertStage
from storage.postgres.pool import Conn

_PROVISIONAL = (AlertStage.PROVISIONAL,)
_NOT_AFFIRMED = (AlertStage.WITHDRAWN, AlertStage.UNRESOLVED)
_AFFIRMED = (AlertStage.PROVISIONAL, AlertStage.CONFIRMED, AlertStage.UNRESOLVED)
"""Told at one of these stages: that it is not so is news."""


async def provisional(conn: Conn, change_ids: Sequence[int], now: datetime) -> None:
    """Alerts of changes that were seen once, where a rule wants to hear of them already."""
    await conn.execute(
        """
        insert into alert (change_id, created_at, stage)
        select change_id, $2, 'provisional' from change
        where change_id = any($1::bigint[]) and kind <> 'baseline'
            and exists (
                select from alert_rule
                where enabled and removed_at is null and (definition ->> 'provisional')::boolean
            )
        order by change_key
        """,
        change_ids,
        now,
    )


async def confirmed(conn: Conn, change_ids: Sequence[int], now: datetime) -> None:
    """Alerts of changes that are confirmed now. What waits to be told as provisional gives way to them."""
    await _close_facts(conn, change_ids, _PROVISIONAL, AlertDecision.SUPERSEDED, now)
    await conn.execute(
        """
        insert into alert (change_id, created_at)
        select change_id, $2 from change
        where change_id = any($1::bigint[]) and kind <> 'baseline' order by change_key
        """,
        change_ids,
        now,
    )


async def withdrawn(conn: Conn, change_ids: Sequence[int], now: datetime) -> None:
    """Say of changes that they are not so: nobody is told who was not, and who was told is told this too.

    Harmless for a change of which nobody was to be told.
    """
    await _close_facts(conn, change_ids, _AFFIRMED, AlertDecision.CORRECTED, now)
    await _answer(conn, change_ids, AlertStage.WITHDRAWN, _AFFIRMED, now)


async def unresolved(conn: Conn, change_ids: Sequence[int], now: datetime) -> None:
    """Say of provisional changes that nothing decides them any more, to those who were told of them."""
    await _close_facts(conn, change_ids, _PROVISIONAL, AlertDecision.UNWATCHED, now)
    await _answer(conn, change_ids, AlertStage.UNRESOLVED, _PROVISIONAL, now)


async def alert_again(conn: Conn, change_id: int, now: datetime) -> None:
    """An alert of a fact that is confirmed by a late reading, and may have been told and taken back before.

    Nobody is told twice: who was told, and not yet that it was not so, hears nothing of either. Who was told
    that it was not so is told that it was so after all.
    """
    await _close_facts(conn, [change_id], _PROVISIONAL, AlertDecision.SUPERSEDED, now)
    await _close_facts(conn, [change_id], _NOT_AFFIRMED, AlertDecision.CORRECTED, now)
    await conn.execute(
        """
        insert into alert (change_id, created_at)
        select $1, $2 where not exists (
            select from change c join change same using (change_key, source) join alert a
                on a.change_id = same.change_id and a.stage = 'confirmed'
            where c.change_id = $1
                and (
                    a.decided_at is null
                    or exists (select from mail_alert t where t.alert_id = a.alert_id)
                )
                and not exists (
                    select from alert back join mail_alert t using (alert_id)
                    where back.change_id = same.change_id and back.stage = 'withdrawn'
                )
        )
        on conflict (change_id, stage) do nothing
        """,
        change_id,
        now,
    )


async def moved(conn: Conn, change_id: int, to_change_id: int, now: datetime) -> None:
    """Let an alert that waits give way to one of the row that tells its fact now.

    What was decided of it goes along, and so do the mails that told it: nobody is told twice.
    """
    # A row of its own: whoever is composing a mail from the old one finds it decided.
    old = await conn.fetchval(
        """
        select alert_id from alert where change_id = $1 and stage = 'confirmed' and decided_at is null
        for update
        """,
        change_id,
    )
    if old is None:
        return
    await conn.execute(
        """
        with new as (
            insert into alert (change_id, created_at)
            select $2, created_at from alert where alert_id = $1 returning alert_id
        ),
        told as (update mail_alert t set alert_id = new.alert_id from new where t.alert_id = $1)
        update alert_decision d set alert_id = new.alert_id from new where d.alert_id = $1
        """,
        old,
        to_change_id,
    )
    await _close(conn, [old], AlertDecision.CORRECTED, now)


async def _answer(
    conn: Conn, change_ids: Sequence[int], stage: AlertStage, stages: Sequence[AlertStage], now: datetime
) -> None:
    """Make alerts of this stage for the changes that were last reported at one of `stages`."""
    await conn.execute(
        """
        insert into alert (change_id, created_at, stage)
        select change_id, $2, $3 from change
        where change_id in (
            select change_id from (
                select distinct on (change_id, recipient) change_id, stage from words_sent($1::bigint[])
                order by change_id, recipient, mail_id desc, alert_id desc
            ) last
            where stage = any($4::text[])
        )
        order by change_key
        on conflict (change_id, stage) do nothing
        """,
        change_ids,
        now,
        stage.value,
        [s.value for s in stages],
    )


async def _close_facts(
    conn: Conn,
    change_ids: Sequence[int],
    stages: Sequence[AlertStage],
    decision: AlertDecision,
    now: datetime,
) -> None:
    """Close what waits to be told at these stages of these facts."""
    rows = await conn.fetch(
        """
        select alert_id from alert
        where decided_at is null and stage = any($2::text[])
            and change_id in (select change_id from fact_rows($1::bigint[]))
        order by alert_id for update
        """,
        change_ids,
        [s.value for s in stages],
    )
    await _close(conn, [r["alert_id"] for r in rows], decision, now)


async def _close(conn: Conn, alert_ids: Sequence[int], decision: AlertDecision, now: datetime) -> None:
    """Give alerts, which are held, this decision for every rule that waits, and for all when none told them.

    A statement of its own, after they are held: it sees what a notifier decided meanwhile.
    """
    if not alert_ids:
        return
    await conn.execute(
        """
        update alert_decision set decision = $2, until = null, decided_at = $3
        where alert_id = any($1::bigint[]) and decided_at is null
        """,
        alert_ids,
        decision.value,
        now,
    )
    await conn.execute(
        """
        update alert set decided_at = $3, decision = coalesce(
            (
                select d.decision from alert_decision d
                where d.alert_id = alert.alert_id and d.decision in ('mailed', 'grouped', 'answered')
                order by d.rule_id limit 1
            ),
            $2
        )
        where alert_id = any($1::bigint[])
        """,
        alert_ids,
        decision.value,
        now,
    )
