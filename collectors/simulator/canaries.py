"""Pure: the control accounts that every simulator serves beside the history it plays."""

from datetime import UTC, datetime
from typing import Final

from collectors.simulator.history import History, HistoryAccount
from storage.model.accounts import Platform
from storage.model.availability import State, Status

_BIRTH: Final = datetime(2010, 1, 1, tzinfo=UTC)


def _canary(native_id: str, handle: str, status: Status) -> HistoryAccount:
    return HistoryAccount(Platform.X, native_id, (_BIRTH,), (State(status),), (_BIRTH,), (handle,))


CANARIES: Final = (
    _canary("8999999999999999901", "blockline_stable_1", Status.AVAILABLE),
    _canary("8999999999999999902", "blockline_stable_2", Status.AVAILABLE),
    _canary("8999999999999999903", "blockline_suspended", Status.SUSPENDED),
)
"""Ids beyond any that the platform has given out."""


def with_canaries(history: History) -> History:
    """The history with the control accounts added. Raises ValueError when it uses one of their ids."""
    taken = {a.native_id for a in history.accounts} & {c.native_id for c in CANARIES}
    if taken:
        raise ValueError(f"the history uses {', '.join(sorted(taken))}, which are ids of control accounts")
    return History(history.accounts + CANARIES, history.notes)
