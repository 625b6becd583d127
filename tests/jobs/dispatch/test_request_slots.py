"""How many requests run at once, and that servers which hang take no room from the others."""

import asyncio
from functools import partial

from collectors.mastodon.declaration import MASTODON
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.dispatch.local_requester import LocalRequester
from jobs.dispatch.request_slots import RequestSlots
from storage.accounts.accounts import NewAccount, add_accounts
from storage.postgres.pool import Pool, transaction
from tests.support.pipelines.monitor import SWEEP, World
from tests.support.samples.mastodon_answers import ALICE, account
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_mastodon import Hang, collector, ok, scripted

HOME = ALICE.host


async def is_full(slots: RequestSlots) -> bool:
    """Whether another request has to wait, longer than for one that hangs."""

    async def ask() -> None:
        async with slots.taken(of_one_server=False):
            pass

    waiting = asyncio.ensure_future(ask())
    await asyncio.wait([waiting], timeout=0.1)
    return waiting.cancel()


async def test_a_request_that_hangs_gives_its_slot_to_another_and_gives_it_once() -> None:
    slots = RequestSlots(1, hangs_after_s=0.01)
    hangs = partial(slots.taken, of_one_server=True)
    async with asyncio.timeout(100), hangs(), hangs(), hangs():
        pass
    assert not await is_full(slots)
    async with slots.taken(of_one_server=False):
        assert await is_full(slots)


async def test_servers_that_hang_keep_nobody_on_another_server_from_being_read(pool: Pool) -> None:
    """As many of them as requests run at once, each of which gets twenty seconds."""
    world = World(pool)
    hanging = tuple(f"h{n}.example" for n in range(9))
    async with transaction(pool) as conn:
        ids = [(f"https://{host}/users/a#1", f"a@{host}") for host in hanging] + [(ALICE.native_id, "alice")]
        await add_accounts(conn, [NewAccount(MASTODON, *one) for one in ids], T0)
    routes = {f"{host}/api/v1/accounts": Hang() for host in hanging}
    async with (
        scripted({**routes, f"{HOME}/api/v1/accounts": ok([account()])}) as server,
        collector(server, (HOME, *hanging)) as mastodon,
    ):
        requester = LocalRequester(mastodon, world.clock, 2, hangs_after_s=0.05)
        monitor = reading_pipeline(
            pool, mastodon, ConfirmationRule(), MonitorSettings(SWEEP), world.clock, requester
        )
        await monitor.load()
        async with asyncio.timeout(100):
            while not monitor.tally.readings:
                await monitor.step()
        await monitor.settled(0)
    assert await world.rows("select place, outcome from coverage join roster using (roster_id)") == [
        (HOME, 0)
    ]
