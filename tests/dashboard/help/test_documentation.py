"""The documentation as pages of the dashboard: all of it is there, and every link leads somewhere."""

from collections.abc import Iterator
from typing import Any, cast

import aiohttp
import pytest
from dash.development.base_component import Component

from dashboard.help.documentation import FOLDER, HelpPage, drawing, front_page, help_page, help_pages, topics
from dashboard.server.features import features
from dashboard.ui.pages import plain
from jobs.runtime.replay_process import ReplayProcess
from storage.postgres.pool import Pool
from tests.house.test_documentation import anchors
from tests.support.clients.browser import opened
from tests.support.seeds.alerts import Played
from tests.support.servers.dashboard import SETTINGS, WebProcess, served

PAGES = tuple(help_pages().values())


def elements(part: Any) -> Iterator[dict[str, Any]]:
    """Every element below a drawn part."""
    parts = cast("list[Any]", part) if isinstance(part, list) else [part]
    for one in parts:
        if isinstance(one, dict):
            element = cast("dict[str, Any]", one)
            yield element
            yield from elements(element["props"].get("children"))


def addresses(component: Component, name: str) -> set[str]:
    """Where the elements of a component lead by a property, such as href."""
    return {one["props"][name] for one in elements(plain(component)) if name in one["props"]}


def words(part: Any) -> str:
    return part if isinstance(part, str) else "".join(map(words, _inside(part)))


def _inside(part: Any) -> list[Any]:
    if isinstance(part, list):
        return cast("list[Any]", part)
    return [] if part is None else [part["props"].get("children")]


def test_every_page_of_the_documentation_is_one_of_the_dashboard() -> None:
    files = {f.relative_to(FOLDER).as_posix().removesuffix(".md") for f in FOLDER.rglob("*.md")}
    assert set(help_pages()) == files - {"index"}
    listed = addresses(front_page(), "href")
    assert {page.address for page in PAGES} == listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_page_and_a_heading_or_a_file(page: HelpPage) -> None:
    drawn = help_page(page)
    for address in addresses(drawn, "href") | addresses(drawn, "src"):
        place, _, heading = address.partition("#")
        if place.startswith("/help-files/"):
            assert (FOLDER / place.removeprefix("/help-files/")).exists(), address
        elif place.startswith("/help/"):
            name = place.removeprefix("/help/")
            assert name in help_pages(), address
            assert not heading or f"#{heading}" in anchors(FOLDER / f"{name}.md"), address
        elif not place:
            assert address in anchors(FOLDER / f"{page.name}.md")
        else:
            assert place == "/help" or place.startswith("https://"), address


def test_tables_lists_and_code_are_drawn_as_such() -> None:
    drawn = list(elements(plain(help_page(help_pages()["reference/settings"]))))
    kinds = [one["type"] for one in drawn]
    assert {"Table", "Th", "Td", "Ul", "Code", "H1", "H2", "Br"} <= set(kinds)
    (host,) = [one for one in drawn if one["type"] == "Tr" and words(one).startswith("host")]
    assert 'host = "0.0.0.0"' in words(host)
    assert not any("<!--" in words(one) or "| ---" in words(one) for one in drawn)


def test_every_page_of_ours_names_its_page_of_the_documentation(pool: Pool, dsn: str, played: Played) -> None:
    process = WebProcess(pool, lambda: played.now, dsn, SETTINGS)
    pages = [page for feature in features(process, ReplayProcess(dsn)) for page in feature.pages]
    assert {page.path for page in pages if not page.help} == {"help"}
    assert {page.help for page in pages if page.help} <= help_pages().keys()


def test_the_search_finds_titles_and_headings() -> None:
    found = dict(topics())
    assert found["Write alert rules"] == "/help/how-to/alerts"
    assert found["Back up and restore: The file"] == "/help/how-to/backup#the-file"


def test_an_address_without_a_page_is_none() -> None:
    assert drawing(["how-to", "nothing"]) is None
    assert drawing(["..", "README"]) is None


async def test_the_menu_leads_to_the_help_on_the_page_and_the_search_to_its_headings(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with served(pool, dsn, played.now) as base, opened(base, "/alerts") as browser:
        await browser.page.locator("#me").click()
        await browser.page.get_by_role("link", name="Help on this page").click()
        await browser.page.get_by_role("heading", name="Write alert rules", level=1).wait_for()
        assert await browser.page.title() == "Help · Blockline"
        await browser.page.get_by_role("link", name="How a change is confirmed").first.click()
        await browser.page.get_by_role("heading", name="How a change is confirmed", level=1).wait_for()

        await browser.page.goto(f"{base}/help/how-to/install")
        async with browser.page.expect_download() as download:
            await browser.page.get_by_role("link", name="blockline.service").first.click()
        assert (await download.value).suggested_filename == "blockline.service"

        await browser.page.keyboard.press("Control+k")
        await browser.page.keyboard.type("labels and netw")
        await browser.page.get_by_role("option", name="Write alert rules: Labels and networks").click()
        await browser.becomes("location.pathname === '/help/how-to/alerts'")
        top = "document.getElementById('labels-and-networks')?.getBoundingClientRect().top"
        await browser.becomes(f"{top} >= 48 && {top} < 120")  # below the header


async def test_pictures_are_served_and_nothing_outside_the_folder(
    pool: Pool, dsn: str, played: Played
) -> None:
    async with served(pool, dsn, played.now) as base, aiohttp.ClientSession() as session:
        for path, status in (
            ("images/live.png", 200),
            ("how-to/service/blockline.service", 200),
            ("..%2Fpyproject.toml", 404),
            ("images/none.png", 404),
        ):
            async with session.get(f"{base}/help-files/{path}") as answer:
                assert answer.status == status, path
