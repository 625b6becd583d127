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
from storage.model.orders.outside_findings import NamedCounts, OrderNameCounts
from storage.model.text.countries import country_name
from storage.model.text.states import PLATFORM_NAME, capital, clean
from storage.model.text.units import number
from storage.orders.report_sources import ReportSources

_MOST_ROWS = 32
"""Most days in the table of the curve."""


@dataclass(frozen=True, slots=True)
class ReportAccountRow:
    """A row in the table of every account and post."""

    account_id: int
    handle: str
    native_id: str
    platform: str
    url: str | None
    kind: str
    notes: tuple[str, ...]
    blocked: tuple[str, ...]
    changes: tuple[int, ...]
    """Numbers of the changes that began and ended these blocks, and of the last confirmed one."""


def facts(found: OrderFigures, made_at: datetime, made_by: str) -> list[tuple[str, str, str]]:
    """Name, value and note."""
    order, notices = found.order, rows.notices(found)
    known = "everything recorded when this report was made"
    return [
        ("Order", f"{clean(order.reference, 120)}: {clean(order.title, 160)}", ""),
        ("Issued by", clean(order.issuer, 160), ""),
        ("Country", f"{country_name(order.country)} ({clean(order.country)})", ""),
        ("Legal basis", clean(order.legal_basis, 200), ""),
        ("Issued", words.stamp(order.issued_at), _disputed(rows.issued_note(order))),
        ("Deadline", words.stamp(order.deadline_at) if order.deadline_at else "none recorded", ""),
        *(
            (f"{one.noun.capitalize()}s named", f"{one.funnel.named:,}", f"on its list: {one.watched:,}")
            for one in found.sections
        ),
        ("Entered here", words.stamp(order.known_at), rows.entered_note(order)),
        (
            "Later notices",
            f"{len(notices):,}" if notices else "none recorded",
            f"latest: {words.stamp(notices[-1].at)}" if notices else "",
        ),
        ("Time of figures", words.stamp(found.at), ""),
        ("As known at", words.stamp(found.known_at) if found.known_at else known, ""),
        ("Made", words.stamp(made_at), f"by {clean(made_by)}"),
    ]


def _disputed(note: str) -> str:
    return f"the date is disputed: {note}" if note else ""


def names(names: OrderNameCounts) -> str:
    """Say how many accounts and posts the stored names mean, with their outcomes; empty if none is stored."""
    said = [_named(names.accounts, "account"), _named(names.posts, "post")]
    return " ".join(sentence for sentence in said if sentence)


def _named(counts: NamedCounts, noun: str) -> str:
    if not counts.named:
        return ""
    parts = (
        (counts.resolved, f"matched to one {noun} each"),
        (counts.ambiguous, "ambiguous"),
        (counts.unresolvable, "unresolvable"),
        (counts.not_tried, "not looked up"),
    )
    outcomes = ", ".join(f"{n:,} {what}" for n, what in parts if n)
    return f"Names of {number(counts.named, noun)} are recorded: {outcomes}."


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
    """Return the curve in numbers: at the start of each day, or of every few days, and at the end."""
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
            shown = counts if step.read else (None, None, None, None, None, step.unread)
            out.append((words.stamp(at), *map(words.count_or_dash, shown)))
    return out


def at_the_end(found: OrderFigures) -> str:
    """Explain why the last row has a lower minimum; empty when it has none."""
    if found.steps[-1].certain == found.steps[-1].blocked:
        return ""
    return (
        f"In the last row, “at least” counts only {found.noun}s whose status is certain. It leaves out those "
        "that were not read lately, or whose newest reading contradicts the confirmed status."
    )


def deadline(found: OrderFigures) -> list[str]:
    """Return a sentence about its accounts and one about its posts, or one if there is nothing to count."""
    deadline = found.order.deadline_at
    if deadline is None:
        return ["No deadline is recorded for this order."]
    counted = [
        f"At the deadline, {words.stamp(deadline)}: {order_words.at_deadline(one, one.at_deadline)}."
        for one in found.sections
        if one.at_deadline is not None
    ]
    return counted or [f"The deadline, {words.stamp(deadline)}, had not been reached."]


def claims(found: OrderFigures) -> list[dict[str, str]]:
    return [
        {
            "text": clean(c.event.text, 400),
            "source": order_words.source(c.event.source),
            "at": words.stamp(c.event.at),
            "claimed": order_words.claim_words(c.claim),
            "observed": order_words.observed_words(c),
            "verdict": order_words.verdict_words(c),
            "as": order_words.observed_as(c),
        }
        for c in found.claims
    ]


def probes(found: OrderFigures) -> list[dict[str, str]]:
    return [
        {
            "of": "posts" if p.of_post else "accounts",
            "source": order_words.source(p.source),
            "place": clean(p.place) if p.place else "not stated",
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
    times = blocked_times(member, order.earliest_issue)
    moments = [at for b in times for at in (b.since, b.until) if at is not None]
    changed_at = [*moments, *([stay.since] if stay is not None else [])]
    numbers = [behind.changes.get((member.account_id, at)) for at in dict.fromkeys(changed_at)]
    notes: list[str] = []
    if stay is not None and stay.since not in moments:
        notes.append(f"since: {within(stay.onset_after, stay.since)}")
    notes.append(
        f"last read {words.stamp(member.seen.last)}" if member.seen.last is not None else "no reading"
    )
    if stay is not None and not member.is_read(found.at, found.gap_after):
        notes.append("last known status; not read lately")
    if not member.watched:
        notes.append("not watched")
    return ReportAccountRow(
        account_id=member.account_id,
        handle=clean(member.handle, 120),
        native_id=clean(behind.native_ids.get(member.account_id, "not recorded"), 400),
        platform=PLATFORM_NAME[member.platform],
        url=f"{dashboard_url.rstrip('/')}/account/{member.account_id}" if dashboard_url else None,
        kind=order_words.kind(stay.kind, order.country) if stay is not None else "Never read",
        notes=tuple(notes),
        blocked=tuple(blocked_words(b, order.country) for b in times),
        changes=tuple(n for n in numbers if n is not None),
    )


def head(found: Head) -> dict[str, object]:
    """Return a chain entry by its day, with the outside time stamps on it or on a later entry."""
    stamps = [f"entry {a.seq} has a time stamp from {clean(a.authority, 200)}" for a in found.anchors]
    day = f"{found.day.day} {found.day:%b %Y}"
    return {"day": day, "seq": found.seq, "entry": found.entry.hex(), "stamps": stamps}
