"""What a monitoring system asks of the store: counts of the last hour, ages, and what waits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.model.core.accounts import TargetKind
from storage.postgres.pool import Conn
from storage.readings.archived_rows import with_archived


@dataclass(frozen=True, slots=True)
class AttemptCount:
    """Of one platform in the last hour, from the installation's own connection."""

    platform: str
    targets: TargetKind
    reason: str | None
    """Why they gave nothing; None: they gave a reading."""
    count: int


@dataclass(frozen=True, slots=True)
class Freshness:
    """How old what is known of the watched accounts, or posts, of a platform is, without control accounts."""

    platform: str
    targets: TargetKind
    watched: int
    never_read: int
    oldest_at: datetime | None
    """The oldest of the newest readings of those that were read. None: nobody was."""


@dataclass(frozen=True, slots=True)
class ChangeCount:
    targets: TargetKind
    kind: str
    outcome: str
    changes: int


@dataclass(frozen=True, slots=True)
class IncidentMetrics:
    """An incident that reported a block."""

    story_key: str
    severity: str
    """Of its rule."""
    is_open: bool
    """It is neither resolved nor closed."""


@dataclass(frozen=True, slots=True)
class OutboxMetrics:
    queued: int
    dead: int
    oldest_queued_at: datetime | None
    """When the one that waits longest was written."""
    undecided: int
    """Alerts about which it is not decided yet whether they go into a mail."""


async def looked(conn: Conn, now: datetime) -> list[AttemptCount]:
    """How many readings of accounts, and of posts, the last hour gave, and how many attempts gave none, by
    reason.
    """
    await with_archived(conn, now - timedelta(hours=1), now)
    rows = await conn.fetch(
        """
        with asked as (
            select r.platform, c.outcome, c.missed_reason, c.missed, cardinality(r.account_ids) as accounts,
                -- A request asks for accounts or for posts.
                exists (
                    select from account a where a.account_id = r.account_ids[1] and a.is_post
                ) as is_post,
                coalesce(bit_count(c.answered), cardinality(r.account_ids)) as answered,
                (
                    select coalesce(sum(jsonb_array_length(e.positions)), 0)
                    from jsonb_each(c.missed) as e (reason, positions)
                ) as explained
            from coverage c join roster r using (roster_id)
            where c.observed_at > $1::timestamptz - interval '1 hour' and c.observed_at <= $1
                and r.vantage = ''
        ),
        told as (
            select platform, is_post, null as reason, answered as accounts from asked where outcome = 0
            union all
            select platform, is_post,
                case outcome when 2 then 'held' else coalesce(missed_reason, 'unclassified') end, accounts
            from asked where outcome <> 0
            union all
            select platform, is_post, e.reason, jsonb_array_length(e.positions)
            from asked cross join lateral jsonb_each(missed) as e (reason, positions)
            where outcome = 0
            union all
            -- Nobody says why these gave nothing.
            select platform, is_post, 'unclassified', accounts - answered - explained
            from asked where outcome = 0
        )
        select platform, is_post, reason, sum(accounts)::bigint as n from told
        group by platform, is_post, reason having reason is null or sum(accounts) > 0
        order by platform, is_post, reason nulls first
        """,
        now,
    )
    return [AttemptCount(r["platform"], _targets(r["is_post"]), r["reason"], r["n"]) for r in rows]


async def freshness(conn: Conn, now: datetime) -> list[Freshness]:
    """One for the watched accounts of each platform, and one for its watched posts, where there are any."""
    await with_archived(conn, now, now)
    rows = await conn.fetch(
        """
        with watched as (
            select account_id, platform, is_post from ordinary_accounts() where watched
        ),
        answer as materialized (  -- one a roster, not one an account
            select r.roster_id, r.account_ids, c.observed_at, c.answered
            from roster r
            cross join lateral (
                select observed_at, answered from coverage
                where roster_id = r.roster_id and outcome = 0 and observed_at <= $1
                order by observed_at desc limit 1
            ) c
            where r.vantage = ''
        ),
        newest as (
            select a.roster_id, a.observed_at, a.answered, m.account_id, m.position
            from answer a cross join lateral unnest(a.account_ids) with ordinality as m (account_id, position)
        ),
        told as (
            select account_id, observed_at from newest where answered_at(answered, position)
            union all
            select n.account_id, c.observed_at from newest n
            cross join lateral (
                select observed_at from coverage
                where roster_id = n.roster_id and outcome = 0 and observed_at <= n.observed_at
                    and answered_at(answered, n.position)
                order by observed_at desc limit 1
            ) c
            where get_bit(n.answered, n.position - 1) = 0  -- of which the planner expects few, as there are
        ),
        last as (select account_id, max(observed_at) as at from told group by account_id)
        select w.platform, w.is_post, count(*) as watched, count(*) filter (where l.at is null) as never_read,
            min(l.at) as oldest_at
        from watched w left join last l using (account_id)
        group by w.platform, w.is_post order by w.platform, w.is_post
        """,
        now,
    )
    return [
        Freshness(r["platform"], _targets(r["is_post"]), r["watched"], r["never_read"], r["oldest_at"])
        for r in rows
    ]


async def change_counts(conn: Conn) -> list[ChangeCount]:
    """All stored changes that nothing superseded, of accounts and of posts, by kind and outcome."""
    rows = await conn.fetch(
        """
        select a.is_post, c.kind, coalesce(o.outcome, 'provisional') as outcome, count(*) as changes
        from standing_change c join account a using (account_id) left join change_outcome o using (change_id)
        group by 1, 2, 3 order by 1, 2, 3
        """
    )
    return [ChangeCount(_targets(r["is_post"]), r["kind"], r["outcome"], r["changes"]) for r in rows]


def _targets(is_post: bool) -> TargetKind:
    return TargetKind.POSTS if is_post else TargetKind.ACCOUNTS


async def outbox(conn: Conn) -> OutboxMetrics:
    row = await conn.fetchrow(
        """
        select count(*) filter (where state = 'queued') as queued,
            count(*) filter (where state = 'dead') as dead,
            min(created_at) filter (where state = 'queued') as oldest_queued_at,
            (
                select count(*) from alert where decided_at is null
                    and not exists (select from alert_decision d where d.alert_id = alert.alert_id)
            ) as undecided
        from mail
        """
    )
    assert row is not None  # noqa: S101 - aggregates without grouping give one row
    return OutboxMetrics(row["queued"], row["dead"], row["oldest_queued_at"], row["undecided"])


async def incidents(conn: Conn, now: datetime) -> list[IncidentMetrics]:
    """Every incident that reported a block, until a day after it was resolved or closed."""
    rows = await conn.fetch(
        """
        select s.story_key, coalesce(r.definition ->> 'severity', 'warning') as severity,
            not w.is_over as is_open
        from incident_back b
        join story s using (story_id)
        join alert_rule r using (rule_id)
        cross join lateral (
            select coalesce(s.closed_wave >= max(wave), false) or b.is_resolved as is_over
            from story_wave where story_id = s.story_id and not in_round_up
        ) w
        where b.reported_a_block
            and (not w.is_over or greatest(s.closed_at, b.back_at) > $1::timestamptz - interval '1 day')
        order by s.story_id
        """,
        now,
    )
    return [IncidentMetrics(r["story_key"], r["severity"], r["is_open"]) for r in rows]
