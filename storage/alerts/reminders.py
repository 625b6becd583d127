"""Who is to be asked again: the stories that wait for somebody, and what was asked of them before."""

from dataclasses import dataclass
from datetime import datetime

from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class Outstanding:
    """A story that waits for somebody: see `waiting_stories` of the database."""

    story_id: int
    story_key: str
    rule_id: int
    list_id: int | None
    recipients: tuple[str, ...]
    wave: int
    told_at: datetime
    """When its newest wave was told, which may be long after it was complete."""
    reminders: int
    """How many reminders that wave had."""
    reminded_at: datetime | None
    escalated_steps: int
    """How many steps of its rule's escalation were sent about that wave."""


async def outstanding(conn: Conn, since: datetime) -> list[Outstanding]:
    """The stories that wait for somebody, and whose newest wave was complete after `since`."""
    rows = await conn.fetch(
        """
        select s.story_id, s.story_key, s.rule_id, s.list_id, s.recipients, w.wave, t.told_at,
            case when s.reminded_at >= t.told_at then s.reminders else 0 end as reminders,
            case when s.reminded_at >= t.told_at then s.reminded_at end as reminded_at,
            case when s.escalated_at >= t.told_at then s.escalated_steps else 0 end as escalated_steps
        from waiting_stories($1) w
        cross join lateral (
            select coalesce(min(created_at), w.closed_at) as told_at
            from mail where story_id = w.story_id and wave = w.wave and kind = 'wave'
        ) t
        join story s using (story_id)
        order by s.story_id
        """,
        since,
    )
    return [
        Outstanding(
            r["story_id"],
            r["story_key"],
            r["rule_id"],
            r["list_id"],
            tuple(r["recipients"]),
            r["wave"],
            r["told_at"],
            r["reminders"],
            r["reminded_at"],
            r["escalated_steps"],
        )
        for r in rows
    ]


async def mark_reminded(conn: Conn, story: Outstanding, now: datetime) -> bool:
    """Count a reminder. False when another notifier sent this one."""
    return bool(
        await conn.fetchval(
            """
            update story set reminders = $3, reminded_at = $4
            where story_id = $1
                and (reminded_at is not distinct from $2 or ($2 is null and reminded_at < $5))
            returning true
            """,
            story.story_id,
            story.reminded_at,
            story.reminders + 1,
            now,
            story.told_at,
        )
    )


async def mark_escalated(conn: Conn, story: Outstanding, step: int, now: datetime) -> bool:
    """Count a step of the escalation, from 1. False when another notifier sent it about this wave."""
    return bool(
        await conn.fetchval(
            """
            update story set escalated_at = $2, escalated_steps = $4
            where story_id = $1 and case when escalated_at >= $3 then escalated_steps else 0 end < $4
            returning true
            """,
            story.story_id,
            now,
            story.told_at,
            step,
        )
    )


@dataclass(frozen=True, slots=True)
class LastMail:
    """The newest mail about a story that one recipient got."""

    recipient: str
    mail_id: int
    message_id: str
    subject: str


async def last_mails(conn: Conn, story_id: int) -> list[LastMail]:
    """The newest wave of a story as each of its recipients was told it."""
    rows = await conn.fetch(
        """
        select distinct on (recipients[1]) recipients[1] as recipient, mail_id, message_id, subject
        from mail where story_id = $1 and kind = 'wave' and state <> 'merged'
        order by recipients[1], wave desc
        """,
        story_id,
    )
    return [LastMail(r["recipient"], r["mail_id"], r["message_id"], r["subject"]) for r in rows]
