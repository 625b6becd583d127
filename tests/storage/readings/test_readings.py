"""Every single reading can be rebuilt exactly: none more, none less, each as it was understood."""

import hashlib
import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from collectors.core.collector import CollectorAnswer, RequestFailure
from collectors.x.declaration import X
from jobs.detect.active_cohorts import RecentConfirmations
from jobs.detect.confirmation import ConfirmationRule, RuleOfLists
from jobs.detect.judge import CanaryExpectation, Judge, Judged, TrackedAccount
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.changes.load_watched import load_watched
from storage.changes.record import AccountStep, Recording, record_many
from storage.imports.imports import import_history
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import Flag, Missed, MissedReason, Reading, State, Status
from storage.model.core.coverage import Batch, BatchOutcome, bitmap
from storage.model.core.coverage_gaps import Seen
from storage.postgres.errors import StorageError
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from storage.readings import coverage, evidence
from storage.readings.coverage import held_since
from storage.readings.coverage_report import CoverageReport, live_coverage, watched_coverage
from storage.readings.last_reading import AnswerRate, answers, last_confirmed
from storage.readings.readings import StoredMiss, StoredReading, attempts_of, readings_of
from storage.readings.rosters import get_or_make
from tests.support.pipelines.late_batches import Record
from tests.support.repeats import repeats
from tests.support.samples.readings import (
    AVAILABLE,
    MINUTE,
    NOT_FOUND,
    SUSPENDED,
    T0,
    WITHHELD_IN,
    minutes,
    reading,
)
from tests.support.seeds.changes import batch, enlist, read, roster_of

RULE = ConfirmationRule()
LATENCY = timedelta(milliseconds=1500)
IDS = ("1", "2", "3")
BOTH = State(Status.WITHHELD, ("IN", "TR"))
END = minutes(100_000)
CONTROL = CanaryExpectation(Account(AccountId(0), X, "control", "control"), Status.AVAILABLE)


def shown(state: State, silent: frozenset[str]) -> State:
    """What an answer shows that says nothing of some countries."""
    if state.status not in {Status.AVAILABLE, Status.WITHHELD}:
        return state
    heard = tuple(c for c in state.withheld_in if c not in silent)
    return State(Status.WITHHELD, heard) if heard else AVAILABLE


