"""Digests and round-ups on a real database: each is told once, when its time has come, to who wants it."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts, next_due
from storage.alerts import reminders, rules, threads
from storage.alerts.decisions_report import decided_lately
from storage.alerts.rules import save_rule
from storage.alerts.threads_report import count_open_stories, open_stories
from storage.model.alerts.alerts import AlertRow
from storage.model.alerts.rules import AlertRule, Digest
from storage.postgres.pool import Pool, Refused, open_pool, transaction
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, an_alert, blocked, store
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, T0, WITHHELD_IN

DESK, NIGHT = "desk@example.org", "night@example.org"
HEAD = Letterhead("https://blockline.example.org/")
DAILY = AlertRule((DESK, NIGHT), "Desk", digest=Digest.DAILY)
AT_ONCE = replace(DAILY, digest=Digest.NONE)
HOUR, DAY = 60 * MINUTE, 24 * 60 * MINUTE


async def with_rule(pool: Pool, rule: AlertRule, at: datetime = T0, *, enabled: bool = True) -> None:
    async with transaction(pool) as conn:
        await save_rule(conn, rule, "test", at, enabled=enabled)


async def mails(pool: Pool) -> list[tuple[str, datetime, str]]:
    """Recipient, time and subject of each digest and round-up, oldest first."""
    rows = await told(pool)
    return [(r["recipients"][0], r["created_at"], r["subject"]) for r in rows]


async def told(pool: Pool) -> Sequence[Any]:
    async with transaction(pool) as conn:
        return await conn.fetch(
            "select * from mail where kind = 'digest' order by created_at, recipients, mail_id"
        )


async def decided(pool: Pool) -> list[tuple[str, int]]:
    async with transaction(pool) as conn:
        rows = await conn.fetch(
            """
            select decision, count(*)::int as n from alert_decision
            where decided_at is not null group by 1 order by 1
            """
        )
    return [(r["decision"], r["n"]) for r in rows]


def gone(n: int, at: datetime, cohort_first: int = 0) -> list[AlertRow]:
    """Accounts that vanished for no known reason, which is no news."""
    return [
        an_alert(i, a_change(i, NOT_FOUND, at=at - MINUTE), at, ORDER)
        for i in range(cohort_first, cohort_first + n)
    ]


async def test_a_daily_digest_is_sent_once_by_any_number_of_notifiers(dsn: str, pool: Pool) -> None:
    await with_rule(pool, DAILY)
    await store(pool, blocked(20))
    async with open_pool(dsn) as other:
        made = await asyncio.gather(*(decide_alerts(p, T0 + 8 * HOUR, HEAD) for p in (pool, other) * 3))
    assert sorted(made) == [0, 0, 0, 0, 0, 2]
    assert await mails(pool) == [
        (to, T0 + 8 * HOUR, "20 accounts withheld in India (IN) - daily digest, 1 Feb 2021")
        for to in (DESK, NIGHT)
    ]
    assert await decided(pool) == [("grouped", 20)]
    assert await decide_alerts(pool, T0 + 9 * HOUR, HEAD) == 0


async def test_if_all_recipients_unsubscribed_the_alerts_are_closed_with_that_reason(pool: Pool) -> None:
    await with_rule(pool, DAILY)
    await store(pool, blocked(3))
    async with transaction(pool) as conn:
        for to in DAILY.recipients:
            await rules.refuse_digests(conn, "Desk", to, T0)
    assert await decide_alerts(pool, T0 + 8 * HOUR, HEAD) == 0
    assert await decided(pool) == [("unsubscribed", 3)]
    assert await next_due(pool, None, T0 + 8 * HOUR) == T0 + 32 * HOUR


async def test_an_email_continues_from_its_readers_last_one_and_names_what_catch_up_digests_had(
    pool: Pool,
) -> None:
    await with_rule(pool, AT_ONCE)
    async with transaction(pool) as conn:
        await rules.refuse_digests(conn, "Desk", NIGHT, T0)
    await store(pool, [*blocked(20), *gone(30, T0 + 2 * HOUR, 100)])
    await decide_alerts(pool, T0 + 7 * DAY, HEAD)
    at = T0 + 7 * DAY
    back = [an_alert(i, a_change(i, AVAILABLE, WITHHELD_IN, at=at), at, ORDER) for i in range(15)]
    await store(pool, back)
    await decide_alerts(pool, at + HOUR, HEAD)
    assert [to for to, _, _ in await mails(pool)] == [DESK]
    async with transaction(pool) as conn:
        texts = await conn.fetch("select text_body from mail where wave = 3 order by recipients")
    desk, night = [str(r["text_body"]) for r in texts]
    since = "Below is what is new."
    goes_on = "This email continues the one that reported what was known at 1 Feb 2021,"
    assert f"{goes_on} 02:00 UTC. {since}" in desk
    left = (
        "Catch-up digests, which you do not get, reported what was recorded after that until "
        "1 Feb 2021, 02:00 UTC."
    )
    assert f"{goes_on} 00:01 UTC. {left} {since}" in night


async def test_unsubscribing_from_a_missing_rule_fails(pool: Pool) -> None:
    async with transaction(pool) as conn:
        with pytest.raises(Refused, match="There is no rule 'Desk'"):
            await rules.refuse_digests(conn, "Desk", DESK, T0)


async def test_a_catch_up_digest_continues_its_incident_and_asks_for_no_acknowledgement(pool: Pool) -> None:
    await with_rule(pool, replace(AT_ONCE, recipients=(DESK,)))
    await store(pool, [*blocked(20), *gone(30, T0 + 2 * HOUR, 100)])
    await store(pool, [an_alert(900, a_change(900, NOT_FOUND, at=T0 + HOUR), T0 + 2 * HOUR, REPORTERS)])
    await decide_alerts(pool, T0 + HOUR, HEAD)
    async with transaction(pool) as conn:
        (key,) = await conn.fetchval("select array_agg(story_key) from story")
        await threads.acknowledge(conn, key, "ann", "mine", T0 + 3 * HOUR)
    await decide_alerts(pool, T0 + 9 * DAY, HEAD)
    (mail,) = await told(pool)
    assert mail["subject"] == "31 accounts not found - round-up, 7 Feb 2021"
    assert mail["unsubscribe_url"] in mail["text_body"]
    async with transaction(pool) as conn:
        waves = await conn.fetch("select wave, in_round_up, told::text as told from story_wave order by wave")
        assert [tuple(w) for w in waves] == [(1, False, '{"block": 20}'), (2, True, '{"gone": 30}')]
        assert await reminders.outstanding(conn, T0 - DAY) == []
        assert await count_open_stories(conn) == len(await open_stories(conn, 9)) == 0
        lately = await decided_lately(conn, None, 99)
        assert {len(d.mail_ids) for d in lately} == {1}, "each is told in one mail, also by the round-up"
        again = await threads.acknowledge(conn, key, "bob", "", T0 + 10 * DAY)
        linked = await conn.fetch(
            "select story_id is null as free, count(*)::int from alert_decision group by 1"
        )
    assert (again.first, again.by) == (False, "ann")
    assert sorted(tuple(r) for r in linked) == [(False, 50), (True, 1)]


async def test_a_change_known_after_the_mornings_catch_up_digest_is_sent_in_a_second_one(
    pool: Pool,
) -> None:
    await with_rule(pool, replace(AT_ONCE, recipients=(DESK,)))
    morning = T0 + 8 * HOUR

    async def record(n: int, at: datetime) -> None:
        await store(pool, [an_alert(n, a_change(n, at=at), at, REPORTERS)])

    await store(pool, [an_alert(i, a_change(i), T0, REPORTERS) for i in range(3)])
    await record(10, T0 + 5 * HOUR)
    await decide_alerts(pool, morning, HEAD)
    # Its transaction ended after the notifier had looked.
    await record(11, morning - timedelta(milliseconds=200))
    assert await decide_alerts(pool, morning + timedelta(milliseconds=300), HEAD) == 1
    assert [s for _, _, s in await mails(pool)] == [
        f"@account_{n:04} withheld in India (IN) - round-up, 1 Feb 2021" for n in (10, 11)
    ]
    async with transaction(pool) as conn:
        untold = "select count(*) from alert left join mail_alert using (alert_id) where mail_id is null"
        assert await conn.fetchval(untold) == 0
