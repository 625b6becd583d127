"""Pure: a history of one platform as a history of another.

To try the collectors of one platform on the history of another, every account gets an id and handles as its
new platform gives them, and keeps its states, their times and its lists. Which of these states the new
platform shows, its simulator decides.
"""

from hashlib import blake2b

from collectors.simulator.history import History, HistoryAccount
from collectors.simulator.platform_simulator import simulator_of
from storage.model.core.accounts import Platform


def recast(history: History, platform: Platform) -> History:
    """Every account of the history as an account of `platform`; those that are there already stay as they
    are. The same history always gives the same result.
    """
    return History(_all_on(platform, history), history.notes)


def recast_all(history: History) -> History:
    """Every account of the history on each installed platform."""
    accounts = tuple(account for platform in Platform for account in _all_on(platform, history))
    return History(accounts, history.notes)


def _all_on(platform: Platform, history: History) -> tuple[HistoryAccount, ...]:
    there = [account for account in history.accounts if account.platform is platform]
    taken = {account.handles[0].partition("@")[0].lower() for account in there}
    return tuple(
        account if account.platform is platform else _moved(account, platform, taken)
        for account in history.accounts
    )


def _moved(account: HistoryAccount, platform: Platform, taken: set[str]) -> HistoryAccount:
    digest = blake2b(f"{platform}|{account.native_id}".encode(), digest_size=16).digest()
    return simulator_of(platform).recast(account, digest, taken)
