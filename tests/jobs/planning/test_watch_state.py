"""What a monitor holds in memory of the accounts that it watches."""

from datetime import timedelta

from collectors.x.declaration import X
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.planning.watch_state import WatchState
from storage.changes.load_watched import WatchedAccount
from storage.model.core.accounts import Account, AccountId
from storage.model.core.known_state import Known


def _watched(*numbers: int) -> list[WatchedAccount]:
    return [WatchedAccount(Account(AccountId(n), X, f"x{n}", f"h{n}"), frozenset(), Known()) for n in numbers]


def test_an_account_is_found_by_its_id_at_the_platform_once_and_as_long_as_it_is_watched() -> None:
    book = WatchState(RecentConfirmations(timedelta(hours=6)))
    book.take_up(_watched(1, 2), {}, whole=True)
    book.take_up(_watched(3), {}, whole=False)
    assert book.called(["x3", "x9", "x1", "x3"]) == [3, 1]
    book.take_up(_watched(2, 3), {}, whole=True)
    assert book.called(["x1", "x2", "x3"]) == [2, 3]
