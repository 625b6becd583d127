"""Alerts of the past: what they told, what each rule did with them and why, and the mails about them."""

from collections.abc import Sequence

from storage.alerts.open_alerts import alerts_by_id
from storage.model.alerts.alerts import AlertDecision, MailKind, MailState
from storage.model.alerts.history import AlertHistory, ChangeFacts, RuleDecision, SentMail
from storage.model.core.accounts import ListId
from storage.model.core.availability import ChangeKind
from storage.postgres.pool import Conn


async def change_facts(conn: Conn, change_id: int) -> ChangeFacts:
    r = await conn.fetchrow(
        """
        select c.change_id, c.kind, o.outcome, c.source like 'import:%' as is_imported
        from change c left join change_outcome o using (change_id)
        where c.change_id = $1
        """,
        change_id,
    )
    if r is None:
        raise ValueError(f"there is no change {change_id}")
    return ChangeFacts(r["change_id"], ChangeKind(r["kind"]), r["outcome"], r["is_imported"])


async def alerts_of_change(conn: Conn, change_id: int) -> list[int]:
    """The alerts about a change, of whatever stage, oldest first; those of its other rows included, and of
    those that corrected it: what it told goes on with them.
    """
    rows = await conn.fetch(
        """
        with recursive told as (
            select same.change_id from change c join change same using (change_key, source)
            where c.change_id = $1
            union
            select later.change_id from told join change later on later.supersedes = told.change_id
        )
        select alert_id from told join alert using (change_id) order by created_at, alert_id
        """,
        change_id,
    )
    return [r["alert_id"] for r in rows]


async def alerts_of_wave(conn: Conn, story_key: str) -> tuple[int, list[int]]:
    """The number of the newest wave of a story that mails tell, and the alerts in it, oldest first."""
    rows = await conn.fetch(
        """
        with told as (
            select m.mail_id, m.wave from mail m join story s using (story_id)
            where s.story_key = $1 and m.kind = 'wave'
                -- The mail that others were merged into tells earlier waves as well.
                and not exists (select from mail part where part.merged_into = m.mail_id)
        )
        select distinct al.alert_id, al.created_at, told.wave
        from told join mail_alert using (mail_id) join alert al using (alert_id)
        where told.wave = (select max(wave) from told)
        order by al.created_at, al.alert_id
        """,
        story_key,
    )
    return rows[0]["wave"] if rows else 0, [r["alert_id"] for r in rows]


async def histories(conn: Conn, alert_ids: Sequence[int]) -> list[AlertHistory]:
    """What became of these alerts, in their order."""
    found: list[AlertHistory] = []
    for alert in await alerts_by_id(conn, alert_ids):
        r = await conn.fetchrow("select decided_at, decision from alert where alert_id = $1", alert.alert_id)
        decided_at, decision = (r["decided_at"], r["decision"]) if r is not None else (None, None)
        found.append(
            AlertHistory(
                alert,
                decided_at,
                None if decision is None else AlertDecision(decision),
                await _decisions(conn, alert.alert_id),
                await _mails(conn, alert.alert_id),
            )
        )
    return found


async def _decisions(conn: Conn, alert_id: int) -> tuple[RuleDecision, ...]:
    rows = await conn.fetch(
        """
        select d.rule_id, r.name as rule, d.decision, d.until, d.decided_at, s.story_key, s.list_id,
            m.note as mute_note, m.made_by as muted_by
        from alert_decision d
        left join alert_rule r using (rule_id)
        left join story s using (story_id)
        left join mute m using (mute_id)
        where d.alert_id = $1 order by r.position nulls first, d.rule_id
        """,
        alert_id,
    )
    return tuple(
        RuleDecision(
            r["rule_id"],
            r["rule"],
            AlertDecision(r["decision"]),
            r["until"],
            r["decided_at"],
            r["story_key"],
            None if r["list_id"] is None else ListId(r["list_id"]),
            r["mute_note"],
            r["muted_by"],
        )
        for r in rows
    )


async def _mails(conn: Conn, alert_id: int) -> tuple[SentMail, ...]:
    rows = await conn.fetch(
        """
        select m.mail_id, m.kind, m.recipients, m.subject, s.story_key, m.created_at, m.state, m.sent_at,
            m.next_attempt_at, m.last_error, m.merged_into, (
                select nullif(count(*), 0) from story_wave w
                where w.story_id = m.story_id and w.wave <= m.wave and not w.in_round_up
            ) as wave
        from mail_alert t join mail m using (mail_id) left join story s using (story_id)
        where t.alert_id = $1 order by m.mail_id
        """,
        alert_id,
    )
    return tuple(
        SentMail(
            r["mail_id"],
            MailKind(r["kind"]),
            tuple(r["recipients"]),
            r["subject"],
            r["story_key"],
            r["wave"],
            r["created_at"],
            MailState(r["state"]),
            r["sent_at"],
            r["next_attempt_at"],
            r["last_error"],
            r["merged_into"],
        )
        for r in rows
    )
