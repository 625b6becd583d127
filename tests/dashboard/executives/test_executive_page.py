"""The executives' pages: what was seen of whom, what could not be, and never a cause."""

import asyncio
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from dashboard.executives.chart import executive_figure, gained
from dashboard.executives.executive_page import acts_table
from dashboard.executives.person_engagement import (
    MOST_STEPS,
    AssociationTest,
    PersonView,
    person_view,
)
from dashboard.executives.words import bars, first_seen, verdict, when
from storage.executives.engagement_report import CounterStep
from storage.executives.executives_report import ExecutiveSignal, people
from storage.executives.follows import Access, note_access
from storage.executives.signals import add_executive, add_signals, executives
from storage.model.core.accounts import AccountId, ListId
from storage.model.core.orders import Order
from storage.model.core.signals import Doubt, Signal, SignalKind
from storage.model.orders.engagement_association import Association
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.clients.page_walker import said
from tests.support.samples.readings import T0
from tests.support.seeds.changes import DAY, HOUR, Story
from tests.support.servers.dashboard import SETTINGS, page_of, served


async def native(conn: Conn, account_id: int) -> str:
    return await conn.fetchval("select native_id from account where account_id = $1", account_id)


async def add(conn: Conn, story: Story, signals: Sequence[Signal], source: str = "") -> None:
    await add_signals(conn, AccountId(story.executive), signals, story.now, source)


async def view(conn: Conn, story: Story, range_name: str = "all") -> PersonView:
    found = await person_view(conn, story.executive, range_name, story.now)
    assert found is not None
    return found


async def shown(conn: Conn, story: Story, path: str) -> str:
    return said(await page_of(conn, path, story.now, SETTINGS, "light"))


def repost(n: int, at: datetime, author: str | None = None, **more: Any) -> Signal:
    return Signal(SignalKind.REPOST, f"r{n}", at, f"p{n}", author, **more)


async def test_one_name_on_two_platforms_is_one_person_with_what_can_be_seen_of_each(
    pool: Pool, story: Story
) -> None:
    async with transaction(pool) as conn:
        await add_executive(conn, MASTODON, "https://s.example/ada#1", "ada@s.example", "Ada Chief", "", T0)
        closed, opened = Access(observable=False, reason="no"), Access(observable=True, reason="yes")
        for n, access in enumerate([closed, opened]):
            at = story.start + n * DAY
            await note_access(conn, SignalKind.LIKE, {AccountId(story.executive): access}, at)
        (person,) = await people(conn, story.now)
        listed = await shown(conn, story, "/executives")
    assert [a.platform for a in person.accounts] == [X, MASTODON]
    assert [(a.observable, a.until is None) for a in person.accounts[0].access] == [
        (False, False),
        (True, True),
    ]
    assert "likes on X: observable since" in listed
    assert "likes on Mastodon: not observable" in listed
    assert "follows on Mastodon: not collected" in listed


async def test_a_target_on_file_has_its_lists_and_the_orders_that_name_it(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        named = story.accounts[0][0]
        await add(
            conn, story, [repost(1, story.now - HOUR, await native(conn, named)), repost(2, story.now, "0")]
        )
        await conn.execute(
            "insert into signal_word select signal_id, 'farmers' from signal where native_id = 'r1'"
        )
        table: Any = acts_table(await view(conn, story))
    other, act = (row["cells"] for row in table["rows"][:2])
    assert act[2]["href"] == f"/account/{named}"
    assert act[3] == {"text": "Order 1", "small": "on Order 1 list; keywords: farmers"}
    assert other[2] == {"text": "0"}
    assert other[3]["text"] == "–"


async def test_what_is_likely_a_rename_is_listed_with_its_doubt_and_counted_nowhere(
    pool: Pool, story: Story
) -> None:
    async with transaction(pool) as conn:
        before = await view(conn, story)
        renamed = [
            Signal(
                kind,
                f"{kind}:1",
                None,
                "@a",
                "@a",
                story.now - HOUR,
                story.now - 2 * HOUR,
                (Doubt.LIKELY_RENAME,),
            )
            for kind in (SignalKind.FOLLOW, SignalKind.UNFOLLOW)
        ]
        await add(conn, story, renamed, "import:r")
        after = await view(conn, story)
    assert after.total == before.total
    assert [a.source for a in after.acts[:2]] == ["import:r"] * 2
    assert {a.kind for a in after.marks} == {a.kind for a in before.marks}
    rows: Any = acts_table(after)["rows"]
    assert [row.get("class") for row in rows[:3]] == ["no-act", "no-act", None]
    assert "likely a rename of the target; not counted" in rows[0]["cells"][5]["text"]


ISSUED = Order(1, "SYN/1", "Order 1", "Ministry", "IN", "", T0, None, None, None, 5, ListId(1), T0)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        pytest.param(
            Association(7, 6, 2.63, 3.1, DAY, 9 * DAY, 999, 0.352),
            "Ada: 6 of 7 engagements with accounts that Order 1 names lie within 24 h of the one dated "
            "event of this order, where 2.6 would be expected. Of 999 random shifts of the series, 351 have "
            "as many or more (p = 0.352).",
            id="what was seen, expected, and how often chance gives as much",
        ),
        pytest.param(
            Association(5, 1, 0.2, 0.0, DAY, 9 * DAY, 999, 0.002),
            "Ada: 1 of 5 engagements with accounts that Order 1 names lies within 24 h of the one dated "
            "event of this order, where 0.2 would be expected. Of 999 random shifts of the series, 1 has "
            "as many or more (p = 0.002).",
            id="one of them",
        ),
        pytest.param(
            Association(5, 5, 0.2, 0.0, DAY, 9 * DAY, 999, 0.001),
            "Ada: 5 of 5 engagements with accounts that Order 1 names lie within 24 h of the one dated "
            "event of this order, where 0.2 would be expected. Of 999 random shifts of the series, none has "
            "as many or more (p = 0.001).",
            id="none of them",
        ),
        pytest.param(
            Association(2, 2, 0.2, 0.0, DAY, 9 * DAY, why_not="only 2 engagements were seen"),
            "Order 1: no test is possible, because only 2 engagements were seen.",
            id="too few to say anything: no figure is drawn",
        ),
    ],
)
def test_the_verdict_says_no_more_than_the_test(found: Association, said: str) -> None:
    tested = AssociationTest(ISSUED, "", 1, found)
    assert verdict(tested, "Ada") == said
    drawn = bars(tested)
    assert (drawn is None) == (found.p is None)
    assert drawn is None or (drawn.seen, drawn.whole) == (found.in_windows, found.toward)


