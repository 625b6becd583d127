"""A notifier that is killed at every statement: every change is mailed, and a repeat is recognised as one."""

import asyncio
import os
import signal
import sys
from dataclasses import replace

import pytest

from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.notify.notifier import tick
from storage.alerts import mail_queue
from storage.model.alerts.alerts import Cohort
from storage.model.alerts.rules import AlertRule
from storage.model.core.accounts import ListId
from storage.postgres.pool import Pool
from tests.jobs.notify.test_notifier import HEAD
from tests.support.repeats import repeats
from tests.support.samples.alerts import a_change, an_alert, store, tell_by
from tests.support.samples.readings import minutes
from tests.support.servers.mail import sender_to
from tests.support.servers.statement_proxy import Watch, proxied

pytestmark = pytest.mark.slow

RULE = AlertRule(("desk@example.org", "night@example.org"))
APART = 30 * 1440
"""Minutes between two trials, so that none has to do with the next."""
EVERY = repeats(7, 1)
"""At each statement, or at one of so many."""


async def a_wave(pool: Pool, number: int) -> None:
    """Two accounts of a list of their own, confirmed at the minute of this trial."""
    at = minutes(number * APART)
    cohort = Cohort(ListId(1), f"List {number}", None)
    changes = [a_change(2 * number + i, at=at) for i in range(2)]
    await store(pool, [an_alert(0, change, at, cohort) for change in changes])


@pytest.mark.again
@pytest.mark.timeout(1000)
async def test_killed_at_every_statement_it_loses_nothing_and_repeats_are_the_same_mails(
    pool: Pool, dsn: str
) -> None:
    await tell_by(pool, RULE)
    inbox = Inbox()
    watch = Watch()
    worker = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.support.processes.killable_notifier"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    with SmtpServer(inbox) as smtp:
        async with proxied(dsn, lambda: watch) as through:
            number, killed, repeated = 0, 0, 0
            while True:
                await a_wave(pool, number)
                minute = number * APART + 1
                started = asyncio.get_running_loop().create_future()

                async def kill(pid: asyncio.Future[int] = started) -> None:
                    os.kill(await pid, signal.SIGKILL)

                # Before it begins: it may be at its first statement before its number is read.
                watch = replace(
                    watch, stop_at=number * EVERY, stop=kill, points=0, is_logged_in=False, is_ready=False
                )
                worker.stdin.write(f"{through} {smtp.port} {minute}\n".encode())
                started.set_result(int(await worker.stdout.readline()))
                ended = (await worker.stdout.readline()).decode().strip()
                before = {m.message_id: m.raw for m in inbox.mails()}
                if ended != "done":
                    killed += 1
                    # The next look finds what is undecided; what was claimed is free again after its lease.
                    for later in (2, 2 + mail_queue.LEASE.total_seconds() / 60):
                        await tick(pool, sender_to(smtp.port), minutes(number * APART + later), HEAD)
                of_this = [m for m in inbox.mails() if f"List {number}" in m.subject]
                assert sorted(m.recipients[0] for m in of_this) == sorted(RULE.recipients), f"point {number}"
                assert all(before.get(m.message_id, m.raw) == m.raw for m in of_this)
                repeated += sum(m.copies > 1 for m in of_this)
                if ended == "done":
                    break
                number += 1
    worker.stdin.close()
    await worker.wait()
    left = await pool.fetchval("select count(*) from mail where state <> 'sent'")
    undecided = await pool.fetchval("select count(*) from alert where decided_at is null")
    assert (left, undecided) == (0, 0)
    assert killed > 60 // EVERY, "the points are those of a whole tick"
    assert repeated > 0 or EVERY > 1, "some were killed between acceptance and the mark"
