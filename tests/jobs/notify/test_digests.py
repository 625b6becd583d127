"""Digests and round-ups on a real database: each is told once, when its time has come, to who wants it."""

import asyncio
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from collectors.x.declaration import X
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts, next_due
from storage.alerts import mutes, reminders, rules, threads
from storage.alerts.decisions_report import decided_lately
from storage.alerts.history import alerts_of_change, histories
from storage.alerts.rules import load_rules, save_rule
from storage.alerts.threads import thread_lines
from storage.alerts.threads_report import count_open_stories, open_stories, thread_of, thread_status
from storage.model.alerts.alerts import AlertRow
from storage.model.alerts.rules import AlertRule, Digest
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, Refused, open_pool, transaction
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, an_alert, blocked, store
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import batch, become, enlist, read, roster_of

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


@pytest.mark.parametrize(
    ("zone", "first", "in_utc"),
    [
        pytest.param("Europe/Berlin", datetime(2021, 3, 27, tzinfo=UTC), [7, 6, 6], id="clocks go forward"),
        pytest.param("Europe/Berlin", datetime(2021, 10, 30, tzinfo=UTC), [6, 7, 7], id="clocks go back"),
        pytest.param("Asia/Kolkata", datetime(2021, 3, 27, tzinfo=UTC), [2.5, 2.5, 2.5], id="clocks stay"),
    ],
)
async def test_a_daily_digest_comes_at_the_same_hour_of_the_readers_day(
    pool: Pool, zone: str, first: datetime, in_utc: list[float]
) -> None:
    await with_rule(pool, replace(DAILY, recipients=(DESK,), zone=zone), first)
    for half_hours in range(3 * 48):
        await decide_alerts(pool, first + half_hours * HOUR / 2, HEAD)
    due = [first + day * DAY + hours * HOUR for day, hours in enumerate(in_utc)]
    assert [at for _, at, _ in await mails(pool)] == due
    assert {at.astimezone(ZoneInfo(zone)).time() for at in due} == {time(8)}


async def test_an_installation_that_was_down_for_three_days_sends_one_digest_for_them(pool: Pool) -> None:
    await with_rule(pool, replace(DAILY, recipients=(DESK,)))
    for day in range(3):
        await store(pool, blocked(2, T0 + day * DAY + HOUR, first=10 * day))
    await store(pool, blocked(1, T0 + 2 * DAY + 9 * HOUR, first=90))
    await decide_alerts(pool, T0 + 2 * DAY + 10 * HOUR, HEAD)
    await decide_alerts(pool, T0 + 2 * DAY + 11 * HOUR, HEAD)
    (mail,) = await told(pool)
    assert mail["subject"] == "6 accounts withheld in India (IN) - daily digest, 3 Feb 2021"
    assert "from 1 Feb 2021, 00:00 UTC to 3 Feb 2021, 08:00 UTC" in mail["text_body"]
    assert await next_due(pool, None, T0 + 2 * DAY + 11 * HOUR) == T0 + 3 * DAY + 8 * HOUR


async def test_a_weekly_digest_comes_on_mondays_and_says_so_when_nothing_happened(pool: Pool) -> None:
    await with_rule(pool, replace(DAILY, recipients=(DESK,), digest=Digest.WEEKLY), T0 + 9 * HOUR)
    async with transaction(pool) as conn:
        roster = await roster_of(conn, await enlist(conn, X, ["1", "2"], ("Reporters",)))
        await read(conn, batch(roster, T0 + 7 * DAY, answered=[True, False]))
    for hours in range(15 * 24):
        await decide_alerts(pool, T0 + 9 * HOUR + hours * HOUR, HEAD)
    first, second = await told(pool)
    assert [m["created_at"] for m in (first, second)] == [T0 + d * DAY + 8 * HOUR for d in (7, 14)]
    assert first["subject"] == "No change confirmed, but 1 of 2 accounts not read - weekly digest, 8 Feb 2021"
    assert "X: 1 of 2 watched accounts (50%) was read in this time" in first["text_body"]
    assert "List Reporters: 0 of 2 watched accounts blocked" in first["text_body"]
    assert second["subject"] == "Nothing known: none of 2 accounts was read - weekly digest, 15 Feb 2021"


