"""Read models of stories, of who took them on, and of mutes."""

from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.model.alerts.alerts import MailKind, MailState
from storage.postgres.pool import Conn


@dataclass(frozen=True, slots=True)
class AlertRecipient:
    """One recipient of a wave, and what became of his mail."""

    recipient: str
    mail_id: int
    state: MailState


@dataclass(frozen=True, slots=True)
class OpenThread:
    """A story that waits for somebody: see `waiting_stories` of the database."""

    story_key: str
    subject: str | None
    """Of its newest mail about a wave; None when there is none."""
    mail_id: int | None
    """That mail."""
    rule: str
    list_name: str | None
    waves: int
    """How many were told at once: what a round-up told is none."""
    first_at: datetime
    """When the first was told."""
    told_at: datetime
    """When the newest was told."""
    told: tuple[AlertRecipient, ...]
    """The mails of the newest wave."""
    reminded_at: datetime | None
    """When the newest wave was last asked about."""
    is_escalated: bool
    earlier_by: str | None
    """Who acknowledged an earlier wave last."""


async def open_stories(conn: Conn, limit: int) -> list[OpenThread]:
    """The newest `limit` stories that wait for somebody, newest first."""
    rows = await conn.fetch(
        """
        select s.story_key, r.name as rule, l.name as list_name,
            -- What was told late was complete long before, by the times of its changes.
            n.told_at,
            coalesce(
                (select min(created_at) from mail where story_id = s.story_id and kind = 'wave'),
                (select min(closed_at) from story_wave where story_id = s.story_id)
            ) as first_at,
            (select count(*) from story_wave where story_id = s.story_id and not in_round_up) as waves,
            m.subject, m.mail_id,
            case when s.reminded_at >= n.told_at then s.reminded_at end as reminded_at,
            coalesce(s.escalated_at >= n.told_at, false) as is_escalated, s.acknowledged_by, n.told
        from waiting_stories('-infinity') w
        join story s using (story_id)
        join alert_rule r using (rule_id)
        cross join lateral (
            select array_agg((t.recipients[1], t.mail_id, t.state) order by t.mail_id) as told,
                coalesce(min(t.created_at), w.closed_at) as told_at
            from mail t
            where t.story_id = s.story_id and t.wave = w.wave and t.kind = 'wave' and t.state <> 'merged'
        ) n
        left join lateral (
            select subject, mail_id from mail where story_id = s.story_id and kind = 'wave'
            order by mail_id desc limit 1
        ) m on true
        left join watch_list l on l.list_id = s.list_id
        order by told_at desc, s.story_id desc limit $1
        """,
        limit,
    )
    return [
        OpenThread(
            story_key=r["story_key"],
            subject=r["subject"],
            mail_id=r["mail_id"],
            rule=r["rule"],
            list_name=r["list_name"],
            waves=r["waves"],
            first_at=r["first_at"],
            told_at=r["told_at"],
            told=tuple(
                AlertRecipient(who, mail_id, MailState(state)) for who, mail_id, state in r["told"] or ()
            ),
            reminded_at=r["reminded_at"],
            is_escalated=r["is_escalated"],
            earlier_by=r["acknowledged_by"],
        )
        for r in rows
    ]


async def count_open_stories(conn: Conn) -> int:
    """How many stories wait for somebody."""
    return await conn.fetchval("select count(*) from waiting_stories('-infinity')")


@dataclass(frozen=True, slots=True)
class AcknowledgedThread:
    """A story whose newest wave somebody acknowledged."""

    story_key: str
    subject: str | None
    """Of its newest mail about a wave; None when there is none."""
    mail_id: int | None
    """That mail."""
    rule: str
    taken_by: str
    taken_at: datetime
    note: str
    reminded_at: datetime | None
    """When it was last asked about."""
    escalated_at: datetime | None
    """When others were told because nobody had taken it on."""


async def taken_stories(conn: Conn, limit: int) -> list[AcknowledgedThread]:
    """Those that were acknowledged last, newest first."""
    rows = await conn.fetch(
        """
        select s.story_key, r.name as rule, s.acknowledged_by, s.acknowledged_at, s.acknowledged_note,
            s.reminded_at, s.escalated_at, m.subject, m.mail_id
        from story s
        join alert_rule r using (rule_id)
        left join lateral (
            select subject, mail_id from mail where story_id = s.story_id and kind = 'wave'
            order by mail_id desc limit 1
        ) m on true
        where s.acknowledged_at is not null and s.acknowledged_by is not null
            and s.acknowledged_wave >= (
                select max(wave) from story_wave where story_id = s.story_id and not in_round_up
            )
        order by s.acknowledged_at desc, s.story_id desc limit $1
        """,
        limit,
    )
    return [
        AcknowledgedThread(
            story_key=r["story_key"],
            subject=r["subject"],
            mail_id=r["mail_id"],
            rule=r["rule"],
            taken_by=r["acknowledged_by"],
            taken_at=r["acknowledged_at"],
            note=r["acknowledged_note"] or "",
            reminded_at=r["reminded_at"],
            escalated_at=r["escalated_at"],
        )
        for r in rows
    ]


