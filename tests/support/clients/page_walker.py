"""A reader who goes through the dashboard from page to page, as a click on a link does, and what he meets."""

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from dash import Input, State
from playwright.async_api import Browser, ConsoleMessage, Page, Request

from tests.support.clients.browser import PATIENCE_MS
from tests.support.servers.dashboard import until

DESKTOP, PHONE, NARROW = (1440, 900), (390, 844), (320, 640)
"""Width and height in CSS pixels."""
TABLET, LARGE_TABLET, WIDE = (768, 1024), (820, 1180), (2560, 1440)
WIDE_ZOOMED = (720, 450)
"""A desktop of 1440 px at 200 %."""
ZOOMED = ((640, 360), (320, 256), (320, 180))
"""A desktop of 1280 px at 200 % and, as WCAG 1.4.10 asks, at 400 %: without and with bars of the browser."""

ARRIVED = """
() => {
    const { page: name, path, painted, filmed } = document.documentElement.dataset;
    if (name === 'live') return painted !== undefined;
    const refused = document.getElementById('f-away');
    if (path === '/replay' && filmed === undefined && refused.hidden) return false;
    const page = document.getElementById('page');
    if (!page) return document.readyState === 'complete';
    const card = getComputedStyle(document.documentElement).getPropertyValue('--card').trim();
    const swatch = document.createElement('i');
    swatch.style.background = card;
    return page.firstElementChild !== null
        && [...page.querySelectorAll('#accounts-grid')].every((grid) =>
            grid.querySelector('.ag-header-cell') && grid.querySelector('.ag-row .ag-cell'))
        && [...page.querySelectorAll('.dash-graph')].every((graph) => {
            const drawn = graph.querySelector('.main-svg');
            return drawn && drawn.style.background === swatch.style.background;
        });
}
"""
"""Whether all of the page is there: figures drawn in the colours of the theme, rows and cells in its grid."""
STICKS_OUT = "() => document.documentElement.scrollWidth - innerWidth"
COVERED = """
() => {
    const root = document.documentElement;
    scrollTo(0, (root.scrollHeight - innerHeight) / 2);
    const scrolls = (e) => e !== document.body && /auto|scroll|hidden/.test(getComputedStyle(e).overflowY);
    const rows = new Set();
    for (const one of document.querySelectorAll('body *')) {
        const { position } = getComputedStyle(one);
        if (position !== 'fixed' && position !== 'sticky') continue;
        if (!one.checkVisibility({ visibilityProperty: true })) continue;
        let within = position === 'sticky' ? one.parentElement : null;
        while (within && within !== root && !scrolls(within)) within = within.parentElement;
        if (within && within !== root) continue;
        const { top, bottom, width } = one.getBoundingClientRect();
        if (width < innerWidth / 2) continue;
        const [from, to] = [Math.max(0, Math.round(top)), Math.min(innerHeight, Math.round(bottom))];
        for (let y = from; y < to; y++) rows.add(y);
    }
    return rows.size / innerHeight;
}
"""
"""The share of a window's height in which something stays put over the page, half way down the page."""
ENDLESS = """
() => document.getAnimations()
    .filter((one) => one.playState === 'running' && one.effect.getComputedTiming().endTime === Infinity)
    .map((one) => `${one.animationName}: ${one.effect.target.outerHTML.slice(0, 120)}`)
"""


