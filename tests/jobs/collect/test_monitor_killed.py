"""A monitor that is killed at any moment and started again finds what an undisturbed one finds."""

import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest

from collectors.x.declaration import X
from jobs.delivery.local_inbox import Inbox, SmtpServer
from jobs.rehearsal.simulators import spawn
from storage.postgres.pool import open_pool, transaction
from tests.support.repeats import repeats
from tests.support.samples.readings import T0, write_history

pytestmark = pytest.mark.slow

KILLS = repeats(2, 20)
DAYS = repeats(1, 9)
EVERY_MINUTES = 30
END = T0 + timedelta(days=DAYS)


Database = Callable[[], AbstractContextManager[str]]


async def perform(dsn: str, folder: Path, kills: int) -> tuple[list[object], dict[str, tuple[str, str]], int]:
    """Run the monitor to its end, killing it so often. Returns changes, mails and the number of kills."""
    rng = random.Random(2021)
    told = write_history(folder / "history.csv", days=DAYS)
    inbox = Inbox(folder / "mailbox")
    killed = 0
    with SmtpServer(inbox) as smtp:
        async with spawn(told) as simulators:
            command = [sys.executable, "-m", "tests.support.processes.killable_monitor", dsn]
            command += [simulators.addresses[X], str(smtp.port)]
            command += [str(told), T0.isoformat(), END.isoformat(), str(EVERY_MINUTES)]
            while True:
                with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as worker:
                    assert worker.stdout is not None
                    if killed == kills:
                        worker.stdout.read()
                        assert worker.wait() == 0
                        break
                    assert worker.stdout.readline(), "the monitor ended before its first event"
                    try:
                        worker.wait(timeout=rng.uniform(0.0, 0.35))
                    except subprocess.TimeoutExpired:
                        worker.send_signal(signal.SIGKILL)
                        killed += 1
                    assert worker.wait() == -signal.SIGKILL, "the story is too short for so many kills"
    async with open_pool(dsn) as pool, transaction(pool) as conn:
        changes = await conn.fetch(
            """
            select a.native_id, c.change_key, c.kind, c.old_status, c.status, c.last_seen_old,
                c.first_seen_new, c.recorded_at, o.outcome, o.reason, o.decided_at, o.readings, al.decision
            from change c join account a using (account_id) left join change_outcome o using (change_id)
            left join alert al using (change_id) order by c.change_key
            """
        )
        decided = await conn.fetch(
            """
            select c.change_key, al.stage, d.decision, d.decided_at from alert_decision d
            join alert al using (alert_id) join change c using (change_id) order by c.change_key, al.stage
            """
        )
        mails = await conn.fetch("select message_id, subject, text_body, state from mail")
        assert {m["state"] for m in mails} == {"sent"}
    received = {m.message_id: (m.subject, m.raw.decode()) for m in inbox.mails()}
    assert len(received) == len(inbox.mails()), "a Message-ID came as two different mails"
    assert set(received) == {m["message_id"] for m in mails}
    return [tuple(c) for c in (*changes, *decided)], received, killed


@pytest.mark.again
@pytest.mark.timeout(1000)
async def test_killed_repeatedly_it_finds_the_same_changes_and_sends_the_same_emails(
    fresh_database: Database, tmp_path: Path
) -> None:
    (tmp_path / "calm").mkdir()
    (tmp_path / "killed").mkdir()
    with fresh_database() as calm, fresh_database() as disturbed:
        changes, mails, _ = await perform(calm, tmp_path / "calm", 0)
        changes_after_kills, mails_after_kills, killed = await perform(disturbed, tmp_path / "killed", KILLS)
    assert killed == KILLS
    assert len(changes) > 45 * DAYS
    assert len(mails) > 2 * DAYS
    assert changes_after_kills == changes
    assert mails_after_kills == mails
