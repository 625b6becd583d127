"""Causes that a platform's interface states, recorded without anybody's doing."""

from collections.abc import Collection
from datetime import datetime

from storage.causes.ledger import record_causes
from storage.model.causes.causes import CauseKind, CauseSource, CauseSubject, CauseText, Confidence
from storage.postgres.pool import Conn


async def record_closed_by_owner(
    conn: Conn, account_ids: Collection[int], speaker: str, source: str, actor: str, now: datetime
) -> list[int]:
    """Record that the owners closed these accounts, as `speaker` answered now in `source`, and return the
    numbers of the causes.

    Each is about the change since which the account is gone. An account that is no longer gone gets none, nor
    does a change that has one, even one that was corrected or withdrawn since.
    """
    rows = await conn.fetch(
        """
        select s.change_id from spells_now() s
        where s.account_id = any($1::bigint[]) and s.status in ('not_found', 'deactivated') and not exists (
            select from cause c
            where c.change_id = s.change_id and c.kind = 'owner' and c.said_by = 'platform answer'
        )
        order by s.account_id
        """,
        list(account_ids),
    )
    text = CauseText(
        CauseKind.OWNER, CauseSource.PLATFORM_ANSWER, speaker, "", source, now, Confidence.PLATFORM
    )
    stated = [(CauseSubject(change_id=r["change_id"]), text) for r in rows]
    return await record_causes(conn, stated, actor, now) if stated else []
