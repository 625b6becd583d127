"""Purging an account: its content leaves the store, or all that is known of it.

By default its ids, statuses and times stay. X asks for that: content that is deleted, protected, suspended or
withheld there must leave within 24 hours of a request, ids and statuses may be kept (documented:
developer-terms/policy.mdx and ppu-agreement.mdx IV.B of X's documentation). Of the other platforms no such
rule is known; a purge does the same there. Whoever must forget somebody altogether purges them whole: see
`storage.purge.whole_account`.
"""

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape
from typing import Any

from storage.accounts import canaries, notes
from storage.accounts.accounts import announce_watch, end_pending, end_watch
from storage.accounts.posts import posts_with_any_handle
from storage.causes.forget import forget_documents
from storage.countries.labeled_profiles import forget_profiles
from storage.model.core.accounts import Platform
from storage.model.platforms.registry import DECLARED
from storage.people.api_answers import empty_answers
from storage.postgres.pool import Conn, Refused
from storage.postgres.recording_order import moment
from storage.purge import whole_account
from storage.stories.stories import stories as written_stories


@dataclass(frozen=True, slots=True)
class Purged:
    """What went, and what stays. A second purge finds nothing left to go."""

    native_id: str
    """What stands in place of every handle from now on."""
    whole: bool
    evidence: int
    """Pieces of evidence of which at most the hash is left."""
    handles: int
    """Places where a handle stood: with the account, in its renames, in the records of its platform, in the
    names of orders, in stories that people wrote, in lines of name checks, in profiles that show who labels
    are about."""
    facts: int
    """Side facts that held words of the account (to which address it moved): the fact itself stays. Of a
    whole purge: all its side facts, and those of others that name it; none stays."""
    mails: int
    """Stored mails that named it."""
    changes: int
    """Changes that stay as they are. Of a whole purge: that were removed."""
    signals: int
    """Acts of executives towards it, or its own: ids and times stay of them, words of orders do not. Of a
    whole purge: that were removed."""
    posts: int
    """Its posts, which were purged with it: the other figures include theirs. Posts are found by the author
    that their id or handle names, so those of YouTube are not found."""
    was_watched: bool
    """It is not read any more: the next reading would bring its handle back."""


async def purge_account(
    conn: Conn, account_id: int, now: datetime, *, whole: bool = False, reason: str = ""
) -> Purged:
    """Take what an account wrote or is called out of the store, inside the caller's transaction.

    It is no longer watched afterwards. Changes are never rewritten, and evidence keeps its hash, so that a
    copy kept elsewhere can still be proved; a whole purge removes both. Raises Refused when there is no such
    account, or when the settings name it as a control account: it would be put on file again at the next
    start.
    """
    head = await conn.fetchrow(
        "select platform, native_id, handle, watched from account where account_id = $1 for update",
        account_id,
    )
    if head is None:
        raise Refused(f"There is no account with the number {account_id}.")
    at = await moment(conn, lambda: now)
    platform, native_id = head["platform"], head["native_id"]
    await canaries.refuse_named(conn, [platform], [native_id])
    await canaries.release(conn, [platform], [native_id])
    alias = whole_account.nobody(account_id) if whole else native_id
    names = await _names(conn, account_id, alias)
    posts = [
        await purge_account(conn, post, now, whole=whole, reason=reason)
        for post in await posts_with_any_handle(conn, Platform(platform), native_id, names)
    ]
    await forget_engagement_words(conn, account_id, platform, native_id, names)
    await notes.forget(conn, account_id)
    await forget_documents(conn, account_id)
    await empty_answers(conn, names)
    # A number may stand for something else in a text. An id with a colon cannot: emails about labels name
    # so what was not stored yet.
    is_plain = ":" in native_id or await _was_purged(conn, account_id)
    bare = native_id if whole and is_plain else None
    counted = {
        "changes": await _count_changes(conn, account_id),
        "signals": await _count_signals(conn, account_id, platform, native_id),
        "evidence": await _purge_evidence(conn, account_id, now),
        "handles": await _purge_handles(conn, account_id, alias)
        + await take_out_of_orders(conn, account_id, platform, native_id, names, whole=whole)
        + await take_out_of_stories(conn, account_id, names, alias, bare, whole=whole)
        + await take_out_of_name_checks(conn, platform, native_id, names)
        + await forget_profiles(conn, Platform(platform), native_id),
        "facts": await (
            whole_account.remove_facts(conn, account_id, platform, [native_id, *names])
            if whole
            else _purge_facts(conn, account_id)
        ),
        "mails": await _rewrite_mails(conn, names, alias, bare),
    }
    await end_watch(conn, account_id, at)
    if not whole:
        await end_pending(conn, account_id, at)
    purge_id = await conn.fetchval(
        """
        insert into purge_log (account_id, at, evidence, handles, facts, mails, whole, changes, reason)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning purge_id
        """,
        account_id,
        now,
        counted["evidence"],
        counted["handles"],
        counted["facts"],
        counted["mails"],
        whole,
        counted["changes"] if whole else 0,
        reason,
    )
    if whole:
        await whole_account.remove(conn, account_id, purge_id, platform, native_id, now)
    await announce_watch(conn, [account_id])
    for name in counted:
        counted[name] += sum(getattr(post, name) for post in posts)
    return Purged(native_id=alias, whole=whole, posts=len(posts), was_watched=head["watched"], **counted)


