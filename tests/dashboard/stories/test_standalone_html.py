"""The file of a story: nothing from elsewhere, no words that act, the same when it is made again."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import async_playwright

from dashboard.stories.content import story_content
from dashboard.stories.reader import StoryRead, read_story
from dashboard.stories.standalone_html import story_html
from dashboard.stories.svg import overview
from storage.model.core.availability import ChangeKind
from storage.model.stories.stories import StoryFault, StoryHead, View, WrittenStory
from storage.model.text.time_bins import time_bins
from storage.postgres.pool import Pool, open_pool, transaction
from storage.stories.stories import add_caption, write_story
from tests.storage.health.test_status_at import played as played_desk
from tests.support.clients.browser import ARGUMENTS, AXE, CHROMIUM, COLOURS, WCAG, violations
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.clients.page_walker import DESKTOP, NARROW, PHONE, STICKS_OUT
from tests.support.clients.report_text import Page
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.readings import AVAILABLE, WITHHELD_IN, minutes
from tests.support.seeds.alerts import Played
from tests.support.seeds.every_page import a_story
from tests.support.servers.dashboard import SETTINGS, served

LATE = timedelta(minutes=30)
NOW = minutes(50_000)
HOSTILE = '</p><script>alert(1)</script><img src="http://evil.example/x">'


async def small(pool: Pool, view: View, known_at: datetime | None = None) -> WrittenStory:
    """A story of two accounts, one of them withheld for a while."""
    async with transaction(pool) as conn:
        head = StoryHead(f"Back {HOSTILE}", None, minutes(-5), minutes(99), view, known_at)
        made = await write_story(conn, head, LATE, "ada", NOW)
        for at, text in ((6, "first seen"), (21, f"withheld {HOSTILE}"), (62, "back"), (95, "nobody looked")):
            made = await add_caption(conn, made.story_id, minutes(at), text, "ada", NOW)
    return made


async def read(pool: Pool, story: WrittenStory, now: datetime, known: datetime | None = None) -> StoryRead:
    async with transaction(pool) as conn:
        found = await read_story(conn, story.story_id, now, known, synthetic=False)
    assert isinstance(found, StoryRead)
    return found


def html(found: StoryRead) -> str:
    return story_html(story_content(found), "Blockline 1")


async def test_a_story_that_says_by_which_knowledge_is_the_same_whenever_it_is_made(pool: Pool) -> None:
    await played_desk(pool)
    settled = [await small(pool, View.AS_KNOWN_THEN), await small(pool, View.AS_IT_WAS, minutes(49_000))]
    open_story = await small(pool, View.AS_IT_WAS)
    before = [html(await read(pool, story, NOW)) for story in settled]
    exported = html(await read(pool, open_story, NOW))
    desk = Desk(pool)
    await desk.enlist("1", "2", "4", lists=("Desk",))
    desk.now = NOW + timedelta(minutes=5)
    await desk.late(Sent(2, {"1": WITHHELD_IN}))
    await desk.late(Sent(80, {"1": AVAILABLE, "2": AVAILABLE}))
    async with transaction(pool) as conn:
        await conn.execute("update account set watched = false")
        await conn.execute("delete from watch_list_member")
    later = NOW + timedelta(days=3)
    assert [html(await read(pool, story, later)) for story in settled] == before
    assert html(await read(pool, open_story, later, NOW)) == exported
    assert html(await read(pool, open_story, later)) != exported


async def test_the_server_gives_the_file(pool: Pool, dsn: str, played: Played, now: datetime) -> None:
    async with transaction(pool) as conn:
        number = await a_story(conn, played, View.AS_KNOWN_THEN, now)
        open_one = await a_story(conn, played, View.AS_IT_WAS, now)
    async with served(pool, dsn, now, SETTINGS) as base, aiohttp.ClientSession() as session:
        async with session.get(f"{base}/stories/{number}/story.html") as answer:
            assert (answer.status, answer.content_type) == (200, "text/html")
            name = answer.headers["content-disposition"]
            assert name == f'attachment; filename="story-{number}-how-the-accounts-came-back.html"'
            assert "How the accounts came back" in await answer.text()
        known = {"as_known_at": now.isoformat()}
        for path, query, status in (
            (f"{number}", known, 422),
            (f"{open_one}", known, 200),
            (f"{open_one}", {"as_known_at": "2021-01-31"}, 422),
            (f"{open_one}", {"as_known_at": "0001-01-01T00:00:00+14:00"}, 422),
            (f"{open_one}", {"as_known_at": "9999-12-31T23:00:00-14:00"}, 422),
            ("999", {}, 404),
            (f"{2**70}", {}, 404),
        ):
            async with session.get(f"{base}/stories/{path}/story.html", params=query) as answer:
                assert answer.status == status


@pytest.mark.slow
@pytest.mark.skipif(not (CHROMIUM.exists() and AXE.exists()), reason="needs a Chromium and axe-core")
async def test_the_file_opens_without_a_network_and_breaks_no_rule(
    pool: Pool, played: Played, now: datetime, tmp_path: Path
) -> None:
    async with transaction(pool) as conn:
        numbers = [await a_story(conn, played, view, now) for view in View]
        read_ones = [await read_story(conn, n, now, synthetic=True) for n in numbers]
    asked: list[str] = []
    problems: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            for n, found in enumerate(read_ones):
                assert isinstance(found, StoryRead)
                path = tmp_path / f"{n}.html"
                path.write_text(html(found))
                context = await browser.new_context(offline=True)
                page = await context.new_page()
                page.on("request", lambda r: asked.append(r.url))
                page.on("pageerror", lambda e: problems.append(str(e)))
                page.on("console", lambda m: problems.append(m.text))
                await page.goto(path.as_uri())
                for size in (DESKTOP, PHONE, NARROW):
                    await page.set_viewport_size({"width": size[0], "height": size[1]})
                    assert await page.evaluate(STICKS_OUT) == 0
                for theme in ("light", "dark"):
                    await page.emulate_media(color_scheme=theme)
                    rules = WCAG if theme == "light" else COLOURS
                    problems.extend(await violations(page, rules))
                await page.emulate_media(color_scheme="dark", media="print")
                ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
                assert ground == "rgb(255, 255, 255)", "paper is white"
                await context.close()
        finally:
            await browser.close()
    assert asked == [(tmp_path / f"{n}.html").as_uri() for n in range(len(read_ones))]
    assert problems == []


# the command line ----------------------------------------------------------------------------------------


@pytest.fixture
def run(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)

    async def filled(work: Callable[[Pool], Awaitable[Any]]) -> None:
        async with open_pool(dsn, max_size=2) as pool:
            await work(pool)

    async def written(pool: Pool) -> None:
        await played_desk(pool)
        await small(pool, View.AS_KNOWN_THEN)

    asyncio.run(filled(written))
    return blockline(capsys)


def test_stories_are_listed_shown_and_written_as_files(run: Blockline, tmp_path: Path) -> None:
    listed = run("stories", "list", "--json").json["stories"]
    assert [(s["story_id"], s["view"], len(s["captions"])) for s in listed] == [(1, "as_known_then", 4)]
    assert "Back" in run("stories", "list").out
    shown = run("stories", "show", "1")
    assert shown.code == 0, shown.err
    assert "2. 1 Feb 2021, 00:21:00 UTC: withheld" in shown.out
    told_there = run("stories", "show", "1", "--json").json
    assert told_there["sha256"] in shown.out
    done = run("stories", "export", "1", "--output", "one.html")
    assert done.code == 0, done.err
    page = Page((tmp_path / "one.html").read_text())
    assert told_there["sha256"] in page.words
    assert run("stories", "export", "1").code == 0
    assert [p.name for p in tmp_path.glob("story-1-back-*.html")] != []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("show", "7"), "There is no story 7."),
        (("export", "7", "--output", "x.html"), "There is no story 7."),
        (("export", "1", "--output", "nowhere/x.html"), "the folder nowhere does not exist"),
        (("export", "1", "--as-known-at", "2021-02-02"), StoryFault.SETTLED.value),
        (("show", "1", "--as-known-at", "noon"), "--as-known-at: 'noon' is not a time"),
    ],
)
def test_what_cannot_be_told_is_one_sentence(
    run: Blockline, tmp_path: Path, options: tuple[str, ...], said: str
) -> None:
    done = run("stories", *options)
    assert (done.code, done.out, len(done.complaints)) == (1, "", 1)
    assert said in done.err
    assert list(tmp_path.glob("*.html")) == []


SINCE = datetime(2021, 1, 31, 12, tzinfo=UTC)
UNTIL = SINCE + timedelta(hours=72)


def _drawn(found: dict[int, Counter[ChangeKind]]) -> str:
    bins = time_bins(SINCE, UNTIL)
    head = StoryHead("Two days", None, SINCE, UNTIL, View.AS_IT_WAS)
    late = timedelta(minutes=30)
    story = WrittenStory(1, head, None, (), late, 1, UNTIL, "Asha", UNTIL, "Asha", ())
    return str(overview(story, (), bins, [found.get(n, Counter()) for n in range(bins.count)], 0))


def test_without_changes_no_peak_is_named() -> None:
    assert "per hour</text>" not in _drawn({})
