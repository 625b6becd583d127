"""From alert rows to accepted mails, on a real database and a real mail server."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from jobs.compose import Letterhead
from jobs.inbox import Inbox
from jobs.notify import NO_SERVER, TickReport, next_due, tick
from jobs.policy import AlertRule
from storage import outbox
from storage.db import Pool, open_pool, transaction
from storage.model.accounts import Platform
from storage.model.alerts import AlertDecision, Standing
from tests.alert_factories import ORDER, REPORTERS, a_change, an_alert, blocked, decisions, queue, store
from tests.factories import AVAILABLE, NOT_FOUND, PROTECTED, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.mail_servers import serving

RULE = AlertRule(("desk@example.org", "night@example.org"), zone="Asia/Kolkata")
HEAD = Letterhead("https://blockline.example.org/")
NOTHING = TickReport(0, 0, 0, 0)


async def test_a_wave_of_257_is_one_mail_to_all_recipients(pool: Pool) -> None:
    await store(pool, blocked(257))
    inbox = Inbox()
    async with serving(inbox) as sender:
        assert await tick(pool, sender, RULE, minutes(2), HEAD) == NOTHING
        assert await decisions(pool) == [("waiting", False)] * 257
        assert await next_due(pool, sender, RULE, minutes(2)) == minutes(3)
        assert await tick(pool, sender, RULE, minutes(3), HEAD) == TickReport(1, 1, 0, 0)
        assert await tick(pool, sender, RULE, minutes(30), HEAD) == NOTHING
        assert await next_due(pool, sender, RULE, minutes(30)) is None
    (mail,) = inbox.mails()
    assert mail.subject == "257 accounts withheld in India (IN) — order MeitY 2021-01-31"
    assert mail.recipients == RULE.recipients
    assert mail.date == minutes(3)
    assert "withheld in India (IN): 257 of 257 named accounts, 257 more" in mail.text
    assert await decisions(pool) == [("mailed", True)] * 257
    assert await queue(pool) == [("sent", RULE.recipients, 1, None)]


async def test_counts_are_those_known_when_the_wave_was_confirmed(pool: Pool) -> None:
    await store(pool, blocked(20))
    await store(pool, blocked(5, minutes(60), first=20))
    await store(pool, [an_alert(0, a_change(0, AVAILABLE, WITHHELD_IN, at=minutes(90)), minutes(95), ORDER)])
    inbox = Inbox()
    async with serving(inbox) as sender:
        await tick(pool, sender, RULE, minutes(500), HEAD)
    texts = {m.subject: m.text for m in inbox.mails()}
    assert (
        "withheld in India (IN): 20 of 257 named"
        in texts["20 accounts withheld in India (IN) — order MeitY 2021-01-31"]
    )
    assert (
        "25 of 257 named accounts, 5 more"
        in texts["5 accounts withheld in India (IN) — order MeitY 2021-01-31"]
    )
    (back,) = [text for subject, text in texts.items() if "available again" in subject]
    assert "withheld in India (IN): 24 of 257 named accounts, 1 fewer" in back


async def test_the_standing_of_a_list_counts_every_watched_account_once(pool: Pool) -> None:
    await store(pool, [*blocked(3), an_alert(9, a_change(9, NOT_FOUND), T0, ORDER)])
    await store(pool, [an_alert(0, a_change(0, AVAILABLE, WITHHELD_IN, at=minutes(9)), minutes(10), ORDER)])
    async with transaction(pool) as conn:
        await conn.execute("update account set watched = false where native_id = '1'")
        list_id = (await outbox.open_alerts(conn))[0].cohorts[0].list_id
        assert await outbox.standing(conn, list_id, minutes(20)) == Standing(
            3, ((Platform.X, AVAILABLE, 1), (Platform.X, NOT_FOUND, 1), (Platform.X, WITHHELD_IN, 1))
        )
        assert await outbox.standing(conn, list_id, minutes(5)) == Standing(
            3, ((Platform.X, WITHHELD_IN, 2), (Platform.X, NOT_FOUND, 1))
        )
        assert await outbox.standing(conn, list_id, minutes(-60)) == Standing(3, ())


async def test_alerts_that_are_not_mailed_are_closed_with_their_reason(pool: Pool) -> None:
    await store(pool, [an_alert(1, a_change(1, PROTECTED), T0), an_alert(2, a_change(2, SUSPENDED), T0)])
    await tick(pool, None, AlertRule(()), minutes(0), HEAD)
    assert await decisions(pool) == [
        (AlertDecision.KIND_NOT_MAILED, False),
        (AlertDecision.NO_RECIPIENT, False),
    ]
    assert await queue(pool) == []


async def test_without_a_mail_server_mails_wait_and_say_why(pool: Pool) -> None:
    await store(pool, blocked(2))
    assert await tick(pool, None, RULE, minutes(5), HEAD) == TickReport(1, 0, 0, 0)
    assert await tick(pool, None, RULE, minutes(50_000), HEAD) == NOTHING
    assert await queue(pool) == [("queued", RULE.recipients, 0, NO_SERVER)]
    assert await next_due(pool, None, RULE, minutes(50_000)) is None
    inbox = Inbox()
    async with serving(inbox) as sender:
        assert await tick(pool, sender, RULE, minutes(50_001), HEAD) == TickReport(0, 1, 0, 0)
    assert len(inbox.mails()) == 1


async def test_the_same_changes_make_the_same_mails_whatever_the_order_of_their_rows(
    fresh_database: Callable[[], AbstractContextManager[str]],
) -> None:
    alerts = [
        an_alert(
            i,
            a_change(i, SUSPENDED if i % 7 == 0 else WITHHELD_IN, at=minutes(i // 20)),
            minutes(i // 20 + 1),
            ORDER,
            *([REPORTERS] if i % 5 == 0 else []),
        )
        for i in range(100)
    ]
    found: list[set[bytes]] = []
    for rows in (alerts, alerts[::-1]):
        inbox = Inbox()
        with fresh_database() as dsn:
            async with open_pool(dsn) as pool, serving(inbox) as sender:
                await store(pool, rows)
                await tick(pool, sender, RULE, minutes(60), HEAD)
        found.append({m.raw for m in inbox.mails()})
    assert found[0] == found[1]
    assert len(found[0]) == 1


async def test_1178_blocks_over_four_days_are_a_series_of_mails_that_tells_every_account_once(
    pool: Pool,
) -> None:
    scattered = [(i * 7919) % (4 * 1440) for i in range(1178)]
    alerts = [an_alert(i, a_change(i, at=minutes(m)), minutes(m + 1), ORDER) for i, m in enumerate(scattered)]
    await store(pool, sorted(alerts, key=lambda a: a.created_at))
    inbox = Inbox()
    async with serving(inbox) as sender:
        await tick(pool, sender, RULE, minutes(10_000), HEAD)
    assert len(inbox.mails()) <= 4 * 24 + 10
    assert await decisions(pool) == [("mailed", True)] * 1178


async def test_flapping_is_told_once_and_held_after_that(pool: Pool) -> None:
    states = [AVAILABLE, SUSPENDED]
    inbox = Inbox()
    async with serving(inbox) as sender:
        for i in range(6):
            change = a_change(1, states[(i + 1) % 2], states[i % 2], at=minutes(100 * i), handle="pendulum")
            await store(pool, [an_alert(i, change, minutes(100 * i + 1), REPORTERS)])
            await tick(pool, sender, RULE, minutes(100 * i + 70), HEAD)
    assert [m.subject for m in inbox.mails()][::-1] == [
        "@pendulum suspended — list Reporters",
        "@pendulum available again (before: suspended) — list Reporters",
        "@pendulum suspended — list Reporters",
        "@pendulum going back and forth (now available) — list Reporters",
    ]
    assert [d for d, _ in await decisions(pool)] == ["mailed"] * 4 + ["flapping"] * 2
