"""When a platform may be asked again: three spellings of the same headers, and what goes wrong with them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from collectors.core.rate_limit_headers import (
    MOST_JITTER_S,
    NOT_STATED,
    Pauses,
    RateLimitWindow,
    exhausted,
    failure_of,
    read_window,
)
from collectors.core.wire import WireFault
from collectors.transport.host_pacing import HostRateLimiter
from storage.model.core.availability import MissedReason
from tests.support.samples.readings import MINUTE, T0, minutes

EPOCH = str(int(minutes(9).timestamp()))


@pytest.mark.parametrize(
    ("headers", "window"),
    [
        pytest.param(
            {"x-rate-limit-limit": "300", "x-rate-limit-remaining": "7", "x-rate-limit-reset": EPOCH},
            RateLimitWindow(300, 7, minutes(9), None),
            id="X: epoch seconds",
        ),
        pytest.param(
            {"ratelimit-limit": "3000", "ratelimit-remaining": "0", "ratelimit-reset": EPOCH},
            RateLimitWindow(3000, 0, minutes(9), None),
            id="Bluesky: epoch seconds under other names",
        ),
        pytest.param(
            {
                "X-RateLimit-Limit": "300",
                "X-RateLimit-Remaining": "299",
                "X-RateLimit-Reset": "2021-02-01T00:09:00.000000Z",
            },
            RateLimitWindow(300, 299, minutes(9), None),
            id="Mastodon: a time",
        ),
        pytest.param(
            {"X-RateLimit-Reset": EPOCH},
            RateLimitWindow(None, None, minutes(9), None),
            id="a mock: epoch seconds",
        ),
        pytest.param(
            {"Retry-After": "289"}, RateLimitWindow(None, None, None, 289), id="only how long to wait"
        ),
        pytest.param({}, NOT_STATED, id="nothing is stated"),
        pytest.param({"ratelimit-reset": "soon"}, NOT_STATED, id="no time at all"),
        pytest.param({"ratelimit-reset": "9" * 30}, NOT_STATED, id="a number beyond all times"),
        pytest.param({"ratelimit-remaining": "-1"}, NOT_STATED, id="less than nothing"),
    ],
)
def test_the_headers_of_every_platform_are_understood(
    headers: dict[str, str], window: RateLimitWindow
) -> None:
    assert read_window(CIMultiDict(headers)) == window


@given(st.dictionaries(st.sampled_from(["ratelimit-reset", "ratelimit-limit", "retry-after"]), st.text()))
def test_no_header_raises_or_causes_an_endless_wait(headers: dict[str, str]) -> None:
    window = read_window(headers)
    trouble = failure_of(WireFault(MissedReason.RATE_LIMITED, "429"), window, T0, 5)
    assert T0 < trouble.retry_at <= T0 + timedelta(minutes=15, seconds=5)
    assert exhausted(window, T0) is None or exhausted(window, T0) == window.reset_at


@given(st.sampled_from(MissedReason), st.floats(0, MOST_JITTER_S), st.integers(901, 10**9))
def test_a_missing_or_implausible_reset_causes_no_wait_longer_than_allowed(
    reason: MissedReason, jitter_s: float, absurd_s: int
) -> None:
    longest = timedelta(seconds=30)
    for window in (
        NOT_STATED,
        RateLimitWindow(None, None, None, absurd_s),
        RateLimitWindow(None, None, T0 + timedelta(seconds=absurd_s), None),
    ):
        trouble = failure_of(WireFault(reason, ""), window, T0, jitter_s, longest)
        assert T0 < trouble.retry_at <= T0 + longest


def test_a_used_up_window_pauses_only_its_own_place_until_the_reset() -> None:
    pauses = Pauses()
    pauses.note_window("pds.example", RateLimitWindow(3000, 0, minutes(4), None), T0)
    pause = pauses.of(T0, "pds.example")
    assert pause is not None
    assert (pause.reason, pause.retry_at) == (MissedReason.RATE_LIMITED, minutes(4))
    assert pauses.of(T0, "other.example") is None
    assert pauses.of(minutes(4), "pds.example") is None


def test_of_several_places_the_longest_pause_counts() -> None:
    pauses = Pauses()
    for place, until in (("a", 3), ("b", 5)):
        fault = WireFault(MissedReason.RATE_LIMITED, "429")
        window = RateLimitWindow(None, None, datetime.fromtimestamp(minutes(until).timestamp(), UTC), None)
        pauses.start(place, failure_of(fault, window, T0, 0))
    pause = pauses.of(T0 + MINUTE, "a", "b")
    assert pause is not None
    assert pause.retry_at == minutes(5)


async def test_a_host_is_not_asked_faster_than_its_pace_and_hosts_do_not_wait_for_each_other() -> None:
    pace = HostRateLimiter(per_s=1000, burst=2)
    for _ in range(20):
        await pace.wait("https://one.example/a")
        await pace.wait("https://two.example/b")


@pytest.mark.parametrize(("per_s", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_pace_that_never_allows_a_request_is_refused(per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="requests per second"):
        HostRateLimiter(per_s, burst)
