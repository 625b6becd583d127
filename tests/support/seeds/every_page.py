"""A database in which every page has something to show: for tests that walk all pages."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from dashboard.auth.signed_links import Link, LinkAction, token
from storage.accounts.name_checks import open_check
from storage.accounts.watch_lists import archive_list, make_list
from storage.causes.ledger import record_cause
from storage.countries.label_record import note_listed
from storage.countries.labeled_profiles import LabeledProfile, record_profiles
from storage.countries.measured_networks import record_days
from storage.countries.transparency_figures import add_reports
from storage.executives.signals import add_signals
from storage.imports.imports import import_history
from storage.model.causes.causes import CauseKind, CauseSource, CauseSubject, CauseText, Confidence
from storage.model.core.accounts import AccountId
from storage.model.core.coverage import WhyRead
from storage.model.core.reachability import MeasuredDay
from storage.model.core.signals import Signal, SignalKind
from storage.model.stories.stories import StoryHead, View
from storage.model.tables.name_check import check_lines
from storage.postgres.installation import link_key
from storage.postgres.pool import Conn, Pool, transaction
from storage.readings import evidence
from storage.stories.stories import add_caption, write_story
from storage.work.daily_cost_limit import DailyCostLimit, charge, save_cost_limit
from tests.storage.model.orders.test_published_vs_observed import report
from tests.support.samples.label_signing import LABELER, POST, SUBJECT, stated, store
from tests.support.screenshots import invented_record
from tests.support.seeds.alerts import DESK, Played, play_alerts
from tests.support.seeds.bluesky_statuses import seven_things
from tests.support.seeds.changes import HOUR
from tests.support.seeds.workers import three_machines

DAY = timedelta(days=1)
REPORTS = (
    report("desk", "2020-H2", total_demands=40, accounts_specified=1_000, accounts_withheld=1),
    report("press", "2020-H2", total_demands=41, accounts_specified=1_000),
)
PAGES = {
    "live": "/",
    "live of one list": "/?range=all&list={a_list}",
    "accounts": "/accounts",
    "lists": "/accounts/lists",
    "archived lists": "/accounts/lists?archived=yes",
    "list": "/accounts/lists/{a_list}",
    "adding accounts": "/accounts/add",
    "names to add": "/accounts/add/{check}",
    "names": "/names/{check}",
    "orders": "/orders",
    "causes": "/causes",
    "new order": "/orders/new",
    "order": "/orders/{order}",
    "editing an order": "/orders/{order}/edit",
    "order without a deadline": "/orders/{other_order}",
    "restoration": "/orders/{order}/restoration",
    "executives": "/executives",
    "executive": "/executives/{executive}",
    "executive of 30 days": "/executives/{executive}/30d",
    "countries": "/countries",
    "country": "/countries/TR",
    "country without changes": "/countries/FR",
    "published": "/countries/IN/published",
    "networks": "/countries/TR/network",
    "labels": "/countries/TR/labels",
    "labels that are not collected": "/countries/FR/labels",
    "networks that are not read": "/countries/FR/network",
    "replay": "/replay",
    "replay of a moment": "/replay?at=2021-02-01T06:00&as_known_at=2021-02-01T06:00",
    "replay of two moments": "/replay?at=2021-02-01T06:00&list={a_list}&with=2021-01-25T06:00&loop=yes",
    "deciding again": "/replay/rules?from=2021-02-01",
    "stories": "/stories",
    "new story": "/stories/new?from=2021-01-25&to=2021-01-28&at=2021-01-26T12:00&list={a_list}",
    "story": "/stories/{story}",
    "story as known then": "/stories/{story_known}",
    "mail": "/mail",
    "dead mail": "/mail/{dead_mail}",
    "alerts": "/alerts",
    "rule": "/alerts/rules/2",
    "rule of the settings": "/alerts/rules/1",
    "new rule": "/alerts/rules/new",
    "copy of a rule": "/alerts/rules/new?copy=2",
    "decisions": "/alerts/decisions/muted",
    "no decisions": "/alerts/decisions/flapping",
    "deliveries": "/alerts/deliveries",
    "incidents": "/incidents",
    "no incidents": "/incidents?show=closed",
    "incident": "/incidents/{incident}",
    "health": "/health",
    "sizing": "/plan",
    "sizing of another watch": "/plan?platform=x&accounts=200000&money=20&lists=257+1178&planner=adaptive",
    "sizing refused": "/plan?platform=mastodon&accounts=many&every=6h",
    "settings": "/settings",
    "glossary": "/glossary",
    "help": "/help",
    "help on alert rules": "/help/how-to/alerts",
    "help on settings": "/help/reference/settings",
    "first run": "/first-run",
    "account that was blocked": "/account/{blocked}",
    "answer of a platform": "/account/{blocked}/evidence/{block}/new",
    "account that is muted": "/account/{muted}",
    "account in doubt": "/account/{in_doubt}",
    "account never read": "/account/{never_read}",
    "account with another handle": "/account/{renamed}",
    "account out of reach": "/account/{unreachable}",
    "imported account": "/account/{imported}",
    "nothing": "/nowhere",
}
"""Each page of the dashboard with something on it."""
ALONE = {"mail link": "/mail-link/{unsubscribe}"}
"""Pages that stand outside of the dashboard's frame."""


