"""Edits of lists: make or rename one, add or remove accounts, set the retention and the guaranteed interval.

The audit log has each edit, with the numbers of the accounts. An edit that changes nothing is not logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.accounts.accounts import announce_watch
from storage.accounts.evidence_retention import ORDER_DAYS, ListRule, list_rules, set_rule
from storage.accounts.list_thresholds import thresholds_of
from storage.accounts.lookup import archived_refusal, list_called
from storage.alerts.rules import load_rules
from storage.model.core.accounts import ListId
from storage.model.core.list_thresholds import ListThresholds
from storage.model.tables.tag_and_list_edits import Edited, EditOutcome
from storage.model.text.states import clean
from storage.postgres.audit_log import log
from storage.postgres.pool import Conn, Refused
from storage.postgres.recording_order import moment


@dataclass(frozen=True, slots=True)
class ListHead:
    """A list, locked against other edits until the transaction ends."""

    list_id: int
    name: str
    order_id: int | None
    is_archived: bool


async def make_list(conn: Conn, name: str, actor: str, now: datetime) -> int:
    """Make an empty list; returns its number. Raises Refused if the name is taken."""
    now = await moment(conn, lambda: now)
    list_id = await conn.fetchval(
        """
        insert into watch_list (name, created_at) values ($1, $2)
        on conflict (name) do nothing returning list_id
        """,
        name,
        now,
    )
    if list_id is None:
        raise Refused(f"The list {clean(name)!r} already exists.")
    await log(conn, now, actor, "list made", f"list {name}", {"list": list_id})
    await announce_watch(conn, ())
    return list_id


async def rename_list(conn: Conn, name: str, new_name: str, actor: str, now: datetime) -> tuple[str, ...]:
    """Rename a list, and return the alert rules with its old name, which from now on do not match it.

    Raises Refused for an unknown list, for the list of an order, and if the new name is taken.
    """
    head = await _lock(conn, await list_called(conn, name))
    if head.name == new_name:
        return ()
    if head.order_id is not None:
        raise Refused(
            f"The list {clean(head.name)!r} belongs to an order. Rename it with `blockline orders edit "
            "--list`, which keeps its earlier name with the order."
        )
    if await conn.fetchval("select exists (select from watch_list where name = $1)", new_name):
        raise Refused(f"The list {clean(new_name)!r} already exists.")
    await conn.execute("update watch_list set name = $2 where list_id = $1", head.list_id, new_name)
    await log(
        conn, now, actor, "list renamed", f"list {new_name}", {"list": head.list_id, "before": head.name}
    )
    await announce_watch(conn, ())
    return tuple(one.rule.name for one in await load_rules(conn) if head.name in one.rule.match.lists)


async def archive_list(conn: Conn, name: str, actor: str, now: datetime, *, archived: bool) -> bool:
    """Archive a list, or take it into use again. Return False if it was so already.

    An archived list keeps its accounts, which are read as before; no account can be added to it. Raises
    Refused for an unknown list, and for the list of an order.
    """
    head = await _lock(conn, await list_called(conn, name))
    if head.is_archived == archived:
        return False
    if head.order_id is not None:
        raise Refused(f"The list {clean(head.name)!r} belongs to an order, so it cannot be archived.")
    await conn.execute(
        "update watch_list set archived_at = $2 where list_id = $1",
        head.list_id,
        await moment(conn, lambda: now) if archived else None,
    )
    action = "list archived" if archived else "list restored"
    await log(conn, now, actor, action, f"list {head.name}", {"list": head.list_id})
    await announce_watch(conn, ())
    return True


async def keep_evidence(conn: Conn, name: str, keep_days: int | None, actor: str, now: datetime) -> ListRule:
    """Keep the raw evidence of a list's accounts for so many days; None means forever. Returns the old rule.

    Raises Refused for an unknown list, and for a time too short for the list of an order.
    """
    list_id = await list_called(conn, name)
    before = next(rule for rule in await list_rules(conn) if rule.list_id == list_id)
    if before.order_reference is not None and keep_days is not None and keep_days < ORDER_DAYS:
        raise Refused(
            f"The list {clean(before.name)} belongs to the order {clean(before.order_reference)}, whose "
            f"evidence is kept at least {ORDER_DAYS} days. Nothing was changed."
        )
    if before.keep_days != keep_days:
        await set_rule(conn, before.list_id, keep_days)
        detail = {"before": before.keep_days, "days": keep_days}
        await log(conn, now, actor, "evidence of a list kept", f"list {before.name}", detail)
    return before


async def guarantee_interval(
    conn: Conn, name: str, every: timedelta | None, actor: str, now: datetime
) -> ListHead:
    """Guarantee the accounts of a list an interval; None means scheduled reads only. Returns the list. Raises
    Refused.
    """
    head = await _lock(conn, await list_called(conn, name))
    before = await conn.fetchval("select read_every from watch_list where list_id = $1", head.list_id)
    if before != every:
        await conn.execute("update watch_list set read_every = $2 where list_id = $1", head.list_id, every)
        detail = {"before_s": _seconds(before), "every_s": _seconds(every)}
        await log(conn, now, actor, "reading of a list promised", f"list {head.name}", detail)
        await announce_watch(conn, ())
    return head


def _seconds(every: timedelta | None) -> float | None:
    return None if every is None else every.total_seconds()


async def put_accounts_on(
    conn: Conn, list_name: str, account_ids: Sequence[int], actor: str, now: datetime
) -> list[Edited]:
    """Put accounts on a list, watched or not, and return the outcome for each, in the order given.

    This does not change whether an account is read. Raises Refused for an unknown or an archived list.
    """
    head = await _lock(conn, await list_called(conn, list_name))
    if head.is_archived:
        raise archived_refusal(head.name)
    known, on_it = await _known(conn, head, account_ids)
    controls = {
        r["account_id"]
        for r in await conn.fetch(
            "select account_id from canary where account_id = any($1::bigint[])", list(account_ids)
        )
    }
    edited = [Edited(i, _put_outcome(i, known, on_it, controls)) for i in dict.fromkeys(account_ids)]
    await _join(conn, head, _done(edited), actor, now)
    return edited


async def _join(conn: Conn, head: ListHead, joining: Sequence[int], actor: str, now: datetime) -> None:
    if joining:
        at = await moment(conn, lambda: now)
        await conn.execute(
            """
            insert into membership (list_id, account_id, added_at)
            select $1, u.account_id, greatest($3, max(m.removed_at))
            from unnest($2::bigint[]) as u (account_id)
            left join membership m on m.list_id = $1 and m.account_id = u.account_id
            group by u.account_id
            """,
            head.list_id,
            joining,
            at,
        )
        detail = {"list": head.list_id, "accounts": joining}
        await log(conn, now, actor, "accounts put on a list", f"list {head.name}", detail)
        await announce_watch(conn, joining)


async def take_accounts_off(
    conn: Conn, list_name: str, account_ids: Sequence[int], actor: str, now: datetime
) -> list[Edited]:
    """Take accounts off a list, and return the outcome for each, in the order given. They stay watched.

    An account that the list's own order names stays on it. Raises Refused for an unknown list.
    """
    head = await _lock(conn, await list_called(conn, list_name))
    known, on_it = await _known(conn, head, account_ids)
    named = await _named(conn, head, account_ids)
    edited = [Edited(i, _taken_outcome(i, known, on_it, named)) for i in dict.fromkeys(account_ids)]
    await _leave(conn, head, _done(edited), actor, now)
    return edited


async def _named(conn: Conn, head: ListHead, account_ids: Sequence[int]) -> set[int]:
    """Which of these the order of the list names."""
    return {
        r["account_id"]
        for r in await conn.fetch(
            """
            select account_id from order_name n where order_id = $1 and account_id = any($2::bigint[])
                and not exists (
                    select from order_name_withdrawal w
                    where w.order_name_id = n.order_name_id and w.until is null
                )
            """,
            head.order_id,
            list(account_ids),
        )
    }


async def _leave(conn: Conn, head: ListHead, leaving: Sequence[int], actor: str, now: datetime) -> None:
    if leaving:
        at = await moment(conn, lambda: now)
        await conn.execute(
            """
            update membership set removed_at = greatest($3, added_at)
            where list_id = $1 and account_id = any($2::bigint[]) and removed_at is null
            """,
            head.list_id,
            leaving,
            at,
        )
        detail = {"list": head.list_id, "accounts": leaving}
        await log(conn, now, actor, "accounts taken off a list", f"list {head.name}", detail)
        await announce_watch(conn, leaving)


async def move_accounts(
    conn: Conn, from_list: str, to_list: str, account_ids: Sequence[int], actor: str, now: datetime
) -> list[Edited]:
    """Move accounts from one list to another, and return the outcome for each, in the order given.

    The audit log has both halves. An account on both lists stays so: the reverse move then undoes a move.
    Raises Refused for one list twice, an unknown list, and an archived `to_list`.
    """
    source_id, target_id = await list_called(conn, from_list), await list_called(conn, to_list)
    if source_id == target_id:
        raise Refused("Choose two different lists.")
    # In one order, so that two moves in opposite directions wait for each other.
    heads = {list_id: await _lock(conn, list_id) for list_id in sorted((source_id, target_id))}
    source, target = heads[source_id], heads[target_id]
    if target.is_archived:
        raise archived_refusal(target.name)
    known, on_source = await _known(conn, source, account_ids)
    _, on_target = await _known(conn, target, account_ids)
    named = await _named(conn, source, account_ids)
    edited = [
        Edited(i, _moved_outcome(i, known, on_source, on_target, named)) for i in dict.fromkeys(account_ids)
    ]
    await _leave(conn, source, _done(edited), actor, now)
    await _join(conn, target, _done(edited), actor, now)
    return edited


async def _lock(conn: Conn, list_id: ListId) -> ListHead:
    """Lock a stored list; lists are never deleted."""
    [row] = await conn.fetch(
        """
        select l.list_id, l.name, l.archived_at is not null as is_archived,
            (select order_id from legal_order o where o.list_id = l.list_id) as order_id
        from watch_list l where l.list_id = $1 for update of l
        """,
        list_id,
    )
    return ListHead(row["list_id"], row["name"], row["order_id"], row["is_archived"])


async def _known(conn: Conn, head: ListHead, account_ids: Sequence[int]) -> tuple[set[int], set[int]]:
    """Which of these are stored, and which are on the list."""
    rows = await conn.fetch(
        """
        select a.account_id, exists (
            select from watch_list_member m where m.list_id = $1 and m.account_id = a.account_id
        ) as on_it
        from account a where a.account_id = any($2::bigint[]) order by a.account_id for key share of a
        """,
        head.list_id,
        list(account_ids),
    )
    return {r["account_id"] for r in rows}, {r["account_id"] for r in rows if r["on_it"]}


def _put_outcome(account_id: int, known: set[int], on_it: set[int], controls: set[int]) -> EditOutcome:
    if account_id not in known:
        return EditOutcome.UNKNOWN_ACCOUNT
    if account_id in on_it:
        return EditOutcome.UNCHANGED
    return EditOutcome.CONTROL_ACCOUNT if account_id in controls else EditOutcome.DONE


def _taken_outcome(account_id: int, known: set[int], on_it: set[int], named: set[int]) -> EditOutcome:
    if account_id not in known:
        return EditOutcome.UNKNOWN_ACCOUNT
    if account_id not in on_it:
        return EditOutcome.UNCHANGED
    return EditOutcome.NAMED_BY_ORDER if account_id in named else EditOutcome.DONE


def _moved_outcome(
    account_id: int, known: set[int], on_source: set[int], on_target: set[int], named: set[int]
) -> EditOutcome:
    if account_id not in known:
        return EditOutcome.UNKNOWN_ACCOUNT
    if account_id not in on_source:
        return EditOutcome.UNCHANGED if account_id in on_target else EditOutcome.NOT_ON_LIST
    if account_id in on_target:
        return EditOutcome.ON_BOTH_LISTS
    return EditOutcome.NAMED_BY_ORDER if account_id in named else EditOutcome.DONE


def _done(edited: Sequence[Edited]) -> list[int]:
    return [one.account_id for one in edited if one.outcome is EditOutcome.DONE]


@dataclass(frozen=True, slots=True)
class ListRow:
    """A list as the API shows it."""

    list_id: int
    name: str
    created_at: datetime
    accounts: int
    """Accounts and posts."""
    posts: int
    watched: int
    """How many of them are read; the others are there for their history only."""
    order_id: int | None
    order_reference: str | None
    keep_days: int | None
    """The list's own rule for the evidence of its accounts; None means forever."""
    archived_at: datetime | None
    """None: the list is in use."""
    thresholds: ListThresholds | None
    """Of its own; None means the default ones."""


