"""Alerts as they wait for their decision: the change, its account, its lists, and what was decided before."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache

from asyncpg import Record

from storage.model.alerts.alerts import (
    AlertChange,
    AlertDecision,
    AlertRow,
    AlertStage,
    Cohort,
    Joined,
    LastWord,
    ListStatus,
    OrderRef,
    PastAlert,
)
from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.availability import ChangeKind, Flag, State, Status, Strength
from storage.postgres.pool import Conn, Pool, transaction


async def open_alerts(conn: Conn) -> list[AlertRow]:
    """Every change that waits for the decision of a rule, with all lists and orders of its account."""
    rows = await conn.fetch("select alert_id from alert where decided_at is null order by alert_id")
    return await alerts_by_id(conn, [r["alert_id"] for r in rows])


async def newest_confirmed(conn: Conn, limit: int) -> list[int]:
    """The newest alerts of confirmed changes, decided or open, newest first."""
    rows = await conn.fetch(
        "select alert_id from alert where stage = 'confirmed' order by alert_id desc limit $1", limit
    )
    return [r["alert_id"] for r in rows]


async def alerts_by_id(conn: Conn, alert_ids: Sequence[int]) -> list[AlertRow]:
    """Alerts, decided or open, with the lists, tags and handles that their accounts have now.

    In the order of `alert_ids`.
    """
    rows = await conn.fetch(
        """
        select al.alert_id, al.created_at, al.stage, c.change_key, c.account_id, a.platform, a.is_post,
            a.handle, c.old_status, c.old_withheld_in, c.status, c.withheld_in, c.kind, c.strength,
            c.last_seen_old, c.first_seen_new, f.flags, coalesce(o.readings, p.agreeing, 1) as readings,
            a.tags, a.followers,
            exists (select from executive e where e.account_id = a.account_id) as is_executive,
            array(
                select d.rule_id from alert_decision d
                where d.alert_id = al.alert_id and d.rule_id is not null and d.decided_at is not null
            ) as done,
            array(
                select d.rule_id from alert_decision d
                where d.alert_id = al.alert_id and d.rule_id is not null and d.decided_at is null
            ) as held
        from unnest($1::bigint[]) with ordinality as wanted (alert_id, n)
        join alert al using (alert_id)
        join change c using (change_id)
        left join change_outcome o using (change_id)
        left join pending_change p using (change_id)
        join account a on a.account_id = c.account_id
        -- Who took an account down may have been seen only after its status.
        cross join lateral scoped_flags(
            c.account_id, c.status, c.flags, c.first_seen_new, (
                select min(later.first_seen_new) from change later
                where later.account_id = c.account_id and later.source = c.source
                    and later.status <> c.status and later.first_seen_new > c.first_seen_new
            ), null
        ) f
        order by wanted.n
        """,
        alert_ids,
    )
    cohorts = await cohorts_of(conn, {r["account_id"] for r in rows})
    owed, heard = await _words(conn, alert_ids)
    return [
        AlertRow(
            alert_id=r["alert_id"],
            created_at=r["created_at"],
            change=change_of(r),
            cohorts=tuple(cohorts.get(r["account_id"], ())),
            joined={c.list_id: joined for c, joined in cohorts.get(r["account_id"], {}).items()},
            stage=AlertStage(r["stage"]),
            tags=frozenset(r["tags"]),
            followers=r["followers"],
            is_executive=r["is_executive"],
            done=frozenset(r["done"]),
            held=frozenset(r["held"]),
            owed=owed.get(r["alert_id"], {}),
            heard=frozenset(heard.get(r["alert_id"], ())),
        )
        for r in rows
    ]


async def _words(
    conn: Conn, alert_ids: Sequence[int]
) -> tuple[dict[int, dict[str, LastWord]], dict[int, set[str]]]:
    """By alert: to whom it is owed, with what each was told last before it; and who was told it already."""
    rows = await conn.fetch(
        """
        with wanted as (
            select alert_id, change_id, stage from alert
            where alert_id = any($1::bigint[]) and stage <> 'provisional'
        )
        select wanted.alert_id, wanted.stage as now, w.alert_id = wanted.alert_id as is_own, w.recipient,
            w.stage, w.rule_id, w.by_digest, w.message_id, w.story_id
        from words_sent(array(select change_id from wanted)) w join wanted using (change_id)
        where w.alert_id <= wanted.alert_id
        order by w.mail_id, w.alert_id
        """,
        alert_ids,
    )
    said: dict[int, dict[str, LastWord]] = {}
    heard: dict[int, set[str]] = {}
    for r in rows:
        alert_id, recipient, rule_id = r["alert_id"], r["recipient"], r["rule_id"]
        if r["is_own"]:
            heard.setdefault(alert_id, set()).add(recipient)
        elif rule_id is not None:
            word = LastWord(
                AlertStage(r["stage"]),
                rule_id,
                frozenset({rule_id}),
                r["by_digest"],
                r["message_id"],
                r["story_id"],
            )
            before = said.setdefault(alert_id, {}).get(recipient)
            said[alert_id][recipient] = word if before is None else before.then(word)
    stages = {r["alert_id"]: AlertStage(r["now"]) for r in rows}
    owed = {
        alert_id: {r: word for r, word in words.items() if word.asks_for(stages[alert_id])}
        for alert_id, words in said.items()
    }
    return owed, heard


async def news_mark(pool: Pool) -> tuple[int, ...]:
    """Differs from an earlier one when something was recorded, or done by somebody, since then.

    Two that come at the same time may look like one: whoever relies on it looks again after a while.
    """
    async with transaction(pool) as conn:
        row = await conn.fetchrow(
            """
            select coalesce((select max(live_event_id) from live_event), 0) as event,
                coalesce((select max(audit_id) from audit_log), 0) as act
            """
        )
    return tuple(row) if row is not None else ()


async def recent_alerts(
    conn: Conn, account_ids: Collection[AccountId], since: datetime, at_least: int = 1
) -> list[PastAlert]:
    """All alerts of these accounts after `since`, decided or open, each with its change as it stands now.

    Those whose change was corrected away are left out; and accounts that have fewer than `at_least` of them
    may be.
    """
    rows = await conn.fetch(
        """
        with recursive told as (
            select al.alert_id, al.created_at, c.change_id, c.account_id
            from change c join alert al using (change_id)
            where c.account_id = any($1::bigint[]) and al.created_at > $2 and al.stage = 'confirmed'
            union
            select told.alert_id, told.created_at, later.change_id, later.account_id
            from told join change later on later.supersedes = told.change_id
        ),
        often as (
            select account_id from told group by account_id having count(distinct change_id) >= $3
        )
        -- Of an alert that moved to the row that tells its fact now, only the one there counts.
        select distinct on (c.change_id) told.created_at, d.rules, d.decisions, c.change_key,
            c.account_id, a.platform, a.is_post, a.handle, c.old_status, c.old_withheld_in, c.status,
            c.withheld_in, c.kind, c.strength, c.last_seen_old, c.first_seen_new, f.flags, o.readings
        from often
        join told using (account_id)
        join standing_change c using (change_id)
        join change_outcome o using (change_id)
        join account a on a.account_id = c.account_id
        cross join lateral scoped_flags(
            c.account_id, c.status, c.flags, c.first_seen_new, (
                select min(later.first_seen_new) from change later
                where later.account_id = c.account_id and later.source = c.source
                    and later.status <> c.status and later.first_seen_new > c.first_seen_new
            ), null
        ) f
        cross join lateral (
            select array_agg(rule_id) as rules, array_agg(decision) as decisions
            from alert_decision where alert_id = told.alert_id and rule_id is not null
        ) d
        where o.outcome = 'confirmed'
        order by c.change_id, told.alert_id desc
        """,
        list(account_ids),
        since,
        at_least,
    )
    return [
        PastAlert(
            r["created_at"],
            change_of(r),
            dict(zip(r["rules"] or (), map(AlertDecision, r["decisions"] or ()), strict=True)),
        )
        for r in rows
    ]


async def standing(conn: Conn, list_id: ListId, as_of: datetime) -> ListStatus:
    """How the accounts and posts that were watched and on a list stood, all as known at `as_of`."""
    rows = await conn.fetch(
        """
        select a.platform, s.status, s.withheld_in, a.is_post, count(*) as number
        from membership m
        join account a using (account_id)
        join watch_period w on w.account_id = m.account_id
            and w.since <= $2 and (w.until is null or w.until > $2)
        -- "offset 0": one look an account, whatever is thought of how many spells there are.
        left join lateral (
            select status, withheld_in from spells_at($2, $2) where account_id = m.account_id offset 0
        ) s on true
        where m.list_id = $1 and m.added_at <= $2 and (m.removed_at is null or m.removed_at > $2)
        group by a.platform, s.status, s.withheld_in, a.is_post
        order by number desc, a.platform, s.status, s.withheld_in
        """,
        list_id,
        as_of,
    )
    posts = [r for r in rows if r["is_post"]]
    accounts = _status([r for r in rows if not r["is_post"]])
    return replace(accounts, posts=_status(posts) if posts else None)


def _status(rows: Sequence[Record]) -> ListStatus:
    states = ((Platform(r["platform"]), _state(r["status"], r["withheld_in"]), r["number"]) for r in rows)
    return ListStatus(
        watched=sum(r["number"] for r in rows),
        states=tuple((platform, state, n) for platform, state, n in states if state is not None),
    )


@dataclass(frozen=True, slots=True)
class BlockTransition:
    """An account of a list that became blocked, or ceased to be."""

    account_id: AccountId
    blocked: bool
    last_seen_old: datetime | None
    first_seen_new: datetime


@dataclass(frozen=True, slots=True)
class Timeline:
    """How many accounts of a list were blocked over a time."""

    blocked_before: int
    """Accounts that were blocked when it began."""
    changes: tuple[BlockTransition, ...]


async def timeline(conn: Conn, list_id: ListId, since: datetime, known_at: datetime) -> Timeline:
    """Which accounts of a list became blocked or ceased to be after `since`, as known at `known_at`. Posts
    are left out.

    Blocked is what the platform itself said: withheld, or suspended and not perhaps deleted. Only crossings
    are among the changes; the first state of an account that was found blocked is one, without a lower bound.
    """
    rows = await conn.fetch(
        """
        with member as (
            select m.account_id from membership m join watch_period w using (account_id)
            join account a using (account_id)
            where m.list_id = $1 and not a.is_post
                and m.added_at <= $3 and (m.removed_at is null or m.removed_at > $3)
                and w.since <= $3 and (w.until is null or w.until > $3)
        ),
        state as (
            select s.account_id, s.onset_after, lower(s.valid) as since,
                s.status in ('withheld', 'suspended') and not (
                    c.flags @> '{suspended_or_deleted}' and not s.before_change
                ) as blocked
            from spells_known($3) s join member using (account_id) join change c using (change_id)
        ),
        told as (
            select *, lag(blocked) over (partition by account_id order by since) as was from state
        )
        select account_id, blocked, onset_after, since, since <= $2 as before
        from told where blocked is distinct from coalesce(was, false)
        order by since, account_id
        """,
        list_id,
        since,
        known_at,
    )
    blocked: set[int] = set()
    for r in rows:
        if r["before"]:
            (blocked.add if r["blocked"] else blocked.discard)(r["account_id"])
    return Timeline(
        len(blocked),
        tuple(
            BlockTransition(AccountId(r["account_id"]), r["blocked"], r["onset_after"], r["since"])
            for r in rows
            if not r["before"]
        ),
    )


async def cohorts_of(conn: Conn, account_ids: Iterable[AccountId]) -> dict[AccountId, dict[Cohort, Joined]]:
    """The lists of each account that is on one, by name, with the orders that they belong to."""
    rows = await conn.fetch(
        """
        with theirs as materialized (
            select distinct o.list_id from watch_list_member m join legal_order o using (list_id)
            where m.account_id = any($1::bigint[])
        ),
        posts as (
            select list_id, count(*) as n
            from theirs join watch_list_member using (list_id) join account a using (account_id)
            where a.is_post group by list_id
        )
        select m.account_id, l.list_id, l.name, o.reference, o.country, o.issued_at, o.named_count,
            coalesce(p.n, 0) as listed_posts, greatest(m.added_at, o.known_at) as joined_at,
            coalesce(o.known_at > m.added_at, false) as by_entry
        from watch_list_member m
        join watch_list l using (list_id)
        left join legal_order o using (list_id)
        left join posts p using (list_id)
        where m.account_id = any($1::bigint[])
        order by m.account_id, l.name
        """,
        list(account_ids),
    )
    out: dict[AccountId, dict[Cohort, Joined]] = {}
    for r in rows:
        order = None
        if r["reference"] is not None:
            order = OrderRef(
                r["reference"], r["country"], r["issued_at"], r["named_count"], r["listed_posts"]
            )
        cohort = Cohort(ListId(r["list_id"]), r["name"], order)
        out.setdefault(AccountId(r["account_id"]), {})[cohort] = Joined(r["joined_at"], r["by_entry"])
    return out


def change_of(r: Record) -> AlertChange:
    """The change in a row that has the columns of one."""
    new = _state(r["status"], r["withheld_in"])
    if new is None:
        raise ValueError(f"change {r['change_key']} has no status")
    return AlertChange(
        change_key=r["change_key"],
        account_id=AccountId(r["account_id"]),
        platform=Platform(r["platform"]),
        handle=r["handle"],
        old=_state(r["old_status"], r["old_withheld_in"]),
        new=new,
        kind=ChangeKind(r["kind"]),
        strength=Strength(r["strength"]),
        last_seen_old=r["last_seen_old"],
        first_seen_new=r["first_seen_new"],
        readings=r["readings"],
        flags=frozenset(map(Flag, r["flags"])),
        is_post=r["is_post"],
    )


def _state(status: str | None, withheld_in: Sequence[str]) -> State | None:
    return None if status is None else _known_state(status, tuple(withheld_in))


@cache
def _known_state(status: str, withheld_in: tuple[str, ...]) -> State:
    """The changes of a wave are of few states, and each checks itself when it is made."""
    return State(Status(status), withheld_in)
