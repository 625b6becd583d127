"""What the Health page counts, on real rows, and what it says of it."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from collectors.x.declaration import X
from dashboard.health import words
from dashboard.health.facts import read_health
from dashboard.health.words import GROUPS, REST, HealthVerdict, controls_verdict, groups
from dashboard.health.worker_words import queue_verdict
from storage.accounts.canaries import Origin
from storage.health.canaries_report import Control, controls
from storage.health.database_report import Database, Growth, TableSize, database, growth
from storage.health.maintenance_tasks_report import MaintenanceTasks, OutboxReport, maintenance_tasks, outbox
from storage.health.planner_report import ListPace, ReadFor, list_paces, read_for
from storage.health.workers_report import Queue, WorkersReport
from storage.model.core.availability import MissedReason, Status
from storage.model.core.coverage import WhyRead
from storage.model.text.units import size_words
from storage.postgres.audit_chain import AuditChainState
from storage.postgres.merkle_log import CheckpointState
from storage.postgres.pool import Conn, Pool, transaction
from storage.postgres.replica import ReplicaState
from storage.readings.lateness_report import Lateness, late_accounts, lateness
from storage.readings.rates_report import Rate, RequestTally, rates
from storage.work.request_queue import QueueBacklog
from tests.support.seeds.posts import turn_into_posts

SWEEP = timedelta(minutes=30)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)


async def accounts(conn: Conn, now: datetime, n: int, added: timedelta = 30 * 24 * HOUR) -> list[int]:
    """`n` watched accounts on X."""
    rows = await conn.fetch(
        """
        insert into account (platform, native_id, handle, added_at)
        select 'x', 'n' || k || $2, 'h' || k || $2, $3 from generate_series(1, $1::int) k returning account_id
        """,
        n,
        str(added),
        now - added,
    )
    return [r["account_id"] for r in rows]


async def roster(conn: Conn, members: list[int], canary: int | None = None, vantage: str = "") -> int:
    return await conn.fetchval(
        """
        insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at, vantage)
        values ('x', sha256($1::text::bytea), $2, $3, true, '2021-01-01', $4) returning roster_id
        """,
        f"{members}{vantage}",
        members,
        [] if canary is None else [canary],
        vantage,
    )


async def asked(
    conn: Conn,
    roster_id: int,
    at: datetime,
    outcome: int = 0,
    reason: str | None = None,
    answered: bytes | None = None,
    missed: str | None = None,
) -> None:
    """A request: 0 answered, 1 missed, 2 held; the others as `shortfall` has them."""
    await conn.execute("select ensure_coverage_month($1::date)", at)
    await conn.execute(
        """
        insert into coverage_row (
            slot, observed_at, recorded_at, roster_id, latency_ms, attempt, outcome, lacked
        )
        values ($1, $1, $1, $2, 100, 0, $3, shortfall($4, $5, $6::jsonb, null))
        """,
        at,
        roster_id,
        outcome,
        reason,
        answered,
        missed,
    )


async def test_readings_and_misses_are_counted_by_account_and_reason(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        members = await accounts(conn, now, 4)
        here = await roster(conn, members)
        there = await roster(conn, members[:2], vantage="tr")
        await asked(conn, here, now - 25 * HOUR)
        await asked(conn, here, now - 3 * HOUR, 1, "rate_limited")
        await asked(conn, here, now - 50 * MINUTE)
        await asked(conn, here, now - 40 * MINUTE, 2)
        # The second of four gave nothing.
        await asked(conn, here, now - 20 * MINUTE, answered=b"\x0d", missed='{"omitted": [1]}')
        await asked(conn, there, now - 10 * MINUTE, 1, "network")
        await asked(conn, here, now + MINUTE)
        found = await rates(conn, now)
    missed_here = ((MissedReason.HELD, 4), (MissedReason.OMITTED, 1))
    assert found == [
        Rate(
            X,
            "",
            RequestTally(3, 7, missed_here),
            RequestTally(
                4, 7, ((MissedReason.HELD, 4), (MissedReason.RATE_LIMITED, 4), (MissedReason.OMITTED, 1))
            ),
        ),
        Rate(
            X,
            "tr",
            RequestTally(1, 0, ((MissedReason.NETWORK, 2),)),
            RequestTally(1, 0, ((MissedReason.NETWORK, 2),)),
        ),
    ]


async def test_lateness_is_told_in_sweeps_and_new_accounts_are_not_late(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        members = await accounts(conn, now, 5)
        await accounts(conn, now, 2, added=MINUTE)
        for member, ago in zip(members, (30, 40, 100, 60 * 24), strict=False):
            await asked(conn, await roster(conn, [member]), now - ago * MINUTE)
        await asked(conn, await roster(conn, [members[3]], vantage="tr"), now - MINUTE)
        [found] = await lateness(conn, now, SWEEP)
        late = await late_accounts(conn, now, SWEEP)
    assert found == Lateness(X, 1, 1, 1, 2, 2, now - 100 * MINUTE)
    assert (found.watched, *(found.later_than(n) for n in (1, 2, 4))) == (7, 4, 3, 2)
    assert [(one.account.account_id, one.last_at) for one in late] == [
        (members[4], None),
        (members[3], now - 24 * HOUR),
    ]


async def test_posts_are_counted_beside_the_accounts_of_their_platform(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        members = await accounts(conn, now, 3)
        await turn_into_posts(conn, members[1:])
        await asked(conn, await roster(conn, members[:2]), now - MINUTE)
        found = await lateness(conn, now, SWEEP)
        [late] = await late_accounts(conn, now, SWEEP)
    at = now - MINUTE
    assert found == [Lateness(X, 1, 0, 0, 0, 0, at), Lateness(X, 1, 0, 0, 1, 0, at, of_posts=True)]
    assert (late.account.account_id, late.is_post) == (members[2], True)


async def test_an_answer_without_an_account_is_no_reading_of_it(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        members = await accounts(conn, now, 2)
        here = await roster(conn, members)
        await asked(conn, here, now - 5 * HOUR)
        await asked(conn, here, now - MINUTE, answered=b"\x01", missed='{"omitted": [1]}')
        [found] = await lateness(conn, now, SWEEP)
        [late] = await late_accounts(conn, now, SWEEP)
    assert (found.within_1, found.older) == (1, 1)
    assert (late.account.account_id, late.last_at) == (members[1], now - 5 * HOUR)


async def test_why_accounts_were_read_is_told_of_the_last_day_and_of_our_own_connection(
    pool: Pool, now: datetime
) -> None:
    async with transaction(pool) as conn:
        members = await accounts(conn, now, 4)
        base, there = await roster(conn, members), await roster(conn, members, vantage="tr")
        ahead, record = await roster(conn, members[:2]), await roster(conn, members[1:])
        await conn.execute(
            "update roster set base = false, out_of_turn = 'ahead' where roster_id = $1", ahead
        )
        await conn.execute("update roster set base = false where roster_id = $1", record)
        for minutes in (5, 15, 25):
            await asked(conn, base, now - minutes * MINUTE)
        await asked(conn, base, now - 25 * HOUR)
        await asked(conn, ahead, now - 7 * MINUTE)
        await asked(conn, there, now - 8 * MINUTE)
        await asked(conn, record, now - 9 * MINUTE)
        assert await read_for(conn, now) == [ReadFor(WhyRead.TURN, 3, 12), ReadFor(WhyRead.AHEAD, 1, 2)]


async def test_how_late_changes_of_a_list_would_have_been_seen(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        members = await accounts(conn, now, 3)
        for name, every, on_it in (
            ("all", None, members),
            ("two", 2 * HOUR, members[:2]),
            ("none", None, []),
        ):
            list_id = await conn.fetchval(
                "insert into watch_list (name, created_at, read_every) values ($1, $2, $3) returning list_id",
                name,
                now,
                every,
            )
            await conn.executemany(
                "insert into watch_list_member (list_id, account_id, added_at) values ($1, $2, $3)",
                [(list_id, account_id, now) for account_id in on_it],
            )
        await asked(conn, await roster(conn, members[:1]), now - 50 * MINUTE)
        await asked(conn, await roster(conn, members[:2]), now - 30 * MINUTE)
        await asked(conn, await roster(conn, members[2:]), now - 5 * HOUR)
        assert await list_paces(conn, now, SWEEP) == [
            # One was read 50 minutes ago and 30, another 30 ago: (20² + 30² + 30²) / 2 (20 + 30 + 30).
            ListPace("all", 3, None, 1, 13.75 * MINUTE, 30 * MINUTE),
            ListPace("two", 2, 2 * HOUR, 0, 13.75 * MINUTE, 30 * MINUTE),
        ]


async def test_a_control_account_was_seen_as_expected_when_an_answer_was_believed(
    pool: Pool, now: datetime
) -> None:
    async with transaction(pool) as conn:
        steady, doubted = await accounts(conn, now, 2)
        await conn.execute("update account set watched = false")
        await conn.execute(
            """
            insert into canary (account_id, expected_status, place, doubts, doubted_since)
            values ($1, 'available', '', 0, null), ($2, 'suspended', '', 2, $3)
            """,
            steady,
            doubted,
            now - HOUR,
        )
        member = await accounts(conn, now, 1, added=HOUR)
        here = await roster(conn, member, canary=steady)
        await asked(conn, here, now - 30 * MINUTE)
        await asked(conn, here, now - MINUTE, 2)
        found = await controls(conn, now)
    assert [(c.account_id, c.expected, c.doubts, c.seen_at) for c in found] == [
        (doubted, Status.SUSPENDED, 2, None),
        (steady, Status.AVAILABLE, 0, now - 30 * MINUTE),
    ]


async def test_a_control_account_that_was_retired_is_shown_as_long_as_somebody_has_to_know(
    pool: Pool, now: datetime
) -> None:
    """For 30 days, and longer while the settings name it: then it is for its users to replace."""
    async with transaction(pool) as conn:
        named, lately, long_ago, asked_now = await accounts(conn, now, 4)
        await conn.execute("update account set watched = false")
        await conn.execute(
            """
            insert into canary (account_id, expected_status, place, origin, retired_at, doubts) values
                ($1, 'available', '', 'settings', $5, 3), ($2, 'available', '', 'chosen', $6, 3),
                ($3, 'available', '', 'chosen', $5, 3), ($4, 'available', '', 'chosen', null, 0)
            """,
            named,
            lately,
            long_ago,
            asked_now,
            now - timedelta(days=60),
            now - HOUR,
        )
        found = await controls(conn, now)
    assert [c.account_id for c in found] == [named, lately, asked_now]
    verdict = controls_verdict(found, now, 2 * SWEEP)
    assert verdict.wrong.startswith(f"Control account @{found[0].handle} on X no longer has ")
    assert "x_canaries" in verdict.to_do
    assert controls_verdict(found[1:2], now, 2 * SWEEP) == HealthVerdict()


async def test_an_empty_installation_says_never_and_zero(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        assert await maintenance_tasks(conn) == MaintenanceTasks(
            0, None, None, 0, None, None, 0, (), 0, None, None, None, EMPTY_LOG
        )
        assert await outbox(conn, now) == OutboxReport(0, 0, 0, None, None, 0, 0, None)
        assert await growth(conn, now) == Growth(0, 0, 0)
        await conn.execute("select ensure_coverage_month('2021-01-01'), ensure_coverage_month('2021-02-01')")
        found = await database(conn)
        facts = await read_health(conn, now, SWEEP)
    assert found.bytes > 0
    assert 0 < found.connections <= found.most_connections
    assert {"coverage_row", "mail", "account"} <= {t.name for t in found.tables}, "months count as one table"
    assert (facts.rates, facts.lateness, facts.late) == ([], [], ())


async def test_mails_wait_are_overdue_or_given_up(pool: Pool, now: datetime) -> None:
    async with transaction(pool) as conn:
        await conn.execute(
            """
            insert into mail (message_id, recipients, subject, text_body, html_body, created_at, state,
                next_attempt_at, kind)
            values ('<1>', '{a@example.org}', '', '', '', $1, 'queued', $2, 'wave'),
                ('<2>', '{a@example.org}', '', '', '', $2, 'queued', $3, 'wave'),
                ('<3>', '{a@example.org}', '', '', '', $1, 'dead', null, 'wave')
            """,
            now - 2 * HOUR,
            now - HOUR,
            now + HOUR,
        )
        found = await outbox(conn, now)
    assert found == OutboxReport(0, 2, 1, now - 2 * HOUR, now - HOUR, 1, 0, None)


NOON = datetime.fromisoformat("2021-02-01T12:00:00+00:00")
FINE = RequestTally(10, 1_000, ((MissedReason.OMITTED, 100),))
BAD = RequestTally(10, 100, ((MissedReason.CREDITS, 900),))
LATE = Lateness(X, 90, 0, 10, 0, 0, NOON)
EMPTY_LOG = AuditChainState(0, 0, None, 0, None)
WELL = MaintenanceTasks(0, None, None, 0, None, None, 0, (), 5, NOON, None, None, EMPTY_LOG)


def signed(size: int, hours: int, *, is_continued: bool) -> MaintenanceTasks:
    """Five entries, and a checkpoint that was signed so many hours ago."""
    return replace(WELL, checkpoint=CheckpointState(size, NOON - hours * HOUR, is_continued))


@pytest.mark.parametrize(
    ("found", "wrong", "to_do"),
    [
        pytest.param(words.reading_verdict([Rate(X, "", FINE, FINE)]), "", "", id="few are missed"),
        pytest.param(
            words.reading_verdict([Rate(X, "", BAD, BAD)]),
            "X: 90 % of the attempts in the last hour",
            "Buy credits",
            id="most are missed, with the reason",
        ),
        pytest.param(words.budget_verdict([Rate(X, "", FINE, BAD)]), "", "", id="that was earlier"),
        pytest.param(
            words.budget_verdict([Rate(X, "", BAD, BAD)]),
            "Limit reached in the last hour: X",
            "watch fewer accounts",
            id="credits are used up",
        ),
        pytest.param(
            words.lateness_verdict([LATE], NOON, SWEEP),
            "On X 10 of 100 accounts (10.0%) were not read in the last 1 h",
            "Watch fewer",
            id="many are late",
        ),
        pytest.param(
            words.lateness_verdict([Lateness(X, 99, 0, 0, 1, 0, NOON)], NOON, SWEEP),
            "One account was not read for four sweeps",
            "page of each",
            id="one alone is not read",
        ),
        pytest.param(
            words.lateness_verdict([LATE, replace(LATE, of_posts=True)], NOON, SWEEP),
            "On X 20 of 200 accounts and posts (100 posts) (10.0%) were not read in the last 1 h",
            "Watch fewer",
            id="posts are late beside accounts",
        ),
        pytest.param(
            words.lateness_verdict(
                [Lateness(X, 99, 0, 0, 1, 0, NOON), Lateness(X, 99, 0, 0, 2, 0, NOON, of_posts=True)],
                NOON,
                SWEEP,
            ),
            "1 account and 2 posts were not read for four sweeps",
            "names these accounts and posts",
            id="an account and posts are not read",
        ),
        pytest.param(
            words.lateness_verdict([Lateness(X, 99, 0, 0, 1, 0, NOON, of_posts=True)], NOON, SWEEP),
            "One post was not read for four sweeps",
            "names this post",
            id="one post is not read",
        ),
        pytest.param(
            words.lateness_verdict([Lateness(X, 99, 1, 0, 0, 9, NOON)], NOON, SWEEP),
            "",
            "",
            id="none is late",
        ),
        pytest.param(
            words.database_verdict(Database("18", NOON, 1, 90, 100, ()), None),
            "90 of the 100",
            "",
            id="connections",
        ),
        pytest.param(
            words.database_verdict(
                Database("18", NOON, 1, 9, 100, ()), ReplicaState(NOON, "It does not answer.", NOON - HOUR)
            ),
            "The replica is not in use",
            "database_read_url",
            id="the replica cannot be used",
        ),
        pytest.param(
            words.database_verdict(Database("18", NOON, 1, 9, 100, ()), ReplicaState(NOON, None, None)),
            "",
            "",
            id="the replica is used",
        ),
        pytest.param(
            words.listener_verdict(is_listening=False), "receives no notifications", "LISTEN", id="deaf"
        ),
        pytest.param(words.chain_verdict(WELL, NOON), "", "", id="without an authority that is no fault"),
        pytest.param(
            words.chain_verdict(
                MaintenanceTasks(
                    0, None, None, 0, None, None, 0, (), 5, NOON, NOON - 72 * HOUR, 4, EMPTY_LOG
                ),
                NOON,
            ),
            "The hash chain has had no time stamp for 3 d",
            "evidence anchor",
            id="the authority does not answer",
        ),
        pytest.param(
            words.checkpoint_verdict(WELL, NOON),
            "",
            "",
            id="no checkpoint is no fault",
        ),
        pytest.param(
            words.checkpoint_verdict(signed(5, 72, is_continued=True), NOON),
            "",
            "",
            id="a log without newer entries needs no newer checkpoint",
        ),
        pytest.param(
            words.checkpoint_verdict(signed(4, 72, is_continued=True), NOON),
            "No checkpoint of the log was signed for 3 d",
            "evidence checkpoint",
            id="the daily checkpoint is missing",
        ),
        pytest.param(
            words.checkpoint_verdict(signed(5, 1, is_continued=False), NOON),
            "The log does not continue its newest checkpoint, which covers 5 entries.",
            "evidence chain",
            id="the log was altered",
        ),
        pytest.param(
            words.retention_verdict(
                MaintenanceTasks(0, None, None, 0, None, None, 1, (), 0, None, None, None, EMPTY_LOG), NOON
            ),
            "have never been checked",
            "role “collect”",
            id="nobody looks for evidence whose time is over",
        ),
    ],
)
def test_what_is_wrong_and_what_to_do(found: words.HealthVerdict, wrong: str, to_do: str) -> None:
    assert wrong in found.wrong
    assert bool(found.wrong) == bool(wrong)
    assert to_do in found.to_do


IDLE = RequestTally(0, 0, ())
CONTROL = Control(1, X, "steady", "", Status.AVAILABLE, Origin.CHOSEN, 0, None, NOON)
NOBODY = WorkersReport((), (Queue(None, QueueBacklog("x", 0, 0, 0, None, None)),), ())


@pytest.mark.parametrize(
    ("found", "unproved"),
    [
        pytest.param(words.reading_verdict([Rate(X, "", FINE, FINE)]), "", id="answers of the last hour"),
        pytest.param(
            words.reading_verdict([Rate(X, "", IDLE, FINE)]),
            "No data: no request in the last hour by X.",
            id="without a request none was missed",
        ),
        pytest.param(
            words.budget_verdict([Rate(X, "", IDLE, BAD)]),
            "No data: no request in the last hour by X.",
            id="without a request no limit is reached",
        ),
        pytest.param(
            words.lateness_verdict([Lateness(X, 0, 0, 0, 0, 3, None)], NOON, SWEEP),
            "No data yet: new accounts without a reading (3 on X).",
            id="accounts that were never read are not in time",
        ),
        pytest.param(
            words.lateness_verdict(
                [Lateness(X, 0, 0, 0, 0, 3, None), Lateness(X, 0, 0, 0, 0, 1, None, of_posts=True)],
                NOON,
                SWEEP,
            ),
            "No data yet: new accounts and posts without a reading (3 on X, 1 post on X).",
            id="nor are posts",
        ),
        pytest.param(
            words.lateness_verdict([Lateness(X, 99, 0, 0, 0, 1, NOON)], NOON, SWEEP),
            "",
            id="one new account among many",
        ),
        pytest.param(words.controls_verdict([CONTROL], NOON + SWEEP, 2 * SWEEP), "", id="seen lately"),
        pytest.param(
            words.controls_verdict([replace(CONTROL, seen_at=None)], NOON, 2 * SWEEP),
            "No data: one control account had no answer in the last 1 h.",
            id="a control account that was never read",
        ),
        pytest.param(
            words.controls_verdict([CONTROL], NOON + 72 * HOUR, 2 * SWEEP),
            "No data: one control account had no answer in the last 1 h.",
            id="a match of three days ago shows nothing of now",
        ),
        pytest.param(
            queue_verdict(NOBODY, NOON), "No data: no worker has reported lately.", id="no worker, no leader"
        ),
    ],
)
def test_ok_is_said_only_of_what_was_seen(found: words.HealthVerdict, unproved: str) -> None:
    assert (found.wrong, found.unproved) == ("", unproved)


def test_tables_are_told_by_what_they_hold_with_growth_only_where_it_is_counted() -> None:
    tables = [
        TableSize("coverage_row", 1_000_000, 10_000),
        TableSize("roster", 200_000, None),
        TableSize("mail", 50_000, 7),
        TableSize("chain", 700, 0),
        TableSize("of_a_later_version", 9_000_000, 1),
    ]
    found = {g.name: (g.bytes, g.rows, g.day) for g in groups(tables, Growth(1_000, 7, 0))}
    assert found == {
        GROUPS["coverage_row"]: (1_200_000, None, 120_000.0),
        "Alerts and emails": (50_000, 7, None),
        GROUPS["chain"]: (700, 0, None),
        REST: (9_000_000, 1, None),
    }


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1_200, "1.2 kB"),
        (95_639_231, "96 MB"),
        (2e9, "2.0 GB"),
        (2.3e13, "23 TB"),
    ],
)
def test_a_size_in_words(size: float, expected: str) -> None:
    assert size_words(size) == expected


@pytest.mark.parametrize(("hours", "is_daily"), [(None, False), (24, True), (48, True), (49, False)])
def test_a_next_time_stamp_is_announced_only_while_there_is_one_each_day(
    hours: int | None, is_daily: bool
) -> None:
    last = None if hours is None else NOON - hours * HOUR
    found = MaintenanceTasks(0, None, None, 0, None, None, 0, (), 5, NOON, last, 4, EMPTY_LOG)
    assert words.is_anchored_daily(found, NOON) is is_daily
