"""Counting what a rule would have sent: 30 days of 10,000 accounts. `make bench GROUP=desk`.

1 % of the accounts change each day, and one order names 1,178 of them at once. Reference: reading the same
alerts, without deciding anything. `…_process` includes the process that is started for each preview: the page
waits for that. `…_cpu` is processor time without that of Postgres. Compare that on a busy machine.
"""

import asyncio
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import uvloop

from jobs.base.clock import system_clock
from jobs.replay.load_rule_preview import load_rule_preview
from jobs.runtime.replay_process import ReplayProcess
from storage.alerts.rules import keep_to_settings
from storage.changes import spells
from storage.model.alerts.rules import AlertRule, Match
from storage.postgres.pool import Conn, open_pool, transaction
from storage.postgres.replica import snapshot
from storage.replay import alert_inputs
from tests.benchmarks.measuring import Figure, scratch_database

ACCOUNTS, PER_DAY, WAVE, DAYS = 10_000, 100, 1_178, 30
RULE = AlertRule(("desk@example.org", "night@example.org"), name="desk")
PROVISIONAL = replace(RULE, match=Match(provisional=True))
OTHER = AlertRule(("desk@example.org",), name="other", match=Match(countries=frozenset({"TR"})))


def figures() -> Iterator[Figure]:
    with scratch_database() as dsn:
        now = system_clock()
        asyncio.run(seed_changes(dsn, now))
        took, _, emails = uvloop.run(_previewed(dsn, now, RULE))
        provisional, cpu, _ = uvloop.run(_previewed(dsn, now, PROVISIONAL))
        reference, reference_cpu = uvloop.run(_read(dsn, now))
        page, _ = uvloop.run(_by_process(dsn, now, RULE))
        whole, whole_cpu = uvloop.run(_by_process(dsn, now, PROVISIONAL))
    yield Figure("rule_preview_ms", took, "ms", "lower", reference)
    yield Figure("rule_preview_process_ms", page, "ms", "lower")
    yield Figure("rule_preview_provisional_ms", provisional, "ms", "lower", reference)
    yield Figure("rule_preview_provisional_cpu_ms", cpu, "ms", "lower", reference_cpu)
    yield Figure("rule_preview_provisional_process_ms", whole, "ms", "lower")
    yield Figure("rule_preview_provisional_process_cpu_ms", whole_cpu, "ms", "lower")
    yield Figure("rule_preview_emails", emails, "emails", "higher")


async def seed_changes(dsn: str, now: datetime) -> None:
    """Write the changes of DAYS days as recorded and confirmed, and their alerts."""
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        await keep_to_settings(conn, [OTHER], now - timedelta(days=DAYS))
        await conn.execute(
            """
            with added as (
                insert into account (platform, native_id, handle, added_at)
                select 'x', n::text, 'account_' || n, $2 from generate_series(1, $1::int) as n
                returning account_id
            ),
            listed as (
                insert into watch_list (name, created_at)
                select 'List ' || n, $2 from generate_series(1, 20) as n returning list_id
            )
            insert into watch_list_member (list_id, account_id, added_at)
            select l.list_id, a.account_id, $2
            from (select account_id, row_number() over (order by account_id) as n from added) a
            join (select list_id, row_number() over (order by list_id) as n from listed) l
                on l.n = case when a.n <= $3 then 1 else 2 + a.n % 19 end
            """,
            ACCOUNTS,
            now - timedelta(days=DAYS + 1),
            WAVE,
        )
        for minute, first, count in _rounds():
            await _confirmed(conn, now - timedelta(days=DAYS) + timedelta(minutes=minute), first, count)
        await conn.execute("analyze")


def _rounds() -> Iterator[tuple[int, int, int]]:
    """Minute from the beginning, the number of the first account, and how many: 100 rounds a day."""
    for n in range(DAYS * PER_DAY):
        yield n * 1_440 // PER_DAY, WAVE + 1 + n % (ACCOUNTS - WAVE), 1
        if n == DAYS * PER_DAY // 2:
            yield n * 1_440 // PER_DAY, 1, WAVE


async def _confirmed(conn: Conn, at: datetime, first: int, count: int) -> None:
    """Some accounts are withheld: seen at a time, and confirmed a minute later."""
    rows = await conn.fetch(
        """
        insert into change (
            change_key, account_id, old_status, status, withheld_in, kind, strength, last_seen_old,
            first_seen_new, recorded_at, source
        )
        select encode(sha256((account_id || ' ' || $1::timestamptz::text)::bytea), 'hex'), account_id,
            'available', 'withheld', '{IN}', 'block', 'strong', $1::timestamptz - interval '15 minutes',
            $1::timestamptz, $1::timestamptz, 'x'
        from account where native_id::int >= $2 and native_id::int < $2 + $3
        returning change_id
        """,
        at,
        first,
        count,
    )
    ids, confirmed = [r["change_id"] for r in rows], at + timedelta(minutes=1)
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select unnest($1::bigint[]), 'confirmed', 'enough_strong', $2, 2, $2
        """,
        ids,
        confirmed,
    )
    await spells.append(conn, ids)
    await conn.execute(
        """
        insert into alert (change_id, created_at, decided_at, decision)
        select unnest($1::bigint[]), $2, $2, 'no_rule'
        """,
        ids,
        confirmed,
    )


async def _previewed(dsn: str, now: datetime, rule: AlertRule) -> tuple[float, float, int]:
    """Wall time, processor time, and the emails."""
    async with open_pool(dsn, max_size=1) as pool, snapshot(pool) as conn:
        started, cpu = time.perf_counter(), time.process_time()
        found = await load_rule_preview(conn, rule, now - timedelta(days=DAYS), now)
        return 1000 * (time.perf_counter() - started), 1000 * (time.process_time() - cpu), found.emails


async def _read(dsn: str, now: datetime) -> tuple[float, float]:
    async with open_pool(dsn, max_size=1) as pool, snapshot(pool) as conn:
        started, cpu = time.perf_counter(), time.process_time()
        stored = await alert_inputs.load(conn, now - timedelta(days=DAYS), now, (), RULE.lookback)
        assert len(stored.rows) >= DAYS * PER_DAY + WAVE - 1
        return 1000 * (time.perf_counter() - started), 1000 * (time.process_time() - cpu)


async def _by_process(dsn: str, now: datetime, rule: AlertRule) -> tuple[float, float]:
    """As the page asks: in a process that is started for it."""
    started, cpu = time.perf_counter(), _of_ended_processes()
    await ReplayProcess(dsn).preview(rule, now - timedelta(days=DAYS), now)
    return 1000 * (time.perf_counter() - started), 1000 * (_of_ended_processes() - cpu)


def _of_ended_processes() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
