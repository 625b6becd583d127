"""Rows that are taken out of the store say what the store says, as it was known when it is asked for."""

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.watch_lists import put_accounts_on, take_accounts_off
from storage.export.exports import EXPORTS
from storage.model.core.availability import Flag
from storage.model.core.coverage import BatchOutcome
from storage.model.evidence.export_kinds import Choice, ExportFilter, Kind
from storage.postgres.pool import Conn, Pool, transaction
from storage.postgres.replica import snapshot
from storage.readings.readings import readings_of
from tests.support.samples.label_signing import SUBJECT, stated, store
from tests.support.samples.readings import AVAILABLE, T0, WITHHELD_IN, minutes
from tests.support.seeds.chain_rows import NOW, context, only, story, table
from tests.support.seeds.changes import LATENCY, batch, become, enlist, read, roster_of
from tests.support.seeds.posts import turn_into_posts


async def decide(conn: Conn, at: datetime) -> None:
    """The provisional change is confirmed by a third reading."""
    await conn.execute(
        """
        with gone as (delete from pending_change returning change_id)
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select change_id, 'confirmed', 'enough_strong', $1, 3, $1 from gone
        """,
        at,
    )


async def correct(conn: Conn, first_seen_new: datetime, at: datetime) -> None:
    """What was provisional is said anew, with another onset, in place of what was said before."""
    await conn.execute(
        """
        with anew as (
            insert into change (
                change_key, account_id, old_status, status, withheld_in, kind, strength, last_seen_old,
                first_seen_new, recorded_at, source, supersedes
            )
            select change_key, account_id, old_status, status, withheld_in, kind, strength, last_seen_old, $1,
                $2, source, change_id
            from change where status = 'withheld' returning change_id
        )
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select change_id, 'confirmed', 'enough_strong', $2, 2, $1 from anew
        """,
        first_seen_new,
        at,
    )


@pytest.mark.parametrize(
    ("rule", "known_at", "told"),
    [
        ("what was not recorded yet is not told", minutes(59), []),
        (
            "a provisional change is told as such, with the readings that agreed by then",
            minutes(60),
            [("provisional", 1, minutes(60), None, minutes(60))],
        ),
        (
            "an agreeing reading counts from then on",
            minutes(75),
            [("provisional", 2, minutes(75), None, minutes(60))],
        ),
        (
            "what was decided later is not told",
            minutes(89),
            [("provisional", 2, minutes(75), None, minutes(60))],
        ),
        (
            "an outcome is told from the moment on at which it was decided",
            minutes(90),
            [("confirmed", 3, minutes(90), minutes(90), minutes(60))],
        ),
        (
            "a correction takes the place of what it supersedes",
            minutes(120),
            [("confirmed", 2, minutes(55), minutes(120), minutes(55))],
        ),
        (
            "the present knowledge is what was recorded last",
            None,
            [("confirmed", 2, minutes(55), minutes(120), minutes(55))],
        ),
    ],
)
async def test_changes_are_told_as_they_were_known(
    pool: Pool, rule: str, known_at: datetime | None, told: list[tuple[object, ...]]
) -> None:
    async with transaction(pool) as conn:
        await story(conn)
        await decide(conn, minutes(90))
        await correct(conn, minutes(55), minutes(120))
        rows = await table(conn, Kind.CHANGES, ExportFilter(NOW, known_at=known_at))
    blocks = [row for row in rows if row["status"] == "withheld"]
    assert only(blocks, "outcome", "readings", "last_agreeing_at", "decided_at", "first_seen_new") == told, (
        rule
    )


async def test_a_provisional_change_of_now_is_told_with_what_agreed_so_far_and_both_its_readings(
    pool: Pool,
) -> None:
    async with transaction(pool) as conn:
        await story(conn)
        first, _, block = await table(conn, Kind.CHANGES)
    assert only(
        [block], "account_id", "handle", "kind", "outcome", "reason", "readings", "decided_at", "source"
    ) == [("1", "h1", "block", "provisional", None, 2, None, "x")]
    assert only([block], "last_seen_old", "first_seen_new") == [(minutes(50), minutes(60))]
    assert len(str(block["new_evidence"])) == 64
    unknown = only([first], "old_status", "old_withheld_in", "last_seen_old", "old_evidence")
    assert unknown == [(None, None, None, None)]