async def a_story(conn: Conn, played: Played, view: View, now: datetime) -> int:
    """What became of the first list, told at some moments; and of everybody, by what was known then."""
    seeded = played.story
    list_id = seeded.lists[0] if view is View.AS_IT_WAS else None
    head = StoryHead("How the accounts came back", list_id, seeded.at(0.2), seeded.at(0.55), view)
    made = await write_story(conn, head, 2 * seeded.sweep, "Asha", now)
    for share, text in (
        (0.23, "Before the order nothing was withheld."),
        (0.25, "Most of the list is withheld in India. <b>Not bold</b>"),
        (0.35, "All are back."),
        (0.545, "Nobody looked: the monitor was down."),
    ):
        await add_caption(conn, made.story_id, seeded.at(share), text, "Asha", now)
    return made.story_id


async def a_burst(conn: Conn, played: Played) -> list[Signal]:
    """Engagements with accounts of an order in the hours after it, so that chance can be asked about."""
    issued = await conn.fetchval("select issued_at from legal_order where title = 'Order 1'")
    ids = [
        await conn.fetchval("select native_id from account where account_id = $1", one)
        for one in played.story.accounts[0][2:8]
    ]
    return [
        Signal(SignalKind.REPOST, f"burst {n}", issued + n * HOUR, f"post {n}", native_id)
        for n, native_id in enumerate(ids)
    ]


async def answers_of(conn: Conn, account_id: int) -> None:
    """The answers of X behind the block of an account."""
    shown = {"id": "110000001", "username": "mandi", "protected": False}
    withheld = {"withheld": {"country_codes": ["IN"], "scope": "user"}}
    old, new = await evidence.store(conn, [_answer({"data": [shown]}), _answer({"data": [shown | withheld]})])
    await conn.execute("alter table change disable trigger change_append_only")
    await conn.execute(
        "update change set old_evidence = $2, new_evidence = $3 where account_id = $1 and kind = 'block'",
        account_id,
        old,
        new,
    )
    await conn.execute("alter table change enable trigger change_append_only")


def _answer(about: object) -> bytes:
    frame = {"url": "/2/users?ids=… (100 ids)", "http_status": 200, "request_id": "a1b2", "about": about}
    return json.dumps([frame], separators=(",", ":")).encode()


async def a_bill(conn: Conn, now: datetime) -> None:
    """X is read under a ceiling, which is reached."""
    rows = await conn.fetch("select native_id from account where platform = 'x' and watched limit 40")
    whys = {r["native_id"]: WhyRead.SENTINEL if n % 3 else WhyRead.TURN for n, r in enumerate(rows)}
    await charge(conn, X, now.date(), whys, 300)
    await save_cost_limit(conn, X, now.date(), DailyCostLimit(300, 98, 60, 11, 12))


async def a_name_check(conn: Conn, now: datetime) -> int:
    """Pasted lines: a stored account, one that waits for its platform, one that is not read, and no name."""
    text = "x:mandi_notes_22\nx:stranger\nhttps://www.tiktok.com/@name\n!!\n"
    return await open_check(conn, check_lines(text, "the list", X), "the list", X, None, "Asha", now)


async def three_causes(conn: Conn, account_id: int, change_id: int, order_id: int, now: datetime) -> None:
    """What a platform, a paper and an order say, about an account, its change and an order."""
    notice = CauseText(
        CauseKind.GOVERNMENT_ORDER,
        CauseSource.PLATFORM_NOTICE,
        "X",
        "Section 69A IT Act",
        "notice.eml",
        now - HOUR,
        Confidence.PLATFORM,
    )
    paper = replace(
        notice, said_by=CauseSource.PRESS, speaker="A paper", legal_basis="", confidence=Confidence.REPORTED
    )
    order = replace(notice, said_by=CauseSource.ORDER_TEXT, speaker="", confidence=Confidence.DOCUMENTED)
    for subject, text in (
        (CauseSubject(change_id=change_id), notice),
        (CauseSubject(account_id=account_id), paper),
        (CauseSubject(order_id=order_id), order),
    ):
        await record_cause(conn, subject, text, "Asha", now)


