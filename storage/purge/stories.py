"""Taking an account out of the stories that people wrote: out of titles and captions, by its names."""

from collections.abc import Collection

from storage.postgres.pool import Conn
from storage.purge.mails import without
from storage.stories.stories import stories


async def take_out(
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
    for one in await stories(conn, limit=2**31 - 1):
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
