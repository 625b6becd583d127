"""The browser of tests, pictures and benchmarks, the hand of a person at its pages, and axe-core in them."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser as Chromium
from playwright.async_api import ConsoleMessage, Page, Request, async_playwright

from tests.support.servers.dashboard import until

AXE = Path(sys.prefix) / "npm/node_modules/axe-core/axe.min.js"


WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
"""Levels A and AA of WCAG 2.2, as far as a program can tell."""


COLOURS = ("color-contrast", "link-in-text-block")
"""The rules among them that depend on the theme."""


async def violations(page: Page, rules: Sequence[str] = WCAG) -> list[str]:
    """What is against a rule in the page as it stands: the rule, the element, and what is wrong with it."""
    if not await page.evaluate("'axe' in globalThis"):
        await page.evaluate(_script())
    found: list[dict[str, Any]] = await page.evaluate(
        "(rules) => axe.run({ runOnly: rules, resultTypes: ['violations'] }).then((r) => r.violations)", rules
    )
    return [f"{rule['id']}: {n['html'][:200]} {_why(n)}" for rule in found for n in rule["nodes"][:5]]


def _why(node: dict[str, Any]) -> str:
    checks = [*node["any"], *node["all"], *node["none"]]
    return "; ".join(str(check["message"]) for check in checks)


@cache
def _script() -> str:
    return AXE.read_text(encoding="utf-8")


FULL_CHROMIUM = Path(os.environ.get("TEST_CHROMIUM", "/usr/bin/chromium"))
"""The browser of a reader, for pictures and benchmarks."""


_SHELL = Path("/usr/bin/chromium-headless-shell")


CHROMIUM = _SHELL if _SHELL.exists() and "TEST_CHROMIUM" not in os.environ else FULL_CHROMIUM
"""The browser of the tests: the same engine without windows and a desktop's services, if it is installed. It
takes about a third less processor time.
"""


_HOW_TO_GET = {CHROMIUM: "TEST_CHROMIUM names another", AXE: "`make .venv/npm` brings it"}


ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


PATIENCE_MS = 200_000
"""A guard against hanging."""


def skip_without(*needed: Path) -> None:
    """Skip the calling module if one of these is missing. With TEST_REQUIRE_BROWSER=1, raise RuntimeError."""
    for one in needed:
        if one.exists():
            continue
        if os.environ.get("TEST_REQUIRE_BROWSER") == "1":
            raise RuntimeError(f"TEST_REQUIRE_BROWSER is set, but there is no {one}: {_HOW_TO_GET[one]}.")
        pytest.skip(f"needs {one}; {_HOW_TO_GET[one]}", allow_module_level=True)


@dataclass(slots=True)
class Browser:
    """A page with what went wrong in it."""

    page: Page
    base: str
    errors: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    def heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(message.text)

    def asked(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).netloc or urlsplit(request.url).scheme)

    async def state(self, expression: str) -> Any:
        """A value of the live page's state `s`."""
        return await self.page.evaluate(
            f"(() => {{ const s = window.__blockline.state; return s && ({expression}); }})()"
        )

    async def becomes(self, expression: str) -> None:
        """Wait until it is true. (Playwright's own wait needs eval in the page, which the policy forbids.)"""
        await until(lambda: self.page.evaluate(expression))

    async def painted(self) -> None:
        await self.becomes("document.documentElement.dataset.painted !== undefined")

    async def pushed(self) -> None:
        """The websocket is up: something came by it."""
        await self.becomes(
            "window.__blockline.rev > 1 && document.getElementById('pill').dataset.state === 'live'"
        )


_shared: dict[asyncio.AbstractEventLoop, Chromium] = {}


@asynccontextmanager
async def one_chromium() -> AsyncGenerator[Chromium]:
    """The browser of which, until the block ends, all that is `opened` on this event loop is a profile."""
    loop = asyncio.get_running_loop()
    async with _started() as browser:
        _shared[loop] = browser
        yield browser
        del _shared[loop]


@asynccontextmanager
async def _started(arguments: Sequence[str] = ()) -> AsyncGenerator[Chromium]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *arguments])
        yield browser
        await browser.close()


@asynccontextmanager
async def opened(
    base: str,
    path: str = "/",
    width: int = 1440,
    theme: Any = "light",
    zone: str | None = None,
    arguments: Sequence[str] = (),
) -> AsyncGenerator[Browser]:
    """A page in a fresh profile."""
    async with AsyncExitStack() as stack:
        chromium = None if arguments else _shared.get(asyncio.get_running_loop())
        chromium = chromium or await stack.enter_async_context(_started(arguments))
        context = await chromium.new_context(
            viewport={"width": width, "height": 900}, color_scheme=theme, timezone_id=zone
        )
        context.set_default_timeout(PATIENCE_MS)
        try:
            browser = Browser(await context.new_page(), base)
            browser.page.on("console", lambda message: browser.heard(message))
            browser.page.on("pageerror", lambda error: browser.errors.append(str(error)))
            browser.page.on("request", lambda request: browser.asked(request))
            await browser.page.goto(base + path)
            yield browser
            assert not browser.errors, browser.errors
            assert browser.hosts <= {urlsplit(base).netloc, "data", "blob"}
        finally:
            async with asyncio.timeout(PATIENCE_MS / 1000):
                await context.close()


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(120):
        if await page.evaluate("(s) => document.activeElement?.matches(s) ?? false", selector):
            return
        await page.keyboard.press("Tab")
    focus = await page.evaluate("document.activeElement?.outerHTML.slice(0, 300)")
    raise AssertionError(f"Tab never reaches {selector}, but {focus}")
