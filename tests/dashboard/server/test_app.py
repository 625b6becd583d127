"""The dashboard over real sockets: its data, its push, its headers; and the pure parts of its pages."""

import asyncio
import gc
import json
import shutil
import subprocess
import sys
from asyncio import Handle
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import Any

import aiohttp
import pytest

from dashboard.asgi.process import WebProcess
from dashboard.auth.access import acting_as
from dashboard.live.push import Hub
from dashboard.live.snapshot_cache import USUAL, live_json
from dashboard.server.app import create_app
from dashboard.server.dash_bundles import SUITES, BundleMiddleware
from dashboard.server.features import features
from dashboard.wire.compact_json import Json, news_json
from jobs.runtime.replay_process import ReplayProcess
from storage.live.updates import LiveNews
from storage.model.core.orders import NewOrder
from storage.model.core.people import Actor, Role
from storage.orders.orders import add_order
from storage.postgres.pool import Conn, Pool, connect, open_pool, transaction
from tests.conftest import NOW
from tests.support.clients.api import callback
from tests.support.clients.page_walker import said
from tests.support.seeds.changes import HOUR, SUSPENDED, Story, happen
from tests.support.seeds.every_page import Everything
from tests.support.seeds.large_database import COHORT, Size, build
from tests.support.seeds.people import WITH_LOGIN
from tests.support.servers.dashboard import (
    SETTINGS,
    mounted,
    only_drawing,
    page_of,
    routes,
    served,
    served_by,
    until,
)


async def get(session: aiohttp.ClientSession, url: str) -> tuple[int, Any, aiohttp.ClientResponse]:
    async with session.get(url) as response:
        text = (await response.read()).decode(errors="replace")  # some data is packed
        is_json = response.content_type == "application/json"
        return response.status, json.loads(text) if is_json else text, response


