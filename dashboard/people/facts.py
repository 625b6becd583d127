"""What the Settings page tells, read for whoever looks: of others only an admin learns anything."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.model.core.people import Actor, Role
from storage.people.people import Person, people
from storage.people.sessions import WebSession, last_seen, open_sessions
from storage.people.tokens import Token, tokens
from storage.postgres.audit_log import AuditEntry, acts
from storage.postgres.pool import Conn

ACTS = 50
"""Entries of the audit log on one page."""


@dataclass(frozen=True, slots=True)
class AuditLogPage:
    """A page of the audit log."""

    acts: Sequence[AuditEntry]
    of: str
    """The person whose acts these are; empty: everybody's."""
    is_newest: bool
    older: int | None
    """The entry before which the next page begins; None: this is the last."""


@dataclass(frozen=True, slots=True)
class PeopleFacts:
    me: Person | None
    """None where there is no login."""
    sessions: Sequence[WebSession]
    tokens: Sequence[Token]
    """One's own; an admin's page has everybody's."""
    people: Sequence[Person] = ()
    seen: Mapping[int, datetime] | None = None
    log: AuditLogPage | None = None
    """None for who may not read it."""


async def read_people(conn: Conn, actor: Actor, query: Mapping[str, str], now: datetime) -> PeopleFacts:
    """Of a token nothing: no program needs this page."""
    is_admin = actor.role.includes(Role.ADMIN) and actor.scope is None
    log = await _log(conn, query) if is_admin else None
    if actor.person_id is None or actor.session_id is None:
        return PeopleFacts(None, (), (), log=log)
    known = await people(conn)
    me = next(p for p in known if p.person_id == actor.person_id)
    return PeopleFacts(
        me,
        await open_sessions(conn, me.person_id, now),
        await tokens(conn, None if is_admin else me.person_id),
        known if is_admin else (),
        await last_seen(conn) if is_admin else None,
        log,
    )


async def _log(conn: Conn, query: Mapping[str, str]) -> AuditLogPage:
    of, before = query.get("of", "").strip(), query.get("before", "")
    start = int(before) if before.isascii() and before.isdecimal() and len(before) <= 18 else None
    found = await acts(conn, ACTS + 1, before=start, of=of or None)
    shown = found[:ACTS]
    return AuditLogPage(shown, of, start is None, shown[-1].audit_id if len(found) > ACTS else None)
