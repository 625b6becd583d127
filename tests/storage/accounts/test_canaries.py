"""Control accounts: named, chosen, doubted, retired and released, and never watched at the same time."""

from datetime import timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.accounts import canaries
from storage.accounts.accounts import NewAccount, add_accounts, memberships, stop_watching
from storage.accounts.canaries import Origin
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.postgres.pool import Conn, Pool, Refused, transaction
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, minutes
from tests.support.seeds.changes import account, become, enlist, roster_of

STABLE = ("900", "stable", Status.AVAILABLE)
FOUND = ("950", "found", Status.AVAILABLE)


async def names(conn: Conn, platform: Platform = X) -> list[tuple[str, Status, str, Origin]]:
    return [
        (c.account.handle, c.expected, c.place, c.origin) for c in await canaries.canaries(conn, platform)
    ]


async def test_a_control_account_of_the_settings_can_not_be_watched(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await canaries.set_canaries(conn, BLUESKY, [STABLE], T0)
        with pytest.raises(
            Refused, match=r"@stable is a control account, .* from the setting bluesky_canaries"
        ):
            await add_accounts(conn, [NewAccount(BLUESKY, "900", "stable")], T0)
        await enlist(conn, X, ["1"])
        with pytest.raises(Refused, match=r"@h1 is watched.* setting x_canaries"):
            await canaries.set_canaries(conn, X, [("1", "h1", Status.AVAILABLE)], T0)


async def test_a_chosen_control_account_makes_way_for_a_user_who_wants_to_watch_it(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await canaries.choose(conn, X, "", [FOUND], T0)
        added = await add_accounts(conn, [NewAccount(X, "950", "found", ("List",))], T0)
        assert (added.accounts, added.memberships) == (0, 1)
        assert await names(conn) == []
        assert (await account(conn, X, "950")).account_id in await memberships(conn, X)
        assert await conn.fetchval("select watched from account where native_id = '950'")


async def test_doubts_count_from_the_first_look_that_was_otherwise_until_one_is_right(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (chosen,) = await canaries.choose(conn, X, "", [FOUND], T0)
        one = chosen.account.account_id
        assert await canaries.doubt(conn, one, minutes(1)) == (1, minutes(1))
        assert await canaries.doubt(conn, one, minutes(2)) == (2, minutes(1))
        (doubted,) = await canaries.canaries(conn, X)
        assert (doubted.doubts, doubted.doubted_since) == (2, minutes(1))
        await canaries.trust(conn, [one])
        (trusted,) = await canaries.canaries(conn, X)
        assert (trusted.doubts, trusted.doubted_since) == (0, None)


async def test_a_retired_control_account_is_asked_no_more_and_stays_on_record(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (chosen,) = await canaries.choose(conn, X, "", [FOUND], T0)
        await canaries.retire(conn, chosen.account.account_id, minutes(5))
        assert await names(conn) == []
        assert await conn.fetchval("select retired_at from canary") == minutes(5)
        with pytest.raises(Refused):
            await canaries.doubt(conn, chosen.account.account_id, minutes(6))
        assert await canaries.choose(conn, X, "", [FOUND], minutes(6)) == []
        other = [("950", "found", Status.SUSPENDED)]
        assert len(await canaries.choose(conn, X, "", other, minutes(7))) == 1
        assert await names(conn) == [("found", Status.SUSPENDED, "", Origin.CHOSEN)]


@pytest.mark.parametrize(
    ("state", "since", "listed", "offered"),
    [
        pytest.param(SUSPENDED, 0, False, True, id="long suspended and on no list"),
        pytest.param(SUSPENDED, 0, True, False, id="on a list"),
        pytest.param(SUSPENDED, 90, False, False, id="suspended lately"),
        pytest.param(AVAILABLE, 0, False, False, id="not suspended"),
    ],
)
async def test_a_known_suspended_control_account_is_taken_from_those_that_nobody_watches(
    pool: Pool, state: State, since: float, listed: bool, offered: bool
) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"], ("List",) if listed else ())
        roster = await roster_of(conn, [one])
        await become(conn, roster, one, None, state, minutes(since))
        before = T0 + timedelta(hours=1)
        assert await canaries.unlisted_suspended(conn, X, before, 5) == []
        await stop_watching(conn, X, "h1", minutes(95))
        found = await canaries.unlisted_suspended(conn, X, before, 5)
        assert [a.native_id for a in found] == (["1"] if offered else [])
        await canaries.choose(conn, X, "", [("1", "h1", Status.SUSPENDED)], T0)
        assert await canaries.unlisted_suspended(conn, X, before, 5) == []
