"""Takes the pictures in docs/images/: plays the demonstration, stops its clock at a moment, and opens the
dashboard.

`python -m tests.support.screenshots`, which is what `make screenshots` runs. Nothing in the pictures is
canned: the simulated platform, the monitor, Postgres, the mails and the pages are those of `blockline
demo`. For the countries an invented record is imported beside it, with invented labels and measurements.
"""

import asyncio
import random
import shutil
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from playwright.async_api import Browser, Page, async_playwright

from collectors.x.declaration import X
from jobs.base.clock import SimulatedClock
from jobs.rehearsal import demo
from jobs.runtime.web import listen_on, serve
from storage.countries.label_record import note_listed
from storage.countries.measured_networks import record_days
from storage.embedded.launcher import embedded_postgres
from storage.imports.imports import import_history
from storage.model.bitemporal.imported_records import (
    ImportedAccount,
    ImportedBatch,
    ImportedChange,
    ImportedHistory,
)
from storage.model.core.availability import Missed, MissedReason, State, Status, Strength
from storage.model.core.reachability import MeasuredDay
from storage.postgres.migrate import migrate
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.clients.browser import ARGUMENTS, FULL_CHROMIUM
from tests.support.samples.label_signing import LABELER, POST, stated, store
from tests.support.servers.dashboard import until

IMAGES = Path(__file__).parent.parent.parent / "docs/images"
MOMENT = datetime(2021, 2, 11, 13, tzinfo=UTC)
LARGEST = 400_000
"""Bytes of one picture."""


@dataclass(frozen=True, slots=True)
class Picture:
    name: str
    path: str
    shown: str
    """True in the page when all of it is there."""
    width: int = 1440
    height: int = 900
    theme: Literal["light", "dark"] = "light"


PAINTED = "document.documentElement.dataset.painted !== undefined"
LIVE = "document.getElementById('pill').dataset.state === 'live'"
PICTURES = (
    Picture("live", "/", PAINTED),
    Picture("live-dark", "/", PAINTED, theme="dark"),
    Picture("live-phone", "/", PAINTED, width=390, height=844),
    Picture("alerts", "/alerts", "document.querySelector('.stack.alerts') !== null"),
    Picture("order", "/orders/2", "document.querySelectorAll('#page .main-svg').length > 5"),
    Picture("executive", "/executives/5", "document.querySelectorAll('#page .main-svg').length > 2"),
    Picture("mail", "/mail", "document.querySelector('.mail-frame') !== null"),
    Picture(
        "replay",
        "/replay?at=2021-02-01T12:30&from=2021-01-31T12:00&to=2021-02-02T00:00",
        "document.documentElement.dataset.filmed !== undefined",
        theme="dark",
    ),
    Picture("countries", "/countries", "document.querySelector('.country-bar') !== null"),
    Picture("labels", "/countries/TR", "document.querySelectorAll('#page .country-bar').length > 0"),
    Picture("health", "/health", "document.querySelector('.health') !== null"),
)


DAY = timedelta(days=1)
_DAYS = [(MOMENT - n * DAY).date() for n in range(60)]


async def main() -> None:
    if not FULL_CHROMIUM.exists():
        sys.exit(f"No browser at {FULL_CHROMIUM}; TEST_CHROMIUM names another.")
    data, folder = (Path(tempfile.mkdtemp(prefix=f"blockline-{name}-")) for name in ("postgres", "demo"))
    try:
        with embedded_postgres(data, fsync=False) as dsn:
            await migrate(dsn)
            await _played(dsn, folder)
    finally:
        shutil.rmtree(data, ignore_errors=True)
        shutil.rmtree(folder, ignore_errors=True)


async def _played(dsn: str, folder: Path) -> None:
    """Play the demonstration up to the moment, as fast as it goes, and hold it there for the pictures."""
    story = demo.scenario()
    clock = SimulatedClock(story.start)
    arrived, taken = asyncio.Event(), asyncio.Event()

    async def before(at: datetime) -> None:
        if at > MOMENT:
            arrived.set()
            await taken.wait()

    def after(at: datetime, _: object) -> None:
        clock.set(at)

    with listen_on("127.0.0.1", 0) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        async with (
            open_pool(dsn, max_size=6) as pool,
            serve(listener, pool, dsn, clock, demo.DASHBOARD),
            asyncio.TaskGroup() as tasks,
        ):
            playing = tasks.create_task(
                demo.play(dsn, folder, story, dashboard_url=address, before=before, after=after)
            )
            await _first(arrived, playing)
            await _import_invented(pool)
            await _take(address)
            playing.cancel()


async def _first(arrived: asyncio.Event, playing: asyncio.Task[demo.DemoResult]) -> None:
    """Wait for the moment; a demonstration that ends before it has failed, and its task group says how."""
    waiting = asyncio.ensure_future(arrived.wait())
    await asyncio.wait([waiting, playing], return_when=asyncio.FIRST_COMPLETED)
    if not arrived.is_set():
        waiting.cancel()
        raise RuntimeError("The demonstration ended before the moment of the pictures.")


