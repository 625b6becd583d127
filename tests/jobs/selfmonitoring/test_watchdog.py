"""The monitor watches itself, on a real database: every trouble is kept, and told once however many look."""

import json
from datetime import datetime

from collectors.x.declaration import X
from jobs.messages.compose import Letterhead
from jobs.selfmonitoring.watchdog import ConditionReport, tick
from storage.accounts.canaries import canaries, choose, retire, set_canaries
from storage.health.collector_state import CollectorState, save_state
from storage.health.condition_facts import (
    Thresholds,
)
from storage.model.core.availability import Status
from storage.postgres.pool import Conn, Pool, transaction
from tests.jobs.messages.test_compose import SCHEMA, faults
from tests.support.clients.page_walker import said
from tests.support.samples.readings import MINUTE, T0, minutes
from tests.support.seeds.changes import batch, enlist, read, roster_of
from tests.support.servers.dashboard import SETTINGS, page_of

RULES = Thresholds(15 * MINUTE)
HEAD = Letterhead("https://blockline.example.org/", operators=("ops@example.org", "night@example.org"))
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


def to_both(subject: str, at: float) -> list[tuple[str, str, datetime]]:
    return [(to, subject, minutes(at)) for to in ("night@example.org", "ops@example.org")]


# what is told --------------------------------------------------------------------------------------------


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


async def test_an_operator_behind_a_webhook_is_told_in_its_form(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await put_mail(conn, "<dead@test>", minutes(0), "dead", 30, error="550")
    await ticks(pool, 10, 12, head=Letterhead(operators=("webhook:ops",)))
    async with transaction(pool) as conn:
        told = json.loads(await conn.fetchval("select payload from mail where kind = 'operator'"))
    assert faults(told, SCHEMA) == []
    assert (told["kind"], told["rule"], told["as_of"]) == ("operator", None, "2021-02-01T00:10:00Z")


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
