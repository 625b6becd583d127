"""The views of `blockline_read` show what the reports show, and a client reads them and nothing else."""

import os
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from collectors.x.declaration import X
from dashboard.orders.facts import read_orders
from storage.accounts.paged_accounts import AccountFilter, StateFilter, accounts_page, states_page
from storage.alerts.deliveries_report import DeliveryFilter, deliveries
from storage.changes.paged_changes import ChangeFilter, SpellFilter, changes_page, spells_page
from storage.executives.executives_report import access_spans
from storage.executives.paged_signals import SignalFilter, signals_page
from storage.model.core.availability import Flag, State, Status
from storage.model.core.orders import NewOrder
from storage.model.evidence.export_kinds import Kind
from storage.model.orders.cohort import Kind as KindInOrder
from storage.model.orders.cohort import blocked_times
from storage.orders.orders import add_order, number_of, orders
from storage.postgres.migrate import grant_reading
from storage.postgres.pool import Conn, Pool, Refused, open_pool, transaction
from tests.support.samples.readings import minutes
from tests.support.seeds.chain_rows import table
from tests.support.seeds.changes import become, enlist, roster_of
from tests.support.seeds.posts import turn_into_posts
from tests.support.table_digests import as_role

Rows = list[dict[str, Any]]
ALL = 100_000
GAP = timedelta(hours=1)


async def present(conn: Conn) -> datetime:
    return await conn.fetchval("select now()")


async def ordinary(conn: Conn) -> set[int]:
    return {r["account_id"] for r in await conn.fetch("select account_id from ordinary_accounts()")}


def cells(row: object, same: str, **renamed: str) -> dict[str, Any]:
    """The fields of a report that are columns of a view; `renamed` is column = field."""
    return {
        **{name: getattr(row, name) for name in same.split()},
        **{column: getattr(row, field) for column, field in renamed.items()},
    }


async def reported_accounts(conn: Conn) -> Rows:
    known = await ordinary(conn)
    return [
        cells(
            row,
            "account_id platform native_id handle added_at tags followers followers_at lists orders "
            "last_read_at",
            is_post="post",
            is_watched="watched",
            is_executive="executive",
        )
        for row in await accounts_page(conn, AccountFilter(), await present(conn), 0, ALL)
        if row.account_id in known
    ]


async def reported_states(conn: Conn) -> Rows:
    now, known = await present(conn), await ordinary(conn)
    changed = {row.change_id: row for row in await changes_page(conn, ChangeFilter(), None, ALL)}
    newer = {row.account_id: row for row in await accounts_page(conn, AccountFilter(), now, 0, ALL)}
    found: Rows = []
    for row in await states_page(conn, StateFilter(), now, now, 0, ALL):
        if row.account_id not in known:
            continue
        provisional = changed.get(newer[row.account_id].provisional_change_id or 0)
        found.append(
            cells(row, STATE, is_post="post", is_watched="watched", first_seen_new="since")
            | {
                f"provisional_{name}": None if provisional is None else getattr(provisional, name)
                for name in ("change_id", "status", "withheld_in", "last_seen_old", "first_seen_new")
            }
        )
    return found


STATE = (
    "account_id platform native_id handle status withheld_in flags last_seen_old last_read_at recorded_at "
    "source change_id"
)


async def reported_changes(conn: Conn) -> Rows:
    known = await ordinary(conn)
    same = (
        "change_id change_key supersedes account_id platform native_id handle kind old_status "
        "old_withheld_in status withheld_in flags strength last_seen_old first_seen_new recorded_at outcome "
        "reason readings last_agreeing_at decided_at source old_evidence new_evidence"
    )
    rows = await changes_page(conn, ChangeFilter(), None, ALL)
    return [cells(row, same, is_post="post") for row in rows if row.account_id in known]


async def reported_spells(conn: Conn) -> Rows:
    known = await ordinary(conn)
    same = (
        "account_id platform native_id handle status withheld_in flags last_seen_old last_seen recorded_at "
        "source change_id"
    )
    return [
        cells(row, same, is_post="post", first_seen_new="since", first_seen_next="until")
        for row in await spells_page(conn, SpellFilter(), None, ALL)
        if row.account_id in known
    ]


