"""The hand of a person at a page: it types and presses, at once or as slowly as a person does."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from time import monotonic

from playwright.async_api import Locator, Page

KEY_S, FIND_S = 0.2, 2.0
"""A person types about five characters a second, and looks for the next control for two seconds."""
_PASTED = """
    (area, text) => {
        Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, "value").set.call(area, text);
        area.dispatchEvent(new Event("input", { bubbles: true }));
    }
"""


def is_slow() -> bool:
    """Whether trials are done at the speed of a person: with TEST_HAND=person."""
    return os.environ.get("TEST_HAND") == "person"


async def tab_to(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus."""
    for _ in range(120):
        if await page.evaluate("(s) => document.activeElement?.matches(s) ?? false", selector):
            return
        await page.keyboard.press("Tab")
    focus = await page.evaluate("document.activeElement?.outerHTML.slice(0, 300)")
    raise AssertionError(f"Tab never reaches {selector}, but {focus}")


@dataclass(slots=True)
class Hand:
    """What is done with the page, and when: `step` prints the seconds since the beginning."""

    page: Page
    name: str
    slow: bool = field(default_factory=is_slow)
    began: float = field(default_factory=monotonic)

    def step(self, done: str) -> None:
        """Print that a step is done. No test holds the time against anything."""
        print(f"{self.name}: {monotonic() - self.began:5.1f} s: {done}", flush=True)

    async def write(self, where: Locator, text: str) -> None:
        """Type into a field, over what it holds."""
        await self._find()
        await where.fill("")
        if self.slow:
            await where.press_sequentially(text, delay=1000 * KEY_S, timeout=0)
        else:
            await where.fill(text)

    async def paste(self, where: Locator, text: str) -> None:
        """Paste at once, as with Ctrl+V: Playwright's `fill` is slow for thousands of lines."""
        await self._find()
        await where.evaluate(_PASTED, text)

    async def press(self, what: Locator) -> None:
        """Press a button or a link."""
        await self._find()
        await what.click()

    async def do(self, act: Callable[[], Awaitable[object]]) -> None:
        """Do something with the keyboard, after it was found."""
        await self._find()
        await act()

    async def read(self, sentence: Locator) -> str:
        """Wait until a sentence is there, and read it."""
        await sentence.first.wait_for()
        return await sentence.first.inner_text()

    async def _find(self) -> None:
        if self.slow:
            await asyncio.sleep(FIND_S)