async def test_a_digest_reports_what_was_known_at_its_time_however_late_it_is_written(pool: Pool) -> None:
    await with_rule(pool, replace(DAILY, recipients=(DESK,)))
    async with transaction(pool) as conn:
        accounts = await enlist(conn, X, ["1", "2", "3"], ("Reporters",))
        roster = await roster_of(conn, accounts)
        await become(conn, roster, accounts[0], None, WITHHELD_IN, T0 + HOUR)
        await become(conn, roster, accounts[1], None, NOT_FOUND, T0 + 2 * HOUR)
        await become(conn, roster, accounts[2], None, WITHHELD_IN, T0 + 9 * HOUR)
        await read(conn, batch(roster, T0 + 7 * HOUR))
    await decide_alerts(pool, T0 + 20 * HOUR, HEAD)
    (mail,) = await told(pool)
    text = mail["text_body"]
    assert "Blocked by the platforms: 1 of 3 watched accounts" in text
    assert re.search(
        r"Of 1 blocked account, 1 had not been read for [^;]+ or longer; the last known status is counted",
        text,
    )
    assert "Nothing confirmed yet: 1 of 3 watched accounts" in text
    assert (
        "X: 3 of 3 watched accounts (100%) were read in this time. At the end of this time, 3 had not been "
        "read" in text
    )
    assert "No regular request to X was answered for 5 h, from 1 Feb 2021, 02:00 UTC to" in text


async def test_a_recipient_who_unsubscribed_gets_no_digest_and_the_others_do(pool: Pool) -> None:
    await with_rule(pool, DAILY)
    await store(pool, blocked(3))
    async with transaction(pool) as conn:
        assert await rules.refuse_digests(conn, "Desk", NIGHT, T0)
        assert not await rules.refuse_digests(conn, "Desk", NIGHT, minutes(1))
    await decide_alerts(pool, T0 + 8 * HOUR, HEAD)
    assert [to for to, _, _ in await mails(pool)] == [DESK]
    assert await decided(pool) == [("grouped", 3)]
    async with transaction(pool) as conn:
        (logged,) = await acts(conn, 1)
    assert (logged.at, logged.actor, logged.action) == (T0, f"mail to {NIGHT}", "digests refused")
    assert (logged.subject, dict(logged.detail)) == ("Desk", {"recipient": NIGHT})


async def test_if_all_recipients_unsubscribed_the_alerts_are_closed_with_that_reason(pool: Pool) -> None:
    await with_rule(pool, DAILY)
    await store(pool, blocked(3))
    async with transaction(pool) as conn:
        for to in DAILY.recipients:
            await rules.refuse_digests(conn, "Desk", to, T0)
    assert await decide_alerts(pool, T0 + 8 * HOUR, HEAD) == 0
    assert await decided(pool) == [("unsubscribed", 3)]
    assert await next_due(pool, None, T0 + 8 * HOUR) == T0 + 32 * HOUR


async def test_immediate_alerts_continue_after_unsubscribing_from_catch_up_digests(pool: Pool) -> None:
    await with_rule(pool, replace(AT_ONCE, recipients=(DESK,)))
    async with transaction(pool) as conn:
        await rules.refuse_digests(conn, "Desk", DESK, T0)
    await store(pool, [*blocked(20), *gone(30, T0 + 2 * HOUR, 100)])
    await decide_alerts(pool, T0 + 9 * DAY, HEAD)
    assert await decided(pool) == [("grouped", 20), ("unsubscribed", 30)]
    assert await mails(pool) == []
    async with transaction(pool) as conn:
        assert await conn.fetchval("select array_agg(kind) from mail") == ["wave"]


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


