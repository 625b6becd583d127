# pyright: reportUnknownMemberType=false
"""Deciding again over a recorded history. Reference: every reading through `step`, one by one.

The history is rehearsed first, as a whole, so that the readings and changes are those of the real pipeline;
where it is not on the machine an invented one is played.

What a reader of the replay film waits for, in a real browser: a year of 10,000 accounts with three spells.

The dashboard is served as an installation serves it, over a real Postgres whose coverage has every sweep of
that year. The browser is the system's Chromium without a graphics card.

`replay_ready_ms` is a second visit: from the start of the navigation until two frames after the film was
drawn. `replay_fps` are the different moments that were shown in a second while it plays, at the speed at
which they were fewest. `scrub_ms` is how long after a move on the strip its picture was on the screen (of 95
in 100 moves it was sooner). Reference: the server is asked for the figures of each moment, and draws nothing.
`replay_frame_cpu_ms` is how long the page's own thread worked for one picture while the film played, which
does not depend on what else the machine has to do.
"""

import asyncio
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import aiohttp
import uvloop
from playwright.async_api import CDPSession, Page

from collectors.simulator.history_files import load_history
from jobs.detect.confirmation import ConfirmationRule
from jobs.detect.redetect import ConfirmedOn, Folding
from jobs.rehearsal.pipeline import SimulationPlan
from jobs.rehearsal.rehearse import rehearse, span
from jobs.replay.replay import Redecided, redecide
from storage.health.status_at import status_at
from storage.model.bitemporal.reading_columns import Course
from storage.model.core.accounts import lists_at
from storage.postgres.pool import Pool, open_pool, transaction
from storage.postgres.replica import snapshot
from tests.benchmarks.dashboard import SETTINGS, drawing_page, large_dashboard
from tests.benchmarks.measuring import Figure, scratch_database
from tests.support.samples.readings import write_history
from tests.support.seeds.large_database import START

EVERY = timedelta(days=float(os.environ.get("BENCH_REPLAY_DAYS", "4")))


REFERENCE_READINGS = 300_000


RULE = ConfirmationRule()


def figures() -> Iterator[Figure]:
    folder = Path(tempfile.mkdtemp(prefix="blockline-bench-"))
    try:
        with scratch_database() as dsn:
            found, cpu_s = uvloop.run(_decided(_history(folder), dsn))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    reference = _one_by_one(found.courses.accounts)
    took = found.load_s + found.decide_s
    yield Figure("redecide_readings_per_s", found.courses.readings / took, "readings/s", "higher", reference)
    yield Figure("redecide_readings_per_cpu_s", found.courses.readings / cpu_s, "readings/cpu-s", "higher")
    yield Figure("redecide_readings", found.courses.readings, "readings", "higher")
    yield Figure("redecide_load_s", found.load_s, "s", "lower")
    yield Figure("redecide_decide_s", found.decide_s, "s", "lower")
    yield Figure("redecide_tell_s", found.tell_s, "s", "lower")
    yield Figure("redecide_differences", len(found.compared.differences), "changes", "lower")
    yield Figure("redecide_mails_otherwise", len(found.mails.differences), "mails", "lower")


def _history(folder: Path) -> Path:
    data = Path(os.environ.get("TEST_SHARED_DATA", Path(__file__).parents[3] / "shared" / "data"))
    recorded = data / "account_status_history.csv.gz"
    return recorded if recorded.exists() else write_history(folder / "history.csv", accounts=5_000, days=60)


async def _decided(path: Path, dsn: str) -> tuple[Redecided, float]:
    history = load_history(path)
    first, last = span(history)
    await rehearse(path, None, history, SimulationPlan(first, last, EVERY), "none", dsn, lambda _: None)
    async with open_pool(dsn, max_size=1) as pool, snapshot(pool) as conn:
        started = time.process_time()
        found = await redecide(conn, first, last + timedelta.resolution)
        return found, time.process_time() - started


def _one_by_one(courses: Sequence[Course]) -> float:
    """Readings a second, the accounts side by side in time as far as that is measured."""
    folding = [Folding(c.known, c.flags) for c in courses]
    events: list[tuple[int, int, int]] = []
    for number, course in enumerate(courses):
        events += [(at, number, n) for n, at in enumerate(course.columns.at)]
        if len(events) >= REFERENCE_READINGS:
            break
    confirmed_on = ConfirmedOn({})
    started = time.perf_counter()
    for _, number, n in sorted(events):
        asked = courses[number].asked(n)
        folding[number].take(
            asked, lists_at(courses[number].memberships, asked.reading.at), confirmed_on, RULE
        )
    return len(events) / (time.perf_counter() - started)


ACCOUNTS = 10_000


DAYS = 365


VISITS = 5


ASKED = 5


SPEEDS = (60, 3_600, 86_400, 604_800, 2_592_000)
"""Times the usual; at the last one a year lasts twelve seconds."""


PLAY_MS = 2_500


REST_S = 2.0


SCRUBS = 100


