"""What a restart takes up is what the monitor would have held, whatever a platform answers in between."""

from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.core.abilities import Abilities
from collectors.x.declaration import X
from jobs.collect.collector_factory import abilities_of, collector_of
from jobs.collect.load_accounts import load_accounts, take_up_edited
from jobs.config.settings import Settings, SettingsError, load_settings
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.detect.confirmation import ConfirmationRule
from jobs.planning.watch_state import WatchState
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching, watch_version
from storage.accounts.watch_lists import put_accounts_on, take_accounts_off
from storage.model.core.accounts import Platform
from storage.model.core.availability import State, Status
from storage.model.core.known_state import Known
from storage.postgres.pool import Pool, Refused, open_pool, transaction
from storage.purge.purge import purge_account
from tests.support.pipelines.monitor import World
from tests.support.repeats import repeats
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes

A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND
IN_AND_TR = State(Status.WITHHELD, ("IN", "TR"))
IDS = ("1", "2")
IDS_EDITED = ("1", "2", "3", "4")
RULE, HOUR = ConfirmationRule(), timedelta(hours=1)

STORIES = st.lists(
    st.tuples(
        st.sampled_from([1, 1, 2, 5, 16, 61]),
        st.tuples(*[st.sampled_from([A, A, W, W, IN_AND_TR, S, N, N, None])] * 2),
    ),
    min_size=1,
    max_size=16,
)


async def loaded(pool: Pool) -> dict[str, Known]:
    async with transaction(pool) as conn:
        found = await load_accounts(conn, X, ConfirmationRule())
    return {w.account.native_id: w.known for w in found}


@pytest.mark.again
@settings(
    max_examples=repeats(8, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=STORIES)
async def test_loaded_accounts_equal_those_in_memory(
    fresh_database: Callable[[], AbstractContextManager[str]],
    story: list[tuple[int, tuple[State | None, ...]]],
) -> None:
    with fresh_database() as dsn:
        async with open_pool(dsn) as pool:
            world = World(pool)
            await world.enlist(IDS)
            monitor, minute = await world.start(), 0
            for gap, shown in story:
                minute += gap
                world.clock.set(minutes(minute))
                world.platform.silent = {i for i, state in zip(IDS, shown, strict=True) if state is None}
                world.platform.truth |= {i: s for i, s in zip(IDS, shown, strict=True) if s is not None}
                await monitor.read_now(IDS)
                await monitor.tick()
                held = {a.native_id: monitor.known(i) for i, a in monitor.accounts().items()}
                assert await loaded(pool) == held


EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("watch"), st.sampled_from(IDS_EDITED), st.sampled_from(["A", "B"])),
        st.tuples(st.just("stop"), st.sampled_from(IDS_EDITED), st.just("")),
        st.tuples(st.just("put"), st.sampled_from(IDS_EDITED), st.sampled_from(["A", "B"])),
        st.tuples(st.just("take"), st.sampled_from(IDS_EDITED), st.sampled_from(["A", "B"])),
        st.tuples(st.just("purge"), st.sampled_from(IDS_EDITED), st.just("")),
        st.tuples(st.just("read"), st.just(""), st.just("")),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.again
@settings(
    max_examples=repeats(8, 100),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(edits=EDITS, at_once=st.integers(1, 3))
async def test_edits_taken_up_one_by_one_leave_what_a_restart_would_load(
    fresh_database: Callable[[], AbstractContextManager[str]],
    edits: list[tuple[str, str, str]],
    at_once: int,
) -> None:
    with fresh_database() as dsn:
        async with open_pool(dsn) as pool:
            world = World(pool)
            await world.enlist(["1"], ("A", "B"))
            monitor, held, version = await world.start(), WatchState(RecentConfirmations(HOUR)), -1
            for n, (what, native_id, list_name) in enumerate(edits):
                world.clock.set(minutes(20 * n))
                if what == "read":
                    await monitor.load()
                    monitor.read_everybody_now()
                    await monitor.tick()
                    async with transaction(pool) as conn:
                        await take_up_edited(conn, X, RULE, held, None)
                    continue
                await edit(pool, what, native_id, list_name, minutes(20 * n))
                if n % at_once:
                    continue
                async with transaction(pool) as conn:
                    now = await watch_version(conn, version)
                    await take_up_edited(conn, X, RULE, held, now.edited)
                    version = now.number
                    restarted = WatchState(RecentConfirmations(HOUR))
                    await take_up_edited(conn, X, RULE, restarted, None)
                assert [*held.some(None)] == [*restarted.some(held.accounts())]
                assert held.accounts() == restarted.accounts()


async def edit(pool: Pool, what: str, native_id: str, list_name: str, now: datetime) -> None:
    """Edit what is watched. An edit of what is not there does nothing."""
    with suppress(Refused):
        async with transaction(pool) as conn:
            one = await conn.fetchval("select account_id from account where native_id = $1", native_id)
            match what:
                case "watch":
                    account = NewAccount(X, native_id, f"h{native_id}", (list_name,))
                    await add_accounts(conn, [account], now)
                case "stop":
                    await stop_watching(conn, X, native_id, now, is_id=True)
                case "put" if one is not None:
                    await put_accounts_on(conn, list_name, [one], "ada", now)
                case "take" if one is not None:
                    await take_accounts_off(conn, list_name, [one], "ada", now)
                case "purge" if one is not None:
                    await purge_account(conn, one, now)
                case _:
                    pass


if TYPE_CHECKING:
    pass


def collector_factory_settings(**environ: str) -> Settings:
    return load_settings(None, {f"BLOCKLINE_{name.upper()}": value for name, value in environ.items()})


@pytest.mark.parametrize(
    ("environ", "platform", "vantage", "sentence"),
    [
        ({}, X, "", "Setting x_bearer_token is missing"),
        ({"x_bearer_token": "top secret"}, X, "", "Setting x_bearer_token: the bearer token of X"),
        ({}, BLUESKY, "tr", "Setting vantages does not contain the vantage point 'tr'"),
        (
            {"bluesky_labelers": "TR=did:plc:ar7c4by46qjdydhdevvrndac"},
            BLUESKY,
            "",
            "Setting bluesky_labelers: the main labeler cannot also be",
        ),
    ],
)
def test_what_a_collector_lacks_is_named_with_its_setting(
    environ: dict[str, str], platform: Platform, vantage: str, sentence: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        collector_of(collector_factory_settings(**environ), platform, vantage)
    assert str(refused.value).startswith(sentence)
    assert "top secret" not in str(refused.value)


# what only some platforms show ----------------------------------------------------------------------------


def abilities(platform: Platform, **environ: str) -> Abilities:
    told = collector_factory_settings(**{"x_bearer_token": "t"} | environ)
    return abilities_of(told, platform, collector_of(told, platform))


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        pytest.param(
            {"x_likes": "7:7-token:secret", "x_consumer_key": "odd key", "x_consumer_secret": "s"},
            "Settings x_consumer_key, x_consumer_secret, x_likes: ",
            id="an invalid consumer key",
        ),
    ],
)
def test_a_key_at_fault_is_reported_without_being_shown(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as refused:
        abilities(X, **environ)
    assert "odd key" not in str(refused.value)


def test_compliance_jobs_need_the_token() -> None:
    with pytest.raises(SettingsError, match=r"x_compliance.* needs x_bearer_token"):
        collector_factory_settings(x_compliance="true")