async def test_a_browser_that_missed_events_gets_them_all_since_its_last(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        async with transaction(pool) as conn:
            first: Any = await live_json(conn, USUAL, story.now, SETTINGS)
        async with transaction(pool) as conn:
            change_id = await happen(conn, story, story.accounts[1][-2], SUSPENDED, story.now - HOUR)
        since = f"{base}/api/live/since?id={first['id']}&read={first['now']}"
        _, missed, _ = await get(session, since)
        _, away, _ = await get(session, f"{base}/api/live/since?id={first['id']}&read=0")

    assert missed["changes"]["id"] == [change_id]
    assert missed["spells"]["s"] == ["A", "S"]
    assert missed["since"] == first["id"] < missed["id"]
    assert away == {"beat": away["beat"], "now": away["now"], "reload": True}


async def test_a_lost_database_is_said_in_one_sentence_and_not_as_zero(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        async with transaction(pool) as conn:
            await conn.execute("alter table change rename to gone")
        status, body, _ = await get(session, f"{base}/api/live")
        ready, _, _ = await get(session, f"{base}/readyz")

    assert status == 503
    assert body["error"].endswith(".")
    assert "kpis" not in body
    assert ready == 200


async def test_news_is_pushed_again_after_the_listener_was_cut_off(
    pool: Pool, dsn: str, story: Story
) -> None:
    hub = Hub(WebProcess(pool, lambda: story.now, dsn, SETTINGS))
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(hub.run())
        with hub.subscribe() as queue:
            await until(lambda: _is(hub.process.listening))
            await queue.get()
            async with transaction(pool) as conn:
                await cut_listener(conn)
            await until(lambda: _is(not hub.process.listening))
            async with transaction(pool) as conn:
                change_id = await happen(conn, story, story.accounts[1][-2], SUSPENDED, story.now - HOUR)
            message: Any = await next_with(queue, "changes")
            await until(lambda: _is(hub.process.listening))
        work.cancel()

    assert message["changes"]["id"] == [change_id]


async def test_a_browser_that_does_not_read_loses_the_oldest_message_and_no_memory(
    pool: Pool, dsn: str, story: Story
) -> None:
    hub = Hub(WebProcess(pool, lambda: story.now, dsn, SETTINGS))
    with hub.subscribe() as queue:
        for n in range(queue.maxsize + 5):
            hub.broadcast({"now": n})

    assert queue.qsize() == queue.maxsize
    assert queue.get_nowait()["now"] == 5


async def cut_listener(conn: Any) -> None:
    """End the connection that listens, as a restart of the database would."""
    await conn.execute(
        """
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and query ilike 'listen%'
        """
    )


async def _is(value: bool) -> bool:
    return value


async def next_with(queue: asyncio.Queue[Json], key: str) -> Any:
    async with asyncio.timeout(200):
        while True:
            message = await queue.get()
            if key in message:
                return message


@pytest.mark.slow
@pytest.mark.skipif(
    shutil.which("node") is None, reason="node is not installed: the scripts' own tests need it"
)
def test_the_scripts_own_tests_pass() -> None:
    done = subprocess.run(
        [
            "node",
            "--test",
            *sorted(str(p) for p in (Path(__file__).parent.parent.parent / "js").glob("*.test.mjs")),
        ],
        cwd=Path(__file__).parent.parent.parent.parent,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )

    assert done.returncode == 0, done.stdout


GZIP = {"Accept-Encoding": "gzip"}


class Counting:
    """An app with one script, that knows how often it was asked."""

    def __init__(self, status: int = 200) -> None:
        self.asked = 0
        self._status = status

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            return
        self.asked += 1
        assert b"gzip" not in dict(scope["headers"]).get(b"accept-encoding", b"")
        headers = [(b"content-length", b"9000"), (b"cache-control", b"public, max-age=31536000")]
        await send({"type": "http.response.start", "status": self._status, "headers": headers})
        await send({"type": "http.response.body", "body": b"script();" * 1000})


async def test_what_is_not_there_is_not_kept() -> None:
    app = Counting(status=404)
    async with mounted(BundleMiddleware(app)) as base, aiohttp.ClientSession() as session:
        for _ in range(2):
            async with session.get(f"{base}{SUITES}dash/b.js", headers=GZIP) as answer:
                assert answer.status == 404
                assert "content-encoding" not in answer.headers
    assert app.asked == 2


LATER = NOW + timedelta(days=10)
PAGES = {
    "/orders": ("all not read lately",),
    "/orders/{order}": ("2 are blocked now (2 of them not read lately)", "10 not read lately"),
    "/orders/{order}/restoration": ("Still blocked when last seen: 2.",),
    "/account/{blocked}": (
        "Available, last read 1 Feb 2021",
        "That was at its last reading, 1 Feb 2021, 11:53 UTC. No later status is known.",
        "not checked since 1 Feb 2021",
    ),
    "/account/{unreachable}": ("last read 1 Feb 2021, 11:00 UTC. No later status is known.",),
    "/account/{imported}": ("last read 8 Jan 2021",),
    "/countries": ("withheld at the last reading", "10 days ago"),
    "/countries/TR": ("as of the last reading, 1 Feb 2021",),
    "/replay": ("Blocked then not known", "42 of 42 watched; not read in the last"),
    "/incidents/{incident}": ("2 not known to be back",),
    "/health": ("Not reading: 2 of 2 collectors.", "no worker is running"),
    "/executives/{executive}": ("never read by Blockline",),
    "/names/{check}": ("Names wait, because no process with the role collect is running.",),
}
"""By address: what has to be said ten days after the last reading."""


async def test_a_page_says_that_its_readings_are_late(pool: Pool, everything: Everything) -> None:
    missing: list[tuple[str, str]] = []
    for path, sentences in PAGES.items():
        filled = path.format(**everything.numbers)
        with acting_as(Actor("ada", Role.ADMIN)):
            async with transaction(pool) as conn:
                shown = said(await page_of(conn, filled, LATER, SETTINGS, "light"))
        missing += [(path, sentence) for sentence in sentences if sentence not in shown]
    assert missing == []


REAL = replace(SETTINGS, synthetic=False)
EMPTY_PAGES = {
    "/first-run": ("No accounts are watched yet", "paste handles or addresses, or upload a table"),
    "/accounts": ("Add accounts",),
    "/accounts/add": ("Paste handles, ids and addresses of profiles or posts",),
    "/orders": ("No orders", "Add an order with the accounts and posts that it names"),
    "/orders/new": ("Store the order",),
    "/causes": ("No cause is recorded", "Record one on the page of an account or an order, or import a file"),
    "/executives": ("No executive is stored yet", "blockline executives import people.csv"),
    "/countries": ("No account is known to be withheld in a country", "import a published record"),
    "/replay": ("No account was watched at this moment", "Add accounts"),
    "/replay/rules": ("Only stored readings count.",),
    "/stories": ("No stories yet", "Write a story"),
    "/stories/new": ("Save story",),
    "/mail": ("No emails yet", "when a rule selects a confirmed change", "Alerts"),
    "/alerts": ("No open incidents. A rule opens one", "No rules, so no alerts are sent. Add a rule."),
    "/incidents": ("No incident is open. A rule opens one",),
    "/alerts/decisions/muted": ("No decision of this kind yet.",),
    "/alerts/deliveries": ("No email or message was written yet.", "when an alert rule selects"),
    "/health": ("No requests yet", "Start reading with:", "Not set up."),
    "/plan": ("No accounts are watched yet. Enter a number to estimate.",),
    "/settings": ("To require a login, change the setting auth",),
    "/glossary": ("Glossary",),
    "/help": ("Your first alert", "Watch real accounts"),
}
"""By address: what has to be said."""


@pytest.mark.parametrize("path", EMPTY_PAGES)
async def test_a_page_without_data_says_what_is_missing_and_how_to_get_it(pool: Pool, path: str) -> None:
    with acting_as(Actor("ada", Role.ADMIN)):
        async with transaction(pool) as conn:
            shown = said(await page_of(conn, path, NOW, REAL, "light"))
    assert [sentence for sentence in EMPTY_PAGES[path] if sentence not in shown] == []


JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
async def pool(dsn: str) -> AsyncGenerator[Pool]:
    async with open_pool(dsn, max_size=2) as opened:
        yield opened


@dataclass
class SlowClient:
    """A client that sends half a body, and then nothing."""

    pool: Pool
    waited_for: list[int] = field(default_factory=list[int])
    """How many connections were in use each time that the rest of the body was awaited."""
    sent_to: list[int] = field(default_factory=list[int])
    """How many were in use each time that something was sent."""

    def _in_use(self) -> int:
        return self.pool.get_size() - self.pool.get_idle_size()

    async def ask(self, app: Any, method: str, path: str, media_type: str) -> None:
        asked = False

        async def receive() -> dict[str, Any]:
            nonlocal asked
            if not asked:
                asked = True
                return {"type": "http.request", "body": b"{", "more_body": method != "GET"}
            if method == "GET":
                await asyncio.Event().wait()
            self.waited_for.append(self._in_use())
            return {"type": "http.disconnect"}

        async def send(_: Any) -> None:
            self.sent_to.append(self._in_use())

        headers = {"host": "127.0.0.1", "origin": "http://127.0.0.1", "content-type": media_type}
        with suppress(Exception):  # what an aborted request ends in is for other tests
            await app(
                {
                    "type": "http",
                    "asgi": {"version": "3.0", "spec_version": "2.3"},
                    "http_version": "1.1",
                    "method": method,
                    "scheme": "http",
                    "path": path,
                    "raw_path": path.encode(),
                    "query_string": b"format=jsonl" if "export" in path else b"format=gif&frames=1&rate=1",
                    "root_path": "",
                    "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
                    "client": ("127.0.0.1", 1),
                    "server": ("127.0.0.1", 80),
                },
                receive,
                send,
            )


def filled(path: str) -> str:
    parts = {"{kind}": "changes"}
    return "/".join(parts.get(part, "1" if part.startswith("{") else part) for part in path.split("/"))


async def test_while_a_body_is_awaited_no_connection_is_in_use(pool: Pool, dsn: str, now: datetime) -> None:
    waiting: dict[str, list[int]] = {}
    for settings in SETTINGS, WITH_LOGIN:
        app = create_app(pool, lambda: now, dsn=dsn, settings=settings, decider=ReplayProcess(dsn))
        for method, path in routes(served_by(app)):
            for media_type in (JSON, FORM) if method in {"POST", "PUT", "PATCH", "DELETE"} else ():
                client = SlowClient(pool)
                await client.ask(app, method, filled(path), media_type)
                waiting.setdefault(path, []).extend(client.waited_for)
    assert {path: held for path, held in waiting.items() if any(held)} == {}
    assert sum(bool(held) for held in waiting.values()) > 30, "the others read no body, or ask for a login"
    assert waiting["/login"]
    assert waiting["/mail-link/{token}"]


HOSTILE = "ev\u202eil\u200b"
HARMLESS = "hev\ufffdil\ufffd"


def test_a_renamed_account_brings_no_hostile_handle_with_the_news() -> None:
    news = LiveNews(1, 2, frozenset({"rename"}), (), (), (), ((7, f"h{HOSTILE}"),), (), (), ())
    assert news_json(news)["renames"] == [(7, HARMLESS)]


ROWS = 1_000
MOST_CALLS = 150_000
"""For a thousand rows, in one step of the loop. It makes that many calls in less than 50 ms."""
_STEP = Handle._run.__code__  # pyright: ignore[reportPrivateUsage, reportUnknownVariableType, reportAttributeAccessIssue, reportUnknownMemberType]

Ask = Callable[[str], Awaitable[int]]


@dataclass(slots=True)
class LongestStep:
    """Counts the calls, to Python and to C, that each step of this thread's event loop makes."""

    calls: int = 0
    _now: int = 0

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        if event in {"call", "c_call"}:
            self._now = 0 if frame.f_code is _STEP and event == "call" else self._now + 1
        elif event == "return" and frame.f_code is _STEP:
            self.calls = max(self.calls, self._now)


@contextmanager
def counted() -> Generator[LongestStep]:
    steps = LongestStep()
    sys.setprofile(steps)
    try:
        yield steps
    finally:
        sys.setprofile(None)


@asynccontextmanager
async def asking(dsn: str, now: datetime) -> AsyncGenerator[Ask]:
    """Asks for a page, or for an answer of `/api/`, and counts the calls of the longest step meanwhile."""
    async with (
        open_pool(dsn) as pool,
        served(pool, dsn, now) as base,
        aiohttp.ClientSession(base, headers={"Origin": base}) as session,
    ):

        async def ask(address: str) -> int:
            if "/v1/" in address:
                await answer(address)  # the API builds its types when they are first needed
            gc.collect()
            with counted() as steps:
                await answer(address)
            return steps.calls

        async def answer(address: str) -> None:
            shown = callback("page children", "routed data", {"path": address, "query": "", "theme": "light"})
            async with (
                session.get(address)
                if address.startswith("/api/")
                else session.post("/_dash-update-component", json=shown)
            ) as answered:
                answered.raise_for_status()
                assert await answered.read()

        yield ask


async def ordered(conn: Conn, at: datetime) -> None:
    """An order that names the accounts of the cohort."""
    order = NewOrder("R1", "First", "Ministry", "IN", "69A", at, None, None, None, ROWS, COHORT, at)
    async with conn.transaction():
        await add_order(conn, order, at)


@pytest.mark.slow
async def test_no_page_of_a_thousand_accounts_keeps_the_loop(dsn: str) -> None:
    size = Size(accounts=ROWS, days=3, cohort=ROWS, cohort_changes=2, other_changes=0, sweeps_of_all=0)
    conn = await connect(dsn)
    await build(conn, size)
    await ordered(conn, size.until - timedelta(days=2))
    await conn.close()
    parts = features(only_drawing(size.until), ReplayProcess(""))
    pages = [f"/{page.path}" for part in parts for page in part.pages if page.path]
    below = ["/orders/1", "/orders/1/2", "/orders/1/restoration", "/account/1", "/countries/IN"]
    answers = [
        "live?range=all",
        "accounts",
        f"accounts/past?ids={','.join(map(str, range(1, 201)))}",
        "orders",
        "orders/1",
        "orders/1/restoration",
        "replay",
    ]
    listed = ["accounts", "changes", "spells", "statuses", "orders"]
    found: dict[str, int] = {}
    async with asking(dsn, size.until) as ask:
        for address in (
            *(f"/api/{name}" for name in answers),
            *pages,
            *below,
            *(f"/api/v1/{name}?limit=100" for name in listed),
            "/api/v1/export/changes?format=csv",
        ):
            found[address] = await ask(address)
    assert {address: calls for address, calls in found.items() if calls > MOST_CALLS} == {}
    assert len(pages) > 10
