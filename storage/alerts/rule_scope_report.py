"""Read models of what an alert rule is about: its accounts as they stood, its lists, what it kept back."""

from collections.abc import Sequence
from datetime import datetime

from storage.model.alerts.alerts import AlertDecision, Cohort, OrderRef
from storage.model.alerts.digest_period import RuleAccount, UnsentChanges
from storage.model.alerts.rules import Match
from storage.model.core.accounts import AccountId, ListId, Platform, TargetKind
from storage.model.core.availability import State, Status
from storage.postgres.pool import Conn
from storage.readings.last_reading import last_confirmed


async def watched(conn: Conn, match: Match, known_at: datetime) -> list[RuleAccount]:
    """Every account and post that was watched and that the rule can tell of, as known at `known_at`."""
    rows = await conn.fetch(
        """
        select a.account_id, a.platform, a.is_post, a.added_at, s.status, s.withheld_in,
            coalesce(
                s.status in ('withheld', 'suspended')
                and (s.before_change or 'suspended_or_deleted' <> all(c.flags)),
                false
            ) as is_blocked
        from account a
        left join spells_at($1, $1) s on s.account_id = a.account_id
        left join change c on c.change_id = s.change_id
        where exists (
                select from watch_period w where w.account_id = a.account_id
                    and w.since <= $1 and (w.until is null or w.until > $1)
            )
            and (cardinality($2::text[]) = 0 or exists (
                select from membership m join watch_list l using (list_id)
                where m.account_id = a.account_id and l.name = any($2)
                    and m.added_at <= $1 and (m.removed_at is null or m.removed_at > $1)
            ))
            and (cardinality($3::text[]) = 0 or exists (
                select from membership m join legal_order o using (list_id)
                where m.account_id = a.account_id and o.reference = any($3)
                    and m.added_at <= $1 and (m.removed_at is null or m.removed_at > $1)
            ))
            and (cardinality($4::text[]) = 0 or a.platform = any($4))
            and (cardinality($5::text[]) = 0 or a.tags && $5)
            and ($6::bigint is null or a.followers >= $6)
            and (not $7 or exists (select from executive e where e.account_id = a.account_id))
            and ($8::boolean is null or a.is_post = $8)
        order by a.account_id
        """,
        known_at,
        sorted(match.lists),
        sorted(match.orders),
        sorted(p.value for p in match.platforms),
        sorted(match.tags),
        match.min_followers,
        match.executives,
        None if match.only is None else match.only is TargetKind.POSTS,
    )
    last = await last_confirmed(conn, [r["account_id"] for r in rows], known_at) if rows else {}
    return [
        RuleAccount(
            account_id=AccountId(r["account_id"]),
            platform=Platform(r["platform"]),
            added_at=r["added_at"],
            state=None if r["status"] is None else State(Status(r["status"]), tuple(r["withheld_in"])),
            is_blocked=r["is_blocked"],
            last_read=last.get(r["account_id"]),
            is_post=r["is_post"],
        )
        for r in rows
    ]


async def cohorts(conn: Conn, match: Match, account_ids: Sequence[int], known_at: datetime) -> list[Cohort]:
    """The lists of these accounts, or those of them that the rule names: orders first, the newest before."""
    rows = await conn.fetch(
        """
        select l.list_id, l.name, o.reference, o.country, o.issued_at, o.named_count, (
                select count(*) from watch_list_member m join account a using (account_id)
                where m.list_id = o.list_id and a.is_post
            ) as listed_posts
        from watch_list l left join legal_order o on o.list_id = l.list_id and o.known_at <= $4
        where l.list_id in (
                select list_id from membership where account_id = any($1::bigint[])
                    and added_at <= $4 and (removed_at is null or removed_at > $4)
            )
            and (
                cardinality($2::text[]) + cardinality($3::text[]) = 0
                or l.name = any($2) or o.reference = any($3)
            )
        order by o.issued_at desc nulls last, l.name
        """,
        account_ids,
        sorted(match.lists),
        sorted(match.orders),
        known_at,
    )
    return [
        Cohort(
            ListId(r["list_id"]),
            r["name"],
            None
            if r["reference"] is None
            else OrderRef(r["reference"], r["country"], r["issued_at"], r["named_count"], r["listed_posts"]),
        )
        for r in rows
    ]


async def provisional(conn: Conn, account_ids: Sequence[int], known_at: datetime) -> int:
    """How many changes of these accounts were seen and neither confirmed nor refuted at that time."""
    return await conn.fetchval(
        """
        select count(*)
        from change c left join change_outcome o using (change_id)
        where c.account_id = any($1::bigint[]) and c.kind <> 'baseline' and c.recorded_at <= $2
            and (o.change_id is null or o.decided_at > $2)
            and not exists (
                select from change later where later.supersedes = c.change_id and later.recorded_at <= $2
            )
        """,
        account_ids,
        known_at,
    )


async def untold(conn: Conn, rule_id: int, since: datetime, until: datetime) -> list[UnsentChanges]:
    """What the rule kept silent about among the changes that came up after `since`, by reason."""
    rows = await conn.fetch(
        """
        select d.decision, count(distinct a.change_id)::int as changes
        from alert_decision d join alert a using (alert_id)
        where d.rule_id = $1 and a.created_at > $2 and a.created_at <= $3
            and d.decision in ('muted', 'maintenance', 'unreachable', 'unsubscribed')
        group by d.decision order by changes desc, d.decision
        """,
        rule_id,
        since,
        until,
    )
    return [UnsentChanges(AlertDecision(r["decision"]), r["changes"]) for r in rows]
