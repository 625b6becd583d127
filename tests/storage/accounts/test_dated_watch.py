"""Who was watched, and who was on a list, stays stored with its times when it has ended."""

from datetime import datetime

import pytest

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching, watch_periods
from storage.accounts.listing import listed_accounts
from storage.accounts.watch_lists import put_accounts_on, take_accounts_off
from storage.alerts import rule_scope_report
from storage.alerts.open_alerts import standing, timeline
from storage.model.alerts.rules import Match
from storage.model.core.accounts import ListId, TargetKind, WatchPeriod
from storage.orders.name_edits import add_unwatched
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import SUSPENDED, T0, minutes
from tests.support.seeds.changes import account, become, enlist, roster_of


async def memberships_of(conn: Conn, account_id: int) -> list[tuple[str, datetime, datetime | None]]:
    rows = await conn.fetch(
        """
        select l.name, m.added_at, m.removed_at from membership m join watch_list l using (list_id)
        where m.account_id = $1 order by membership_id
        """,
        account_id,
    )
    return [tuple(r) for r in rows]


async def test_each_time_that_an_account_is_watched_has_its_begin_and_its_end(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        assert await watch_periods(conn, [one.account_id]) == {one.account_id: (WatchPeriod(T0, None),)}
        await stop_watching(conn, X, "1", minutes(5), is_id=True)
        for at in (minutes(9), minutes(10)):
            await add_accounts(conn, [NewAccount(X, "1", "h1")], at)

        assert await watch_periods(conn, [one.account_id]) == {
            one.account_id: (WatchPeriod(T0, minutes(5)), WatchPeriod(minutes(9), None))
        }


async def test_an_account_that_was_only_stored_is_watched_from_when_it_was_added(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await add_unwatched(conn, X, "1", "h1", T0)
        one = await account(conn, X, "1")
        assert await watch_periods(conn, [one.account_id]) == {}
        await add_accounts(conn, [NewAccount(X, "1", "h1")], minutes(3))

        assert await watch_periods(conn, [one.account_id]) == {
            one.account_id: (WatchPeriod(minutes(3), None),)
        }


async def test_a_clock_that_was_set_back_ends_nothing_before_it_began(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"], ("List",))
        await take_accounts_off(conn, "List", [one.account_id], "Asha", minutes(-5))
        await stop_watching(conn, X, "1", minutes(-5), is_id=True)
        await add_accounts(conn, [NewAccount(X, "1", "h1")], minutes(-5))

        assert await memberships_of(conn, one.account_id) == [("List", T0, T0)]
        assert await watch_periods(conn, [one.account_id]) == {
            one.account_id: (WatchPeriod(T0, T0), WatchPeriod(T0, None))
        }


async def test_an_account_that_left_a_list_and_joined_it_again_has_two_memberships(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"], ("List",))
        await take_accounts_off(conn, "List", [one.account_id], "Asha", minutes(5))
        await put_accounts_on(conn, "List", [one.account_id], "Asha", minutes(9))

        assert await memberships_of(conn, one.account_id) == [
            ("List", T0, minutes(5)),
            ("List", minutes(9), None),
        ]


async def test_an_edit_counts_from_what_was_recorded_last_on_whatever_its_clock_shows(pool: Pool) -> None:
    """Nothing is put into a past that was shown already."""
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"], ("List",))
        await become(conn, await roster_of(conn, [one, two]), one, None, SUSPENDED, minutes(60))
        await take_accounts_off(conn, "List", [one.account_id], "Asha", minutes(30))
        await put_accounts_on(conn, "List", [one.account_id], "Asha", minutes(30))
        await stop_watching(conn, X, "2", minutes(30), is_id=True)
        await add_accounts(conn, [NewAccount(X, i, i, ("List",)) for i in ("2", "3")], minutes(30))
        three = await account(conn, X, "3")

        assert await memberships_of(conn, one.account_id) == [
            ("List", T0, minutes(60)),
            ("List", minutes(60), None),
        ]
        assert await watch_periods(conn, [two.account_id, three.account_id]) == {
            two.account_id: (WatchPeriod(T0, minutes(60)), WatchPeriod(minutes(60), None)),
            three.account_id: (WatchPeriod(minutes(60), None),),
        }
        assert await memberships_of(conn, three.account_id) == [("List", minutes(60), None)]


async def test_a_purge_ends_the_watch_and_a_whole_purge_leaves_no_trace_of_it(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"], ("List",))
        await purge_account(conn, one.account_id, minutes(5))
        await purge_account(conn, two.account_id, minutes(5), whole=True)
        await add_accounts(conn, [NewAccount(X, "2", "h2")], minutes(9))
        again = await account(conn, X, "2")

        assert await watch_periods(conn, [one.account_id, two.account_id, again.account_id]) == {
            one.account_id: (WatchPeriod(T0, minutes(5)),),
            again.account_id: (WatchPeriod(minutes(9), None),),
        }
        assert await memberships_of(conn, one.account_id) == [("List", T0, None)]
        assert await memberships_of(conn, two.account_id) == []


@pytest.mark.parametrize(
    "command",
    [
        "update membership set removed_at = removed_at + interval '1 minute'",
        "update membership set removed_at = null",
        "update membership set added_at = added_at - interval '1 minute'",
        "update watch_period set until = null",
        "update watch_period set since = since - interval '1 minute'",
    ],
)
async def test_what_has_ended_can_not_be_rewritten(pool: Pool, command: str) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"], ("List",))
        await take_accounts_off(conn, "List", [one.account_id], "Asha", minutes(5))
        await stop_watching(conn, X, "1", minutes(5), is_id=True)
    with pytest.raises(Refused, match="a row ends once"):
        async with transaction(pool) as conn:
            await conn.execute(command)


async def test_the_listing_of_accounts_as_known_at_a_time_follows_no_later_edit(pool: Pool) -> None:
    async with transaction(pool) as conn:
        _, two = await enlist(conn, X, ["1", "2"], ("List",))
        asked = [(name, known) for name in (None, "List") for known in (minutes(4), minutes(5))]
        before = [await listed_accounts(conn, name, minutes(3), known) for name, known in asked]
        await take_accounts_off(conn, "List", [two.account_id], "Asha", minutes(6))
        await stop_watching(conn, X, "1", minutes(6), is_id=True)
        await add_accounts(conn, [NewAccount(X, "3", "h3", ("List",))], minutes(6))

        assert [await listed_accounts(conn, name, minutes(3), known) for name, known in asked] == before
        now = await listed_accounts(conn, None, minutes(7), minutes(7))
        on_list = await listed_accounts(conn, "List", minutes(7), minutes(7))
        assert [(a.handle, a.lists) for a in now] == [("h2", ()), ("h3", ("List",))]
        assert [(a.handle, a.watched) for a in on_list] == [("h1", False), ("h3", True)]


async def test_what_a_rule_is_about_and_how_its_list_stood_are_of_the_end_of_the_digest(pool: Pool) -> None:
    """The mail is written later, when accounts may have left the watch or the list."""
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"], ("List",))
        list_id = ListId(await conn.fetchval("select list_id from watch_list"))
        rule, end = Match(lists=frozenset({"List"})), minutes(5)

        async def told() -> tuple[object, ...]:
            return (
                await rule_scope_report.watched(conn, rule, end),
                await rule_scope_report.cohorts(conn, Match(), [one.account_id, two.account_id], end),
                await standing(conn, list_id, end),
                await timeline(conn, list_id, T0, end),
            )

        roster = await roster_of(conn, [one, two])
        await become(conn, roster, one, None, SUSPENDED, minutes(1))
        before = await told()
        await take_accounts_off(conn, "List", [one.account_id, two.account_id], "Asha", minutes(6))
        await stop_watching(conn, X, "1", minutes(6), is_id=True)
        await add_accounts(conn, [NewAccount(X, "3", "h3", ("List",))], minutes(6))

        assert await told() == before
        assert len(await rule_scope_report.watched(conn, rule, minutes(7))) == 1


@pytest.mark.parametrize(
    ("targets", "found"),
    [
        pytest.param([], ["7", "post:8"], id="accounts and posts, unless the rule names one of them"),
        pytest.param([TargetKind.ACCOUNTS], ["7"], id="accounts alone"),
        pytest.param([TargetKind.POSTS], ["post:8"], id="posts alone"),
        pytest.param(list(TargetKind), ["7", "post:8"], id="both by name"),
    ],
)
async def test_a_rule_about_one_kind_has_no_other_in_its_scope(
    pool: Pool, targets: list[TargetKind], found: list[str]
) -> None:
    async with transaction(pool) as conn:
        new = [NewAccount(X, "7", "alice"), NewAccount(X, "post:8", "alice/8")]
        await add_accounts(conn, new, T0)
        ids = {(await account(conn, X, a.native_id)).account_id: a.native_id for a in new}
        scope = await rule_scope_report.watched(conn, Match(targets=frozenset(targets)), minutes(1))
    assert [ids[one.account_id] for one in scope] == found
    assert [one.is_post for one in scope] == [name.startswith("post:") for name in found]
