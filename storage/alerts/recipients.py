"""Whom anything was ever sent to."""

from datetime import datetime

from storage.postgres.pool import Conn


async def past_recipients(conn: Conn) -> dict[str, datetime]:
    """When something was last sent to each recipient, be it on trial. Who is not in it was never told."""
    rows = await conn.fetch(
        """
        select recipient, max(at) as at from (
            select unnest(recipients) as recipient, sent_at as at from mail where state = 'sent'
            union all
            select detail ->> 'to', at from audit_log where action = 'test sent'
        ) told group by recipient
        """
    )
    return {r["recipient"]: r["at"] for r in rows}
