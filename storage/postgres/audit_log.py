"""Who did what: a log that is only ever added to. Written in the transaction of the act itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.postgres.pool import Conn

ABOUT_PEOPLE = (
    "logged in",
    "logged out",
    "login failed",
    "login locked",
    "person added",
    "person disabled",
    "person enabled",
    "role changed",
    "password set",
    "second factor set up",
    "second factor removed",
    "second factor locked",
    "second factor reset",
    "recovery code used",
    "token made",
    "token revoked",
)
"""Actions that say how people use Blockline, and not what they say of what it watches."""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry of the log."""

    audit_id: int
    at: datetime
    actor: str
    """A person, or what acted in a person's place: `settings`, `command line`, `mail to desk@example.org`."""
    action: str
    subject: str
    detail: Mapping[str, Any]


async def log(
    conn: Conn, at: datetime, actor: str, action: str, subject: str, detail: Mapping[str, Any] | None = None
) -> None:
    """Put one act on record, inside the caller's transaction."""
    await conn.execute(
        "insert into audit_log (at, actor, action, subject, detail) values ($1, $2, $3, $4, $5::text::jsonb)",
        at,
        actor,
        action,
        subject,
        json.dumps(detail or {}, sort_keys=True),
    )


async def log_each(
    conn: Conn, at: datetime, actor: str, action: str, entries: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    """Put the same act on record for many: each with its subject and detail."""
    await conn.executemany(
        "insert into audit_log (at, actor, action, subject, detail) values ($1, $2, $3, $4, $5::text::jsonb)",
        [(at, actor, action, subject, json.dumps(detail, sort_keys=True)) for subject, detail in entries],
    )


async def acts(
    conn: Conn, limit: int, *, before: int | None = None, of: str | None = None, about_people: bool = True
) -> list[AuditEntry]:
    """The newest acts, newest first: those older than entry `before`, and those by or about one person.

    Without `about_people`, who logged in and what was done about people is left out.
    """
    rows = await conn.fetch(
        """
        select audit_id, at, actor, action, subject, detail::text as detail
        from audit_log
        where ($2::bigint is null or audit_id < $2)
            and ($3::text is null or actor = $3 or subject = $3 or starts_with(actor, $3 || ' (token '))
            and ($4 or action <> all($5::text[]))
        order by audit_id desc limit $1
        """,
        limit,
        before,
        of,
        about_people,
        ABOUT_PEOPLE,
    )
    return [
        AuditEntry(r["audit_id"], r["at"], r["actor"], r["action"], r["subject"], json.loads(r["detail"]))
        for r in rows
    ]
