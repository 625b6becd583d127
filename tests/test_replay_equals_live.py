"""Going back tells what the live view told: held against views that were taken while it happened.

A rehearsal over real sockets, in which the platforms fail now and then and the monitor is cut off for some
hours, while another machine reads on and hands in what it read late and in any order. At random moments it is
kept what the live view says of each account, and its counts. Afterwards "as we knew it" has to be that view,
and "as it was" the truth that the simulators served, as far as readings can tell it.
"""

import json
import random
import subprocess
from bisect import bisect_right
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from collectors.simulator.faults import Outage
from collectors.simulator.files import load_history
from collectors.simulator.history import History, HistoryAccount
from dashboard.boards import live_json
from dashboard.encode import LETTER, ms
from dashboard.encode_film import FILM_TABLES
from dashboard.films import Part, film_json
from dashboard.order_figures import OrderFigures, read_orders
from dashboard.packed import pack
from dashboard.settings import DashboardSettings
from jobs import truth
from jobs.compose import Letterhead
from jobs.confirm import ConfirmationRule
from jobs.driver import Scripted
from jobs.inbox import Inbox, SmtpServer
from jobs.order_edits import change as change_order
from jobs.order_edits import create
from jobs.order_fields import Edit
from jobs.simulated import Mailing, Plan, enlist, mastodon_hosts, perform, simulated_canaries
from jobs.simulators import played, spawn
from storage import audit, reports
from storage.db import Conn, Pool, open_pool, transaction
from storage.model.accounts import Account, AccountId, Platform
from storage.model.availability import ChangeKind, State, Status
from storage.model.orders import NewOrder
from storage.model.rules import AlertRule
from storage.reports_coverage import Coverage, live_coverage, seen_of
from storage.reports_kpis import Kpis, kpis
from storage.states import AccountState, Alike, states
from storage.status import Overview, standing
from storage.status_then import then
from tests.factories import T0
from tests.filmed import needs_node
from tests.histories import write_history
from tests.other_machine import OtherMachine, other_machine

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

MOMENTS = 200
HOUR = timedelta(hours=1)
EVERY = HOUR
MS = timedelta(milliseconds=1)
SETTINGS = DashboardSettings("Live", "", synthetic=True, sweep_every=EVERY)
PLAN = Plan(T0 + 48 * HOUR, T0 + 96 * HOUR, EVERY)
CUT_OFF = Outage(T0 + 71 * HOUR, T0 + 77 * HOUR)
"""The wave of the history falls into it."""
SILENCE = Outage(T0 + 86 * HOUR, T0 + 90 * HOUR)
"""Nobody reads: the other machine has ended by then."""
SCRIPT = Path(__file__).parent / "js" / "live-and-film.mjs"
SINCE = PLAN.start - HOUR
GAP = 2.5 * EVERY
BLOCKED = (Status.WITHHELD, Status.SUSPENDED)


ORDER = NewOrder(
    *("IN-9", "Order 9", "A ministry", "IN", "Section 69A", T0 + 60 * HOUR, None, None, T0 + 74 * HOUR, 40),
    *("Order 9", T0 + 63 * HOUR),
)
"""It is on file only later than its accounts, and its date and title are mended later still."""


@dataclass(frozen=True, slots=True)
class View:
    """What the live view told at a moment."""

    at: datetime
    stand: Overview
    kpis: Kpis
    coverage: Coverage
    states: Mapping[int, AccountState]
    spells: tuple[reports.LiveSpell, ...]
    changes: tuple[reports.LiveChange, ...]
    orders: Sequence[OrderFigures]
    sent: bytes
    """What an open Live page was sent."""


@dataclass(frozen=True, slots=True)
class Lived:
    """A rehearsal that is over."""

    pool: Pool
    history: History
    views: Sequence[View]
    handed_in: int


