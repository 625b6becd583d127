"""Accounts, the lists they are on, and the handles they had."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from storage.accounts import canaries
from storage.accounts.lookup import refuse_archived
from storage.alerts import creation
from storage.model.core.accounts import (
    Account,
    AccountId,
    DatedMembership,
    HandleChange,
    ListId,
    Platform,
    WatchPeriod,
)
from storage.model.core.availability import Reason
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import clean
from storage.postgres.pool import Conn, Refused
from storage.postgres.recording_order import moment


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to be watched. `lists` are names; a list that does not exist is made."""

    platform: Platform
    native_id: str
    handle: str
    lists: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    accounts: int
    """Accounts that were not known before."""
    memberships: int


async def add_accounts(conn: Conn, accounts: Sequence[NewAccount], now: datetime) -> Added:
    """Add accounts to the watch, and to their lists. One that is already there only gains its new lists.

    They are watched, and on a list, from `now` on or from what was recorded last. A control account that
    Blockline chose makes way. Raises Refused, and nothing is stored, when one of
    them is a control account of the settings, or one of the lists is archived.
    """
    if not accounts:
        return Added(0, 0)
    platforms = [a.platform.value for a in accounts]
    native_ids = [a.native_id for a in accounts]
    await canaries.refuse_named(conn, platforms, native_ids)
    await refuse_archived(conn, {name for account in accounts for name in account.lists})
    await conn.execute(
        """
        select from account a join unnest($1::text[], $2::text[]) as u (platform, native_id)
            using (platform, native_id)
        order by a.account_id for no key update of a
        """,
        platforms,
        native_ids,
    )
    at = await moment(conn, lambda: now)
    new = await conn.fetch(
        """
        insert into account (platform, native_id, handle, is_post, added_at)
        select distinct on (platform, native_id) platform, native_id, handle, is_post, $5
        from unnest($1::text[], $2::text[], $3::text[], $4::boolean[])
            as u (platform, native_id, handle, is_post)
        on conflict (platform, native_id) do nothing
        returning account_id
        """,
        platforms,
        native_ids,
        [a.handle for a in accounts],
        [DECLARED[a.platform].is_post(a.native_id) for a in accounts],
        at,
    )
    again = await conn.fetch(
        """
        with again as (
            update account a set watched = true
            from unnest($1::text[], $2::text[]) as u (platform, native_id)
            where a.platform = u.platform and a.native_id = u.native_id and not a.watched
            returning a.account_id
        )
        insert into watch_period (account_id, since)
        select account_id, greatest($3, max(p.until)) from again left join watch_period p using (account_id)
        group by account_id returning account_id
        """,
        platforms,
        native_ids,
        at,
    )
    await canaries.release(conn, platforms, native_ids)
    members = [(a.platform.value, a.native_id, name) for a in accounts for name in a.lists]
    await conn.execute(
        """
        insert into watch_list (name, created_at)
        select distinct name, $2::timestamptz from unnest($1::text[]) as u (name)
        on conflict (name) do nothing
        """,
        [name for _, _, name in members],
        at,
    )
    joined = await conn.fetch(
        """
        insert into membership (list_id, account_id, added_at)
        select distinct l.list_id, a.account_id, greatest($4, (
            select max(removed_at) from membership m
            where m.list_id = l.list_id and m.account_id = a.account_id
        ))
        from unnest($1::text[], $2::text[], $3::text[]) as u (platform, native_id, list)
        join account a on a.platform = u.platform and a.native_id = u.native_id
        join watch_list l on l.name = u.list
        on conflict do nothing
        returning account_id
        """,
        [m[0] for m in members],
        [m[1] for m in members],
        [m[2] for m in members],
        at,
    )
    if edited := {r["account_id"] for r in (*new, *again, *joined)}:
        await announce_watch(conn, edited)
    return Added(len(new), len(joined))