async def reported_coverage(conn: Conn) -> Rows:
    """From the exported requests, and from the functions that list answers and misses one by one."""
    kinds = {
        r["account_id"]: (r["platform"], r["is_post"]) for r in await conn.fetch("select * from account")
    }
    found: dict[tuple[object, ...], dict[str, Any]] = {}

    def of(at: datetime, platform: str, is_post: bool) -> dict[str, Any]:
        key = at.astimezone(UTC).date(), platform, is_post
        empty = {"requests": 0, "requests_missed": 0, "requests_quarantined": 0, "readings": 0, "misses": 0}
        return found.setdefault(
            key, empty | {"asked": set[int](), "read": set[int](), "at": list[datetime]()}
        )

    for request in await table(conn, Kind.COVERAGE):
        if request["vantage"] == "":
            first = await conn.fetchval(
                "select account_ids[1] from roster where roster_id = $1", request["roster_id"]
            )
            day = of(request["observed_at"], *kinds[first])  # pyright: ignore[reportArgumentType]
            day["requests"] += 1
            day["requests_missed"] += request["outcome"] == "missed"
            day["requests_quarantined"] += request["outcome"] == "held"
    for answer in await conn.fetch("select * from answers_between('-infinity', 'infinity')"):
        day = of(answer["observed_at"], *kinds[answer["account_id"]])
        day["readings"] += 1
        day["read"].add(answer["account_id"])
        day["at"].append(answer["observed_at"])
    for miss in await conn.fetch(
        """
        select account_id, at from account a
        cross join lateral account_misses(a.account_id, '-infinity', 'infinity')
        """
    ):
        day = of(miss["at"], *kinds[miss["account_id"]])
        day["misses"] += 1
        day["asked"].add(miss["account_id"])
    return [
        {
            "day": key[0],
            "platform": key[1],
            "is_post": key[2],
            **{
                name: day[name]
                for name in ("requests", "requests_missed", "requests_quarantined", "readings")
            },
            "attempts_without_reading": day["misses"],
            "accounts_asked": len(day["asked"] | day["read"]),
            "accounts_read": len(day["read"]),
            "first_reading_at": min(day["at"], default=None),
            "last_reading_at": max(day["at"], default=None),
        }
        for key, day in found.items()
    ]


async def reported_orders(conn: Conn) -> Rows:
    numbers = {o.reference: o.order_id for o in await orders(conn)}
    return [{"order_id": numbers[str(row["reference"])], **row} for row in await table(conn, Kind.ORDERS)]


async def reported_order_accounts(conn: Conn) -> Rows:
    found: Rows = []
    for order in await read_orders(conn, await present(conn), GAP):
        for member in order.members:
            stay = member.at(order.at)
            blocks = blocked_times(member, order.order.earliest_issue)
            first, last = (blocks[0], blocks[-1]) if blocks else (None, None)
            found.append(
                {
                    "order_id": order.order.order_id,
                    "reference": order.order.reference,
                    **cells(member, "account_id platform handle is_post", is_watched="watched"),
                    "native_id": await conn.fetchval(
                        "select native_id from account where account_id = $1", member.account_id
                    ),
                    "kind": None if stay is None else stay.kind,
                    "was_read": bool(member.stays),
                    "block_periods": len(blocks),
                    "blocked_before_the_order": first and first.since <= order.order.earliest_issue,
                    "first_block_last_seen_old": first and first.onset_after,
                    "first_block_first_seen_new": first and first.since,
                    "last_block_last_seen": last and last.last_seen,
                    "last_block_first_seen_next": last and last.until,
                    "last_read_at": member.seen.last,
                }
            )
    return found


