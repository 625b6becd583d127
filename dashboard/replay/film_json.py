"""The replay film as small JSON: columns, one-letter statuses, milliseconds since 1970.

Times are rounded up: what happened within a millisecond was not known before its end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from dashboard.live.context_json import event_json, found_json, order_json, usual_json
from dashboard.wire.compact_json import (
    Json,
    Phrases,
    Row,
    changes_json,
    columns,
    letter,
    span_ms,
    up,
    up_or_none,
)
from storage.executives.executives_report import AccessSpan
from storage.live.lists_and_executives import LiveExecutive, LiveSignal
from storage.live.snapshot import LiveChange
from storage.model.bitemporal.read_runs import Reads, UsualPace
from storage.model.core.accounts import Platform
from storage.model.core.late import late_after
from storage.model.core.orders import OrderEvent
from storage.model.platforms.registry import DECLARED
from storage.model.text.states import clean, short_words
from storage.orders.edit_history import Edition
from storage.replay.film import FilmAccount, FilmList, FilmMail, FilmSpell, FilmWatch, Membership, Nearer
from storage.replay.film_reads import FilmRequest

FILM_TABLES = (
    "accounts",
    "watched",
    "spells",
    "changes",
    "steps",
    "members",
    "runs",
    "holes",
    "points",
    "signals",
)

_HANDLE = 120


def _table(rows: Sequence[Row], cells: dict[str, Callable[[Row], object]]) -> Json:
    return {**columns(rows, cells)}


@dataclass(slots=True)
class FilmDictionary:
    """What the columns name by number: words, and sets of countries."""

    words: Phrases = field(default_factory=Phrases)
    countries: dict[tuple[str, ...], int] = field(default_factory=dict[tuple[str, ...], int])

    def place(self, countries: tuple[str, ...]) -> int:
        return self.countries.setdefault(countries, len(self.countries))

    @property
    def as_json(self) -> Json:
        return {"words": self.words.words, "countries": [list(c) for c in self.countries]}


def accounts_json(accounts: Sequence[FilmAccount]) -> Json:
    return _table(
        accounts,
        {
            "id": lambda a: a.account_id,
            "platform": lambda a: a.platform.value,
            "handle": lambda a: clean(a.handle, _HANDLE),
            "post": lambda a: int(a.is_post),
        },
    )


def watched_json(watches: Sequence[FilmWatch]) -> Json:
    return _table(
        watches,
        {
            "account": lambda w: w.account_id,
            "from": lambda w: up(w.since),
            "to": lambda w: up_or_none(w.until),
        },
    )


def reads_json(reads: Reads) -> Json:
    """When the accounts were read. Of when it was recorded, how much later that was."""
    return {
        "rosters": {str(roster_id): members for roster_id, members in reads.rosters.items()},
        "runs": _table(
            reads.runs,
            {
                "roster": lambda r: r.roster_id,
                "a": lambda r: up(r.first),
                "ar": lambda r: up(r.first_recorded) - up(r.first),
                "b": lambda r: up(r.last),
                "br": lambda r: up(r.last_recorded) - up(r.last),
            },
        ),
        "holes": _table(
            reads.holes,
            {
                "account": lambda h: h.account_id,
                "roster": lambda h: h.roster_id,
                "a": lambda h: up_or_none(h.before),
                "b": lambda h: up_or_none(h.after),
                "br": lambda h: (
                    0 if h.after is None or h.after_recorded is None else up(h.after_recorded) - up(h.after)
                ),
            },
        ),
        "points": _table(
            reads.points,
            {
                "account": lambda p: p.account_id,
                "a": lambda p: up(p.at),
                "ar": lambda p: up(p.recorded_at) - up(p.at),
            },
        ),
    }


def beliefs_json(
    beliefs: Sequence[FilmSpell], platforms: Mapping[int, Platform], said: FilmDictionary
) -> Json:
    return _table(
        beliefs,
        {
            "account": lambda b: b.account_id,
            "s": lambda b: letter(b.state, b.flags),
            "w": lambda b: said.words.number(short_words(b.state, platforms[b.account_id], b.flags)),
            "c": lambda b: said.place(b.state.withheld_in),
            "onset": lambda b: up_or_none(b.onset_after),
            "from": lambda b: up(b.since),
            "to": lambda b: up_or_none(b.until),
            "known": lambda b: up(b.known_from),
            "until": lambda b: up_or_none(b.known_until),
            "change": lambda b: b.change_id,
        },
    )


def film_changes_json(changes: Sequence[LiveChange], said: FilmDictionary) -> Json:
    return {
        **changes_json(changes, said.words),
        **columns(
            changes,
            {
                "old": lambda c: up_or_none(c.last_seen_old),
                "seen": lambda c: up(c.first_seen_new),
                "recorded": lambda c: up(c.recorded_at),
                "decided": lambda c: up_or_none(c.decided_at),
                "last": lambda c: up_or_none(c.last_agreeing_at),
                "superseded": lambda c: up_or_none(c.superseded_at),
            },
        ),
    }


def steps_json(steps: Sequence[Nearer]) -> Json:
    return _table(
        steps,
        {
            "change": lambda s: s.change_id,
            "recorded": lambda s: up(s.recorded_at),
            "agreeing": lambda s: s.agreeing,
        },
    )


def members_json(members: Sequence[Membership]) -> Json:
    return _table(
        members,
        {
            "list": lambda m: m.list_id,
            "account": lambda m: m.account_id,
            "from": lambda m: up(m.added_at),
            "to": lambda m: up_or_none(m.removed_at),
        },
    )


def film_signals_json(signals: Sequence[LiveSignal]) -> Json:
    return _table(
        signals,
        {
            "id": lambda s: s.signal_id,
            "executive": lambda s: s.account_id,
            "kind": lambda s: s.kind.value,
            "t": lambda s: up(s.at),
            "seen": lambda s: up(s.recorded_at),
        },
    )


def mails_json(mails: Sequence[FilmMail]) -> list[Json]:
    return [
        {
            "id": m.mail_id,
            "kind": m.kind,
            "subject": m.subject,
            "state": m.state,
            "n": m.recipients,
            "created": up(m.created_at),
            "sent": up_or_none(m.sent_at),
            "into": m.merged_into,
        }
        for m in mails
    ]


def papers_json(
    lists: Sequence[FilmList],
    editions: Sequence[Edition],
    events: Sequence[OrderEvent],
    executives: Sequence[LiveExecutive],
    access: Mapping[int, Sequence[AccessSpan]],
) -> Json:
    """The small tables, which are always sent whole."""
    return {
        "lists": [{"id": x.list_id, "name": x.name, "created": up(x.created_at)} for x in lists],
        "orders": [
            {
                **order_json(e.order),
                "known": up(e.order.known_at),
                "since": 0 if e.since is None else up(e.since),
                "until": up_or_none(e.until),
            }
            for e in editions
        ],
        "events": [{**event_json(e), "known": up(e.known_at)} for e in events],
        "executives": [
            {
                "id": e.account_id,
                "name": e.name,
                "title": e.title,
                "access": [
                    *usual_json(DECLARED[e.platform].not_observable, e.platform),
                    *(
                        found_json(a, e.platform)
                        for a in sorted(access.get(e.account_id, ()), key=lambda a: a.since)
                    ),
                ],
            }
            for e in executives
        ],
    }


def looks_json(looks: Sequence[FilmRequest]) -> list[list[object]]:
    """Answered requests: [roster, at, recorded after so many milliseconds, who answered (null: all)]."""
    return [[k.roster_id, up(k.at), up(k.recorded_at) - up(k.at), k.account_ids] for k in looks]


def pace_json(sweep_every: timedelta, gap_after: timedelta, usual: UsualPace) -> Json:
    return {
        "sweep": span_ms(sweep_every),
        "late_after": span_ms(late_after(sweep_every)),
        "gap_after": span_ms(gap_after),
        "apart": span_ms(usual.apart),
        "recorded_within": span_ms(usual.recorded_within),
    }