@dataclass
class Desk:
    """Requests as a monitor makes them, one after the other, each taken up from what the database holds; and
    what each of them told when it came.
    """

    pool: Pool
    now: datetime = T0
    ids: dict[str, AccountId] = field(default_factory=dict[str, AccountId])
    readings: dict[str, list[StoredReading]] = field(default_factory=lambda: {i: [] for i in IDS})
    misses: dict[str, list[StoredMiss]] = field(default_factory=lambda: {i: [] for i in IDS})

    async def enlist(self, *native_ids: str) -> None:
        async with transaction(self.pool) as conn:
            await add_accounts(conn, [NewAccount(X, i, f"h{i}", ("Desk",)) for i in native_ids], T0)
            rows = await conn.fetch("select native_id, account_id from account")
            self.ids = {r["native_id"]: AccountId(r["account_id"]) for r in rows}

    async def leave(self, native_id: str) -> None:
        """It is taken off the watch, and put on it again."""
        async with transaction(self.pool) as conn:
            await stop_watching(conn, X, f"h{native_id}", self.now)
        await self.enlist(native_id)

    async def take_in(self, somebody_elses: Record) -> None:
        async with transaction(self.pool) as conn:
            await import_history(conn, somebody_elses.history(), self.now)

    async def ask(
        self,
        looks: dict[str, State | None],
        silent: frozenset[str] = frozenset(),
        trouble: MissedReason | None = None,
    ) -> None:
        """One request: what each account looked like; None: the answer left it out."""
        asked_at, at = self.now, self.now + LATENCY
        async with transaction(self.pool) as conn:
            ids = [self.ids[i] for i in looks]
            loaded = await load_watched(conn, X, ids)
            watched = [TrackedAccount(w.account, w.lists, w.known, None) for w in loaded]
            answer = answered(looks, silent, trouble, at)
            judge = Judge(RuleOfLists(RULE), RecentConfirmations(RULE.cohort_window))
            judged = judge(answer, watched, (CONTROL,), asked_at, at)
            roster = await get_or_make(conn, X, [w.account.account_id for w in watched], (), T0, base=False)
            batch = Batch(
                roster_id=roster.roster_id,
                slot=asked_at,
                attempt=0,
                observed_at=at,
                outcome=judged.outcome,
                missed_reason=judged.reason and judged.reason.value,
                answered=bitmap(judged.answered) if judged.outcome is BatchOutcome.ANSWERED else None,
                latency_ms=math.ceil(LATENCY.total_seconds() * 1000),
                missed=judged.missed,
                silent=judged.silent,
            )
            await coverage.ensure_month(conn, batch.slot.date())
            news = [AccountStep(w.account, w.known, s, None, None) for w, _, s in judged.steps if s.is_news]
            assert await record_many(conn, [Recording(batch, news, (), ())], lambda: at) == [True]
        self._note(batch, watched, judged)

    def _note(self, batch: Batch, watched: Sequence[TrackedAccount], judged: Judged) -> None:
        at, asked_at, number = batch.observed_at, self.now, batch.roster_id
        for w, r, _ in judged.steps:
            told = StoredReading(
                at, asked_at, r.state, r.strength, r.flags, frozenset(judged.silent), number, "", at
            )
            self.readings[w.account.native_id].append(told)
        alone = judged.outcome is BatchOutcome.ANSWERED
        for position, (w, is_answered) in enumerate(zip(watched, judged.answered, strict=True)):
            if is_answered:
                continue
            why = judged.reason or next(r for r, who in judged.missed.items() if position in who)
            miss = StoredMiss(at, asked_at, MissedReason(why), alone, number, "", at)
            self.misses[w.account.native_id].append(miss)

    async def rebuilt(
        self, native_id: str, since: datetime = T0, until: datetime = END, known_at: datetime | None = None
    ) -> list[StoredReading]:
        async with transaction(self.pool) as conn:
            return await readings_of(conn, self.ids[native_id], since, until, known_at)

    async def missed(self, native_id: str) -> list[StoredMiss]:
        async with transaction(self.pool) as conn:
            return await attempts_of(conn, self.ids[native_id], T0, END)


def answered(
    looks: dict[str, State | None], silent: frozenset[str], trouble: MissedReason | None, at: datetime
) -> CollectorAnswer:
    if trouble is not None:
        return CollectorAnswer(
            (),
            tuple(Missed(i, at, trouble) for i in looks),
            (),
            RequestFailure(trouble, "", at, breaker=False),
        )
    seen = tuple(look(i, shown(s, silent), at, silent) for i, s in looks.items() if s is not None)
    missed = tuple(Missed(i, at, MissedReason.OMITTED) for i, s in looks.items() if s is None)
    return CollectorAnswer((*seen, reading("control", AVAILABLE, at)), missed, ())


def look(native_id: str, state: State, at: datetime, silent: frozenset[str]) -> Reading:
    flags = frozenset({Flag.TEMPORARY}) if state == SUSPENDED else frozenset[Flag]()
    return replace(reading(native_id, state, at), silent_on=silent, flags=flags)


@dataclass(frozen=True)
class Asked:
    """A request of a story, so many minutes after what came before."""

    gap: int
    looks: tuple[State | None, State | None, State | None]
    whom: tuple[str, ...] = IDS
    silent: frozenset[str] = frozenset()
    trouble: MissedReason | None = None


