"""Deliveries: which mails an address asks for, page by page, by which rule, and who took them on."""

from dashboard.auth.access import acting_as
from dashboard.server.routing import asked
from storage.alerts.threads import acknowledge
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import said
from tests.support.seeds.alerts import Played
from tests.support.servers.dashboard import SETTINGS, page_of


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
