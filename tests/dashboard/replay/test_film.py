"""The replay film tells of a moment what the server tells of it, as known now and as it was known then."""

import random
from datetime import datetime, timedelta

import pytest

from collectors.x.declaration import X
from dashboard.asgi.settings import DashboardSettings
from dashboard.replay.film import FilmSelection, film_json
from dashboard.replay.film_json import FILM_TABLES
from dashboard.wire.columnar import pack
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.watch_lists import put_accounts_on, take_accounts_off
from storage.health.status_at import status_at
from storage.model.bitemporal.read_runs import joined, pace
from storage.model.core.availability import State
from storage.model.core.coverage import Batch, BatchOutcome
from storage.postgres.pool import Pool, transaction
from storage.readings import coverage
from storage.readings.rosters import get_or_make
from storage.replay.film_reads import film_reads
from tests.support.pipelines.film_in_node import Moments, figures_of, film_at, needs_node
from tests.support.pipelines.late_batches import Desk, Sent
from tests.support.samples.readings import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes
from tests.support.seeds.changes import HOUR

SWEEP = timedelta(minutes=15)
SETTINGS = DashboardSettings(title="Blockline", subtitle="A desk", synthetic=True, sweep_every=SWEEP)
SWEEPS = 72
BEHIND = range(20, 31)
"""Sweeps whose answers about the second request came late, one by one."""
EDITED = (30, 50, 65)
FIRST, SECOND = ("1", "2", "3", "4"), ("5", "6", "7")
LOOKS = (AVAILABLE, AVAILABLE, AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND)

pytestmark = needs_node


async def recorded(pool: Pool, seed: int) -> Desk:
    """Two requests each 15 minutes: some failed, some lacked an account, and some came in late; now and then
    one account was read again beside them. Accounts leave the watch and a list, and come back.
    """
    chance = random.Random(seed)
    desk = Desk(pool)
    await desk.enlist(*FIRST, lists=("First", "Both"))
    await desk.enlist(*SECOND, lists=("Second", "Both"))
    now: dict[str, State] = dict.fromkeys([*FIRST, *SECOND], AVAILABLE)
    late: list[Sent] = []
    for n in range(SWEEPS):
        for name in now:
            if chance.random() < 0.04:
                now[name] = chance.choice(LOOKS)
        for place, names in enumerate((FIRST, SECOND)):
            sent = Sent(15 * n + place / 60, {i: now[i] if chance.random() > 0.05 else None for i in names})
            if n in BEHIND and place == 1:
                late.append(sent)
            elif 40 < n < 46 or chance.random() < 0.08:
                continue
            else:
                await desk.record(sent)
        if chance.random() < 0.3:
            await read_again(desk, chance.choice([*FIRST, *SECOND]), 15 * n + chance.uniform(1, 14))
        if n == BEHIND.stop + 6:
            chance.shuffle(late)
            for number, sent in enumerate(late):
                desk.now = minutes(15 * n + 2 + number / 7)
                await desk.late(sent)
        if n in EDITED:
            await edit(desk, n)
    desk.now = minutes(15 * SWEEPS)
    return desk


async def edit(desk: Desk, n: int) -> None:
    at = minutes(15 * n + 1)
    async with transaction(desk.pool) as conn:
        match n:
            case 30:
                await take_accounts_off(conn, "First", [desk.ids["2"]], "Asha", at)
                await stop_watching(conn, X, "5", at, is_id=True)
            case 50:
                await add_accounts(conn, [NewAccount(X, "8", "h8", ("Later",))], at)
                await put_accounts_on(conn, "First", [desk.ids["2"], desk.ids["6"]], "Asha", at)
                await add_accounts(conn, [NewAccount(X, "5", "h5")], at)
            case _:
                await stop_watching(conn, X, "4", at, is_id=True)


async def read_again(desk: Desk, name: str, minute: float) -> None:
    """A reading of one account, which agrees with what is known of it."""
    at = minutes(minute)
    async with transaction(desk.pool) as conn:
        roster = await get_or_make(conn, X, [desk.ids[name]], (), at, base=False)
        batch = Batch(roster.roster_id, at, 0, at, BatchOutcome.ANSWERED, None, None, 100)
        assert await coverage.insert_batch(conn, batch, at + timedelta(seconds=3))


def moments(seed: int, n: int, until: float) -> Moments:
    """Random ones: by what is known now, what was known then, and what was known a while later."""
    chance = random.Random(seed)
    out: list[tuple[datetime, datetime | None]] = []
    for _ in range(n):
        at = minutes(round(chance.uniform(1, until), 2))
        later = min(at + timedelta(minutes=chance.choice([1, 10, 90, 300])), minutes(until))
        out += [(at, None), (at, at), (at, later)]
    return out


async def packed(pool: Pool, now: datetime, part: FilmSelection = FilmSelection()) -> bytes:  # noqa: B008 - it is frozen
    async with transaction(pool) as conn:
        return pack(await film_json(conn, part, now, SETTINGS), FILM_TABLES)


async def counted(pool: Pool, asked: Moments) -> list[dict[str, object]]:
    async with transaction(pool) as conn:
        return [figures_of(await status_at(conn, at, known, SWEEP)) for at, known in asked]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
async def test_the_film_counts_at_random_moments_what_the_server_counts(pool: Pool, seed: int) -> None:
    desk = await recorded(pool, seed)
    asked = moments(seed, 40, 15 * SWEEPS)

    told = film_at(await packed(pool, desk.now), asked)

    for (at, known), from_film, from_server in zip(asked, told, await counted(pool, asked), strict=True):
        assert from_film == from_server, f"at {at} as known {known}"


@pytest.mark.slow
async def test_what_was_known_at_a_time_stays_so_whatever_is_recorded_later(pool: Pool) -> None:
    desk = await recorded(pool, 3)
    middle = 15 * (BEHIND.stop + 3)
    asked = [(at, known) for at, known in moments(3, 60, middle) if known is not None]
    before = film_at(await packed(pool, desk.now), asked)
    chance = random.Random(3)
    for _ in range(8):
        desk.now += timedelta(minutes=1)
        minute = chance.randrange(20, 400) + 0.5
        await desk.late(Sent(minute, {i: chance.choice(LOOKS) for i in FIRST}))
    async with transaction(pool) as conn:
        await stop_watching(conn, X, "1", desk.now, is_id=True)
        await take_accounts_off(conn, "Both", [desk.ids["2"]], "Asha", desk.now)
        await add_accounts(conn, [NewAccount(X, i, i, ("Both",)) for i in ("4", "9")], desk.now)

    after = film_at(await packed(pool, desk.now), asked)

    assert after == before


@pytest.mark.parametrize("hours", [1, 3, 7])
async def test_what_was_read_is_the_same_told_at_once_or_in_parts(pool: Pool, hours: int) -> None:
    desk = await recorded(pool, 7)
    usual = pace(SWEEP)
    begins = [n * hours * HOUR + minutes(0) for n in range(24 // hours + 1)]
    async with transaction(pool) as conn:
        whole = await film_reads(conn, (begins[0], desk.now), desk.now, usual)
        parts = [await film_reads(conn, (b, b + hours * HOUR), desk.now, usual) for b in begins]

    told = joined(parts, usual)

    assert len(whole.holes) > 15
    assert told.runs == whole.runs
    assert set(told.holes) == set(whole.holes)
    assert set(told.points) >= set(whole.points)
