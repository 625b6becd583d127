"""How everything stood at a moment, as it is known now or as it was known then; on the command line too."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.x.declaration import X
from jobs.status.report import then_json
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.watch_lists import put_accounts_on, take_accounts_off
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


COUNTS = [
    ("before anything was read nothing is known", -1, None, (0, None, 0)),
    ("a state that was first seen stands as it is known now", 6, None, (2, 2, 1)),
    ("and does not where it had not been seen then", 6, 6, (2, 1, 0)),
    ("a confirmed block stands", 21, None, (2, 2, 1)),
    ("what was confirmed only later was not known", 15, 15, (2, 1, 0)),
    ("its end is seen as it is known now", 61, None, (2, 0, 0)),
    ("an account that was put on file later is not counted", 99, None, (2, None, 0)),
    ("from then on it is", 101, None, (3, None, 0)),
]


@pytest.mark.parametrize(("at", "known", "expected"), [pytest.param(*row[1:], id=row[0]) for row in COUNTS])
async def test_a_moment_is_told_as_it_was_or_as_it_was_known(
    pool: Pool, at: int, known: int | None, expected: tuple[int, int | None, int]
) -> None:
    await played(pool)
    async with transaction(pool) as conn:
        stand = await status_at(conn, minutes(at), None if known is None else minutes(known), EVERY)
    told = then_json(stand)
    assert (stand.watched, told["blocked"]["accounts"], sum(c.accounts for c in stand.countries)) == expected  # pyright: ignore[reportIndexIssue, reportUnknownVariableType]


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


async def test_no_edit_of_today_alters_what_was_known(pool: Pool) -> None:
    await played(pool)
    asked = [(minutes(at), known) for at in (21, 61, 130) for known in (minutes(at), minutes(130), None)]
    async with transaction(pool) as conn:
        before = [await status_at(conn, at, known, EVERY) for at, known in asked]
        one, two, _ = await conn.fetchval("select array_agg(account_id order by account_id) from account")
        await stop_watching(conn, X, "1", minutes(140), is_id=True)
        await take_accounts_off(conn, "Desk", [two], "Asha", minutes(140))
        await put_accounts_on(conn, "Later", [one], "Asha", minutes(140))
        await add_accounts(conn, [NewAccount(X, "4", "h4", ("Desk",))], minutes(140))

        assert [await status_at(conn, at, known, EVERY) for at, known in asked] == before
        after = await status_at(conn, minutes(141), None, EVERY)
    assert (after.watched, [(one.name, one.accounts) for one in after.lists]) == (
        3,
        [("Desk", 1), ("Later", 1)],
    )


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


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--at", "2999-01-01"), "--at (2999-01-01T00:00:00+00:00) is in the future"),
        (("--as-known-at", "2999-01-01"), "--as-known-at (2999-01-01T00:00:00+00:00) is in the future"),
        (("--at", "noon"), "--at: 'noon' is not a time"),
        (
            ("--at", "2021-02-01", "--since", "2021-02-01"),
            "--since cannot be combined with --at or --as-known-at.",
        ),
    ],
)
def test_a_moment_that_cannot_be_told_of_is_refused(
    run: Blockline, options: tuple[str, ...], said: str
) -> None:
    done = run("replay", *options)
    assert (done.code, done.out, len(done.complaints)) == (1, "", 1)
    assert said in done.err


def test_orders_accounts_and_lists_are_told_as_they_were_on_file(run: Blockline) -> None:
    moment = "2021-02-01T01:35:00Z"
    assert len(run("export", "accounts").said) == 1 + 3
    assert len(run("export", "accounts", "--as-known-at", moment).said) == 1 + 2
    assert run("export", "lists", "--as-known-at", moment).out.count("Later") == 0
    assert run("export", "lists").out.count("Later") == 1
    added = run(
        "orders",
        "add",
        "IN-1",
        "--title",
        "T",
        "--basis",
        "B",
        "--issuer",
        "A ministry",
        "--country",
        "IN",
        "--issued-at",
        "2021-02-01",
    )
    assert added.code == 0, added.err
    assert len(run("orders", "list", "--json").json["orders"]) == 1
    assert run("orders", "list", "--as-known-at", moment, "--json").json["orders"] == []
