"""The page of one account: notes, every reading on demand, and the evidence behind its changes."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportOperatorIssue=false, reportArgumentType=false

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import aiohttp
import plotly.graph_objects as go
import pytest

from collectors.core.collector import CollectorAnswer
from collectors.x.declaration import X
from dashboard.accounts.account_chart import (
    AccountTimeline,
    TimelineOverlay,
    account_figure,
)
from dashboard.accounts.account_context import read_account_context
from dashboard.accounts.account_history_cards import gaps_card
from dashboard.accounts.account_readings import ReadingsRange, readings_range
from dashboard.accounts.account_words import sentences
from dashboard.auth.access import acting_as
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.notes import notes_of
from storage.live.account_detail import account_detail
from storage.live.lists_and_executives import LiveSignal
from storage.live.snapshot import LiveChange, LiveSpell
from storage.model.core.availability import State, Status
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import Seen
from storage.model.core.people import Actor, Role
from storage.model.core.signals import SignalKind
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from storage.readings import evidence
from tests.support.clients.page_walker import said as text_of
from tests.support.clients.page_walker import spans
from tests.support.pipelines.monitor import World
from tests.support.samples.orders import ORDER
from tests.support.samples.readings import MINUTE, T0, FakeCollector
from tests.support.seeds.changes import AVAILABLE, DAY, WITHHELD, Story
from tests.support.seeds.every_page import answers_of
from tests.support.servers.dashboard import SETTINGS, page_of, served

NOW = datetime(2021, 2, 11, 12, tzinfo=UTC)


def at(day: int, hour: int = 0) -> datetime:
    return datetime(2021, 2, day, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        pytest.param({}, None, id="nothing is read unless it is asked for"),
        pytest.param({"from": "2021-02-10"}, ReadingsRange(at(10), at(11)), id="a day is that day in UTC"),
        pytest.param(
            {"from": "2021-02-01", "to": "2021-02-03"},
            ReadingsRange(at(1), at(4)),
            id="days include the last",
        ),
        pytest.param(
            {"from": "2021-02-10T08:00", "to": "2021-02-10T09:00+01:00"},
            "The end must be after the beginning.",
            id="a zone is heeded",
        ),
        pytest.param(
            {"from": "2021-02-10T07:00", "to": "2021-02-10T09:00", "page": "3"},
            ReadingsRange(at(10, 7), at(10, 9), 3),
            id="times without a zone are UTC",
        ),
        pytest.param(
            {"from": "2021-02-10", "page": "x"},
            ReadingsRange(at(10), at(11)),
            id="no number is the first page",
        ),
        pytest.param(
            {"from": "2021-02-10", "page": "0"}, ReadingsRange(at(10), at(11)), id="there is no page 0"
        ),
        pytest.param(
            {"from": "2020-01-01", "to": "2021-02-10"}, "A period has at most 400 days.", id="too long"
        ),
        pytest.param({"from": "2021-03-01"}, "This time is in the future.", id="the future"),
        pytest.param({"from": "yesterday"}, "Enter a day as", id="no time"),
        pytest.param(
            {"from": "2021-02-10", "to": "9999-12-31"}, "Enter a day as", id="no time that anybody sees"
        ),
    ],
)
def test_a_stretch_of_time_is_read_from_the_address(query: dict[str, str], found: Any) -> None:
    said = readings_range(query, NOW)
    assert said.startswith(found) if isinstance(said, str) and found is not None else said == found


async def posted(base: str, path: str, fields: dict[str, str]) -> tuple[int, Any]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(base + path, data=fields, headers={"Origin": base}, allow_redirects=False) as answer,
    ):
        told = await answer.json()
        return answer.status, told.get("error") or told["toast"]["words"]


async def test_a_note_is_written_and_withdrawn_and_both_are_on_record(
    pool: Pool, dsn: str, story: Story
) -> None:
    one = story.accounts[0][0]
    async with served(pool, dsn, story.now) as base:
        back = f"?back=/account/{one}"
        fields = {"account": str(one), "text": "Called the owner"}
        assert await posted(base, f"/api/account/notes/add{back}", fields) == (200, "The note is saved.")
        async with transaction(pool) as conn:
            (note,) = await notes_of(conn, one)
        number = {"note": str(note.account_note_id)}
        assert await posted(base, "/api/account/notes/withdraw", number) == (
            200,
            "The note is withdrawn. It stays here, crossed out.",
        )
        assert await posted(base, "/api/account/notes/withdraw", number) == (
            409,
            f"Note {note.account_note_id} does not exist or was already withdrawn.",
        )
    async with transaction(pool) as conn:
        logged = [(a.action, a.subject) for a in await acts(conn, 9)]
        (note,) = await notes_of(conn, one)
    assert (note.text, note.withdrawn_by) == ("Called the owner", "dashboard")
    assert logged == [("note withdrawn", f"account {one}"), ("note added", f"account {one}")]


async def test_the_evidence_of_a_change_is_fetched_with_its_hash_until_it_is_gone(
    pool: Pool, dsn: str, story: Story
) -> None:
    raw = b'{"data": {"withheld": {"country_codes": ["IN"]}}}'
    async with transaction(pool) as conn:
        (sha256,) = await evidence.store(conn, [raw])
        await conn.execute("alter table change disable trigger change_append_only")
        row = await conn.fetchrow(
            """
            update change set new_evidence = $1 where change_id = (
                select max(change_id) from change where kind = 'block'
            ) returning change_id, account_id
            """,
            sha256,
        )
    assert row is not None
    change_id, one = int(row["change_id"]), int(row["account_id"])
    url = f"/api/account/{one}/evidence/{change_id}"
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:
        async with session.get(f"{base}{url}/new") as answer:
            assert (answer.status, await answer.read()) == (200, raw)
            assert answer.headers["x-evidence-sha256"] == sha256.hex()  # pyright: ignore[reportOptionalMemberAccess]
            assert answer.headers["content-disposition"].startswith("attachment")
        for path, status in (
            (f"{url}/old", 404),
            (f"/api/account/{one + 1}/evidence/{change_id}/new", 404),
            (f"/api/account/{one}/evidence/{2**70}/new", 404),
            (f"{url}/side", 422),
        ):
            async with session.get(base + path) as answer:
                assert answer.status == status
        async with transaction(pool) as conn:
            await conn.execute("update evidence set packed = null, compressed = false, purged_at = now()")
        async with session.get(f"{base}{url}/new") as answer:
            assert answer.status == 410


@pytest.fixture
async def answered(pool: Pool, story: Story) -> tuple[int, int]:
    """An account and its block, of which both answers are stored."""
    one = story.wave[0]
    async with transaction(pool) as conn:
        await answers_of(conn, one)
        change = await conn.fetchval(
            "select max(change_id) from change where account_id = $1 and kind = 'block'", one
        )
    return one, change


async def page_text(pool: Pool, path: str, now: datetime, role: Role = Role.ADMIN) -> str:
    async with transaction(pool) as conn:
        with acting_as(Actor("Asha", role)):
            return str(await page_of(conn, path, now, SETTINGS, "light"))


async def test_the_page_of_an_answer_marks_what_decides_and_says_when_nothing_is_left(
    pool: Pool, story: Story, answered: tuple[int, int]
) -> None:
    one, change = answered
    address = f"/account/{one}/evidence/{change}"
    text = await page_text(pool, f"{address}/new", story.now)
    assert 'Mark(\'"scope": "user"\')' in text.replace("\\", "")
    assert "'Withheld in India (IN)'" in text
    assert "'Available'" in await page_text(pool, f"{address}/old", story.now)
    for missing in (f"/account/{one + 1}/evidence/{change}/new", f"{address}/side", f"{address}9/new"):
        assert "There is no such page." in await page_text(pool, missing, story.now)
    async with transaction(pool) as conn:
        await conn.execute("update evidence set packed = 'x', compressed = false")
    assert "does not match its hash" in await page_text(pool, f"{address}/new", story.now)
    async with transaction(pool) as conn:
        await conn.execute("update evidence set packed = null, compressed = false, purged_at = now()")
    text = await page_text(pool, f"{address}/new", story.now)
    assert "Only its hash is still stored." in text
    assert "Download" not in text
    text = await page_text(pool, f"/account/{one}", story.now)
    assert "Answer: only its hash is kept" in text


async def test_a_tag_is_added_and_removed_with_its_entry_in_the_log(
    pool: Pool, dsn: str, story: Story
) -> None:
    one = story.accounts[0][0]
    tags = f"/api/account/{one}/tags"
    async with served(pool, dsn, story.now) as base, aiohttp.ClientSession() as session:

        async def send(path: str, tag: str) -> tuple[int, Any]:
            async with session.post(base + path, data={"tag": tag}, headers={"Origin": base}) as answer:
                said = await answer.json()
                return answer.status, said.get("error") or said["toast"]["words"]

        assert await send(f"{tags}/add", "press") == (200, "Tag press added.")
        assert await send(f"{tags}/add", "press") == (200, "The account has the tag press.")
        assert await send(f"{tags}/add", "two words") == (
            422,
            "Tag 'two words' holds a space or a semicolon, which separate tags.",
        )
        assert await send(f"{tags}/add", "") == (422, "New tag is empty.")
        assert await send(f"{tags}/remove", "press") == (200, "Tag press removed.")
        for nobody in (10**9, 2**70):
            assert (await send(f"/api/account/{nobody}/tags/add", "press"))[0] == 404
    async with transaction(pool) as conn:
        assert [a.action for a in await acts(conn, 9)] == ["tags changed"] * 2


EVERY = 5 * MINUTE


class Slow(FakeCollector):
    """A platform whose answers may take their time."""

    world: World
    takes = timedelta()

    async def read(self, native_ids: Sequence[str], now: datetime) -> CollectorAnswer:
        answer = await super().read(native_ids, now)
        self.world.clock.set(self.world.clock() + self.takes)
        return answer


@pytest.fixture
async def world(pool: Pool) -> World:
    world = World(pool, Slow())
    assert isinstance(world.platform, Slow)
    world.platform.world = world
    async with transaction(pool) as conn:
        await add_accounts(conn, [NewAccount(X, str(n), f"h{n}") for n in range(1180)], T0)
    return world


async def said(world: World, gap_after: timedelta = 2 * EVERY) -> list[str]:
    """What the page of one account a roster says of its gaps, else of the time since its last reading."""
    found: list[str] = []
    async with transaction(world.pool) as conn:
        for (account_id,) in await conn.fetch("select account_ids[1] from roster where base"):
            account = await account_detail(conn, account_id, world.clock(), gap_after)
            assert account is not None
            around = await read_account_context(conn, account, world.clock(), gap_after)
            cards = gaps_card(account, around)
            found.append(" ".join(map(text_of, cards)) if cards else " ".join(sentences(account, around)))
    return found


CHART_MINUTE = timedelta(minutes=1)
CHART_T0 = datetime(2021, 2, 1, 12, tzinfo=UTC)


def drawn(
    spells: Sequence[LiveSpell] = (),
    changes: Sequence[LiveChange] = (),
    gaps: Sequence[Gap] = (),
    days: int = 360,
) -> AccountTimeline:
    now = CHART_T0 + days * DAY
    return account_figure(
        X, tuple(spells), tuple(changes), Seen(now, tuple(gaps)), TimelineOverlay((), ()), now, now, "light"
    )


def turns(*states: State) -> list[LiveSpell]:
    """Each state for a minute, half a year after the account was first seen available."""
    at = CHART_T0 + 180 * DAY
    begins = [CHART_T0, *(at + n * CHART_MINUTE for n in range(len(states)))]
    return [
        LiveSpell(1, value, None if n == 0 else since - CHART_MINUTE / 2, since, None)
        for n, (value, since) in enumerate(zip((AVAILABLE, *states), begins, strict=True))
    ]


def test_changes_within_a_pixel_are_drawn_once_for_each_new_state() -> None:
    turkey = State(Status.WITHHELD, ("TR",))

    timeline = drawn(turns(WITHHELD, turkey, WITHHELD, turkey, WITHHELD, AVAILABLE))

    (windows,) = (t for t in timeline.figure.data if t.name == "Change window")
    on_status = [w for w, row in zip(windows.customdata, windows.y, strict=True) if row == "Status"]
    assert [words.split(": ")[0] for words in on_status] == [
        "Withheld in India (IN)",
        "Withheld in Turkey (TR)",
        "Available",
    ]


def test_single_looks_leave_half_of_each_gap_between_them_free() -> None:
    looks = [CHART_T0 + n * DAY / 4 for n in range(4 * 360 + 1)]

    timeline = drawn(
        [LiveSpell(1, AVAILABLE, None, CHART_T0, None)], gaps=[Gap(*two) for two in pairwise(looks)]
    )

    (bar,) = (t for t in timeline.figure.data if t.name == "Available")
    looks_drawn = spans(bar)[1:-1]
    free = [after[0] - before[1] for before, after in pairwise(looks_drawn)]
    assert min(free) >= DAY / 8
    assert set(bar.marker.line.width[1:-1]) == {0}


def gapped(gaps: int) -> go.Figure:
    """An account that was available for a year, with so many gaps, each followed by half as long a time with
    readings, and with as many acts of executives.
    """
    step = timedelta(days=360) / gaps
    now = CHART_T0 + timedelta(days=360) + step / 3
    return account_figure(
        X,
        (LiveSpell(1, AVAILABLE, None, CHART_T0, None),),
        (),
        Seen(
            now,
            tuple(Gap(CHART_T0 + n * step + step / 3, CHART_T0 + (n + 1) * step) for n in range(gaps)),
        ),
        TimelineOverlay(
            tuple(replace(ORDER, order_id=n, issued_at=CHART_T0 + n * step) for n in range(3)),
            tuple(LiveSignal(n, 9, SignalKind.LIKE, CHART_T0 + n * step, CHART_T0) for n in range(gaps)),
        ),
        now,
        now,
        "light",
    ).figure


def test_acts_that_lie_upon_each_other_are_one_mark_with_their_number() -> None:
    figure = gapped(10_000)

    (acts,) = (trace for trace in figure.data if "engagements" in trace.name)
    assert acts.customdata[0].startswith("Like, 7 times<br>1 Feb 2021, 12:00 UTC<br>to ")
