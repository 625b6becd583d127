"""Going back tells what the live view told: held against views that were taken while it happened.

At random moments of a rehearsal in which much comes in late it is kept what the live view says of each
account, and its counts. Afterwards "as we knew it" has to be that view, and "as it was" the truth that the
simulators served, as far as readings can tell it.

Guards `dashboard/replay`, `storage/replay` and `storage/live`.
"""

import json
import subprocess
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from dashboard.orders.facts import OrderFigures
from dashboard.replay.film import FilmSelection, film_json
from dashboard.replay.film_json import FILM_TABLES
from dashboard.wire.columnar import pack
from dashboard.wire.compact_json import LETTER, ms
from jobs.detect.confirmation import ConfirmationRule
from jobs.rehearsal import scoring
from storage.health.status_at import status_at
from storage.live import snapshot
from storage.model.core.availability import ChangeKind, State, Status
from storage.postgres.pool import transaction
from storage.readings import rehearsal_readback
from storage.readings.coverage_report import seen_of
from tests.support.clients.api import states_at
from tests.support.pipelines.film_in_node import needs_node
from tests.support.pipelines.late_batches import (
    EVERY,
    GAP,
    HOUR,
    MOMENTS,
    PLAN,
    SETTINGS,
    SINCE,
    Lived,
    accounts,
    lived_through,
)
from tests.support.samples.readings import T0

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.long]

SCRIPT = Path(__file__).parent.parent.parent / "js" / "live-and-film.mjs"
BLOCKED = (Status.WITHHELD, Status.SUSPENDED)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(
    fresh_database: Callable[[], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Lived]:
    with fresh_database() as dsn:
        async with lived_through(dsn, tmp_path_factory.mktemp("live") / "history.csv") as told:
            yield told


async def test_the_rehearsal_had_what_it_is_about(lived: Lived) -> None:
    assert len(lived.views) == MOMENTS
    assert lived.handed_in > 100
    rows = await lived.pool.fetch("select recorded_at - observed_at as late from coverage where outcome = 0")
    assert sum(r["late"] > HOUR for r in rows) > 100
    assert await lived.pool.fetchval("select count(*) from change where supersedes is not null") > 20
    assert sum(v.stand.late > 0 for v in lived.views) > MOMENTS / 20, (
        "moments at which not everybody was checked"
    )
    assert sum(v.stand.provisional > 0 for v in lived.views) > MOMENTS / 20


async def test_as_we_knew_it_every_figure_is_the_one_that_was_shown(lived: Lived) -> None:
    async with transaction(lived.pool) as conn:
        for view in lived.views:
            told, shown = await status_at(conn, view.at, view.at, EVERY), view.stand
            assert (told.states, told.provisional) == (shown.states, shown.provisional), view.at
            assert (told.changes, told.requests) == (shown.changes, shown.requests), view.at
            top = view.kpis
            assert (told.watched, told.late, told.provisional) == (top.watched, top.unread, top.provisional)
            assert told.changes[ChangeKind.BLOCK] == top.new_blocks, view.at
            assert told.changes[ChangeKind.RESTORATION] == top.restored, view.at
            assert (told.standing(*BLOCKED) or 0) + told.last_known(*BLOCKED) == top.withheld + top.suspended
            assert told.last_known(*BLOCKED) == top.blocked_unread, view.at


async def test_as_we_knew_it_every_account_is_in_the_state_that_was_shown(lived: Lived) -> None:
    async with transaction(lived.pool) as conn:
        for view in lived.views:
            told = await states_at(conn, view.at, view.at)
            assert told == view.states, view.at


async def test_as_we_knew_it_the_same_is_known_of_every_account_when_it_was_looked_at(lived: Lived) -> None:
    async with transaction(lived.pool) as conn:
        for view in lived.views:
            ids = [a.account_id for a in await accounts(lived.pool)]
            told = await seen_of(conn, ids, SINCE, view.at, GAP, known_at=view.at)
            assert told == {i: seen for i, seen in view.coverage.seen.items() if i in ids}, view.at
            assert len(told) >= view.stand.watched - view.stand.unconfirmed


async def test_nobody_is_told_not_to_have_been_read_who_was(lived: Lived) -> None:
    rows = await lived.pool.fetch("select observed_at, recorded_at from coverage where outcome = 0")
    told = 0
    for view in lived.views:
        for gap in view.coverage.outages:
            told += 1
            assert not [
                r
                for r in rows
                if r["recorded_at"] <= view.at and gap.until and gap.since < r["observed_at"] < gap.until
            ], view.at
    assert told > 0


async def test_as_we_knew_it_every_lane_and_every_change_is_the_one_that_was_shown(lived: Lived) -> None:
    async with transaction(lived.pool) as conn:
        for view in lived.views:
            assert await snapshot.spells(conn, SINCE, None, known_at=view.at) == view.spells, view.at
            assert await snapshot.changes(conn, SINCE, (), known_at=view.at) == view.changes, view.at


@needs_node
async def test_as_we_knew_it_the_film_shows_what_the_live_page_showed(lived: Lived, tmp_path: Path) -> None:
    async with transaction(lived.pool) as conn:
        body = await film_json(conn, FilmSelection(), PLAN.end, SETTINGS)
    (tmp_path / "film").write_bytes(pack(body, FILM_TABLES))
    for view in lived.views:
        (tmp_path / str(ms(view.at))).write_bytes(view.sent)
    done = subprocess.run(["node", SCRIPT, tmp_path], capture_output=True, check=True)
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["t"] for one in shown] == [ms(view.at) for view in lived.views]
    async with transaction(lived.pool) as conn:
        for view, one in zip(lived.views, shown, strict=True):
            assert list(differences(one["live"], one["film"])) == [], view.at
            assert one["orders"] == [order_words(o) for o in view.orders], view.at
            was = await states_at(conn, view.at)
            assert len(one["was"]) == view.stand.watched, view.at
            for account, letter in one["was"].items():
                known = was.get(int(account))
                assert letter == (known and LETTER[known.state.status]), (account, view.at)


