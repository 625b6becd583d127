"""The documentation as pages of the dashboard: all of it is there, and every link leads somewhere."""

from collections.abc import Iterator
from typing import Any, cast

import aiohttp
from dash.development.base_component import Component

from dashboard.help.documentation import FOLDER, drawing, front_page, help_page, help_pages, topics
from dashboard.ui.pages import plain
from storage.postgres.pool import Pool
from tests.support.seeds.alerts import Played
from tests.support.servers.dashboard import served

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


def test_tables_lists_and_code_are_drawn_as_such() -> None:
    drawn = list(elements(plain(help_page(help_pages()["reference/settings"]))))
    kinds = [one["type"] for one in drawn]
    assert {"Table", "Th", "Td", "Ul", "Code", "H1", "H2", "Br"} <= set(kinds)
    (host,) = [one for one in drawn if one["type"] == "Tr" and words(one).startswith("host")]
    assert 'host = "0.0.0.0"' in words(host)
    assert not any("<!--" in words(one) or "| ---" in words(one) for one in drawn)


def test_the_search_finds_titles_and_headings() -> None:
    found = dict(topics())
    assert found["Write alert rules"] == "/help/how-to/alerts"
    assert found["Back up and restore: The file"] == "/help/how-to/backup#the-file"


def test_an_address_without_a_page_is_none() -> None:
    assert drawing(["how-to", "nothing"]) is None
    assert drawing(["..", "README"]) is None


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
