"""The read models over three platforms: flags go with what they explain, and only our own readings count."""

from dataclasses import replace
from datetime import timedelta

import pytest

from collectors.bluesky.declaration import BLUESKY
from collectors.mastodon.declaration import MASTODON
from collectors.x.declaration import X
from storage.accounts.listing import listed_accounts
from storage.countries.countries import by_country
from storage.countries.country_report import country_accounts
from storage.health.status import overview
from storage.live.account_detail import account_detail
from storage.live.kpis import kpis
from storage.live.snapshot import changes, snapshot, spells
from storage.model.core.accounts import Account, AccountId
from storage.model.core.availability import ChangeKind, Flag, Status
from storage.model.core.coverage import BatchOutcome
from storage.postgres.pool import Conn, Pool, transaction
from tests.support.samples.readings import AVAILABLE, SUSPENDED, T0, WITHHELD_IN, minutes
from tests.support.seeds.changes import HOUR, Story, batch, become, enlist, read, roster_of

SWEEP = timedelta(minutes=15)
OR_DELETED = frozenset({Flag.SUSPENDED_OR_DELETED})
TEMPORARY = frozenset({Flag.TEMPORARY})
URIS = [f"https://m.example/users/{name}#{n}" for n, name in enumerate("abc")]


async def suspended_three_ways(conn: Conn) -> list[int]:
    """Accounts of one server: suspended, suspended or deleted, and withheld; all were read at minute 20."""
    accounts = await enlist(conn, MASTODON, URIS, ("List",))
    roster = await roster_of(conn, accounts, place="m.example")
    ways = [(SUSPENDED, TEMPORARY), (SUSPENDED, OR_DELETED), (WITHHELD_IN, frozenset[Flag]())]
    for n, (account, (state, flags)) in enumerate(zip(accounts, ways, strict=True)):
        await become(conn, roster, account, None, AVAILABLE, minutes(n))
        await become(conn, roster, account, AVAILABLE, state, minutes(15 + n), flags=flags)
    return [a.account_id for a in accounts]


async def test_who_may_as_well_have_deleted_the_account_is_not_counted_as_blocked(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await suspended_three_ways(conn)
        counts = await kpis(conn, minutes(20), SWEEP)
        later = await kpis(conn, minutes(120), SWEEP)
        stand = await overview(conn, minutes(20), SWEEP)
    assert (counts.watched, counts.suspended, counts.withheld, counts.new_blocks) == (3, 1, 1, 2)
    assert (later.unread, later.blocked_unread) == (3, 2)
    assert (stand.standing(Status.SUSPENDED), stand.standing(Status.SUSPENDED, Status.WITHHELD)) == (1, 2)
    assert stand.changes[ChangeKind.BLOCK] == 2
    assert stand.changes[ChangeKind.GONE] == 1
    assert {(s.state, s.or_deleted, s.accounts) for s in stand.states} == {
        (SUSPENDED, False, 1),
        (SUSPENDED, True, 1),
        (WITHHELD_IN, False, 1),
    }
    assert stand.watched == 3


async def test_an_account_that_came_back_is_judged_by_the_flags_of_its_newest_state(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, MASTODON, URIS[:1], ("List",))
        roster = await roster_of(conn, accounts, place="m.example")
        await become(conn, roster, accounts[0], None, SUSPENDED, minutes(0), flags=OR_DELETED)
        assert (await kpis(conn, minutes(1), SWEEP)).suspended == 0
        await become(conn, roster, accounts[0], SUSPENDED, AVAILABLE, minutes(15))
        await become(conn, roster, accounts[0], AVAILABLE, SUSPENDED, minutes(30), flags=TEMPORARY)
        assert (await kpis(conn, minutes(31), SWEEP)).suspended == 1


@pytest.mark.parametrize(
    ("flags", "kind"), [(OR_DELETED, ChangeKind.RETURN), (TEMPORARY, ChangeKind.RESTORATION)]
)
async def test_a_comeback_is_named_by_what_was_told_of_the_state_before(
    pool: Pool, flags: frozenset[Flag], kind: ChangeKind
) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, MASTODON, URIS[:1], ("List",))
        roster = await roster_of(conn, accounts, place="m.example")
        (one,) = accounts
        await become(conn, roster, one, None, AVAILABLE, minutes(0))
        await become(conn, roster, one, AVAILABLE, SUSPENDED, minutes(15), flags=flags)
        await become(conn, roster, one, SUSPENDED, AVAILABLE, minutes(30))
        told = await account_detail(conn, one.account_id, minutes(31), SWEEP)
        counts = await kpis(conn, minutes(31), SWEEP)
    assert told is not None
    assert told.changes[0].kind is kind
    assert counts.restored == (1 if kind is ChangeKind.RESTORATION else 0)


async def test_changes_and_spells_carry_the_flags_that_they_were_first_seen_with(pool: Pool) -> None:
    async with transaction(pool) as conn:
        ids = await suspended_three_ways(conn)
        one = await account_detail(conn, ids[1], minutes(20), SWEEP)
        told = await changes(conn, T0, ())
        shown = await spells(conn, None, ids)
        listed = await listed_accounts(conn, "List", minutes(20), minutes(20))
    assert one is not None
    assert [(c.kind, c.platform, c.flags) for c in one.changes] == [
        (ChangeKind.GONE, MASTODON, OR_DELETED),
        (ChangeKind.BASELINE, MASTODON, frozenset()),
    ]
    assert [s.flags for s in one.spells] == [frozenset(), OR_DELETED]
    assert [c.flags for c in told] == [TEMPORARY, OR_DELETED, frozenset()]
    assert {s.flags for s in shown if s.state == AVAILABLE} == {frozenset()}
    assert [a.flags for a in listed] == [TEMPORARY, OR_DELETED, frozenset()]


async def test_an_account_that_was_withheld_carries_the_flags_of_what_it_is_now(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, BLUESKY, ["did:plc:a"], ("List",))
        roster = await roster_of(conn, accounts)
        host = frozenset({Flag.HOST})
        await become(conn, roster, accounts[0], None, WITHHELD_IN, minutes(0))
        await become(conn, roster, accounts[0], WITHHELD_IN, SUSPENDED, minutes(15), flags=host)
        (row,) = await country_accounts(conn, "IN", None, 10, 0)
    assert (row.state, row.standing, row.flags, row.since) == (SUSPENDED, "no-longer", host, minutes(15))


async def test_what_is_read_from_elsewhere_changes_no_figure_and_closes_no_gap(
    pool: Pool, story: Story
) -> None:
    async def told(conn: Conn) -> tuple[object, ...]:
        shot = await snapshot(conn, None, story.now + 5 * HOUR, story.sweep)
        one = await account_detail(conn, story.wave[0], story.now + 5 * HOUR, story.sweep)
        assert one is not None
        return (
            shot.coverage,
            one.seen,
            one.last_look,
            await kpis(conn, story.now + 5 * HOUR, story.sweep),
            replace(await overview(conn, story.now + 5 * HOUR, story.sweep), detectors=()),
            await by_country(conn),
            await country_accounts(conn, "IN", None, 100, 0),
        )

    async with transaction(pool) as conn:
        before = await told(conn)
        ids = [a for accounts in story.accounts for a in accounts]
        accounts = [Account(AccountId(a), X, str(a), "h") for a in ids]
        there = await roster_of(conn, accounts, vantage="tr")
        for at in (story.outage[0] + HOUR, story.now + HOUR, story.now + 4 * HOUR):
            await read(conn, batch(there, at))
        await read(conn, batch(there, story.now + 4.5 * HOUR, BatchOutcome.MISSED))
        assert await told(conn) == before
