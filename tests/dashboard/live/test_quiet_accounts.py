"""The page counts groups of quiet accounts as it would count each account."""

import json
import shutil
import subprocess
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from dashboard.live.push import catch_up
from dashboard.live.snapshot_cache import LiveSnapshotCache, live_json
from dashboard.wire.compact_json import Json, ms
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.core.accounts import Account
from storage.model.core.availability import State
from storage.postgres.pool import Conn, Pool, transaction
from tests.house.source import ROOT
from tests.support.samples.readings import minutes
from tests.support.seeds.changes import (
    AVAILABLE,
    HOUR,
    SUSPENDED,
    WITHHELD,
    Story,
    batch,
    change,
    enlist,
    happen,
    read,
    roster_of,
)
from tests.support.servers.dashboard import SETTINGS, served

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="the browser's side needs node")

GROUPED = replace(SETTINGS, most_accounts=0)
COUNT = ROOT / "tests/js/grouped-and-single.mjs"
ASSETS = ROOT / "dashboard/assets"


def counted(single: Json, grouped: Json, times: Sequence[datetime]) -> Any:
    done = subprocess.run(
        ["node", COUNT],
        input=json.dumps([single, grouped, [ms(t) for t in times]]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert not done.stderr, done.stderr
    return json.loads(done.stdout)


def every(step: timedelta, since: datetime, until: datetime) -> list[datetime]:
    return [since + n * step for n in range((until - since) // step + 1)]


@pytest.mark.parametrize("range_name", ["24h", "7d", "all"])
async def test_groups_are_counted_as_their_accounts_are(pool: Pool, story: Story, range_name: str) -> None:
    async with transaction(pool) as conn:
        single = await live_json(conn, range_name, story.now, SETTINGS)
        grouped = await live_json(conn, range_name, story.now, GROUPED)
    found = counted(single, grouped, every(HOUR / 3, story.now - 23 * HOUR, story.now))

    assert "quiet" in grouped
    assert "quiet" not in single
    assert len(found["sent"][1]) < len(found["sent"][0])
    # Readings of this story are whole sweeps apart, which is more than a step: nothing is rounded.
    assert found["grouped"] == found["single"]


@dataclass(frozen=True, slots=True)
class History:
    """Rosters with who is in them, when each is read and who is left out of an answer; and changes."""

    rosters: Sequence[tuple[frozenset[int], Mapping[int, frozenset[int]]]]
    changes: Mapping[int, Sequence[int]]
    alone: Sequence[tuple[int, int]]
    """Single re-reads: account and time."""


ACCOUNTS = 6
TIMES = st.integers(0, 39)
"""Steps of an hour, or of 7 minutes."""
MEMBERS = st.frozensets(st.integers(0, ACCOUNTS - 1), min_size=1)
HISTORIES = st.builds(
    History,
    rosters=st.lists(
        st.tuples(MEMBERS, st.dictionaries(TIMES, st.frozensets(st.integers(0, ACCOUNTS - 1)), max_size=25)),
        max_size=4,
        unique_by=lambda one: one[0],
    ),
    changes=st.dictionaries(st.integers(0, ACCOUNTS - 1), st.lists(TIMES, max_size=2, unique=True)),
    alone=st.lists(st.tuples(st.integers(0, ACCOUNTS - 1), TIMES), max_size=3, unique=True),
)
SWEEP = timedelta(minutes=24)
"""A silence of more than an hour is a gap, and is rounded to steps of 3.75 minutes."""


async def write(conn: Conn, history: History, step: float) -> list[Account]:
    on_x = await enlist(conn, X, ["1", "2", "3", "4"], ("one",))
    await add_accounts(conn, [NewAccount(X, "2", "h2", ("two",))], minutes(0))
    accounts = [*on_x, *await enlist(conn, BLUESKY, ["5", "6"], ("two",))]
    first: dict[int, float] = {}
    asked = [
        (sorted(members), hour, missing, True)
        for members, hours in history.rosters
        for hour, missing in hours.items()
    ]
    asked += [([n], hour, frozenset[int](), False) for n, hour in history.alone]
    for members, hour, missing, base in sorted(asked, key=lambda one: one[1]):
        roster = await roster_of(conn, [accounts[n] for n in members], base=base)
        answered = [n not in missing for n in members]
        if any(answered):
            await read(conn, batch(roster, minutes(hour * step), answered=() if all(answered) else answered))
        for n, was_answered in zip(members, answered, strict=True):
            if was_answered:
                first.setdefault(n, hour)
    story = Story(minutes(0), minutes(0), SWEEP, (minutes(0), minutes(0)), 2)
    for n, hour in first.items():
        old: State | None = None
        times = [hour, *(t for t in sorted(history.changes.get(n, ())) if t > hour)]
        for turn, t in enumerate(times):
            new = (AVAILABLE, WITHHELD, SUSPENDED)[turn % 3]
            before = None if old is None else minutes((t - 1) * step)
            await change(conn, story, accounts[n].account_id, old, new, before, minutes(t * step))
            old = new
    return accounts


async def both(pool: Pool, history: History, step: float, range_name: str, now: datetime) -> Any:
    usual = replace(SETTINGS, sweep_every=SWEEP)
    async with transaction(pool) as conn:
        undone = conn.transaction()
        await undone.start()
        await write(conn, history, step)
        single = await live_json(conn, range_name, now, usual)
        grouped = await live_json(conn, range_name, now, replace(usual, most_accounts=0))
        await undone.rollback()
    return counted(single, grouped, every(timedelta(minutes=step / 2), now - 20 * HOUR, now))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORIES, range_name=st.sampled_from(["24h", "all"]), now=st.integers(39, 44))
async def test_what_was_read_at_whole_steps_is_counted_alike(
    pool: Pool, history: History, range_name: str, now: int
) -> None:
    found = await both(pool, history, 60, range_name, minutes(now * 60))

    assert found["grouped"] == found["single"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=HISTORIES, now=st.integers(39, 60))
async def test_whatever_the_times_groups_never_say_that_more_was_seen(
    pool: Pool, history: History, now: int
) -> None:
    found = await both(pool, history, 7, "all", minutes(now * 7))
    for where, single in found["single"].items():
        grouped = found["grouped"][where]
        if " at " in where:
            assert all(grouped[s] <= single[s] for s in "APWSGDNn"), where
        elif where.startswith("size"):
            assert grouped == single, where
        elif where.startswith("posts"):
            assert grouped["unread"] >= single["unread"], where
            assert {**grouped, "unread": 0, "blocked_unread": 0} == {
                **single,
                "unread": 0,
                "blocked_unread": 0,
            }


def parsed(answer: bytes) -> Any:
    """The first answer with what came after it, as a script of the page unpacks them."""
    script = f"""
        import {{ readFileSync }} from "node:fs";
        import {{ unpack }} from "{ASSETS.as_uri()}/shell/columnar.mjs";
        const bytes = readFileSync(0);
        const {{ buffer, byteOffset: at, byteLength }} = bytes;
        const {{ snapshot, news }} = unpack(buffer.slice(at, at + byteLength));
        const plain = (key, value) => (ArrayBuffer.isView(value) ? [...value] : value);
        console.log(JSON.stringify({{ ...snapshot, news }}, plain));
    """
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script],
        input=zlib.decompress(answer, 31),
        capture_output=True,
        check=True,
        timeout=60,
    )
    return json.loads(done.stdout)


async def test_a_quiet_account_that_changes_is_counted_once_by_the_answer_that_was_kept(
    pool: Pool, story: Story
) -> None:
    now, quiet = story.now, story.accounts[1][-2]
    boards = LiveSnapshotCache(pool, lambda: now, GROUPED)
    async with transaction(pool) as conn:
        before = parsed(await boards.answer(conn, "14d"))
    now += timedelta(minutes=2)
    async with transaction(pool) as conn:
        await happen(conn, story, quiet, SUSPENDED, story.now - HOUR)
        kept = parsed(await boards.answer(conn, "14d"))
        single = await live_json(conn, "14d", now, SETTINGS)
    since_then = {**single, "from": kept["from"]}
    found = counted(since_then, kept, every(HOUR / 3, story.now - 23 * HOUR, now))

    assert quiet not in before["accounts"]["id"]
    assert kept["now"] == before["now"], "it was not made again"
    assert quiet in found["sent"][1]
    assert found["grouped"] == found["single"]


async def test_a_page_that_fell_behind_gets_the_accounts_that_changed(pool: Pool, story: Story) -> None:
    quiet = story.accounts[1][-2]
    async with transaction(pool) as conn:
        latest = await conn.fetchval("select max(live_event_id) from live_event")
        await happen(conn, story, quiet, SUSPENDED, story.now - HOUR)
        read_to, sweep = story.now - HOUR / 60, story.sweep
        grouped: Any = await catch_up(conn, latest, read_to, story.now, sweep, 0)
        usual: Any = await catch_up(conn, latest, read_to, story.now, sweep, 1000)
        away = await catch_up(conn, latest, story.now - HOUR, story.now, sweep, 0)

    assert grouped["accounts"]["id"] == [quiet]
    assert "accounts" not in usual
    assert away["reload"], "what was read in an hour is too much to send"


async def test_an_answer_with_groups_that_is_too_old_is_made_again(pool: Pool, story: Story) -> None:
    """It would look as if nobody had been read since."""
    now = story.now
    boards = LiveSnapshotCache(pool, lambda: now, GROUPED)
    async with transaction(pool) as conn:
        first = parsed(await boards.answer(conn, "14d"))
        now += GROUPED.gap_after / 4
        kept = parsed(await boards.answer(conn, "14d"))
        now += timedelta(seconds=1)
        later = parsed(await boards.answer(conn, "14d"))

    assert kept["now"] == first["now"]
    assert later["now"] == ms(now)


async def test_the_answer_over_http_has_groups_where_more_are_watched(
    pool: Pool, dsn: str, story: Story
) -> None:
    plain = {"accept-encoding": "identity"}
    async with (
        served(pool, dsn, story.now, GROUPED) as base,
        aiohttp.ClientSession(headers=plain) as session,
        session.get(f"{base}/api/live") as response,
    ):
        body = await response.read()

    head = json.loads(body[4 : 4 + int.from_bytes(body[:4], "little")])
    assert head["tables"]["quiet"]["n"]["n"] > 0
    assert head["renew"] == 300_000
