"""The replay film tells of a moment what the server tells of it, as known now and as it was known then."""

import random
import zlib
from datetime import datetime, timedelta

import pytest

from dashboard.encode_film import FILM_TABLES
from dashboard.films import Films, Part, film_json
from dashboard.packed import pack
from dashboard.settings import DashboardSettings
from storage.accounts import NewAccount, add_accounts
from storage.db import Pool, transaction
from storage.model.accounts import Platform
from storage.model.availability import State
from storage.status_then import then
from tests.factories import AVAILABLE, NOT_FOUND, SUSPENDED, WITHHELD_IN, minutes
from tests.filmed import Moments, figures_of, film_at, needs_node
from tests.late_world import Desk, Sent

SWEEP = timedelta(minutes=15)
SETTINGS = DashboardSettings(title="Blockline", subtitle="A desk", synthetic=True, sweep_every=SWEEP)
SWEEPS = 72
BEHIND = range(20, 31)
"""Sweeps whose answers about the second request came late, one by one."""
FIRST, SECOND = ("1", "2", "3", "4"), ("5", "6", "7")
LOOKS = (AVAILABLE, AVAILABLE, AVAILABLE, WITHHELD_IN, SUSPENDED, NOT_FOUND)

pytestmark = needs_node


async def recorded(pool: Pool, seed: int) -> Desk:
    """Two requests each 15 minutes: some failed, some lacked an account, and some came in late."""
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
        if n == BEHIND.stop + 6:
            chance.shuffle(late)
            for number, sent in enumerate(late):
                desk.now = minutes(15 * n + 2 + number / 7)
                await desk.late(sent)
        if n == 50:
            async with transaction(pool) as conn:
                await add_accounts(conn, [NewAccount(Platform.X, "8", "h8", ("Later",))], minutes(15 * n + 1))
    desk.now = minutes(15 * SWEEPS)
    return desk


def moments(seed: int, n: int, until: float) -> Moments:
    """Random ones: by what is known now, what was known then, and what was known a while later."""
    chance = random.Random(seed)
    out: list[tuple[datetime, datetime | None]] = []
    for _ in range(n):
        at = minutes(round(chance.uniform(1, until), 2))
        later = min(at + timedelta(minutes=chance.choice([1, 10, 90, 300])), minutes(until))
        out += [(at, None), (at, at), (at, later)]
    return out


async def packed(pool: Pool, now: datetime, part: Part = Part()) -> bytes:  # noqa: B008 - it is frozen
    async with transaction(pool) as conn:
        return pack(await film_json(conn, part, now, SETTINGS), FILM_TABLES)


async def counted(pool: Pool, asked: Moments) -> list[dict[str, object]]:
    async with transaction(pool) as conn:
        return [figures_of(await then(conn, at, known, SWEEP)) for at, known in asked]


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_film_counts_at_random_moments_what_the_server_counts(pool: Pool, seed: int) -> None:
    desk = await recorded(pool, seed)
    asked = moments(seed, 40, 15 * SWEEPS)

    told = film_at(await packed(pool, desk.now), asked)

    for (at, known), from_film, from_server in zip(asked, told, await counted(pool, asked), strict=True):
        assert from_film == from_server, f"at {at} as known {known}"


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

    after = film_at(await packed(pool, desk.now), asked)

    assert after == before


async def test_an_answer_with_news_says_the_same_as_one_that_is_made_anew(pool: Pool) -> None:
    desk = await recorded(pool, 4)
    now = desk.now
    films = Films(pool, lambda: now, SETTINGS)
    async with transaction(pool) as conn:
        await films.answer(conn, films.usual)
    for n in range(6):
        for names in (FIRST, SECOND):
            await desk.record(Sent(15 * (SWEEPS + n), dict.fromkeys(names, LOOKS[n])))
    now = minutes(15 * (SWEEPS + 6) + 1)
    async with transaction(pool) as conn:
        appended = zlib.decompress(await films.answer(conn, films.usual), 31)
    asked = moments(4, 40, 15 * (SWEEPS + 6))

    assert b'"touched":[' in appended
    assert film_at(appended, asked, WHOLE_STATE) == film_at(await packed(pool, now), asked, WHOLE_STATE)


WHOLE_STATE = """({
    now: state.now, kpis: state.kpis, counts: state.counts, outages: state.outages,
    accounts: state.accounts.map((a) => [a.handle, a.spells, a.changes, a.last, a.gaps, a.pending, a.lists]),
})"""


@pytest.mark.parametrize("list_name", ["First", "Second"])
async def test_a_part_of_the_film_tells_the_same_of_its_accounts(pool: Pool, list_name: str) -> None:
    desk = await recorded(pool, 5)
    list_id = await pool.fetchval("select list_id from watch_list where name = $1", list_name)
    since, until = minutes(15 * 30), minutes(15 * 40)
    asked = [(at, known) for at, known in moments(5, 60, 15 * 40) if at >= since]
    ours = f"""state.accounts.filter((a) => a.lists.includes({list_id})).map((a) => [
        a.handle, state.current[a.i] < 0 ? null : a.spells.at(-1), state.now - a.last > state.gapAfter,
    ])"""

    part = film_at(await packed(pool, desk.now, Part(since, until, list_id)), asked, ours)

    assert part == film_at(await packed(pool, desk.now), asked, ours)
    assert all(part)
