"""A written setup, applied to the same installation, changes nothing, and elsewhere it makes the same."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from jobs.setup.apply import apply_setup
from jobs.setup.difference import SetupLimits
from jobs.setup.setup_file import read_setup
from jobs.setup.setup_text import setup_text
from jobs.setup.stored_setup import stored_setup
from storage.accounts.accounts import NewAccount, add_accounts
from storage.accounts.list_thresholds import set_list_thresholds
from storage.accounts.listing import list_counts, set_up_accounts
from storage.accounts.name_checks import open_check
from storage.accounts.tags import AccountTags, describe
from storage.accounts.watch_lists import (
    archive_list,
    guarantee_interval,
    keep_evidence,
    make_list,
    put_accounts_on,
)
from storage.accounts.watching import stop_watching_many
from storage.alerts.rules import keep_to_settings, save_rule
from storage.executives.signals import add_executive
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.accounts import Platform
from storage.model.core.list_thresholds import ListThresholds
from storage.model.core.orders import (
    Claim,
    ClaimedTargets,
    ClaimedWhat,
    NewOrder,
    NewOrderEvent,
    OrderEventKind,
)
from storage.model.orders.order_fields import OrderEdit
from storage.model.orders.pasted_names import lines_of_names
from storage.orders.checked_names import add_checked_names
from storage.orders.order_edits import add_event, change_order, edit_keywords, file_order, withdraw_names
from storage.orders.orders import order_called
from storage.postgres.pool import Conn, open_pool, transaction
from tests.support.repeats import repeats
from tests.support.samples.readings import T0

DATABASES = Callable[[], AbstractContextManager[str]]
LIMITS = SetupLimits()
LISTS = ("Desk", "Watch list", 'Ünï "quoted"', "R1", "a\\b")
WORDS = st.sampled_from(["plain", 'said "so"', "两个", "back\\slash", "# not a comment", "x\u00a0y"])
NAMES = st.lists(
    st.sampled_from(
        [
            "x:a1",
            "x:a2",
            "x:unknown",
            "id:3",
            "https://x.com/a1/status/20",
            "bsky.app",
            "not a name",
            "x:id:4",
        ]
    ),
    unique=True,
)
PEOPLE = {
    (Platform("x"), "1"): "a1",
    (Platform("x"), "2"): "a2",
    (Platform("x"), "3"): "3",
    (Platform("x"), "4"): "id:4",
    (Platform("bluesky"), "did:plc:aaaaaaaaaaaaaaaaaaaaaaaa"): "a.bsky.social",
    (Platform("mastodon"), "https://example.org/users/m#1"): "m@example.org",
}
TIMES = st.none() | st.integers(0, 10_000_000).map(lambda n: T0 + timedelta(seconds=n, microseconds=n % 7))


async def write(conn: Conn, data: st.DataObject) -> None:
    """Write an installation as its commands and pages would."""
    draw = data.draw
    for name in draw(st.sets(st.sampled_from(LISTS))):
        await make_list(conn, name, "test", T0)
        await guarantee_interval(conn, name, draw(st.sampled_from([None, timedelta(minutes=90)])), "test", T0)
        own = draw(st.sampled_from([None, ListThresholds(1, 3)]))
        await set_list_thresholds(conn, name, own, "test", T0)
        await keep_evidence(conn, name, draw(st.sampled_from([None, 2000])), "test", T0)
    chosen = draw(st.lists(st.sampled_from(sorted(PEOPLE)), unique=True))
    lists = {key: draw(st.sets(st.sampled_from(LISTS))) for key in chosen}
    new = [NewAccount(*key, PEOPLE[key], tuple(lists[key])) for key in chosen]
    await add_accounts(conn, new, T0)
    for name in draw(st.sets(st.sampled_from(sorted(await lists_by_name(conn)) or ["Desk"]))):
        if name in await lists_by_name(conn):
            await archive_list(conn, name, "test", T0, archived=True)
    tags = [AccountTags(*key, tuple(draw(st.sets(st.sampled_from("abc"))))) for key in chosen]
    await describe(conn, tags, T0)
    for key in draw(st.lists(st.sampled_from(sorted(PEOPLE)), unique=True, max_size=2)):
        await add_executive(conn, *key, PEOPLE[key], draw(WORDS), draw(WORDS), T0)
    stored = await set_up_accounts(conn)
    ids = [one.account_id for one in stored.values()]
    if ids:
        await stop_watching_many(conn, draw(st.lists(st.sampled_from(ids), unique=True)), "test", T0)
    await write_rules(conn, data)
    for reference in draw(st.sampled_from([(), ("R1",), ("R1", "R 2")])):
        await write_order(conn, data, reference)


async def lists_by_name(conn: Conn) -> set[str]:
    return {count.name for count in await list_counts(conn)}


async def write_rules(conn: Conn, data: st.DataObject) -> None:
    for name in data.draw(st.lists(st.sampled_from("DCBA"), unique=True)):
        match = Match(lists=frozenset(data.draw(st.sets(st.sampled_from(LISTS)))))
        rule = AlertRule(("desk@example.org",), name=name, match=match)
        await save_rule(conn, rule, "test", T0, enabled=data.draw(st.booleans()))
    if data.draw(st.booleans()):
        await keep_to_settings(conn, [AlertRule(("boss@example.org",), name="Boss")], T0)


async def write_order(conn: Conn, data: st.DataObject, reference: str) -> None:
    draw = data.draw
    order = NewOrder(
        reference=reference,
        title=draw(WORDS),
        issuer=draw(WORDS),
        country="IN",
        legal_basis=draw(WORDS),
        issued_at=T0,
        issued_from=draw(st.sampled_from([None, T0 - timedelta(days=1)])),
        issued_to=draw(st.sampled_from([None, T0 + timedelta(microseconds=1)])),
        deadline_at=draw(TIMES),
        named_count=draw(st.integers(0, 3)),
        list_name=f"List of {reference}",
        known_at=T0,
    )
    stored = await file_order(conn, order, "test", T0)
    await edit_keywords(conn, stored, draw(st.sets(st.sampled_from(["farm", "ban"]))), (), "test", T0)
    names = draw(NAMES)
    check = await open_check(conn, lines_of_names(names, None), "list", None, None, "test", T0)
    await add_checked_names(conn, stored, check, "test", T0)
    gone = draw(st.lists(st.sampled_from(names), unique=True)) if names else []
    await withdraw_names(conn, await order_called(conn, reference), gone, "taken back", "test", T0)
    if draw(st.booleans()):
        edit = OrderEdit(named_count=draw(st.integers(0, 9)), list_name=f"Renamed {reference}")
        await change_order(conn, await order_called(conn, reference), edit, "test", T0)
    ids = [one.account_id for one in (await set_up_accounts(conn)).values()]
    list_name = (await order_called(conn, reference)).order.list_name
    if ids and draw(st.booleans()):
        await put_accounts_on(conn, list_name, ids[:1], "test", T0)
    for kind in draw(st.sets(st.sampled_from(OrderEventKind))):
        of_posts = Claim(3, None, ClaimedWhat.WITHHELD, targets=ClaimedTargets.POSTS)
        claim = draw(st.sampled_from([None, of_posts, Claim(1, 2, ClaimedWhat.BLOCKED, at_least=True)]))
        at = draw(TIMES) or T0
        text = f"{reference} {kind} {draw(WORDS)}"
        event = NewOrderEvent(reference, kind, at, None, draw(st.just(at)), text, "source", T0, claim)
        await add_event(conn, event, "test", T0)


async def applied(conn: Conn, text: str, now: datetime, *, prune: bool = False) -> list[str]:
    """Apply a file; return what was done."""
    parsed = read_setup(text.encode(), "setup.toml", now)
    assert parsed.problems == ()
    (setup,) = parsed.rows
    found = await apply_setup(conn, setup, LIMITS, "test", now, prune=prune, dry_run=False)
    assert found.problems == ()
    return [step.sentence for step in found.steps]


# Each example takes two databases, so that looking for a smaller one would take minutes.
@given(data=st.data())
@settings(
    phases=[Phase.explicit, Phase.generate],
    max_examples=repeats(10, 200),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_a_written_setup_changes_nothing_here_and_makes_the_same_elsewhere(
    fresh_database: DATABASES, data: st.DataObject
) -> None:
    later = T0 + timedelta(hours=1)

    async def here(dsn: str) -> str:
        async with open_pool(dsn, max_size=1) as pool:
            async with transaction(pool) as conn:
                await write(conn, data)
            async with transaction(pool) as conn:
                text = setup_text(await stored_setup(conn))
                assert await applied(conn, text, later) == []
                assert await applied(conn, text, later, prune=True) == []
        return text

    async def elsewhere(dsn: str, text: str) -> str:
        async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
            await applied(conn, text, later)
            assert await applied(conn, text, later, prune=True) == []
            return setup_text(await stored_setup(conn))

    with fresh_database() as dsn:
        text = asyncio.run(here(dsn))
    with fresh_database() as dsn:
        assert asyncio.run(elsewhere(dsn, text)) == text
