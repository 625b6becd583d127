"""The replay film in a real browser: played, scrubbed, stepped, compared, shared and saved."""

import os
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Page

from storage.health.status_at import status_at
from storage.model.core.availability import Status
from storage.postgres.pool import Pool, transaction
from tests.dashboard.replay.test_video_export import STAND_IN
from tests.support.clients.browser import AXE, CHROMIUM, Browser, opened, skip_without
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


skip_without(CHROMIUM, AXE)
