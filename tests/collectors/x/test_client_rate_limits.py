"""How often X is asked: within its limits, without a refusal, and not at all where only a human can help."""

import asyncio
from datetime import datetime, timedelta

import pytest

from collectors.simulator.history import History, settled
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from collectors.x.simulator.rate_limits import DOCUMENTED_LIMITS
from storage.model.core.availability import MissedReason, State, Status
from tests.support.repeats import repeats
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_x import collector, plain, scripted

SLOT = timedelta(minutes=15)
SLOTS = repeats(8, 96)
"""Two hours, or a day."""
IDS = [str(10**9 + n) for n in range(20_000)]
EVERYBODY = History(
    tuple(settled(X, i, [(T0, State(Status.AVAILABLE), f"n{i}")]) for i in IDS),
)
CAP = b'{"title":"UsageCapExceeded","type":"https://api.x.com/2/problems/usage-capped"}'


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


async def test_a_usage_cap_waits_for_the_operator_and_not_for_the_reset_of_the_rate_limit() -> None:
    soon = T0 + 2 * MINUTE
    headers = {"x-rate-limit-remaining": "39999", "x-rate-limit-reset": str(int(soon.timestamp()))}
    async with scripted(plain(429, CAP, **headers)) as server, collector(server.base_url) as x:
        first = await x.read(["7"], T0)
        assert first.trouble is not None
        assert (first.trouble.reason, first.trouble.breaker) == (MissedReason.USAGE_CAPPED, True)
        for minute in (2, 3, 14):
            later = await x.read(["7"], T0 + minute * MINUTE)
            assert not later.sent
            assert later.trouble == first.trouble
            assert (await x.engagement("7", None, T0 + minute * MINUTE)).trouble == first.trouble
        assert len(server.asked) == 1
        probe = await x.read(["7"], T0 + SLOT)
        assert probe.trouble is not None
        assert probe.trouble.breaker
        assert len(server.asked) == 2


async def test_a_usage_cap_that_also_says_no_requests_are_left_is_still_a_usage_cap() -> None:
    headers = {"x-rate-limit-remaining": "0", "x-rate-limit-reset": str(int((T0 + SLOT).timestamp()))}
    async with scripted(plain(429, CAP, **headers)) as server, collector(server.base_url) as x:
        await x.read(["7"], T0)
        later = await x.read(["7"], T0 + MINUTE)
        assert later.trouble is not None
        assert (later.trouble.reason, later.trouble.breaker) == (MissedReason.USAGE_CAPPED, True)


async def test_after_a_usage_cap_is_lifted_one_probe_is_enough() -> None:
    answers = iter([plain(429, CAP), plain(200, b'{"data":[{"id":"7","username":"a","protected":false}]}')])
    async with scripted(lambda request: next(answers)(request)) as server, collector(server.base_url) as x:
        await x.read(["7"], T0)
        assert (await x.read(["7"], T0 + SLOT)).readings
        assert len(server.asked) == 2
