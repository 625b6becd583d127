"""What country labelers began or ceased to withhold, and what of it a rule has reported."""

from collections.abc import Collection, Sequence
from datetime import datetime

from storage.model.alerts.label_alerts import LabelNews
from storage.model.alerts.rules import RuleId
from storage.model.core.accounts import AccountId, ListId, Platform
from storage.model.core.labels import LabeledKind, LabelStep
from storage.postgres.pool import Conn, StaleState


async def label_news(
    conn: Conn, since: datetime, now: datetime, rule_ids: Sequence[RuleId], countries: Collection[str]
) -> list[LabelNews]:
    """What was received from `since` until `now`, and labels that expired in that time, in that order: of
    `countries`, or of all if there are none, without what each of these rules has reported.

    Left out is what a labeler states to have happened before its labels were collected here.
    """
    rows = await conn.fetch(
        """
        select n.label_id, n.step, n.has_expired, n.stated_at, n.known_at, l.labeler, r.platform, r.country,
            l.subject, l.kind, l.value, a.account_id, a.handle,
            coalesce(a.watched, false) as is_watched, coalesce(a.tags, '{}') as tags, a.followers,
            exists (select from executive e where e.account_id = a.account_id) as is_executive,
            coalesce(m.list_ids, '{}') as list_ids, coalesce(m.names, '{}') as names,
            coalesce(m.orders, '{}') as orders
        from label_step n join label l using (label_id) join labeler r on r.labeler = l.labeler
        left join account a on a.platform = r.platform and a.native_id = l.subject
        left join lateral (
            select array_agg(list_id) as list_ids, array_agg(w.name) as names,
                array_agg(o.reference) filter (where o.reference is not null) as orders
            from watch_list_member join watch_list w using (list_id)
            left join legal_order o using (list_id)
            where account_id = a.account_id
        ) m on true
        where n.known_at >= $1 and n.known_at <= $2 and l.value = any(r.withholding)
            and n.stated_at >= r.began_at and ($4::text[] = '{}' or r.country = any($4))
            and (
                select count(*) from label_reported t
                where t.label_id = n.label_id and t.step = n.step and t.rule_id = any($3::bigint[])
            ) < cardinality($3::bigint[])
        order by n.known_at, n.label_id, n.step
        """,
        since,
        now,
        list(rule_ids),
        list(countries),
    )
    return [
        LabelNews(
            label_id=r["label_id"],
            step=LabelStep(r["step"]),
            has_expired=r["has_expired"],
            labeler=r["labeler"],
            platform=Platform(r["platform"]),
            country=r["country"],
            subject=r["subject"],
            kind=LabeledKind(r["kind"]),
            value=r["value"],
            stated_at=r["stated_at"],
            known_at=r["known_at"],
            account_id=None if r["account_id"] is None else AccountId(r["account_id"]),
            handle=r["handle"],
            is_watched=r["is_watched"],
            tags=frozenset(r["tags"]),
            followers=r["followers"],
            is_executive=r["is_executive"],
            lists=frozenset(zip(map(ListId, r["list_ids"]), r["names"], strict=True)),
            orders=frozenset(r["orders"]),
        )
        for r in rows
    ]


async def labels_reported(conn: Conn, label_ids: Sequence[int]) -> frozenset[tuple[RuleId, int, LabelStep]]:
    """Which rule has reported what of these labels."""
    rows = await conn.fetch(
        "select rule_id, label_id, step from label_reported where label_id = any($1::bigint[])", label_ids
    )
    return frozenset((RuleId(r["rule_id"]), r["label_id"], LabelStep(r["step"])) for r in rows)


async def last_label_notices(conn: Conn) -> dict[tuple[RuleId, str], datetime]:
    """When each rule last reported of labels of each country."""
    rows = await conn.fetch(
        """
        select t.rule_id, r.country, max(t.reported_at) as at
        from label_reported t join label l using (label_id) join labeler r using (labeler) group by 1, 2
        """
    )
    return {(RuleId(r["rule_id"]), r["country"]): r["at"] for r in rows}


async def mark_labels_reported(conn: Conn, rule_id: RuleId, news: Sequence[LabelNews], now: datetime) -> None:
    """Say that a rule tells this, in the transaction that queues its mails.

    Raises `StaleState` when some of it was reported meanwhile: the transaction must then be undone.
    """
    marked = await conn.fetch(
        """
        insert into label_reported (rule_id, label_id, step, reported_at)
        select $1, label_id, step, $4 from unnest($2::bigint[], $3::text[]) as t (label_id, step)
        on conflict do nothing returning label_id
        """,
        rule_id,
        [one.label_id for one in news],
        [one.step.value for one in news],
        now,
    )
    if len(marked) != len(news):
        raise StaleState("Another notifier has already sent these labels.")
