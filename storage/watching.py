"""Putting whom a table names on the watch: what it would do, and doing it."""

from collections.abc import Sequence
from datetime import datetime

from storage.accounts import NewAccount, add_accounts
from storage.audit_log import log
from storage.db import Conn
from storage.listing import on_file
from storage.model.accounts import Platform
from storage.model.watch_plan import Identified, Line, OnFile, line_of, lists_of
from storage.model.watch_tables import WatchRow
from storage.tags import Said, describe

People = Sequence[Identified[WatchRow]]


async def planned(conn: Conn, people: People) -> tuple[Line, ...]:
    """What `watch` would do of each, as things stand; nothing is written."""
    known = await _known(conn, people)
    return tuple(line_of(one, known.get((one.row.platform, one.native_id))) for one in people)


async def watch(conn: Conn, people: People, source: str, actor: str, now: datetime) -> tuple[Line, ...]:
    """Put them on the watch, on their lists and under their tags, and say of each what was done.

    `source` is where they stand, such as the name of a file. Raises Refused, and nothing is stored, when
    one of them is a control account of the settings.
    """
    known = await _known(conn, people)
    told = [(one, known.get((one.row.platform, one.native_id))) for one in people]
    await add_accounts(
        conn,
        [NewAccount(o.row.platform, o.native_id, o.handle, lists_of(o.row, before)) for o, before in told],
        now,
    )
    await describe(
        conn, [Said(o.row.platform, o.native_id, o.row.tags, o.row.followers) for o, _ in told], now
    )
    lines = tuple(line_of(one, before) for one, before in told)
    if any(line.changed for line in lines):
        after = await _known(conn, people)
        ids = [
            after[o.row.platform, o.native_id].account_id
            for (o, _), line in zip(told, lines, strict=True)
            if line.changed
        ]
        await log(conn, now, actor, "accounts imported", source, {"accounts": ids})
    return lines


async def _known(conn: Conn, people: People) -> dict[tuple[Platform, str], OnFile]:
    """Those of the accounts that are stored already."""
    out: dict[tuple[Platform, str], OnFile] = {}
    for platform in Platform:
        ids = [one.native_id for one in people if one.row.platform is platform]
        stored = await on_file(conn, platform, ids) if ids else {}
        out |= {(platform, native_id): account for native_id, account in stored.items()}
    return out
