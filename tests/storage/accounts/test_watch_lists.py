"""What people write about accounts and lists: what it does to each account, and that it is in the log."""

from datetime import datetime

import pytest

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching, watch_periods, watch_version
from storage.accounts.canaries import set_canaries
from storage.accounts.evidence_retention import ORDER_DAYS, list_rules
from storage.accounts.list_thresholds import (
    load_threshold_history,
    newest_thresholds,
    set_list_thresholds,
)
from storage.accounts.listing import on_file
from storage.accounts.notes import LONGEST, add_note, notes_of, withdraw_note
from storage.accounts.paged_accounts import AccountFilter, accounts_page
from storage.accounts.tags import edit_tags
from storage.accounts.watch_lists import (
    archive_list,
    keep_evidence,
    list_row,
    make_list,
    move_accounts,
    put_accounts_on,
    rename_list,
    take_accounts_off,
)
from storage.accounts.watching import stop_watching_many, watch_again
from storage.alerts.rules import keep_to_settings
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.accounts import ListId, WatchPeriod
from storage.model.core.availability import Status
from storage.model.core.list_thresholds import ListThresholds
from storage.model.core.orders import NameOutcome, NewName, NewOrder
from storage.model.tables.tag_and_list_edits import EditOutcome, tags_fault
from storage.orders.name_edits import add_names
from storage.orders.orders import add_order
from storage.postgres.audit_log import acts
from storage.postgres.pool import Conn, Pool, Refused, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import enlist

DONE, UNCHANGED = EditOutcome.DONE, EditOutcome.UNCHANGED


async def _told(conn: Conn) -> list[tuple[str, str, str, dict[str, object]]]:
    return [(a.actor, a.action, a.subject, dict(a.detail)) for a in reversed(await acts(conn, 50))]


async def test_the_last_tag_can_be_taken_away(pool: Pool) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"])
        await edit_tags(conn, [one.account_id], ["press", "farm"], [], "Asha", T0)
        (told,) = await edit_tags(conn, [one.account_id], [], ["press", "farm"], "Asha", T0)

    assert (told.outcome, told.tags) == (DONE, ())