LOOKS = st.sampled_from([AVAILABLE, AVAILABLE, WITHHELD_IN, WITHHELD_IN, BOTH, SUSPENDED, NOT_FOUND, None])
REQUESTS = st.builds(
    Asked,
    st.sampled_from([1, 2, 15, 61]),
    st.tuples(LOOKS, LOOKS, LOOKS),
    st.sampled_from([IDS, ("1",), ("2", "3")]),
    st.sampled_from([frozenset[str](), frozenset[str](), frozenset({"IN"}), frozenset({"IN", "TR"})]),
    st.sampled_from([None, None, None, MissedReason.UPSTREAM]),
)
LEAVES = st.sampled_from(IDS)
RECORDS = st.builds(
    Record,
    st.sampled_from(["paper", "crawl"]),
    st.sampled_from(IDS),
    st.lists(
        st.tuples(st.integers(0, 600), st.sampled_from([AVAILABLE, SUSPENDED])),
        max_size=3,
        unique_by=lambda seen: seen[0],
    ).map(sorted),
)


@pytest.mark.again
@settings(
    max_examples=repeats(15, 200),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(st.one_of(REQUESTS, REQUESTS, REQUESTS, REQUESTS, LEAVES, RECORDS), max_size=25))
async def test_every_reading_comes_back_as_it_was_given(
    fresh_database: Callable[[], AbstractContextManager[str]], story: list[Asked | str | Record]
) -> None:
    with fresh_database() as dsn:
        async with open_pool(dsn) as pool:
            desk = Desk(pool)
            await desk.enlist(*IDS)
            for what in story:
                if isinstance(what, Asked):
                    desk.now += what.gap * MINUTE
                    looks = dict(zip(what.whom, what.looks, strict=False))
                    await desk.ask(looks, what.silent, what.trouble)
                elif isinstance(what, str):
                    await desk.leave(what)
                else:
                    await desk.take_in(what)
            for native_id in IDS:
                assert await desk.rebuilt(native_id) == desk.readings[native_id]
                assert await desk.missed(native_id) == desk.misses[native_id]


@pytest.fixture
async def desk(pool: Pool) -> Desk:
    """One account that was available, looked suspended for two readings, and was not."""
    desk = Desk(pool)
    await desk.enlist("1")
    for state in (AVAILABLE, NOT_FOUND, NOT_FOUND, AVAILABLE):
        await desk.ask({"1": state})
        desk.now += MINUTE
    return desk


DOCUMENT = b'[{"url":"https://api.example/users","http_status":200,"about":{"id":"1"}}]' * 20


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(contents=st.lists(st.binary(max_size=300) | st.just(DOCUMENT) | st.none(), max_size=6))
async def test_what_is_stored_comes_back_byte_for_byte(pool: Pool, contents: list[bytes | None]) -> None:
    async with transaction(pool) as conn:
        hashes = await evidence.store(conn, contents)
        assert hashes == [None if c is None else hashlib.sha256(c).digest() for c in contents]
        assert [None if h is None else await evidence.load(conn, h) for h in hashes] == contents


async def test_missing_evidence_is_none(pool: Pool) -> None:
    async with transaction(pool) as conn:
        assert await evidence.load(conn, bytes(32)) is None


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param("set packed = substr(packed, 2)", id="bytes are missing"),
        pytest.param("set packed = 'something else', compressed = false", id="another content"),
    ],
)
async def test_damaged_evidence_is_refused_instead_of_handed_out(pool: Pool, damage: str) -> None:
    async with transaction(pool) as conn:
        (sha256,) = await evidence.store(conn, [DOCUMENT])
        assert sha256 is not None
        await conn.execute(f"update evidence {damage}")
        with pytest.raises(StorageError, match=f"The evidence {sha256.hex()} is damaged"):
            await evidence.load(conn, sha256)


ANSWERED, MISSED, HELD = BatchOutcome
ROSTERS: tuple[tuple[str, ...], ...] = (("1", "2"), ("2", "3"))


async def requests(conn: Conn, asked: list[tuple[tuple[str, ...], BatchOutcome]]) -> dict[str, AccountId]:
    """One request a minute; who was asked for, by native id."""
    accounts = {a.native_id: a for a in await enlist(conn, X, ["1", "2", "3"])}
    rosters = {ids: await roster_of(conn, [accounts[i] for i in ids]) for ids in ROSTERS}
    for minute, (ids, outcome) in enumerate(asked, start=1):
        await read(conn, batch(rosters[ids], minutes(minute), outcome))
    return {native_id: a.account_id for native_id, a in accounts.items()}


