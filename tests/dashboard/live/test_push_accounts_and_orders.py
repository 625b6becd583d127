"""What an open live page hears of: accounts that join the watch, and papers when they become known."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest

from collectors.x.declaration import X
from dashboard.asgi.process import WebProcess
from dashboard.live.push import COUNT_EVERY, Hub, catch_up
from storage.health.collector_state import CollectorState, save_state
from storage.live.snapshot import last_event_id
from storage.model.core.orders import NewOrder, NewOrderEvent, OrderEventKind
from storage.orders.orders import add_order, add_order_event
from storage.postgres.pool import Pool, transaction
from tests.dashboard.countries.test_country_page import import_crawl
from tests.dashboard.server.test_app import next_with
from tests.support.seeds.changes import DAY, HOUR, SUSPENDED, Story, happen
from tests.support.servers.dashboard import SETTINGS


class Clock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


@asynccontextmanager
async def listening(pool: Pool, dsn: str, clock: Clock) -> AsyncGenerator[asyncio.Queue[Any]]:
    """A browser's queue, after its first message."""
    hub = Hub(WebProcess(pool, clock, dsn, SETTINGS))
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(hub.run())
        with hub.subscribe() as queue:
            await queue.get()
            yield queue
        work.cancel()


async def test_an_import_makes_pages_load_once_and_not_change_by_change(
    pool: Pool, dsn: str, story: Story
) -> None:
    async with listening(pool, dsn, Clock(story.now)) as queue:
        async with transaction(pool) as conn:
            await import_crawl(conn, story.now)
        assert "changes" not in await next_with(queue, "reload")


def order(story: Story, known_at: datetime) -> NewOrder:
    return NewOrder(
        reference="SYN/late",
        title="Late order",
        issuer="IT ministry",
        country="IN",
        legal_basis="Section 69A IT Act",
        issued_at=story.now - 3 * DAY,
        issued_from=None,
        issued_to=None,
        deadline_at=story.now - 2 * DAY,
        named_count=9,
        list_name="Late list",
        known_at=known_at,
    )


def claim(story: Story, known_at: datetime) -> NewOrderEvent:
    at = story.now - 2 * DAY
    return NewOrderEvent(None, OrderEventKind.CLAIM, at, None, None, "all restored", "press", known_at)


async def test_a_paper_is_pushed_when_its_time_comes_although_no_event_tells_of_it(
    pool: Pool, dsn: str, story: Story
) -> None:
    known_at = story.now + HOUR
    async with transaction(pool) as conn:
        await add_order(conn, order(story, known_at), story.now)
        await add_order_event(conn, claim(story, known_at))
    clock = Clock(story.now)
    async with listening(pool, dsn, clock) as queue:
        clock.now += COUNT_EVERY
        assert "orders" not in await next_with(queue, "kpis")

        clock.now = known_at

        message = await next_with(queue, "orders")

    assert "Late order" in {o["title"] for o in message["orders"]}
    told = next(e for e in message["events"] if e["text"] == "all restored")
    assert told["at"] < told["known"] == round(known_at.timestamp() * 1000)


@pytest.mark.slow
async def test_how_the_detectors_stand_is_pushed_when_one_stops_and_not_with_each_change(
    pool: Pool, dsn: str, story: Story
) -> None:
    clock = Clock(story.now)
    async with listening(pool, dsn, clock) as queue:
        async with transaction(pool) as conn:
            await happen(conn, story, story.accounts[1][-2], SUSPENDED, story.now - HOUR)
        changed = await next_with(queue, "changes")
        counted = await next_with(queue, "kpis")
        async with transaction(pool) as conn:
            await save_state(conn, CollectorState(X, False, "auth", "", story.now, None))
        stopped = await next_with(queue, "detectors")
        clock.now += COUNT_EVERY
        silent = await next_with(queue, "kpis")

    assert "detectors" not in changed
    assert "changes" not in counted
    assert stopped["detectors"]["worst"][0]["state"] == "stopped"
    assert silent["detectors"] == stopped["detectors"]


async def test_a_page_that_was_away_when_a_paper_became_known_gets_it(pool: Pool, story: Story) -> None:
    known_at = story.now + HOUR
    async with transaction(pool) as conn:
        await add_order(conn, order(story, known_at), story.now)
        latest = await last_event_id(conn)
        early = await catch_up(conn, latest, story.now, known_at - HOUR / 60, story.sweep, 100)
        missed: Any = await catch_up(conn, latest, story.now, known_at, story.sweep, 100)

    assert "orders" not in early
    assert "Late order" in {o["title"] for o in missed["orders"]}