async def reported_compliance(conn: Conn) -> Rows:
    found: Rows = []
    for order in await read_orders(conn, await present(conn), GAP):
        for figures in (order, *([order.posts] if order.posts is not None and order.posts.watched else [])):
            counts, is_post = figures.funnel, figures.noun == "post"
            blocks = {
                "ever_blocked": counts.ever_blocked,
                "blocked_before_the_order": counts.blocked_before,
                "blocked_now": counts.blocked_now,
                "restored": counts.restored,
                "gone_since": counts.gone_since,
            }
            read_at = [m.seen.last for m in figures.cohort.members if m.seen.last is not None]
            found.append(
                {
                    **cells(order.order, "order_id reference title country deadline_at"),
                    "is_post": is_post,
                    "named": None if is_post else counts.named,
                    "on_list": counts.resolved,
                    "watched": counts.watched,
                    "read": counts.read,
                    **{name: n if counts.read else None for name, n in blocks.items()},
                    "oldest_last_read_at": min(read_at, default=None),
                }
            )
    return found


async def reported_engagements(conn: Conn) -> Rows:
    numbers = {
        (r["platform"], r["native_id"]): r["account_id"] for r in await conn.fetch("select * from account")
    }
    recorded = {r["signal_id"]: r["recorded_at"] for r in await conn.fetch("select * from signal")}
    same = (
        "account_id platform native_id handle kind act_id made_after made_at first_seen_at target_id "
        "target_author_id doubts source"
    )
    return [
        cells(row, same, engagement_id="signal_id", person="name")
        | {
            "target_account_id": numbers.get((row.platform, row.target_author_id or "")),
            "recorded_at": recorded[row.signal_id] or row.first_seen_at,
        }
        for row in await signals_page(conn, SignalFilter(), None, ALL)
    ]


async def reported_access(conn: Conn) -> Rows:
    of = {
        r["account_id"]: r
        for r in await conn.fetch("select * from account join executive using (account_id)")
    }
    return [
        {
            "account_id": number,
            **{name: of[number][name] for name in ("platform", "native_id", "handle")},
            "person": of[number]["name"],
            **cells(span, "kind since until reason", is_observable="observable"),
        }
        for number, spans in (await access_spans(conn)).items()
        for span in spans
    ]


async def reported_deliveries(conn: Conn) -> Rows:
    same = "mail_id subject state created_at sent_at attempts next_attempt_at changes kind merged_into"
    return [
        cells(one.mail, same)
        | {
            "recipient": one.mail.recipients[0],
            "rules": list(one.rules),
            "acknowledged_at": one.acknowledged_at,
        }
        for one in await deliveries(conn, DeliveryFilter(), ALL)
    ]


REPORTS: dict[str, Callable[[Conn], Awaitable[Rows]]] = {
    "accounts": reported_accounts,
    "states": reported_states,
    "changes": reported_changes,
    "spells": reported_spells,
    "coverage_by_day": reported_coverage,
    "orders": reported_orders,
    "order_accounts": reported_order_accounts,
    "compliance": reported_compliance,
    "engagements": reported_engagements,
    "engagement_access": reported_access,
    "deliveries": reported_deliveries,
}


def plain(rows: Sequence[dict[str, Any]]) -> list[list[tuple[str, str]]]:
    """Rows in an order of their own. A list of a report is an array of a view, and an enum is its text."""

    def text(value: Any) -> str:
        if isinstance(value, tuple | list):
            return f"[{', '.join(map(text, cast('list[Any]', value)))}]"
        return repr(str(value) if isinstance(value, str) else value)

    return sorted(sorted((name, text(value)) for name, value in row.items()) for row in rows)


async def shown(conn: Conn, view: str) -> Rows:
    return [dict(r) for r in await conn.fetch(f"select * from blockline_read.{view}")]  # noqa: S608


STATES = (
    (State(Status.AVAILABLE), frozenset[Flag]()),
    (State(Status.AVAILABLE), frozenset[Flag]()),
    (State(Status.PROTECTED), frozenset[Flag]()),
    (State(Status.WITHHELD, ("IN",)), frozenset[Flag]()),
    (State(Status.WITHHELD, ("IN", "TR")), frozenset[Flag]()),
    (State(Status.WITHHELD, ("TR",)), frozenset[Flag]()),
    (State(Status.WITHHELD, ("XX",)), frozenset[Flag]()),
    (State(Status.SUSPENDED), frozenset[Flag]()),
    (State(Status.SUSPENDED), frozenset({Flag.SUSPENDED_OR_DELETED})),
    (State(Status.DEACTIVATED), frozenset[Flag]()),
    (State(Status.NOT_FOUND), frozenset[Flag]()),
)