async def test_both_ends_of_a_spell_have_the_two_readings_that_bound_them(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"])
        roster = await roster_of(conn, [one, two])
        await become(conn, roster, one, None, AVAILABLE, minutes(0))
        await become(
            conn, roster, one, AVAILABLE, WITHHELD_IN, minutes(60), flags=frozenset({Flag.PROTECTED})
        )
        spells = await table(conn, Kind.SPELLS)
        before = await table(conn, Kind.SPELLS, ExportFilter(NOW, known_at=minutes(59)))
        later = await table(conn, Kind.SPELLS, ExportFilter(NOW, since=minutes(60), until=minutes(61)))
    bounds = ("status", "last_seen_old", "since", "last_seen", "until")
    assert only(spells, *bounds) == [
        ("available", None, minutes(0), minutes(50), minutes(60)),
        ("withheld", minutes(50), minutes(60), None, None),
    ]
    assert only(spells, "withheld_in", "flags", "recorded_at") == [
        ([], [], minutes(60)),
        (["IN"], ["protected"], minutes(60)),
    ]
    assert only(before, *bounds, "recorded_at") == [("available", None, minutes(0), None, None, minutes(0))]
    assert only(later, "status") == [("withheld",)]


async def test_the_side_facts_of_a_change_are_not_those_of_a_spell_before_it(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await story(conn)
        await conn.execute("update spell set before_change = true")
        assert {row["flags"] for row in await table(conn, Kind.SPELLS)} == {None}


@pytest.mark.parametrize(
    ("rule", "at", "known_at", "told"),
    [
        ("before anything was seen nothing is told", minutes(-1), None, [None, None, None]),
        ("a state holds from its first reading on", minutes(0), None, ["available", None, None]),
        ("a change that is not confirmed is no state", minutes(61), minutes(61), ["available"] * 2 + [None]),
        ("a state is told by what was known", minutes(80), minutes(0), ["available", None, None]),
    ],
)
async def test_every_account_is_told_in_the_state_that_was_known(
    pool: Pool, rule: str, at: datetime, known_at: datetime | None, told: list[str | None]
) -> None:
    async with transaction(pool) as conn:
        await story(conn)
        rows = await table(conn, Kind.STATES, ExportFilter(NOW, at=at, known_at=known_at))
    assert [row["status"] for row in rows] == told, rule
    assert {(row["at"], row["as_known_at"]) for row in rows} == {(at, known_at or NOW)}


async def test_a_state_says_when_the_account_was_last_read(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await story(conn)
        roster = await roster_of(conn, [one, two])
        await read(conn, batch(roster, minutes(90), answered=(True, False)))
        await read(conn, batch(roster, minutes(91), BatchOutcome.MISSED))
        now = await table(conn, Kind.STATES)
        then = await table(conn, Kind.STATES, ExportFilter(NOW, at=minutes(30)))
    assert [row["last_read_at"] for row in now] == [minutes(90), minutes(60), None]
    assert [row["last_read_at"] for row in then] == [minutes(1), minutes(1), None]


async def test_a_request_is_told_with_how_many_answered(pool: Pool) -> None:
    async with transaction(pool) as conn:
        one, two = await enlist(conn, X, ["1", "2"], ("Farmers",))
        (other,) = await enlist(conn, BLUESKY, ["did:plc:a"])
        roster = await roster_of(conn, [one, two])
        await read(conn, batch(roster, minutes(0)))
        await read(conn, batch(roster, minutes(1), answered=(True, False), silent=("IN", "TR")))
        await read(conn, batch(roster, minutes(2), BatchOutcome.MISSED))
        await read(conn, batch(await roster_of(conn, [other]), minutes(3), BatchOutcome.HELD))
        await conn.execute(
            """
            update coverage_row set lacked.missed = '{"omitted": [1]}' where (lacked).answered is not null
            """
        )
        rows = await table(conn, Kind.COVERAGE)
        listed = await table(conn, Kind.COVERAGE, ExportFilter(NOW, list_name="Farmers", since=minutes(1)))
    assert only(rows, "platform", "outcome", "reason", "asked", "answered", "missed", "silent_on") == [
        ("x", "answered", None, 2, 2, [], []),
        ("x", "answered", None, 2, 1, ["omitted=1"], ["IN", "TR"]),
        ("x", "missed", "network", 2, 0, [], []),
        ("bluesky", "held", "network", 1, 0, [], []),
    ]
    assert only(rows[:1], "asked_at", "observed_at") == [(minutes(0) - LATENCY, minutes(0))]
    assert [row["observed_at"] for row in listed] == [minutes(1), minutes(2)]


async def test_readings_are_those_that_the_store_rebuilds_month_by_month(pool: Pool) -> None:
    turn = (datetime(2021, 3, 1, tzinfo=T0.tzinfo) - T0).total_seconds() / 60
    async with transaction(pool) as conn:
        one, two = await story(conn)
        roster = await roster_of(conn, [one, two])
        for n in (75, 76, turn - 1, turn, turn + 5):
            await read(conn, batch(roster, minutes(n), answered=(n != 76, True)))
        rows = await table(conn, Kind.READINGS)
        some = await table(conn, Kind.READINGS, ExportFilter(NOW, since=minutes(61), until=minutes(turn + 1)))
        known = await table(conn, Kind.READINGS, ExportFilter(NOW, known_at=minutes(60)))
        rebuilt = [
            (account.native_id, r.at, r.asked_at, r.state.status, r.strength, r.roster_id, r.recorded_at)
            for account in (one, two)
            for r in await readings_of(conn, account.account_id, minutes(-1), minutes(turn + 99))
        ]
    told = only(rows, "account_id", "at", "asked_at", "status", "strength", "roster_id", "recorded_at")
    assert len(told) == 14
    assert sorted(told, key=str) == sorted(rebuilt, key=str)
    assert only(rows, "account_id", "at") == sorted(
        only(rows, "account_id", "at"), key=lambda r: (f"{r[1]:%Y-%m}", r[0], r[1])
    )
    assert only(some, "account_id", "at") == [
        ("1", minutes(75)),
        ("1", minutes(turn - 1)),
        ("2", minutes(75)),
        ("2", minutes(76)),
        ("2", minutes(turn - 1)),
        ("1", minutes(turn)),
        ("2", minutes(turn)),
    ]
    assert len(known) == 5


async def test_where_nobody_ever_asked_there_are_no_readings(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await enlist(conn, X, ["1"])
        assert await table(conn, Kind.READINGS) == []


async def test_the_head_of_a_day_is_the_last_entry_that_is_dated_on_it(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await story(conn)
        await decide(conn, minutes(24 * 60 + 1))
        entries = await table(conn, Kind.CHAIN)
        by_then = await table(conn, Kind.CHAIN, ExportFilter(NOW, known_at=minutes(1)))
        kept = await conn.fetch("select encode(entry, 'hex') as entry from chain order by seq")
    assert only(entries, "seq", "kind", "is_head") == [
        (1, "change", False),
        (2, "outcome", False),
        (3, "change", False),
        (4, "outcome", False),
        (5, "change", True),
        (6, "outcome", True),
    ]
    assert [row["entry"] for row in entries] == [row["entry"] for row in kept]
    assert only(by_then, "seq", "is_head") == [(1, False), (2, False), (3, False), (4, True)]


REFERENCE = Path(__file__).parents[3] / "docs/reference"
DOCUMENTED = "".join((REFERENCE / f"{name}.md").read_text() for name in ("export-changes", "export-records"))


async def test_what_stands_beside_the_changes_can_be_taken_out_too(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await context(conn)
        assert only(
            await table(conn, Kind.ACCOUNTS), "account_id", "handle", "watched", "executive", "control"
        ) == [
            ("1", "one", True, None, False),
            ("2", "h2", True, None, False),
            ("did:plc:a", "hdid:plc:a", True, None, False),
            ("99", "chief", False, "Ada Chief", False),
        ]
        assert only(await table(conn, Kind.LISTS), "list", "order", "account_id") == [
            ("Farmers", "R 1", "1"),
            ("Farmers", "R 1", "2"),
            ("Farmers", "R 1", "99"),
            ("Nobody", None, None),
        ]
        assert only(
            await table(conn, Kind.ORDERS), "reference", "issued_at", "deadline_at", "named_count"
        ) == [("R 1", T0, None, 257)]
        assert only(await table(conn, Kind.ORDER_EVENTS), "order", "at") == [
            ("R 1", minutes(10)),
            (None, minutes(20)),
        ]
        assert only(await table(conn, Kind.SIGNALS), "name", "kind", "at", "made_at", "first_seen_at") == [
            ("Ada Chief", "repost", minutes(1), minutes(1), minutes(30)),
            ("Ada Chief", "like", minutes(30), None, minutes(30)),
        ]
        assert only(await table(conn, Kind.RENAMES), "old_handle", "new_handle", "last_seen_old") == [
            ("h1", "one", minutes(20))
        ]
        assert only(await table(conn, Kind.FACTS), "kind", "value", "first_seen", "first_absent") == [
            ("moved", "one@elsewhere.example", minutes(20), None)
        ]
        told = ("cause_id", "account_id", "kind", "confidence", "disputed_by")
        assert only(await table(conn, Kind.CAUSES), *told) == [
            (2, "1", "government order", "stated by the platform", "=the owner")
        ]
        before = await table(conn, Kind.CAUSES, ExportFilter(NOW, known_at=minutes(189)))
        assert only(before, *told) == [(1, "1", "government order", "stated by the platform", "")]


OF_ACCOUNTS = [
    Kind.CHANGES,
    Kind.SPELLS,
    Kind.STATES,
    Kind.READINGS,
    Kind.ACCOUNTS,
    Kind.LISTS,
    Kind.RENAMES,
    Kind.FACTS,
    Kind.CAUSES,
]


@pytest.mark.parametrize("kind", OF_ACCOUNTS)
async def test_a_row_about_a_post_says_so_and_no_other_does(pool: Pool, kind: Kind) -> None:
    async with transaction(pool) as conn:
        one, _ = await context(conn)
        await turn_into_posts(conn, [one.account_id])
        told = set(only(await table(conn, kind), "account_id", "post"))
    assert ("post:1", True) in told
    assert {post for account, post in told if account is None} <= {None}
    assert {post for account, post in told if account not in {None, "post:1"}} <= {False}


async def test_figures_that_a_platform_published_are_told_with_their_source(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await conn.execute(
            """
            insert into transparency_report (
                platform, period, country, source, total_demands, pct_some_withheld, source_url, imported_at
            )
            values ('x', '2021-H1', 'India', 'report', 4900, 12.5, 'example', $1)
            """,
            minutes(5),
        )
        told = ("period", "total_demands", "court_orders", "pct_some_withheld", "source")
        assert only(await table(conn, Kind.TRANSPARENCY), *told) == [("2021-H1", 4900, None, 12.5, "report")]
        assert await table(conn, Kind.TRANSPARENCY, ExportFilter(NOW, known_at=minutes(4))) == []


async def test_labels_are_taken_out_with_those_that_replaced_them(pool: Pool) -> None:
    await store(pool, stated(), seq=1, at=minutes(5))
    await store(pool, stated(made_at=minutes(60), negated=True), stated(value="rude"), at=minutes(70))
    told = ("subject", "value", "withholds", "withdrawal", "stated_at", "received_at", "channel")
    first = (SUBJECT, "!hide", True, False, T0, minutes(5), "stream")
    other = (SUBJECT, "rude", False, False, T0, minutes(70), "query")
    withdrawal = (SUBJECT, "!hide", True, True, minutes(60), minutes(70), "query")
    async with transaction(pool) as conn:
        assert only(await table(conn, Kind.LABELS), *told) == [first, other, withdrawal]
        for wanted, rows in (
            (ExportFilter(NOW, since=minutes(1)), [withdrawal]),
            (ExportFilter(NOW, until=minutes(60)), [first, other]),
            (ExportFilter(NOW, known_at=minutes(69)), [first]),
            (ExportFilter(NOW, platform=X), []),
        ):
            assert only(await table(conn, Kind.LABELS, wanted), *told) == rows


ELSEWHERE = {Kind.TRANSPARENCY, Kind.LABELS}
"""Kinds that are tested above: they are about no stored account."""
AS_KNOWN = [k for k in Kind if Choice.KNOWN_AT in EXPORTS[k].choices and k not in ELSEWHERE]
NOTHING = {
    Choice.UNTIL: ExportFilter(NOW, until=minutes(0)),
    Choice.KNOWN_AT: ExportFilter(NOW, known_at=minutes(-1)),
    Choice.LIST: ExportFilter(NOW, list_name="Nobody"),
    Choice.PLATFORM: ExportFilter(NOW, platform=MASTODON),
    Choice.POST: ExportFilter(NOW, post=True),
    Choice.REPEATEDLY_BLOCKED: ExportFilter(NOW, repeatedly_blocked=True),
}
EVERYTHING = {
    Choice.SINCE: ExportFilter(NOW, since=minutes(0)),
    Choice.AT: ExportFilter(NOW, at=NOW),
    Choice.LIST: ExportFilter(NOW, list_name="Farmers"),
    Choice.PLATFORM: ExportFilter(NOW, platform=X),
    Choice.POST: ExportFilter(NOW, post=False),
}


@pytest.mark.parametrize("kind", [k for k in Kind if k not in ELSEWHERE])
async def test_every_choice_of_a_kind_leaves_out_what_does_not_fit_and_nothing_else(
    pool: Pool, kind: Kind
) -> None:
    choices = EXPORTS[kind].choices
    async with transaction(pool) as conn:
        await context(conn)
        everything = on_x(await table(conn, kind))
        empty = {c: await table(conn, kind, NOTHING[c]) for c in choices & NOTHING.keys()}
        whole = {c: on_x(await table(conn, kind, EVERYTHING[c])) for c in choices & EVERYTHING.keys()}
    assert everything
    match kind:
        case Kind.LISTS:
            assert only(empty.pop(Choice.LIST), "list", "account_id") == [("Nobody", None)]
        case Kind.ORDER_EVENTS:
            assert only(whole.pop(Choice.LIST), "order") == [("R 1",)]
        case _:
            """No exception."""
    assert {choice: rows for choice, rows in empty.items() if rows} == {}
    assert {choice: len(rows) for choice, rows in whole.items()} == dict.fromkeys(whole, len(everything))


def on_x(rows: Sequence[dict[str, object]]) -> list[dict[str, object]]:
    """Without the account of Bluesky, which is on no list, and the list without accounts."""
    return [row for row in rows if row.get("platform", X) == X]


@pytest.mark.parametrize("kind", AS_KNOWN)
async def test_no_edit_of_today_alters_what_was_known(pool: Pool, kind: Kind) -> None:
    """Who was watched and on a list then is not asked of who is now."""
    choices = EXPORTS[kind].choices
    known = minutes(200)
    asked = [ExportFilter(NOW, known_at=known)]
    if Choice.AT in choices:
        asked.append(ExportFilter(NOW, at=minutes(61), known_at=known))
    if Choice.LIST in choices:
        asked += [ExportFilter(NOW, known_at=known, list_name=name) for name in ("Farmers", "Nobody")]
    async with transaction(pool) as conn:
        await context(conn)
        before = [await table(conn, kind, wanted) for wanted in asked]
        on_it = [r[0] for r in await conn.fetch("select account_id from watch_list_member order by 1")]
        await take_accounts_off(conn, "Farmers", on_it, "Asha", minutes(201))
        await put_accounts_on(conn, "Nobody", on_it[:1], "Asha", minutes(201))
        await stop_watching(conn, X, "1", minutes(201), is_id=True)
        await add_accounts(conn, [NewAccount(X, "77", "h77", ("Farmers",))], minutes(201))
        after = [await table(conn, kind, wanted) for wanted in asked]
    assert before[0]
    assert after == before


async def test_an_export_is_of_one_moment(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await story(conn)
    async with snapshot(pool) as conn:
        before = len(await table(conn, Kind.ACCOUNTS))
        async with transaction(pool) as other:
            await enlist(other, X, ["3"])
        assert len(await table(conn, Kind.ACCOUNTS)) == before
        rows = await EXPORTS[Kind.ACCOUNTS].rows(conn, ExportFilter(NOW))
        await rows.chunks.aclose()


@pytest.mark.parametrize("kind", list(Kind))
async def test_the_documentation_has_every_column_in_its_order_and_with_its_type(
    pool: Pool, kind: Kind
) -> None:
    section = DOCUMENTED.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    documented = re.findall(r"^\| `(\w+)` \| (\w+) \|", section, re.MULTILINE)
    async with snapshot(pool) as conn:
        rows = await EXPORTS[kind].rows(conn, ExportFilter(NOW))
        await rows.chunks.aclose()
    assert documented == [(name, cell.value) for name, cell in rows.columns.items()]


@pytest.mark.parametrize("kind", list(Kind))
def test_the_documentation_says_by_what_rows_can_be_chosen(kind: Kind) -> None:
    section = DOCUMENTED.partition(f"\n## {kind}\n")[2].partition("\n## ")[0]
    (said,) = re.findall(r"^Options: (.*)\.$", section, re.MULTILINE)
    assert re.findall(r"`(--[\w-]+)`", said) == [c for c in Choice if c in EXPORTS[kind].choices]