@dataclass(slots=True)
class Watcher:
    """Looks at the live view at moments between the events of a rehearsal."""

    pool: Pool
    moments: list[datetime]
    views: list[View] = field(default_factory=list[View])

    async def look(self, until: datetime) -> None:
        while self.moments and self.moments[0] < until:
            async with transaction(self.pool) as conn:
                self.views.append(await seen(conn, self.moments.pop(0)))


async def seen(conn: Conn, now: datetime) -> View:
    return View(
        now,
        await standing(conn, now, EVERY),
        await kpis(conn, now, EVERY),
        await live_coverage(conn, SINCE, now, GAP),
        by_account(await states(conn)),
        await reports.spells(conn, SINCE, None),
        await reports.changes(conn, SINCE, ()),
        await read_orders(conn, now, GAP),
        pack(await live_json(conn, "all", now, SETTINGS)),
    )


def by_account(groups: Sequence[Alike]) -> dict[int, AccountState]:
    return {one.account_id: one for one in chain.from_iterable(groups)}


async def accounts(pool: Pool) -> list[Account]:
    rows = await pool.fetch(
        """
        select account_id, platform, native_id, handle from account a
        where watched and not exists (select from canary c where c.account_id = a.account_id)
        order by account_id
        """
    )
    return [
        Account(AccountId(r["account_id"]), Platform(r["platform"]), r["native_id"], r["handle"])
        for r in rows
    ]


