"""Stories that people write, with their captions.

Each edit is in the audit log, without its words: a purge may take those away, and the log is only added to.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from asyncpg import Record

from storage.model.core.accounts import AccountId
from storage.model.stories.stories import (
    MOST_CAPTIONS,
    Caption,
    StoryFault,
    StoryHead,
    View,
    WrittenStory,
    caption_fault,
    head_fault,
)
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused

MOST_LISTED = 500


async def write_story(
    conn: Conn, head: StoryHead, late_after: timedelta, actor: str, now: datetime
) -> WrittenStory:
    """Keep a new story, without captions. Its accounts are those that were watched in its range, all or of
    the list, by the knowledge that it is told by.

    Raises Refused with the sentence why not.
    """
    _refuse(head_fault(head, now))
    story_id = await conn.fetchval(
        """
        insert into written_story (
            title, list_id, account_ids, since, until, view, known_at, late_after, written_at, written_by,
            changed_at, changed_by
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $9, $10) returning written_story_id
        """,
        head.title,
        head.list_id,
        await _watched(conn, head, now),
        head.since,
        head.until,
        head.view,
        head.known_at,
        late_after,
        now,
        actor,
    )
    await log(conn, now, actor, "story written", f"story {story_id}", _log_detail(head))
    return await _lock(conn, story_id)


async def change_story(conn: Conn, story_id: int, head: StoryHead, actor: str, now: datetime) -> WrittenStory:
    """Give a story another title, range, view or list. Only another list changes whose accounts it is of.

    Raises Refused when there is no such story, a caption would lie outside, or the words are not taken.
    """
    before = await _lock(conn, story_id)
    _refuse(head_fault(head, now))
    for caption in before.captions:
        _refuse(caption_fault(head, caption.at, caption.text))
    if head == before.head:
        return before
    moved = head.list_id != before.head.list_id
    account_ids = await _watched(conn, head, now) if moved else before.account_ids
    await conn.execute(
        """
        update written_story
        set title = $2, list_id = $3, account_ids = $4, since = $5, until = $6, view = $7, known_at = $8
        where written_story_id = $1
        """,
        story_id,
        head.title,
        head.list_id,
        account_ids,
        head.since,
        head.until,
        head.view,
        head.known_at,
    )
    await _edited(conn, story_id, actor, now)
    await log(conn, now, actor, "story changed", f"story {story_id}", _log_detail(head))
    return await _lock(conn, story_id)


async def remove_story(conn: Conn, story_id: int, actor: str, now: datetime) -> None:
    """Remove a story with its captions. Copies that left the house stay. Raises Refused."""
    before = await _lock(conn, story_id)
    await conn.execute("delete from written_story where written_story_id = $1", story_id)
    detail = {"version": before.version, "captions": len(before.captions)}
    await log(conn, now, actor, "story removed", f"story {story_id}", detail)


async def add_caption(
    conn: Conn, story_id: int, at: datetime, text: str, actor: str, now: datetime
) -> WrittenStory:
    """Write a caption at a moment of the range. Raises Refused."""
    before = await _lock(conn, story_id)
    _refuse(caption_fault(before.head, at, text))
    if len(before.captions) >= MOST_CAPTIONS:
        _refuse(StoryFault.MANY)
    caption_id = await conn.fetchval(
        """
        insert into written_caption (written_story_id, at, text) values ($1, $2, $3)
        returning written_caption_id
        """,
        story_id,
        at,
        text,
    )
    await _edited(conn, story_id, actor, now)
    detail = {"caption": caption_id, "at": at.isoformat()}
    await log(conn, now, actor, "caption added", f"story {story_id}", detail)
    return await _lock(conn, story_id)


async def change_caption(
    conn: Conn, caption_id: int, at: datetime, text: str, actor: str, now: datetime
) -> WrittenStory:
    """Give a caption another moment or text. Raises Refused."""
    before = await _story_of(conn, caption_id)
    _refuse(caption_fault(before.head, at, text))
    if Caption(caption_id, at, text) in before.captions:
        return before
    await conn.execute(
        "update written_caption set at = $2, text = $3 where written_caption_id = $1", caption_id, at, text
    )
    await _edited(conn, before.story_id, actor, now)
    detail = {"caption": caption_id, "at": at.isoformat()}
    await log(conn, now, actor, "caption changed", f"story {before.story_id}", detail)
    return await _lock(conn, before.story_id)


async def remove_caption(conn: Conn, caption_id: int, actor: str, now: datetime) -> WrittenStory:
    """Raises Refused when there is no such caption."""
    before = await _story_of(conn, caption_id)
    await conn.execute("delete from written_caption where written_caption_id = $1", caption_id)
    await _edited(conn, before.story_id, actor, now)
    await log(conn, now, actor, "caption removed", f"story {before.story_id}", {"caption": caption_id})
    return await _lock(conn, before.story_id)


async def story(conn: Conn, story_id: int) -> WrittenStory | None:
    """A story with its captions; None when there is none of that number."""
    rows = await stories(conn, after=story_id - 1, limit=1)
    return rows[0] if rows and rows[0].story_id == story_id else None


async def stories(conn: Conn, *, after: int = 0, limit: int = MOST_LISTED) -> list[WrittenStory]:
    """Up to `limit` stories with a number above `after`, by number."""
    rows = await conn.fetch(
        """
        select s.*, l.name as list_name, (
                select count(*) from account a where a.account_id = any(s.account_ids) and a.is_post
            ) as posts
        from written_story s left join watch_list l using (list_id)
        where s.written_story_id > $1 order by s.written_story_id limit $2
        """,
        after,
        limit,
    )
    captions = await conn.fetch(
        """
        select written_story_id, written_caption_id, at, text from written_caption
        where written_story_id = any($1::bigint[]) order by at, written_caption_id
        """,
        [r["written_story_id"] for r in rows],
    )
    return [_story(r, [c for c in captions if c["written_story_id"] == r["written_story_id"]]) for r in rows]


async def all_stories(conn: Conn) -> list[WrittenStory]:
    """Every story, by number."""
    found: list[WrittenStory] = []
    while more := await stories(conn, after=found[-1].story_id if found else 0):
        found += more
    return found


async def _lock(conn: Conn, story_id: int) -> WrittenStory:
    """The story, held against other edits until the transaction ends. Raises Refused."""
    await conn.execute("select from written_story where written_story_id = $1 for update", story_id)
    found = await story(conn, story_id)
    if found is None:
        raise Refused(f"There is no story {story_id}.")
    return found


async def _story_of(conn: Conn, caption_id: int) -> WrittenStory:
    story_id = await conn.fetchval(
        "select written_story_id from written_caption where written_caption_id = $1", caption_id
    )
    locked = None if story_id is None else await _lock(conn, story_id)
    if locked is None or caption_id not in {c.caption_id for c in locked.captions}:
        raise Refused(f"There is no caption {caption_id}.")
    return locked


async def _edited(conn: Conn, story_id: int, actor: str, now: datetime) -> None:
    await conn.execute(
        """
        update written_story set version = version + 1, changed_at = $2, changed_by = $3
        where written_story_id = $1
        """,
        story_id,
        now,
        actor,
    )


async def _watched(conn: Conn, head: StoryHead, now: datetime) -> list[AccountId]:
    """Whose story it is. Raises Refused when that is nobody."""
    known = head.until if head.view is View.AS_KNOWN_THEN else head.known_at or now
    rows = await conn.fetch(
        """
        select distinct w.account_id from watch_period w
        where w.since <= least($2::timestamptz, $4) and (w.until is null or w.until > $3)
            and ($1::bigint is null or exists (
                select from membership m where m.list_id = $1 and m.account_id = w.account_id
                    and m.added_at <= $4 and (m.removed_at is null or m.removed_at > $4)
            ))
        order by w.account_id
        """,
        head.list_id,
        head.until,
        head.since,
        known,
    )
    if not rows:
        _refuse(StoryFault.NOBODY)
    return [AccountId(r["account_id"]) for r in rows]


def _refuse(fault: StoryFault | None) -> None:
    if fault is not None:
        raise Refused(fault.value)


def _log_detail(head: StoryHead) -> dict[str, object]:
    return {
        "list": head.list_id,
        "since": head.since.isoformat(),
        "until": head.until.isoformat(),
        "view": head.view.value,
        "known_at": None if head.known_at is None else head.known_at.isoformat(),
    }


def _story(row: Record, captions: Sequence[Record]) -> WrittenStory:
    return WrittenStory(
        story_id=row["written_story_id"],
        head=StoryHead(
            row["title"], row["list_id"], row["since"], row["until"], View(row["view"]), row["known_at"]
        ),
        list_name=row["list_name"],
        account_ids=tuple(map(AccountId, row["account_ids"])),
        late_after=row["late_after"],
        version=row["version"],
        written_at=row["written_at"],
        written_by=row["written_by"],
        changed_at=row["changed_at"],
        changed_by=row["changed_by"],
        captions=tuple(Caption(c["written_caption_id"], c["at"], c["text"]) for c in captions),
        posts=row["posts"],
    )