async def test_an_account_that_left_the_watch_is_not_quarantined_and_starts_again(pool: Pool) -> None:
    async with transaction(pool) as conn:
        ids = await requests(conn, [(("1", "2"), HELD)])
        await stop_watching(conn, X, "1", minutes(5))
        assert await held_since(conn, X) == {ids["2"]: minutes(1)}
        await add_accounts(conn, [NewAccount(X, "1", "h1", ())], minutes(10))
        assert await held_since(conn, X) == {ids["2"]: minutes(1)}


async def test_the_last_reading_of_each_account_is_returned(pool: Pool) -> None:
    """Four requests: all three answered, one was left out, nobody answered; and one from elsewhere."""
    async with transaction(pool) as conn:
        *accounts, _never_asked = everybody = await enlist(conn, X, "1234")
        one, two, three = (a.account_id for a in accounts)
        together = await roster_of(conn, accounts)
        alone = await roster_of(conn, accounts[:1], base=False)
        elsewhere = await roster_of(conn, accounts, vantage="TR")
        await read(conn, batch(together, minutes(10)))
        await read(conn, batch(together, minutes(25), answered=(False, True, True)))
        await read(conn, batch(together, minutes(40), BatchOutcome.MISSED))
        await read(conn, batch(alone, minutes(15)))
        await read(conn, batch(elsewhere, minutes(60)))
        assert await last_confirmed(conn, [a.account_id for a in everybody]) == {
            one: minutes(15),
            two: minutes(25),
            three: minutes(25),
        }
        assert await last_confirmed(conn, []) == {}
        assert await answers(conn, minutes(0), minutes(100)) == AnswerRate(4, 10, 6)
        assert (await answers(conn, minutes(10), minutes(40))).share == 6 / 7
        assert (await answers(conn, minutes(50), minutes(100))).share is None


DAY = 24 * 60
GAP = timedelta(minutes=60)
NOW = 10 * DAY


async def both(conn: Conn, since: float, now: float = NOW) -> tuple[CoverageReport, CoverageReport]:
    window = minutes(since), minutes(now), GAP
    return await live_coverage(conn, *window), await watched_coverage(conn, *window)


async def retire(conn: Conn, roster_id: int, at: float) -> None:
    await conn.execute("update roster set retired_at = $2 where roster_id = $1", roster_id, minutes(at))


HOURS = st.integers(0, 10 * 24 - 1)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rosters=st.lists(
        st.tuples(
            st.sets(st.integers(0, 3), min_size=1),
            st.lists(HOURS, max_size=6, unique=True),
            st.none() | HOURS,
        ),
        max_size=6,
        unique_by=lambda one: tuple(sorted(one[0])),
    ),
    since=HOURS,
)
@example(rosters=[({1}, [0], None), ({0, 1, 2}, [1], 1)], since=26).via("a roster that is in use again")
async def test_in_any_order_of_rosters_the_watched_accounts_are_seen_as_among_all(
    pool: Pool, rosters: list[tuple[set[int], list[int], int | None]], since: int
) -> None:
    async with transaction(pool) as conn:
        undone = conn.transaction()
        await undone.start()
        accounts = await enlist(conn, X, ["1", "2", "3", "4"])
        for members, hours, retired in rosters:
            roster = await roster_of(conn, [accounts[n] for n in sorted(members)])
            asked = [h for h in hours if retired is None or h <= retired]
            for hour in sorted(asked):
                await read(conn, batch(roster, minutes(60 * hour)))
            if retired is not None:
                await retire(conn, roster.roster_id, 60 * retired + 1)
        every, watched = await both(conn, 60 * since)
        await undone.rollback()
    assert ever_read(every) == ever_read(watched)
    assert all(g.until and g.until > minutes(60 * since) for seen in every.seen.values() for g in seen.gaps)
    assert every.outages == watched.outages


def ever_read(report: CoverageReport) -> dict[int, Seen]:
    """What is said of the accounts that were read at all."""
    return {account_id: seen for account_id, seen in report.seen.items() if seen.last is not None}