async def lists_page(conn: Conn, after: int, limit: int) -> list[ListRow]:
    """Up to `limit` lists with a number above `after`, by number."""
    rows = await conn.fetch(
        """
        select l.list_id, l.name, l.created_at, count(a.account_id) as accounts,
            count(*) filter (where a.is_post) as posts,
            count(a.account_id) filter (where a.watched) as watched, o.order_id,
            o.reference as order_reference, l.keep_days, l.archived_at, own.strong_readings, own.weak_readings
        from watch_list l
        left join watch_list_member m using (list_id)
        left join account a using (account_id)
        left join legal_order o using (list_id)
        left join lateral (
            select t.strong_readings, t.weak_readings from list_thresholds t where t.list_id = l.list_id
            order by t.since desc, t.list_thresholds_id desc limit 1
        ) own on true
        where l.list_id > $1
        group by l.list_id, o.order_id, own.strong_readings, own.weak_readings order by l.list_id limit $2
        """,
        after,
        limit,
    )
    found: list[ListRow] = []
    for r in rows:
        values = dict(r.items())
        own = thresholds_of(values.pop("strong_readings"), values.pop("weak_readings"))
        found.append(ListRow(**values, thresholds=own))
    return found


async def all_lists(conn: Conn) -> list[ListRow]:
    """All lists, by number."""
    found: list[ListRow] = []
    while more := await lists_page(conn, found[-1].list_id if found else 0, 1_000):
        found += more
    return found


async def list_row(conn: Conn, list_id: int) -> ListRow | None:
    """One list; None if there is none."""
    rows = await lists_page(conn, list_id - 1, 1)
    return rows[0] if rows and rows[0].list_id == list_id else None
