"""Whole rehearsals of posts beside accounts of the same servers."""

import random
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from jobs.rehearsal.pipeline import SimulationPlan
from tests.jobs.rehearsal.test_rehearse import perform
from tests.support.samples.invented_histories import HEADER
from tests.support.samples.readings import T0

HOUR = timedelta(hours=1)


def _post(number: int, dice: random.Random) -> Iterator[str]:
    """It is suspended with its author, not found alone or with its author, and shown again."""
    host = "mastodon.example" if number % 3 else "social.example"
    name, local_id = f"name{number}", 1000 + number
    at, status = T0 - 24 * HOUR, "available"
    for _ in range(5):
        detail = dice.choice(("", "with_author")) if status == "not_found" else ""
        named = f"mastodon,https://{host}/@{name}/{local_id},{name}@{host}/{local_id}"
        yield f"{named},{at.isoformat()},{status},,posts,{detail}"
        at = max(at, T0) + dice.randint(6, 16) * HOUR
        status = dice.choice([s for s in ("available", "suspended", "not_found") if s != status])


def _account(number: int) -> Iterator[str]:
    host = "mastodon.example"
    named = f"mastodon,https://{host}/users/account{number}#{5000 + number},account{number}@{host}"
    yield f"{named},{(T0 - 24 * HOUR).isoformat()},available,,accounts,"
    yield f"{named},{(T0 + 10 * HOUR).isoformat()},suspended,,accounts,"


@pytest.mark.slow
@pytest.mark.parametrize("faults", ["none", "everything"])
async def test_every_change_of_a_post_is_seen_and_none_is_made_up(
    faults: str, dsn: str, tmp_path: Path
) -> None:
    dice = random.Random(3)
    rows = [f"{HEADER},detail", *(row for n in range(24) for row in _post(n, dice))]
    rows += [row for n in range(6) for row in _account(n)]
    path = tmp_path / "posts.csv"
    path.write_text("\n".join(rows) + "\n")
    found = await perform(path, dsn, SimulationPlan(T0, T0 + 48 * HOUR, HOUR), faults)
    assert found.verdict.false == []
    assert found.verdict.wrong_interval == []
    assert found.verdict.unseen == []
    assert found.verdict.detected > 80