@dataclass(frozen=True, slots=True)
class LoggedPurge:
    """One purge, as it is on record for ever."""

    purge_id: int
    account_id: int
    at: datetime
    platform: str
    native_id: str
    """Of an account that was purged whole: a name that says nothing."""
    whole: bool
    evidence: int
    handles: int
    facts: int
    mails: int
    changes: int
    """Changes that were removed."""
    reason: str


async def purges(conn: Conn) -> list[LoggedPurge]:
    """Every purge there ever was, newest first."""
    rows = await conn.fetch(
        """
        select p.*, a.platform, a.native_id from purge_log p join account a using (account_id)
        order by p.at desc, p.purge_id desc
        """
    )
    return [
        LoggedPurge(
            purge_id=r["purge_id"],
            account_id=r["account_id"],
            at=r["at"],
            platform=r["platform"],
            native_id=r["native_id"],
            whole=r["whole"],
            evidence=r["evidence"],
            handles=r["handles"],
            facts=r["facts"],
            mails=r["mails"],
            changes=r["changes"],
            reason=r["reason"],
        )
        for r in rows
    ]


async def _count_changes(conn: Conn, account_id: int) -> int:
    return await conn.fetchval("select count(*) from change where account_id = $1", account_id)


async def _count_signals(conn: Conn, account_id: int, platform: str, native_id: str) -> int:
    return await conn.fetchval(
        """
        select count(*) from signal s join account a using (account_id)
        where s.account_id = $1 or (a.platform = $2 and $3 in (s.target_id, s.target_author_id))
        """,
        account_id,
        platform,
        native_id,
    )


async def _was_purged(conn: Conn, account_id: int) -> bool:
    """Whether its id stands in mails already, in place of the names that were taken out."""
    return await conn.fetchval("select exists (select from purge_log where account_id = $1)", account_id)


async def _names(conn: Conn, account_id: int, alias: str) -> list[str]:
    """Everything that stands behind an @ where it is named, but for what is to stand there from now on."""
    rows = await conn.fetch(
        """
        select unnest(array[handle, native_id]) as handle from account where account_id = $1
        union select unnest(array[old_handle, new_handle]) from rename where account_id = $1
        union select handle from handle_record where account_id = $1
        """,
        account_id,
    )
    names = {r["handle"].removeprefix("@") for r in rows}
    return sorted(names - {"", alias})


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


