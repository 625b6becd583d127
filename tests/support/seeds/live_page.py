"""A small synthetic story in a database, written as the monitor writes it: for tests of the dashboard.

Two orders with their lists, a wave of withheld accounts and their restoration, a slow drift, an outage, a
provisional and an unconfirmed change, an executive's acts, mails. Every handle is invented.
"""

import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from storage.postgres.pool import Conn
from tests.support.seeds.changes import (
    AVAILABLE,
    DAY,
    DEACTIVATED,
    HOUR,
    NOT_FOUND,
    PROTECTED,
    SUSPENDED,
    WITHHELD,
    Story,
    change,
    happen,
)

WORDS = [
    "field_reporter",
    "village_canal",
    "harvest_log",
    "night_vigil",
    "milk_van_diary",
    "seed_and_soil",
    "lane_nine_radio",
    "street_stringer",
    "cold_tea",
    "pamphlet_club",
    "road_diary",
    "legal_camp",
    "tractor_diary",
    "mandi_notes",
    "union_desk",
    "border_kitchen",
    "winter_march",
    "tent_city_news",
    "well_and_plough",
    "brass_band",
    "slow_photo",
    "rooftop_witness",
]


async def seed(conn: Conn, now: datetime, sizes: Sequence[int] = (12, 20), days: int = 10) -> Story:
    """Write the story so that it ends at `now`. `sizes` are the accounts of the two lists."""
    sweep = timedelta(minutes=30)
    start = now - days * DAY - timedelta(minutes=7)
    outage = now - 0.47 * days * DAY
    story = Story(now, start, sweep, (outage, outage + 8.5 * HOUR), days=days)
    chance = random.Random(7)
    await _accounts(conn, story, sizes, chance)
    await _orders(conn, story, sizes)
    await _coverage(conn, story)
    await _changes(conn, story, chance)
    await _executive(conn, story, chance)
    await conn.execute(
        "insert into collector_state (platform, healthy, since) values ('x', true, $1)", story.start
    )
    return story


async def _accounts(conn: Conn, story: Story, sizes: Sequence[int], chance: random.Random) -> None:
    number = 0
    for n, size in enumerate(sizes, 1):
        list_id = await conn.fetchval(
            "insert into watch_list (name, created_at) values ($1, $2) returning list_id",
            f"Order {n} list",
            story.start,
        )
        story.lists.append(list_id)
        ids: list[int] = []
        for _ in range(size):
            number += 1
            ids.append(
                await _account(conn, f"11{number:07d}", f"{chance.choice(WORDS)}_{number}", story.start)
            )
        story.accounts.append(ids)
        await conn.execute(
            """
            insert into watch_list_member (list_id, account_id, added_at)
            select $1, unnest($2::bigint[]), $3
            """,
            list_id,
            ids,
            story.start,
        )
    canary = await _account(conn, "990000001", "stable_control", story.start)
    await conn.execute("insert into canary (account_id, expected_status) values ($1, 'available')", canary)
    everyone = [a for ids in story.accounts for a in ids]
    story.never_read = everyone.pop()
    for first in range(0, len(everyone), 98):
        members = [*everyone[first : first + 98], canary]
        story.rosters.append(
            await conn.fetchval(
                """
                insert into roster (platform, content_hash, account_ids, canary_ids, base, created_at)
                values ('x', sha256($1::text::bytea), $2, $3, true, $4) returning roster_id
                """,
                str(members),
                members,
                [canary],
                story.start,
            )
        )


async def _account(conn: Conn, native_id: str, handle: str, at: datetime) -> int:
    return await conn.fetchval(
        """
        insert into account (platform, native_id, handle, added_at) values ('x', $1, $2, $3)
        returning account_id
        """,
        native_id,
        handle,
        at,
    )


async def _orders(conn: Conn, story: Story, sizes: Sequence[int]) -> None:
    for n, (at, deadline) in enumerate([(0.18, 3), (0.48, None)]):
        issued = story.at(at)
        await conn.execute(
            """
            insert into legal_order (
                reference, title, issuer, country, legal_basis, issued_at, issued_from, issued_to,
                deadline_at, named_count, list_id, known_at
            ) values ($1, $2, 'IT ministry', 'IN', 'Section 69A IT Act', $3, $4, $5, $6, $7, $8, $3)
            """,
            f"SYN/{n + 1}",
            f"Order {n + 1}",
            issued,
            issued - DAY if n == 0 else None,
            issued + DAY if n == 0 else None,
            issued + deadline * DAY if deadline else None,
            sizes[n] + 7 * (n + 1),
            story.lists[n],
        )
    for at, kind, text, source in [
        (0.42, "notice", "Notice of non-compliance", "ministry"),
        (0.87, "claim", "over 500 suspended", "company, no list given"),
    ]:
        await conn.execute(
            """
            insert into order_event (kind, at, text, source, known_at) values ($1, $2, $3, $4, $2)
            """,
            kind,
            story.at(at),
            text,
            source,
        )


