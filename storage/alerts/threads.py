"""Stories: what the same people were told of one cohort, wave after wave, and who acknowledged it.

They are stored and acknowledged here, and listed for the commands.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.alerts.incidents import edit_incident
from storage.model.alerts.alerts import AlertThread, SentWave
from storage.model.alerts.incidents import IncidentEdit, IncidentFault, IncidentWork
from storage.model.core.accounts import ListId
from storage.postgres.pool import Conn, Refused, StaleState


async def told_since(conn: Conn, since: datetime) -> list[AlertThread]:
    """The stories that were told after `since`, with all their waves."""
    rows = await conn.fetch(
        """
        select s.story_key, s.rule_id, s.list_id, s.recipients, w.closed_at, w.as_of, w.told::text as told
        from story s join story_wave w using (story_id)
        where s.story_id in (select story_id from story_wave where closed_at > $1)
        order by s.story_id, w.wave
        """,
        since,
    )
    return _stories(rows)


async def sent_thread(conn: Conn, story_key: str, waves: int) -> AlertThread | None:
    """A story as it stood after its first waves; None when there are none of them."""
    rows = await conn.fetch(
        """
        select s.story_key, s.rule_id, s.list_id, s.recipients, w.closed_at, w.as_of, w.told::text as told
        from story s join story_wave w using (story_id)
        where s.story_key = $1 and w.wave <= $2 order by w.wave
        """,
        story_key,
        waves,
    )
    return next(iter(_stories(rows)), None)


def _stories(rows: Iterable[Record]) -> list[AlertThread]:
    found: dict[str, tuple[Record, list[SentWave]]] = {}
    for r in rows:
        wave = SentWave(r["closed_at"], r["as_of"], json.loads(r["told"]))
        found.setdefault(r["story_key"], (r, []))[1].append(wave)
    return [
        AlertThread(
            key,
            r["rule_id"],
            None if r["list_id"] is None else ListId(r["list_id"]),
            tuple(r["recipients"]),
            tuple(waves),
        )
        for key, (r, waves) in found.items()
    ]


async def add_wave(
    conn: Conn,
    story_key: str,
    rule_id: int,
    list_id: int | None,
    recipients: Sequence[str],
    number: int,
    wave: SentWave,
    *,
    in_round_up: bool = False,
) -> int:
    """Put one more wave on record (number 1 opens the story); returns the id of the story.

    Raises StaleState when this wave is on record already: another notifier told it.
    """
    story_id = await conn.fetchval(
        """
        insert into story (story_key, rule_id, list_id, recipients) values ($1, $2, $3, $4)
        on conflict (story_key) do update set recipients = story.recipients || array(
            select r from unnest(excluded.recipients) as r where r <> all(story.recipients)
        ), revision = story.revision + (not $5)::int
        returning story_id
        """,
        story_key,
        rule_id,
        list_id,
        recipients,
        in_round_up,
    )
    stored = await conn.fetchval(
        """
        insert into story_wave (story_id, wave, closed_at, as_of, told, in_round_up)
        values ($1, $2, $3, $4, $5::text::jsonb, $6) on conflict do nothing returning true
        """,
        story_id,
        number,
        wave.closed_at,
        wave.as_of,
        json.dumps(dict(wave.told), sort_keys=True),
        in_round_up,
    )
    if stored is None:
        raise StaleState(f"Group {number} of an incident was already sent by another notifier.")
    return story_id


async def thread(conn: Conn, story_key: str) -> dict[str, list[str]]:
    """The Message-IDs of a story's mails by recipient, oldest first; without those that never went out."""
    rows = await conn.fetch(
        """
        select m.recipients[1] as recipient, array_agg(m.message_id order by m.wave) as ids
        from mail m join story s using (story_id)
        where s.story_key = $1 and m.kind = 'wave' and m.state <> 'merged' group by 1
        """,
        story_key,
    )
    return {r["recipient"]: r["ids"] for r in rows}