async def test_accounts_join_and_leave_a_list_once_and_dashboards_hear_of_it(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"])
        list_id = await make_list(conn, "Farmers", "Asha", T0)
        before = (await watch_version(conn, 0)).number

        ids = [one.account_id, two.account_id, 999]
        first = await put_accounts_on(conn, "Farmers", ids, "Asha", minutes(1))
        again = await put_accounts_on(conn, "Farmers", ids[:1], "Asha", minutes(2))
        heard = (await watch_version(conn, 0)).number
        gone = await take_accounts_off(conn, "Farmers", ids[1:], "Ravi", minutes(3))

        assert [t.outcome for t in first] == [DONE, DONE, EditOutcome.UNKNOWN_ACCOUNT]
        assert [t.outcome for t in again] == [UNCHANGED]
        assert [t.outcome for t in gone] == [DONE, EditOutcome.UNKNOWN_ACCOUNT]
        assert await _members(conn) == [one.account_id]
        assert heard == before + 1
        assert (await watch_version(conn, 0)).number == heard + 1
        assert await _told(conn) == [
            ("Asha", "list made", "list Farmers", {"list": list_id}),
            ("Asha", "accounts put on a list", "list Farmers", {"list": list_id, "accounts": ids[:2]}),
            ("Ravi", "accounts taken off a list", "list Farmers", {"list": list_id, "accounts": [ids[1]]}),
        ]


async def test_an_archived_list_keeps_its_accounts_and_takes_no_new_ones(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"])
        list_id = await make_list(conn, "Farmers", "Asha", T0)
        await put_accounts_on(conn, "Farmers", [one.account_id], "Asha", T0)

        assert await archive_list(conn, "Farmers", "Ravi", minutes(1), archived=True)
        assert not await archive_list(conn, "Farmers", "Ravi", minutes(2), archived=True)
        assert (await _told(conn))[2:] == [("Ravi", "list archived", "list Farmers", {"list": list_id})]
        with pytest.raises(Refused, match="'Farmers' is archived"):
            await put_accounts_on(conn, "Farmers", [two.account_id], "Asha", minutes(3))
        with pytest.raises(Refused, match="'Farmers' is archived"):
            await enlist(conn, X, ["3"], ("Farmers",))
        assert await _members(conn) == [one.account_id]

        assert await archive_list(conn, "Farmers", "Ravi", minutes(4), archived=False)
        await put_accounts_on(conn, "Farmers", [two.account_id], "Asha", minutes(5))
        assert await _members(conn) == [one.account_id, two.account_id]


async def test_the_list_of_an_order_is_not_archived_and_an_archived_one_that_becomes_it_is_in_use(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        await make_list(conn, "Farmers", "Asha", T0)
        await archive_list(conn, "Farmers", "Asha", T0, archived=True)
        order = NewOrder("R 1", "Order", "MeitY", "IN", "69A", T0, None, None, None, 2, "Farmers", T0)
        await add_order(conn, order, T0)
        assert await conn.fetchval("select archived_at from watch_list") is None
        with pytest.raises(Refused, match="'Farmers' belongs to an order, so it cannot be archived"):
            await archive_list(conn, "Farmers", "Asha", T0, archived=True)


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


async def test_accounts_move_from_one_list_to_another_in_one_step_and_back(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two, three, both = await enlist(conn, X, ["1", "2", "3", "4"], ("Farmers",))
        (elsewhere,) = await enlist(conn, X, ["5"])
        await make_list(conn, "Desk", "Asha", T0)
        await put_accounts_on(conn, "Desk", [three.account_id, both.account_id], "Asha", minutes(1))
        await take_accounts_off(conn, "Farmers", [three.account_id], "Asha", minutes(1))
        ids = [a.account_id for a in (one, two, three, both, elsewhere)]
        logged = len(await _told(conn))
        moved = await move_accounts(conn, "Farmers", "Desk", [*ids, 999], "Asha", minutes(2))
        assert [m.outcome for m in moved] == [
            DONE,
            DONE,
            UNCHANGED,
            EditOutcome.ON_BOTH_LISTS,
            EditOutcome.NOT_ON_LIST,
            EditOutcome.UNKNOWN_ACCOUNT,
        ]
        assert [(told[1], told[2], told[3]["accounts"]) for told in (await _told(conn))[logged:]] == [
            ("accounts taken off a list", "list Farmers", ids[:2]),
            ("accounts put on a list", "list Desk", ids[:2]),
        ]
        on_desk = "select count(*) from watch_list_member join watch_list using (list_id) where name = $1"
        assert await conn.fetchval(on_desk, "Desk") == 4
        back = await move_accounts(conn, "Desk", "Farmers", ids[:2], "Asha", minutes(3))
        assert [m.outcome for m in back] == [DONE, DONE]
        assert (await conn.fetchval(on_desk, "Desk"), await conn.fetchval(on_desk, "Farmers")) == (2, 3)


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


async def test_how_long_evidence_is_kept_is_logged_with_what_held_before(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await make_list(conn, "Farmers", "Asha", T0)
        await keep_evidence(conn, "Farmers", 365, "Asha", T0)
        await keep_evidence(conn, "Farmers", 365, "Ravi", T0)
        (rule,) = await list_rules(conn)

        assert rule.keep_days == 365
        assert (await _told(conn))[1:] == [
            ("Asha", "evidence of a list kept", "list Farmers", {"before": None, "days": 365})
        ]


async def test_the_evidence_of_an_orders_list_is_kept_long_enough(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await enlist(conn, X, ["1"], ("Farmers",))
        order = NewOrder("R 1", "Order", "MeitY", "IN", "69A", T0, None, None, None, 2, "Farmers", T0)
        await add_order(conn, order, T0)
        with pytest.raises(Refused, match=f"kept at least {ORDER_DAYS} days"):
            await keep_evidence(conn, "Farmers", 30, "Asha", T0)


def test_an_edit_of_tags_has_to_say_something_that_is_possible() -> None:
    assert tags_fault(["press"], ["farm"]) is None
    assert tags_fault(["press"], ["press"]) == "A tag cannot be added and removed at once: press."
    assert tags_fault([], []) == "Name a tag to add or to remove."
    assert (tags_fault(["a,b"], []) or "").startswith("Tag 'a,b' holds a comma")


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


async def test_thresholds_hold_a_minute_later_and_the_log_has_them(pool: Pool) -> None:
    async with transaction(pool) as conn:
        desk = ListId(await make_list(conn, "Desk", "Asha", minutes(0)))
        assert await set_list_thresholds(conn, "Desk", OWN, "Asha", minutes(10))
        assert not await set_list_thresholds(conn, "Desk", OWN, "Asha", minutes(20))
        assert await set_list_thresholds(conn, "Desk", None, "Ravi", minutes(30))

        history = await load_threshold_history(conn)
        held = [history.of([desk], minutes(m))[0] for m in (10.9, 11, 30.9, 31)]
        assert held == [None, OWN, OWN, None]
        assert await newest_thresholds(conn, desk) is None
        row = await list_row(conn, desk)
        assert row is not None
        assert row.thresholds is None
        logged = [(a.actor, a.action, a.subject, a.detail["thresholds"]) for a in await acts(conn, 2)]
    assert logged == [
        ("Ravi", "thresholds of a list set", "list Desk", None),
        ("Asha", "thresholds of a list set", "list Desk", {"strong": 3, "weak": 5}),
    ]


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
