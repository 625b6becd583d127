"""What the real notifier makes of the small story of `live_page.seed`: rules, waves, decisions, mutes,
people.
"""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from jobs.messages.compose import Letterhead
from jobs.notify.notifier import decide_alerts
from storage.alerts.mutes import maintenance, mute_account
from storage.alerts.reminders import outstanding
from storage.alerts.rules import keep_to_settings, save_rule
from storage.model.alerts.quiet_hours import QuietHours
from storage.model.alerts.rules import AlertRule, Digest, EscalationStep, Match
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.seeds.changes import DAY, HOUR, Story
from tests.support.seeds.live_page import seed

HEAD = Letterhead("http://127.0.0.1:8050", synthetic=True)
HOSTILE = "<img src=x onerror=alert(1)>\u202e\u200b"
"""What a stranger may call himself."""
DESK, NIGHT = "desk@example.org", "night@example.org"


@dataclass(frozen=True, slots=True)
class Played:
    """What a test asks about."""

    story: Story
    now: datetime
    story_keys: tuple[str, ...]
    """Stories that nobody acknowledged."""
    groups: tuple[int, ...]
    """The number of the newest group of each."""
    mute_id: int
    muted: int
    """The account that is muted."""
    maintenance_id: int
    """A maintenance that is planned for tomorrow."""
    dead_mail: int
    """A mail that was given up."""


async def play_alerts(pool: Pool, now: datetime) -> Played:
    """Write the story, make rules, mute one account, and decide everything at `now`."""
    async with transaction(pool) as conn:
        story = await seed(conn, now)
        await conn.execute("delete from mail_alert")
        await conn.execute("delete from mail")
        await conn.execute("update alert set decided_at = null, decision = null")
        await conn.execute("update account set handle = $1 where account_id = $2", HOSTILE, story.wave[0])
        muted = story.accounts[1][1]
        mute_id = await mute_account(conn, muted, story.start, None, f"known {HOSTILE}", "desk", now)
        planned = await maintenance(conn, now + DAY, now + DAY + 3 * HOUR, "moving", "command line", now)
        await _rules(conn, story.start)
    await decide_alerts(pool, now, HEAD)
    async with transaction(pool) as conn:
        open_ones = await outstanding(conn, story.start)
        dead = await conn.fetchval(
            """
            update mail set state = 'dead', last_error = '550 no such user', next_attempt_at = null,
                attempts = 5
            where mail_id = (select min(mail_id) from mail where recipients[1] = $1) returning mail_id
            """,
            NIGHT,
        )
        await conn.execute(
            """
            update mail set state = 'sent', sent_at = created_at, attempts = 1, next_attempt_at = null
            where recipients[1] = $1
            """,
            DESK,
        )
    keys, groups = tuple(s.story_key for s in open_ones), tuple(s.wave for s in open_ones)
    return Played(story, now, keys, groups, mute_id, muted, planned, dead)


async def _rules(conn: Conn, at: datetime) -> None:
    await keep_to_settings(conn, [AlertRule((DESK, NIGHT), name="recipients")], at)
    night = AlertRule(
        (NIGHT, "lead@example.org"),
        name="Night desk",
        match=Match(countries=frozenset({"IN"}), lists=frozenset({"Order 2 list"})),
        zone="Asia/Kolkata",
        quiet=QuietHours(time(22), time(7)),
        remind_every=timedelta(hours=1),
        escalation=(EscalationStep(timedelta(hours=3), ("editor@example.org",)),),
    )
    await save_rule(conn, night, "command line", at)
    weekly = AlertRule(("board@example.org",), name="Board", digest=Digest.WEEKLY)
    await save_rule(conn, weekly, "command line", at)
    await save_rule(conn, AlertRule((DESK,), name="Old"), "command line", at, enabled=False)
