"""How alerts are born: in the transaction that recorded what they tell."""

from collections.abc import Sequence
from datetime import datetime

from storage.db import Conn
from storage.model.alerts import AlertDecision


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
    """Alerts of changes that are confirmed now."""
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
    await conn.execute(
        """
        update alert set decision = $2, decided_at = $3
        where change_id = any($1::bigint[]) and decided_at is null and stage <> 'withdrawn'
        """,
        change_ids,
        AlertDecision.CORRECTED.value,
        now,
    )
    await conn.execute(
        """
        insert into alert (change_id, created_at, stage)
        select c.change_id, $2, 'withdrawn' from change c
        where c.change_id = any($1::bigint[]) and exists (
            select from change same
            join alert a on a.change_id = same.change_id and a.stage <> 'withdrawn'
            join alert_decision d on d.alert_id = a.alert_id and d.decision in ('mailed', 'grouped')
            where same.change_key = c.change_key and same.source = c.source
        )
        order by c.change_key
        on conflict (change_id, stage) do nothing
        """,
        change_ids,
        now,
    )


async def told_again(conn: Conn, change_id: int, now: datetime) -> None:
    """An alert of a fact that is confirmed by a late reading, and may have been told and taken back before.

    Nobody is told twice: who was told, and not yet that it was not so, hears nothing of either. Who was told
    that it was not so is told that it was so after all.
    """
    await conn.execute(
        """
        update alert a set decision = $2, decided_at = $3
        from change c join change same using (change_key, source)
        where c.change_id = $1 and a.change_id = same.change_id and a.stage = 'withdrawn'
            and a.decided_at is null
        """,
        change_id,
        AlertDecision.CORRECTED.value,
        now,
    )
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
