"""How often X is asked: within its limits, without a refusal, and not at all where only a human can help."""

import asyncio
from datetime import datetime, timedelta

import pytest

from collectors.simulator.history import History, settled
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.rate_limits import DOCUMENTED_LIMITS
from storage.model.core.availability import State, Status
from tests.support.repeats import repeats
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_x import collector

SLOT = timedelta(minutes=15)
SLOTS = repeats(8, 96)
"""Two hours, or a day."""
IDS = [str(10**9 + n) for n in range(20_000)]
EVERYBODY = History(
    tuple(settled(X, i, [(T0, State(Status.AVAILABLE), f"n{i}")]) for i in IDS),
)


@pytest.mark.slow
@pytest.mark.again
async def test_twenty_thousand_accounts_every_quarter_hour_meet_no_refusal() -> None:
    rosters = [IDS[start : start + 98] for start in range(0, len(IDS), 98)]
    assert len(rosters) == 205
    async with serve_x(EVERYBODY, limit=DOCUMENTED_LIMITS) as server, collector(server.base_url) as x:
        for slot in range(SLOTS):
            now = T0 + slot * SLOT
            server.set_clock(now)
            for roster in rosters:
                assert len((await x.read(roster, now)).readings) == len(roster)
        assert server.counts["users"] == {
            "requests": SLOTS * 205,
            "ids": SLOTS * 20_000,
            "refused": 0,
        }


async def test_requests_side_by_side_stop_at_the_limit_and_not_after_it() -> None:
    async with serve_x(EVERYBODY, limit=60) as server, collector(server.base_url) as x:
        at_once = asyncio.Semaphore(8)

        async def is_sent(native_id: str, now: datetime) -> bool:
            async with at_once:
                return (await x.read([native_id], now)).sent

        for slot in range(3):
            now = T0 + slot * SLOT
            server.set_clock(now)
            sent = await asyncio.gather(*(is_sent(i, now) for i in IDS[:100]))
            assert 60 - 8 <= sum(sent) <= 60
        assert server.counts["users"]["refused"] == 0
