"""A history of one platform told again on another one, and the control accounts served beside it."""

import io
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.mastodon.simulator.ids import actor_of
from collectors.mastodon.simulator.simulator import HOSTS
from collectors.simulator.canaries import with_canaries
from collectors.simulator.history import History, HistoryAccount, parse_history, settled
from collectors.simulator.history_conversion import recast
from collectors.x.declaration import X
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN

HOUR = timedelta(hours=1)
STATES = st.sampled_from([AVAILABLE, SUSPENDED, NOT_FOUND, WITHHELD_IN, State(Status.PROTECTED)])
NAMES = st.from_regex(r"[A-Za-z0-9_]{1,15}", fullmatch=True)


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Accounts of X; a handle may belong to several of them, one after the other."""
    count = draw(st.integers(1, 6))
    accounts = [
        settled(
            X,
            str(1000 + n),
            [(T0 + hour * HOUR, draw(STATES), draw(NAMES)) for hour in range(draw(st.integers(1, 5)))],
            ("flagged",) if n % 2 else (),
        )
        for n in range(count)
    ]
    return History(tuple(accounts), ("a note",))


def lines_of(history: History) -> list[str]:
    """The history as a file."""
    file = io.StringIO()
    print("platform,account_id,handle,at,status,withheld_in,list", file=file)
    for a in history.accounts:
        for at in sorted({*a.times, *a.handle_times}):
            state = a.at(at)
            row = [a.platform, a.native_id, a.handle_at(at), at.isoformat(), state.status]
            print(*row, " ".join(state.withheld_in), ";".join(a.lists), sep=",", file=file)
    return file.getvalue().splitlines()


def of(history: History) -> list[tuple[object, ...]]:
    return [(a.times, a.states, a.lists) for a in history.accounts]


@given(histories(), st.sampled_from(Platform))
def test_states_times_and_lists_are_kept_and_ids_and_handles_are_valid_there(
    history: History, platform: Platform
) -> None:
    cast = recast(history, platform)
    assert of(cast) == of(history)
    assert cast.notes == history.notes
    assert {a.platform for a in cast.accounts} == {platform}
    assert len({a.native_id for a in cast.accounts}) == len(history.accounts)
    assert of(parse_history(lines_of(cast), "cast.csv")) == of(cast)


@given(histories(), st.sampled_from([BLUESKY, MASTODON]))
def test_there_and_back_again_nothing_is_lost(history: History, platform: Platform) -> None:
    there = recast(history, platform)
    back = recast(there, X)
    assert of(back) == of(history)
    assert recast(there, platform) == there
    assert of(parse_history(lines_of(back), "back.csv")) == of(back)


@given(histories())
def test_on_mastodon_no_two_accounts_share_an_address(history: History) -> None:
    cast = recast(history, MASTODON)
    addresses = {actor_of(a.native_id).uri.lower() for a in cast.accounts}
    assert len(addresses) == len(cast.accounts)
    assert {actor_of(a.native_id).host for a in cast.accounts} <= set(HOSTS)


@given(histories())
@example(History((settled(X, "7", [(T0, AVAILABLE, "a_"), (T0 + HOUR, AVAILABLE, "a__")]),)))
def test_on_bluesky_different_handles_stay_different_and_one_in_capitals_is_the_same(
    history: History,
) -> None:
    cast = recast(history, BLUESKY)
    for old, new in zip(history.accounts, cast.accounts, strict=True):
        for at in old.handle_times:
            for other in old.handle_times:
                same = old.handle_at(at).lower() == old.handle_at(other).lower()
                assert (new.handle_at(at) == new.handle_at(other)) == same


def a(native_id: str, handle: str, platform: Platform = X) -> HistoryAccount:
    return settled(platform, native_id, [(T0, AVAILABLE, handle)])


# control accounts ----------------------------------------------------------------------------------------


def test_a_history_that_uses_the_id_of_a_control_account_is_refused() -> None:
    with pytest.raises(ValueError, match="the history uses ids of control accounts: 8999999999999999901"):
        with_canaries(History((a("8999999999999999901", "alpha"),)))
