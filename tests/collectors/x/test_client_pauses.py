"""When the X collector stays silent, and what it never says."""

import logging
from collections.abc import Callable
from datetime import timedelta

import pytest
from aiohttp import web

from collectors.core.collector import RequestFailure
from collectors.core.rate_limit_headers import MOST_JITTER_S, RateLimitWindow, failure_of
from collectors.core.wire import WireFault
from collectors.simulator.history import History, settled
from collectors.x.collector import XCollector
from collectors.x.declaration import X
from collectors.x.simulator.app import serve_x
from storage.model.core.availability import MissedReason, State, Status
from tests.support.samples.readings import MINUTE, T0
from tests.support.simulated.scripted_x import HTML, TOKEN, USERS, collector, cut, one_read, plain, scripted

EPOCH = int(T0.timestamp())
FAR = timedelta(minutes=15)
JITTER = timedelta(seconds=MOST_JITTER_S)


@pytest.mark.parametrize(
    ("reset_s", "retry_after_s", "wait", "jitters"),
    [
        pytest.param(300, None, timedelta(seconds=300), False, id="reset"),
        pytest.param(5, None, MINUTE, False, id="reset at once"),
        pytest.param(300, 600, timedelta(seconds=600), False, id="retry-after later than reset"),
        pytest.param(None, None, MINUTE, True, id="nothing stated"),
        pytest.param(None, 120, timedelta(seconds=120), True, id="retry-after alone"),
        pytest.param(-10, None, MINUTE, True, id="past reset"),
        pytest.param(86_400, None, FAR - JITTER, True, id="absurd reset"),
        pytest.param(None, 86_400, FAR - JITTER, True, id="absurd retry-after"),
    ],
)
def test_after_a_rate_limit_x_is_asked_when_it_said_but_within_reason(
    reset_s: int | None, retry_after_s: int | None, wait: timedelta, jitters: bool
) -> None:
    reset_at = None if reset_s is None else T0 + timedelta(seconds=reset_s)
    window = RateLimitWindow(None, None, reset_at, retry_after_s)
    trouble = failure_of(WireFault(MissedReason.RATE_LIMITED, ""), window, T0, jitter_s=7)
    assert trouble.retry_at == T0 + wait + timedelta(seconds=7 if jitters else 0)
    assert not trouble.breaker


@pytest.mark.parametrize(
    ("script", "reason", "wait", "breaker"),
    [
        pytest.param(plain(401), MissedReason.AUTH, FAR, True, id="401"),
        pytest.param(plain(402), MissedReason.CREDITS, FAR, True, id="402"),
        pytest.param(plain(403), MissedReason.ACCESS, FAR, True, id="403"),
        pytest.param(
            plain(429, b'{"title":"UsageCapExceeded"}', x_rate_limit_reset=str(EPOCH + 60)),
            MissedReason.USAGE_CAPPED,
            FAR,
            True,
            id="usage cap",
        ),
        pytest.param(
            plain(429, x_rate_limit_reset=str(EPOCH + 240)),
            MissedReason.RATE_LIMITED,
            4 * MINUTE,
            False,
            id="429",
        ),
    ],
)
async def test_while_it_must_wait_a_collector_asks_nothing_and_says_why(
    script: Callable[[web.BaseRequest], web.Response], reason: MissedReason, wait: timedelta, breaker: bool
) -> None:
    async with scripted(script) as server, collector(server.base_url) as x:
        first = await x.read(["7"], T0)
        assert first.trouble == RequestFailure(reason, first.missed[0].detail, T0 + wait, breaker)
        early = await x.read(["7", "8"], T0 + wait - MINUTE / 60)
        assert len(server.asked) == 1
        assert [miss.reason for miss in early.missed] == [reason, reason]
        assert early.trouble == first.trouble
        await x.read(["7"], T0 + wait)
        assert len(server.asked) == 2


@pytest.mark.parametrize("status", [500, 404, 302])
async def test_a_fault_of_the_platform_does_not_silence_the_collector(status: int) -> None:
    async with scripted(plain(status)) as server, collector(server.base_url) as x:
        first = await x.read(["7"], T0)
        assert first.trouble is not None
        assert first.trouble.retry_at == T0 + MINUTE
        await x.read(["7"], T0)
        assert len(server.asked) == 2


async def test_a_window_that_is_used_up_is_waited_for_without_a_refusal() -> None:
    history = History((settled(X, "7", [(T0, State(Status.AVAILABLE), "a")]),))
    async with serve_x(history, limit=2) as server, collector(server.base_url) as x:
        assert (await x.read(["7"], T0)).readings
        assert x.windows["users"].remaining == 1
        assert (await x.read(["7"], T0)).readings
        third = await x.read(["7"], T0)
        assert third.trouble is not None
        assert third.trouble.retry_at == T0 + FAR
        assert server.counts["users"]["requests"] == 2
        server.set_clock(T0 + FAR)
        assert (await x.read(["7"], T0 + FAR)).readings


# secrets -------------------------------------------------------------------------------------------------


async def test_the_token_is_in_no_log_and_no_message(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        for script in (plain(200, USERS), plain(401, b"{}"), plain(503, HTML), cut):
            answer, _ = await one_read(script)
            assert TOKEN not in str(answer)
    assert TOKEN not in caplog.text
    assert TOKEN not in repr(XCollector(TOKEN))


@pytest.mark.parametrize("token", ["", "two words", "line\n" + TOKEN, "ключ"])
def test_a_token_that_cannot_be_one_is_refused_without_being_repeated(token: str) -> None:
    with pytest.raises(ValueError, match="bearer token") as refusal:
        XCollector(token)
    assert TOKEN not in str(refusal.value)
