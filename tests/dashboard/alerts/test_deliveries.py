"""Deliveries: which mails an address asks for, page by page, by which rule, and who took them on."""

from datetime import timedelta

import pytest

from dashboard.alerts.deliveries import PAGE, Chosen, chosen_of
from dashboard.auth.access import acting_as
from dashboard.server.routing import asked
from storage.alerts.deliveries_report import DeliveryFilter, choices, deliveries
from storage.alerts.threads import acknowledge
from storage.alerts.threads_report import taken_stories
from storage.model.alerts.alerts import MailKind, MailState
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import said
from tests.support.seeds.alerts import DESK, NIGHT, Played
from tests.support.servers.dashboard import SETTINGS, page_of

NONE = Chosen()


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        pytest.param("", NONE, id="nothing"),
        pytest.param(
            "?state=dead&to=a%40b.org&rule=Night+desk&range=7d&before=12",
            Chosen(MailState.DEAD, "a@b.org", "Night desk", "7d", 12),
            id="everything",
        ),
        pytest.param("?state=lost&range=1h&before=-1", NONE, id="what is not known chooses nothing"),
        pytest.param("?before=9999999999999999999", NONE, id="a number that no mail has"),
        pytest.param("?before=%D9%A3", NONE, id="digits of another script"),
    ],
)
def test_what_an_address_chooses(search: str, expected: Chosen) -> None:
    assert chosen_of(asked(search)) == expected


async def test_deliveries_are_found_by_state_recipient_rule_and_time(pool: Pool, played: Played) -> None:
    async with transaction(pool) as conn:
        every = await deliveries(conn, DeliveryFilter(), 1_000)
        dead = await deliveries(conn, DeliveryFilter(state=MailState.DEAD), 10)
        desk = await deliveries(conn, DeliveryFilter(recipient=DESK), 1_000)
        night = await deliveries(conn, DeliveryFilter(rule="Night desk"), 1_000)
        board = await deliveries(conn, DeliveryFilter(rule="Board"), 1_000)
        late = await deliveries(conn, DeliveryFilter(since=played.now + timedelta(seconds=1)), 10)
        known = await choices(conn)
    numbers = [d.mail.mail_id for d in every]
    assert numbers == sorted(numbers, reverse=True)
    assert [d.mail.mail_id for d in dead] == [played.dead_mail]
    assert desk
    assert desk == [d for d in every if d.mail.recipients == (DESK,)]
    assert night == [d for d in every if "Night desk" in d.rules]
    assert {d.mail.recipients for d in board} == {("board@example.org",)}
    assert {d.mail.kind for d in board} == {MailKind.DIGEST}
    assert late == []
    assert {DESK, NIGHT, "board@example.org"} <= set(known.recipients)
    assert known.rules == ("Board", "Night desk", "Old", "recipients")


async def test_pages_show_each_mail_once_while_more_are_written(pool: Pool, played: Played) -> None:
    async with transaction(pool) as conn:
        before = [d.mail.mail_id for d in await deliveries(conn, DeliveryFilter(), 1_000)]
        seen: list[int] = []
        last: int | None = None
        while found := await deliveries(conn, DeliveryFilter(before=last), 4):
            seen += [d.mail.mail_id for d in found]
            last = seen[-1]
            await conn.execute(
                """
                insert into mail (
                    message_id, recipients, subject, text_body, html_body, created_at, state, kind
                )
                values ($1, '{new@example.org}', '', '', '', $2, 'sent', 'test')
                """,
                f"<{last}>",
                played.now,
            )
    assert seen == before


async def test_a_delivery_says_who_took_on_what_it_tells(pool: Pool, played: Played) -> None:
    key = played.story_keys[0]
    async with transaction(pool) as conn:
        await acknowledge(conn, key, "Ada", "mine", played.now)
        taken = [d for d in await deliveries(conn, DeliveryFilter(), 1_000) if d.acknowledged_by]
        [story] = await taken_stories(conn, 10)
        of_story = await conn.fetch(
            "select mail_id from mail join story using (story_id) where story_key = $1", key
        )
    assert {d.mail.mail_id for d in taken} == {r["mail_id"] for r in of_story}
    assert {(d.acknowledged_by, d.acknowledged_at) for d in taken} == {("Ada", played.now)}
    assert (story.story_key, story.taken_by, story.taken_at, story.note) == (key, "Ada", played.now, "mine")


