"""What is read beside the status: other servers' view, admirers of posts, follows, handles of the past."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from hashlib import sha256

import pytest

from collectors.bluesky.collector import BlueskyCollector
from collectors.bluesky.declaration import BLUESKY
from collectors.bluesky.simulator.app import serve_bluesky
from collectors.mastodon.declaration import MASTODON
from collectors.simulator.engagement_file import SimulatedAct
from collectors.simulator.history import History, HistoryAccount, settled
from collectors.transport.client import HttpOptions, Retry
from collectors.transport.ssrf_guard import Guard
from jobs.base.clock import SimulatedClock
from jobs.base.periodic_task import PeriodicTask
from jobs.collect.monitor import Monitor, MonitorSettings
from jobs.collect.observers import Observers
from jobs.collect.past_handles import HandleRecords
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.engagement.follows_of_watched import FollowsOfWatched
from jobs.engagement.post_likes import WatchedPosts
from jobs.planning.sweep import Sweep
from storage.accounts import handle_history
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.side_facts import facts_of
from storage.executives import signals
from storage.model.core.side_facts import SideFact
from storage.model.core.signals import SignalKind
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import AVAILABLE, T0, FakeCollector, minutes
from tests.support.simulated.scripted_mastodon import Routes, Scripted, collector, ok, scripted, status

SWEEP = Sweep(timedelta(hours=2), T0)
ALICE = "https://mastodon.example/users/alice#101"
BOB = "https://social.example/users/bob#7"
BLOCKS = "example.org/api/v1/instance/domain_blocks"
LOOKUP = "example.org/api/v1/accounts/lookup"
SILENCED = [{"domain": "m*", "digest": sha256(b"mastodon.example").hexdigest(), "severity": "silence"}]
COPY = {
    "id": "9",
    "username": "alice",
    "acct": "alice@mastodon.example",
    "uri": "https://mastodon.example/users/alice",
}


async def come_round(chore: PeriodicTask, clock: SimulatedClock, until: datetime) -> None:
    """Do the chore whenever it is due."""
    while (due := chore.next_due()) is not None and due <= until:
        clock.set(max(due, clock()))
        await chore.tick()
    clock.set(until)


# other servers -------------------------------------------------------------------------------------------


class Observed:
    """A server, example.org, that is asked about two accounts."""

    def __init__(
        self,
        pool: Pool,
        home: FakeCollector,
        monitor: Monitor,
        server: Scripted,
        observers: Observers,
        clock: SimulatedClock,
    ) -> None:
        self.pool, self.home, self.monitor = pool, home, monitor
        self.server, self.observers, self.clock = server, observers, clock

    async def facts(self, native_id: str = ALICE) -> list[SideFact]:
        async with transaction(self.pool) as conn:
            account_id = await conn.fetchval("select account_id from account where native_id = $1", native_id)
            return await facts_of(conn, account_id)


@asynccontextmanager
async def observed(pool: Pool, routes: Routes) -> AsyncGenerator[Observed]:
    clock = SimulatedClock(T0)
    platform = FakeCollector()
    platform.platform = MASTODON
    async with transaction(pool) as conn:
        names = [(ALICE, "alice@mastodon.example"), (BOB, "bob@social.example")]
        await add_accounts(conn, [NewAccount(MASTODON, i, h) for i, h in names], T0)
    monitor = reading_pipeline(pool, platform, ConfirmationRule(), MonitorSettings(SWEEP), clock)
    await monitor.load()
    await monitor.tick()
    async with scripted(routes) as server, collector(server) as mastodon:
        observers = Observers(pool, MASTODON, mastodon, ["example.org"], monitor, clock)
        yield Observed(pool, platform, monitor, server, observers, clock)


async def test_a_server_that_limits_its_copy_and_lists_the_domain_gives_both_facts(pool: Pool) -> None:
    async with observed(pool, {BLOCKS: ok(SILENCED), LOOKUP: ok(COPY | {"limited": True})}) as there:
        await come_round(there.observers, there.clock, minutes(1))
        assert {fact.value for fact in await there.facts()} == {"domain silence", "account limited"}


# admirers ------------------------------------------------------------------------------------------------

POST = "https://mastodon.example/@alice/4711"
ADMIRERS = "mastodon.example/api/v1/statuses/4711/favourited_by"
BOB_THERE = {
    "id": "88",
    "username": "bob",
    "acct": "bob@social.example",
    "uri": "https://social.example/users/bob",
}


async def liked(pool: Pool) -> list[tuple[object, ...]]:
    async with transaction(pool) as conn:
        rows = await conn.fetch("select kind, native_id, made_at, first_seen_at from signal")
        return [tuple(r) for r in rows]


@pytest.mark.parametrize(
    ("admirers", "is_liked"),
    [
        ([BOB_THERE], True),
        ([], False),
        ([BOB_THERE | {"acct": "eve@x.example", "uri": "https://x.example/users/eve"}], False),
    ],
)
async def test_an_executive_among_the_admirers_of_a_watched_post_liked_it_at_an_unknown_time(
    pool: Pool, admirers: list[object], *, is_liked: bool
) -> None:
    clock = SimulatedClock(T0)
    async with transaction(pool) as conn:
        await signals.add_executive(conn, MASTODON, BOB, "bob@social.example", "Bob", "Chief", T0)
    async with scripted({ADMIRERS: ok(admirers)}) as server, collector(server) as mastodon:
        posts = WatchedPosts(pool, MASTODON, mastodon, [POST], clock)
        await posts.load()
        await come_round(posts, clock, minutes(90))
    assert await liked(pool) == ([("like", POST, None, T0)] if is_liked else [])


async def test_a_post_whose_admirers_cannot_be_read_is_logged_once_and_so_is_its_recovery(
    pool: Pool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "jobs")
    clock = SimulatedClock(T0)
    other = POST.replace("4711", "4712")
    async with transaction(pool) as conn:
        await signals.add_executive(conn, MASTODON, BOB, "bob@social.example", "Bob", "Chief", T0)
    routes = {ADMIRERS: status(503), ADMIRERS.replace("4711", "4712"): ok([])}
    async with scripted(routes) as server, collector(server) as mastodon:
        posts = WatchedPosts(pool, MASTODON, mastodon, [POST, other], clock)
        await posts.load()
        await come_round(posts, clock, T0 + timedelta(hours=5))
        assert [record.getMessage() for record in caplog.records] == [
            f"Reading of likes of {POST} failed (upstream): HTTP 503"
        ]
        server.routes[ADMIRERS] = ok([])
        await come_round(posts, clock, T0 + timedelta(hours=9))
    assert [record.getMessage() for record in caplog.records[1:]] == [f"Reading of likes of {POST} recovered"]


# follows and handles on Bluesky --------------------------------------------------------------------------

CHIEF = "did:plc:chief2222222222222222222"
WATCHED = "did:plc:watched22222222222222222"


def somebody(did: str, *handles: str) -> HistoryAccount:
    return settled(
        BLUESKY,
        did,
        [(T0 + n * timedelta(hours=1), AVAILABLE, h) for n, h in enumerate(handles)],
    )


async def test_follows_from_executives_to_watched_accounts_and_handles_of_the_past_are_kept(
    pool: Pool,
) -> None:
    clock = SimulatedClock(T0)
    told = History((somebody(CHIEF, "chief.test"), somebody(WATCHED, "first.test", "second.test")))
    acts = [SimulatedAct(CHIEF, T0, SignalKind.FOLLOW, "3n32rpiinjk2j", WATCHED, WATCHED)]
    async with transaction(pool) as conn:
        await signals.add_executive(conn, BLUESKY, CHIEF, "chief.test", "Chief", "Chief", T0)
        await add_accounts(conn, [NewAccount(BLUESKY, WATCHED, "first.test")], T0)
    async with serve_bluesky(told, acts=acts, now=T0) as server:
        guard = Guard({server.base_url.removeprefix("http://")})
        http = HttpOptions(retry=Retry(attempts=0), guard=guard)
        async with BlueskyCollector(app_view=server.base_url, plc=server.base_url, http=http) as bluesky:
            monitor = reading_pipeline(pool, bluesky, ConfirmationRule(), MonitorSettings(SWEEP), clock)
            chores = (
                FollowsOfWatched(pool, BLUESKY, bluesky, monitor, clock),
                HandleRecords(pool, BLUESKY, bluesky, clock),
            )
            for now in (T0, T0 + timedelta(hours=2), T0 + timedelta(hours=3)):
                clock.set(now)
                server.set_clock(now)
                await monitor.load()
                await monitor.tick()
                for chore in chores:
                    await chore.load()
                    await come_round(chore, clock, now)
    async with transaction(pool) as conn:
        (follow,) = await conn.fetch("select kind, target_id, first_seen_at from signal")
        account_id = await conn.fetchval("select account_id from account where native_id = $1", WATCHED)
        record = await handle_history.handles_of(conn, account_id)
    assert tuple(follow) == ("follow", WATCHED, T0)
    assert sorted((one.handle, one.since) for one in record) == [
        ("first.test", T0),
        ("second.test", T0 + timedelta(hours=1)),
    ]