async def _purge_handles(conn: Conn, account_id: int, alias: str) -> int:
    return await conn.fetchval(
        """
        with own as (
            update account
            set handle = $2, watched = false, tags = '{}', followers = null, followers_at = null
            where account_id = $1
                and (handle <> $2 or watched or tags <> '{}' or followers is not null)
            returning 1
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
        alias,
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


async def forget_engagement_words(
    conn: Conn, account_id: int, platform: str, native_id: str, names: Sequence[str]
) -> None:
    """Put its native id where acts name it by one of `names`, and take the words of orders out of its own
    acts and of those towards it: what is reposted or quoted is what it wrote.
    """
    await conn.execute(
        """
        update signal s
        set target_author_id = $2,
            target_id = case when s.target_id = any($3::text[]) then $2 else s.target_id end
        from account e
        where e.account_id = s.account_id and e.platform = $1 and s.target_author_id = any($3::text[])
        """,
        platform,
        native_id,
        [f"@{name.lower()}" for name in names],
    )
    await conn.execute(
        """
        delete from signal_word w using signal s, account a
        where s.signal_id = w.signal_id and a.account_id = s.account_id
            and (s.account_id = $1 or (a.platform = $2 and $3 in (s.target_id, s.target_author_id)))
        """,
        account_id,
        platform,
        native_id,
    )


async def take_out_of_orders(
    conn: Conn, account_id: int, platform: str, native_id: str, names: Collection[str], *, whole: bool
) -> int:
    """Take the words, the handle and the note of every name that means the account; returns how many had one.

    The name stays as one of the order, with its outcome and what others saw of it; a whole purge removes it.
    A name that was not resolved means the account when it holds a handle that the account had, also as the
    author of a post. So do words in which no handle could be read.
    """
    of_it: list[int] = [
        r["order_name_id"]
        for r in await conn.fetch(
            """
            select order_name_id from order_name
            where account_id = $1
                or (account_id is null and coalesce(platform, $2) = $2
                    and lower(regexp_replace(handle, '/[^/]*$', '')) = any($3::text[]))
                or said = any($4::text[])
                or ($6 and position($5 in said) > 0)
                or (account_id is null and handle is null and (
                    said ~* any($7::text[]) or replace(said, ' ', '') ~* any($7::text[])))
            """,
            account_id,
            platform,
            [name.lower() for name in names],
            [native_id, *(f"{before}id:{native_id}" for before in ("", f"{platform}:", f"{platform} "))],
            native_id,
            any(one == platform and declared.ids_name_the_platform for one, declared in DECLARED.items()),
            [rf"(^|\W){re.escape(name)}(\W|$)" for name in names],
        )
    ]
    if whole:
        await conn.execute("delete from order_name where order_name_id = any($1::bigint[])", of_it)
        return len(of_it)
    await conn.execute(
        "update order_name_past set note = '' where order_name_id = any($1::bigint[]) and note <> ''", of_it
    )
    return await conn.fetchval(
        """
        with gone as (
            update order_name set said = 'purged name ' || order_name_id, handle = null, note = ''
            where order_name_id = any($1::bigint[]) and said <> 'purged name ' || order_name_id
            returning 1
        )
        select count(*) from gone
        """,
        of_it,
    )


async def take_out_of_name_checks(conn: Conn, platform: str, native_id: str, names: Collection[str]) -> int:
    """Remove every line of a name check that means the account or names it; returns how many."""
    return await conn.fetchval(
        """
        with gone as (
            delete from name_check_line
            where coalesce(platform, $1) = $1 and (
                $2 in (native_id, found_id)
                or lower(regexp_replace(handle, '/[^/]*$', '')) = any($3::text[])
                or lower(regexp_replace(found_handle, '/[^/]*$', '')) = any($3::text[])
                or lower(said || ' ' || note) ~ any($4::text[])
            )
            returning 1
        )
        select count(*) from gone
        """,
        platform,
        native_id,
        [name.lower() for name in names],
        [rf"(^|[^\w]){re.escape(name.lower())}($|[^\w])" for name in (native_id, *names)],
    )


async def take_out_of_stories(
    conn: Conn, account_id: int, names: Collection[str], alias: str, bare: str | None, *, whole: bool
) -> int:
    """Put `alias` in place of the names; returns how many titles and captions had one.

    `bare` is looked for without an @ before it. After a whole purge the account is in no story any more.
    """
    if whole:
        await conn.execute(
            """
            update written_story set account_ids = array_remove(account_ids, $1), version = version + 1
            where account_ids @> array[$1]::bigint[]
            """,
            account_id,
        )
    changed = 0
    for one in await written_stories(conn, limit=2**31 - 1):
        title = without(one.head.title, names, alias, bare)
        texts = {c.caption_id: without(c.text, names, alias, bare) for c in one.captions}
        texts = {c.caption_id: texts[c.caption_id] for c in one.captions if texts[c.caption_id] != c.text}
        if title == one.head.title and not texts:
            continue
        changed += len(texts) + (title != one.head.title)
        await conn.execute(
            """
            update written_story set title = left($2, 160), version = version + 1 where written_story_id = $1
            """,
            one.story_id,
            title,
        )
        await conn.executemany(
            "update written_caption set text = left($2, 400) where written_caption_id = $1",
            list(texts.items()),
        )
    return changed


async def _rewrite_mails(conn: Conn, names: Collection[str], alias: str, bare: str | None) -> int:
    """Put `alias` in place of the names in every mail; returns how many mails had one.

    Mails are looked through for the names, since a mail that was split off is linked to no change. `bare` is
    looked for without an @ before it.
    """
    rows = await conn.fetch(
        """
        select mail_id, subject, text_body, html_body, payload from mail
        where exists (
            select from unnest($1::text[]) as u (sought)
            where position(lower(sought) in lower(subject || ' ' || text_body)) > 0
        ) or exists (
            select from unnest($2::text[]) as u (sought) where position(lower(sought) in lower(payload)) > 0
        )
        """,
        [*(f"@{name}" for name in names), *([bare] if bare is not None else [])],
        [f'"handle":{json.dumps(name)}' for name in names],
    )
    named: list[tuple[int, str, str, str, str | None]] = []
    for r in rows:
        before = (r["subject"], r["text_body"], r["html_body"], r["payload"])
        subject, text = (without(part, names, alias, bare) for part in before[:2])
        html = without(before[2], [escape(n) for n in names], escape(alias), bare and escape(bare))
        payload = before[3] and payload_without(before[3], names, alias, bare)
        if (subject, text, html, payload) != before:
            named.append((r["mail_id"], subject, text, html, payload))
    await conn.execute(
        """
        update mail
        set subject = u.subject, text_body = u.text_body, html_body = u.html_body, payload = u.payload
        from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[])
            as u (mail_id, subject, text_body, html_body, payload)
        where mail.mail_id = u.mail_id
        """,
        [mail_id for mail_id, *_ in named],
        [subject for _, subject, *_ in named],
        [text for _, _, text, *_ in named],
        [html for _, _, _, html, _ in named],
        [payload for *_, payload in named],
    )
    return len(named)


def without(text: str, names: Collection[str], alias: str, bare: str | None = None) -> str:
    """`text` with `alias` wherever one of the names stood as @name, and not as a part of a longer one, and
    wherever `bare` stood alone."""
    if names:
        anyone = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        behind_at = rf"(?<![\w@])@(?:{anyone})(?![\w@-]|\.\w)"
        text = re.sub(behind_at, lambda _: alias, text, flags=re.IGNORECASE)
    if bare is not None:
        text = re.sub(rf"(?<![\w@-]){re.escape(bare)}(?![\w-])", lambda _: alias, text)
    return text


def payload_without(payload: str, names: Collection[str], alias: str, bare: str | None = None) -> str:
    """The same of what a webhook was told, where a handle stands alone and lists hold more than a mail's."""
    content: dict[str, Any] = json.loads(payload)
    gone = {name.lower() for name in names}
    for part in ("headline", "text"):
        if isinstance(content.get(part), str):
            content[part] = without(content[part], names, alias, bare)
    for change in content.get("changes", ()):
        if str(change.get("handle", "")).removeprefix("@").lower() in gone:
            change["handle"] = alias
    return json.dumps(content, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
