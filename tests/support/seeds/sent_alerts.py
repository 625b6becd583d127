"""A database in which alerts were told, as the commands meet it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import tick
from storage.alerts import mutes
from storage.alerts.rules import save_rule
from storage.model.alerts.rules import AlertRule, Digest, Match
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from tests.support.samples.alerts import ORDER, REPORTERS, a_change, an_alert, blocked, store
from tests.support.samples.readings import T0, minutes

T = TypeVar("T")
DESK = AlertRule(("desk@example.org", "night@example.org"), name="Desk", zone="Asia/Kolkata")
TURKEY = AlertRule(("ankara@example.org",), name="Turkey", match=Match(countries=frozenset({"TR"})))
BOSS = AlertRule(("boss@example.org",), name="Boss", digest=Digest.DAILY)
COPY = AlertRule(("night@example.org",), name="Copy")
EAGER = AlertRule(("desk@example.org",), name="Eager", match=Match(provisional=True))


def on(dsn: str, work: Callable[[Pool], Awaitable[T]]) -> T:
    """Do something on a database, outside of the command that is tested."""

    async def done() -> T:
        async with open_pool(dsn, max_size=2) as pool:
            return await work(pool)

    return asyncio.run(done())


async def rule_by_hand(conn: Conn, *rules: AlertRule) -> None:
    for rule in rules:
        await save_rule(conn, rule, "test", T0)


async def told(pool: Pool) -> None:
    """25 accounts of an order were blocked, then 30 more; no server took the mails yet."""
    async with transaction(pool) as conn:
        await rule_by_hand(conn, DESK, TURKEY, BOSS, COPY)
    await store(pool, blocked(25))
    await tick(pool, None, minutes(3), Letterhead())
    await store(pool, blocked(30, minutes(200), first=40))
    await tick(pool, None, minutes(400), Letterhead())


async def entered_late(pool: Pool) -> None:
    """Two accounts of a list were told of, a third waits for a round-up; then an order that names it is
    entered, and its story opens.
    """
    async with transaction(pool) as conn:
        await rule_by_hand(conn, DESK)
    await store(pool, [an_alert(n, a_change(n), minutes(1), REPORTERS) for n in (1, 2)])
    await tick(pool, None, minutes(2), Letterhead())
    await store(pool, [an_alert(3, a_change(3, at=minutes(3)), minutes(4), REPORTERS)])
    await tick(pool, None, minutes(10), Letterhead())
    await pool.execute(
        """
        with list as (
            insert into watch_list (name, created_at) values ($1, $2) returning list_id
        ),
        member as (
            insert into watch_list_member (list_id, account_id, added_at)
            select list_id, account_id, $2 from list, account where native_id = '3'
        )
        insert into legal_order (reference, title, issuer, country, legal_basis, issued_at, named_count,
            list_id, known_at)
        select $3, 'Title', 'Issuer', 'IN', 'Section 69A', $4, 257, list_id, $5 from list
        """,
        ORDER.name,
        minutes(120),
        "MeitY 2021-01-31",
        T0 - timedelta(hours=12),
        minutes(121),
    )
    await tick(pool, None, minutes(122), Letterhead())


async def muted_and_open(pool: Pool) -> None:
    """One change that a mute covers, and one that a notifier has not looked at."""
    async with transaction(pool) as conn:
        await rule_by_hand(conn, DESK)
    await store(pool, [an_alert(1, a_change(1), minutes(1), REPORTERS)])
    async with transaction(pool) as conn:
        until = minutes(1) + timedelta(days=900)
        await mutes.mute_list(conn, "Reporters", T0, until, "court hearing", "Asha", T0)
    await tick(pool, None, minutes(3), Letterhead())
    await store(pool, [an_alert(2, a_change(2, at=minutes(10)), minutes(11), ORDER)])


async def taken_back(pool: Pool) -> None:
    """A change that was told before it was confirmed, and taken back."""
    async with transaction(pool) as conn:
        await rule_by_hand(conn, DESK, EAGER)
    await store(pool, [an_alert(1, a_change(1, handle="ravi"), minutes(1), ORDER)])
    await pool.execute("update alert set stage = 'provisional'")
    await tick(pool, None, minutes(3), Letterhead())
    await pool.execute(
        "insert into alert (change_id, created_at, stage) select change_id, $1, 'withdrawn' from change",
        minutes(20),
    )
    await tick(pool, None, minutes(30), Letterhead())