async def test_a_digest_counts_alerts_that_were_silenced_at_the_same_moment(
    pool: Pool,
) -> None:
    await with_rule(pool, replace(DAILY, recipients=(DESK,)))
    await store(pool, blocked(3))
    async with transaction(pool) as conn:
        await mutes.mute_list(conn, ORDER.name, T0, None, "lawyers ask", "ann", T0)
    await decide_alerts(pool, T0 + 9 * HOUR, HEAD)
    (mail,) = await told(pool)
    assert "3 changes are not reported here (muted)" in mail["text_body"]
    assert "No change" not in mail["text_body"]


async def test_a_catch_up_digest_is_never_counted_as_a_group_of_changes(pool: Pool) -> None:
    await with_rule(pool, replace(AT_ONCE, recipients=(DESK,)))
    await store(pool, [*blocked(20), *gone(30, T0 + 2 * HOUR, 100)])
    await decide_alerts(pool, T0 + HOUR, HEAD)
    await decide_alerts(pool, T0 + 9 * DAY, HEAD)
    back, at = T0 + 10 * DAY, T0 + 10 * DAY + MINUTE
    await store(
        pool, [an_alert(n, a_change(n, AVAILABLE, WITHHELD_IN, at=back), at, ORDER) for n in range(20)]
    )
    await decide_alerts(pool, at + HOUR, HEAD)
    async with transaction(pool) as conn:
        stored = await conn.fetch("select wave, in_round_up from story_wave order by wave")
        assert [tuple(w) for w in stored] == [(1, False), (2, True), (3, False)]
        (line,) = await thread_lines(conn, 9)
        (story,) = await open_stories(conn, 9)
        newest = await conn.fetchval("select max(mail_id) from mail")
        thread = await thread_of(conn, newest)
        change = await conn.fetchval("select max(change_id) from change")
        (history,) = await histories(conn, await alerts_of_change(conn, change))
        assert (line.waves, line.round_ups, story.waves, line.told_at) == (2, 1, 2, at + HOUR)
        assert thread is not None
        assert (thread.wave, thread.note.waves, [m.wave for m in thread.mails]) == (2, 2, [1, 2])
        assert [m.wave for m in history.mails] == [2]
        await threads.acknowledge(conn, line.story_key, "ann", "", at + HOUR)
        (line,), note = await thread_lines(conn, 9), await thread_status(conn, line.story_key)
        assert note is not None
        assert (line.acknowledged_wave, line.is_acknowledged) == (2, True)
        assert (note.acknowledged_wave, note.is_acknowledged) == (2, True)


@pytest.mark.parametrize(
    "before",
    [
        pytest.param((DAILY, False), id="it was off"),
        pytest.param((AT_ONCE, True), id="it told waves"),
        pytest.param(
            (replace(DAILY, match=replace(DAILY.match, tags=frozenset({"x"}))), True), id="another match"
        ),
    ],
)
async def test_the_first_digest_does_not_cover_time_before_the_rule_collected(
    pool: Pool, before: tuple[AlertRule, bool]
) -> None:
    await with_rule(pool, before[0], enabled=before[1])
    await with_rule(pool, DAILY, T0 + 2 * HOUR)
    async with transaction(pool) as conn:
        assert (await load_rules(conn))[0].digested_to == T0 + 2 * HOUR
    await with_rule(pool, replace(DAILY, zone="Asia/Kolkata"), T0 + 3 * HOUR)
    async with transaction(pool) as conn:
        assert (await load_rules(conn))[0].digested_to == T0 + 2 * HOUR


async def test_a_digest_reports_every_change_of_a_flapping_account(pool: Pool) -> None:
    await with_rule(pool, replace(DAILY, recipients=(DESK,)))
    swings = [WITHHELD_IN, NOT_FOUND] * 4
    await store(
        pool,
        [
            an_alert(i, a_change(1, new, swings[i - 1], at=minutes(10 * i)), minutes(10 * i + 5), ORDER)
            for i, new in enumerate(swings)
        ],
    )
    await decide_alerts(pool, T0 + timedelta(hours=8), HEAD)
    (mail,) = await told(pool)
    assert await decided(pool) == [("grouped", 8)]
    assert "going back and forth" in mail["subject"]
    assert mail["text_body"].count("→") == 8
