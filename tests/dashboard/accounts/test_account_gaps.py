"""What the page of an account says of the times without a reading: why, for each of them."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from dashboard.accounts.account_context import read_account_context
from dashboard.accounts.account_history_cards import gaps_card
from dashboard.accounts.account_words import sentences
from dashboard.ui.cards import MOST_ROWS
from jobs.planning.sweep import Sweep
from storage.accounts.accounts import NewAccount, add_accounts
from storage.live.account_detail import account_detail
from storage.postgres.pool import Pool, connect, transaction
from tests.support.clients.page_text import said as text_of
from tests.support.pipelines.monitor import World
from tests.support.samples.readings import MINUTE, T0, FakeCollector
from tests.support.seeds.large_database import LongHistory, write_long_history
from tests.support.servers.dashboard import SETTINGS, page_of

SECOND = timedelta(seconds=1)
EVERY = 5 * MINUTE


class Slow(FakeCollector):
    """A platform whose answers may take their time."""

    world: World
    takes = timedelta()

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        answer = await super().read(native_ids, now)
        self.world.clock.set(self.world.clock() + self.takes)
        return answer


@pytest.fixture
async def world(pool: Pool) -> World:
    world = World(pool, Slow())
    assert isinstance(world.platform, Slow)
    world.platform.world = world
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, str(n), f"h{n}") for n in range(1180)], T0)
    return world


async def said(world: World, gap_after: timedelta = 2 * EVERY) -> list[str]:
    """What the page of one account a roster says of its gaps, else of the time since its last reading."""
    found: list[str] = []
    async with transaction(world.pool) as conn:
        for (account_id,) in await conn.fetch("select account_ids[1] from roster where base"):
            account = await account_detail(conn, account_id, world.clock(), gap_after)
            assert account is not None
            around = await read_account_context(conn, account, world.clock(), gap_after)
            cards = gaps_card(account, around)
            found.append(" ".join(map(text_of, cards)) if cards else " ".join(sentences(account, around)))
    return found


async def test_who_waited_for_an_answer_that_took_long_was_asked(pool: Pool) -> None:
    world = World(pool, Slow())
    assert isinstance(world.platform, Slow)
    world.platform.world = world
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "1", "h1")], T0)
    monitor = await world.start(Sweep(15 * SECOND, T0))
    await monitor.tick()
    world.clock.set(T0 + 15 * SECOND)
    world.platform.takes = 43 * SECOND
    await monitor.tick()
    (words,) = await said(world, 30 * SECOND)
    assert "not asked" not in words
    assert "Asked 1 Feb 2021, 00:00:15 UTC, answered 43 s later" in words


async def test_of_many_gaps_the_newest_are_shown_and_the_number_of_the_others(pool: Pool, dsn: str) -> None:
    history = LongHistory(gaps=MOST_ROWS + 1_234)
    conn = await connect(dsn)
    account_id = await write_long_history(conn, history)
    await conn.close()
    async with transaction(pool) as conn:
        drawn = await page_of(conn, f"/account/{account_id}", history.until, SETTINGS, "light")
        page = " ".join(text_of(drawn).split())
    assert page.count("1 h 30 min") == MOST_ROWS
    assert "1,234 older gaps are not shown. blockline export readings has the readings on both sides" in page
    assert "the tables below have the newest 100 of each" in page
    assert "are joined. The tables have the newest 100 of each." in page
    assert f"{MOST_ROWS + 1_234:,}" in page
