"""Trials of rules and thresholds take turns, so that many at once do not take the machine."""

import asyncio

import pytest

from jobs.runtime.replay_process import TrialTurns


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