async def _take(address: str) -> None:
    IMAGES.mkdir(exist_ok=True)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=FULL_CHROMIUM, args=ARGUMENTS)
        for picture in PICTURES:
            data = await _taken(browser, address, picture)
            if len(data) > LARGEST:
                raise RuntimeError(f"{picture.name} has {len(data):,} bytes, more than {LARGEST:,}.")
            (IMAGES / f"{picture.name}.png").write_bytes(data)
            print(f"docs/images/{picture.name}.png  {len(data):,} bytes")
        await browser.close()


async def _taken(browser: Browser, address: str, picture: Picture) -> bytes:
    context = await browser.new_context(
        viewport={"width": picture.width, "height": picture.height}, color_scheme=picture.theme
    )
    page = await context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    await page.goto(address + picture.path)
    await until(_true_in(page, f"{LIVE} && {picture.shown}"))
    for frame in page.frames:
        await frame.wait_for_load_state("load")
    await page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    data = await page.screenshot()
    await context.close()
    if faults:
        raise RuntimeError(f"{picture.path}: {'; '.join(faults)}")
    return data


def _true_in(page: Page, expression: str) -> Callable[[], Awaitable[object]]:
    return lambda: page.evaluate(expression)


RECORD = {"TR": 184, "DE": 97, "FR": 41, "RU": 32, "BR": 9, "GB": 6}
FIRST_LOOK, LAST_LOOK = datetime(2020, 10, 5, 9, tzinfo=UTC), datetime(2021, 1, 8, 18, tzinfo=UTC)


async def _import_invented(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await import_history(conn, invented_record(), MOMENT)
        await record_days(conn, "TR", (_DAYS[-1], _DAYS[0] + DAY), invented_measurements(), MOMENT)
    accounts = [stated(f"did:plc:{n:024}", MOMENT - n * DAY) for n in range(40)]
    posts = [stated(f"{POST}{n}", MOMENT - n * DAY / 3) for n in range(120)]
    await store(pool, *accounts, *posts, seq=160, at=MOMENT)
    async with transaction(pool) as conn:
        await note_listed(conn, LABELER, MOMENT)


def invented_measurements() -> list[MeasuredDay]:
    """One site that opens in few networks for two days, and three that open."""
    x = [
        MeasuredDay("x.com", day, *((9, 40, 2, 3) if n < 2 else (0, 2, 1, 55))) for n, day in enumerate(_DAYS)
    ]
    others = ("bsky.app", "mastodon.social", "www.youtube.com")
    return [*x, *(MeasuredDay(domain, day, 0, 1, 0, 40) for domain in others for day in _DAYS)]


def invented_record() -> ImportedHistory:
    """Accounts that do not exist, seen twice: most withheld still, some restored, some told nothing."""
    chance = random.Random(11)
    accounts: list[ImportedAccount] = []
    changes: list[ImportedChange] = []
    mute: list[str] = []
    for country, size in RECORD.items():
        withheld = State(Status.WITHHELD, (country,))
        for _ in range(size):
            native_id = f"77{len(accounts):07d}"
            accounts.append(ImportedAccount(native_id, f"invented_{len(accounts)}"))
            drawn = chance.random()
            again = drawn >= 0.25
            last_agreeing = LAST_LOOK if again else FIRST_LOOK
            changes.append(_change(native_id, None, withheld, None, FIRST_LOOK, last_agreeing))
            if drawn < 0.15:
                mute.append(native_id)
            elif not again:
                available = State(Status.AVAILABLE)
                changes.append(_change(native_id, withheld, available, FIRST_LOOK, LAST_LOOK, LAST_LOOK))
    everyone = tuple(a.native_id for a in accounts)
    missed = tuple(Missed(i, LAST_LOOK, MissedReason.UNCLASSIFIED) for i in mute)
    told = tuple(i for i in everyone if i not in mute)
    hour = timedelta(hours=1)
    looks = (
        ImportedBatch(FIRST_LOOK - hour, FIRST_LOOK, 0, everyone),
        ImportedBatch(LAST_LOOK - hour, LAST_LOOK, 0, told, missed),
    )
    return ImportedHistory("invented", "Invented record", X, tuple(accounts), tuple(changes), looks)


def _change(
    native_id: str,
    old: State | None,
    new: State,
    last_seen_old: datetime | None,
    first_seen_new: datetime,
    last_agreeing_at: datetime,
) -> ImportedChange:
    readings = 1 + (last_agreeing_at > first_seen_new)
    return ImportedChange(
        native_id,
        old,
        new,
        Strength.STRONG,
        last_seen_old,
        first_seen_new,
        readings,
        last_agreeing_at,
        b"invented",
    )


if __name__ == "__main__":
    asyncio.run(main())
