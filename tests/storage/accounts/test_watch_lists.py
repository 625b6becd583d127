"""What people write about accounts and lists: what it does to each account, and that it is in the log."""

from datetime import datetime

import pytest

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching, watch_periods
from storage.accounts.canaries import set_canaries
from storage.accounts.evidence_retention import ORDER_DAYS, list_rules
from storage.accounts.list_thresholds import (
    set_list_thresholds,
)
from storage.accounts.listing import on_file
from storage.accounts.notes import LONGEST, add_note, notes_of, withdraw_note
from storage.accounts.paged_accounts import AccountFilter, accounts_page
from storage.accounts.watch_lists import (
    archive_list,
    keep_evidence,
    make_list,
    move_accounts,
    put_accounts_on,
    rename_list,
    take_accounts_off,
)
from storage.accounts.watching import stop_watching_many, watch_again
from storage.alerts.rules import keep_to_settings
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.accounts import WatchPeriod
from storage.model.core.availability import Status
from storage.model.core.list_thresholds import ListThresholds
from storage.model.core.orders import NameOutcome, NewName, NewOrder
from storage.model.tables.tag_and_list_edits import EditOutcome
from storage.orders.name_edits import add_names
from storage.orders.orders import add_order
from storage.postgres.audit_log import acts
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import enlist

DONE, UNCHANGED = EditOutcome.DONE, EditOutcome.UNCHANGED


