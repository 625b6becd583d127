"""How everything stood at a moment, as it is known now or as it was known then; on the command line too."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.health.status_at import status_at
from storage.postgres.pool import Pool, open_pool, transaction
from tests.support.clients.command_line import Blockline, blockline, forget_settings
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.readings import AVAILABLE, SUSPENDED, WITHHELD_IN, minutes

A, W, S = AVAILABLE, WITHHELD_IN, SUSPENDED
EVERY = timedelta(minutes=15)
STORY = [
    Sent(0, {"1": A, "2": S}),
    Sent(1, {"2": S}),
    Sent(10, {"1": W}),
    Sent(20, {"1": W, "2": S}),
    Sent(60, {"1": A}),
    Sent(62, {"1": A}),
]


async def played(pool: Pool) -> None:
    """One account withheld from 10 to 60, one suspended throughout; a late answer says it began by 5."""
    desk = Desk(pool)
    await desk.enlist("1", "2")
    for sent in STORY:
        await desk.take(sent)
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "3", "h3", ("Later",))], minutes(100))
    desk.now = minutes(70)
    await desk.late(Sent(5, {"1": W}))


async def test_lists_are_counted_by_what_was_on_them_then(pool: Pool) -> None:
    await played(pool)
    async with transaction(pool) as conn:
        early = await status_at(conn, minutes(21), None, EVERY)
        late = await status_at(conn, minutes(130), None, EVERY)
    assert [(one.name, one.accounts, one.withheld, one.suspended) for one in early.lists] == [
        ("Desk", 2, 1, 1)
    ]
    assert [(one.name, one.accounts, one.blocked_late, one.unconfirmed) for one in late.lists] == [
        ("Desk", 2, 1, 0),
        ("Later", 1, 0, 1),
    ]


# the command line ----------------------------------------------------------------------------------------


@pytest.fixture
def run(
    dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Blockline:
    forget_settings(monkeypatch, tmp_path)
    monkeypatch.setenv("BLOCKLINE_DATABASE_URL", dsn)

    async def filled(work: Callable[[Pool], Awaitable[None]]) -> None:
        async with open_pool(dsn, max_size=2) as pool:
            await work(pool)

    asyncio.run(filled(played))
    return blockline(capsys)


@pytest.mark.parametrize("command", ["status", "replay"])
def test_both_commands_tell_the_same_of_a_moment(run: Blockline, command: str) -> None:
    now_known = run(command, "--at", "2021-02-01T00:06:00Z", "--json")
    assert now_known.code == 0, now_known.err
    assert now_known.json["blocked"]["withheld"] == 1
    assert now_known.json["countries"] == [{"country": "IN", "withheld": 1, "last_known_only": 0}]
    assert now_known.json["as_known_at"] is None
    then_known = run(command, "--as-known-at", "2021-02-01T00:06:00Z", "--json").json
    assert then_known["at"] == then_known["as_known_at"] == "2021-02-01T00:06:00+00:00"
    assert then_known["blocked"]["withheld"] == 0
    said = run(command, "--at", "2021-02-01T00:06:00Z", "--as-known-at", "2021-02-01T00:21:00Z").out
    assert "2021-02-01 00:21 UTC" in said
    assert "By list" in said
