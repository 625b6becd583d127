"""The weather of a rehearsal: the same for the same seed, and never so bad that nothing is read."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from collectors.simulator.faults import (
    PROFILES,
    FaultKind,
    FaultPeriod,
    FaultPlan,
    Flapping,
    Glitch,
    Outage,
    profile,
)
from tests.support.samples.readings import MINUTE, T0

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
REQUEST = "/2/users?ids=7"
PER_REQUEST = ["none", "light", "heavy", "network", "rate_limit", "server_errors", "truncated", "omitted"]
NAMES = [*PER_REQUEST, "outage", "credentials", "slow", "flapping", "everything"]


def weather(faults: FaultPlan, days: int = 20) -> list[FaultKind | None]:
    """What one request a minute meets."""
    return [faults.of(T0 + n * MINUTE, REQUEST) for n in range(days * 1440)]


def quarters(days: int) -> list[datetime]:
    return [T0 + n * QUARTER for n in range(days * 96)]


def test_the_profiles_are_those_that_are_promised() -> None:
    assert list(PROFILES) == NAMES


def test_an_unknown_profile_is_refused_with_the_names_there_are() -> None:
    with pytest.raises(ValueError, match="none, light, heavy, network"):
        profile("mild")


@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_is_the_same_weather_and_another_seed_another(name: str) -> None:
    def lived(seed: int) -> tuple[list[FaultKind | None], list[bool]]:
        faults = profile(name, seed=seed)
        lies = [faults.lied_about(at, str(n)) for at in quarters(1) for n in range(100)]
        return weather(faults, days=3), lies

    assert lived(1) == lived(1)
    assert (lived(1) != lived(2)) == (name != "none")


def test_two_requests_at_the_same_times_meet_different_weather() -> None:
    faults = profile("heavy", seed=1)
    assert weather(faults, days=1) != [faults.of(T0 + n * MINUTE, "/2/users?ids=8") for n in range(1440)]


@pytest.mark.parametrize("name", NAMES)
def test_under_every_profile_most_requests_are_answered_in_full(name: str) -> None:
    harmless = {None, FaultKind.SLOW, FaultKind.NEW_HOST}
    met = weather(profile(name, seed=5))
    assert sum(kind in harmless for kind in met) > 0.8 * len(met)


def shares(name: str) -> int:
    return sum(PROFILES[name].weights.values())


def test_light_faults_hit_one_request_in_a_hundred_and_heavy_ones_one_in_ten_with_every_kind() -> None:
    assert shares("none") == 0
    assert shares("light") == 1_000
    assert 9_000 <= shares("heavy") <= 11_000
    assert set(PROFILES["heavy"].weights) == set(FaultKind) - {
        FaultKind.ALL_NOT_FOUND,
        FaultKind.LABELS_DROPPED,
    }


LIMITS = {
    FaultKind.LIMIT_WITHOUT_RESET,
    FaultKind.LIMIT_PAST_RESET,
    FaultKind.LIMIT_ABSURD_RESET,
    FaultKind.LIMIT_HTML,
}
SERVER_ERRORS = {FaultKind.UNAVAILABLE_HTML, FaultKind.UNAVAILABLE_JSON, FaultKind.HOST_DOWN}


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("network", {FaultKind.RESET, FaultKind.HANG}),
        ("rate_limit", LIMITS | {FaultKind.USAGE_CAPPED}),
        ("server_errors", SERVER_ERRORS),
        ("truncated", {FaultKind.TRUNCATED, FaultKind.HTML, FaultKind.EMPTY, FaultKind.NULL}),
        (
            "omitted",
            {FaultKind.OMITTED, FaultKind.CONTRADICTORY, FaultKind.ODD_ERROR, FaultKind.LABELER_SILENT},
        ),
        ("outage", {FaultKind.ALL_NOT_FOUND}),
        ("credentials", {FaultKind.UNAUTHORIZED, FaultKind.CREDITS, FaultKind.FORBIDDEN}),
        ("slow", {FaultKind.SLOW}),
        ("flapping", set[FaultKind]()),
        ("everything", set(FaultKind) - {FaultKind.LABELS_DROPPED}),
    ],
)
def test_a_profile_brings_its_own_kinds_and_no_others(name: str, kinds: set[FaultKind]) -> None:
    faults = profile(name, seed=3)
    met = {faults.of(T0 + n * MINUTE, f"{REQUEST}{m}") for n in range(20 * 1440) for m in range(2)}
    assert met - {None} == kinds


# periods -------------------------------------------------------------------------------------------------


def test_an_outage_in_which_nobody_exists_lasts_forty_minutes_twice_a_day_for_every_request() -> None:
    faults = profile("outage", seed=8)
    met = weather(faults, days=30)
    assert met == [faults.of(T0 + n * MINUTE, "/2/users?ids=9") for n in range(30 * 1440)]
    assert met.count(FaultKind.ALL_NOT_FOUND) == 30 * 2 * 40
    begins = [n for n in range(1, len(met)) if met[n] is not None and met[n - 1] is None]
    assert len(begins) == 60
    assert len({n % 720 for n in begins}) > 40, "the outages should not come at the same hour"


def test_credentials_are_refused_for_twenty_minutes_in_one_way_at_a_time() -> None:
    met = weather(profile("credentials", seed=8), days=30)
    bad = [n for n, kind in enumerate(met) if kind is not None]
    assert len(bad) == 30 * 3 * 20
    assert all(met[n] is met[n - 1] for n in bad if n and met[n - 1] is not None)


def test_a_period_lies_within_its_stretch_of_time_even_at_its_ends() -> None:
    hour = timedelta(hours=1)
    faults = FaultPlan(periods=(FaultPeriod((FaultKind.RESET,), timedelta(minutes=59), hour),))
    for n in range(200):
        hits = [faults.of(T0 + n * hour + m * MINUTE, REQUEST) for m in range(60)]
        assert hits.count(FaultKind.RESET) == 59


def test_an_outage_that_is_asked_for_goes_before_everything_else() -> None:
    faults = profile("everything", outages=(Outage(T0, T0 + DAY),))
    assert {faults.of(T0 + n * MINUTE, REQUEST) for n in range(1440)} == {FaultKind.UNAVAILABLE_HTML}


# lies ----------------------------------------------------------------------------------------------------

ACCOUNTS = [str(10**17 + n) for n in range(500)]


def liars(faults: FaultPlan, at: datetime) -> frozenset[str]:
    return frozenset(account for account in ACCOUNTS if faults.lied_about(at, account))


@pytest.mark.slow
def test_flapping_hits_one_account_in_a_thousand_drawn_anew_every_quarter_of_an_hour() -> None:
    faults = profile("flapping", seed=4)
    hits = [liars(faults, at) for at in quarters(20)]
    asked = len(hits) * len(ACCOUNTS)
    assert 0.0009 < sum(map(len, hits)) / asked < 0.0011
    assert len(frozenset[str]().union(*hits)) > 0.8 * len(ACCOUNTS), "it should be the turn of nearly all"
    again = sum(bool(one & other) for one, other in pairwise(hits))
    assert again < 10, "who was hit should not be likelier to be hit again"


def test_a_lie_lasts_through_its_window_and_ends_with_it() -> None:
    faults = FaultPlan(flapping=Flapping(0.3, QUARTER))
    first = liars(faults, T0)
    assert first == liars(faults, T0 + QUARTER - timedelta(microseconds=1))
    assert first != liars(faults, T0 + QUARTER)


def test_a_glitch_hits_its_share_and_the_same_accounts_all_through() -> None:
    faults = profile("none", glitches=(Glitch(T0, T0 + DAY, share=0.4),))
    hit = liars(faults, T0)
    assert 150 < len(hit) < 250
    assert hit == liars(faults, T0 + DAY / 2)
    assert liars(faults, T0 + DAY) == frozenset()


@pytest.mark.parametrize("name", NAMES)
def test_whether_a_plan_lies_about_single_accounts_is_known_beforehand(name: str) -> None:
    faults = profile(name, seed=4)
    assert faults.lies == (name in {"flapping", "everything"})
    assert faults.lies or not any(liars(faults, at) for at in quarters(1))
