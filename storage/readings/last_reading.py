"""The last conclusive answer about each account, and the share of conclusive answers. Only requests from the
installation's own connection count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.accounts import AccountId
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


async def last_confirmed(
    conn: Conn, account_ids: Sequence[int], until: datetime | None = None
) -> dict[AccountId, datetime]:
    """Return the time of each account's last conclusive answer, at `until` or before. None as `until` means
    now. Accounts without such an answer are left out.
    """
    if until is not None:
        await with_archived(conn, until, until, account_ids)
    rows = await conn.fetch(
        """
        with answer as materialized (  -- one per roster, not one per account
            select r.roster_id, r.account_ids, c.*
            -- "offset 0" hides how many are asked for: the planner would compare them with each roster.
            from (select $1::int[] as ids offset 0) wanted
            join roster r on r.account_ids && wanted.ids and r.vantage = ''
            cross join lateral (
                select observed_at, answered from coverage
                where roster_id = r.roster_id and outcome = 0
                    and observed_at <= coalesce($2::timestamptz, 'infinity')
                order by observed_at desc limit 1
            ) c
        ),
        newest as materialized (
            select a.roster_id, m.account_id, m.position, a.observed_at, a.answered
            from answer a cross join lateral unnest(a.account_ids) with ordinality as m (account_id, position)
            where m.account_id in (select unnest($1::int[]))
        ),
        told as (
            select account_id, observed_at from newest where answered_at(answered, position)
            union all
            -- Nearly all are in the newest answer of the roster; only the others are searched for further.
            select n.account_id, c.observed_at from newest n
            cross join lateral (
                select observed_at from coverage
                where roster_id = n.roster_id and outcome = 0 and observed_at <= n.observed_at
                    and answered_at(answered, n.position)
                order by observed_at desc limit 1
            ) c
            where get_bit(n.answered, n.position - 1) = 0  -- the planner expects few of these, rightly
        )
        select account_id, max(observed_at) as at from told group by account_id
        """,
        account_ids,
        until,
    )
    return {AccountId(r["account_id"]): r["at"] for r in rows}


@dataclass(frozen=True, slots=True)
class AnswerRate:
    """How many accounts were asked about in a period, and how many of them gave a conclusive answer. Five
    requests for one account count as five accounts.
    """

    requests: int
    asked: int
    answered: int

    @property
    def share(self) -> float | None:
        """The share of accounts that gave a conclusive answer; None if no account was asked about."""
        return self.answered / self.asked if self.asked else None


async def answers(conn: Conn, since: datetime, until: datetime) -> AnswerRate:
    """Count accounts asked about, and accounts that answered conclusively, from `since` to before `until`."""
    await with_archived(conn, since, until)
    row = await conn.fetchrow(
        """
        select count(*) as requests, coalesce(sum(r.members), 0)::bigint as asked,
            coalesce(
                sum(coalesce(bit_count(c.answered), r.members)) filter (where c.outcome = 0), 0
            )::bigint as answered
        from coverage c
        join (select roster_id, cardinality(account_ids) as members from roster where vantage = '') r
            using (roster_id)
        where c.observed_at >= $1 and c.observed_at < $2
        """,
        since,
        until,
    )
    assert row is not None  # noqa: S101 - aggregates without grouping give one row
    return AnswerRate(row["requests"], row["asked"], row["answered"])