def errands(other: OtherMachine, latecomers: Sequence[HistoryAccount], rng: random.Random) -> list[Scripted]:
    """When more accounts are put on the watch; when the other machine reads (a third of all accounts, in the
    outage everybody), and hands in.
    """

    async def read(now: datetime) -> None:
        everybody = await accounts(other.pool)
        if CUT_OFF.since <= now < CUT_OFF.until:
            await other.read(everybody, now, longest=10 * HOUR)
        else:
            await other.read(rng.sample(everybody, len(everybody) // 3), now, longest=3 * HOUR)

    at, times = PLAN.start + HOUR, list[datetime]()
    while at < SILENCE.since - 2 * HOUR:
        times.append(at)
        is_cut_off = CUT_OFF.since <= at < CUT_OFF.until
        at += timedelta(seconds=rng.randrange(400, 1400) if is_cut_off else rng.randrange(1800, 7200))

    async def arrive(now: datetime) -> None:
        await enlist(other.pool, latecomers, now, {})

    async def file_order(now: datetime) -> None:
        async with transaction(other.pool) as conn:
            await create(conn, ORDER, "desk", now)

    async def mend_order(now: datetime) -> None:
        edit = Edit(title="Order nine", issued_at=T0 + 52 * HOUR)
        async with transaction(other.pool) as conn:
            await change_order(conn, ORDER.reference, edit, "desk", now)

    hours = range(1, int((PLAN.end - PLAN.start) / HOUR) * 2)
    return [
        Scripted(T0 + 59 * HOUR, arrive),
        Scripted(ORDER.known_at, file_order),
        Scripted(T0 + 80 * HOUR, mend_order),
        *(Scripted(at, read) for at in times),
        *(Scripted(PLAN.start + n * HOUR / 2 + timedelta(minutes=7), other.hand_in) for n in hours),
    ]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lived(
    fresh_database: Callable[[], AbstractContextManager[str]], tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Lived]:
    path = write_history(tmp_path_factory.mktemp("live") / "history.csv", accounts=30, days=4)
    history = played(load_history(path), "all")
    hosts = mastodon_hosts(history.accounts)
    first = [a for n, a in enumerate(history.accounts) if n % 5]
    latecomers = history.accounts[::5]
    rng = random.Random(11)
    span = (PLAN.end - PLAN.start) // MS
    moments = sorted(PLAN.start + rng.randrange(span) * MS for _ in range(MOMENTS))
    async with AsyncExitStack() as stack:
        dsn = stack.enter_context(fresh_database())
        pool = await stack.enter_async_context(open_pool(dsn))
        watcher = Watcher(pool, moments)
        smtp = stack.enter_context(SmtpServer(Inbox()))
        cut_off = await stack.enter_async_context(
            spawn(path, platform="all", faults="heavy", outages=[CUT_OFF, SILENCE])
        )
        reached = await stack.enter_async_context(spawn(path, platform="all"))
        other = await stack.enter_async_context(other_machine(pool, reached, hosts, seed=3))
        await perform(
            dsn,
            cut_off,
            Mailing(smtp.host, smtp.port, AlertRule(("desk@example.org",)), Letterhead(sweep_every=EVERY)),
            PLAN,
            prepare=lambda pool, now: enlist(pool, first, now, simulated_canaries(history)),
            hosts=hosts,
            script=errands(other, latecomers, rng),
            before=watcher.look,
            after=lambda _at, _tally: None,
        )
        await watcher.look(PLAN.end)
        assert other.on_its_way == []
        yield Lived(pool, history, watcher.views, other.handed_in)


async def test_the_rehearsal_had_what_it_is_about(lived: Lived) -> None:
    assert len(lived.views) == MOMENTS
    assert lived.handed_in > 100
    rows = await lived.pool.fetch("select recorded_at - observed_at as late from coverage where outcome = 0")
    assert sum(r["late"] > HOUR for r in rows) > 100
    assert await lived.pool.fetchval("select count(*) from change where supersedes is not null") > 20
    assert sum(v.stand.late > 0 for v in lived.views) > 10, "moments at which not everybody was checked"
    assert sum(v.stand.provisional > 0 for v in lived.views) > 20


async def test_as_we_knew_it_every_figure_is_the_one_that_was_shown(lived: Lived) -> None:
    async with transaction(lived.pool) as conn:
        for view in lived.views:
            told, shown = await then(conn, view.at, view.at, EVERY), view.stand
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
            told = by_account(await states(conn, at=view.at, known_at=view.at))
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
            assert await reports.spells(conn, SINCE, None, known_at=view.at) == view.spells, view.at
            assert await reports.changes(conn, SINCE, (), known_at=view.at) == view.changes, view.at


@needs_node
async def test_as_we_knew_it_the_film_shows_what_the_live_page_showed(lived: Lived, tmp_path: Path) -> None:
    async with transaction(lived.pool) as conn:
        body = await film_json(conn, Part(), PLAN.end, SETTINGS)
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
            was = by_account(await states(conn, at=view.at))
            assert one["was"] == {str(i): LETTER[was[i].state.status] for i in was if str(i) in one["was"]}
            assert len(one["was"]) == view.stand.watched


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
    lines = {a.native_id: truth.shown(a) for a in lived.history.accounts}
    lists = {a.native_id: tuple(f"{a.platform}:{name}" for name in a.lists) for a in lived.history.accounts}
    names = {a.account_id: a.native_id for a in await accounts(lived.pool)}
    checked = unconfirmed = 0
    async with transaction(lived.pool) as conn:
        readings = await audit.reading_times(conn)
        ideal = Ideal(truth.observable(lines, lists, readings, ConfirmationRule()), lines, readings)
        for view in lived.views:
            told = by_account(await states(conn, at=view.at))
            for account_id, native_id in names.items():
                read = bisect_right(readings[native_id], view.at)
                if not read:
                    assert account_id not in told
                    continue
                line, last = lines[native_id], readings[native_id][read - 1]
                one = told.get(account_id)
                checked += 1
                if one is None or one.state != line.at(last):
                    unconfirmed += 1
                    assert (one and one.state) == ideal.at(native_id, view.at), (native_id, view.at)
                    continue
                before = one.onset_after
                assert line.at(one.since) == one.state, (native_id, view.at)
                assert before is None or line.at(before) != one.state, (native_id, view.at)
    assert checked > 10_000
    assert unconfirmed < checked / 50


class Ideal:
    """What an ideal monitor holds that reads the truth at the very same times."""

    def __init__(
        self,
        believed: Sequence[truth.Believed],
        lines: Mapping[str, truth.Line],
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
