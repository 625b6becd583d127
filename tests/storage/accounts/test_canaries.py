"""Control accounts: named, chosen, doubted, retired and released, and never watched at the same time."""

import asyncio
from datetime import timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts import canaries
from storage.accounts.accounts import NewAccount, add_accounts, memberships, stop_watching
from storage.accounts.canaries import Origin
from storage.imports.imports import import_history
from storage.model.bitemporal.imported_records import ImportedAccount, ImportedHistory
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.postgres.pool import Conn, Pool, Refused, open_pool, transaction
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, minutes
from tests.support.seeds.changes import account, become, enlist, roster_of

STABLE = ("900", "stable", Status.AVAILABLE)
GONE = ("901", "gone", Status.SUSPENDED)
FOUND = ("950", "found", Status.AVAILABLE)


async def names(conn: Conn, platform: Platform = X) -> list[tuple[str, Status, str, Origin]]:
    return [
        (c.account.handle, c.expected, c.place, c.origin) for c in await canaries.canaries(conn, platform)
    ]


async def test_the_settings_name_control_accounts_and_their_places(pool: Pool) -> None:
    ids = [("https://a.example/users/x#1", "x@a.example", Status.AVAILABLE)]
    async with transaction(pool) as conn:
        await canaries.set_canaries(conn, MASTODON, ids, T0, lambda native_id: native_id.split("/")[2])
        assert await names(conn, MASTODON) == [
            ("x@a.example", Status.AVAILABLE, "a.example", Origin.SETTINGS)
        ]
        assert await names(conn) == []


async def test_what_the_settings_do_not_name_any_more_goes_and_what_was_chosen_stays(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await canaries.set_canaries(conn, X, [STABLE, GONE], T0)
        await canaries.choose(conn, X, "", [FOUND], T0)
        await canaries.set_canaries(conn, X, [GONE], T0)
        assert await names(conn) == [
            ("gone", Status.SUSPENDED, "", Origin.SETTINGS),
            ("found", Status.AVAILABLE, "", Origin.CHOSEN),
        ]
        await canaries.set_canaries(conn, X, [], T0)
        assert await names(conn) == [("found", Status.AVAILABLE, "", Origin.CHOSEN)]


async def test_the_settings_may_name_one_twice_or_one_that_was_chosen(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await canaries.choose(conn, X, "", [FOUND], T0)
        await canaries.set_canaries(conn, X, [FOUND, ("950", "renamed", Status.AVAILABLE)], T0)
        assert await names(conn) == [("renamed", Status.AVAILABLE, "", Origin.SETTINGS)]


async def test_nobody_is_chosen_who_is_watched_or_on_a_list_or_a_control_account_already(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await enlist(conn, X, ["1"])
        await enlist(conn, X, ["2"], ("List",))
        await stop_watching(conn, X, "h2", T0)
        await canaries.set_canaries(conn, X, [STABLE], T0)
        offered = [(i, "other", Status.AVAILABLE) for i in ("1", "2", "900", "950", "950")]
        chosen = await canaries.choose(conn, X, "", offered, T0)
        assert [(c.account.native_id, c.chosen_at, c.doubts) for c in chosen] == [("950", T0, 0)]
        assert await canaries.choose(conn, X, "", offered, minutes(1)) == []
        assert await names(conn) == [
            ("stable", Status.AVAILABLE, "", Origin.SETTINGS),
            ("other", Status.AVAILABLE, "", Origin.CHOSEN),
        ]
        assert (await account(conn, X, "1")).handle == "h1"


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


async def test_a_chosen_control_account_makes_way_for_an_import_that_lists_it(pool: Pool) -> None:
    record = ImportedHistory("record", "Record", X, (ImportedAccount("950", "found"),), (), ())
    async with transaction(pool) as conn:
        await canaries.choose(conn, X, "", [FOUND], T0)
        await import_history(conn, record, T0)
        assert await names(conn) == []


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


async def test_the_health_of_the_collector_is_announced_when_doubt_begins_and_ends(pool: Pool) -> None:
    async def told(conn: Conn) -> int:
        return await conn.fetchval("select count(*) from live_event where topic = 'collector'")

    async with transaction(pool) as conn:
        (chosen,) = await canaries.choose(conn, X, "", [FOUND], T0)
        one, before = chosen.account.account_id, await told(conn)
        await canaries.trust(conn, [one])
        assert await told(conn) == before
        await canaries.doubt(conn, one, minutes(1))
        await canaries.doubt(conn, one, minutes(2))
        assert await told(conn) == before + 1
        await canaries.trust(conn, [one])
        assert await told(conn) == before + 2


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


async def test_a_retired_control_account_of_the_settings_comes_back_when_they_expect_something_else(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        await canaries.set_canaries(conn, X, [STABLE], T0)
        (named,) = await canaries.canaries(conn, X)
        await canaries.retire(conn, named.account.account_id, minutes(5))
        await canaries.set_canaries(conn, X, [STABLE], minutes(6))
        assert await names(conn) == []
        await canaries.set_canaries(conn, X, [("900", "stable", Status.SUSPENDED)], minutes(7))
        assert await names(conn) == [("stable", Status.SUSPENDED, "", Origin.SETTINGS)]


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


async def test_an_account_that_is_chosen_while_a_user_adds_it_is_watched_and_no_control_account(
    dsn: str,
) -> None:
    async with open_pool(dsn, min_size=2) as pool:
        chosen = asyncio.Event()

        async def choose() -> None:
            async with transaction(pool) as conn:
                await canaries.choose(conn, X, "", [FOUND], T0)
                chosen.set()
                await conn.execute("select pg_sleep(0.05)")

        async def add() -> None:
            await chosen.wait()
            async with transaction(pool) as conn:
                await add_accounts(conn, [NewAccount(X, "950", "found")], T0)

        async with asyncio.TaskGroup() as group:
            group.create_task(choose())
            group.create_task(add())
        async with transaction(pool) as conn:
            assert await names(conn) == []
            assert await conn.fetchval("select watched from account where native_id = '950'")
