"""The names and documents of an order, as tables and as JSON."""

from collections.abc import Sequence

from jobs.base.output import OutputTable, moment, show, show_json
from jobs.base.wording import handle_name, number
from jobs.orders.resolve_names import by_outcome
from storage.model.core.availability import State
from storage.model.core.orders import OrderCheck, OrderName
from storage.model.orders.outside_checks import accounts_seen
from storage.model.orders.outside_findings import count_names
from storage.model.text.countries import country_name
from storage.model.text.states import PLATFORM_NAME, clean
from storage.model.text.target_counts import TargetCount
from storage.orders.documents import documents_of
from storage.orders.names import checks_of, names_of
from storage.orders.orders import order_called
from storage.postgres.pool import Conn


async def stored_names(conn: Conn, reference: str) -> list[OrderName]:
    """Return the names of an order. Raises Refused for an unknown order."""
    return await names_of(conn, (await order_called(conn, reference)).order_id)


async def print_names(conn: Conn, reference: str, *, as_json: bool) -> None:
    """Print what an order names, and what others saw of it. Raises Refused for an unknown order."""
    stored = await order_called(conn, reference)
    names = await names_of(conn, stored.order_id)
    checks = await checks_of(conn, stored.order_id)
    listing, ranked, counted = _listing(names), _ranked(names, checks), count_names(names)
    if as_json:
        show_json(
            {
                "reference": reference,
                "named_count": stored.order.named_count,
                "accounts": counted.accounts.named,
                "posts": counted.posts.named,
                **by_outcome(names),
                "seen": _seen(ranked),
                "names": listing.objects,
            }
        )
        return
    listing.show("names", as_json=False)
    if names:
        counts = ", ".join(f"{n:,} {what.replace('_', ' ')}" for what, n in by_outcome(names).items() if n)
        of = TargetCount(counted.accounts.named, counted.posts.named).words()
        show(f"{number(len(names), 'name')} of {of}: {counts}.")
    for sentence in _sentences(ranked):
        show(sentence)


async def documents_listing(conn: Conn, reference: str) -> OutputTable:
    """Return the documents of an order. Raises Refused for an unknown order."""
    stored = await order_called(conn, reference)
    out = OutputTable(
        ("Name", "Bytes", "Source", "Attached", "By", "SHA-256"),
        f"No document is attached to order {clean(reference)}.",
    )
    for one in await documents_of(conn, stored.order_id):
        when = moment(one.added_at)
        out.add(
            (clean(one.name), f"{one.size:,}", clean(one.source), when, clean(one.added_by), one.sha256),
            {
                "name": one.name,
                "media_type": one.media_type,
                "sha256": one.sha256,
                "size": one.size,
                "source": one.source,
                "added_at": one.added_at.isoformat(),
                "added_by": one.added_by,
            },
        )
    return out


def _listing(names: Sequence[OrderName]) -> OutputTable:
    out = OutputTable(
        ("Name", "Platform", "Handle", "Post", "Outcome", "Account", "Why"),
        "The order has no names. Add some with: blockline orders names REFERENCE FILE",
    )
    for name in names:
        platform = "" if name.platform is None else PLATFORM_NAME[name.platform]
        out.add(
            (
                clean(name.said),
                platform,
                "" if name.handle is None else handle_name(name.handle),
                name.post_id or "",
                name.outcome.value,
                "" if name.account_id is None else str(name.account_id),
                clean(name.note, 300) if name.note else "",
            ),
            {
                "said": name.said,
                "platform": name.platform and name.platform.value,
                "handle": name.handle,
                "post_id": name.post_id,
                "outcome": name.outcome.value,
                "account": name.account_id,
                "note": name.note,
                "source": name.source,
                "known_at": name.known_at.isoformat(),
                "resolved_at": name.resolved_at and name.resolved_at.isoformat(),
            },
        )
    return out


def _ranked(names: Sequence[OrderName], checks: Sequence[OrderCheck]) -> list[tuple[str, State | None, int]]:
    """Return place, state and number of accounts, by place and then the most first."""
    counts = ((place, state, n) for (place, state), n in accounts_seen(names, checks).items())
    return sorted(counts, key=lambda one: (one[0], -one[2]))


def _seen(ranked: Sequence[tuple[str, State | None, int]]) -> list[dict[str, object]]:
    return [
        {
            "place": place or None,
            "status": state and state.status.value,
            "withheld_in": list(state.withheld_in) if state is not None else [],
            "accounts": n,
        }
        for place, state, n in ranked
    ]


def _sentences(ranked: Sequence[tuple[str, State | None, int]]) -> list[str]:
    """Say what others saw, one sentence per place."""
    places: dict[str, list[str]] = {}
    for place, state, n in ranked:
        words = "without a clear status"
        if state is not None:
            words = " in ".join([state.status.value.replace("_", " "), *state.withheld_in])
        places.setdefault(place, []).append(f"{n:,} {words}")
    return [
        f"Accounts as others saw them{f' from {country_name(place)}' if place else ''}: {', '.join(some)}."
        for place, some in places.items()
    ]