PLAYED = """
    async ([speed, lasts]) => {
        const { act, stage } = window.__blockline.reel;
        act({ do: "end", by: -1 });
        act({ do: "speed", to: speed });
        act({ do: "play" });
        const began = performance.now();
        let [shown, last] = [0, ""];
        while (performance.now() - began < lasts) {
            await new Promise(requestAnimationFrame);
            const now = document.documentElement.dataset.filmed;
            if (now !== last) shown += 1;
            last = now;
        }
        const took = performance.now() - began;
        if (stage.playing) act({ do: "play" });
        return [shown, took];
    }
"""


SCRUBBED = """
    async (moves) => {
        const strip = document.getElementById("f-strip");
        const box = strip.getBoundingClientRect();
        strip.setPointerCapture = () => {};
        const event = (name, share) => strip.dispatchEvent(new PointerEvent(name, {
            bubbles: true, cancelable: true, pointerId: 1, button: 0, buttons: 1, isPrimary: true,
            clientX: box.left + share * box.width, clientY: box.top + box.height / 2,
        }));
        const painted = () => new Promise((done) => {
            const { port1, port2 } = new MessageChannel();
            port1.onmessage = () => done(performance.now());
            requestAnimationFrame(() => port2.postMessage(null));
        });
        const took = [];
        event("pointerdown", 0.5);
        await painted();
        for (let n = 0; n < moves; n++) {
            const began = performance.now();
            event("pointermove", ((n * 37) % 100) / 100);
            took.push((await painted()) - began);
        }
        event("pointerup", 0.5);
        return took;
    }
"""
"""From the page itself, one move a frame: the browser's driver waits a frame or two for each of its own."""


@dataclass(frozen=True, slots=True)
class _Measured:
    make_s: float
    """Until the film was made the first time."""
    answer_mb: float
    ready_ms: float
    fps: float
    scrub_ms: float
    frame_cpu_ms: float
    server_ms: float


def replay_film_figures() -> Iterator[Figure]:
    with scratch_database() as dsn:
        found = uvloop.run(_measure(dsn))
    yield Figure("replay_ready_ms", found.ready_ms, "ms", "lower")
    yield Figure("replay_fps", found.fps, "frames/s", "higher", 1000 / found.server_ms)
    yield Figure("scrub_ms", found.scrub_ms, "ms", "lower", found.server_ms)
    yield Figure("replay_frame_cpu_ms", found.frame_cpu_ms, "ms", "lower")
    yield Figure("replay_make_s", found.make_s, "s", "lower")
    yield Figure("replay_answer_mb", found.answer_mb, "MB", "lower")


async def _measure(dsn: str) -> _Measured:
    async with large_dashboard(dsn, ACCOUNTS, DAYS) as (pool, base):
        began = time.perf_counter()
        size = await _fetch(base)
        make_s = time.perf_counter() - began
        server_ms = await _asked(pool)
        async with drawing_page("filmed") as page:
            ready = [await _visit(page, base) for _ in range(VISITS + 1)][1:]
            await asyncio.sleep(REST_S)
            session = await page.context.new_cdp_session(page)
            await session.send("Performance.enable", {"timeDomain": "threadTicks"})
            before = await _worked(session)
            played = [await page.evaluate(PLAYED, [speed, PLAY_MS]) for speed in SPEEDS]
            worked = await _worked(session) - before
            scrubs = sorted(await page.evaluate(SCRUBBED, SCRUBS))
    return _Measured(
        make_s=make_s,
        answer_mb=size / 1e6,
        ready_ms=statistics.median(ready),
        fps=min(1000 * shown / took for shown, took in played),
        scrub_ms=scrubs[int(0.95 * len(scrubs))],
        frame_cpu_ms=worked / sum(shown for shown, _ in played),
        server_ms=server_ms,
    )


async def _fetch(base: str) -> int:
    """Bytes of the answer, as it goes over the wire."""
    async with (
        aiohttp.ClientSession(auto_decompress=False) as session,
        session.get(f"{base}/api/replay", timeout=aiohttp.ClientTimeout(total=300)) as answer,
    ):
        answer.raise_for_status()
        return len(await answer.read())


async def _asked(pool: Pool) -> float:
    """Milliseconds that the database takes for the figures of one moment."""
    took: list[float] = []
    for n in range(ASKED):
        at = START + timedelta(days=DAYS) * (n + 1) / (ASKED + 1)
        began = time.perf_counter()
        async with transaction(pool) as conn:
            await status_at(conn, at, at, SETTINGS.sweep_every)
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


async def _worked(session: CDPSession) -> float:
    """Milliseconds of processor time of the page's own thread."""
    told = cast("dict[str, list[dict[str, Any]]]", await session.send("Performance.getMetrics"))
    return 1000 * next(m["value"] for m in told["metrics"] if m["name"] == "TaskDuration")


async def _visit(page: Page, base: str) -> float:
    """Milliseconds from the start of the navigation until two frames after the film was drawn."""
    await page.goto("about:blank")
    await page.goto(f"{base}/replay", wait_until="commit")
    took = await page.evaluate("window.__drawn")
    await page.wait_for_load_state("load")
    return took
