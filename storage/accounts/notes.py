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
    """Empty if a purge removed it."""
    withdrawn_at: datetime | None
    """None means that it is not withdrawn."""
    withdrawn_by: str | None


async def add_note(conn: Conn, account_id: int, text: str, actor: str, now: datetime) -> int:
    """Store a note; returns its number.

    Raises Refused if it is empty or too long, or if there is no such account.
    """
    text = text.strip()
    if not text:
        raise Refused("The note is empty.")
    if len(text) > LONGEST:
        raise Refused(f"The note has {len(text):,} characters; the limit is {LONGEST:,}. Shorten it.")
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
    # Without its text: a purge removes the text, and nothing is ever removed from the log.
    await log(conn, now, actor, "note added", f"account {account_id}", {"note": note_id})
    return note_id


async def withdraw_note(conn: Conn, note_id: int, actor: str, now: datetime) -> int:
    """Withdraw a note of any writer: it stays readable, with who withdrew it and when.

    Returns the number of the account that it is about. Raises Refused if there is no such note, or if it is
    withdrawn already.
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
        raise Refused(f"Note {note_id} does not exist or was already withdrawn.")
    await log(conn, now, actor, "note withdrawn", f"account {account_id}", {"note": note_id})
    return account_id


async def notes_of(conn: Conn, account_id: int, known_at: datetime | None = None) -> list[AccountNote]:
    """The notes of an account, newest first, including withdrawn ones.

    As they were at `known_at`, including what was written at that very moment; None means now.
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
    """For a purge: remove the text of every note of the account. The writers and times stay."""
    await conn.execute("update account_note set text = '' where account_id = $1 and text <> ''", account_id)
