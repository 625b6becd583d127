"""The rows of a report's tables in words."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from dashboard.orders import rows
from dashboard.orders import words as order_words
from dashboard.orders.facts import OrderFigures
from dashboard.orders.report_words import blocked_words, within
from dashboard.ui import words
from storage.changes.hash_chain import Head
from storage.model.orders.cohort import CohortMember, blocked_times
from storage.model.orders.curve import step_at
from storage.model.orders.outside_findings import OrderNameCounts
from storage.model.text.countries import country_name
from storage.model.text.states import PLATFORM_NAME, capital, clean
from storage.orders.report_sources import ReportSources

_MOST_ROWS = 32
"""Of the curve in numbers."""


@dataclass(frozen=True, slots=True)
class ReportAccountRow:
    """An account in the table of all."""

    account_id: int
    handle: str
    native_id: str
    platform: str
    url: str | None
    kind: str
    notes: tuple[str, ...]
    blocked: tuple[str, ...]
    changes: tuple[int, ...]
    """That began and ended these times, and the state as last confirmed."""


def facts(found: OrderFigures, made_at: datetime, made_by: str) -> list[tuple[str, str, str]]:
    """Name, value and note."""
    order, notices = found.order, rows.notices(found)
    known = "all that was on file when this report was made"
    return [
        ("Order", f"{clean(order.reference, 120)}: {clean(order.title, 160)}", ""),
        ("Issued by", clean(order.issuer, 160), ""),
        ("Country", f"{country_name(order.country)} ({clean(order.country)})", ""),
        ("Legal basis", clean(order.legal_basis, 200), ""),
        ("Issued", words.stamp(order.issued_at), _disputed(rows.issued_note(order))),
        ("Deadline", words.stamp(order.deadline_at) if order.deadline_at else "none on file", ""),
        ("Accounts named", f"{order.named_count:,}", f"on its list: {found.watched:,}"),
        ("Entered here", words.stamp(order.known_at), rows.entered_note(order)),
        (
            "Later notices",
            f"{len(notices):,}" if notices else "none on file",
            f"the last {words.stamp(notices[-1].at)}" if notices else "",
        ),
        ("Figures of", words.stamp(found.at), ""),
        ("As known at", words.stamp(found.known_at) if found.known_at else known, ""),
        ("Made", words.stamp(made_at), f"by {clean(made_by)}"),
    ]


def _disputed(note: str) -> str:
    return f"the date is disputed: {note}" if note else ""


def names(names: OrderNameCounts) -> str:
    if not names.accounts and not names.posts:
        return ""
    parts = (
        (names.resolved, "lead to one account each"),
        (names.ambiguous, "fit more than one account"),
        (names.unresolvable, "lead to none"),
        (names.not_tried, "were not looked up"),
    )
    told = ", ".join(f"{n:,} {what}" for n, what in parts if n)
    posts = f" It names {names.posts:,} posts, which are not counted here." if names.posts else ""
    return f"Names of {words.accounts(names.accounts)} are on file{f': {told}' if told else ''}.{posts}"


def kinds(found: OrderFigures) -> list[dict[str, object]]:
    return [
        {
            "look": s.kind.value,
            "name": order_words.kind(s.kind, found.order.country),
            "accounts": f"{s.accounts:,}",
            "share": words.share(s.accounts, found.watched),
            "counted": order_words.counted(s.kind),
            "stale": f"{s.stale:,}" if s.stale else "none",
        }
        for s in found.shares
    ]


def steps(found: OrderFigures) -> list[tuple[str, ...]]:
    """The curve in numbers: at the beginning of each day, or of fewer days, and at the end."""
    start = found.steps[0].at.astimezone(UTC)
    first = datetime.combine(start.date() + timedelta(days=1), time(), UTC)
    days = max(0, (found.at - first) // timedelta(days=1) + 1)
    apart = -(-days // _MOST_ROWS) or 1
    moments = [start, *(first + timedelta(days=n) for n in range(0, days, apart)), found.at]
    out: list[tuple[str, ...]] = []
    for at in dict.fromkeys(moments):
        step = step_at(found.steps, at)
        if step is not None:
            counts = (step.blocked, step.certain, step.possible, step.withheld, step.suspended, step.unread)
            out.append((words.stamp(at), *(f"{n:,}" for n in counts)))
    return out


def at_the_end(found: OrderFigures) -> str:
    """Why the last row can say so little at the least; empty where it does not."""
    if found.steps[-1].certain == found.steps[-1].blocked:
        return ""
    return (
        "Nothing is certain of accounts that were not read lately, or of which a newer reading contradicts "
        "what is confirmed. So at the very end the least is only of the others."
    )


def deadline(found: OrderFigures) -> str:
    deadline = found.order.deadline_at
    if deadline is None:
        return "No deadline of this order is on file."
    if found.at_deadline is None:
        return f"Its deadline, {words.stamp(deadline)}, had not come yet."
    return f"At the deadline, {words.stamp(deadline)}: {order_words.at_deadline(found, found.at_deadline)}."


def claims(found: OrderFigures) -> list[dict[str, str]]:
    return [
        {
            "text": clean(c.event.text, 400),
            "source": order_words.source(c.event.source),
            "at": words.stamp(c.event.at),
            "claimed": order_words.claim_words(c.claim),
            "observed": words.range_words(c.low, c.high),
            "verdict": order_words.verdict_words(c),
            "as": order_words.OBSERVED_AS[c.claim.what],
        }
        for c in found.claims
    ]


def probes(found: OrderFigures) -> list[dict[str, str]]:
    return [
        {
            "of": "posts" if p.of_post else "accounts",
            "source": order_words.source(p.source),
            "place": clean(p.place) if p.place else "not said",
            "when": rows.probe_when(p),
            "answers": rows.probe_answers(p),
        }
        for p in found.outside.probes
    ]


def events(found: OrderFigures) -> list[dict[str, object]]:
    return [
        {
            "kind": capital(e.kind.value),
            "at": words.stamp(e.at),
            "text": clean(e.text, 600),
            "notes": rows.event_notes(e),
        }
        for e in rows.own_events(found)
    ]


def documents(found: OrderFigures) -> list[dict[str, str]]:
    return [
        {
            "name": clean(d.name, 160),
            "size": f"{d.size:,} bytes",
            "sha256": d.sha256,
            "source": order_words.source(d.source),
            "added": words.stamp(d.added_at),
        }
        for d in found.documents
    ]


def account(
    member: CohortMember, found: OrderFigures, behind: ReportSources, dashboard_url: str | None
) -> ReportAccountRow:
    order, stay = found.order, member.at(found.at)
    times = blocked_times(member, order.issued_from or order.issued_at)
    moments = [at for b in times for at in (b.since, b.until) if at is not None]
    told = [*moments, *([stay.since] if stay is not None else [])]
    numbers = [behind.changes.get((member.account_id, at)) for at in dict.fromkeys(told)]
    notes: list[str] = []
    if stay is not None and stay.since not in moments:
        notes.append(f"since: {within(stay.onset_after, stay.since)}")
    notes.append(
        f"last read {words.stamp(member.seen.last)}" if member.seen.last is not None else "no reading"
    )
    if stay is not None and not member.is_read(found.at, found.gap_after):
        notes.append("not read lately: this is what was last known")
    if not member.watched:
        notes.append("not watched")
    return ReportAccountRow(
        account_id=member.account_id,
        handle=clean(member.handle, 120),
        native_id=clean(behind.native_ids.get(member.account_id, "not on file"), 400),
        platform=PLATFORM_NAME[member.platform],
        url=f"{dashboard_url.rstrip('/')}/account/{member.account_id}" if dashboard_url else None,
        kind=order_words.kind(stay.kind, order.country) if stay is not None else "Never read",
        notes=tuple(notes),
        blocked=tuple(blocked_words(b, order.country) for b in times),
        changes=tuple(n for n in numbers if n is not None),
    )


def head(found: Head) -> dict[str, object]:
    """An entry of the chain by its day, and who outside has put a time on it or after it."""
    stamps = [f"entry {a.seq} has the time stamp of {clean(a.authority, 200)}" for a in found.anchors]
    day = f"{found.day.day} {found.day:%b %Y}"
    return {"day": day, "seq": found.seq, "entry": found.entry.hex(), "stamps": stamps}
