"""Every kind of rows: what stands beside the changes, how rows are chosen, what the documentation says."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest

from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts.accounts import NewAccount, add_accounts, stop_watching
from storage.accounts.watch_lists import put_accounts_on, take_accounts_off
from storage.export.exports import EXPORTS
from storage.model.evidence.export_kinds import Choice, ExportFilter, Kind
from storage.postgres.pool import Pool, transaction
from storage.postgres.replica import snapshot
from tests.support.samples.label_signing import SUBJECT
from tests.support.samples.readings import T0, minutes
from tests.support.samples.stored_labels import stated, store
from tests.support.seeds.export_rows import NOW, context, only, story, table
from tests.support.seeds.posts import turn_into_posts
from tests.support.seeds.single_rows import enlist

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
