"""What the search box finds, and the box itself in a real browser."""

import os
from dataclasses import replace
from datetime import datetime
from typing import Any

import aiohttp
import pytest

from dashboard.auth.access import acting_as
from dashboard.ui.pages import PageAction
from storage.accounts.accounts import record_renames
from storage.accounts.handle_history import record_handles
from storage.model.core.accounts import AccountId, HandleChange
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.browser import CHROMIUM, opened
from tests.support.seeds.changes import DAY, Story
from tests.support.seeds.live_page import seed
from tests.support.servers.dashboard import SETTINGS, page_of, served


@pytest.fixture
async def story(pool: Pool, now: datetime) -> Story:
    """An account that was called old_name, and one that its platform's record calls of_record."""
    async with transaction(pool) as conn:
        story = await seed(conn, now)
        one, two = story.accounts[0][:2]
        handle = await conn.fetchval("select handle from account where account_id = $1", one)
        rename = HandleChange(AccountId(one), "old_name", handle, now - DAY, now)
        await record_renames(conn, [rename], now)
        await record_handles(conn, two, [("of_record", now - DAY)], "plc", now)
    return story


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("110000001", ["account"], id="an id of the platform"),
        pytest.param("@OLD_name", ["account"], id="a handle of before, capitals or not"),
        pytest.param("of_reco", ["account"], id="a handle of the record of its platform"),
        pytest.param("order 2", ["list", "order", "action"], id="a list and an order, and what can be done"),
        pytest.param("SYN/1", ["order"], id="an order by its reference"),
        pytest.param("ada", ["executive"], id="an executive by name"),
        pytest.param("stable_control", [], id="no control account"),
        pytest.param("%", [], id="signs of patterns are signs"),
        pytest.param("heal", ["page"], id="a page by the beginning of its title"),
        pytest.param("NEW ord", ["action"], id="an action by the beginnings of its words"),
        pytest.param("mute order 2", ["action"], id="an action on the list that is named"),
        pytest.param("a\0", [], id="what no text holds"),
    ],
)
async def test_the_box_finds_what_is_on_file(
    pool: Pool, dsn: str, story: Story, text: str, found: list[str]
) -> None:
    kinds = [one["kind"] for one in await results(pool, dsn, story, text)]
    assert [kind for kind in kinds if kind != "help"] == found


async def test_help_comes_after_what_is_stored_and_not_for_two_letters(
    pool: Pool, dsn: str, story: Story
) -> None:
    found = await results(pool, dsn, story, "order")
    kinds = [one["kind"] for one in found]
    assert kinds.count("help") == kinds[::-1].index("action") == 8
    assert {
        "kind": "help",
        "name": "Your first order",
        "more": "",
        "href": "/help/tutorial/first-order",
    } in found
    assert "help" not in [one["kind"] for one in await results(pool, dsn, story, "or")]


async def results(pool: Pool, dsn: str, story: Story, text: str) -> Any:
    async with (
        served(pool, dsn, story.now) as base,
        aiohttp.ClientSession() as session,
        session.get(f"{base}/api/search", params={"q": text}) as answer,
    ):
        return (await answer.json())["found"]


async def test_a_result_says_under_which_name_it_was_found_and_leads_there(
    pool: Pool, dsn: str, story: Story
) -> None:
    (one,) = await results(pool, dsn, story, "old_n")
    assert one["more"] == "formerly @old_name · X · 110000001"
    assert one["href"] == f"/account/{story.accounts[0][0]}"
    (listed, order, mute, *_) = await results(pool, dsn, story, "order 1")
    assert (mute["name"], mute["href"]) == (
        "Mute list Order 1 list",
        "/alerts?mute=Order%201%20list#mute",
    )
    assert (listed["more"], listed["href"]) == ("12 accounts", f"/accounts?list={story.lists[0]}&whom=all")
    assert (order["name"], order["more"]) == ("Order 1", "SYN/1")