async def _coverage(conn: Conn, story: Story) -> None:
    month = story.start.date().replace(day=1)
    while month <= story.now.date():
        await conn.execute("select ensure_coverage_month($1)", month)
        month = (month + timedelta(days=32)).replace(day=1)
    rows: list[tuple[object, ...]] = []
    for n, at in enumerate(_sweeps(story)):
        down = story.outage[0] < at < story.outage[1]
        for roster_id in story.rosters:
            # Every ninth answer leaves out the first account: never twice in a row, so this is no gap.
            answered = bytes([0xFE, *[0xFF] * 12]) if n % 9 == 5 and not down else None
            outcome, why = (1, "network") if down else (0, None)
            rows.append((roster_id, at, 0, at, outcome, why, answered, 40, at))
    await conn.executemany(
        """
        insert into coverage_row (
            roster_id, slot, attempt, observed_at, outcome, lacked, latency_ms, recorded_at
        ) values ($1, $2, $3, $4, $5, shortfall($6, $7, null, null), $8, $9)
        """,
        rows,
    )


def _sweeps(story: Story) -> Iterator[datetime]:
    at = story.start
    while at <= story.now:
        yield at
        at += story.sweep


async def _changes(conn: Conn, story: Story, chance: random.Random) -> None:
    first, second = story.accounts
    for account_id in [a for ids in story.accounts for a in ids if a != story.never_read]:
        await change(conn, story, account_id, None, AVAILABLE, None, story.start)
    story.wave = first[: max(3, len(first) * 4 // 5)]
    blocked = [await happen(conn, story, a, WITHHELD, story.at(0.24)) for a in story.wave]
    back = [await happen(conn, story, a, AVAILABLE, story.at(0.24) + 5.5 * HOUR) for a in story.wave]
    n = len(story.wave)
    story.mails.append(await _mail(conn, story, f"{n} of {len(first)} withheld in IN (Order 1)", blocked))
    story.mails.append(await _mail(conn, story, f"{n} of {n} restored (Order 1)", back, state="queued"))
    drift = [WITHHELD, SUSPENDED, WITHHELD, SUSPENDED, WITHHELD, NOT_FOUND, PROTECTED, DEACTIVATED]
    half = second[: len(second) // 2]
    for i, account_id in enumerate(half):
        share = 0.5 + 0.49 * ((i + chance.random()) / len(half)) ** 0.6
        await happen(conn, story, account_id, drift[i % len(drift)], story.at(share))
    again = first[len(first) // 2 : len(first) // 2 + max(1, len(first) // 6)]
    for account_id in again:
        await happen(conn, story, account_id, WITHHELD, story.at(0.8 + chance.random() * 0.18))
    quiet = second[len(second) // 2 : -1]
    story.provisional = quiet[:2]
    for account_id in story.provisional:
        await happen(conn, story, account_id, WITHHELD, story.now - 0.6 * HOUR, outcome=None)
    story.not_confirmed = quiet[2]
    await happen(conn, story, story.not_confirmed, NOT_FOUND, story.now - 9 * HOUR, outcome="not_confirmed")
    story.mails.append(await _mail(conn, story, "A mail nobody took", [], state="dead"))


async def _mail(conn: Conn, story: Story, subject: str, change_ids: list[int], state: str = "sent") -> int:
    at = story.at(0.25)
    mail_id = await conn.fetchval(
        """
        insert into mail (
            message_id, recipients, subject, text_body, html_body, created_at, state, attempts, sent_at,
            last_error
        ) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) returning mail_id
        """,
        f"<{len(story.mails)}@blockline.test>",
        ["desk@example.org", "night@example.org"],
        subject,
        f"{subject}\n\nBetween two readings.",
        f"<h1>{subject}</h1><p>Between two readings.</p>",
        at,
        state,
        {"sent": 1, "queued": 0, "dead": 5}[state],
        at + HOUR / 60 if state == "sent" else None,
        "550 no such user" if state == "dead" else None,
    )
    alerts = await conn.fetch(
        """
        update alert set decided_at = $1, decision = 'mailed' where change_id = any($2::bigint[])
        returning alert_id
        """,
        at,
        change_ids,
    )
    await conn.executemany(
        "insert into mail_alert (mail_id, alert_id) values ($1, $2)",
        [(mail_id, r["alert_id"]) for r in alerts],
    )
    return mail_id


async def _executive(conn: Conn, story: Story, chance: random.Random) -> None:
    story.executive = await conn.fetchval(
        """
        insert into account (platform, native_id, handle, watched, added_at)
        values ('x', '12', 'chief', false, $1) returning account_id
        """,
        story.start,
    )
    await conn.execute(
        "insert into executive (account_id, name, title) values ($1, 'Ada Chief', 'Chief executive')",
        story.executive,
    )
    for n in range(60):
        made = story.at(chance.random() if n < 34 else 0.42 + chance.random() * 0.06)
        await conn.execute(
            """
            insert into signal (account_id, kind, native_id, made_at, first_seen_at)
            values ($1, $2, $3, $4, $4)
            """,
            story.executive,
            chance.choice(["repost", "quote", "reply", "post"]),
            str(10_000 + n),
            made,
        )
