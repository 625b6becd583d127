"""What collectors make of a budget: nothing leaves without it, and what it keeps back is no attempt."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.core.collector import Collector, CollectorAnswer, RequestFailure
from collectors.core.rate_limit_headers import (
    MOST_JITTER_S,
    NOT_STATED,
    RateLimitWindow,
    exhausted,
    failure_of,
    read_window,
)
from collectors.core.wire import WireFault
from collectors.mastodon.declaration import MASTODON
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.host_pacing import HostRateLimiter
from collectors.x.compliance import XCompliance
from collectors.x.connection import compliance_jobs, likes_readers
from collectors.x.declaration import X
from collectors.x.likes import XLikes
from collectors.x.settings import XSettings
from jobs.base.clock import SimulatedClock, system_clock
from jobs.collect.collector_factory import reach_of
from jobs.config.settings import load_settings
from jobs.dispatch.shared_rate_limits import SharedBudgets, counted_as
from storage.model.core.accounts import Platform
from storage.model.core.availability import MissedReason
from storage.model.limits.rate_limits import Granted
from storage.postgres.pool import Pool, borrowed, open_pool
from storage.work import rate_limits
from tests.support.samples.mastodon_answers import ALICE, account
from tests.support.samples.readings import T0
from tests.support.simulated.scripted_bluesky import Stage, did, shown, staged
from tests.support.simulated.scripted_mastodon import asking, ok
from tests.support.simulated.scripted_x import TOKEN, USERS, collector, cut, plain, scripted

RETRY_AT = T0 + timedelta(minutes=7)
LATER = RequestFailure(MissedReason.RATE_LIMITED, "all is used up", RETRY_AT, breaker=False)


@dataclass(slots=True)
class Allows:
    """A budget of so many requests, which keeps what it is told."""

    left: int
    noted: list[tuple[str, int | None]] = field(default_factory=list[tuple[str, int | None]])

    async def take(self, url: str) -> Granted | RequestFailure:
        self.left -= 1
        return Granted(T0, RETRY_AT, 1) if self.left >= 0 else LATER

    async def note(
        self, url: str, granted: Granted, http_status: int | None, window: RateLimitWindow
    ) -> None:
        self.noted.append((url, http_status))


def of(budget: Allows, attempts: int = 0) -> HttpOptions:
    return HttpOptions(retry=Retry(attempts=attempts, base_s=0), budget=budget)


@asynccontextmanager
async def reading(platform: Platform, budget: Allows) -> AsyncGenerator[tuple[Collector, list[str]]]:
    """A collector, and two accounts of which its platform leaves one out when both are asked for."""
    http = of(budget)
    if platform is X:
        async with scripted(plain(200, USERS)) as server, collector(server.base_url, http=http) as x:
            yield x, ["7", "8"]
    elif platform is BLUESKY:
        async with staged(Stage(profiles={did(1): shown(did(1))}), http=http) as (bluesky, _):
            yield bluesky, [did(1), did(2)]
    else:
        there = {"mastodon.example/api/v1/accounts": ok([account(ALICE)])}
        async with asking(there, http=http) as (mastodon, _):
            yield mastodon, [ALICE.native_id, "https://mastodon.example/users/bob#2"]


def missed(answer: CollectorAnswer) -> dict[str, MissedReason]:
    return {miss.native_id: miss.reason for miss in answer.missed}


@pytest.mark.parametrize("platform", Platform)
async def test_a_request_that_the_budget_refuses_is_not_an_attempt(platform: Platform) -> None:
    budget = Allows(0)
    async with reading(platform, budget) as (collector, ids):
        answer = await collector.read(ids, T0)
        again = await collector.read(ids, T0)
    assert not answer.sent
    assert answer.trouble == LATER
    assert missed(answer) == dict.fromkeys(ids, MissedReason.RATE_LIMITED)
    assert (again.sent, again.trouble) == (False, LATER)
    assert budget.left == -1, "while paused the budget is not asked again"
    assert budget.noted == []


@pytest.mark.parametrize(
    ("script", "reason", "noted"),
    [
        pytest.param(plain(503), MissedReason.UPSTREAM, [503, 503], id="an answer"),
        pytest.param(cut, MissedReason.NETWORK, [None, None], id="none"),
    ],
)
async def test_each_retry_is_requested_from_and_reported_to_the_budget(
    script: Callable[[web.BaseRequest], web.Response | None], reason: MissedReason, noted: list[int | None]
) -> None:
    """Where no repeat is allowed any more, what came of those before is what is known."""
    budget = Allows(2)
    async with scripted(script) as server, collector(server.base_url, http=of(budget, attempts=5)) as x:
        answer = await x.read(["7"], T0)
    assert answer.sent
    assert missed(answer) == {"7": reason}
    assert [status for _, status in budget.noted] == noted


async def test_every_other_request_to_x_takes_from_the_budget_too() -> None:
    async with scripted(plain(200, b"{}")) as server:
        async with collector(server.base_url, http=of(Allows(0))) as x:
            assert (await x.engagement("7", None, T0)).trouble == LATER
            assert await x.follows("7", T0) == LATER
            assert await x.following_counts(["7"], T0) == LATER
            assert (await x.resolve(["alice"], T0)).trouble == LATER
        token = ("key", "secret", "7-token", "secret")
        async with XLikes(*token, base_url=server.base_url, http=of(Allows(0))) as likes:
            assert (await likes.likes("7", (), T0)).trouble == LATER
        async with XCompliance(TOKEN, base_url=server.base_url, http=of(Allows(0))) as jobs:
            assert await jobs.result("1", (), T0) == LATER
        assert server.asked == []


# Kept in the database.


@pytest.mark.parametrize(
    ("platform", "url", "counted"),
    [
        (X, "https://api.x.com/2/users", "users"),
        (X, "https://api.x.com/2/users/by", "users/by"),
        (X, "https://api.x.com/2/users/783214/tweets", "users/:id/tweets"),
        (X, "https://api.x.com/2/users/7/liked_tweets?max_results=100", "users/:id/liked_tweets"),
        (
            BLUESKY,
            "https://public.api.bsky.app/xrpc/app.bsky.actor.getProfiles",
            "public.api.bsky.app app.bsky",
        ),
        (BLUESKY, "https://pds.example/xrpc/com.atproto.sync.getRepoStatus", "pds.example com.atproto"),
        (BLUESKY, "https://plc.directory/did:plc:a", "plc.directory"),
        (MASTODON, "https://mastodon.example:8443/api/v1/accounts", "mastodon.example:8443 api"),
        (MASTODON, "https://mastodon.example/users/alice", "mastodon.example"),
        (MASTODON, "https://[", "an address that cannot be read"),
    ],
)
def test_requests_are_counted_as_the_platform_counts_them(platform: Platform, url: str, counted: str) -> None:
    assert counted_as(platform, url) == counted


async def test_likes_and_compliance_jobs_are_counted_by_the_token_that_they_use(pool: Pool) -> None:
    shared = SharedBudgets(pool, "", SimulatedClock(T0))
    async with scripted(plain(200, b"{}")) as server:
        told = load_settings(
            None,
            {
                "BLOCKLINE_X_BEARER_TOKEN": TOKEN,
                "BLOCKLINE_X_BASE_URL": server.base_url,
                "BLOCKLINE_X_CONSUMER_KEY": "key",
                "BLOCKLINE_X_CONSUMER_SECRET": "secret",
                "BLOCKLINE_X_LIKES": "7:7-token:secret",
                "BLOCKLINE_X_COMPLIANCE": "true",
            },
        )
        reach = reach_of(told, budgets=shared)
        jobs = compliance_jobs(told.of(XSettings), reach)
        assert jobs is not None
        async with jobs, likes_readers(told.of(XSettings), reach)["7"] as likes:
            await jobs.result("1", (), T0)
            await likes.likes("7", (), T0)
    async with borrowed(pool) as conn:
        names = {b.name for b in await rate_limits.budgets(conn)}
    app, user = (sha256(token.encode()).hexdigest()[:12] for token in (TOKEN, "7-token"))
    assert names == {f"x {app} compliance/jobs/:id", f"x {user} users/:id/liked_tweets"}


async def test_without_the_database_no_request_is_made_and_nothing_is_raised(dsn: str) -> None:
    async with open_pool(dsn) as pool:
        budget = SharedBudgets(pool, "", system_clock).of(X, credential=TOKEN)
        url = "https://api.x.com/2/users"
        granted = await budget.take(url)
        assert isinstance(granted, Granted)
        await pool.close()
        async with scripted(plain(200, USERS)) as server:
            http = HttpOptions(budget=budget)
            async with collector(server.base_url, http=http) as x:
                now = system_clock()
                answer = await x.read(["7"], now)
            await budget.note(url, granted, 200, RateLimitWindow(300, 299, now, None))
        assert server.asked == []
        assert not answer.sent
        assert answer.trouble is not None
        assert answer.trouble.detail == "the database that counts requests does not answer"
        assert now < answer.trouble.retry_at < now + timedelta(minutes=1)


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


async def test_a_host_is_not_asked_faster_than_its_pace_and_hosts_do_not_wait_for_each_other() -> None:
    pace = HostRateLimiter(per_s=1000, burst=2)
    for _ in range(20):
        await pace.wait("https://one.example/a")
        await pace.wait("https://two.example/b")


@pytest.mark.parametrize(("per_s", "burst"), [(0, 1), (-1, 1), (1, 0)])
def test_a_pace_that_never_allows_a_request_is_refused(per_s: float, burst: int) -> None:
    with pytest.raises(ValueError, match="requests per second"):
        HostRateLimiter(per_s, burst)
