"""Feeds and the calendar of orders, asked for over a socket and read back as a reader would read them."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from icalendar import Calendar, Event
from yarl import URL

from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts
from storage.model.bitemporal.imported_records import ImportedAccount, ImportedChange, ImportedHistory
from storage.model.core.accounts import Account
from storage.model.core.availability import State, Strength, change_key
from storage.model.core.orders import NewOrder, NewOrderEvent, OrderEventKind
from storage.orders.orders import add_order, add_order_event
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.pipelines.late_batches import deliver
from tests.support.samples.readings import AVAILABLE, MINUTE, T0, WITHHELD_IN, minutes
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