@dataclass(frozen=True, slots=True)
class ThreadStatus:
    """How a story stands with the people who were told it."""

    story_key: str
    rule_id: int
    """The rule that sends its emails."""
    subject: str
    """Of its newest mail about a wave."""
    waves: int
    """How many were told at once: what a round-up told is none, and need not be acknowledged."""
    newest_wave: int
    """The number of the newest group sent at once; 0 means none. Catch-up digests are numbered too."""
    acknowledged_wave: int
    """The newest of these that somebody acknowledged; 0: none."""
    acknowledged_by: str | None
    acknowledged_at: datetime | None
    note: str

    @property
    def is_acknowledged(self) -> bool:
        """As far as it was told. A later wave is to be acknowledged anew."""
        return self.acknowledged_wave >= self.waves


async def thread_status(conn: Conn, story_key: str) -> ThreadStatus | None:
    """One story by its key; None when there is none."""
    row = await conn.fetchrow(
        """
        select s.story_key, s.rule_id, s.acknowledged_by, s.acknowledged_at, s.acknowledged_note, w.waves,
            w.newest, w.acknowledged,
            (
                select subject from mail where story_id = s.story_id and kind = 'wave'
                order by mail_id desc limit 1
            ) as subject
        from story s
        cross join lateral (
            select count(*) as waves, coalesce(max(wave), 0) as newest,
                count(*) filter (where wave <= s.acknowledged_wave) as acknowledged
            from story_wave where story_id = s.story_id and not in_round_up
        ) w
        where s.story_key = $1
        """,
        story_key,
    )
    return None if row is None else _note(row)


@dataclass(frozen=True, slots=True)
class ThreadMail:
    """One mail of a story to the same recipient."""

    mail_id: int
    subject: str
    kind: MailKind
    wave: int | None
    """Counted among those that were told at once."""
    state: MailState
    at: datetime
    """When the server accepted it; until then, when it was written."""


@dataclass(frozen=True, slots=True)
class MailThread:
    """The story that a mail tells, and what its recipient was told of it, oldest first."""

    note: ThreadStatus
    wave: int | None
    """The wave that this mail tells, counted among those that were told at once."""
    mails: tuple[ThreadMail, ...]


async def thread_of(conn: Conn, mail_id: int) -> MailThread | None:
    """The thread that a mail belongs to; None for one that tells no story."""
    row = await conn.fetchrow(
        """
        select m.story_id, m.recipients, s.story_key, (
                select nullif(count(*), 0) from story_wave w
                where w.story_id = m.story_id and w.wave <= m.wave and not w.in_round_up
            ) as wave
        from mail m join story s using (story_id) where m.mail_id = $1
        """,
        mail_id,
    )
    if row is None:
        return None
    note = await thread_status(conn, row["story_key"])
    if note is None:
        return None
    mails = await conn.fetch(
        """
        select m.mail_id, m.subject, m.kind, m.state, coalesce(m.sent_at, m.created_at) as at, (
                select nullif(count(*), 0) from story_wave w
                where w.story_id = m.story_id and w.wave <= m.wave and not w.in_round_up
            ) as wave
        from mail m where m.story_id = $1 and m.recipients[1] = $2 order by m.mail_id
        """,
        row["story_id"],
        row["recipients"][0],
    )
    return MailThread(
        note,
        row["wave"],
        tuple(
            ThreadMail(
                m["mail_id"], m["subject"], MailKind(m["kind"]), m["wave"], MailState(m["state"]), m["at"]
            )
            for m in mails
        ),
    )


def _note(r: Record) -> ThreadStatus:
    return ThreadStatus(
        story_key=r["story_key"],
        rule_id=r["rule_id"],
        subject=r["subject"] or "",
        waves=r["waves"],
        newest_wave=r["newest"],
        acknowledged_wave=r["acknowledged"],
        acknowledged_by=r["acknowledged_by"],
        acknowledged_at=r["acknowledged_at"],
        note=r["acknowledged_note"] or "",
    )
