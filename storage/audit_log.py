"""Who did what: a log that is only ever added to. Written in the transaction of the act itself."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.db import Conn


@dataclass(frozen=True, slots=True)
class Act:
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
    conn: Conn, at: datetime, actor: str, action: str, told: Sequence[tuple[str, Mapping[str, Any]]]
) -> None:
    """Put the same act on record for many: each with its subject and detail."""
    await conn.executemany(
        "insert into audit_log (at, actor, action, subject, detail) values ($1, $2, $3, $4, $5::text::jsonb)",
        [(at, actor, action, subject, json.dumps(detail, sort_keys=True)) for subject, detail in told],
    )


async def acts(conn: Conn, limit: int) -> list[Act]:
    """The newest acts, newest first."""
    rows = await conn.fetch(
        """
        select audit_id, at, actor, action, subject, detail::text as detail
        from audit_log order by audit_id desc limit $1
        """,
        limit,
    )
    return [
        Act(r["audit_id"], r["at"], r["actor"], r["action"], r["subject"], json.loads(r["detail"]))
        for r in rows
    ]
