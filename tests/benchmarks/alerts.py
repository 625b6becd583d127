"""From the commit that confirms a change to the server that accepts the mail. `make bench GROUP=alerts`.

The notifier runs as an installation runs it: woken by the scheduler, on the system's clock, over a real SMTP
connection. Changes are confirmed request by request, 98 accounts in a transaction, as fast as it goes.
Reference: the same changes in as many stories, so that the same path writes one mail for each.
"""

import asyncio
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email import message_from_bytes

import uvloop

from jobs.base.clock import system_clock
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.delivery.smtp import MailServer, Security, SmtpSender
from jobs.messages.compose import Letterhead
from jobs.notify.loops import DecisionLoop, DeliveryLoop
from jobs.runtime.app import SOON_S
from jobs.runtime.loop_scheduler import Loop, scheduled
from storage.alerts import creation
from storage.alerts.rules import keep_to_settings
from storage.changes import spells
from storage.model.alerts.alerts import Via
from storage.model.alerts.rules import AlertRule
from storage.postgres.pool import Conn, Pool, open_pool, transaction
from tests.benchmarks.measuring import Figure, scratch_database

WAVES = (1, 20, 257, 1178)
A_REQUEST = 98
RECIPIENT = "desk@example.org"
PATIENCE_S = 300
SWEEP = timedelta(minutes=15)


class _Timed(Inbox):
    """Knows when it accepted each mail."""

    def __init__(self) -> None:
        super().__init__()
        self.accepted: dict[str, datetime] = {}

    def receive(self, raw: bytes) -> None:
        super().receive(raw)
        self.accepted[str(message_from_bytes(raw)["Message-ID"])] = system_clock()


@dataclass(frozen=True, slots=True)
class _Told:
    p99_s: float
    mails: int


def figures() -> Iterator[Figure]:
    for accounts in WAVES:
        wave, each = _measure(accounts, one_story=True), _measure(accounts, one_story=False)
        yield Figure(f"confirm_to_accept_p99_s_{accounts}", wave.p99_s, "s", "lower", each.p99_s)
        if accounts in {257, 1178}:
            yield Figure(f"mails_per_recipient_{accounts}", wave.mails, "mails", "lower", each.mails)


def _measure(accounts: int, *, one_story: bool) -> _Told:
    with scratch_database() as dsn:
        return uvloop.run(_tell(dsn, accounts, one_story=one_story))


async def _tell(dsn: str, accounts: int, *, one_story: bool) -> _Told:
    inbox, told = _Timed(), asyncio.Event()
    async with open_pool(dsn) as pool:
        changes = await _provisional(pool, accounts, one_story=one_story)
        async with transaction(pool) as conn:
            await keep_to_settings(conn, [AlertRule((RECIPIENT,))], system_clock())
        with SmtpServer(inbox) as smtp:
            server = MailServer("127.0.0.1", smtp.port, "blockline@example.org", Security.NONE)
            decision = DecisionLoop(pool, Letterhead("http://127.0.0.1:8050"), system_clock)
            sending = DeliveryLoop(pool, SmtpSender(server), Via.SMTP, system_clock)

            async def send() -> None:
                before = len(inbox.accepted)
                await sending.turn()
                if len(inbox.accepted) > before and await _is_all_told(pool, accounts):
                    told.set()

            loops = [(Loop("Deciding", decision.turn), SOON_S), (Loop("Mailing", send), SOON_S)]
            async with scheduled(loops):
                await asyncio.sleep(1)
                async with asyncio.timeout(PATIENCE_S):
                    for n in range(0, accounts, A_REQUEST):
                        await _confirm(pool, changes[n : n + A_REQUEST])
                    await told.wait()
        async with transaction(pool) as conn:
            delays = [
                r["took"]
                for r in await conn.fetch(
                    """
                    select extract(epoch from u.accepted_at - a.created_at)::float8 as took
                    from unnest($1::text[], $2::timestamptz[]) as u (message_id, accepted_at)
                    join mail using (message_id) join mail_alert using (mail_id) join alert a using (alert_id)
                    """,
                    list(inbox.accepted),
                    list(inbox.accepted.values()),
                )
            ]
    assert len(delays) == accounts, "a change was not told, or told twice"
    return _Told(sorted(delays)[math.ceil(0.99 * accounts) - 1], len(inbox.accepted))


async def _provisional(pool: Pool, accounts: int, *, one_story: bool) -> list[int]:
    """Accounts of one list, or of one each, that were seen as withheld and wait for their confirmation.

    Each was available before, and the planner has heard of them, as where a monitor runs for a while.
    """
    seen = system_clock() - timedelta(minutes=1)
    async with transaction(pool) as conn:
        first = await conn.fetch(
            """
            with added as (
                insert into account (platform, native_id, handle, added_at)
                select 'x', n::text, 'account_' || n, $2 from generate_series(1, $1::int) as n
                returning account_id
            ),
            listed as (
                insert into watch_list (name, created_at)
                select 'List ' || n, $2 from generate_series(1, case when $3 then 1 else $1::int end) as n
                returning list_id
            ),
            member as (
                insert into watch_list_member (list_id, account_id, added_at)
                select l.list_id, a.account_id, $2
                from (select account_id, row_number() over (order by account_id) as n from added) a
                join (select list_id, row_number() over (order by list_id) as n from listed) l
                    on l.n = case when $3 then 1 else a.n end
            )
            insert into change (
                change_key, account_id, status, kind, strength, first_seen_new, recorded_at, source
            )
            select 'first ' || account_id, account_id, 'available', 'baseline', 'strong', $2, $2, 'x'
            from added order by account_id
            returning change_id
            """,
            accounts,
            seen - SWEEP,
            one_story,
        )
        await _record(conn, [r["change_id"] for r in first], seen - SWEEP)
        rows = await conn.fetch(
            """
            insert into change (
                change_key, account_id, old_status, status, withheld_in, kind, strength, last_seen_old,
                first_seen_new, recorded_at, source
            )
            select encode(sha256(account_id::text::bytea), 'hex'), account_id, 'available', 'withheld',
                '{IN}', 'block', 'strong', $1, $2, $2, 'x'
            from account order by account_id
            returning change_id
            """,
            seen - SWEEP,
            seen,
        )
        await conn.execute("analyze")
    return [r["change_id"] for r in rows]


async def _confirm(pool: Pool, change_ids: Sequence[int]) -> None:
    """What the recorder does when a request confirms changes."""
    async with transaction(pool) as conn:
        await _record(conn, change_ids, system_clock())


async def _record(conn: Conn, change_ids: Sequence[int], now: datetime) -> None:
    await conn.execute(
        """
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select unnest($1::bigint[]), 'confirmed', 'enough_strong', $2, 2, $2
        """,
        change_ids,
        now,
    )
    await spells.append(conn, change_ids)
    await creation.confirmed(conn, change_ids, now)


async def _is_all_told(pool: Pool, accounts: int) -> bool:
    async with transaction(pool) as conn:
        return await conn.fetchval(
            """
            select (select count(*) from alert where decided_at is not null) = $1
                and not exists (select from mail where state = 'queued')
            """,
            accounts,
        )