async def test_what_begins_so_comes_before_what_holds_it(pool: Pool, dsn: str, story: Story) -> None:
    found = await results(pool, dsn, story, "110000")
    assert len(found) == 8
    number = str(story.accounts[0][1])
    (first, *_) = await results(pool, dsn, story, number)
    assert first["href"] == f"/account/{number}"


async def test_without_a_text_all_pages_and_actions_of_the_role_are_offered(
    pool: Pool, dsn: str, story: Story
) -> None:
    async def offered(role: Role) -> set[str]:
        async with (
            served(pool, dsn, story.now, replace(SETTINGS, role=role)) as base,
            aiohttp.ClientSession() as session,
            session.get(f"{base}/api/search") as answer,
        ):
            return {one["name"] for one in (await answer.json())["found"]}

    viewer, admin = await offered(Role.VIEWER), await offered(Role.ADMIN)
    assert {"Health", "Orders", "Accounts", "Lists of accounts"} <= viewer
    assert {"New order", "Add accounts", "Mute an account or a list", "New alert rule"} <= admin - viewer


async def test_an_action_opens_its_page_filled_in(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        with acting_as(Actor("Asha", Role.ADMIN)):
            query = {"mute": "Order 1 list"}
            alerts = str(await page_of(conn, "/alerts", story.now, SETTINGS, "light", query))
            add = str(await page_of(conn, "/accounts/add", story.now, SETTINGS, "light", {"names": "@a b"}))
    assert "Textarea(children='Order 1 list'" in alerts
    assert "value='@a b'" in add


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("mute list india", "india"),
        ("Mute india", "india"),
        ("mute mute", "mute"),
        ("mute", ""),
        ("india", None),
        ("", None),
    ],
)
def test_what_an_action_is_about_is_what_follows_its_words(text: str, rest: str | None) -> None:
    action = PageAction("Mute list {name}", "/alerts?mute={name}", Role.ANALYST, of_lists=True)
    assert action.rest_of(text) == rest
    assert action.named("a&b") == ("Mute list a&b", "/alerts?mute=a%26b")


needs_browser = pytest.mark.skipif(
    not CHROMIUM.exists() and os.environ.get("TEST_REQUIRE_BROWSER") != "1",
    reason=f"needs a Chromium at {CHROMIUM}; TEST_CHROMIUM names another",
)


@pytest.mark.slow
@needs_browser
async def test_the_box_is_opened_searched_and_left_by_keys_alone(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/health") as browser:
        page = browser.page
        await browser.becomes("document.querySelector('#page h1') !== null")
        await page.keyboard.press("Control+k")
        await page.get_by_role("option", name="New order").wait_for()
        box = page.get_by_role("combobox", name="Account, list, order, executive, page, action or help")
        await box.fill("order")
        await page.get_by_role("option", name="Order 2 list 20").wait_for()
        assert await box.get_attribute("aria-expanded") == "true"
        names = [await o.locator("b").inner_text() for o in await page.get_by_role("option").all()]
        for _ in names[: names.index("Order 2")]:
            await page.keyboard.press("ArrowDown")
        chosen = await box.get_attribute("aria-activedescendant")
        assert await page.locator(f"#{chosen} b").inner_text() == "Order 2"
        await page.keyboard.press("Enter")
        await page.locator("h1", has_text="Order 2").wait_for()
        assert not await page.locator("dialog.search").is_visible()
        await page.keyboard.press("Control+k")
        await box.fill("")
        await page.get_by_role("group", name="Recent").get_by_role("option", name="Order 2").wait_for()


@pytest.mark.slow
@needs_browser
async def test_on_a_phone_four_pages_stand_at_the_bottom_and_the_others_behind_more(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, opened(base, "/alerts", width=360) as browser:
        page = browser.page
        await browser.becomes("document.querySelector('#page h1') !== null")
        assert await page.locator(".nav > a:visible").count() == 4
        assert not await page.get_by_role("link", name="Health", exact=True).is_visible()
        await page.get_by_role("button", name="More").click()
        await page.get_by_role("link", name="Health", exact=True).click()
        await page.locator("h1", has_text="Health").wait_for()
        assert not await page.get_by_role("link", name="Countries", exact=True).is_visible()
        assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
