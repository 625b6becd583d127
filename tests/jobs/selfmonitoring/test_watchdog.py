"""The monitor watches itself, on a real database: every trouble is kept, and told once however many look."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, time

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from dashboard.live.push import health as live_health
from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from jobs.selfmonitoring.watchdog import ConditionReport, tick
from storage.accounts.canaries import canaries, choose, retire, set_canaries
from storage.alerts.mail_queue import resend
from storage.health.collector_state import CollectorState, save_state
from storage.health.condition_facts import (
    PlatformCoverage,
    Thresholds,
    UndeliveredMails,
    mail_facts,
    platform_coverage,
)
from storage.health.conditions import open_conditions
from storage.health.status import overview
from storage.model.alerts.conditions import ConditionKey, ConditionKind
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import AlertRule
from storage.model.core.availability import Status
from storage.model.core.coverage import BatchOutcome
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from tests.jobs.messages.test_webhook_payload import SCHEMA, faults
from tests.support.clients.page_text import said
from tests.support.samples.alerts import blocked, store, tell_by
from tests.support.samples.readings import MINUTE, T0, minutes
from tests.support.seeds.changes import batch, enlist, read, roster_of
from tests.support.servers.dashboard import SETTINGS, page_of

RULES = Thresholds(15 * MINUTE)
HEAD = Letterhead("https://blockline.example.org/", operators=("ops@example.org", "night@example.org"))
NOBODY = Letterhead()
NOTHING = ConditionReport(0, 0, 0)
DAY = 24 * 60


async def reads_x(pool: Pool, *at: float) -> None:
    """One account on X, read at these minutes."""
    async with transaction(pool) as conn:
        roster = await roster_of(conn, await enlist(conn, X, ["1"]))
        for minute in at:
            await read(conn, batch(roster, minutes(minute)))


async def x_is(pool: Pool, at: float, reason: str | None = None) -> None:
    state = CollectorState(X, reason is None, reason, "402" if reason else "", minutes(at), None)
    async with transaction(pool) as conn:
        await save_state(conn, state)


async def put_mail(
    conn: Conn,
    name: str,
    created: datetime,
    state: str = "queued",
    attempts: int = 0,
    again: datetime | None = None,
    error: str | None = None,
) -> None:
    await conn.execute(
        """
        insert into mail (
            message_id, recipients, subject, text_body, html_body, created_at, state, attempts,
            next_attempt_at, last_error
        )
        values ($1, '{desk@example.org}', 's', 't', 'h', $2, $3, $4, $5, $6)
        """,
        name,
        created,
        state,
        attempts,
        None if state == "dead" else again or created,
        error,
    )


async def mails(pool: Pool) -> list[tuple[str, str, datetime]]:
    """Recipient, subject and time of each mail to operators."""
    async with transaction(pool) as conn:
        rows = await conn.fetch("select * from mail where subject like 'Blockline: %' order by mail_id")
    assert all(len(r["recipients"]) == 1 for r in rows)
    return [(r["recipients"][0], r["subject"].removeprefix("Blockline: "), r["created_at"]) for r in rows]


async def deliver(pool: Pool) -> None:
    """Whatever waits is accepted by a server."""
    async with transaction(pool) as conn:
        await conn.execute("update mail set state = 'sent', next_attempt_at = null where state = 'queued'")


async def ticks(pool: Pool, *at: float, head: Letterhead = HEAD) -> list[ConditionReport]:
    """Ticks at these minutes, each of whose mails is delivered at once."""
    out: list[ConditionReport] = []
    for minute in at:
        out.append(await tick(pool, minutes(minute), head, RULES))
        await deliver(pool)
    return out


STOPPED = "The X collector stopped (credits used up)"
WORKS = "The X collector works again"


def to_both(subject: str, at: float) -> list[tuple[str, str, datetime]]:
    return [(to, subject, minutes(at)) for to in ("night@example.org", "ops@example.org")]


# what is told --------------------------------------------------------------------------------------------


async def test_a_trouble_that_lasts_is_told_to_each_operator_once_and_so_is_its_end(pool: Pool) -> None:
    await reads_x(pool, 0, 30)
    await x_is(pool, 31, "credits")
    assert await ticks(pool, 32, 33, 34, 35) == [
        ConditionReport(1, 0, 0),
        NOTHING,
        ConditionReport(0, 0, 2),
        NOTHING,
    ]
    await x_is(pool, 60)
    await reads_x(pool, 60)
    assert await ticks(pool, 61, 64, 65) == [ConditionReport(0, 1, 0), ConditionReport(0, 0, 2), NOTHING]
    assert await mails(pool) == [*to_both(STOPPED, 34), *to_both(WORKS, 64)]


async def test_a_trouble_that_is_over_before_it_was_told_is_never_told(pool: Pool) -> None:
    await reads_x(pool, 0, 30)
    await x_is(pool, 31, "credits")
    await ticks(pool, 32, 33)
    await x_is(pool, 33)
    assert await ticks(pool, 34, 40) == [ConditionReport(0, 1, 0), NOTHING]
    assert await mails(pool) == []
    async with transaction(pool) as conn:
        assert await conn.fetch("select opened_at, ended_at, told_at from operator_condition") == [
            (minutes(32), minutes(34), None)
        ]


async def test_what_happens_within_half_an_hour_of_a_mail_is_gathered_into_the_next(pool: Pool) -> None:
    await reads_x(pool, 0, 30)
    await x_is(pool, 31, "credits")
    await ticks(pool, 32, 34)
    await x_is(pool, 35)
    async with transaction(pool) as conn:
        await put_mail(conn, "<1@test>", minutes(36), "dead", error="550 unknown")
    reports = await ticks(pool, 36, 40, 50, 63)
    assert [r.mails for r in reports] == [0, 0, 0, 0]
    assert await ticks(pool, 64, 65) == [ConditionReport(0, 0, 2), NOTHING]
    assert await mails(pool) == [*to_both(STOPPED, 34), *to_both("1 issue, 1 resolved", 64)]
    async with transaction(pool) as conn:
        text = await conn.fetchval("select text_body from mail order by mail_id desc limit 1")
    assert "1 email failed permanently in the last 24 h" in text
    assert "Detail: 550 unknown" in text
    assert WORKS in text


async def test_what_lasts_is_told_again_after_a_day_and_not_while_the_last_mail_waits(pool: Pool) -> None:
    await reads_x(pool, 0, 30)
    await x_is(pool, 31, "credits")
    await ticks(pool, 32, 34)
    await ticks(pool, 33 + DAY, 34 + DAY, 35 + DAY)
    assert await mails(pool) == [*to_both(STOPPED, 34), *to_both(f"Ongoing: {STOPPED}", 34 + DAY)]
    async with transaction(pool) as conn:
        await conn.execute("update mail set state = 'queued', next_attempt_at = $1", minutes(9 * DAY))
    await tick(pool, minutes(35 + 2 * DAY), HEAD, RULES)
    assert len(await mails(pool)) == 4


async def test_a_trouble_that_comes_back_before_its_end_was_told_lasted(pool: Pool) -> None:
    await reads_x(pool, 0, 30, 60, 90)
    for at, reason in ((31, "credits"), (39, None), (44, "credits"), (49, None), (54, "credits"), (60, None)):
        await x_is(pool, at, reason)
        await ticks(pool, at + 1, at + 3)
    await ticks(pool, 64, 90, 94, 130)
    assert await mails(pool) == [*to_both(STOPPED, 34), *to_both(WORKS, 64)]
    async with transaction(pool) as conn:
        text = await conn.fetchval("select text_body from mail order by mail_id desc limit 1")
    assert "End noticed: 1 Feb 2021, 01:01 UTC" in text


@pytest.mark.parametrize("at", [32, 34, 64])
async def test_two_notifiers_at_once_tell_once(pool: Pool, dsn: str, at: int) -> None:
    await reads_x(pool, 0, 30, 60)
    await x_is(pool, 31, "credits")
    times = [32, 34, 64]
    for minute in times[: times.index(at)]:
        await ticks(pool, minute)
    if at == 64:
        await x_is(pool, 60)
        await ticks(pool, 61)
    async with open_pool(dsn) as other:
        looks = [tick(p, minutes(at), HEAD, RULES) for p in (pool, other, pool, other)]
        reports = await asyncio.gather(*looks)
    assert sum(r.begun for r in reports) == (1 if at == 32 else 0)
    assert sorted(r.mails for r in reports) == ([0, 0, 0, 0] if at == 32 else [0, 0, 0, 2])
    async with transaction(pool) as conn:
        assert await conn.fetchval("select count(*) from operator_condition") == 1


async def test_after_a_restart_nothing_is_told_twice(pool: Pool, dsn: str) -> None:
    await reads_x(pool, 0, 30, 71)
    await x_is(pool, 31, "credits")
    await ticks(pool, 32, 34)
    async with open_pool(dsn) as restarted:
        assert await ticks(restarted, 34, 36, 70) == [NOTHING, NOTHING, NOTHING]
        await x_is(pool, 71)
        assert await ticks(restarted, 72) == [ConditionReport(0, 1, 2)]
    assert await ticks(pool, 73, 110) == [NOTHING, ConditionReport(1, 0, 0)]
    assert await mails(pool) == [*to_both(STOPPED, 34), *to_both(WORKS, 72)]


async def test_without_operators_a_trouble_is_kept_and_shown_and_told_when_there_is_one(pool: Pool) -> None:
    await reads_x(pool, 0, 30)
    await x_is(pool, 31, "credits")
    assert await ticks(pool, 32, 40, head=NOBODY) == [ConditionReport(1, 0, 0), NOTHING]
    assert await mails(pool) == []
    async with transaction(pool) as conn:
        (one,) = await open_conditions(conn)
        page = said(await page_of(conn, "/health", minutes(41), SETTINGS, "light"))
        stand = await overview(conn, minutes(41), RULES.sweep_every)
    assert (one.condition.sentence, one.told_at) == (STOPPED, None)
    assert f"{STOPPED} “402” 1 Feb 2021, 00:31 UTC Buy credits in the developer console" in page
    assert "not written yet" in page
    assert page.count("Buy credits") == 1
    assert [k.condition.sentence for k in stand.conditions] == [STOPPED]
    assert await ticks(pool, 42) == [ConditionReport(0, 0, 2)]


@pytest.mark.parametrize(("minute", "is_silent"), [(60, False), (61, True)])
async def test_health_and_live_call_a_collector_silent_after_two_sweeps(
    pool: Pool, minute: int, is_silent: bool
) -> None:
    await reads_x(pool, 0)
    now = minutes(minute)
    async with transaction(pool) as conn:
        page = said(await page_of(conn, "/health", now, SETTINGS, "light"))
        live = json.dumps(await live_health(conn, now, SETTINGS.sweep_every))
    assert ("Silent" in page) is is_silent
    assert ('"bad": 1' in live) is is_silent


async def test_the_health_page_says_what_became_of_the_mail(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await put_mail(conn, "<1@test>", minutes(0))
    for minute in (16, 18):
        await tick(pool, minutes(minute), HEAD, RULES)
    async with transaction(pool) as conn:
        waits = said(await page_of(conn, "/health", minutes(19), SETTINGS, "light"))
    await deliver(pool)
    async with transaction(pool) as conn:
        sent = said(await page_of(conn, "/health", minutes(19), SETTINGS, "light"))
    assert "1 email waits, and no process tries to send it" in waits
    assert "written 1 Feb 2021, 00:18 UTC: waiting" in waits
    assert "written 1 Feb 2021, 00:18 UTC: sent" in sent


# what it is decided from ---------------------------------------------------------------------------------


async def coverage(pool: Pool, now: float, read_since: float) -> Sequence[PlatformCoverage]:
    async with transaction(pool) as conn:
        return await platform_coverage(conn, minutes(now), minutes(read_since))


async def test_coverage_counts_who_was_heard_and_who_should_have_been(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, BLUESKY, ["a", "b", "c"])
        roster, there = await roster_of(conn, accounts), await roster_of(conn, accounts, vantage="tr")
        await read(conn, batch(roster, minutes(5)))
        await read(conn, batch(roster, minutes(20), answered=[True, False, True]))
        await read(conn, batch(there, minutes(25)))
        await read(conn, batch(roster, minutes(26), BatchOutcome.HELD))
        await conn.execute("update account set added_at = $1 where native_id = 'c'", minutes(12))
    bluesky = BLUESKY
    assert await coverage(pool, 30, 10) == [PlatformCoverage(bluesky, 3, 2, 2, 1, T0, None)]
    assert await coverage(pool, 30, 4) == [PlatformCoverage(bluesky, 3, 3, 2, 2, T0, None)]
    assert await coverage(pool, 60, 21) == [PlatformCoverage(bluesky, 3, 0, 3, 0, T0, minutes(20))]


async def test_an_answer_that_left_everybody_out_is_not_conclusive(pool: Pool) -> None:
    async with transaction(pool) as conn:
        roster = await roster_of(conn, await enlist(conn, X, ["1", "2"]))
        await read(conn, batch(roster, minutes(5)))
        await read(conn, batch(roster, minutes(50), answered=[False, False]))
    assert await coverage(pool, 51, 6) == [PlatformCoverage(X, 2, 0, 2, 0, T0, minutes(5))]


async def test_a_platform_is_blind_after_two_sweeps_and_read_again_with_its_first_answer(
    pool: Pool,
) -> None:
    await reads_x(pool, 0)
    blind = "No account on X is read, though 1 account is watched there"
    assert [r.begun for r in await ticks(pool, 30, 31, 33)] == [0, 1, 0]
    await reads_x(pool, 79)
    await ticks(pool, 80)
    assert await mails(pool) == [*to_both(blind, 33), *to_both("X is read again", 80)]


async def test_only_the_platform_whose_accounts_are_late_is_told_of(pool: Pool) -> None:
    async with transaction(pool) as conn:
        for platform, heard in ((X, 19), (BLUESKY, 18)):
            accounts = await enlist(conn, platform, [str(n) for n in range(20)])
            roster = await roster_of(conn, accounts)
            await read(conn, batch(roster, minutes(0)))
            await read(conn, batch(roster, minutes(50), answered=[n < heard for n in range(20)]))
    await ticks(pool, 51)
    async with transaction(pool) as conn:
        (one,) = await open_conditions(conn)
    assert one.condition.key == ConditionKey(ConditionKind.COVERAGE_LATE, BLUESKY)
    assert one.condition.sentence == "On Bluesky 2 of 20 accounts (10.0%) were not read in the last 30 min"


async def test_the_queue_tells_mails_that_nobody_tries_from_those_that_are_not_taken(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await put_mail(conn, "<waits@test>", minutes(10), error="no server is set")
        await put_mail(conn, "<new@test>", minutes(110))
        await put_mail(conn, "<refused@test>", minutes(20), attempts=6, again=minutes(130), error="451")
        await put_mail(conn, "<fresh@test>", minutes(90), attempts=3, again=minutes(130), error="451")
        await put_mail(conn, "<sent@test>", minutes(0), "sent", 1)
        found = await mail_facts(conn, minutes(120), RULES)
    assert (found.untried, found.refused) == (
        UndeliveredMails(1, minutes(10), "no server is set"),
        UndeliveredMails(1, minutes(20), "451"),
    )
    assert found.given_up == UndeliveredMails()


async def test_a_change_that_waits_for_nothing_and_is_not_told_is_stuck(pool: Pool) -> None:
    await tell_by(pool, AlertRule(("desk@example.org",), quiet=QuietHours(time(0), time(23))))
    await store(pool, blocked(2, minutes(10)))
    async with transaction(pool) as conn:
        assert (await mail_facts(conn, minutes(120), RULES)).untold == UndeliveredMails(2, minutes(10))
    await decide_alerts(pool, minutes(20), Letterhead())
    async with transaction(pool) as conn:
        assert (await mail_facts(conn, minutes(120), RULES)).untold == UndeliveredMails()


async def test_a_mail_counts_as_given_up_for_a_day_after_that_was_noticed(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await put_mail(conn, "<dead@test>", minutes(-3000), "dead", 30, error="550")
    assert [(r.begun, r.over) for r in await ticks(pool, 10, 12, 9 + DAY, 10 + DAY)] == [
        (1, 0),
        (0, 0),
        (0, 0),
        (0, 1),
    ]
    gone = "No email failed permanently in the last 24 h"
    assert await mails(pool) == [
        *to_both("1 email failed permanently in the last 24 h", 12),
        *to_both(gone, 10 + DAY),
    ]


async def test_a_mail_that_was_sent_again_and_given_up_again_is_told_again(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await put_mail(conn, "<dead@test>", minutes(0), "dead", 30, error="550")
        mail_id = await conn.fetchval("select mail_id from mail")
    await ticks(pool, 10, 12, 10 + DAY)
    async with transaction(pool) as conn:
        await resend(conn, mail_id, "anna", minutes(20 + DAY))
        await conn.execute(
            "update mail set state = 'dead', next_attempt_at = null where mail_id = $1", mail_id
        )
    told = await ticks(pool, 50 + DAY, 52 + DAY)
    assert [(r.begun, r.mails) for r in told] == [(1, 0), (0, 2)]


async def test_an_operator_behind_a_webhook_is_told_in_its_form(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await put_mail(conn, "<dead@test>", minutes(0), "dead", 30, error="550")
    await ticks(pool, 10, 12, head=Letterhead(operators=("webhook:ops",)))
    async with transaction(pool) as conn:
        told = json.loads(await conn.fetchval("select payload from mail where kind = 'operator'"))
    assert faults(told, SCHEMA) == []
    assert (told["kind"], told["rule"], told["as_of"]) == ("operator", None, "2021-02-01T00:10:00Z")


async def test_numbers_that_change_are_kept_and_are_no_new_trouble(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await put_mail(conn, "<1@test>", minutes(0))
    await tick(pool, minutes(16), NOBODY, RULES)
    async with transaction(pool) as conn:
        await put_mail(conn, "<2@test>", minutes(5))
    assert await tick(pool, minutes(21), NOBODY, RULES) == NOTHING
    async with transaction(pool) as conn:
        (one,) = await open_conditions(conn)
    assert (one.condition.sentence, one.opened_at) == (
        "2 emails wait, and no process tries to send them",
        minutes(16),
    )


async def test_operators_hear_that_a_control_account_of_the_settings_is_no_longer_asked(pool: Pool) -> None:
    """Until the settings name another one. Of one that Blockline chose nobody has to hear."""
    await reads_x(pool, *range(0, 700, 15))
    async with transaction(pool) as conn:
        await set_canaries(conn, X, [("900", "steady", Status.AVAILABLE)], T0)
        (chosen,) = await choose(conn, X, "", [("901", "other", Status.AVAILABLE)], T0)
        (named,) = [c for c in await canaries(conn, X) if c.account.handle == "steady"]
        for canary in (named, chosen):
            await retire(conn, canary.account.account_id, minutes(600))
    await ticks(pool, 605, 610)
    async with transaction(pool) as conn:
        await set_canaries(conn, X, [("902", "new", Status.AVAILABLE)], minutes(650))
    await ticks(pool, 655, 660)
    begun, over = [subject for to, subject, _ in await mails(pool) if to == "ops@example.org"]
    assert begun.startswith("Control account @steady on X no longer has the expected status")
    assert over == "The settings no longer name retired control accounts of X"
