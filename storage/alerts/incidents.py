"""The work on incidents: who has one, until when, what was noted, and whether it is closed.

What an edit makes of an incident is decided in `storage.model.alerts.incidents`. It is stored here with its
entries in the audit log, in the caller's transaction.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from asyncpg import Record

from storage.model.alerts.incidents import (
    AccountsBack,
    Assignee,
    EarlierAcknowledgement,
    HandoverNote,
    IncidentAct,
    IncidentClosing,
    IncidentEdit,
    IncidentWork,
    act_words,
    decide_edit,
    earlier_in,
)
from storage.model.core.people import Role
from storage.model.text.states import clean
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused


class ChangedMeanwhile(Refused):
    """Somebody changed the incident since it was shown. The message says what they did."""


@dataclass(frozen=True, slots=True)
class IncidentLine:
    """An incident with what a list shows of it."""

    work: IncidentWork
    rule: str
    list_name: str | None
    order_reference: str | None
    recipients: tuple[str, ...]
    subject: str | None
    """Of its newest email about a group; None if there is none."""
    mail_id: int | None
    """That email."""
    groups: int
    """How many groups were sent at once."""
    acknowledged_groups: int
    """How many of them were sent before somebody acknowledged the incident last."""
    first_told_at: datetime
    last_told_at: datetime


@dataclass(frozen=True, slots=True)
class IncidentFilter:
    """Which incidents. None leaves the choice out."""

    owner_id: int | None = None
    unassigned: bool = False
    """Only those that nobody has who may log in."""
    is_over: bool | None = None
    """True: only those that are resolved or closed."""
    states: Sequence[str] | None = None
    waits: bool | None = None
    """True: only those with a group that nobody acknowledged. A digest asks for no acknowledgement."""
    key: str | None = None

    def fits(self, work: IncidentWork) -> bool:
        return (self.is_over is None or work.state.is_over is self.is_over) and (
            (self.states is None or work.state in self.states)
            and (self.waits is None or (work.wave > 0 and not work.is_acknowledged) is self.waits)
        )


async def incident_lines(
    conn: Conn, wanted: IncidentFilter, limit: int, before: int | None = None
) -> list[IncidentLine]:
    """Up to `limit` incidents with a number below `before`, the one that began last first."""
    found: list[IncidentLine] = []
    while len(found) < limit:
        rows = await conn.fetch(
            """
            select s.*, s.owner_id as person_id, r.name as rule, l.name as list_name, o.reference,
                w.newest, w.groups, w.first_at, w.acknowledged, w.last_at, m.subject, m.mail_id,
                p.login, p.role, p.disabled_at, k.accounts, k.back, k.is_resolved, k.back_at,
                k.posts
            from story s
            join alert_rule r using (rule_id)
            left join watch_list l on l.list_id = s.list_id
            left join legal_order o on o.list_id = s.list_id
            left join person p on p.person_id = s.owner_id
            cross join lateral (
                select coalesce(max(wave) filter (where not in_round_up), 0) as newest,
                    count(*) filter (where not in_round_up) as groups,
                    count(*) filter (where not in_round_up and wave <= s.acknowledged_wave) as acknowledged,
                    min(closed_at) as first_at, max(closed_at) as last_at
                from story_wave where story_id = s.story_id
            ) w
            cross join lateral (select * from incident_back b where b.story_id = s.story_id) k
            left join lateral (
                select subject, mail_id from mail where story_id = s.story_id and kind = 'wave'
                order by mail_id desc limit 1
            ) m on true
            where ($1::bigint is null or s.story_id < $1) and ($2::bigint is null or s.owner_id = $2)
                and (not $3 or p.person_id is null or p.disabled_at is not null)
                and ($4::text is null or s.story_key = $4)
            order by s.story_id desc limit $5
            """,
            before,
            wanted.owner_id,
            wanted.unassigned,
            wanted.key,
            limit,
        )
        found += [line for line in map(_line, rows) if wanted.fits(line.work)]
        if len(rows) < limit:
            break
        before = rows[-1]["story_id"]
    return found[:limit]


async def incident_line(conn: Conn, story_key: str) -> IncidentLine | None:
    """One incident by its key; None if there is none."""
    return next(iter(await incident_lines(conn, IncidentFilter(key=story_key), 1)), None)


async def edit_incident(
    conn: Conn, story_key: str, edit: IncidentEdit, seen: int | None, actor: str, now: datetime
) -> IncidentWork:
    """Store an edit, with its entries in the audit log. Return the incident as it is now.

    `seen` is the revision that the actor was shown; None means no check. Raises Refused for an unknown
    incident, ChangedMeanwhile if it has another revision now, and IncidentFault for what cannot be done.
    """
    known = await conn.fetchval("select story_id from story where story_key = $1 for update", story_key)
    line = None if known is None else await incident_line(conn, story_key)
    if line is None:
        raise Refused("There is no such incident.")
    was = line.work
    if seen is not None and seen != was.revision:
        raise ChangedMeanwhile(await _done_since(conn, was, seen))
    earlier = await _earlier(conn, story_key) if edit.undo_acknowledgement else None
    decided = decide_edit(was, edit, actor, now, earlier)
    after = decided.after
    if not decided.acts:
        return after
    note, closing = after.note, after.closing
    await conn.execute(
        """
        update story set owner_id = $2, owned_since = $3, due_at = $4, note = $5, noted_at = $6,
            noted_by = $7, closed_at = $8, closed_by = $9, closed_reason = $10, closed_wave = $11,
            acknowledged_at = $12, acknowledged_by = $13, acknowledged_note = $14, acknowledged_wave = $15,
            revision = $16
        where story_id = $1
        """,
        after.story_id,
        None if after.owner is None else after.owner.person_id,
        after.owned_since,
        after.due_at,
        None if note is None else note.text,
        None if note is None else note.at,
        None if note is None else note.by,
        None if closing is None else closing.at,
        None if closing is None else closing.by,
        None if closing is None else closing.reason,
        None if closing is None else closing.wave,
        after.acknowledged_at,
        after.acknowledged_by,
        None if after.acknowledged_at is None else after.acknowledged_note,
        None if after.acknowledged_at is None else after.acknowledged_wave,
        after.revision,
    )
    for action, detail in decided.acts:
        # By its key: subjects hold handles, which a purge takes away, and the log is only ever added to.
        entry = {**detail, "story": story_key, "revision": after.revision}
        await log(conn, now, actor, action, _subject(story_key), entry)
    return after


async def _earlier(conn: Conn, story_key: str) -> EarlierAcknowledgement | None:
    """Return what the newest acknowledgement of an incident replaced; None if nothing."""
    detail = await conn.fetchval(
        """
        select detail::text from audit_log
        where subject = $1 and detail ->> 'story' = $2 and action = $3 order by audit_id desc limit 1
        """,
        _subject(story_key),
        story_key,
        IncidentAct.ACKNOWLEDGED.value,
    )
    return None if detail is None else earlier_in(json.loads(detail))


async def _done_since(conn: Conn, was: IncidentWork, seen: int) -> str:
    """Say what was done about an incident after a revision."""
    acts = [act for act in await incident_acts(conn, was.story_key) if act.revision > seen]
    told = [f"{clean(act.actor, 100)} {act.words}" for act in reversed(acts)]
    if len(acts) < was.revision - seen:
        told.append("a newer group of changes was sent")
    return (
        f"Nothing was changed, because the incident changed meanwhile: {'; '.join(told)}. Look at it again."
    )


@dataclass(frozen=True, slots=True)
class LoggedIncidentAct:
    """What somebody did about an incident."""

    at: datetime
    actor: str
    words: str
    revision: int


async def incident_acts(conn: Conn, story_key: str) -> list[LoggedIncidentAct]:
    """What people did about an incident, newest first."""
    rows = await conn.fetch(
        """
        select at, actor, action, detail::text as detail from audit_log
        where subject = $1 and detail ->> 'story' = $2 order by audit_id desc
        """,
        _subject(story_key),
        story_key,
    )
    found: list[LoggedIncidentAct] = []
    for r in rows:
        detail = json.loads(r["detail"])
        words = act_words(r["action"], detail)
        found.append(LoggedIncidentAct(r["at"], r["actor"], words, detail.get("revision", 0)))
    return found


@dataclass(frozen=True, slots=True)
class IncidentSending:
    """What was sent about an incident at one time."""

    at: datetime
    kind: str
    """As `mail.kind` has it; `digest` for what a catch-up digest reported."""
    wave: int | None
    recipients: tuple[str, ...]
    mail_id: int | None
    """One of the emails."""


async def incident_sendings(conn: Conn, story_key: str) -> list[IncidentSending]:
    """What was sent about an incident, newest first: its groups, reminders, escalations and ends."""
    rows = await conn.fetch(
        """
        select m.created_at as at, m.kind, m.wave, array_agg(distinct m.recipients[1]) as recipients,
            min(m.mail_id) as mail_id
        from mail m join story s using (story_id)
        where s.story_key = $1 and m.kind in ('wave', 'reminder', 'escalation', 'end')
        group by m.created_at, m.kind, m.wave
        union all
        select w.closed_at, 'digest', w.wave, '{}', null
        from story_wave w join story s using (story_id) where s.story_key = $1 and w.in_round_up
        order by at desc, mail_id desc
        """,
        story_key,
    )
    return [
        IncidentSending(r["at"], r["kind"], r["wave"], tuple(r["recipients"]), r["mail_id"]) for r in rows
    ]


async def incident_blocks(conn: Conn, story_key: str) -> dict[int, int]:
    """The confirmed changes by which its accounts and posts were withheld, suspended or gone, each with the
    number of its account or post; oldest first.
    """
    rows = await conn.fetch(
        """
        select distinct c.change_id, c.account_id
        from story s join alert_decision d using (story_id) join alert a using (alert_id)
        join standing_change c using (change_id) join change_outcome o using (change_id)
        where s.story_key = $1 and o.outcome = 'confirmed' and c.status not in ('available', 'protected')
        order by c.change_id
        """,
        story_key,
    )
    return {r["change_id"]: r["account_id"] for r in rows}


async def assignee_called(conn: Conn, login: str) -> Assignee:
    """The person of that name. Raises Refused if there is nobody."""
    row = None
    if "\0" not in login:
        row = await conn.fetchrow(
            "select person_id, login, role, disabled_at from person where lower(login) = lower($1)", login
        )
    if row is None:
        raise Refused(f"There is no user called {clean(login, 100)!r}.")
    return _assignee(row)


async def assignee_numbered(conn: Conn, person_id: int) -> Assignee:
    """The person with that number. Raises Refused if there is none."""
    row = await conn.fetchrow(
        "select person_id, login, role, disabled_at from person where person_id = $1", person_id
    )
    if row is None:
        raise Refused(f"There is no user {person_id}.")
    return _assignee(row)


async def assignable(conn: Conn) -> list[Assignee]:
    """Everybody to whom an incident can be assigned, by name."""
    rows = await conn.fetch(
        """
        select person_id, login, role, disabled_at from person
        where disabled_at is null and role <> 'viewer' order by lower(login)
        """
    )
    return [_assignee(r) for r in rows]


def _assignee(r: Record) -> Assignee:
    may_work = Role(r["role"]).includes(Role.ANALYST)
    return Assignee(r["person_id"], r["login"], r["disabled_at"] is None, may_work)


def _subject(story_key: str) -> str:
    return f"story {story_key[:12]}"


def _line(r: Record) -> IncidentLine:
    note = None if r["note"] is None else HandoverNote(r["note"], r["noted_at"], r["noted_by"])
    closing = None
    if r["closed_at"] is not None:
        closing = IncidentClosing(r["closed_at"], r["closed_by"], r["closed_reason"], r["closed_wave"])
    resolved_at = r["back_at"] if r["is_resolved"] else None
    return IncidentLine(
        work=IncidentWork(
            story_id=r["story_id"],
            story_key=r["story_key"],
            revision=r["revision"],
            wave=r["newest"],
            acknowledged_wave=r["acknowledged_wave"] or 0,
            acknowledged_by=r["acknowledged_by"],
            acknowledged_at=r["acknowledged_at"],
            acknowledged_note=r["acknowledged_note"] or "",
            owner=None if r["owner_id"] is None else _assignee(r),
            owned_since=r["owned_since"],
            due_at=r["due_at"],
            note=note,
            closing=closing,
            accounts=AccountsBack(r["accounts"], r["back"], r["is_resolved"], resolved_at, r["posts"]),
        ),
        rule=r["rule"],
        list_name=r["list_name"],
        order_reference=r["reference"],
        recipients=tuple(r["recipients"]),
        subject=r["subject"],
        mail_id=r["mail_id"],
        groups=r["groups"],
        acknowledged_groups=r["acknowledged"],
        first_told_at=r["first_at"],
        last_told_at=r["last_at"],
    )
