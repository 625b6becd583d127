"""The dashboard over real sockets: its data, its push, its headers; and the pure parts of its pages."""

import asyncio
import json
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from dashboard.accounts.account_page import blocked_for
from dashboard.asgi.process import WebProcess
from dashboard.asgi.security_headers import cache_control, content_security_policy
from dashboard.live.push import Hub
from dashboard.live.snapshot_cache import USUAL, live_json
from dashboard.ui import words
from dashboard.wire.compact_json import Json
from storage.live.account_detail import account_detail
from storage.postgres.pool import Pool, transaction
from tests.support.seeds.changes import HOUR, SUSPENDED, WITHHELD, Story, happen
from tests.support.servers.dashboard import SETTINGS, served, until


async def get(session: aiohttp.ClientSession, url: str) -> tuple[int, Any, aiohttp.ClientResponse]:
    async with session.get(url) as response:
        text = (await response.read()).decode(errors="replace")  # some data is packed
        is_json = response.content_type == "application/json"
        return response.status, json.loads(text) if is_json else text, response


async def test_the_first_answer_holds_all_accounts_in_columns_of_one_length(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with transaction(pool) as conn:
        body: Any = await live_json(conn, "14d", story.now, SETTINGS)

    assert {len(column) for column in body["accounts"].values()} == {32}
    for table in ("spells", "changes", "signals"):
        assert len({len(column) for column in body[table].values()}) == 1
    assert body["kpis"]["watched"] == 32
    assert body["executives"][0]["access"][0]["state"] == "not observable since June 2024"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/api/live?range=century", 422, id="a range that does not exist"),
        pytest.param("/api/live/since?id=-1&read=0", 422, id="a negative event id"),
        pytest.param("/api/live/since?id=0", 422, id="no time of the last reading"),
        pytest.param("/healthz", 200, id="alive"),
        pytest.param("/openapi.json", 200, id="no schema of the API: the page answers"),
    ],
)
async def test_addresses_are_answered_or_refused(
    pool: Pool, dsn: str, now: datetime, path: str, status: int
) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        answer, body, _ = await get(session, base + path)

    assert answer == status
    assert "openapi" not in str(body)[:40]


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


async def test_every_answer_carries_the_policy_and_data_is_never_stored(
    pool: Pool, dsn: str, now: datetime
) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        for path in ("/", "/api/live", "/assets/boot.js", "/mail", "/_dash-layout"):
            status, _, response = await get(session, base + path)
            assert status == 200
            policy = response.headers["content-security-policy"]
            assert "script-src 'self' 'sha256-" in policy
            assert "unsafe-eval" not in policy
            assert response.headers["x-frame-options"] == "DENY"
        _, page, response = await get(session, base + "/")

    assert response.headers["cache-control"] == "no-store"
    assert "A &lt;test&gt; of two orders" in page
    assert "Synthetic scenario" in page


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        pytest.param("same", True, id="the dashboard's own page"),
        pytest.param("http://elsewhere.example", False, id="another site"),
        pytest.param(None, False, id="no origin at all"),
    ],
)
async def test_only_the_dashboards_own_page_may_open_the_websocket(
    pool: Pool, dsn: str, now: datetime, origin: str | None, accepted: bool
) -> None:
    async with served(pool, dsn, now) as base, aiohttp.ClientSession() as session:
        sent = base if origin == "same" else origin
        headers = {} if sent is None else {"Origin": sent}
        try:
            async with session.ws_connect(f"{base}/_dash-ws-callback", headers=headers):
                opened = True
        except aiohttp.WSServerHandshakeError:
            opened = False

    assert opened is accepted


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


async def test_a_wave_becomes_one_push_for_every_browser(pool: Pool, dsn: str, story: Story) -> None:
    hub = Hub(WebProcess(pool, lambda: story.now, dsn, SETTINGS))
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(hub.run())
        with hub.subscribe() as one, hub.subscribe() as other:
            await until(lambda: _is(hub.process.listening))
            await one.get()
            quiet = story.accounts[1][-4:-1]
            async with transaction(pool) as conn:
                ids = [await happen(conn, story, a, WITHHELD, story.now - HOUR) for a in quiet]
            message = await next_with(one, "changes")
            same = await next_with(other, "changes")
            counted = await next_with(one, "kpis")
        work.cancel()

    assert message["changes"]["id"] == ids
    assert same == message
    assert counted["kpis"]["withheld"] > 0


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


async def test_a_push_that_ended_says_no_more_that_it_listens(pool: Pool, dsn: str, story: Story) -> None:
    hub = Hub(WebProcess(pool, lambda: story.now, dsn, SETTINGS))
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(hub.run())
        await until(lambda: _is(hub.process.listening))
        work.cancel()

    assert not hub.process.listening


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


async def test_how_long_an_account_was_blocked_has_a_least_and_a_most(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        account = await account_detail(conn, story.wave[0], story.now, SETTINGS.gap_after)
    assert account is not None

    least, most = blocked_for(account, story.now)

    assert most is not None
    assert most - least == 2 * story.sweep
    assert least > timedelta()


T0 = datetime(2021, 2, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("after", "before", "said"),
    [
        pytest.param(
            T0, T0 + timedelta(minutes=15), "1 Feb 2021, between 12:00 and 12:15 UTC", id="the same day"
        ),
        pytest.param(
            T0 - 13 * HOUR, T0, "between 31 Jan 2021, 23:00 and 1 Feb 2021, 12:00 UTC", id="two days"
        ),
        pytest.param(None, T0, "on or before 1 Feb 2021, 12:00 UTC", id="nothing contrary was ever seen"),
    ],
)
def test_an_interval_is_said_with_both_its_readings(
    after: datetime | None, before: datetime, said: str
) -> None:
    assert words.between(after, before) == said


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        pytest.param("/api/live", b"no-store", id="data"),
        pytest.param("/_dash-layout", b"no-store", id="Dash's answers"),
        pytest.param("/assets/main.mjs", b"no-cache", id="our scripts are asked for again"),
        pytest.param("/static/0123/boot.js", None, id="the same by their version say how long"),
        pytest.param("/feeds/all.atom", b"private, no-cache", id="a feed is kept by its reader, who asks"),
        pytest.param("/_dash-component-suites/x.v1.js", None, id="versioned scripts keep theirs"),
    ],
)
def test_what_a_browser_may_keep(path: str, kept: bytes | None) -> None:
    assert cache_control(path) == kept


def test_the_policy_names_this_host_only() -> None:
    policy = content_security_policy(["'sha256-abc'"])

    assert "http:" not in policy
    assert "https:" not in policy
    assert "script-src 'self' 'sha256-abc';" in policy


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