@pytest.mark.parametrize("seed", range(3))
async def test_orders_are_followed_as_their_pages_say_whatever_happened_to_their_accounts(
    pool: Pool, seed: int
) -> None:
    chance = random.Random(seed)
    async with transaction(pool) as conn:
        members = await enlist(conn, X, [str(n) for n in range(1, 41)], ("IN/1 list", "TR/2 list"))
        for country, hours in (("IN", 30), ("TR", 60)):
            issued = minutes(60 * hours)
            await add_order(
                conn,
                NewOrder(
                    reference=f"{country}/{1 if country == 'IN' else 2}",
                    title="Order",
                    issuer="Ministry",
                    country=country,
                    legal_basis="Law",
                    issued_at=issued,
                    issued_from=issued - timedelta(hours=5) if country == "TR" else None,
                    issued_to=issued if country == "TR" else None,
                    deadline_at=None,
                    named_count=50,
                    list_name=f"{country}/{1 if country == 'IN' else 2} list",
                    known_at=issued,
                ),
                minutes(0),
            )
        await turn_into_posts(conn, [m.account_id for m in members[30:]])
        for member in members[2:]:
            roster, old = await roster_of(conn, [member]), None
            times = sorted(chance.sample(range(1, 100), chance.randint(1, 6)))
            for hour in times:
                new, flags = chance.choice(STATES)
                if new == old:
                    continue
                confirmed = hour != times[-1] or old is None or chance.random() < 0.6
                await become(
                    conn, roster, member, old, new, minutes(60 * hour), flags=flags, confirmed=confirmed
                )
                old = new
        assert await number_of(conn, "IN/1") is not None
        followed = await shown(conn, "order_accounts")
        for view in ("order_accounts", "compliance"):
            assert plain(await shown(conn, view)) == plain(await REPORTS[view](conn))
    assert {r["kind"] for r in followed} == {
        None,
        *(k.value for k in KindInOrder if k is not KindInOrder.NEVER_READ),
    }
    assert {True, False, None} == {r["blocked_before_the_order"] for r in followed}
    assert max(r["block_periods"] for r in followed) >= 2


# rights ----------------------------------------------------------------------------------------------------
@pytest.fixture
async def client(pool: Pool, dsn: str) -> AsyncGenerator[Pool]:
    """Connections of a role that was granted the views, and nothing else."""
    role = f'reads "it" {os.getpid()}'
    quoted = '"' + role.replace('"', '""') + '"'
    async with transaction(pool) as conn:
        await conn.execute(f"create role {quoted}")
    try:
        await grant_reading(dsn, role)
        async with open_pool(as_role(dsn, role), max_size=1) as theirs:
            yield theirs
    finally:
        async with transaction(pool) as conn:
            await conn.execute(f"drop owned by {quoted}")
            await conn.execute(f"drop role {quoted}")


async def test_a_client_reads_no_table_and_no_other_view(client: Pool) -> None:
    async with transaction(client) as conn:
        rows = await conn.fetch(
            """
            select c.oid::regclass::text as name
            from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname not in ('pg_catalog', 'information_schema', 'blockline_read')
                and n.nspname !~ '^pg_' and c.relkind in ('r', 'p', 'v', 'm', 'S')
                and (case when c.relkind = 'S' then has_sequence_privilege(c.oid, 'usage, select, update')
                    else has_table_privilege(
                            c.oid, 'select, insert, update, delete, truncate, references, trigger'
                        ) or has_any_column_privilege(c.oid, 'select, insert, update, references') end)
            """
        )
    assert [r["name"] for r in rows] == []


async def test_a_role_that_does_not_exist_is_refused_in_one_sentence(dsn: str) -> None:
    with pytest.raises(
        Refused, match=r"^There is no role 'nobody there' on the server at .+\. Create the role first\.$"
    ):
        await grant_reading(dsn, "nobody there")