async def told_up_to(conn: Conn, story_key: str, before: int | None = None) -> dict[str, datetime]:
    """By recipient the `as_of` of the newest wave of a story that a mail told him, be it a round-up.

    `before`: only of the waves with a lower number; None: of all.
    """
    rows = await conn.fetch(
        """
        select m.recipients[1] as recipient, max(w.as_of) as as_of
        from story s join story_wave w using (story_id)
        cross join lateral (
            select recipients from mail
            where story_id = s.story_id and wave = w.wave and kind = 'wave' and not w.in_round_up
            union all
            select digest.recipients
            from alert_decision d join alert a using (alert_id)
            join mail_alert t using (alert_id) join mail digest using (mail_id)
            where w.in_round_up and d.story_id = s.story_id and a.created_at = w.as_of
                and digest.kind = 'digest' and digest.created_at = d.decided_at
        ) m
        where s.story_key = $1 and ($2::int is null or w.wave < $2) group by 1
        """,
        story_key,
        before,
    )
    return {r["recipient"]: r["as_of"] for r in rows}


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """What an acknowledgement found."""

    subject: str
    """Of the newest mail of the story."""
    first: bool
    """Nobody had acknowledged this wave before."""
    by: str
    at: datetime
    note: str
    revision: int
    """Of the incident now. An undo that names it undoes this acknowledgement and no later one."""


class NewerGroup(Refused):
    """The incident has a newer group than the one that was seen."""


async def acknowledge(
    conn: Conn, story_key: str, actor: str, note: str, now: datetime, *, seen: int | None = None
) -> Acknowledged:
    """Acknowledge an incident up to its newest group. Reminders and escalation end.

    `seen` is the newest group that the actor was shown; None means no check. If the newest group is already
    acknowledged, nothing changes, and the result names who was first. Raises Refused for an unknown incident,
    and NewerGroup if its newest group is newer than `seen` and not acknowledged.
    """
    row = await conn.fetchrow(
        """
        select s.revision, s.acknowledged_at, s.acknowledged_by, s.acknowledged_note, s.acknowledged_wave,
            (select max(wave) from story_wave where story_id = s.story_id and not in_round_up) as wave,
            (select subject from mail where story_id = s.story_id order by mail_id desc limit 1) as subject
        from story s where s.story_key = $1 for update
        """,
        story_key,
    )
    if row is None:
        raise Refused("There is no such incident. Its link is not from this installation.")
    subject = row["subject"] or ""
    if (row["acknowledged_wave"] or 0) >= row["wave"]:
        by, at, said = row["acknowledged_by"], row["acknowledged_at"], row["acknowledged_note"]
        return Acknowledged(subject, first=False, by=by, at=at, note=said or "", revision=row["revision"])
    if seen is not None and seen < row["wave"]:
        raise NewerGroup("The incident has a newer group of changes.")
    after = await edit_incident(conn, story_key, IncidentEdit(acknowledge=note), None, actor, now)
    return Acknowledged(subject, first=True, by=actor, at=now, note=note, revision=after.revision)


async def undo_acknowledgement(
    conn: Conn, story_key: str, actor: str, now: datetime, *, seen: int | None = None
) -> IncidentWork:
    """Make an incident as if nobody had acknowledged its newest group. Reminders and escalation go on.

    An acknowledgement of an earlier group holds again. `seen` is the revision that the acknowledgement made;
    None means no check. Raises Refused if there is nothing to undo, or the incident changed since `seen`.
    """
    try:
        edit = IncidentEdit(undo_acknowledgement=True)
        return await edit_incident(conn, story_key, edit, seen, actor, now)
    except IncidentFault as fault:
        raise Refused(str(fault)) from fault


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


async def thread_lines(conn: Conn, limit: int) -> list[ThreadLine]:
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


async def newest_thread(conn: Conn) -> str | None:
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