@dataclass(slots=True)
class Walker:
    """One document, in which the pages follow each other."""

    page: Page
    base: str
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    async def go(self, path: str) -> None:
        """To a page, as by a link. Returns when all of it is there."""
        if await self.page.evaluate("location.pathname + location.search") == path:
            pass
        elif path.partition("?")[0] == "/":
            await self._follow(path)
        else:
            async with self._answered():
                await self._follow(path)
        await self.arrived()

    def _answered(self) -> AbstractAsyncContextManager[object]:
        """Wait at the end for what the server draws of the page."""
        return self.page.expect_response(lambda r: "page.children" in (r.request.post_data or ""))

    async def _follow(self, path: str) -> None:
        await self.page.evaluate(
            "(path) => { history.pushState({}, '', path);"
            " dispatchEvent(new CustomEvent('_dashprivate_pushstate')); scrollTo(0, 0); }",
            path,
        )

    async def arrived(self) -> None:
        await until(lambda: self.page.evaluate(ARRIVED))
        await self.frames()

    async def frames(self) -> None:
        """Let the browser lay out and paint what was asked for."""
        await self.page.evaluate(
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    async def look(self, size: tuple[int, int], theme: str = "light") -> None:
        """Change the window and the theme, as by the button."""
        await self.page.set_viewport_size({"width": size[0], "height": size[1]})
        if await self.page.evaluate("document.documentElement.dataset.theme") != theme:
            if await self.page.locator("#page .dash-graph, #page .drawn").count():
                # The server draws the figures again.
                async with self._answered():
                    await self.page.locator("#theme").click()
            else:
                await self.page.locator("#theme").click()
        await self.arrived()

    async def unfold(self) -> None:
        """Open all that is folded, so that it is examined as well."""
        await self.page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")

    async def sticks_out(self) -> int:
        """CSS pixels by which the page is wider than the window, once its figures have followed it."""
        wider = 1
        for _ in range(50):
            wider = max(0, await self.page.evaluate(STICKS_OUT))
            if wider == 0:
                break
            await self.frames()
        return wider

    async def covered(self) -> float:
        """The share of the window's height that headers and bars take from the page while it is scrolled."""
        return await self.page.evaluate(COVERED)

    async def endless_motion(self) -> list[str]:
        """What moves and does not stop by itself: WCAG 2.2.2, and a browser that paints 60 times a second."""
        return await self.page.evaluate(ENDLESS)

    def heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def asked(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).netloc or urlsplit(request.url).scheme)

    def strange_hosts(self) -> set[str]:
        """Whom the page asked besides the dashboard."""
        return self.hosts - {urlsplit(self.base).netloc, "data", "blob"}


@asynccontextmanager
async def walking(browser: Browser, base: str, path: str = "/", **context: str) -> AsyncGenerator[Walker]:
    """A reader with a fresh profile. What went wrong in his pages is in `errors` and `hosts`."""
    profile = await browser.new_context(viewport={"width": 1440, "height": 900}, color_scheme="light")
    profile.set_default_timeout(PATIENCE_MS)
    walker = Walker(await profile.new_page(), base)
    walker.page.on("console", lambda message: walker.heard(message))
    walker.page.on("pageerror", lambda error: walker.errors.append(str(error)))
    walker.page.on("request", lambda request: walker.asked(request))
    try:
        await walker.page.goto(base + path)
        await walker.arrived()
        yield walker
    finally:
        await profile.close()


def said(component: Any) -> str:
    """All words of a component, in order."""
    return " ".join(_words(component))


def _words(component: Any) -> Iterator[str]:
    if component is None:
        return
    if isinstance(component, str | int):
        yield str(component)
    elif isinstance(component, list | tuple):
        for one in component:  # pyright: ignore[reportUnknownVariableType]
            yield from _words(one)
    else:
        yield from _words(getattr(component, "children", None))


class CallbackRecorder:
    """Keeps what a page adds as callbacks, in their order. Those that run in the browser are left out."""

    def __init__(self) -> None:
        self.found: list[Callable[..., Any]] = []
        self.given: list[list[Any]] = []
        """The `Input` and `State` that each is called with."""

    def callback(self, *args: Any, **_: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        def keep(function: Callable[..., Any]) -> Callable[..., Any]:
            self.found.append(function)
            self.given.append([one for one in args if isinstance(one, Input | State)])
            return function

        return keep

    def clientside_callback(self, *_: Any, **__: Any) -> None: ...


def spans(trace: Any) -> list[tuple[datetime, datetime]]:
    """Begin and end of each bar of a trace."""
    begins = [at.item().replace(tzinfo=UTC) for at in trace.base]
    return [(at, at + timedelta(milliseconds=float(ms))) for at, ms in zip(begins, trace.x, strict=True)]
