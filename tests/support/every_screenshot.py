"""Takes a picture of each page, light and dark, on a desktop and on a phone, to be looked at.

`python -m tests.support.every_screenshot FOLDER`, which `make screenshots` runs with build/screenshots. The
pages are those that tests/browser/test_accessibility.py examines, with the same invented data.
"""

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from storage.embedded.launcher import embedded_postgres
from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool
from tests.conftest import NOW
from tests.support.clients.browser import ARGUMENTS, FULL_CHROMIUM
from tests.support.clients.page_walker import DESKTOP, PHONE, walking
from tests.support.seeds.every_page import PAGES, seed_everything
from tests.support.servers.dashboard import served


async def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    data = Path(tempfile.mkdtemp(prefix="blockline-screenshots-"))
    try:
        with embedded_postgres(data, fsync=False) as dsn:
            await migrate(dsn)
            await _take(dsn, folder)
    finally:
        shutil.rmtree(data, ignore_errors=True)


async def _take(dsn: str, folder: Path) -> None:
    async with open_pool(dsn) as pool, async_playwright() as playwright:
        written = await seed_everything(pool, NOW)
        browser = await playwright.chromium.launch(executable_path=FULL_CHROMIUM, args=ARGUMENTS)
        async with served(pool, dsn, NOW) as base, walking(browser, base) as reader:
            for name in PAGES:
                await reader.look(DESKTOP)
                await reader.go(written.path(name))
                for size in (DESKTOP, PHONE):
                    for theme in ("light", "dark"):
                        await reader.look(size, theme)
                        await reader.sticks_out()  # returns when figures have followed the window
                        path = folder / f"{name.replace(' ', '-')}-{size[0]}-{theme}.png"
                        await reader.page.screenshot(path=path)
                print(name)
        await browser.close()


if __name__ == "__main__":
    if not FULL_CHROMIUM.exists():
        sys.exit(f"No browser at {FULL_CHROMIUM}; TEST_CHROMIUM names another.")
    asyncio.run(main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/screenshots")))