async def test_a_long_record_is_drawn_in_a_bounded_number_of_bars(pool: Pool, story: Story) -> None:
    years = 4 * 365 * DAY
    async with transaction(pool) as conn:
        await add(conn, story, [repost(n, story.now - years * n / 18_000) for n in range(18_000)], "import:r")
        found = await view(conn, story)
        page = await page_of(conn, f"/executives/{story.executive}", story.now, SETTINGS, "light")
    assert found.total == 18_000 + 60
    assert found.step is not None
    figure = executive_figure(found, "light")
    drawn = sum(len(trace.x) for trace in figure.data)  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType, reportUnknownArgumentType, reportUnknownVariableType]
    assert drawn <= 9 * (MOST_STEPS + 1)
    assert len(json.dumps(page.to_plotly_json(), default=str)) < 400_000


@pytest.mark.parametrize(
    "path", ["0", "999999999", "12x", "1/week", "1/all/more", "99999999999999999999"], ids=str
)
async def test_an_address_of_nobody_is_not_here(pool: Pool, story: Story, path: str) -> None:
    async with transaction(pool) as conn:
        assert "There is no such page" in await shown(conn, story, f"/executives/{path}")


async def test_words_of_orders_are_kept_and_all_others_forgotten(pool: Pool, story: Story) -> None:
    async with transaction(pool) as conn:
        await conn.execute("insert into order_keyword select order_id, 'farmers', known_at from legal_order")
        (chief,) = await executives(conn, X)
        acts = [repost(1, story.now, words=frozenset({"farmers", "secret"})), repost(2, story.now)]
        for _ in range(2):
            await add_signals(conn, chief.account.account_id, acts, story.now)
        stored = await conn.fetch(
            "select s.native_id, w.word from signal_word w join signal s using (signal_id)"
        )
    assert [tuple(r) for r in stored] == [("r1", "farmers")]


async def test_the_api_gives_the_same_figures(pool: Pool, dsn: str, story: Story) -> None:
    async with served(pool, dsn, story.now) as base:
        listed, one, nobody, wrong = await asyncio.to_thread(
            lambda: [
                _got(base, path) for path in ("", f"/{story.executive}", "/0", f"/{story.executive}?range=x")
            ]
        )
    assert [p["name"] for p in listed[1]["people"]] == ["Ada Chief"]
    assert one[1]["accounts"][0]["acts"] == 60 == sum(c["n"] for c in one[1]["counts"])
    assert one[1]["note"] == "Association, not evidence of cause."
    assert (nobody[0], wrong[0]) == (404, 422)


def _got(base: str, path: str) -> tuple[int, Any]:
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(f"{base}/api/executives{path}") as answer:  # noqa: S310
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        return refused.code, json.load(refused)


# the pure parts ------------------------------------------------------------------------------------------


def an_act(minute: float, made: bool = True, after: float | None = None) -> ExecutiveSignal:
    at = T0 + timedelta(minutes=minute)
    return ExecutiveSignal(
        1, 1, SignalKind.REPOST, at, at if made else None,
        None if after is None else T0 + timedelta(minutes=after), at, None, None, (), "", (),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("act", "words"),
    [
        pytest.param(an_act(0), "1 Feb 2021, 00:00 UTC", id="made then"),
        pytest.param(an_act(60, False, 0), "1 Feb 2021, between 00:00 and 01:00 UTC", id="in a window"),
        pytest.param(an_act(60, False), "by 1 Feb 2021, 01:00 UTC", id="known by its observation"),
    ],
)
def test_when_an_act_was_made_is_said_as_far_as_it_is_known(act: ExecutiveSignal, words: str) -> None:
    assert when(act) == words
    assert "UTC" in first_seen(act)


def test_a_counter_that_falls_gives_no_height() -> None:
    steps = [CounterStep(T0 + n * DAY, a, b, 0) for n, (a, b) in enumerate([(5, 9), (9, 4), (4, 6)])]
    assert [(s.start, rise) for s, rise in gained(steps, DAY)] == [(T0, 4), (T0 + 2 * DAY, 2)]
