"""Rules as people edit them: added under a name of their own, changed as they were seen, and put in order."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from storage.accounts.watch_lists import archive_list
from storage.alerts import mail_queue, outbox
from storage.alerts.mail_queue import BEHIND, claim_due, next_due
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
from storage.health.maintenance_tasks_report import outbox as outbox_report
from storage.model.alerts.alerts import MailDraft, MailKind
from storage.model.alerts.rules import AlertRule
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, Refused, transaction
from tests.support.samples.alerts import blocked, queue, store, tell_by
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


MAIL_QUEUE_DESK, NIGHT, HOOK = "desk@example.org", "night@example.org", "webhook:desk"


@dataclass(frozen=True, slots=True)
class Written:
    """A mail as it is queued."""

    to: str = MAIL_QUEUE_DESK
    kind: MailKind = MailKind.WAVE
    story: int | None = None
    about: tuple[int, ...] = ()
    """Accounts."""
    state: str = "queued"
    urgent: bool = False


async def write(pool: Pool, mails: Sequence[Written]) -> None:
    """Queue these mails; their numbers begin with 1."""
    await tell_by(pool, AlertRule((MAIL_QUEUE_DESK,)))
    await store(pool, blocked(4))
    async with transaction(pool) as conn:
        await conn.execute(
            """
            insert into story (story_key, rule_id, recipients)
            select n, rule_id, '{}' from alert_rule cross join generate_series(1, 2) as n
            """
        )
        for n, mail in enumerate(mails):
            draft = MailDraft(f"<{n}@b>", mail.to, f"mail {n}", "text", "html", mail.kind, urgent=mail.urgent)
            mail_id = await outbox.queue(conn, draft, T0, mail.story, None)
            await conn.execute(
                """
                insert into mail_alert (mail_id, alert_id)
                select $1, alert_id from alert join change using (change_id) join account using (account_id)
                where native_id = any($2::text[])
                """,
                mail_id,
                [str(account) for account in mail.about],
            )
            await conn.execute("update mail set state = $2 where mail_id = $1", mail_id, mail.state)


STORY = Written(story=1)


async def test_a_mail_that_waits_says_why_and_is_neither_due_nor_overdue(pool: Pool) -> None:
    await write(pool, [STORY, STORY, Written(to=NIGHT)])
    (mine, other) = await claim_due(pool, minutes(1), 10)
    await mail_queue.mark_sent(pool, other, minutes(1))
    await mail_queue.mark_failed(pool, mine, minutes(50), "450 busy", uncertain=False)
    assert [(state, error) for state, _, _, error in await queue(pool)] == [
        ("queued", "450 busy"),
        ("queued", BEHIND),
        ("sent", None),
    ]
    assert await next_due(pool) == minutes(50)
    assert await pool.fetchval("select next_attempt_at from mail where mail_id = 2") == minutes(50)
    async with transaction(pool) as conn:
        found = await outbox_report(conn, minutes(40))
    assert (found.waiting, found.overdue, found.retry_at) == (2, 0, minutes(50))
    (mine,) = await claim_due(pool, minutes(50), 10)
    await mail_queue.mark_dead(pool, mine, "550 gone")
    (last,) = await claim_due(pool, minutes(50), 10)
    assert last.mail_id == 2


async def test_a_dead_letter_that_is_sent_again_goes_before_those_that_still_wait(pool: Pool) -> None:
    await write(pool, [replace(STORY, state="dead"), STORY])
    async with transaction(pool) as conn:
        await mail_queue.resend(conn, 1, "ada", minutes(1))
    assert [m.mail_id for m in await claim_due(pool, minutes(1), 10)] == [1]