def order_words(found: OrderFigures) -> list[object]:
    f = found.funnel
    return [
        *(found.order.title, f.named, f.resolved, f.watched, f.ever_blocked, f.blocked_before, f.blocked_now),
        *(f.blocked_stale, f.restored, f.gone_since),
    ]


def differences(live: Any, film: Any, at: str = "") -> Iterator[str]:
    """Where two answers differ. Of a time within a millisecond Live tells the beginning, the film the end."""
    kinds: set[type[object]] = {type(live), type(film)}
    if kinds == {dict}:
        for key in {**live, **film}:
            yield from differences(live.get(key), film.get(key), f"{at}.{key}")
    elif kinds == {list} and len(live) == len(film):
        for n, (one, other) in enumerate(zip(live, film, strict=True)):
            yield from differences(one, other, f"{at}[{n}]")
    elif live != film and not (kinds == {int} and live > _LONG_AGO and film - live == 1):
        yield f"{at}: {live} live, {film} in the film"


_LONG_AGO = ms(T0 - 1000 * HOUR)
"""Whatever is larger is a time."""


async def test_as_it_was_is_the_truth_as_far_as_readings_can_tell_it(lived: Lived) -> None:
    """The state at a moment is the true one of the last reading before it. Where a state was gone before it
    could be confirmed, it is the one before, and an ideal monitor with these readings would hold the same.
    """
    lines = {a.native_id: scoring.shown(a) for a in lived.history.accounts}
    lists = {a.native_id: tuple(f"{a.platform}:{name}" for name in a.lists) for a in lived.history.accounts}
    names = {a.account_id: a.native_id for a in await accounts(lived.pool)}
    checked = unconfirmed = 0
    async with transaction(lived.pool) as conn:
        readings = await rehearsal_readback.reading_times(conn)
        silences = await rehearsal_readback.silences(conn)
        believed = scoring.observable(lines, lists, readings, ConfirmationRule(), silences)
        ideal = Ideal(believed, lines, readings)
        for view in lived.views:
            told = await states_at(conn, view.at)
            for account_id, native_id in names.items():
                read = bisect_right(readings[native_id], view.at)
                if not read:
                    assert account_id not in told
                    continue
                line, last = lines[native_id], readings[native_id][read - 1]
                one = told.get(account_id)
                checked += 1
                if one is None:
                    # A first reading that shows the account itself is believed at once.
                    shown = {line.at(at).status for at in readings[native_id][:read]}
                    assert shown.isdisjoint({Status.AVAILABLE, Status.PROTECTED}), (native_id, view.at)
                    continue
                if one.state != line.at(last):
                    unconfirmed += 1
                    assert one.state == ideal.at(native_id, view.at), (native_id, view.at)
                    continue
                before = one.onset_after
                assert line.at(one.since) == one.state, (native_id, view.at)
                assert before is None or line.at(before) != one.state, (native_id, view.at)
    assert checked > 50 * MOMENTS
    assert unconfirmed < checked / 50


class Ideal:
    """What an ideal monitor holds that reads the truth at the very same times."""

    def __init__(
        self,
        believed: Sequence[scoring.Believed],
        lines: Mapping[str, scoring.StatusTimeline],
        readings: Mapping[str, Sequence[datetime]],
    ) -> None:
        self._held = {
            native_id: [(times[0], lines[native_id].at(times[0]))]
            for native_id, times in readings.items()
            if times
        }
        for change in sorted(believed, key=lambda b: b.first_seen_new):
            self._held[change.native_id].append((change.first_seen_new, change.new))

    def at(self, native_id: str, when: datetime) -> State | None:
        earlier = [state for since, state in self._held[native_id] if since <= when]
        return earlier[-1] if earlier else None
