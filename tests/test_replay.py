"""Deciding again: with the rules in force every stored change comes out as it is stored."""

import os
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from collectors.simulator.files import load_history
from jobs.confirm import ConfirmationRule
from jobs.rehearse import rehearse
from jobs.replay import Redecided, redecide
from jobs.replay_compare import Effect
from jobs.simulated import Plan
from jobs.simulators import played
from storage.db import open_pool
from storage.exports import snapshot
from tests.factories import T0
from tests.histories import write_history

IN_FORCE = ConfirmationRule()
RECORDED = "account_status_history.csv.gz"


async def again(
    dsn: str, since: datetime, until: datetime, rule: ConfirmationRule = IN_FORCE
) -> Redecided:
    async with open_pool(dsn, max_size=1) as pool, snapshot(pool) as conn:
        return await redecide(conn, since, until, rule, IN_FORCE)


def effects(found: Redecided) -> Mapping[Effect, int]:
    return {effect: n for effect, n in found.compared.counts.items() if n}


@pytest.mark.parametrize("faults", ["none", "flapping"])
async def test_a_rehearsal_on_three_platforms_is_decided_as_it_was(
    faults: str, dsn: str, tmp_path: Path
) -> None:
    path = write_history(tmp_path / "history.csv", accounts=60, days=3)
    plan = Plan(T0, T0 + timedelta(days=3), timedelta(hours=1))
    await rehearse(path, "all", played(load_history(path), "all"), plan, faults, dsn, lambda _: None)
    day = timedelta(days=1)
    for since, until in ((T0, T0 + 4 * day), (T0 + day, T0 + 2 * day), (T0 + day / 2, T0 + 1.7 * day)):
        found = await again(dsn, since, until)
        assert found.compared.differences == ()
        assert found.compared.same > 50
        assert found.courses.readings > 1_000
