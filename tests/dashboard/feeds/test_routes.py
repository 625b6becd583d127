"""Feeds and the calendar of orders, asked for over a socket and read back as a reader would read them."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from icalendar import Calendar, Event
from yarl import URL

from collectors.bluesky.declaration import BLUESKY
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.causes.ledger import record_cause, withdraw_cause
from storage.imports.imports import import_history
from storage.live.feeds import newest_changes
from storage.model.bitemporal.imported_records import ImportedAccount, ImportedChange, ImportedHistory
from storage.model.causes.causes import CauseSubject
from storage.model.core.accounts import Account
from storage.model.core.availability import ChangeKind, Flag, State, Strength, change_key
from storage.model.core.orders import NewOrder, NewOrderEvent, OrderEventKind
from storage.orders.orders import add_order, add_order_event
from storage.postgres.pool import Conn, Pool, transaction
from tests.dashboard.server.test_hostile_handles import HARMLESS, HOSTILE
from tests.storage.causes.test_ledger import NOTICE as STATED
from tests.support.pipelines.late_batches import deliver
from tests.support.samples.readings import AVAILABLE, MINUTE, NOT_FOUND, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import account, become, enlist, roster_of
from tests.support.servers.dashboard import SETTINGS, served

NOW = minutes(600)
REAL = replace(SETTINGS, synthetic=False)
ATOM = "{http://www.w3.org/2005/Atom}"
ORDER = NewOrder(
    reference="MeitY/2021 §69A",
    title="Order 1",
    issuer="IT ministry",
    country="IN",
    legal_basis="Section 69A IT Act",
    issued_at=minutes(0),
    issued_from=minutes(-60),
    issued_to=minutes(60),
    deadline_at=minutes(2880),
    named_count=257,
    list_name="Order 1 list",
    known_at=minutes(30),
)
NOTICE = NewOrderEvent(
    ORDER.reference, OrderEventKind.NOTICE, minutes(90), None, None, "Notice, 2nd", "press", minutes(95)
)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def feed(self) -> ET.Element:
        return ET.fromstring(self.body)  # noqa: S314 - our own document

    @property
    def titles(self) -> list[str]:
        return [e.findtext(f"{ATOM}title", "") for e in self.feed.iter(f"{ATOM}entry")]

    @property
    def ids(self) -> list[str]:
        return [e.findtext(f"{ATOM}id", "") for e in self.feed.iter(f"{ATOM}entry")]

    @property
    def events(self) -> list[Event]:
        return Calendar.from_ical(self.body).events  # pyright: ignore[reportReturnType, reportAttributeAccessIssue]


async def ask(pool: Pool, dsn: str, path: str, *, real: bool = True, **headers: str) -> Answer:
    async with (
        served(pool, dsn, NOW, REAL if real else SETTINGS) as base,
        aiohttp.ClientSession() as session,
        session.get(URL(base + path, encoded=True), headers=headers) as response,
    ):
        return Answer(response.status, response.headers, await response.read())


async def one_block(conn: Conn, handle: str = "reporter", lists: Sequence[str] = ("Desk",)) -> Account:
    """An account that was withheld in India after 15 minutes."""
    await add_accounts(conn, [NewAccount(X, "77", handle, tuple(lists))], T0)
    blocked = await account(conn, X, "77")
    roster = await roster_of(conn, [blocked])
    await become(conn, roster, blocked, None, AVAILABLE, minutes(0))
    await become(conn, roster, blocked, AVAILABLE, WITHHELD_IN, minutes(15))
    return blocked


async def test_a_post_is_called_one_in_its_entry_and_in_what_the_feed_says_of_itself(
    pool: Pool, dsn: str
) -> None:
    async with transaction(pool) as conn:
        await one_block(conn)
    before = await ask(pool, dsn, "/feeds/list/Desk.atom")
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, "post:88", "reporter/88", ("Desk",))], T0)
        post = await account(conn, X, "post:88")
        roster = await roster_of(conn, [post])
        await become(conn, roster, post, None, AVAILABLE, minutes(0))
        await become(conn, roster, post, AVAILABLE, WITHHELD_IN, minutes(16))
    answer = await ask(pool, dsn, "/feeds/list/Desk.atom")
    entry = next(answer.feed.iter(f"{ATOM}entry"))
    said = "".join(entry.itertext())

    assert entry.findtext(f"{ATOM}title") == "Post @reporter/88 (X): withheld in India (IN)"
    assert "Post @reporter/88 (X), id post:88, went from available to withheld" in said
    assert "An order that names a post, or an engagement near a change, is not evidence" in said
    assert "of the accounts and posts on this list. " in answer.feed.findtext(f"{ATOM}subtitle", "")
    assert "Accounts and posts that this feed does not" in answer.feed.findtext(f"{ATOM}subtitle", "")
    assert "posts" not in before.feed.findtext(f"{ATOM}subtitle", "")


async def test_an_entry_says_who_what_where_between_which_readings_and_on_what_evidence(
    pool: Pool, dsn: str
) -> None:
    async with transaction(pool) as conn:
        blocked = await one_block(conn)
    answer = await ask(pool, dsn, "/feeds/all.atom")
    (entry,) = answer.feed.iter(f"{ATOM}entry")

    assert answer.headers["content-type"].startswith("application/atom+xml")
    assert entry.findtext(f"{ATOM}title") == "@reporter (X): withheld in India (IN)"
    key = change_key(X, "77", WITHHELD_IN, minutes(15))
    assert entry.findtext(f"{ATOM}id") == f"urn:blockline:change:{key}"
    assert datetime.fromisoformat(entry.findtext(f"{ATOM}updated", "")) == minutes(15)
    (link,) = entry.iter(f"{ATOM}link")
    assert URL(link.attrib["href"]).path == f"/account/{blocked.account_id}"
    assert list(entry.itertext())[-5:] == [
        "@reporter (X), id 77, went from available to withheld in India (IN).",
        "It changed between 1 Feb 2021, 00:05:00 UTC, the last reading with the old status, and "
        "1 Feb 2021, 00:15:00 UTC, the first with the new.",
        "Confirmed 1 Feb 2021, 00:15:00 UTC by the platform monitor: the platform said so in one reading.",
        "Cause: not known.",
        "An order that names an account, or an engagement near a change, is not evidence of cause.",
    ]


async def test_a_stated_cause_is_in_the_entry_of_its_change_which_is_newer_by_it(
    pool: Pool, dsn: str
) -> None:
    async with transaction(pool) as conn:
        await one_block(conn)
        change_id = await conn.fetchval("select max(change_id) from change")
        await record_cause(conn, CauseSubject(change_id=change_id), STATED, "ada", minutes(90))
    answer = await ask(pool, dsn, "/feeds/all.atom")
    (entry,) = answer.feed.iter(f"{ATOM}entry")
    assert (
        "Cause: an order of a government (Section 69A IT Act), according to the platform's notice to the "
        "owner of 1 Feb 2021, notice.eml; stated by the platform."
    ) in list(entry.itertext())
    for updated in (entry.findtext(f"{ATOM}updated", ""), answer.feed.findtext(f"{ATOM}updated", "")):
        assert datetime.fromisoformat(updated) == minutes(90)


async def test_an_entry_is_newer_by_the_withdrawal_of_its_cause(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        await one_block(conn)
        change_id = await conn.fetchval("select max(change_id) from change")
        cause = await record_cause(conn, CauseSubject(change_id=change_id), STATED, "ada", minutes(90))
        await withdraw_cause(conn, cause, "ada", minutes(120))
    answer = await ask(pool, dsn, "/feeds/all.atom")
    (entry,) = answer.feed.iter(f"{ATOM}entry")
    assert not any("Cause: an order" in text for text in entry.itertext())
    for updated in (entry.findtext(f"{ATOM}updated", ""), answer.feed.findtext(f"{ATOM}updated", "")):
        assert datetime.fromisoformat(updated) == minutes(120)


async def test_only_confirmed_changes_are_told_the_last_confirmed_first(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        a, b, c = await enlist(conn, X, ["1", "2", "3"], ("Desk",))
        (control,) = await enlist(conn, X, ["4"])
        await conn.execute("insert into canary values ($1, 'available')", control.account_id)
        roster = await roster_of(conn, [a, b, c, control])
        for one in (a, b, c, control):
            await become(conn, roster, one, None, AVAILABLE, minutes(int(one.native_id)))
        await become(conn, roster, a, AVAILABLE, SUSPENDED, minutes(20))
        await become(conn, roster, b, AVAILABLE, SUSPENDED, minutes(40))
        await become(conn, roster, a, SUSPENDED, AVAILABLE, minutes(60))
        await become(conn, roster, c, AVAILABLE, SUSPENDED, minutes(70), confirmed=False)
        await become(conn, roster, control, AVAILABLE, SUSPENDED, minutes(80))
        newest = await newest_changes(conn, None, 2)
    answer = await ask(pool, dsn, "/feeds/all.atom")

    assert answer.titles == [
        "@h1 (X): available again (before: suspended)",
        "@h2 (X): suspended",
        "@h1 (X): suspended",
    ]
    assert [c.kind for c in newest.changes] == [ChangeKind.RESTORATION, ChangeKind.BLOCK]


async def test_words_keep_apart_what_a_platform_keeps_apart(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, BLUESKY, ["did:plc:1"], ("Desk",))
        roster = await roster_of(conn, [one])
        await become(conn, roster, one, None, AVAILABLE, minutes(0))
        flags = frozenset({Flag.APP_VIEW_ONLY})
        await become(conn, roster, one, AVAILABLE, SUSPENDED, minutes(15), flags=flags)
    answer = await ask(pool, dsn, "/feeds/all.atom")

    assert answer.titles == ["@hdid:plc:1 (Bluesky): taken down in the Bluesky app only"]
    assert "its own server served it" in answer.body.decode()


CORRECTIONS = [
    pytest.param((55, WITHHELD_IN), [minutes(55)], id="it began earlier: another fact takes its place"),
    pytest.param((55, AVAILABLE), [minutes(60)], id="the interval is narrower: the fact is the same"),
    pytest.param((61, AVAILABLE), [], id="it is not confirmed any more: nothing is told"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("late", "told"), CORRECTIONS)
async def test_a_corrected_change_is_replaced_or_goes(
    pool: Pool, dsn: str, late: tuple[float, State], told: list[datetime]
) -> None:
    async with transaction(pool) as conn:
        (one,) = await enlist(conn, X, ["1"], ("Desk",))
    for at, state in [(0, AVAILABLE), (50, AVAILABLE), (60, WITHHELD_IN), (62, WITHHELD_IN)]:
        await deliver(pool, [(one, state)], minutes(at))
    before = await ask(pool, dsn, "/feeds/list/Desk.atom")
    await deliver(pool, [(one, late[1])], minutes(late[0]), minutes(90))
    after = await ask(pool, dsn, "/feeds/list/Desk.atom")

    def keys(*times: datetime) -> list[str]:
        return [f"urn:blockline:change:{change_key(X, '1', WITHHELD_IN, at)}" for at in times]

    assert before.ids == keys(minutes(60))
    assert after.ids == keys(*told)
    assert ("This change corrects an earlier record." in after.body.decode()) is bool(told)
    assert datetime.fromisoformat(after.feed.findtext(f"{ATOM}updated", "")) == minutes(90)


@pytest.mark.parametrize(
    ("handle", "shown"),
    [
        pytest.param(f"h{HOSTILE}", HARMLESS, id="direction marks and invisible characters"),
        pytest.param("a\x01b\x1bc\ufffed", "a\ufffdb\ufffdc\ufffdd", id="characters that XML forbids"),
        pytest.param("<b>&amp;]]>\"'", "<b>&amp;]]>\"'", id="markup is only text"),
        pytest.param("\U0001f6a7\u0915\u094d\u0937", "\U0001f6a7\u0915\u094d\u0937", id="beyond ASCII"),
    ],
)
async def test_a_hostile_handle_breaks_nothing_and_hides_nothing(
    pool: Pool, dsn: str, handle: str, shown: str
) -> None:
    async with transaction(pool) as conn:
        await one_block(conn, handle)
    answer = await ask(pool, dsn, "/feeds/all.atom")

    assert answer.titles == [f"@{shown} (X): withheld in India (IN)"]
    assert answer.feed.find(".//{http://www.w3.org/1999/xhtml}b") is None


NAMES = [
    pytest.param("Desk", id="a plain name"),
    pytest.param("a/b//c", id="slashes"),
    pytest.param("two words.atom", id="spaces and our own ending"),
    pytest.param("किसान ü?#%2F&+", id="other scripts and what means something in an address"),
]


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
async def test_every_name_of_a_list_or_an_order_has_its_feed(pool: Pool, dsn: str, name: str) -> None:
    async with transaction(pool) as conn:
        await add_order(conn, replace(ORDER, reference=name, list_name=f"list of {name}"), T0)
        await one_block(conn, lists=(name, f"list of {name}"))
    for kind in ("list", "order"):
        path = f"/feeds/{kind}/{quote(name, safe='')}.atom"
        answer = await ask(pool, dsn, path)
        assert answer.titles == ["@reporter (X): withheld in India (IN)"]
        assert answer.feed.findtext(f"{ATOM}title") == f"Blockline, {kind} {name}"
        own = [one.attrib["href"] for one in answer.feed.findall(f"{ATOM}link") if one.get("rel") == "self"]
        assert [URL(href, encoded=True).raw_path for href in own] == [path]


async def test_a_feed_of_one_list_holds_no_other_lists_changes(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        await one_block(conn)
        await enlist(conn, X, ["1"], ("Other",))
    answer = await ask(pool, dsn, "/feeds/list/Other.atom")

    assert answer.ids == []
    assert datetime.fromisoformat(answer.feed.findtext(f"{ATOM}updated", "")) >= NOW
    assert "last-modified" not in answer.headers


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("/feeds/list/Nobody.atom", "There is no list “Nobody”.\n"),
        ("/feeds/list/.atom", "There is no list “(no name)”.\n"),
        ("/feeds/list/a%00b.atom", "There is no list “a\ufffdb”.\n"),
        ("/feeds/order/ev%E2%80%AEil.atom", "There is no order “ev\ufffdil”.\n"),
        ("/feeds/order/a%00b.atom", "There is no order “a\ufffdb”.\n"),
    ],
    ids=["a list", "no name", "a list that cannot be", "an order", "an order that cannot be"],
)
async def test_what_is_not_there_is_said_in_a_sentence(
    pool: Pool, dsn: str, path: str, sentence: str
) -> None:
    answer = await ask(pool, dsn, path)

    assert (answer.status, answer.body.decode()) == (404, sentence)
    assert answer.headers["content-type"].startswith("text/plain")


@pytest.mark.slow
async def test_an_order_that_is_not_known_yet_has_no_feed_and_no_date(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        await add_order(conn, replace(ORDER, reference="later", known_at=NOW + 60 * MINUTE), T0)
    assert (await ask(pool, dsn, "/feeds/order/later.atom")).status == 404
    assert (await ask(pool, dsn, "/feeds/orders.ics")).events == []


@pytest.mark.parametrize("path", ["/feeds/all.atom", "/feeds/list/Desk.atom", "/feeds/orders.ics"])
async def test_who_has_the_newest_is_told_so_until_something_changes(pool: Pool, dsn: str, path: str) -> None:
    async with transaction(pool) as conn:
        blocked = await one_block(conn)
        await add_order(conn, ORDER, T0)
    async with served(pool, dsn, NOW, REAL) as base, aiohttp.ClientSession() as session:

        async def get(tag: str | None) -> tuple[int, bytes, Any]:
            async with session.get(base + path, headers={"If-None-Match": tag} if tag else {}) as response:
                return response.status, await response.read(), response.headers

        _, first, headers = await get(None)
        tag = headers["ETag"]
        held = [await get(one) for one in (tag, f"W/{tag}", f'"other", {tag}', "*")]
        assert [(status, body) for status, body, _ in held] == [(304, b"")] * 4
        assert {h["ETag"] for _, _, h in held} == {tag}
        assert all("script-src" in h["content-security-policy"] for _, _, h in held)
        assert headers["Last-Modified"].startswith("Mon, 01 Feb 2021")
        assert headers["Cache-Control"] == "private, no-cache"
        assert (await get('"other"'))[:2] == (200, first)
        async with session.head(base + path) as asked_first:
            assert (asked_first.status, asked_first.headers["ETag"]) == (200, tag)

        async with transaction(pool) as conn:
            roster = await roster_of(conn, [blocked])
            await become(conn, roster, blocked, WITHHELD_IN, AVAILABLE, minutes(45))
            await add_order_event(conn, NOTICE)
        status, body, headers = await get(tag)
    assert (status, body != first, headers["ETag"] != tag) == (200, True, True)


async def test_a_lost_database_is_said_in_a_sentence(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        await conn.execute("alter table watch_list_member rename to gone")
        await conn.execute("alter table watch_list rename to gone_too")
        await conn.execute("alter table legal_order rename to gone_as_well")
    for path in ("/feeds/all.atom", "/feeds/list/a.atom", "/feeds/order/a.atom", "/feeds/orders.ics"):
        answer = await ask(pool, dsn, path)
        assert answer.status == 503, path
        assert answer.body.startswith(b"The database could not do this: "), path


def record(native_id: str, state: State, at: datetime) -> ImportedHistory:
    """Somebody's record of one account that became so."""
    change = ImportedChange(
        native_id=native_id,
        old=AVAILABLE,
        new=state,
        strength=Strength.STRONG,
        last_seen_old=at - 10 * MINUTE,
        first_seen_new=at,
        readings=1,
        last_agreeing_at=at,
        evidence=None,
    )
    who = ImportedAccount(native_id, f"h{native_id}")
    return ImportedHistory("crawl", "Records", X, (who,), (change,), ())


