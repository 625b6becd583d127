"""Loading the state with which a monitor starts. The state of each watched account follows from its stored
readings.
"""

from collections.abc import Collection
from dataclasses import replace

from jobs.detect.confirmation import ConfirmationRule, RuleOfLists
from jobs.detect.redetect import unsettled_after
from jobs.planning.watch_state import WatchState
from storage.accounts import side_facts
from storage.accounts.list_thresholds import load_threshold_history
from storage.changes import late_context
from storage.changes.load_watched import WatchedAccount, load_watched
from storage.model.core.accounts import AccountId, Platform
from storage.model.core.shards import WHOLE, Shard
from storage.postgres.pool import Conn
from storage.work.shards import watched_in


async def load_accounts(
    conn: Conn,
    platform: Platform,
    rule: ConfirmationRule,
    account_ids: list[AccountId] | None = None,
    shard: Shard = WHOLE,
) -> list[WatchedAccount]:
    """Return the watched accounts of a shard of a platform, ordered by id. `account_ids` limits the result to
    these accounts; None means all accounts.
    """
    account_ids = await _of_shard(conn, platform, account_ids, shard)
    loaded = await load_watched(conn, platform, account_ids)
    known = {w.account.account_id: w.known for w in loaded}
    rules = RuleOfLists(rule, await load_threshold_history(conn))
    open_questions = {
        ground.account.account_id: unsettled_after(ground, rules)
        for ground in await late_context.unsettled_since(conn, platform, known, rule)
    }
    return [
        w
        if (unsettled := open_questions.get(w.account.account_id)) is None
        else replace(w, known=replace(w.known, unsettled=unsettled))
        for w in loaded
    ]


async def _of_shard(
    conn: Conn, platform: Platform, account_ids: list[AccountId] | None, shard: Shard
) -> list[AccountId] | None:
    """Those of the accounts that are in the shard. None means all accounts, before and after."""
    if shard.is_whole:
        return account_ids
    return await watched_in(conn, platform, shard) if account_ids is None else shard.own(account_ids)


async def take_up_edited(
    conn: Conn,
    platform: Platform,
    rule: ConfirmationRule,
    watched: WatchState,
    edited: Collection[AccountId] | None,
    shard: Shard = WHOLE,
) -> None:
    """Bring `watched` up to date after an edit of what is watched. Only the accounts of the shard are loaded,
    and of these only those that were `edited`; None means that it may be any.
    """
    only = await _of_shard(conn, platform, None if edited is None else sorted(edited), shard)
    loaded = await load_accounts(conn, platform, rule, only)
    facts = await side_facts.open_facts(conn, platform, only=only)
    watched.take_up(loaded, facts, whole=edited is None)
    watched.forget({*(only or ())} - {w.account.account_id for w in loaded})
