"""Queries that run often look into the indexes that were made for them, never through a whole table."""

import asyncio
import json
import os
from collections.abc import (
    AsyncGenerator,
    Awaitable,
    Callable,
    Generator,
    Iterator,
    Mapping,
    Sequence,
)
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import pytest

from collectors.x.declaration import X
from storage.accounts.paged_accounts import StateFilter, states_page
from storage.accounts.side_facts import open_facts
from storage.alerts.reminders import outstanding
from storage.changes.load_watched import load_watched
from storage.changes.paged_changes import SpellFilter, spells_page
from storage.health.status import overview
from storage.live.account_detail import account_detail
from storage.live.snapshot import changes, snapshot
from storage.model.core.accounts import AccountId
from storage.postgres.pool import Connection, connect
from storage.readings import coverage
from storage.readings.coverage_report import live_coverage, requests_since
from storage.readings.last_reading import answers, last_confirmed
from storage.readings.missed_report import unheard
from storage.readings.readings import attempts_of, readings_of
from storage.readings.rosters import base_rosters
from tests.support.seeds.large_database import START, Size, build

SIZE = Size(accounts=20_000, days=59, cohort=392, cohort_changes=6, other_changes=3_000)
"""Two full months: a sequential scan of any of the tables would be far slower than what is expected here."""
END = SIZE.until
HOUR = timedelta(hours=1)
SWEEP = timedelta(minutes=15)
ONE = 17
SOME = tuple(AccountId(i) for i in range(1, 393, 4))

Plan = Mapping[str, Any]


@pytest.fixture(scope="module")
def large_dsn(postgres_dsn: str, template: str) -> Generator[str]:
    """One large database for all tests here, which only read it."""

    def run(dsn: str, work: Callable[[Connection], Awaitable[object]]) -> None:
        async def connected() -> None:
            conn = await connect(dsn)
            try:
                await work(conn)
            finally:
                await conn.close()

        asyncio.run(connected())

    name = f"blockline_test_plans_{os.getpid()}"
    dsn = urlunsplit(urlsplit(postgres_dsn)._replace(path=f"/{name}"))
    run(postgres_dsn, lambda c: c.execute(f'create database "{name}" template "{template}"'))
    try:
        run(dsn, lambda c: build(c, SIZE))
        run(dsn, _everybody_is_limited)
        yield dsn
    finally:
        run(postgres_dsn, lambda c: c.execute(f'drop database "{name}" with (force)'))


async def _everybody_is_limited(conn: Connection) -> None:
    await conn.execute(
        """
        insert into fact (account_id, kind, first_seen, recorded_at)
        select account_id, 'limited', $1, $1 from account
        """,
        START,
    )
    await conn.execute("vacuum (analyze) fact")


@pytest.fixture
async def conn(large_dsn: str) -> AsyncGenerator[Connection]:
    """A connection on which Postgres tells the plan of every statement that it runs."""
    conn = await connect(large_dsn)
    await conn.execute(
        """
        load 'auto_explain';
        set auto_explain.log_min_duration = 0;
        set auto_explain.log_nested_statements = on;
        set auto_explain.log_format = 'json';
        set auto_explain.log_level = 'notice';
        """
    )
    yield conn
    await conn.close()


async def plans_of(conn: Connection, work: Callable[[Connection], Awaitable[object]]) -> list[Plan]:
    """The plans of the very statements that `work` runs."""
    said: list[str] = []

    def heard(_conn: object, message: Any) -> None:
        said.append(message.message)

    conn.add_log_listener(heard)
    async with conn.transaction():
        await work(conn)
    await conn.fetchval("select 1")  # what was said before is heard by now
    await asyncio.sleep(0)
    conn.remove_log_listener(heard)
    return [json.loads(m.split("plan:\n", 1)[1])["Plan"] for m in said if m.startswith("duration: ")]


def nodes(plan: Plan) -> Iterator[Plan]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from nodes(part)


def read_whole(plans: Sequence[Plan]) -> set[str]:
    """Tables that are read from end to end; a month of coverage counts as coverage."""
    tables = {n["Relation Name"] for p in plans for n in nodes(p) if n["Node Type"].endswith("Seq Scan")}
    return {"coverage" if t.startswith("coverage_") else t for t in tables}


def looked_into(plans: Sequence[Plan]) -> set[str]:
    """Indexes that are used; those of the months of coverage by what they are on."""
    names = {n["Index Name"] for p in plans for n in nodes(p) if "Index Name" in n}
    return {f"coverage({n[17:-4]})" if n.startswith("coverage_2") else n for n in names}


BY_ROSTER = "coverage(roster_id_observed_at)"
BY_TIME = "coverage(observed_at)"
BIG = frozenset({"coverage", "change", "spell", "roster"})
EVERYBODY = BIG - {"roster"}
"""What asks of every roster may read them all."""
WHOLE_STATE = frozenset({"coverage"})
"""What tells the state of everybody may read all spells, and the changes that they come from."""