async def test_what_others_published_is_told_as_theirs(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        await one_block(conn)
        await import_history(conn, record("9", NOT_FOUND, minutes(100)), minutes(500))
    everything = await ask(pool, dsn, "/feeds/all.atom")
    theirs = await ask(pool, dsn, "/feeds/list/Records.atom")

    assert everything.titles == ["@reporter (X): withheld in India (IN)"], "nobody watches h9"
    assert theirs.titles == ["@h9 (X): not found"]
    said = "Not seen by this monitor: taken from a published record (import:crawl), 1 Feb 2021, 08:20:00 UTC."
    assert said in theirs.body.decode()
    assert "Confirmed" not in "".join(next(theirs.feed.iter(f"{ATOM}entry")).itertext())


async def test_a_fact_that_two_sources_tell_is_told_once_as_the_monitor_saw_it(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        await one_block(conn)
        await import_history(conn, record("77", WITHHELD_IN, minutes(15)), minutes(500))
    answer = await ask(pool, dsn, "/feeds/all.atom")

    assert len(answer.ids) == 1
    assert "by the platform monitor" in answer.body.decode()


async def test_a_calendar_reminds_of_a_deadline_and_says_which_dates_are_uncertain(
    pool: Pool, dsn: str
) -> None:
    async with transaction(pool) as conn:
        await add_order(conn, ORDER, T0)
        await add_order(
            conn,
            replace(
                ORDER,
                reference="none",
                list_name="none",
                deadline_at=None,
                issued_from=None,
                issued_to=None,
                named_count=1,
            ),
            T0,
        )
        await add_order_event(conn, NOTICE)
        claim = "Claim: all\u202e restored;\nnothing, else " + "x" * 300
        await add_order_event(
            conn,
            NewOrderEvent(None, OrderEventKind.CLAIM, minutes(200), minutes(100), None, claim, "a, b", NOW),
        )
    answer = await ask(pool, dsn, "/feeds/orders.ics")
    by_summary = {str(e.summary): e for e in answer.events}
    issued, deadline, plain, notice, claimed = answer.events

    assert answer.headers["content-type"].startswith("text/calendar")
    assert list(by_summary)[:4] == [
        "Order MeitY/2021 §69A issued (date uncertain)",
        "Deadline of order MeitY/2021 §69A",
        "Order none issued",
        "Notice: Notice, 2nd",
    ]
    assert [e.start for e in answer.events] == [minutes(m) for m in (0, 2880, 0, 90, 200)]
    assert [e.stamp for e in answer.events] == [minutes(m) for m in (30, 30, 30, 95, 600)]
    assert [len(e.alarms.times) for e in answer.events] == [0, 2, 0, 0, 0]
    assert [deadline.start - a.trigger for a in deadline.alarms.times] == [  # pyright: ignore[reportOperatorIssue]
        timedelta(days=1),
        timedelta(hours=1),
    ]
    uncertain = "The date of issue is uncertain: between 31 Jan 2021, 23:00 UTC and 1 Feb 2021, 01:00 UTC."
    assert uncertain in str(issued.description)
    assert uncertain in str(deadline.description)
    assert "uncertain" not in str(plain.description)
    assert "It names 1 account." in str(plain.description)
    assert "About order MeitY/2021 §69A." in str(notice.description)
    assert "not before 1 Feb 2021, 01:40 UTC" in str(claimed.description)
    assert "It does not belong to an order." in str(claimed.description)
    assert "all\ufffd restored;\ufffdnothing, else" in str(claimed.description)
    assert all(len(line) <= 75 for line in answer.body.split(b"\r\n"))
    assert b"\n" not in answer.body.replace(b"\r\n", b"")


async def test_an_order_that_is_stored_anew_is_the_same_event_in_a_calendar(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        await add_order(conn, replace(ORDER, reference="first", list_name="first"), T0)
        await add_order(conn, ORDER, T0)
        await add_order_event(conn, NOTICE)
    one = await ask(pool, dsn, "/feeds/orders.ics")
    async with transaction(pool) as conn:
        await conn.execute("delete from order_event")
        await conn.execute("delete from legal_order where reference <> 'first'")
        await add_order(conn, ORDER, T0)
        await add_order_event(conn, NOTICE)
    other = await ask(pool, dsn, "/feeds/orders.ics")

    assert [e.uid for e in one.events] == [e.uid for e in other.events]
    assert len({e.uid for e in one.events}) == 5


@pytest.mark.slow
async def test_an_invented_scenario_says_so_in_every_title(pool: Pool, dsn: str) -> None:
    async with transaction(pool) as conn:
        await add_order(conn, ORDER, T0)
        await add_order_event(conn, NOTICE)
        await one_block(conn, lists=(ORDER.list_name,))
    reference = quote(ORDER.reference, safe="")
    for path in ("/feeds/all.atom", f"/feeds/order/{reference}.atom", "/feeds/list/Order%201%20list.atom"):
        answer = await ask(pool, dsn, path, real=False)
        titles = [answer.feed.findtext(f"{ATOM}title", ""), *answer.titles]
        assert len(titles) == 2
        assert all(title.startswith("Synthetic scenario: ") for title in titles)
    answer = await ask(pool, dsn, "/feeds/orders.ics", real=False)
    assert len(answer.events) == 3
    assert all(str(e.summary).startswith("Synthetic scenario: ") for e in answer.events)
    assert b"NAME:Synthetic scenario: " in answer.body


async def test_the_page_offers_the_feed_and_the_calendar(pool: Pool, dsn: str) -> None:
    page = (await ask(pool, dsn, "/")).body.decode()

    for kind, path in (("application/atom+xml", "/feeds/all.atom"), ("text/calendar", "/feeds/orders.ics")):
        assert f'<link rel="alternate" type="{kind}" href="{path}"' in page