def measured_days_until(now: datetime) -> list[MeasuredDay]:
    """One site that could not be opened for a week, and one that was measured seldom."""
    days = [now.date() - n * DAY for n in range(60)]
    x = [
        MeasuredDay("x.com", day, *((9, 40, 2, 3) if 9 < n < 17 else (0, 2, 1, 55)))
        for n, day in enumerate(days)
    ]
    return [*x, *(MeasuredDay("bsky.app", day, 0, 0, 0, 4) for day in days[::5])]


async def some_labels(pool: Pool, now: datetime) -> None:
    """A labeler that withholds an account and more posts than a page shows, and took one back."""
    posts = [stated(f"{POST}{n}", now - n * HOUR) for n in range(60)]
    await store(pool, stated(made_at=now), *posts, stated(f"{POST}9", now, negated=True), seq=1, at=now)
    profiles = [
        LabeledProfile(SUBJECT, True, "a-rather-long-name-for-a-handle.example.org", 12_400),
        LabeledProfile(f"{POST}0", True, "a-rather-long-name-for-a-handle.example.org", None),
        LabeledProfile(f"{POST}1", False, None, None),
    ]
    async with transaction(pool) as conn:
        await note_listed(conn, LABELER, now)
        await record_profiles(conn, BLUESKY, profiles, lambda: now)


async def an_archived_list(conn: Conn, now: datetime) -> None:
    await make_list(conn, "Old desk", "Asha", now)
    await archive_list(conn, "Old desk", "Asha", now, archived=True)


@dataclass(frozen=True, slots=True)
class Everything:
    """What was written, for a test to ask about."""

    played: Played
    numbers: Mapping[str, int | str]
    """What addresses of pages are filled with."""

    def path(self, name: str) -> str:
        """The address of one of PAGES or ALONE."""
        return (PAGES | ALONE)[name].format_map(self.numbers)


async def seed_everything(pool: Pool, now: datetime) -> Everything:
    """Write all of it so that it ends at `now`."""
    played = await play_alerts(pool, now)
    await three_machines(pool, now)
    await some_labels(pool, now)
    async with transaction(pool) as conn:
        bluesky = await seven_things(conn, now)
        await import_history(conn, invented_record(), now)
        await add_reports(conn, REPORTS, now)
        await record_days(
            conn, "TR", (now.date() - 60 * DAY, now.date() + DAY), measured_days_until(now), now
        )
        target = await conn.fetchval(
            "select native_id from account where account_id = $1", played.story.accounts[0][1]
        )
        act = Signal(SignalKind.REPOST, "toward", now - HOUR, "post", target)
        chief = AccountId(played.story.executive)
        await add_signals(conn, chief, [act, *await a_burst(conn, played)], now)
        order, other_order = await conn.fetchrow("select min(order_id), max(order_id) from legal_order") or (
            0,
            0,
        )
        imported = await conn.fetchval("select account_id from account where handle = 'invented_1'")
        key = await link_key(conn)
        block = await conn.fetchval(
            "select max(change_id) from change where account_id = $1 and kind = 'block'", played.story.wave[0]
        )
        await a_bill(conn, now)
        await an_archived_list(conn, now)
        check = await a_name_check(conn, now)
        await answers_of(conn, played.story.wave[0])
        await three_causes(conn, played.story.wave[0], block, order, now)
        written = [await a_story(conn, played, view, now) for view in View]
    story = played.story
    numbers = {
        "check": check,
        "a_list": story.lists[1],
        "order": order,
        "other_order": other_order,
        "executive": story.executive,
        "dead_mail": played.dead_mail,
        "incident": played.story_keys[0],
        "blocked": story.wave[0],
        "block": block,
        "muted": played.muted,
        "in_doubt": story.provisional[0],
        "never_read": story.never_read,
        "renamed": bluesky.accounts["renamed"],
        "unreachable": bluesky.accounts["unreachable"],
        "imported": imported,
        "story": written[0],
        "story_known": written[1],
        "unsubscribe": token(key, Link(LinkAction.UNSUBSCRIBE, "recipients", DESK, now)),
    }
    return Everything(played, numbers)
