"""Watch accounts again, or stop watching them, with the outcome for each. Their lists stay as they are."""

from collections.abc import Sequence
from datetime import datetime

from storage.accounts.accounts import NewAccount, add_accounts, announce_watch, end_pending, end_watch
from storage.model.core.accounts import Platform
from storage.model.tables.tag_and_list_edits import Edited, EditOutcome
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn
from storage.postgres.recording_order import moment


async def stop_watching_many(
    conn: Conn, account_ids: Sequence[int], actor: str, now: datetime
) -> list[Edited]:
    """Stop reading accounts, and return the outcome for each, in the order given.

    What was seen of them stays, and so do their lists. A provisional change ends as not confirmed.
    """
    found = await _lock(conn, account_ids)
    stopping = [i for i in dict.fromkeys(account_ids) if i in found and found[i][0]]
    if stopping:
        at = await moment(conn, lambda: now)
        for account_id in stopping:
            await end_watch(conn, account_id, at)
            await end_pending(conn, account_id, at)
        await log(conn, now, actor, "watching stopped", "accounts", {"accounts": stopping})
        await announce_watch(conn, stopping)
    return [_edited(i, found, stopping) for i in dict.fromkeys(account_ids)]


async def watch_again(conn: Conn, account_ids: Sequence[int], actor: str, now: datetime) -> list[Edited]:
    """Read stored accounts from now on, and return the outcome for each, in the order given.

    A control account of the settings is not watched, and neither is one that was purged whole.
    """
    found = await _lock(conn, account_ids)
    controls = {
        r["account_id"]
        for r in await conn.fetch(
            "select account_id from canary where account_id = any($1::bigint[]) and origin = 'settings'",
            list(account_ids),
        )
    }
    starting = [i for i in dict.fromkeys(account_ids) if i in found and not found[i][0] and i not in controls]
    if starting:
        await add_accounts(conn, [found[i][1] for i in starting], now)
        await log(conn, now, actor, "accounts watched again", "accounts", {"accounts": starting})
    return [
        Edited(i, EditOutcome.CONTROL_ACCOUNT) if i in controls else _edited(i, found, starting)
        for i in dict.fromkeys(account_ids)
    ]


async def _lock(conn: Conn, account_ids: Sequence[int]) -> dict[int, tuple[bool, NewAccount]]:
    """By number: whether the account is watched, and the account. One that was purged whole is left out."""
    rows = await conn.fetch(
        """
        select account_id, platform, native_id, handle, watched from account a
        where account_id = any($1::bigint[])
            and not exists (select from purge_log p where p.account_id = a.account_id and p.whole)
        order by account_id for no key update
        """,
        list(account_ids),
    )
    return {
        r["account_id"]: (r["watched"], NewAccount(Platform(r["platform"]), r["native_id"], r["handle"]))
        for r in rows
    }


def _edited(account_id: int, found: dict[int, tuple[bool, NewAccount]], changed: Sequence[int]) -> Edited:
    if account_id not in found:
        return Edited(account_id, EditOutcome.UNKNOWN_ACCOUNT)
    return Edited(account_id, EditOutcome.DONE if account_id in changed else EditOutcome.UNCHANGED)
