"""Putting whom a table or a name check names on the watch, and saying what was done with each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.listing import on_file
from storage.accounts.tags import AccountTags, describe
from storage.model.core.accounts import Platform
from storage.model.tables.watch_import_plan import (
    Identified,
    OnFile,
    WatchLineResult,
    gained,
    line_of,
    lists_of,
)
from storage.model.tables.watch_list_csv import WatchRow
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn

People = Sequence[Identified[WatchRow]]
Key = tuple[Platform, str]


async def watch(
    conn: Conn, people: People, source: str, actor: str, now: datetime
) -> tuple[WatchLineResult, ...]:
    """Put them on the watch, on their lists and under their tags, and say of each what was done.

    `source` is where they stand, such as the name of a file. Raises Refused, and nothing is stored, when
    one of them is a control account of the settings.
    """
    known = await _known(conn, people)
    pairs = [(one, known.get((one.row.platform, one.native_id))) for one in people]
    await add_accounts(
        conn,
        [NewAccount(o.row.platform, o.native_id, o.handle, lists_of(o.row, before)) for o, before in pairs],
        now,
    )
    await describe(
        conn, [AccountTags(o.row.platform, o.native_id, o.row.tags, o.row.followers) for o, _ in pairs], now
    )
    lines = tuple(line_of(one, before) for one, before in pairs)
    if any(line.changed for line in lines):
        after = await _known(conn, people)
        changed = [one for one, line in zip(pairs, lines, strict=True) if line.changed]
        await log(conn, now, actor, "accounts imported", source, _detail(changed, after))
    return lines


def _detail(
    changed: Sequence[tuple[Identified[WatchRow], OnFile | None]], after: Mapping[Key, OnFile]
) -> dict[str, object]:
    """Who was changed, by numbers, and which of them got which list and which tag."""
    ids: list[int] = []
    lists: defaultdict[str, list[int]] = defaultdict(list)
    tags: defaultdict[str, list[int]] = defaultdict(list)
    for one, before in changed:
        number = after[one.row.platform, one.native_id].account_id
        ids.append(number)
        for got, names in zip((lists, tags), gained(one.row, before), strict=True):
            for name in names:
                got[name].append(number)
    return {"accounts": ids, "lists": lists, "tags": tags}


async def _known(conn: Conn, people: People) -> dict[Key, OnFile]:
    """Those of the accounts that are stored already."""
    out: dict[Key, OnFile] = {}
    for platform in Platform:
        ids = [one.native_id for one in people if one.row.platform is platform]
        stored = await on_file(conn, platform, ids) if ids else {}
        out |= {(platform, native_id): account for native_id, account in stored.items()}
    return out
