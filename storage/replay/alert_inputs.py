"""What was told in a time, and all that decided it: alerts, decisions, mails, mutes and stories of then."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from storage.alerts import threads
from storage.alerts.open_alerts import alerts_by_id, change_of, recent_alerts
from storage.countries.measured_networks import platforms_unreachable
from storage.model.alerts.alerts import (
    AlertDecision,
    AlertRow,
    AlertStage,
    AlertThread,
    Cohort,
    LastWord,
    MailKind,
    OrderRef,
    PastAlert,
)
from storage.model.alerts.rules import Mute
from storage.model.bitemporal.alert_inputs import (
    AccountFacts,
    DatedCohort,
    Decisions,
    MadeMute,
    Overtaken,
    PastMail,
    RulesSince,
    SeenChange,
    StoredAlerts,
)
from storage.model.core.accounts import AccountId, ListId
from storage.model.core.availability import Reason
from storage.postgres.pool import Conn

_REMEMBERED = timedelta(days=31)
"""Older waves are of no account: no story goes on for so long."""


async def load(
    conn: Conn,
    since: datetime,
    until: datetime,
    rules: Sequence[RulesSince],
    lookback: timedelta,
    *,
    networks: bool = False,
) -> StoredAlerts:
    """The alerts that were born from `since` until before `until`, or open when that began. `networks` says
    whether to load the periods in which platforms were unreachable.
    """
    rows = await _alerts(conn, since, until)
    oldest = min((r.created_at for r in rows), default=since)
    ids = [r.alert_id for r in rows]
    final, before = await _decisions(conn, ids, since, until)
    return StoredAlerts(
        rows,
        await _overtaken(conn, ids, until),
        final,
        before,
        await _told_before(conn, [r.change.change_key for r in rows], since),
        await _mails(conn, since, until),
        await _mutes(conn),
        await _stories(conn, since),
        await _past(conn, rows, since, lookback),
        rules,
        await _cohorts(conn, {r.change.account_id for r in rows}),
        await _forgotten(conn, ids),
        await _late(conn, since),
        await platforms_unreachable(conn, min(oldest, since), until) if networks else (),
    )


async def _alerts(conn: Conn, since: datetime, until: datetime) -> list[AlertRow]:
    """Without those that moved on to the row which tells their fact now: that one stands for both."""
    rows = await conn.fetch(
        """
        with recursive later as (
            select al.alert_id, al.created_at, c.change_id
            from alert al join change c on c.supersedes = al.change_id
            where al.stage = 'confirmed' and al.decision = 'corrected'
            union
            select later.alert_id, later.created_at, c.change_id
            from later join change c on c.supersedes = later.change_id
        )
        select al.alert_id from alert al
        where al.created_at < $2 and (al.created_at >= $1 or al.decided_at is null or al.decided_at >= $1)
            and not exists (
                select from later join alert moved using (change_id)
                where later.alert_id = al.alert_id and moved.stage = 'confirmed'
                    and moved.created_at = al.created_at
            )
        order by al.alert_id
        """,
        since,
        until,
    )
    return await alerts_by_id(conn, [r["alert_id"] for r in rows])


async def _decisions(
    conn: Conn, ids: Sequence[int], since: datetime, until: datetime
) -> tuple[Decisions, Decisions]:
    rows = await conn.fetch(
        """
        select alert_id, rule_id, decision, decided_at from alert_decision
        where alert_id = any($1::bigint[]) and decided_at < $2
        """,
        ids,
        until,
    )
    final: dict[tuple[int, int | None], AlertDecision] = {}
    before: dict[tuple[int, int | None], AlertDecision] = {}
    for r in rows:
        which = before if r["decided_at"] < since else final
        which[r["alert_id"], r["rule_id"]] = AlertDecision(r["decision"])
    return final, before


async def _overtaken(conn: Conn, ids: Sequence[int], until: datetime) -> list[Overtaken]:
    rows = await conn.fetch(
        """
        select alert_id, decided_at, decision from alert
        where alert_id = any($1::bigint[]) and decision in ('superseded', 'corrected', 'unwatched')
        union
        select alert_id, decided_at, decision from alert_decision
        where alert_id = any($1::bigint[]) and decision in ('superseded', 'corrected', 'unwatched')
        order by decided_at, alert_id
        """,
        ids,
    )
    return [
        Overtaken(r["decided_at"], r["alert_id"], AlertDecision(r["decision"]))
        for r in rows
        if r["decided_at"] is not None and r["decided_at"] < until
    ]


async def _told_before(conn: Conn, keys: Sequence[str], since: datetime) -> dict[str, dict[str, LastWord]]:
    rows = await conn.fetch(
        """
        select c.change_key, w.recipient, w.stage, w.rule_id, w.by_digest
        from words_sent(array(select change_id from change where change_key = any($1::text[]))) w
        join change c using (change_id)
        join mail m using (mail_id)
        where m.created_at < $2 and w.rule_id is not null
        order by w.mail_id, w.alert_id
        """,
        keys,
        since,
    )
    by_change: dict[str, dict[str, LastWord]] = {}
    for r in rows:
        word = LastWord(AlertStage(r["stage"]), r["rule_id"], frozenset({r["rule_id"]}), r["by_digest"])
        words, recipient = by_change.setdefault(r["change_key"], {}), r["recipient"]
        words[recipient] = words[recipient].then(word) if recipient in words else word
    return by_change


async def _mails(conn: Conn, since: datetime, until: datetime) -> list[PastMail]:
    """Mails of waves by the end of their wave, others by when they were written.

    As the rules decided them: of mails that were merged before any server accepted one those, and not the one
    that says all of them.
    """
    rows = await conn.fetch(
        """
        with told as (
            select m.*, coalesce(w.closed_at, m.created_at) as at, s.rule_id
            from mail m
            left join story s using (story_id)
            left join story_wave w on m.kind = 'wave' and w.story_id = m.story_id and w.wave = m.wave
            where m.kind in ('wave', 'digest', 'reply')
                and not exists (select from mail part where part.merged_into = m.mail_id)
        )
        select told.mail_id, told.recipients, told.kind, told.subject, told.at, r.name as rule,
            array(
                select c.change_key || ' ' || al.stage
                from mail_alert t join alert al using (alert_id) join change c using (change_id)
                where t.mail_id = told.mail_id
            ) as facts
        from told
        left join lateral (
            select d.rule_id from mail_alert t join alert_decision d using (alert_id)
            where t.mail_id = told.mail_id and d.decided_at = told.created_at
                and d.decision in ('mailed', 'grouped', 'answered')
            limit 1
        ) d on told.rule_id is null
        left join alert_rule r on r.rule_id = coalesce(told.rule_id, d.rule_id)
        where told.at >= $1 and told.at < $2
        order by told.mail_id
        """,
        since,
        until,
    )
    return [
        PastMail(
            r["rule"],
            recipient,
            MailKind(r["kind"]),
            r["at"],
            frozenset((key, AlertStage(stage)) for key, _, stage in (f.partition(" ") for f in r["facts"])),
            r["subject"],
        )
        for r in rows
        for recipient in r["recipients"]
    ]


async def _mutes(conn: Conn) -> list[MadeMute]:
    rows = await conn.fetch(
        """
        select mute_id, account_id, list_id, since, least(until, ended_at) as until, note, made_by, made_at
        from mute order by mute_id
        """
    )
    return [
        MadeMute(
            Mute(
                mute_id=r["mute_id"],
                account_id=None if r["account_id"] is None else AccountId(r["account_id"]),
                list_id=None if r["list_id"] is None else ListId(r["list_id"]),
                since=r["since"],
                until=r["until"],
                note=r["note"],
                made_by=r["made_by"],
            ),
            r["made_at"],
        )
        for r in rows
    ]


async def _stories(conn: Conn, since: datetime) -> list[AlertThread]:
    return [
        replace(story, waves=waves)
        for story in await threads.told_since(conn, since - _REMEMBERED)
        if (waves := tuple(w for w in story.waves if w.closed_at < since))
    ]


async def _past(
    conn: Conn, rows: Sequence[AlertRow], since: datetime, lookback: timedelta
) -> dict[AccountId, list[PastAlert]]:
    """The alerts of these accounts that were decided before a time, as far back as flapping is judged by."""
    mine = {(r.created_at, r.change.change_key) for r in rows}
    out: defaultdict[AccountId, list[PastAlert]] = defaultdict(list)
    for past in await recent_alerts(conn, {r.change.account_id for r in rows}, since - lookback):
        if past.created_at < since and (past.created_at, past.change.change_key) not in mine:
            out[past.change.account_id].append(past)
    return out


async def _forgotten(conn: Conn, ids: Sequence[int]) -> dict[int, datetime]:
    rows = await conn.fetch(
        """
        with recursive chain as (
            select alert_id, change_id, null::timestamptz as at, true as counts
            from alert where alert_id = any($1::bigint[]) and stage = 'confirmed'
            union all
            select chain.alert_id, later.change_id, later.recorded_at,
                o.outcome is not distinct from 'confirmed' and not exists (
                    select from alert own where own.change_id = later.change_id and own.stage = 'confirmed'
                )
            from chain
            join change later on later.supersedes = chain.change_id
            left join change_outcome o on o.change_id = later.change_id
            where chain.counts
        )
        select alert_id, min(at) as at from chain where not counts group by alert_id
        """,
        ids,
    )
    return {r["alert_id"]: r["at"] for r in rows}


async def _late(conn: Conn, since: datetime) -> frozenset[str]:
    rows = await conn.fetch(
        "select change_key from change where supersedes is not null and recorded_at >= $1", since
    )
    return frozenset(r["change_key"] for r in rows)


async def seen_changes(conn: Conn, since: datetime, until: datetime) -> list[SeenChange]:
    """The changes that were recorded as provisional in a period, oldest first."""
    rows = await conn.fetch(
        """
        select c.change_key, c.account_id, a.platform, a.is_post, a.handle, c.old_status,
            c.old_withheld_in, c.status, c.withheld_in, c.kind, c.strength, c.last_seen_old,
            c.first_seen_new, c.flags, c.recorded_at, coalesce(o.readings, p.agreeing, 1) as readings,
            o.outcome, o.reason, o.decided_at
        from change c
        join account a using (account_id)
        left join change_outcome o using (change_id)
        left join pending_change p using (change_id)
        where c.first_seen_new >= $1 and c.recorded_at >= $1 and c.recorded_at < $2
            and c.kind <> 'baseline' and c.supersedes is null and c.source = a.platform
            -- What was confirmed when it was recorded was never provisional.
            and (o.decided_at is null or o.decided_at > c.recorded_at)
        order by c.recorded_at, c.change_key
        """,
        since,
        until,
    )
    return [
        SeenChange(
            change_of(r),
            r["recorded_at"],
            r["decided_at"],
            r["outcome"] == "confirmed",
            r["reason"] == Reason.NO_LONGER_WATCHED.value,
        )
        for r in rows
    ]


async def account_facts(conn: Conn, ids: Iterable[AccountId]) -> dict[AccountId, AccountFacts]:
    """What rules may match of these accounts."""
    wanted = sorted(set(ids))
    rows = await conn.fetch(
        """
        select account_id, handle, tags, followers,
            exists (select from executive e where e.account_id = a.account_id) as is_executive
        from account a where account_id = any($1::bigint[])
        """,
        wanted,
    )
    cohorts = await _cohorts(conn, wanted)
    return {
        (account_id := AccountId(r["account_id"])): AccountFacts(
            r["handle"],
            frozenset(r["tags"]),
            r["followers"],
            r["is_executive"],
            cohorts.get(account_id, ()),
        )
        for r in rows
    }


async def _cohorts(conn: Conn, ids: Iterable[AccountId]) -> dict[AccountId, list[DatedCohort]]:
    rows = await conn.fetch(
        """
        with theirs as materialized (
            select distinct o.list_id from membership m join legal_order o using (list_id)
            where m.account_id = any($1::bigint[])
        ),
        posts as (
            select list_id, count(*) as n
            from theirs join watch_list_member using (list_id) join account a using (account_id)
            where a.is_post group by list_id
        )
        select m.account_id, l.list_id, l.name, m.added_at, m.removed_at,
            o.reference, o.country, o.issued_at, o.named_count, o.known_at, coalesce(p.n, 0) as listed_posts
        from membership m
        join watch_list l using (list_id)
        left join legal_order o using (list_id)
        left join posts p using (list_id)
        where m.account_id = any($1::bigint[])
        order by m.account_id, l.name, m.added_at, m.membership_id
        """,
        sorted(ids),
    )
    out: defaultdict[AccountId, list[DatedCohort]] = defaultdict(list)
    for r in rows:
        order = None
        if r["reference"] is not None:
            order = OrderRef(
                r["reference"], r["country"], r["issued_at"], r["named_count"], r["listed_posts"]
            )
        cohort = Cohort(ListId(r["list_id"]), r["name"], order)
        out[AccountId(r["account_id"])].append(
            DatedCohort(cohort, r["added_at"], r["removed_at"], r["known_at"])
        )
    return out
