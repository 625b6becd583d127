"""Loading what a monitor needs when it starts: every watched account as last recorded."""

from dataclasses import dataclass
from datetime import datetime

from storage.accounts import accounts
from storage.changes.heard_countries import with_heard_countries
from storage.model.core.accounts import Account, AccountId, ListId, Platform
from storage.model.core.availability import Flag, State, Status, Strength
from storage.model.core.known_state import Known, Pending
from storage.postgres.pool import Conn
from storage.readings import coverage

_ROWS_AT_ONCE = 5_000
_NO_LISTS: frozenset[ListId] = frozenset()


@dataclass(frozen=True, slots=True)
class WatchedAccount:
    account: Account
    lists: frozenset[ListId]
    known: Known
    held_since: datetime | None = None
    """The time of the first quarantined answer after the last believed answer. None if there is none."""


async def load_watched(
    conn: Conn, platform: Platform, account_ids: list[AccountId] | None = None
) -> list[WatchedAccount]:
    """All watched accounts of a platform in order of their ids. `account_ids` limits them; None means all.

    Equal states are one object, and rows arrive some thousands at a time, because very many accounts are in
    memory. Must be called in a transaction.
    """
    # First, so that a reading that is stored meanwhile is not taken for one that showed the state of before.
    read_at = await coverage.last_readings(conn, platform, only=account_ids)
    states: dict[tuple[str, tuple[str, ...]], State] = {}
    shared: dict[tuple[State | None, datetime | None, datetime | None], Known] = {}
    found: list[Account] = []
    known: dict[AccountId, Known] = {}
    async for r in conn.cursor(
        """
        select a.account_id, a.native_id, a.handle, s.status, s.withheld_in,
            c.status as pending_status, c.withheld_in as pending_withheld_in, c.strength, c.last_seen_old,
            c.first_seen_new, c.flags, p.agreeing, p.next_read_at, p.last_agreeing_at,
            not exists (select from change any_source where any_source.account_id = a.account_id)
            or exists (
                select from change own where own.account_id = a.account_id and own.source = a.platform
            ) as is_own
        from account a
        left join lateral own_state(a.account_id) s on true
        left join pending_change p on p.account_id = a.account_id
        left join change c on c.change_id = p.change_id
        where a.platform = $1 and a.watched and ($2::bigint[] is null or a.account_id = any($2))
        order by a.account_id
        """,
        platform.value,
        account_ids,
        prefetch=_ROWS_AT_ONCE,
    ):
        account_id = AccountId(r["account_id"])
        # Readings of an imported record are coverage too but not ours. Our own first reading opens a change.
        if not r["is_own"]:
            read_at.pop(account_id, None)
        read = read_at.get(account_id)
        pending = None
        if r["pending_status"] is not None:
            pending = Pending(
                state=State(Status(r["pending_status"]), tuple(r["pending_withheld_in"])),
                strength=Strength(r["strength"]),
                last_seen_old=r["last_seen_old"],
                first_seen_new=r["first_seen_new"],
                agreeing=r["agreeing"],
                last_agreeing_at=r["last_agreeing_at"],
                next_read_at=r["next_read_at"],
                flags=frozenset(Flag(f) for f in r["flags"]),
            )
        state = None
        if r["status"] is not None:
            said = r["status"], tuple(r["withheld_in"])
            state = states.get(said) or states.setdefault(said, State(Status(said[0]), said[1]))
        one = Known(state, read and read.at, read and read.asked_at, pending)
        if pending is None:
            one = shared.setdefault((state, one.last_read_at, one.last_asked_at), one)
        known[account_id] = one
        found.append(Account(account_id, platform, r["native_id"], r["handle"]))
    known |= await with_heard_countries(conn, platform, known, read_at)
    lists = await accounts.memberships(conn, platform, account_ids)
    held_since = await coverage.held_since(conn, platform, account_ids)
    return [
        WatchedAccount(
            a, lists.get(a.account_id, _NO_LISTS), known[a.account_id], held_since.get(a.account_id)
        )
        for a in found
    ]


async def recent_confirmations(
    conn: Conn, platform: Platform, since: datetime
) -> list[tuple[ListId, datetime]]:
    """The lists on which a change was confirmed at `since` or later, each with the time of the confirming
    reading. Sorted by time.

    A change counts for the lists that its account was on at that reading.
    """
    rows = await conn.fetch(
        """
        select distinct m.list_id, o.last_agreeing_at
        from change_outcome o
        join standing_change c using (change_id)
        join account a using (account_id)
        join membership m on m.account_id = c.account_id
            and m.added_at <= o.last_agreeing_at and coalesce(m.removed_at, 'infinity') > o.last_agreeing_at
        where a.platform = $1 and o.decided_at >= $2 and o.last_agreeing_at >= $2
            and o.outcome = 'confirmed' and c.source = a.platform and c.kind <> 'baseline'
        order by o.last_agreeing_at, m.list_id
        """,
        platform.value,
        since,
    )
    return [(ListId(r["list_id"]), r["last_agreeing_at"]) for r in rows]
