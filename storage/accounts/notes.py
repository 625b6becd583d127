"""Notes that the team writes about accounts: added and withdrawn, never rewritten."""

from dataclasses import dataclass
from datetime import datetime

from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused

LONGEST = 4_000
"""Characters of one note."""


@dataclass(frozen=True, slots=True)
class AccountNote:
    account_note_id: int
    written_at: datetime
    written_by: str
    text: str
    """Empty when a purge took it out."""
    withdrawn_at: datetime | None
    """None: it stands."""
    withdrawn_by: str | None


async def add_note(conn: Conn, account_id: int, text: str, actor: str, now: datetime) -> int:
    """Keep a note; returns its number.

    Raises Refused for an empty or too long one, and when there is no such account.
    """
    text = text.strip()
    if not text:
        raise Refused("The note is empty.")
    if len(text) > LONGEST:
        raise Refused(f"The note has {len(text):,} characters, and {LONGEST:,} are the most.")
    note_id = await conn.fetchval(
        """
        insert into account_note (account_id, written_at, written_by, text)
        select account_id, $2, $3, $4 from account where account_id = $1
        returning account_note_id
        """,
        account_id,
        now,
        actor,
        text,
    )
    if note_id is None:
        raise Refused(f"There is no account with the number {account_id}.")
    # Without its text: a purge takes that away, and the log is only ever added to.
    await log(conn, now, actor, "note added", f"account {account_id}", {"note": note_id})
    return note_id


async def withdraw_note(conn: Conn, note_id: int, actor: str, now: datetime) -> int:
    """Take a note back, whoever wrote it: it stays readable, with who did it and when.

    Returns the number of the account that it is about. Raises Refused when there is no such note that stands.
    """
    account_id = await conn.fetchval(
        """
        update account_note set withdrawn_at = $2, withdrawn_by = $3
        where account_note_id = $1 and withdrawn_at is null
        returning account_id
        """,
        note_id,
        now,
        actor,
    )
    if account_id is None:
        raise Refused(f"There is no note {note_id} that stands.")
    await log(conn, now, actor, "note withdrawn", f"account {account_id}", {"note": note_id})
    return account_id


async def notes_of(conn: Conn, account_id: int, known_at: datetime | None = None) -> list[AccountNote]:
    """The notes of an account, newest first, those that were withdrawn included.

    As they stood at `known_at`, what was written at that very moment included; None: as they stand now.
    """
    rows = await conn.fetch(
        """
        select account_note_id, written_at, written_by, text,
            case when withdrawn_at <= known.at then withdrawn_at end as withdrawn_at,
            case when withdrawn_at <= known.at then withdrawn_by end as withdrawn_by
        from account_note
        cross join (select coalesce($2::timestamptz, 'infinity') as at) known
        where account_id = $1 and written_at <= known.at
        order by written_at desc, account_note_id desc
        """,
        account_id,
        known_at,
    )
    return [AccountNote(*r) for r in rows]


async def forget(conn: Conn, account_id: int) -> None:
    """For a purge: take the text out of every note of the account. Who wrote when stays."""
    await conn.execute("update account_note set text = '' where account_id = $1 and text <> ''", account_id)
