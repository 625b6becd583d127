"""Spells are told by the changes alone: whatever happens to the table, it can be told anew, row by row."""

import asyncio
from pathlib import Path

import pytest

from storage.postgres.pool import Pool, open_pool
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.pipelines.late_batches import Desk, Record, Sent
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN

A, W, S, N = AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND

BUSY = [
    Sent(0, {"1": A, "2": A, "3": N}),
    Sent(10, {"1": W, "2": S, "3": A}),
    Sent(20, {"1": W, "2": A, "3": A}),
    Record("before", "1", [(-100, S), (-50, A), (15, A)]),
    Sent(30, {"1": A, "2": S, "3": A}),
    Sent(40, {"1": A, "2": S, "3": A}),
    Record("during", "2", [(25, W), (26, W), (45, A)]),
    Sent(5, {"1": W, "2": A}),
    Sent(35, {"3": S, "2": A}),
    Sent(37, {"3": S}),
    Sent(50, {"1": N, "2": A, "3": S}),
    Sent(52, {"1": N, "2": A, "3": S}),
]


async def busy(pool: Pool) -> Desk:
    """In order, refuted, corrected, imported."""
    desk = Desk(pool)
    await desk.enlist("1", "2", "3")
    for delivery in BUSY:
        await desk.take(delivery)
    return desk


# the command ---------------------------------------------------------------------------------------------


@pytest.fixture
def run(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)
    return blockline(capsys)


def at_the_desk(dsn: str, *commands: str) -> None:
    """A busy history, and then what is done to it."""

    async def done() -> None:
        async with open_pool(dsn) as pool:
            await busy(pool)
            for command in commands:
                await pool.execute(command)

    asyncio.run(done())


def test_doctor_does_not_call_posts_accounts(dsn: str, run: Blockline) -> None:
    at_the_desk(dsn, "update account set is_post = true where account_id = 1")
    assert "status periods of 2 accounts and 1 post were rebuilt" in run("doctor", "--rebuild").said[0]


def test_doctor_repairs_what_differs_and_says_which_spells(dsn: str, run: Blockline) -> None:
    at_the_desk(dsn, "update spell set onset_after = null where spell_id = (select max(spell_id) from spell)")
    done = run("doctor", "--rebuild", "--json").json
    assert (done["accounts"], done["replaced"]) == (3, True)
    assert [one["onset_after"] for one in done["surplus"]] == [None]
    assert [one["onset_after"] is None for one in done["missing"]] == [False]

    again = run("doctor", "--rebuild", "--json").json
    assert (again["replaced"], again["missing"], again["surplus"]) == (False, [], [])


def test_doctor_says_how_many_spells_it_repaired(dsn: str, run: Blockline) -> None:
    at_the_desk(dsn, "delete from spell where spell_id in (select max(spell_id) from spell)")
    done = run("doctor", "--rebuild")
    assert done.code == 0
    assert done.said[0].endswith("; 1 missing and 0 wrong periods were corrected.")