async def test_a_control_account_is_put_on_no_list(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await set_canaries(conn, X, [("77", "control", Status.AVAILABLE)], T0)
        control = await conn.fetchval("select account_id from canary")
        await make_list(conn, "Farmers", "Asha", T0)
        (told,) = await put_accounts_on(conn, "Farmers", [control], "Asha", T0)

        assert told.outcome is EditOutcome.CONTROL_ACCOUNT
        assert await _members(conn) == []


async def test_whom_an_order_names_stays_on_its_list(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"], ("Farmers",))
        order = NewOrder("R 1", "Order", "MeitY", "IN", "69A", T0, None, None, None, 2, "Farmers", T0)
        await add_order(conn, order, T0)
        order_id = await conn.fetchval("select order_id from legal_order")
        name = NewName("@h1", X, "h1", None, NameOutcome.RESOLVED, one.account_id, note="", source="order")
        await add_names(conn, order_id, [name], T0)
        told = await take_accounts_off(conn, "Farmers", [one.account_id, two.account_id], "Asha", T0)

        assert [t.outcome for t in told] == [EditOutcome.NAMED_BY_ORDER, DONE]
        assert await _members(conn) == [one.account_id]


async def test_a_move_is_refused_whole_for_one_list_twice_an_archived_one_and_one_that_is_not_there(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"], ("Farmers",))
        await make_list(conn, "Old", "Asha", T0)
        await archive_list(conn, "Old", "Asha", T0, archived=True)
        for to, sentence in (
            ("Farmers", "Choose two different lists."),
            ("FARMERS", "Choose two different lists."),
            ("Old", "'Old' is archived"),
            ("None", "There is no list 'None'"),
        ):
            with pytest.raises(Refused, match=sentence):
                await move_accounts(conn, "Farmers", to, [one.account_id], "Asha", minutes(1))


async def test_there_are_no_two_lists_of_one_name_and_none_is_made_by_an_edit(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await make_list(conn, "Farmers", "Asha", T0)
        with pytest.raises(Refused, match="The list 'Farmers' already exists"):
            await make_list(conn, "Farmers", "Asha", T0)
        with pytest.raises(Refused, match="There is no list 'farmrs': did you mean 'Farmers'"):
            await put_accounts_on(conn, "farmrs", [1], "Asha", T0)
        await put_accounts_on(conn, "FARMERS", [1], "Asha", T0)
        with pytest.raises(Refused, match="There is no list 'Nobody'"):
            await take_accounts_off(conn, "Nobody", [1], "Asha", T0)


async def test_the_evidence_of_an_orders_list_is_kept_long_enough(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await enlist(conn, X, ["1"], ("Farmers",))
        order = NewOrder("R 1", "Order", "MeitY", "IN", "69A", T0, None, None, None, 2, "Farmers", T0)
        await add_order(conn, order, T0)
        with pytest.raises(Refused, match=f"kept at least {ORDER_DAYS} days"):
            await keep_evidence(conn, "Farmers", 30, "Asha", T0)


async def _members(conn: Conn) -> list[int]:
    rows = await accounts_page(conn, AccountFilter(list_name="Farmers"), minutes(9), 0, 100)
    return [r.account_id for r in rows]


async def test_a_list_is_renamed_and_the_rules_with_its_old_name_are_named(pool: Pool) -> None:
    rule = AlertRule(("desk@example.org",), match=Match(lists=frozenset({"Desk"})), name="Night")
    async with transaction(pool) as conn:
        await make_list(conn, "Desk", "Asha", T0)
        await make_list(conn, "Other", "Asha", T0)
        await keep_to_settings(conn, [rule], T0)
        named = await rename_list(conn, "desk", "News", "Ravi", minutes(1))  # in any letters
        assert await rename_list(conn, "News", "News", "Ravi", minutes(2)) == ()
        with pytest.raises(Refused, match="The list 'Other' already exists"):
            await rename_list(conn, "News", "Other", "Ravi", minutes(3))
        (entry,) = [act for act in await acts(conn, 9) if act.action == "list renamed"]
        rules = await list_rules(conn)
    assert named == ("Night",)
    assert (entry.actor, entry.subject, entry.detail["before"]) == ("Ravi", "list News", "Desk")
    assert [r.name for r in rules] == ["News", "Other"]


async def test_an_account_keeps_its_lists_and_its_periods(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"], ("Desk",))
        ids = [one.account_id, two.account_id, 999]
        stopped = await stop_watching_many(conn, ids, "Asha", minutes(5))
        again = await watch_again(conn, [one.account_id, one.account_id], "Asha", minutes(9))
        periods = await watch_periods(conn, [one.account_id])
        stored = await on_file(conn, X, ["1", "2"])
    assert [e.outcome for e in stopped] == [EditOutcome.DONE, EditOutcome.DONE, EditOutcome.UNKNOWN_ACCOUNT]
    assert [e.outcome for e in again] == [EditOutcome.DONE]
    assert periods[one.account_id] == (WatchPeriod(T0, minutes(5)), WatchPeriod(minutes(9), None))
    assert {i: (a.watched, a.lists) for i, a in stored.items()} == {
        "1": (True, ("Desk",)),
        "2": (False, ("Desk",)),
    }


async def test_a_control_account_and_one_that_was_purged_whole_are_not_watched(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await set_canaries(conn, X, [("9", "steady", Status.AVAILABLE)], T0)
        control = (await on_file(conn, X, ["9"]))["9"].account_id
        (one,) = await enlist(conn, X, ["1"])
        await purge_account(conn, one.account_id, minutes(1), whole=True)
        edited = await watch_again(conn, [control, one.account_id], "Asha", minutes(2))
    assert [e.outcome for e in edited] == [EditOutcome.CONTROL_ACCOUNT, EditOutcome.UNKNOWN_ACCOUNT]


OWN = ListThresholds(3, 5)


async def test_thresholds_of_an_unknown_list_are_refused_with_the_names(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await make_list(conn, "Desk", "Asha", minutes(0))
        with pytest.raises(Refused, match="There is no list 'Dask'"):
            await set_list_thresholds(conn, "Dask", OWN, "Asha", minutes(1))


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


async def test_an_account_that_left_a_list_and_joined_it_again_has_two_memberships(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"], ("List",))
        await take_accounts_off(conn, "List", [one.account_id], "Asha", minutes(5))
        await put_accounts_on(conn, "List", [one.account_id], "Asha", minutes(9))

        assert await memberships_of(conn, one.account_id) == [
            ("List", T0, minutes(5)),
            ("List", minutes(9), None),
        ]


@pytest.mark.parametrize(
    ("text", "account_id", "why"),
    [
        pytest.param(" \n", 1, "The note is empty.", id="nothing is no note"),
        pytest.param("x" * (LONGEST + 1), 1, "4,001 characters", id="a note has an end"),
        pytest.param("text", 999, "no account with the number 999", id="a note is about an account"),
    ],
)
async def test_what_is_no_note_is_refused(pool: Pool, text: str, account_id: int, why: str) -> None:
    async with transaction(pool) as conn:
        await enlist(conn, X, ["1"])
        with pytest.raises(Refused, match=why):
            await add_note(conn, account_id, text, "ada", minutes(1))
        assert await conn.fetchval("select count(*) from audit_log") == 0


async def test_a_note_is_withdrawn_once(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        note = await add_note(conn, one.account_id, "text", "ada", minutes(1))
        await withdraw_note(conn, note, "ada", minutes(2))
        with pytest.raises(Refused, match="already withdrawn"):
            await withdraw_note(conn, note, "ada", minutes(3))


async def test_a_purge_empties_the_notes_and_a_whole_one_removes_them(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"])
        for account in (one, two):
            await add_note(conn, account.account_id, "@ada lives in", "ada", minutes(1))
        await purge_account(conn, one.account_id, minutes(2))
        await purge_account(conn, two.account_id, minutes(2), whole=True)
        assert [(n.text, n.written_by) for n in await notes_of(conn, one.account_id)] == [("", "ada")]
        assert await notes_of(conn, two.account_id) == []
