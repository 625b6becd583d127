"""How everything stands: what was not read in time is never told as standing now."""

from datetime import datetime, timedelta

import pytest
from rich.console import Console

from collectors.core.collector import RequestFailure
from collectors.x.declaration import X
from jobs.base.clock import SimulatedClock
from jobs.collect.monitor import MonitorSettings
from jobs.collect.pipeline import reading_pipeline
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.sweep import Sweep
from jobs.status.report import as_json, as_text
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.canaries import set_canaries
from storage.health.status import Overview, overview
from storage.model.core.availability import MissedReason, Status
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import SUSPENDED, T0, WITHHELD_IN, FakeCollector, minutes

EVERY = timedelta(minutes=15)


class World:
    """Four accounts, one of them on no list, and a monitor that reads them every 15 minutes."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool
        self.platform = FakeCollector()
        self.clock = SimulatedClock(T0)
        self.monitor = reading_pipeline(
            pool, self.platform, ConfirmationRule(), MonitorSettings(Sweep(EVERY, T0)), self.clock
        )

    async def start(self) -> None:
        ids = ["1", "2", "3"]
        async with transaction(self.pool) as conn:
            await set_canaries(conn, X, [("900", "stable", Status.AVAILABLE)], T0)
            await add_accounts(conn, [NewAccount(X, i, f"h{i}", ("List",)) for i in ids], T0)
            await add_accounts(conn, [NewAccount(X, "4", "h4")], T0)
        await self.monitor.load()

    async def run(self, until: datetime) -> None:
        while self.clock() <= until:
            await self.monitor.tick()
            self.clock.set(max(self.monitor.next_due(), self.clock() + timedelta(seconds=1)))
        self.clock.set(until)

    async def stand(self, now: datetime) -> Overview:
        async with transaction(self.pool) as conn:
            return await overview(conn, now, EVERY)


@pytest.fixture
async def world(pool: Pool) -> World:
    return World(pool)


def text(stand: Overview) -> dict[str, str]:
    """The facts of the text, by name."""
    console = Console(width=200, markup=False)
    with console.capture() as captured:
        console.print(as_text(stand))
    lines = [line.split("  ", 1) for line in captured.get().splitlines() if "  " in line]
    return {name.strip(): said.strip() for name, said in lines}


async def test_what_was_read_in_time_stands_and_control_accounts_are_not_counted(world: World) -> None:
    world.platform.truth |= {"2": WITHHELD_IN, "4": SUSPENDED}
    await world.start()
    await world.run(minutes(2))
    stand = await world.stand(minutes(3))
    assert (stand.watched, stand.late, stand.late_share) == (4, 0, 0.0)
    assert (stand.standing(Status.WITHHELD), stand.standing(Status.SUSPENDED)) == (1, 1)
    assert stand.requests.last_answer_at == minutes(0)
    told = as_json(stand)
    assert told["accounts"] == {
        "watched": 4,
        "watched_posts": 0,
        "by_status": dict.fromkeys(Status, 0)
        | {"available": 2, "withheld": 1, "suspended": 1, "unconfirmed": 0},
        "withheld_by_country": {"IN": 1},
    }
    assert text(stand)["Blocked now"] == "2 accounts (1 withheld, 1 suspended)"
    assert text(stand)["Collector of X"] == (
        "OK; last answer 2021-02-01 00:01 UTC; control accounts: OK (1 stable)"
    )


async def test_one_that_is_blocked_is_in_the_singular_beside_posts_too(world: World) -> None:
    world.platform.truth["2"] = WITHHELD_IN
    async with transaction(world.pool) as conn:
        await add_accounts(conn, [NewAccount(X, "post:8", "h2/8")], T0)
    await world.start()
    await world.run(minutes(2))
    said = text(await world.stand(minutes(3)))
    assert said["Blocked now"] == "1 account or post (1 withheld, 0 suspended)"


async def test_an_account_that_waits_for_its_second_reading_is_not_told_as_free(world: World) -> None:
    world.platform.truth["2"] = WITHHELD_IN
    await world.start()
    await world.run(minutes(0))
    stand = await world.stand(minutes(0.5))
    assert (stand.late, stand.standing(Status.WITHHELD), stand.unconfirmed) == (0, 0, 1)
    assert text(stand)["Blocked now"] == (
        "0 accounts (0 withheld, 0 suspended); 1 account without a confirmed status yet"
    )


async def test_what_was_read_too_long_ago_is_only_the_last_that_is_known(world: World) -> None:
    world.platform.truth["2"] = WITHHELD_IN
    await world.start()
    await world.run(minutes(2))
    stand = await world.stand(minutes(32))
    assert (stand.late, stand.late_share) == (4, 1.0)
    assert (stand.standing(Status.WITHHELD), stand.last_known(Status.WITHHELD)) == (None, 1)
    assert text(stand)["Blocked now"] == (
        "not known: no confirmed account was read in the last 30 minutes; "
        "1 account blocked at the last reading, which is too old to count"
    )
    assert text(stand)["Collector of X"].startswith("Silent since 2021-02-01 00:01 UTC")


async def test_missed_requests_are_told_with_their_reason_and_the_collector_pauses(world: World) -> None:
    await world.start()
    await world.run(minutes(2))
    world.platform.trouble = RequestFailure(MissedReason.CREDITS, "no credits", minutes(60), breaker=True)
    await world.run(minutes(16))
    stand = await world.stand(minutes(16))
    told = as_json(stand)
    assert isinstance(told["coverage"], dict)
    assert told["coverage"]["requests_24h"] == {"answered": 1, "held": 0, "missed": {"credits": 1}}
    assert told["collectors"] == [
        {
            "platform": "x",
            "place": "",
            "vantage": "",
            "state": "pauses",
            "healthy": False,
            "reason": "credits",
            "detail": "no credits",
            "since": minutes(15).isoformat(),
            "held_since": None,
            "retry_at": minutes(60).isoformat(),
            "last_answer_at": minutes(0).isoformat(),
        }
    ]
    assert text(stand)["Collector of X"] == (
        "Failing since 2021-02-01 00:15 UTC; credits used up; “no credits”; next attempt 2021-02-01 01:00 UTC"
    )
