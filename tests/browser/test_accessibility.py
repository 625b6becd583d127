"""Every page for everybody: what a program can tell of WCAG 2.2 AA, from 320 px on, light and dark.

One database in which each page has something to show, one dashboard for each role, one browser.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from storage.model.core.people import Role
from storage.postgres.pool import open_pool
from tests.conftest import NOW
from tests.support.clients.browser import AXE, CHROMIUM, COLOURS, WCAG, skip_without, violations
from tests.support.clients.page_walker import (
    DESKTOP,
    LARGE_TABLET,
    NARROW,
    PHONE,
    TABLET,
    WIDE,
    WIDE_ZOOMED,
    ZOOMED,
    Walker,
    walking,
)
from tests.support.repeats import IS_LONG, cases
from tests.support.seeds.every_page import ALONE, PAGES, Everything, seed_everything
from tests.support.seeds.people import PASSWORD, WITH_LOGIN, a_person
from tests.support.servers.dashboard import served

skip_without(CHROMIUM, AXE)

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.slow]


@dataclass(frozen=True, slots=True)
class House:
    """The dashboard, with somebody of each role logged in."""

    written: Everything
    readers: Mapping[Role, Walker]
    browser: Browser


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(
    fresh_database: Callable[[], AbstractContextManager[str]], chromium: Browser | None
) -> AsyncGenerator[House]:
    assert chromium is not None
    async with AsyncExitStack() as stack:
        dsn = stack.enter_context(fresh_database())
        pool = await stack.enter_async_context(open_pool(dsn))
        written = await seed_everything(pool, NOW)
        base = await stack.enter_async_context(served(pool, dsn, NOW, WITH_LOGIN))
        readers: dict[Role, Walker] = {}
        for role in Role:
            await a_person(pool, role.value, role, NOW)
            readers[role] = await stack.enter_async_context(walking(chromium, base))
            await _log_in(readers[role], role.value)
        yield House(written, readers, chromium)


async def _log_in(reader: Walker, name: str) -> None:
    await reader.page.get_by_label("Name").fill(name)
    await reader.page.get_by_label("Password").fill(PASSWORD)
    await reader.page.get_by_role("button", name="Log in").click()
    await reader.page.wait_for_url(f"{reader.base}/")
    await reader.arrived()


@pytest.mark.parametrize("path", ["/login", f"/login?next={PAGES['settings']}", ALONE["mail link"]])
async def test_what_is_shown_without_a_login_breaks_no_rule(house: House, path: str) -> None:
    base = house.readers[Role.ADMIN].base
    async with walking(house.browser, base, path.format_map(house.written.numbers)) as reader:
        for theme in ("light", "dark"):
            await reader.page.emulate_media(color_scheme=theme)
            await reader.page.reload()
            await reader.page.set_viewport_size({"width": NARROW[0], "height": NARROW[1]})
            assert await reader.sticks_out() == 0
            assert await violations(reader.page) == []
        assert (reader.errors, reader.strange_hosts()) == ([], set())


VIEWS = (
    (DESKTOP, "light", WCAG),
    (PHONE, "light", WCAG),
    (PHONE, "dark", COLOURS),
    (DESKTOP, "dark", COLOURS),
)
ONE_VIEW = ((PHONE, "light", WCAG),)
IN_ALL_VIEWS = [
    "live",
    "order",
    "alerts",
    "mail",
    "account in doubt",
    "settings",
    "replay of two moments",
    "story",
]


LIKE_ANOTHER = {
    "live of one list",
    "archived lists",
    "names",
    "order without a deadline",
    "editing an order",
    "executive of 30 days",
    "country without changes",
    "replay of a moment",
    "story as known then",
    "dead mail",
    "rule of the settings",
    "copy of a rule",
    "no decisions",
    "no incidents",
    "account that is muted",
    "account never read",
    "account with another handle",
    "account out of reach",
}
"""Pages made of the parts of another one: `make test-long` looks at them too."""


@pytest.mark.again
@pytest.mark.parametrize("name", cases([name for name in PAGES if name not in LIKE_ANOTHER], [*PAGES]))
async def test_a_page_breaks_no_rule_and_never_scrolls_sideways(house: House, name: str) -> None:
    reader = house.readers[Role.ADMIN]
    await reader.look(DESKTOP)
    await reader.go(house.written.path(name))
    found: list[str] = []
    wide = {DESKTOP: await reader.sticks_out()}
    for size, theme, rules in VIEWS if IS_LONG or name in IN_ALL_VIEWS else ONE_VIEW:
        await reader.look(size, theme)
        await reader.unfold()
        wide[size] = await reader.sticks_out()
        found += [f"{theme}, {size[0]} px: {wrong}" for wrong in await violations(reader.page, rules)]
    covered: dict[tuple[int, int], float] = {}
    for size in (NARROW, *ZOOMED, *cases([TABLET], [TABLET, LARGE_TABLET, WIDE, WIDE_ZOOMED])):
        await reader.look(size)
        wide[size] = await reader.sticks_out()
        covered[size] = await reader.covered()
    assert found == []
    assert await reader.endless_motion() == []
    assert {size: out for size, out in wide.items() if out} == {}
    assert {size: share for size, share in covered.items() if share > 1 / 3} == {}
    assert (reader.errors, reader.strange_hosts()) == ([], set())


@pytest.mark.parametrize("size", [DESKTOP, PHONE])
async def test_help_is_in_the_menu_of_the_account_for_every_reader(
    house: House, size: tuple[int, int]
) -> None:
    reader = house.readers[Role.VIEWER]
    await reader.look(size)
    await reader.page.locator("#me").click()
    await reader.page.get_by_role("button", name="Keys").click()
    shown = reader.page.get_by_role("dialog", name="Help")
    await shown.get_by_role("link", name="Glossary").wait_for()
    assert await violations(reader.page) == []
    await shown.get_by_role("button", name="Close").click()
    await shown.wait_for(state="hidden")


@pytest.mark.again
@pytest.mark.parametrize(
    ("role", "name"),
    cases(
        [(Role.VIEWER, name) for name in [*PAGES][::12]] + [(Role.ANALYST, name) for name in [*PAGES][6::12]],
        [(role, name) for role in (Role.VIEWER, Role.ANALYST) for name in PAGES],
    ),
)
async def test_who_may_do_less_meets_no_fault_either(house: House, role: Role, name: str) -> None:
    reader = house.readers[role]
    await reader.go(house.written.path(name))
    assert await violations(reader.page) == []
    assert (reader.errors, reader.strange_hosts()) == ([], set())


REACHABLE = """
() => [...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
    .filter((e) => e.tabIndex >= 0 && !e.disabled && e.checkVisibility({ visibilityProperty: true }))
    .map((e, n) => { e.dataset.reach = n; return n; })
"""
FOCUSED = """
() => {
    const one = document.activeElement;
    const look = getComputedStyle(one);
    const ring = look.outlineStyle !== 'none' && parseFloat(look.outlineWidth) > 0;
    return [one.dataset.reach ?? null, ring || look.boxShadow !== 'none', one.outerHTML.slice(0, 120)];
}
"""


@pytest.mark.parametrize("name", IN_ALL_VIEWS)
async def test_the_keyboard_reaches_every_control_in_the_order_of_the_page_and_shows_where_it_is(
    house: House, name: str
) -> None:
    reader = house.readers[Role.ADMIN]
    await reader.look(DESKTOP, "light")
    await reader.page.goto(reader.base + house.written.path(name))
    await reader.arrived()
    wanted: list[int] = await reader.page.evaluate(REACHABLE)
    met: list[int] = []
    unseen: list[str] = []
    for _ in range(len(wanted) + 60):  # a mail has links of its own
        await reader.page.keyboard.press("Tab")
        number, is_seen, markup = await reader.page.evaluate(FOCUSED)
        if number is not None and int(number) in met:
            break
        if number is None:
            continue  # in a mail, or at the end of the page
        met.append(int(number))
        if not is_seen:
            unseen.append(markup)
    assert unseen == []
    assert met[0] == 0, "the link that skips the header comes first"
    assert met == sorted(met)
    missed = [n for n in wanted if n not in met]
    assert [await reader.page.locator(f"[data-reach='{n}']").inner_text() for n in missed] == []
