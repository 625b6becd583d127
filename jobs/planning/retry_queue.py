"""Accounts that are to be asked before their next turn in the sweep: left out of an answer, or called for."""

from collections.abc import Iterable
from datetime import datetime

from jobs.planning.sweep import retry_after
from storage.model.core.accounts import AccountId

_ASK_AGAIN = 3
"""How often an account that an answer left out is asked for again before its next turn in the sweep."""


class RetryQueue:
    def __init__(self) -> None:
        self._at: dict[AccountId, tuple[datetime, int]] = {}
        """When to ask, and how often it was asked again already."""

    def call_for(self, account_ids: Iterable[AccountId], now: datetime) -> None:
        """Something happened to these accounts: they are due now."""
        for account_id in account_ids:
            self._at[account_id] = (now, 0)

    def forget(self, account_id: AccountId) -> None:
        """It was answered for, or is not to be asked for another reason."""
        self._at.pop(account_id, None)

    def due(self, now: datetime) -> set[AccountId]:
        return {account_id for account_id, (at, _) in self._at.items() if at <= now}

    def times(self) -> Iterable[tuple[AccountId, datetime]]:
        return [(account_id, at) for account_id, (at, _) in self._at.items()]

    def left_out(self, account_id: AccountId, at: datetime, *, others_answered: bool) -> None:
        """An account that one answer left out does not wait for its next slot, which may be a day off.

        When nobody was answered, the whole roster is tried again anyway.
        """
        before = self._at.pop(account_id, None)
        times = 0 if before is None else before[1]
        if (others_answered or before is not None) and times < _ASK_AGAIN:
            self._at[account_id] = (at + retry_after(times), times + 1)
