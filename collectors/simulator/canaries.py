"""Pure: the control accounts that every simulator serves beside the history it plays."""

from datetime import UTC, datetime
from typing import Final

from collectors.simulator.history import History, HistoryAccount
from collectors.simulator.platform_simulator import simulator_of
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status

_BIRTH: Final = datetime(2010, 1, 1, tzinfo=UTC)


def canary(platform: Platform, native_id: str, handle: str, status: Status) -> HistoryAccount:
    """A control account, which keeps its status."""
    return HistoryAccount(platform, native_id, (_BIRTH,), (State(status),), (_BIRTH,), (handle,))


def canaries_of(platform: Platform, history: History) -> tuple[HistoryAccount, ...]:
    """The control accounts of a platform: two that stay available and one that stays suspended."""
    return simulator_of(platform).canaries(history)


def with_canaries(history: History) -> History:
    """The history with the control accounts of its platforms added.

    Raises ValueError when it uses one of their ids.
    """
    platforms = {account.platform for account in history.accounts}
    added = [c for platform in Platform if platform in platforms for c in canaries_of(platform, history)]
    taken = {a.native_id for a in history.accounts} & {c.native_id for c in added}
    if taken:
        raise ValueError(f"the history uses ids of control accounts: {', '.join(sorted(taken))}")
    return History((*history.accounts, *added), history.notes)
