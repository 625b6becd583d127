"""Who wants no digests of a rule: said behind a signed link in the mail, and taken back by people."""

from datetime import datetime

from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused


async def refuse_digests(conn: Conn, rule_name: str, recipient: str, now: datetime) -> bool:
    """Send this recipient no more digests and round-ups of a rule. What the rule tells at once goes on.

    False when it was so already. Raises Refused when there is no such rule.
    """
    made = await conn.fetchval(
        """
        insert into digest_refusal (rule_id, recipient, at) values ($1, $2, $3)
        on conflict do nothing returning true
        """,
        await _rule_id(conn, rule_name),
        recipient,
        now,
    )
    if made is None:
        return False
    await log(conn, now, f"mail to {recipient}", "digests refused", rule_name, {"recipient": recipient})
    return True


async def allow_digests(conn: Conn, rule_name: str, recipient: str, actor: str, now: datetime) -> bool:
    """Send this recipient the digests and round-ups of a rule again.

    False when nobody had refused them. Raises Refused when there is no such rule.
    """
    ended = await conn.fetchval(
        "delete from digest_refusal where rule_id = $1 and recipient = $2 returning true",
        await _rule_id(conn, rule_name),
        recipient,
    )
    if ended is None:
        return False
    await log(conn, now, actor, "digests wanted again", rule_name, {"recipient": recipient})
    return True


async def _rule_id(conn: Conn, rule_name: str) -> int:
    rule_id = await conn.fetchval(
        "select rule_id from alert_rule where name = $1 and removed_at is null", rule_name
    )
    if rule_id is None:
        raise Refused(f"There is no rule {rule_name!r}.")
    return rule_id
