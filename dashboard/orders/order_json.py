"""The figures of an order as JSON, for the API and `blockline orders show`."""

from collections import Counter
from datetime import UTC, datetime

from dashboard.orders import words
from dashboard.orders.facts import OrderFigures
from dashboard.wire.compact_json import Json
from storage.model.core.orders import Order
from storage.model.orders.claims import CheckedClaim
from storage.model.orders.cohort import CohortFunnel, CohortMember, blocked_times
from storage.model.orders.curve import CurveStep
from storage.model.orders.outside_findings import NamedCounts, Probe


def order_json(found: OrderFigures) -> Json:
    """Times are ISO 8601 in UTC. Numbers under `posts` count posts, all others accounts, each once."""
    summary, posts = summary_json(found), found.posts
    if posts is not None:
        members = [_member(m, posts) for m in posts.cohort.members]
        summary["posts"] = {**_figures(posts), "curve": [_step(s) for s in posts.steps], "posts": members}
    return {
        **summary,
        "curve": [_step(s) for s in found.steps],
        "documents": [
            {
                "name": d.name,
                "media_type": d.media_type,
                "source": d.source,
                "sha256": d.sha256,
                "bytes": d.size,
                "added_at": _time(d.added_at),
            }
            for d in found.documents
        ],
        "accounts": [_member(m, found) for m in found.cohort.members],
    }


def summary_json(found: OrderFigures) -> Json:
    """The same without what grows with the accounts."""
    return {
        **head_json(found),
        "sentences": words.sentences(found),
        **_figures(found),
        "posts": None if found.posts is None else _figures(found.posts),
        "claims": [_claim(c) for c in found.claims],
        "names": {
            "accounts": _named(found.names.accounts),
            "posts": _named(found.names.posts),
            "not_observable": found.names.not_observable,
            "withdrawn": found.names.withdrawn,
        },
        "seen_by_others": {
            "accounts_by_kind": {kind.value: n for kind, n in found.outside.by_kind},
            "answered_differently": found.outside.disagreeing,
            "looks": [_probe(p) for p in found.outside.probes],
        },
    }


def _figures(found: OrderFigures) -> Json:
    """The figures of its accounts, or of its posts, without the lists that grow with their number."""
    return {
        "funnel": _funnel(found.funnel),
        "kinds": [
            {
                "kind": s.kind.value,
                "count": s.accounts,
                "last_known_only": s.stale,
                "counts_as_blocked": s.kind.is_block,
            }
            for s in found.shares
        ],
        "withheld_in": dict(withheld_in(found)),
        "at_deadline": None if found.at_deadline is None else _step(found.at_deadline),
    }


def withheld_in(found: OrderFigures) -> Counter[str]:
    """How many of its accounts, or posts, are withheld in each country, by their last confirmed status."""
    stays = [m.at(found.at) for m in found.cohort.members]
    return Counter(country for s in stays if s is not None for country in s.state.withheld_in)


def head_json(found: OrderFigures) -> Json:
    """An order and its funnel: what a list of orders shows."""
    return {
        "order": _order(found.order),
        "list": found.cohort.list_name,
        "at": _time(found.at),
        "as_known_at": _time(found.known_at),
        "funnel": _funnel(found.funnel),
        "posts": None if found.posts is None else {"funnel": _funnel(found.posts.funnel)},
    }


def _funnel(funnel: CohortFunnel) -> Json:
    return {
        "named": funnel.named,
        "names_on_file": funnel.names_entered,
        "on_its_list": funnel.resolved,
        "watched": funnel.watched,
        "read": funnel.read,
        **_if_read(
            funnel.read,
            ever_blocked=funnel.ever_blocked,
            blocked_before_the_order=funnel.blocked_before,
            blocked_now=funnel.blocked_now,
            of_them_only_when_last_read=funnel.blocked_stale,
            restored=funnel.restored,
            gone_since=funnel.gone_since,
        ),
    }


def _order(order: Order) -> Json:
    return {
        "order_id": order.order_id,
        "reference": order.reference,
        "title": order.title,
        "issuer": order.issuer,
        "country": order.country,
        "legal_basis": order.legal_basis,
        "issued_at": _time(order.issued_at),
        "issued_from": _time(order.issued_from),
        "issued_to": _time(order.issued_to),
        "deadline_at": _time(order.deadline_at),
        "named_count": order.named_count,
        "known_at": _time(order.known_at),
    }


def _step(step: CurveStep) -> Json:
    return {
        "at": _time(step.at),
        **_if_read(
            step.read,
            blocked=step.blocked,
            at_least=step.certain,
            at_most=step.possible,
            withheld=step.withheld,
            suspended=step.suspended,
        ),
        "not_checked": step.unread,
    }


def _if_read(read: int, **counts: int) -> dict[str, int | None]:
    """The counts; null for each if none had been read, because then nothing is known."""
    return {name: n if read else None for name, n in counts.items()}


def _claim(found: CheckedClaim) -> Json:
    return {
        "at": _time(found.event.at),
        "text": found.event.text,
        "source": found.event.source,
        "claimed": found.claim.count,
        "of": found.claim.of,
        "at_least": found.claim.at_least,
        "what": found.claim.what.value,
        "targets": found.claim.targets and found.claim.targets.value,
        "compared_with": found.compared.value,
        **_if_read(found.read, observed_low=found.low, observed_high=found.high),
        "not_observed": found.unobserved,
        "verdict": found.verdict.value,
    }


def _probe(probe: Probe) -> Json:
    return {
        "source": probe.source,
        "from": probe.place or None,
        "of": "post" if probe.of_post else "account",
        "at_from": _time(probe.at_from),
        "at_to": _time(probe.at_to),
        "answers": {a.answer: a.names for a in probe.answers},
    }


def _member(member: CohortMember, found: OrderFigures) -> Json:
    stay = member.at(found.at)
    begin = found.order.earliest_issue
    return {
        "account_id": member.account_id,
        "platform": member.platform.value,
        "handle": member.handle,
        "watched": member.watched,
        "kind": stay.kind.value if stay is not None else "never_read",
        "read_lately": member.is_read(found.at, found.gap_after),
        "last_read_at": _time(member.seen.last),
        "blocked": [
            {
                "not_before": _time(b.onset_after),
                "first_seen": _time(b.since),
                "last_seen": _time(b.last_seen),
                "seen_ended": _time(b.until),
                "then": b.then.value if b.then is not None else None,
            }
            for b in blocked_times(member, begin)
        ],
    }


def _named(counts: NamedCounts) -> Json:
    return {
        "named": counts.named,
        "resolved": counts.resolved,
        "ambiguous": counts.ambiguous,
        "unresolvable": counts.unresolvable,
        "not_tried": counts.not_tried,
    }


def _time(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat().replace("+00:00", "Z")
