"""Typed rows as the small JSON of the live page: columns, one-letter statuses, milliseconds since 1970."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from storage.alerts.mails_report import MailNote
from storage.live.kpis import Kpis
from storage.live.lists_and_executives import LiveSignal
from storage.live.quiet_accounts import QuietGroup
from storage.live.snapshot import LiveAccount, LiveChange, LiveSpell, Snapshot
from storage.live.updates import LiveNews
from storage.model.core.accounts import Platform
from storage.model.core.availability import Flag, State, Status
from storage.model.core.coverage import Gap
from storage.model.core.coverage_gaps import NEVER, Seen
from storage.model.text.states import change_words, clean, short_words
from storage.readings.coverage_report import Request

Json = dict[str, object]
Row = TypeVar("Row")

LETTER = {
    Status.AVAILABLE: "A",
    Status.PROTECTED: "P",
    Status.WITHHELD: "W",
    Status.SUSPENDED: "S",
    Status.DEACTIVATED: "D",
    Status.NOT_FOUND: "N",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_HANDLE = 120
GONE_OR_SUSPENDED = "G"
"""Suspended by its server or deleted by its owner, which look alike: drawn as gone, never as blocked."""


def ms(at: datetime) -> int:
    return round(at.timestamp() * 1000)


def ms_or_none(at: datetime | None) -> int | None:
    return None if at is None else ms(at)


def up(at: datetime) -> int:
    """The first millisecond that is not before it."""
    return -((_EPOCH - at) // _MS)


def up_or_none(at: datetime | None) -> int | None:
    return None if at is None else up(at)


def span_ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1000)


def columns(rows: Sequence[Row], cells: dict[str, Callable[[Row], object]]) -> dict[str, list[object]]:
    """A table by column: a third of the size of a list of objects, and quicker to read in the browser."""
    return {name: [cell(row) for row in rows] for name, cell in cells.items()}


@dataclass(slots=True)
class Phrases:
    """The words of one message, each once: rows name them by their number."""

    numbers: dict[str, int] = field(default_factory=dict[str, int])

    def number(self, words: str) -> int:
        return self.numbers.setdefault(words, len(self.numbers))

    @property
    def words(self) -> list[str]:
        return list(self.numbers)


def letter(state: State, flags: Collection[Flag]) -> str:
    """How a state is drawn."""
    return GONE_OR_SUSPENDED if Flag.SUSPENDED_OR_DELETED in flags else LETTER[state.status]


def snapshot_json(
    shot: Snapshot, counts: Kpis, now: datetime, since: datetime, sweep_every: timedelta, gap_after: timedelta
) -> Json:
    """The first answer: all that the page draws of the accounts."""
    said = Phrases()
    platform_of = {a.account_id: Platform(a.platform) for a in shot.accounts}
    numbers: dict[Seen, int] = {}
    group_of = {
        a.account_id: numbers.setdefault(shot.seen.get(a.account_id, NEVER), len(numbers))
        for a in shot.accounts
    }
    quiet = {} if shot.quiet is None else {"quiet": _quiet_json(shot.quiet, numbers, said)}
    index = {a.account_id: i for i, a in enumerate(shot.accounts)}
    return {
        "id": shot.live_event_id,
        "now": ms(now),
        "from": ms(since),
        "earliest": ms_or_none(shot.earliest),
        "sweep": span_ms(sweep_every),
        "gap_after": span_ms(gap_after),
        "accounts": {
            **accounts_json(shot.accounts),
            "group": [group_of[a.account_id] for a in shot.accounts],
        },
        "coverage": {
            # Accounts that were looked at alike share one entry: almost all of a roster.
            "groups": [[ms_or_none(s.last), _gaps(s.gaps)] for s in numbers],
            "rosters": {
                str(roster_id): [index[a] for a in members if a in index]
                for roster_id, members in shot.coverage.rosters.items()
            },
        },
        "outages": _gaps(shot.coverage.outages),
        "spells": spells_json(shot.spells, platform_of, said),
        "changes": changes_json(shot.changes, said),
        "words": said.words,
        "signals": signals_json(shot.signals),
        "mails": [mail_json(m, with_changes=False) for m in shot.mails],
        "kpis": kpis_json(counts),
        **quiet,
    }


def accounts_json(accounts: Sequence[LiveAccount]) -> dict[str, list[object]]:
    return columns(
        accounts,
        {
            "id": lambda a: a.account_id,
            "platform": lambda a: a.platform,
            "handle": lambda a: clean(a.handle, _HANDLE),
            "post": lambda a: int(a.is_post),
            "lists": lambda a: a.list_ids,
        },
    )


def _quiet_json(groups: Sequence[QuietGroup], numbers: dict[Seen, int], said: Phrases) -> Json:
    """Quiet accounts that are alike: what an account of the group has, and `n`, how many they are."""

    def words(group: QuietGroup) -> int | None:
        if group.state is None:
            return None
        return said.number(short_words(group.state, Platform(group.platform), group.flags))

    return {
        **columns(
            groups,
            {
                "platform": lambda g: g.platform,
                "post": lambda g: int(g.is_post),
                "lists": lambda g: g.list_ids,
                "s": lambda g: None if g.state is None else letter(g.state, g.flags),
                "w": words,
                "from": lambda g: ms_or_none(g.since),
                "group": lambda g: numbers.setdefault(g.seen, len(numbers)),
                "n": lambda g: g.accounts,
            },
        )
    }


def _gaps(gaps: Iterable[Gap]) -> list[list[int | None]]:
    return [[ms(g.since), ms_or_none(g.until)] for g in gaps]


def news_json(news: LiveNews) -> Json:
    """What is new between two events. Folding it in twice changes nothing."""
    out: Json = {"since": news.since, "id": news.live_event_id}
    if news.changes:
        said = Phrases()
        out["changes"] = changes_json(news.changes, said)
        out["spells"] = spells_json(news.spells, {c.account_id: c.platform for c in news.changes}, said)
        out["words"] = said.words
    if news.superseded:
        out["superseded"] = news.superseded
    if news.signals:
        out["signals"] = signals_json(news.signals)
    if news.mails:
        out["mails"] = [mail_json(m, with_changes=True) for m in news.mails]
    if news.renamed:
        out["renames"] = [(account_id, clean(handle, _HANDLE)) for account_id, handle in news.renamed]
    if news.labeled:
        out["labels"] = news.labeled
    return out


def reads_json(requests: Iterable[Request]) -> list[list[object]]:
    """Answered requests: [roster, at, accounts without an answer, accounts (of a single re-read only)]."""
    return [[r.roster_id, ms(r.at), r.missing, r.account_ids] for r in requests]


def spells_json(spells: Sequence[LiveSpell], platform_of: Mapping[int, Platform], said: Phrases) -> Json:
    """Of the accounts in `platform_of`: others may have spells and be on no list."""
    spells = [s for s in spells if s.account_id in platform_of]
    return {
        **columns(
            spells,
            {
                "account": lambda s: s.account_id,
                "s": lambda s: letter(s.state, s.flags),
                "w": lambda s: said.number(short_words(s.state, platform_of[s.account_id], s.flags)),
                "onset": lambda s: ms_or_none(s.onset_after),
                "from": lambda s: ms(s.since),
                "to": lambda s: ms_or_none(s.until),
            },
        )
    }


def changes_json(changes: Sequence[LiveChange], said: Phrases) -> Json:
    return {
        **columns(
            changes,
            {
                "id": lambda c: c.change_id,
                "account": lambda c: c.account_id,
                "kind": lambda c: c.kind,
                "s": lambda c: letter(c.new, c.flags),
                "w": lambda c: said.number(short_words(c.new, c.platform, c.flags)),
                "h": lambda c: said.number(change_words(c.kind, c.old, c.new, c.platform, c.flags)),
                "strength": lambda c: c.strength,
                "old": lambda c: ms_or_none(c.last_seen_old),
                "seen": lambda c: ms(c.first_seen_new),
                "recorded": lambda c: ms(c.recorded_at),
                "outcome": lambda c: c.outcome,
                "why": lambda c: c.reason,
                "last": lambda c: ms_or_none(c.last_agreeing_at),
                "agreeing": lambda c: c.readings,
                "mail": lambda c: c.mail_id,
                "corrects": lambda c: c.supersedes,
            },
        )
    }


def signals_json(signals: Sequence[LiveSignal]) -> Json:
    return {
        **columns(
            signals,
            {
                "id": lambda s: s.signal_id,
                "executive": lambda s: s.account_id,
                "kind": lambda s: s.kind,
                "t": lambda s: ms(s.at),
            },
        )
    }


def mail_json(mail: MailNote, *, with_changes: bool) -> Json:
    """A mail as the feed mentions it. In the snapshot each change names its mail, so the list is left out."""
    out: Json = {
        "id": mail.mail_id,
        "subject": mail.subject,
        "state": mail.state,
        "n": mail.recipients,
        "t": ms(mail.at),
    }
    if with_changes:
        out["changes"] = mail.change_ids
    return out


def kpis_json(counts: Kpis) -> Json:
    return {
        "watched": counts.watched,
        "withheld": counts.withheld,
        "withheld_by": counts.withheld_by,
        "suspended": counts.suspended,
        "new_blocks": counts.new_blocks,
        "new_blocks_hour": counts.new_blocks_hour,
        "restored": counts.restored,
        "last_restored": ms_or_none(counts.last_restored_at),
        "provisional": counts.provisional,
        "next_read": ms_or_none(counts.next_read_at),
        "orders": counts.orders,
        "orders_overdue": counts.orders_overdue,
        "unread": counts.unread,
        "blocked_unread": counts.blocked_unread,
        "posts": asdict(counts.posts),
    }
