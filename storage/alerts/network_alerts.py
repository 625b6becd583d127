"""Which domains a rule has reported as mostly unreachable from a country, and as reached again."""

from datetime import date, datetime

from storage.model.alerts.rules import RuleId
from storage.model.core.reachability import ReportedUnreachable
from storage.postgres.pool import Conn, StaleState


async def networks_reported(conn: Conn) -> dict[tuple[RuleId, str, str], list[ReportedUnreachable]]:
    """What each rule reported of a country and a domain, oldest first."""
    rows = await conn.fetch(
        "select rule_id, country, domain, day, reached_day from network_reported order by rule_id, day"
    )
    found: dict[tuple[RuleId, str, str], list[ReportedUnreachable]] = {}
    for r in rows:
        key = RuleId(r["rule_id"]), r["country"], r["domain"]
        found.setdefault(key, []).append(ReportedUnreachable(r["day"], r["reached_day"]))
    return found


async def mark_unreachable_reported(
    conn: Conn, rule_id: RuleId, country: str, domain: str, day: date, now: datetime
) -> None:
    """Say that a rule reports a domain as mostly unreachable up to `day`, in the transaction that queues its
    mails. Raises `StaleState` when it was reported meanwhile: the transaction must then be undone.
    """
    marked = await conn.fetchval(
        """
        insert into network_reported (rule_id, country, domain, day, reported_at) values ($1, $2, $3, $4, $5)
        on conflict do nothing returning true
        """,
        rule_id,
        country,
        domain,
        day,
        now,
    )
    _require(marked)


async def mark_reached_reported(
    conn: Conn, rule_id: RuleId, country: str, domain: str, day: date, now: datetime
) -> None:
    """Say that a rule reports a domain as reached again on `day`. Raises like `mark_unreachable_reported`."""
    marked = await conn.fetchval(
        """
        update network_reported set reached_day = $4, reached_reported_at = $5
        where rule_id = $1 and country = $2 and domain = $3 and reached_day is null
        returning true
        """,
        rule_id,
        country,
        domain,
        day,
        now,
    )
    _require(marked)


def _require(marked: object) -> None:
    if marked is None:
        raise StaleState("Another notifier has already sent these measurements.")
