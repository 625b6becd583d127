"""Stories as they are listed: what was told by which rule, to whom, and who acknowledged it."""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class ThreadLine:
    story_key: str
    rule: str
    list_name: str | None
    order_reference: str | None
    recipients: tuple[str, ...]
    waves: int
    """How many were told at once. What a round-up told is counted apart."""
    round_ups: int
    told_at: datetime
    """When it was told last."""
    subject: str | None
    """Of its newest mail."""
    acknowledged_wave: int
    """Up to which of its waves it was taken on; 0: none. What a round-up told need not be acknowledged."""
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    acknowledged_note: str | None

    @property
    def is_acknowledged(self) -> bool:
        """Somebody has taken on all that was told of it."""
        return self.acknowledged_wave >= self.waves


async def story_lines(conn: Conn, limit: int) -> list[ThreadLine]:
    """The stories that were told last, newest first."""
    rows = await conn.fetch(
        """
        select s.story_key, r.name as rule, l.name as list_name, o.reference, s.recipients, w.waves,
            w.round_ups, coalesce(greatest(m.created_at, w.rounded_up_at), w.complete_at) as told_at,
            m.subject, w.acknowledged, s.acknowledged_at, s.acknowledged_by, s.acknowledged_note
        from story s
        join alert_rule r using (rule_id)
        left join watch_list l using (list_id)
        left join legal_order o using (list_id)
        cross join lateral (
            select count(*) filter (where not in_round_up) as waves,
                count(*) filter (where in_round_up) as round_ups,
                count(*) filter (where not in_round_up and wave <= s.acknowledged_wave) as acknowledged,
                max(closed_at) as complete_at, max(closed_at) filter (where in_round_up) as rounded_up_at
            from story_wave where story_id = s.story_id
        ) w
        left join lateral (
            select subject, created_at from mail where story_id = s.story_id and kind = 'wave'
            order by mail_id desc limit 1
        ) m on true
        order by told_at desc, s.story_id desc limit $1
        """,
        limit,
    )
    return [_line(r) for r in rows]


async def stories_named(conn: Conn, text: str) -> list[str]:
    """The keys of the stories that begin so, two at most."""
    rows = await conn.fetch(
        "select story_key from story where starts_with(story_key, lower($1)) order by story_key limit 2", text
    )
    return [r["story_key"] for r in rows]


async def newest_story(conn: Conn) -> str | None:
    """The key of the story that was told last; None when nothing was told yet."""
    return await conn.fetchval(
        """
        select s.story_key from mail m join story s using (story_id) where m.kind = 'wave'
        order by m.mail_id desc limit 1
        """
    )


def _line(r: Record) -> ThreadLine:
    return ThreadLine(
        story_key=r["story_key"],
        rule=r["rule"],
        list_name=r["list_name"],
        order_reference=r["reference"],
        recipients=tuple(r["recipients"]),
        waves=r["waves"],
        round_ups=r["round_ups"],
        told_at=r["told_at"],
        subject=r["subject"],
        acknowledged_wave=r["acknowledged"],
        acknowledged_at=r["acknowledged_at"],
        acknowledged_by=r["acknowledged_by"],
        acknowledged_note=r["acknowledged_note"],
    )
