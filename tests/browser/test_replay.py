"""The replay film in a real browser: played, scrubbed, stepped, compared, shared and saved."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page, Route

from storage.causes.ledger import record_cause
from storage.health.status_at import status_at
from storage.model.causes.causes import CauseSubject
from storage.model.core.availability import Status
from storage.postgres.pool import Pool, transaction
from tests.dashboard.replay.test_video_export import STAND_IN
from tests.storage.causes.test_ledger import NOTICE
from tests.support.clients.browser import CHROMIUM, Browser, opened, skip_without
from tests.support.seeds.changes import HOUR, Story
from tests.support.servers.dashboard import SETTINGS, served, until

skip_without(CHROMIUM)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]

NOTHING: Mapping[str, datetime | str] = MappingProxyType({})
MINUTE = timedelta(minutes=1)
REEL = "window.__blockline.reel"


def written(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def address(at: datetime, more: Mapping[str, datetime | str] = NOTHING, known: bool = False) -> str:
    """The address of a moment, by what was known then or is known now."""
    fields = {"at": written(at)} | ({"as_known_at": written(at)} if known else {})
    fields |= {name: v if isinstance(v, str) else written(v) for name, v in more.items()}
    return "/replay?" + "&".join(f"{name}={value}" for name, value in fields.items())


@asynccontextmanager
async def shown(pool: Pool, dsn: str, story: Story, path: str) -> AsyncGenerator[Browser]:
    """The page with its film drawn."""
    async with served(pool, dsn, story.now) as base, opened(base, path) as browser:
        await drawn(browser)
        yield browser


async def drawn(browser: Browser) -> None:
    await browser.becomes("document.documentElement.dataset.filmed !== undefined")


async def moment(page: Page) -> datetime:
    """Where the film stands."""
    return datetime.fromtimestamp(await page.evaluate(f"{REEL}.stage.t") / 1000, UTC)


async def stands_at(browser: Browser, at: datetime) -> None:
    await browser.becomes(f"{REEL}.stage.t === {round(at.timestamp() * 1000)}")


def asked(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


async def figure(page: Page, name: str) -> str:
    return await page.locator(f"[data-figure='{name}']").inner_text()


async def test_it_plays_to_the_end_of_its_range_without_asking_the_server(
    pool: Pool, dsn: str, story: Story
) -> None:
    begin, end = story.at(0.2), story.at(0.2) + 2 * HOUR
    async with shown(pool, dsn, story, address(begin, {"from": begin, "to": end})) as browser:
        page = browser.page
        asked_for: list[str] = []
        page.on("request", lambda request: asked_for.append(urlsplit(request.url).path))
        await page.locator("#f-speed").select_option("3600")
        await page.locator("#f-strip").focus()
        asked_for.clear()

        await page.keyboard.press("Space")
        await page.get_by_role("button", name="Pause").wait_for()
        await stands_at(browser, end)

        assert [path for path in asked_for if path.startswith("/api/replay")] == []
        await page.get_by_role("button", name="Play", exact=True).wait_for()
        assert asked(page)["at"] == [written(end).replace(":00Z", "Z")]


async def test_a_range_that_loops_begins_anew(pool: Pool, dsn: str, story: Story) -> None:
    begin, end = story.at(0.2), story.at(0.2) + HOUR
    path = address(end - MINUTE, {"from": begin, "to": end, "loop": "yes"})
    async with shown(pool, dsn, story, path) as browser:
        await browser.page.locator("#f-speed").select_option("600")
        await browser.page.locator("#f-play").click()
        await browser.becomes(f"{REEL}.stage.t < {(begin + HOUR / 2).timestamp() * 1000}")
        await browser.page.locator("#f-play").click()


async def test_the_strip_is_scrubbed_and_says_where_it_stands(pool: Pool, dsn: str, story: Story) -> None:
    begin, end = story.at(0.2), story.at(0.4)
    async with shown(pool, dsn, story, address(end, {"from": begin, "to": end})) as browser:
        page = browser.page
        box = await page.locator("#f-strip").bounding_box()
        assert box is not None
        await page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 20)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 20, steps=4)
        await page.mouse.up()

        assert abs(await moment(page) - story.at(0.3)) < 10 * MINUTE
        strip = page.get_by_role("slider", name="Moment")
        await browser.becomes(  # one is drawn a frame after the other
            "document.querySelector('#f-at').innerText === "
            "document.querySelector('#f-strip').getAttribute('aria-valuetext')"
        )
        assert await strip.get_attribute("aria-valuenow") == "50"
        # The table below is of the same moment, once it stands still.
        await page.get_by_text(re.compile(r"Status on")).wait_for()
        await browser.becomes(
            "document.querySelector('#page').textContent.includes("
            f"{(await moment(page)).strftime('%H:%M')!r})"
        )


async def test_a_range_is_chosen_on_the_strip_and_from_the_moment_and_is_the_film_from_then_on(
    pool: Pool, dsn: str, story: Story
) -> None:
    begin, end = story.at(0.2), story.at(0.4)
    async with shown(pool, dsn, story, address(end, {"from": begin, "to": end})) as browser:
        page = browser.page
        box = await page.locator("#f-strip").bounding_box()
        assert box is not None
        await page.keyboard.down("Shift")
        await page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + 20)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + 20, steps=4)
        await page.mouse.up()
        await page.keyboard.up("Shift")
        since, until_ = (datetime.fromisoformat(asked(page)[name][0]) for name in ("from", "to"))
        assert abs(since - story.at(0.25)) < 10 * MINUTE
        assert abs(until_ - story.at(0.35)) < 10 * MINUTE
        assert await moment(page) == until_

        await page.locator("#f-strip").focus()
        await page.keyboard.press("Shift+ArrowLeft")
        at = await moment(page)
        await page.keyboard.press("o")
        assert datetime.fromisoformat(asked(page)["to"][0]) == at
        await page.get_by_role("button", name="Whole film").click()
        assert "from" not in asked(page)


async def test_the_keyboard_steps_goes_to_events_and_to_the_ends(pool: Pool, dsn: str, story: Story) -> None:
    begin, end = story.at(0.2), story.at(0.2) + 30 * HOUR
    async with shown(pool, dsn, story, address(begin, {"from": begin, "to": end})) as browser:
        page = browser.page
        await page.keyboard.press("ArrowRight")
        await stands_at(browser, begin + 15 * MINUTE)
        await page.keyboard.press("Shift+ArrowRight")
        await stands_at(browser, begin + 165 * MINUTE)
        await page.locator("#f-strip").focus()
        await page.keyboard.press("Home")
        await stands_at(browser, begin)
        await page.keyboard.press("]")
        first = await moment(page)
        await page.keyboard.press("]")
        assert await moment(page) > first > begin
        await page.keyboard.press("[")
        await stands_at(browser, first)
        async with transaction(pool) as conn:
            seen = await conn.fetchval(
                "select min(first_seen_new) from change where first_seen_new > $1", begin
            )
        assert first <= seen
        await page.keyboard.press("End")
        await stands_at(browser, end)
        await page.locator("#f-date").fill(begin.strftime("%Y-%m-%dT%H:%M:%S"))
        await page.locator("#f-goto button").click()
        await stands_at(browser, begin)


@pytest.mark.parametrize("late", ["layout", "dependencies"])
async def test_what_is_done_while_dash_starts_reaches_the_table(
    pool: Pool, dsn: str, story: Story, late: str
) -> None:
    begin, end = story.at(0.2), story.at(0.2) + 30 * HOUR
    is_done = asyncio.Event()

    async def hold(route: Route) -> None:
        await is_done.wait()
        await route.continue_()

    async with shown(pool, dsn, story, address(begin, {"from": begin, "to": end})) as browser:
        page = browser.page
        await page.route(f"**/_dash-{late}", hold)
        await page.reload()
        await drawn(browser)
        await page.keyboard.press("ArrowRight")
        await stands_at(browser, begin + 15 * MINUTE)
        # This text is set right after the table is asked for.
        await browser.becomes("document.getElementById('f-said').textContent !== ''")
        is_done.set()
        then = (begin + 15 * MINUTE).strftime("%H:%M")
        await browser.becomes(f"document.querySelector('#page')?.textContent.includes({then!r})")


@pytest.mark.parametrize(
    ("written_time", "why"),
    [
        pytest.param("soon", "Enter a time in UTC", id="what is no time"),
        pytest.param("2031-01-01 08:00", "The film ends on", id="the future"),
        pytest.param("2001-01-01", "The film begins on", id="before the film"),
    ],
)
async def test_a_time_that_cannot_be_gone_to_gets_a_sentence(
    pool: Pool, dsn: str, story: Story, written_time: str, why: str
) -> None:
    at = story.at(0.2)
    async with shown(pool, dsn, story, address(at)) as browser:
        field = browser.page.get_by_label("Go to (UTC)")
        await field.fill(written_time)
        await field.press("Enter")
        assert (await field.evaluate("(field) => field.validationMessage")).startswith(why)
        assert await moment(browser.page) == at


async def test_it_tells_what_was_and_what_was_known_as_the_server_does_and_names_the_difference(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        seen = await conn.fetchval(
            "select first_seen_new from change where account_id = $1 and kind = 'block' order by 1",
            story.wave[0],
        )
        at = seen + MINUTE  # it was confirmed five minutes after it was seen
        was = await status_at(conn, at, None, SETTINGS.sweep_every)
        known = await status_at(conn, at, at, SETTINGS.sweep_every)
    blocked = [then.standing(Status.WITHHELD, Status.SUSPENDED) for then in (was, known)]
    assert blocked[0] != blocked[1]
    async with shown(pool, dsn, story, address(at)) as browser:
        page = browser.page
        assert await figure(page, "blocked") == str(blocked[0])
        await page.get_by_role("button", name="As we knew it then").click()
        await browser.becomes(
            f"document.querySelector(\"[data-figure='blocked']\").textContent === '{blocked[1]}'"
        )
        assert asked(page)["at"] == asked(page)["as_known_at"]
        assert f"as it was: {blocked[0]}" in await page.locator("#f-kpis").inner_text()
        assert re.search(
            r"\d+ accounts differ\. .* confirmed only", await page.locator("#f-differ").inner_text()
        )
        await page.locator("#f-fit").click()
        await page.locator("#f-sort").select_option("differ")
        row = page.locator(".lane-row.differs .lane-word").first
        await row.wait_for()
        assert re.match(r"confirmed \d\d:\d\d", await row.inner_text())


async def test_a_lane_says_the_cause_that_was_known_at_the_moment_of_knowledge(
    pool: Pool, dsn: str, story: Story
) -> None:
    one = story.wave[0]
    async with transaction(pool) as conn:
        handle = await conn.fetchval("select handle from account where account_id = $1", one)
        change_id = await conn.fetchval(
            "select min(change_id) from change where account_id = $1 and kind = 'block'", one
        )
        seen: datetime = await conn.fetchval(
            "select first_seen_new from change where change_id = $1", change_id
        )
        recorded = seen + 30 * MINUTE
        cause = replace(NOTICE, stated_on=seen)
        await record_cause(conn, CauseSubject(change_id=change_id), cause, "ada", recorded)
    begin, end = seen - HOUR, seen + HOUR
    words = "Cause: an order of a government (Section 69A IT Act), stated by the platform"
    path = address(end, {"from": begin, "to": end}, known=True)
    async with shown(pool, dsn, story, path) as browser:
        page = browser.page
        await page.locator("#f-fit").click()
        lane = page.locator(".lane-row", has_text=handle).first
        tip = page.locator("#tip")

        async def pointed() -> str:
            chart, row = await page.locator("#f-lanes canvas").bounding_box(), await lane.bounding_box()
            assert chart is not None
            assert row is not None
            await page.mouse.move(0, 0)
            await page.mouse.move(chart["x"] + chart["width"] * 0.55, row["y"] + row["height"] / 2)
            told = await tip.inner_text()
            assert handle in told
            assert "Withheld in India" in told
            return told

        async with page.expect_response("**/api/causes/lanes"):
            await pointed()
        assert words in await pointed()
        await page.locator("#f-date").fill((recorded - MINUTE).strftime("%Y-%m-%dT%H:%M:%S"))
        await page.locator("#f-goto button").click()
        await stands_at(browser, recorded - MINUTE)
        assert "Cause: not known" in await pointed()
        await page.get_by_role("button", name="As it was").click()
        await browser.becomes(f"{REEL}.stage.knew === null")
        assert words in await pointed()


async def test_two_moments_stand_side_by_side_with_what_differs_between_them(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        seen = await conn.fetchval(
            """
            select max(first) from (
                select min(first_seen_new) as first from change
                where account_id = any($1) and kind = 'block' group by account_id
            ) of_each
            """,
            story.wave,
        )
    async with shown(pool, dsn, story, address(story.at(0.15))) as browser:
        page = browser.page
        await page.get_by_role("button", name="Pin as A").click()
        await page.locator("#f-date").fill((seen + HOUR).strftime("%Y-%m-%dT%H:%M:%S"))
        await page.locator("#f-goto button").click()
        pair = page.locator("#f-pair")
        await pair.get_by_text("different status at B than at A").wait_for()
        apart = await pair.locator(".f-apart li").all_inner_texts()
        assert len(apart) >= len(story.wave)
        assert sum("→ withheld in India" in one for one in apart) >= len(story.wave)
        assert (
            await pair.locator("[data-side=a]").count()
            == await pair.locator("[data-side=b]").count()
            == len(apart)
        )
        assert "with" in asked(page)
        await pair.get_by_role("button", name="Go to A").click()
        await stands_at(browser, story.at(0.15))
        await pair.get_by_role("button", name="Unpin").click()
        await pair.wait_for(state="hidden")


async def test_a_shared_link_shows_the_same_to_somebody_else(pool: Pool, dsn: str, story: Story) -> None:
    begin, at = story.at(0.2), story.at(0.35)
    path = address(begin, {"from": begin, "to": story.at(0.5)})
    seen: list[list[str]] = []

    async def look(browser: Browser) -> list[str]:
        page = browser.page
        shown = [
            await page.locator(name).inner_text()
            for name in ("#f-at", "#f-zone", "#f-range", "#f-kpis", "#f-orders")
        ]
        return [*shown, await page.locator("#f-list").input_value()]

    async with served(pool, dsn, story.now) as base:
        async with opened(base, path) as browser:
            await drawn(browser)
            page = browser.page
            await page.locator("#f-list").select_option(str(story.lists[0]))
            await page.get_by_role("button", name="As we knew it then").click()
            await page.locator("#f-date").fill(at.strftime("%Y-%m-%dT%H:%M:%S"))
            await page.locator("#f-goto button").click()
            await stands_at(browser, at)
            await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
            await page.get_by_role("button", name="Copy link").click()
            await page.get_by_role("button", name="Copied").wait_for()
            link = await page.evaluate("navigator.clipboard.readText()")
            seen.append(await look(browser))
        assert link.startswith(base)
        async with opened(base, link.removeprefix(base)) as browser:
            await drawn(browser)
            seen.append(await look(browser))
    assert seen[0] == seen[1]


async def test_who_wants_less_motion_goes_from_event_to_event(pool: Pool, dsn: str, story: Story) -> None:
    begin = story.at(0.2)
    async with shown(pool, dsn, story, address(begin)) as browser:
        page = browser.page
        await page.emulate_media(reduced_motion="reduce")
        await page.keyboard.press("]")
        first = await moment(page)
        await page.keyboard.press("[")
        await page.locator("#f-play").click()
        met: set[datetime] = set()

        async def arrived() -> bool:
            met.add(await moment(page))
            return first in met

        await until(arrived)
        await page.locator("#f-play").click()
        assert not [t for t in met if begin < t < first]


async def test_what_is_shown_leaves_as_a_picture_a_table_and_a_film(
    pool: Pool, dsn: str, story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "bin" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable, then=""))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    at = story.at(0.3)
    path = address(at, {"from": at - HOUR, "to": at + HOUR}, known=True)
    async with shown(pool, dsn, story, path) as browser:
        page = browser.page
        async with page.expect_download() as picture:
            await page.locator("#f-png").click()
        file = await picture.value
        assert file.suggested_filename.endswith("-as-known.png")
        assert (await file.path()).read_bytes().startswith(b"\x89PNG")

        async with page.expect_download() as table:
            await page.locator("#f-csv").click()
        text = (await (await table.value).path()).read_text()
        assert len(text.splitlines()) > len(story.accounts[0])

        await page.locator("#f-clip").click()
        await page.locator("#f-clip-length").select_option("6")
        async with page.expect_download() as clip:
            await page.get_by_role("button", name="Export", exact=True).click()
        assert (await clip.value).suggested_filename.endswith(".mp4")
        assert "-frames:v" in (await (await clip.value).path()).read_text()
        await page.get_by_text("Saved.").wait_for()
        await stands_at(browser, at)


async def test_the_film_begins_with_all_lanes_and_shows_each_on_demand(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with shown(pool, dsn, story, "/replay") as browser:
        page = browser.page
        await page.locator("#f-lanes .fit-note", has_text=re.compile(r"^All \d+ lanes")).wait_for()
        assert await page.locator("#f-fit").get_attribute("aria-pressed") == "true"
        await page.locator("#f-lanes canvas").click(position={"x": 200, "y": 40})
        await page.locator("#f-lanes .lane-row a").first.wait_for()
        assert "lanes=each" in await page.evaluate("location.search")
        await page.locator("#f-fit").click()
        await browser.becomes("!location.search.includes('lanes=')")
        assert await page.locator("#f-lanes .lane-row:not([hidden])").count() == 0
