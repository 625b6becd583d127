"""The weather of a rehearsal: the same for the same seed, and never so bad that nothing is read."""

from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from collectors.simulator.faults import (
    FaultKind,
    FaultPlan,
    Glitch,
    profile,
)
from tests.support.samples.readings import MINUTE, T0

DAY = timedelta(days=1)
QUARTER = timedelta(minutes=15)
REQUEST = "/2/users?ids=7"


def weather(faults: FaultPlan, days: int = 20) -> list[FaultKind | None]:
    """What one request a minute meets."""
    return [faults.of(T0 + n * MINUTE, REQUEST) for n in range(days * 1440)]


def quarters(days: int) -> list[datetime]:
    return [T0 + n * QUARTER for n in range(days * 96)]


# periods -------------------------------------------------------------------------------------------------


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


def test_a_glitch_hits_its_share_and_the_same_accounts_all_through() -> None:
    faults = profile("none", glitches=(Glitch(T0, T0 + DAY, share=0.4),))
    hit = liars(faults, T0)
    assert 150 < len(hit) < 250
    assert hit == liars(faults, T0 + DAY / 2)
    assert liars(faults, T0 + DAY) == frozenset()
