"""Read models of what every rule did with every alert, and why: for the Alerts page and an account's own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.alerts.alerts import AlertDecision, AlertStage
from storage.model.core.accounts import Platform
from storage.model.core.availability import ChangeKind, Flag, State, Status
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class Decided:
    """What one rule did with one alert."""

    alert_id: int
    created_at: datetime
    """When the change was confirmed, first seen or taken back (see `stage`)."""
    stage: AlertStage
    change_id: int
    account_id: int
    platform: Platform
    handle: str
    kind: ChangeKind
    old: State | None
    new: State
    flags: frozenset[Flag]
    rule_id: int | None
    rule: str | None
    """None when no rule matches."""
    decision: AlertDecision
    until: datetime | None
    """Until when it is kept, while the last word is not spoken."""
    decided_at: datetime | None
    story_key: str | None
    mute_note: str | None
    """What was said with the mute that kept it from being told."""
    mail_ids: tuple[int, ...]
    """The mails that tell it for this rule. Those of a digest are known by whom the rule tells now."""
    is_post: bool = False
    """Whether it is about a post, and not an account."""


async def decided_lately(conn: Conn, decision: AlertDecision | None, limit: int) -> list[Decided]:
    """Of the newest alerts what each rule did with them; only this one decision when one is given.

    At least the newest `limit` decisions, if there are so many: an alert is never told in part.
    """
    rows = await conn.fetch(
        """
        select distinct alert_id from (
            select alert_id from alert_decision where $1::text is null or decision = $1
            order by alert_id desc limit $2
        ) newest
        """,
        None if decision is None else decision.value,
        limit,
    )
    return await _decided(conn, [r["alert_id"] for r in rows], decision)


async def decided_of(conn: Conn, account_id: int, limit: int) -> list[Decided]:
    """What each rule did with the newest alerts of one account, newest first.

    At least the newest `limit` decisions, if there are so many: an alert is never told in part.
    """
    rows = await conn.fetch(
        """
        select distinct alert_id from (
            select d.alert_id from alert_decision d
            join alert using (alert_id)
            join change using (change_id)
            where account_id = $1
            order by d.alert_id desc limit $2
        ) newest
        """,
        account_id,
        limit,
    )
    return await _decided(conn, [r["alert_id"] for r in rows], None)


async def count_decided(conn: Conn, account_id: int) -> int:
    """How many decisions there are about the alerts of one account, told by `decided_of` or not."""
    return await conn.fetchval(
        """
        select count(*) from alert_decision
        join alert using (alert_id)
        join change using (change_id)
        where account_id = $1
        """,
        account_id,
    )


async def _decided(conn: Conn, alert_ids: Sequence[int], decision: AlertDecision | None) -> list[Decided]:
    rows = await conn.fetch(
        """
        select d.alert_id, al.created_at, al.stage, c.change_id, c.account_id, a.platform, a.handle, c.kind,
            c.old_status, c.old_withheld_in, c.status, c.withheld_in, c.flags, d.rule_id, r.name as rule,
            d.decision, d.until, d.decided_at, s.story_key, m.note as mute_note, a.is_post,
            array(
                select t.mail_id from mail_alert t join mail using (mail_id)
                where t.alert_id = d.alert_id and (
                    (mail.story_id = d.story_id and mail.state <> 'merged')
                    or (
                        mail.kind = 'digest' and mail.created_at = d.decided_at
                        and r.definition -> 'recipients' ? mail.recipients[1]
                    )
                )
                order by t.mail_id
            ) as mail_ids
        from alert_decision d
        join alert al using (alert_id)
        join change c using (change_id)
        join account a using (account_id)
        left join alert_rule r on r.rule_id = d.rule_id
        left join story s on s.story_id = d.story_id
        left join mute m on m.mute_id = d.mute_id
        where d.alert_id = any($1::bigint[]) and ($2::text is null or d.decision = $2)
        order by d.alert_id desc, r.position, d.rule_id
        """,
        alert_ids,
        None if decision is None else decision.value,
    )
    return [
        Decided(
            alert_id=r["alert_id"],
            created_at=r["created_at"],
            stage=AlertStage(r["stage"]),
            change_id=r["change_id"],
            account_id=r["account_id"],
            platform=Platform(r["platform"]),
            handle=r["handle"],
            kind=ChangeKind(r["kind"]),
            old=None
            if r["old_status"] is None
            else State(Status(r["old_status"]), tuple(r["old_withheld_in"])),
            new=State(Status(r["status"]), tuple(r["withheld_in"])),
            flags=frozenset(map(Flag, r["flags"])),
            rule_id=r["rule_id"],
            rule=r["rule"],
            decision=AlertDecision(r["decision"]),
            until=r["until"],
            decided_at=r["decided_at"],
            story_key=r["story_key"],
            mute_note=r["mute_note"],
            mail_ids=tuple(r["mail_ids"]),
            is_post=r["is_post"],
        )
        for r in rows
    ]
