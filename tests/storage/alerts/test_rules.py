"""Rules as people edit them: added under a name of their own, changed as they were seen, and put in order."""

import re
from dataclasses import replace

import pytest

from storage.accounts.watch_lists import archive_list
from storage.alerts.rules import (
    add_rule,
    change_rule,
    enable_rule,
    keep_to_settings,
    load_rules,
    move_rule,
    names_for_rules,
    remove_rule,
    save_rule,
)
from storage.model.alerts.rules import AlertRule
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, Refused, transaction
from tests.support.samples.readings import T0, minutes

DESK = AlertRule(("desk@example.org",), name="Desk")
OTHER = replace(DESK, recipients=("other@example.org",))


async def names(pool: Pool) -> list[str]:
    async with transaction(pool) as conn:
        return [s.rule.name for s in await load_rules(conn)]


async def test_a_rule_is_added_only_under_a_free_name(pool: Pool) -> None:
    async with transaction(pool) as conn:
        stored = await add_rule(conn, DESK, "ada", T0)
        assert (stored.rule, stored.enabled, stored.from_settings) == (DESK, True, False)
        with pytest.raises(Refused, match=re.escape("There is a rule 'Desk' already. Choose another name.")):
            await add_rule(conn, OTHER, "ada", T0)
        await remove_rule(conn, "Desk", "ada", T0)
        again = await add_rule(conn, OTHER, "ada", T0)
    assert again.rule_id != stored.rule_id


async def test_a_rule_is_changed_as_it_was_seen_and_stays_off(pool: Pool) -> None:
    async with transaction(pool) as conn:
        number = (await add_rule(conn, DESK, "ada", T0)).rule_id
        await enable_rule(conn, "Desk", "ada", T0, enabled=False)
        assert await change_rule(conn, number, DESK, OTHER, "ada", minutes(1))
        assert not await change_rule(conn, number, OTHER, OTHER, "ada", minutes(2))
        (stored,) = await load_rules(conn)
        newest = (await acts(conn, 1))[0]
    assert (stored.rule, stored.enabled, stored.rule_id) == (OTHER, False, number)
    assert (newest.action, newest.actor) == ("rule changed", "ada")


async def test_what_somebody_else_changed_meanwhile_is_not_overwritten(pool: Pool) -> None:
    third = replace(DESK, recipients=("third@example.org",))
    async with transaction(pool) as conn:
        number = (await add_rule(conn, DESK, "ada", T0)).rule_id
        await save_rule(conn, OTHER, "eve", T0)
        with pytest.raises(Refused, match="was changed by somebody else meanwhile"):
            await change_rule(conn, number, DESK, third, "ada", minutes(1))
        with pytest.raises(Refused, match="The name of a stored rule stays: 'Desk'"):
            await change_rule(conn, number, OTHER, replace(OTHER, name="New"), "ada", minutes(1))
        await remove_rule(conn, "Desk", "eve", minutes(2))
        with pytest.raises(Refused, match="was removed meanwhile"):
            await change_rule(conn, number, OTHER, third, "ada", minutes(3))


async def test_a_rule_of_the_settings_is_neither_changed_nor_moved(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await keep_to_settings(conn, [DESK], T0)
        (stored,) = await load_rules(conn)
        with pytest.raises(Refused, match="is defined in the settings"):
            await change_rule(conn, stored.rule_id, DESK, OTHER, "ada", T0)
        with pytest.raises(Refused, match="is defined in the settings"):
            await move_rule(conn, "Desk", "ada", T0, up=True)
        with pytest.raises(Refused, match="There is no rule 'gone'"):
            await move_rule(conn, "gone", "ada", T0, up=True)


async def test_rules_made_by_hand_move_past_each_other_and_stay_behind_the_settings(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await keep_to_settings(conn, [replace(DESK, name="settings")], T0)
        for name in ("a", "b", "c"):
            await add_rule(conn, replace(DESK, name=name), "ada", T0)
    for name, up, moved, order in (
        ("c", True, True, ["a", "c", "b"]),
        ("a", True, False, ["a", "c", "b"]),
        ("a", False, True, ["c", "a", "b"]),
        ("b", False, False, ["c", "a", "b"]),
    ):
        async with transaction(pool) as conn:
            assert await move_rule(conn, name, "ada", minutes(1), up=up) is moved
        assert await names(pool) == ["settings", *order]
    async with transaction(pool) as conn:
        ordered = [a for a in await acts(conn, 10) if a.action == "rules ordered"]
    assert len(ordered) == 2


async def test_what_rules_can_name_is_lists_and_orders(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await names_for_rules(conn) == ([], [], [])
        await conn.execute("insert into watch_list (name, created_at) values ('b', $1), ('a', $1)", T0)
        assert await names_for_rules(conn) == (["a", "b"], [], [])
        await archive_list(conn, "a", "Ada", T0, archived=True)
        assert await names_for_rules(conn) == (["b"], ["a"], [])
