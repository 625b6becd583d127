"""Trials of rules and thresholds take turns, so that many at once do not take the machine."""

import asyncio
from collections import Counter

import pytest

from jobs.runtime.replay_process import TrialTurns


@pytest.mark.parametrize(
    ("people", "most", "most_at_once"),
    [
        pytest.param(["Asha"] * 4, 3, 1, id="one person has one trial at a time"),
        pytest.param(
            ["Asha", "Ravi", "Mei", "Ada"], 2, 2, id="of many people, no more than there is room for"
        ),
        pytest.param(["Asha", "Asha", "Ravi"], 2, 2, id="who waits for the own trial takes no room"),
    ],
)
async def test_a_trial_waits_for_the_one_before(people: list[str], most: int, most_at_once: int) -> None:
    turns, running, seen = TrialTurns(most), list[str](), list[tuple[int, int]]()

    async def tried(person: str) -> None:
        async with turns.turn(person):
            running.append(person)
            seen.append((len(running), max(Counter(running).values())))
            for _ in range(5):
                await asyncio.sleep(0)
            running.remove(person)

    await asyncio.gather(*map(tried, people))
    assert len(seen) == len(people), "each is done in the end"
    assert max(at_once for at_once, _ in seen) == most_at_once
    assert {of_one for _, of_one in seen} == {1}


async def test_a_trial_that_is_cancelled_or_fails_gives_up_its_turn() -> None:
    turns = TrialTurns(1)

    async def failing() -> None:
        async with turns.turn("Asha"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await failing()
    waiting = asyncio.Event()

    async def stuck() -> None:
        async with turns.turn("Asha"):
            await waiting.wait()

    task = asyncio.ensure_future(stuck())
    await asyncio.sleep(0)
    task.cancel()
    async with asyncio.timeout(5), turns.turn("Asha"):
        assert not waiting.is_set()