async def memberships(
    conn: Conn, platform: Platform, only: Sequence[AccountId] | None = None
) -> dict[AccountId, frozenset[ListId]]:
    """The lists of every account that is on one, or of those named. Accounts on the same share one set."""
    rows = await conn.fetch(
        """
        select m.account_id, array_agg(m.list_id) as lists
        from watch_list_member m join account a using (account_id)
        where a.platform = $1 and ($2::bigint[] is null or m.account_id = any($2)) group by 1
        """,
        platform.value,
        only,
    )
    shared: dict[frozenset[ListId], frozenset[ListId]] = {}
    lists = ((r["account_id"], frozenset(ListId(i) for i in r["lists"])) for r in rows)
    return {AccountId(account_id): shared.setdefault(those, those) for account_id, those in lists}


async def dated_memberships(
    conn: Conn, account_ids: Sequence[AccountId]
) -> dict[AccountId, tuple[DatedMembership, ...]]:
    """The lists that each account is or was on, oldest first. One that was on none is left out."""
    rows = await conn.fetch(
        """
        select account_id, list_id, added_at, removed_at from membership
        where account_id = any($1::bigint[]) order by account_id, added_at, membership_id
        """,
        account_ids,
    )
    shared: dict[DatedMembership, DatedMembership] = {}
    """Those who were imported together."""
    found: dict[AccountId, tuple[DatedMembership, ...]] = {}
    for r in rows:
        account_id = AccountId(r["account_id"])
        one = DatedMembership(ListId(r["list_id"]), r["added_at"], r["removed_at"])
        found[account_id] = (*found.get(account_id, ()), shared.setdefault(one, one))
    return found


async def record_renames(conn: Conn, renames: Sequence[HandleChange], now: datetime) -> None:
    """Store renames once each, and the new handle with the account.

    What stands in place of a handle (the id, after a purge or an import without handles) is none: the first
    handle after it is stored with the account, and is no rename, whatever the caller remembers. The accounts
    are locked first, so that a purge comes wholly before or wholly after.
    """
    rows = await conn.fetch(
        """
        select account_id, handle not in (native_id, 'id:' || native_id) as is_named from account
        where account_id = any($1::bigint[]) and watched order by account_id for no key update
        """,
        [r.account_id for r in renames],
    )
    is_named = {AccountId(r["account_id"]): r["is_named"] for r in rows}
    named = [r for r in renames if is_named.get(r.account_id)]
    await conn.execute(
        """
        insert into rename (account_id, old_handle, new_handle, last_seen_old, first_seen_new, recorded_at)
        select account_id, old_handle, new_handle, last_seen_old, first_seen_new, $6::timestamptz
        from unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[])
            as u (account_id, old_handle, new_handle, last_seen_old, first_seen_new)
        on conflict (account_id, first_seen_new) do nothing
        """,
        [r.account_id for r in named],
        [r.old_handle for r in named],
        [r.new_handle for r in named],
        [r.last_seen_old for r in named],
        [r.first_seen_new for r in named],
        now,
    )
    await conn.execute(
        """
        update account a set handle = u.handle
        from unnest($1::bigint[], $2::text[]) as u (account_id, handle)
        where a.account_id = u.account_id and a.watched
        """,
        [r.account_id for r in renames],
        [r.new_handle for r in renames],
    )
    if not all(is_named.values()):
        unnamed = [account_id for account_id, had_name in is_named.items() if not had_name]
        await announce_watch(conn, unnamed)  # open dashboards hear of renames only


async def stop_watching(
    conn: Conn, platform: Platform, name: str, now: datetime, *, is_id: bool = False
) -> Account:
    """Stop reading the watched account with that handle or native id; with `is_id` only the id counts.

    What was seen of it stays; a provisional change ends as not confirmed. Raises Refused when no watched
    account has that name, or more than one has it: then nothing is stopped.
    """
    rows = await conn.fetch(
        """
        select account_id, native_id, handle from account
        where platform = $1 and watched and (native_id = $2 or (not $3 and lower(handle) = lower($2)))
        order by account_id for no key update
        """,
        platform.value,
        name,
        is_id,
    )
    if not rows:
        raise Refused(
            f"No watched account on {platform.value} has the {'id' if is_id else 'handle'} {name!r}."
        )
    if len(rows) > 1:
        ids = ", ".join(f"id:{clean(r['native_id'])}" for r in rows)
        raise Refused(f"{clean(name)} matches {len(rows)} watched accounts. Give one of these ids: {ids}.")
    (row,) = rows
    at = await moment(conn, lambda: now)
    await end_watch(conn, row["account_id"], at)
    await end_pending(conn, row["account_id"], at)
    await announce_watch(conn, [row["account_id"]])
    return Account(AccountId(row["account_id"]), platform, row["native_id"], row["handle"])


