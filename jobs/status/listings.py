"""Listings for commands: stored accounts, lists, orders and executives."""

import math
from datetime import datetime, timedelta

from jobs.base.errors import CommandError
from jobs.base.output import OutputTable, moment
from jobs.base.wording import handle_name, number
from jobs.config.settings import Settings
from storage.accounts import listing
from storage.accounts.evidence_retention import list_rules
from storage.accounts.watch_lists import guarantee_interval, keep_evidence
from storage.executives import signals
from storage.live import lists_and_executives
from storage.model.core.accounts import Platform
from storage.model.sizing.question import PlannerKind
from storage.model.text.near_names import meant, unknown_name
from storage.model.text.states import clean, short_words
from storage.model.text.units import span
from storage.orders import orders
from storage.postgres.pool import Conn, Refused
from storage.work.planner_state import watched_on


async def accounts_listing(
    conn: Conn,
    list_name: str | None,
    at: datetime,
    known_at: datetime,
    platform: Platform | None,
    *,
    repeatedly_blocked: bool,
) -> OutputTable:
    """List the watched accounts, or those on one list, with their status at `at` as known at `known_at`.

    `platform` leaves out all others, and `repeatedly_blocked` those without two block periods by then. Raises
    CommandError for a list that is not there.
    """
    if list_name is not None:
        names = [count.name for count in await listing.list_counts(conn)]
        called = meant(list_name, names)
        if called is None:
            raise CommandError(unknown_name("list", list_name, names))
        list_name = called
    out = OutputTable(
        ("Platform", "Handle", "Id", "Last confirmed", "Since", "Watched", "Lists"),
        "No account was seen blocked more than once."
        if repeatedly_blocked
        else "No accounts are watched. Import some with: blockline accounts import FILE",
    )
    for a in await listing.listed_accounts(
        conn, list_name, at, known_at, repeatedly_blocked=repeatedly_blocked
    ):
        if platform not in {None, a.platform}:
            continue
        words = "no confirmed status yet" if a.state is None else short_words(a.state, a.platform, None)
        watched = "yes" if a.watched else "no"
        lists = ", ".join(map(clean, a.lists))
        out.add(
            (a.platform.value, handle_name(a.handle), a.native_id, words, moment(a.since), watched, lists),
            {
                "platform": a.platform.value,
                "handle": a.handle,
                "account_id": a.native_id,
                "status": a.state and a.state.status.value,
                "withheld_in": list(a.state.withheld_in) if a.state is not None else [],
                "since": a.since and a.since.isoformat(),
                "watched": a.watched,
                "lists": list(a.lists),
                "tags": list(a.tags),
                "followers": a.followers,
                "followers_at": a.followers_at and a.followers_at.isoformat(),
            },
        )
    return out


async def lists_listing(conn: Conn, *, archived: bool = False) -> OutputTable:
    """List the lists in use; with `archived`, those that are archived."""
    out = OutputTable(
        ("List", "Accounts", "Posts", "Watched", "Order", "Evidence kept"),
        "No list is archived." if archived else "There are no lists yet.",
    )
    days = {rule.name: rule.days_kept for rule in await list_rules(conn)}
    for count in await listing.list_counts(conn):
        if (count.archived_at is not None) != archived:
            continue
        reference = count.order_reference
        out.add(
            (
                clean(count.name),
                f"{count.accounts - count.posts:,}",
                f"{count.posts:,}",
                f"{count.watched:,}",
                clean(reference) if reference else "",
                keeping_words(days.get(count.name)),
            ),
            {
                "name": count.name,
                "accounts": count.accounts,
                "posts": count.posts,
                "watched": count.watched,
                "order": reference,
                "evidence_days": days.get(count.name),
            },
        )
    return out


async def set_retention(conn: Conn, name: str, keep_days: int | None, actor: str, now: datetime) -> str:
    """Set how long the evidence of a list is kept, and return a sentence for the user. Raises Refused."""
    name = (await keep_evidence(conn, name, keep_days, actor, now)).name
    if keep_days is None:
        return f"The evidence of the accounts on the list {clean(name)} is kept without a limit."
    return (
        f"The evidence of the accounts on the list {clean(name)} is kept for {number(keep_days, 'day')}, "
        "or longer if another of their lists requires it. Hashes, statuses, changes and times are always "
        "kept."
    )


async def set_promise(
    conn: Conn, name: str, every: timedelta | None, settings: Settings, actor: str, now: datetime
) -> str:
    """Set the guaranteed interval of a list, and return a sentence for the user.

    Raises Refused for an unknown list, and where the sweep reads everybody equally often.
    """
    if every is not None and settings.planner is not PlannerKind.ADAPTIVE:
        raise Refused('A guaranteed interval needs the adaptive planner: set planner = "adaptive" first.')
    head = await guarantee_interval(conn, name, every, actor, now)
    if every is None:
        return f"The accounts on the list {clean(head.name)} have no guaranteed interval now."
    hourly = await watched_on(conn, head.list_id) * (timedelta(hours=1) / every)
    return (
        f"The accounts on the list {clean(head.name)} are read at least every {span(every)}: about "
        f"{number(math.ceil(hourly), 'reading')} per hour in addition to the sweep."
    )


def keeping_words(days: int | None) -> str:
    return "no limit" if days is None else number(days, "day")


async def orders_listing(conn: Conn, known_at: datetime | None = None) -> OutputTable:
    """List the orders stored by `known_at`, as they were then; None means now. Lists are always as now."""
    out = OutputTable(
        ("Reference", "Issued", "Deadline", "Country", "Issuer", "Legal basis", "Names", "List", "Watched"),
        "No orders are stored. Import some with: blockline orders import FILE",
    )
    lists = {w.list_id: w for w in await lists_and_executives.lists(conn)}
    for order in await orders.orders(conn, known_at):
        watch_list = lists[order.list_id]
        issued = moment(order.issued_at)
        if order.is_disputed:
            issued += " (disputed)"
        out.add(
            (
                clean(order.reference),
                issued,
                moment(order.deadline_at),
                order.country,
                clean(order.issuer),
                clean(order.legal_basis),
                f"{order.named_count:,}",
                clean(watch_list.name),
                f"{watch_list.size:,}",
            ),
            {
                "reference": order.reference,
                "title": order.title,
                "issuer": order.issuer,
                "country": order.country,
                "legal_basis": order.legal_basis,
                "issued_at": order.issued_at.isoformat(),
                "issued_from": order.issued_from and order.issued_from.isoformat(),
                "issued_to": order.issued_to and order.issued_to.isoformat(),
                "deadline_at": order.deadline_at and order.deadline_at.isoformat(),
                "named_count": order.named_count,
                "list": watch_list.name,
                "watched": watch_list.size,
            },
        )
    return out


async def executives_listing(conn: Conn, only: Platform | None) -> OutputTable:
    out = OutputTable(
        ("Platform", "Handle", "Id", "Name", "Title", "Last asked"),
        "No executives are stored. Import some with: blockline executives import FILE",
    )
    for platform in Platform if only is None else (only,):
        for e in await signals.executives(conn, platform):
            account = e.account
            out.add(
                (
                    platform.value,
                    handle_name(account.handle),
                    account.native_id,
                    clean(e.name),
                    clean(e.title),
                    moment(e.last_polled_at) or "never",
                ),
                {
                    "platform": platform.value,
                    "handle": account.handle,
                    "account_id": account.native_id,
                    "name": e.name,
                    "title": e.title,
                    "last_polled_at": e.last_polled_at and e.last_polled_at.isoformat(),
                },
            )
    return out