Row = tuple[str, Callable[[Connection], Awaitable[object]], set[str], frozenset[str]]
ROWS: list[Row] = [
    (
        "the last attempt is looked up roster by roster",
        lambda c: coverage.last_attempts(c, X),
        {BY_ROSTER},
        EVERYBODY,
    ),
    (
        "the last readings of a platform are looked up roster by roster",
        lambda c: coverage.last_readings(c, X),
        {BY_ROSTER},
        EVERYBODY,
    ),
    (
        "the newest observation is looked up roster by roster",
        lambda c: coverage.newest_observation(c, X),
        {BY_ROSTER},
        EVERYBODY,
    ),
    (
        "the rosters of the sweep need nothing but rosters",
        lambda c: base_rosters(c, X),
        set[str](),
        EVERYBODY,
    ),
    (
        "what a monitor loads again of some accounts reads no table whole",
        lambda c: load_watched(c, X, list(SOME)),
        {BY_ROSTER, "change_account"},
        EVERYBODY,
    ),
    (
        "so are their side facts looked up account by account",
        lambda c: open_facts(c, X, only=SOME),
        {"fact_open"},
        BIG | {"fact"},
    ),
    (
        "the live page of the last hour reads only the end of the coverage",
        lambda c: snapshot(c, END - HOUR, END, 2 * SWEEP),
        {BY_TIME, BY_ROSTER, "change_first_seen"},
        WHOLE_STATE,
    ),
    (
        "the changes of the last hour are found by their time",
        lambda c: changes(c, END - HOUR, ()),
        {"change_first_seen"},
        BIG,
    ),
    (
        "the coverage of one account is found by its rosters, over any time",
        lambda c: live_coverage(c, START, END, 2 * SWEEP, ONE),
        {"roster_accounts", BY_ROSTER},
        BIG - {"roster"},
    ),
    (
        "the page of one account reads no table whole",
        lambda c: account_detail(c, ONE, END, 2 * SWEEP),
        {"roster_accounts", BY_ROSTER, "change_account"},
        BIG,
    ),
    (
        "the requests of the last hour are found at the end of the coverage",
        lambda c: requests_since(c, END - HOUR, END),
        {BY_TIME},
        WHOLE_STATE,
    ),
    (
        "how everything stands reads only the end of the coverage",
        lambda c: overview(c, END, SWEEP),
        {BY_TIME, BY_ROSTER},
        WHOLE_STATE,
    ),
    (
        "what the last reading was silent on is found by the rosters of the account",
        lambda c: unheard(c, ONE, END),
        {"roster_accounts", BY_ROSTER},
        BIG,
    ),
    (
        "the readings of one account are found by its rosters",
        lambda c: readings_of(c, ONE, START, END),
        {"roster_accounts", BY_ROSTER, "change_account"},
        BIG,
    ),
    (
        "the attempts that gave nothing are found by the rosters of the account",
        lambda c: attempts_of(c, ONE, START, END),
        {"roster_accounts", BY_ROSTER},
        BIG,
    ),
    (
        "who was read when is looked up in the rosters of the accounts",
        lambda c: last_confirmed(c, SOME),
        {"roster_accounts", BY_ROSTER},
        BIG,
    ),
    (
        "how many answered in an hour is counted from that hour only",
        lambda c: answers(c, END - HOUR, END),
        {BY_TIME},
        WHOLE_STATE,
    ),
    (
        "a page of states, as of any time and as known at any other, is looked up account by account",
        lambda c: states_page(c, StateFilter(), START + 9 * HOUR, START + 10 * HOUR, 0, 100),
        {"spell_account"},
        BIG,
    ),
    (
        "who was repeatedly blocked is found by the index of blocks",
        lambda c: states_page(c, StateFilter(repeatedly_blocked=True), END, END, 0, 100),
        {"spell_blocked"},
        BIG,
    ),
    (
        "the spells of an account are looked up by its number",
        lambda c: spells_page(c, SpellFilter(START, END, account_id=ONE), None, 100),
        {"spell_account"},
        BIG,
    ),
    (
        "what stands of one account is found by its number",
        lambda c: c.fetch("select * from standing_change where account_id = $1", ONE),
        {"change_account", "change_supersedes"},
        BIG,
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("row", ROWS, ids=[row[0] for row in ROWS])
async def test_a_query_that_runs_often_uses_its_indexes(conn: Connection, row: Row) -> None:
    _, work, uses, never_whole = row
    for _ in range(7):  # from the sixth time on, Postgres may plan for arguments that it does not know
        plans = await plans_of(conn, work)
        assert not read_whole(plans) & never_whole
        assert uses <= looked_into(plans)


@pytest.mark.slow
async def test_stories_of_long_ago_cost_nothing_when_it_is_asked_who_has_to_be_reminded(
    conn: Connection,
) -> None:
    made = conn.transaction()
    await made.start()
    try:
        await conn.execute(
            """
            insert into alert_rule (
                rule_id, name, definition, position, origin, enabled, created_at, updated_at, digested_to,
                active_since
            )
            overriding system value values (1, 'r', '{}', 1, 'hand', true, $1, $1, $1, $1)
            """,
            START,
        )
        await conn.execute(
            """
            insert into story (story_key, rule_id, recipients)
            select 'k' || n, 1, '{desk@example.org}' from generate_series(1, 10000) n
            """
        )
        await conn.execute(
            """
            insert into story_wave (story_id, wave, closed_at, as_of, told)
            select story_id, 1, $1::timestamptz + story_id * interval '5 minutes', $1, '{}' from story
            """,
            START,
        )
        await conn.execute("analyze story, story_wave")
        plans = await plans_of(conn, lambda c: outstanding(c, START + timedelta(minutes=49_800)))
        assert not read_whole(plans) & {"story", "story_wave"}
        assert "story_wave_closed" in looked_into(plans)
    finally:
        await made.rollback()