async def end_watch(conn: Conn, account_id: int, now: datetime) -> None:
    """Nobody reads the account from `now` on; that it was read until then stays stored."""
    await conn.execute(
        """
        with ended as (
            update watch_period set until = greatest($2, since) where account_id = $1 and until is null
        )
        update account set watched = false where account_id = $1 and watched
        """,
        account_id,
        now,
    )


async def watch_periods(
    conn: Conn, account_ids: Sequence[AccountId]
) -> dict[AccountId, tuple[WatchPeriod, ...]]:
    """When each account was watched, oldest first. One that never was is left out."""
    rows = await conn.fetch(
        """
        select account_id, since, until from watch_period where account_id = any($1::bigint[])
        order by account_id, since, watch_period_id
        """,
        account_ids,
    )
    found: dict[AccountId, tuple[WatchPeriod, ...]] = {}
    for r in rows:
        account_id = AccountId(r["account_id"])
        found[account_id] = (*found.get(account_id, ()), WatchPeriod(r["since"], r["until"]))
    return found


async def end_pending(conn: Conn, account_id: int, now: datetime) -> None:
    """Nobody will read the account again: its provisional change, if there is one, ends as not confirmed.

    Whoever was told of it will be told that it stays unknown.
    """
    change_id = await conn.fetchval(
        """
        with ended as (delete from pending_change where account_id = $1 returning *)
        insert into change_outcome (change_id, outcome, reason, decided_at, readings, last_agreeing_at)
        select change_id, 'not_confirmed', $2, $3, agreeing, last_agreeing_at from ended
        returning change_id
        """,
        account_id,
        Reason.NO_LONGER_WATCHED.value,
        now,
    )
    if change_id is not None:
        await creation.unresolved(conn, [change_id], now)


async def lock_all(conn: Conn) -> None:
    """Make whoever wants to hold an account, or to change one, wait until the transaction ends."""
    await conn.execute("lock table account in exclusive mode")


async def announce_watch(conn: Conn, account_ids: Collection[int] | None = None) -> None:
    """Tell running monitors and open dashboards to load again what is watched. If the edit is about some
    accounts only, or about none, `account_ids` names them: monitors then load no others.
    """
    if account_ids is None:
        await conn.execute("select announce('account', null)")
        return
    await conn.execute(
        """
        with edit as (insert into watch_edit (account_ids) values ($1) returning watch_edit_id)
        select announce('account', watch_edit_id) from edit
        """,
        sorted(account_ids),
    )


@dataclass(frozen=True, slots=True)
class WatchVersion:
    """What is watched, as of the newest edit."""

    number: int
    """Grows with each edit."""
    edited: frozenset[AccountId] | None
    """The accounts that were edited since an earlier version. None: it may be any."""


async def watch_version(conn: Conn, since: int) -> WatchVersion:
    """The version of what is watched, and what was edited after the version `since`."""
    rows = await conn.fetch(
        """
        select e.live_event_id, w.account_ids from live_event e
        left join watch_edit w on w.watch_edit_id = e.ref
        where e.topic = 'account' and e.live_event_id > $1 order by e.live_event_id
        """,
        since,
    )
    number = rows[-1]["live_event_id"] if rows else max(since, 0)
    if since < 0 or any(r["account_ids"] is None for r in rows):
        return WatchVersion(number, None)
    return WatchVersion(number, frozenset(AccountId(i) for r in rows for i in r["account_ids"]))


async def accounts_not_found(conn: Conn, platform: Platform) -> list[Account]:
    """The watched accounts whose confirmed status is not found, in stable order."""
    rows = await conn.fetch(
        """
        select a.account_id, a.native_id, a.handle from spells_now() s join account a using (account_id)
        where a.platform = $1 and a.watched and s.status = 'not_found'
        order by a.account_id
        """,
        platform.value,
    )
    return [Account(AccountId(r["account_id"]), platform, r["native_id"], r["handle"]) for r in rows]