async def page(pool: Pool, played: Played, path: str, search: str = "", role: Role = Role.ADMIN) -> str:
    async with transaction(pool) as conn:
        with acting_as(Actor("Ada", role)):
            return said(await page_of(conn, path, played.now, SETTINGS, "light", asked(search)))


async def test_the_page_tells_what_is_asked_for(pool: Pool, played: Played) -> None:
    dead = await page(pool, played, "/alerts/deliveries", "?state=dead")
    assert "550 no such user" in dead
    assert "Send again" in dead
    assert "○" not in dead
    assert "Send again" not in await page(pool, played, "/alerts/deliveries", "?state=dead", Role.VIEWER)
    assert "No email or message matches this filter." in await page(
        pool, played, "/alerts/deliveries", "?to=x%40example.org"
    )


async def test_a_merged_mail_is_listed_with_the_one_that_says_both(pool: Pool, played: Played) -> None:
    await pool.execute(
        "update mail set state = 'merged', merged_into = $1 + 1 where mail_id = $1", played.dead_mail
    )
    merged = await page(pool, played, "/alerts/deliveries", "?state=merged")
    assert f"email {played.dead_mail + 1} contains both" in merged
    assert "Send again" not in merged


async def test_a_page_that_is_not_the_last_leads_on_with_what_is_chosen(pool: Pool, played: Played) -> None:
    async with transaction(pool) as conn:
        await conn.execute(
            """
            insert into mail (message_id, recipients, subject, text_body, html_body, created_at, state, kind)
            select '<' || n || '>', '{new@example.org}', 'No. ' || n, '', '', $1, 'sent', 'test'
            from generate_series(1, $2::int) n
            """,
            played.now,
            PAGE + 1,
        )
        newest = await conn.fetchval("select max(mail_id) from mail")
        with acting_as(Actor("Ada", Role.ADMIN)):
            first = await page_of(
                conn, "/alerts/deliveries", played.now, SETTINGS, "light", asked("?to=new%40example.org")
            )
    assert f"/alerts/deliveries?to=new%40example.org&before={newest - PAGE + 1}" in str(
        first.to_plotly_json()
    )
    second = await page(
        pool, played, "/alerts/deliveries", f"?to=new%40example.org&before={newest - PAGE + 1}"
    )
    assert "No. 1 " in second
    assert "No. 2 " not in second
    assert "Newest" in second
    assert "Older" not in second


async def test_stories_that_were_taken_on_are_told_on_the_alerts_page(pool: Pool, played: Played) -> None:
    async with transaction(pool) as conn:
        await acknowledge(conn, played.story_keys[0], "Ada", "I call them", played.now)
    told = await page(pool, played, "/alerts")
    assert "Acknowledged by" in told
    assert "Ada 1 Feb 2021, 12:00 UTC “I call them” –" in " ".join(told.split())


async def test_the_list_of_mails_keeps_what_is_chosen_beside_the_mail_that_is_read(
    pool: Pool, played: Played
) -> None:
    async with transaction(pool) as conn:
        with acting_as(Actor("Ada", Role.ADMIN)):
            found = await page_of(conn, "/mail", played.now, SETTINGS, "light", asked("?state=dead"))
            nothing = await page_of(conn, "/mail", played.now, SETTINGS, "light", asked("?to=x&state=sent"))
    assert f"/mail/{played.dead_mail}?state=dead" in str(found.to_plotly_json())
    assert "Failed permanently after 5 attempts: 550 no such user" in said(found)
    assert "No email matches this filter. Select an email to read it." in " ".join(said(nothing).split())
