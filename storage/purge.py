"""Purging an account: its content leaves the store, its ids, statuses and times stay.

X asks for it: content that is deleted, protected, suspended or withheld there must leave within 24 hours of
a request, ids and statuses may be kept (documented: developer-terms/policy.mdx and ppu-agreement.mdx IV.B
of X's documentation). Of the other platforms no such rule is known; a purge does the same there.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from html import escape

from storage import canaries
from storage.accounts import announce_watch, end_pending
from storage.db import Conn, Refused


@dataclass(frozen=True, slots=True)
class Purged:
    """What went, and what stays. A second purge finds nothing left to go."""

    native_id: str
    """What stands in place of every handle from now on."""
    evidence: int
    """Pieces of evidence of which only the hash is left."""
    handles: int
    """Places where a handle stood: with the account, in its renames, in the records of its platform."""
    facts: int
    """Side facts that held words of the account (to which address it moved): the fact itself stays."""
    mails: int
    """Stored mails that named it."""
    changes: int
    """Changes that stay as they are."""
    signals: int
    """Acts of executives towards it, or its own: they hold ids and times only, and stay."""
    was_watched: bool
    """It is not read any more: the next reading would bring its handle back."""


async def purge_account(conn: Conn, account_id: int, now: datetime) -> Purged:
    """Take what an account wrote or is called out of the store, inside the caller's transaction.

    It is no longer watched afterwards. Changes are never rewritten, and evidence keeps its hash, so that a
    copy kept elsewhere can still be proved. Raises Refused when there is no such account, or when the
    settings name it as a control account.
    """
    head = await conn.fetchrow(
        "select platform, native_id, handle, watched from account where account_id = $1 for update",
        account_id,
    )
    if head is None:
        raise Refused(f"There is no account with the number {account_id}.")
    native_id = head["native_id"]
    key = [head["platform"]], [native_id]
    await canaries.refuse_named(conn, *key)
    await canaries.release(conn, *key)
    names = await _names(conn, account_id, native_id)
    evidence = await _purge_evidence(conn, account_id, now)
    handles = await _purge_handles(conn, account_id, native_id)
    facts = await _purge_facts(conn, account_id)
    mails = await _purge_mails(conn, names, native_id)
    await end_pending(conn, account_id, now)
    await conn.execute(
        """
        insert into purge_log (account_id, at, evidence, handles, facts, mails)
        values ($1, $2, $3, $4, $5, $6)
        """,
        account_id,
        now,
        evidence,
        handles,
        facts,
        mails,
    )
    await announce_watch(conn)
    return Purged(
        native_id=native_id,
        evidence=evidence,
        handles=handles,
        facts=facts,
        mails=mails,
        changes=await conn.fetchval("select count(*) from change where account_id = $1", account_id),
        signals=await conn.fetchval(
            """
            select count(*) from signal s join account a using (account_id)
            where s.account_id = $1
                or (a.platform = $2 and $3 in (s.target_id, s.target_author_id))
            """,
            account_id,
            head["platform"],
            native_id,
        ),
        was_watched=head["watched"],
    )


async def _names(conn: Conn, account_id: int, native_id: str) -> list[str]:
    """Every handle that is on file for it, as it stands behind an @."""
    rows = await conn.fetch(
        """
        select handle from account where account_id = $1
        union select unnest(array[old_handle, new_handle]) from rename where account_id = $1
        union select handle from handle_record where account_id = $1
        """,
        account_id,
    )
    names = {r["handle"].removeprefix("@") for r in rows}
    return sorted(names - {"", native_id})


async def _purge_evidence(conn: Conn, account_id: int, now: datetime) -> int:
    return await conn.fetchval(
        """
        with gone as (
            update evidence set packed = null, compressed = false, purged_at = $2
            where packed is not null and sha256 in (
                select unnest(array[old_evidence, new_evidence]) from change where account_id = $1
            )
            returning 1
        )
        select count(*) from gone
        """,
        account_id,
        now,
    )


async def _purge_handles(conn: Conn, account_id: int, native_id: str) -> int:
    return await conn.fetchval(
        """
        with own as (
            update account set handle = $2, watched = false
            where account_id = $1 and (handle <> $2 or watched) returning 1
        ),
        renamed as (
            update rename set old_handle = $2, new_handle = $2
            where account_id = $1 and (old_handle <> $2 or new_handle <> $2) returning 1
        ),
        recorded as (
            update handle_record set handle = $2 where account_id = $1 and handle <> $2 returning 1
        )
        select (select count(*) from own) + (select count(*) from renamed) + (select count(*) from recorded)
        """,
        account_id,
        native_id,
    )


async def _purge_facts(conn: Conn, account_id: int) -> int:
    return await conn.fetchval(
        """
        with gone as (
            update fact set value = '' where account_id = $1 and observer = '' and value <> '' returning 1
        )
        select count(*) from gone
        """,
        account_id,
    )


async def _purge_mails(conn: Conn, names: Collection[str], native_id: str) -> int:
    """Mails are looked through for the names, since a mail that was split off is linked to no change."""
    rows = await conn.fetch(
        """
        select mail_id, subject, text_body, html_body from mail
        where exists (
            select from unnest($1::text[]) as u (name)
            where position(lower('@' || name) in lower(subject || ' ' || text_body)) > 0
        )
        """,
        names,
    )
    named: list[tuple[int, str, str, str]] = []
    for r in rows:
        before = (r["subject"], r["text_body"], r["html_body"])
        subject, text = (without(part, names, native_id) for part in before[:2])
        html = without(before[2], [escape(name) for name in names], escape(native_id))
        if (subject, text, html) != before:
            named.append((r["mail_id"], subject, text, html))
    await conn.execute(
        """
        update mail set subject = u.subject, text_body = u.text_body, html_body = u.html_body
        from unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
            as u (mail_id, subject, text_body, html_body)
        where mail.mail_id = u.mail_id
        """,
        [mail_id for mail_id, _, _, _ in named],
        [subject for _, subject, _, _ in named],
        [text for _, _, text, _ in named],
        [html for _, _, _, html in named],
    )
    return len(named)


def without(text: str, names: Collection[str], native_id: str) -> str:
    """`text` with `native_id` wherever one of the names stood as @name, and not as a part of a longer one."""
    if not names:
        return text
    anyone = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    return re.sub(rf"(?<![\w@])@(?:{anyone})(?![\w@-]|\.\w)", lambda _: native_id, text, flags=re.IGNORECASE)
