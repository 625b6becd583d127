"""The accounts of the page as compact JSON: columns, words by number, milliseconds since 1970."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta

from dashboard.wire.compact_json import Json, Phrases, columns, letter, ms, ms_or_none, span_ms
from storage.live.account_listings import AccountCounts
from storage.live.accounts_table import AccountsShot, PastSpells
from storage.live.lists_and_executives import LiveList
from storage.live.snapshot import LiveSpell
from storage.model.core.accounts import Platform
from storage.model.core.coverage_gaps import NEVER, Seen
from storage.model.core.late import late_after
from storage.model.core.orders import Order
from storage.model.text.states import clean, short_words

HANDLE = 120


def accounts_json(shot: AccountsShot, now: datetime, sweep_every: timedelta, gap_after: timedelta) -> Json:
    """Rows of the table. Which place each has in it, the ids of the block say."""
    said, tags, countries = Phrases(), Phrases(), Phrases()
    platform_of = {a.account_id: a.platform for a in shot.accounts}
    groups, group_of = _groups([a.account_id for a in shot.accounts], shot.seen)
    return {
        "now": ms(now),
        "late_after": span_ms(late_after(sweep_every)),
        "gap_after": span_ms(gap_after),
        "groups": groups,
        "accounts": columns(
            shot.accounts,
            {
                "id": lambda a: a.account_id,
                "platform": lambda a: a.platform,
                "native": lambda a: clean(a.native_id, HANDLE),
                "handle": lambda a: clean(a.handle, HANDLE),
                "post": lambda a: int(a.is_post),
                "watched": lambda a: int(a.watched),
                "lists": lambda a: a.list_ids,
                "tags": lambda a: [tags.number(t) for t in a.tags],
                "group": lambda a: group_of[a.account_id],
            },
        ),
        "spells": _spells(shot.spells, platform_of, said, countries),
        "provisional": columns(
            shot.provisional,
            {
                "account": lambda p: p.account_id,
                "s": lambda p: letter(p.state, p.flags),
                "w": lambda p: said.number(short_words(p.state, platform_of[p.account_id], p.flags)),
                "old": lambda p: ms_or_none(p.last_seen_old),
                "seen": lambda p: ms(p.first_seen_new),
            },
        ),
        "words": said.words,
        "tags": tags.words,
        "countries": countries.words,
    }


def choices_json(counts: AccountCounts, lists: Sequence[LiveList], orders: Sequence[Order]) -> Json:
    """What the table can be filtered by: the values, and how many accounts have each."""
    return {
        "total": counts.total,
        "posts": counts.posts,
        "late": counts.late,
        "platforms": list(counts.platforms.items()),
        "countries": list(counts.countries.items()),
        "tags": list(counts.tags.items()),
        "lists": [
            {
                "id": w.list_id,
                "name": clean(w.name) + (" (archived)" if w.is_archived else ""),
                "n": counts.lists.get(w.list_id, 0),
            }
            for w in sorted(lists, key=lambda w: w.is_archived)
        ],
        "orders": [
            {"id": o.order_id, "title": clean(o.title), "reference": clean(o.reference), "list": o.list_id}
            for o in orders
        ],
    }


def past_json(past: PastSpells, since: datetime, now: datetime) -> Json:
    """What is drawn beside each account; a state is given only by its letter and its words."""
    said, countries = Phrases(), Phrases()
    groups, group_of = _groups(past.platforms, past.seen)
    return {
        "now": ms(now),
        "from": ms(since),
        "groups": groups,
        "accounts": {"id": list(past.platforms), "group": [group_of[i] for i in past.platforms]},
        "spells": _spells(past.spells, past.platforms, said, countries),
        "words": said.words,
        "countries": countries.words,
    }


def _groups(account_ids: Iterable[int], seen: Mapping[int, Seen]) -> tuple[list[object], dict[int, int]]:
    """[last reading, gaps] of accounts that were looked at alike, and which of these each account has."""
    numbers: dict[Seen, int] = {}
    group_of = {i: numbers.setdefault(seen.get(i, NEVER), len(numbers)) for i in account_ids}
    rows: list[object] = [
        [ms_or_none(s.last), [[ms(g.since), ms_or_none(g.until)] for g in s.gaps]] for s in numbers
    ]
    return rows, group_of


def _spells(
    spells: Sequence[LiveSpell], platform_of: Mapping[int, Platform], said: Phrases, countries: Phrases
) -> dict[str, list[object]]:
    return columns(
        spells,
        {
            "account": lambda s: s.account_id,
            "s": lambda s: letter(s.state, s.flags),
            "w": lambda s: said.number(short_words(s.state, platform_of[s.account_id], s.flags)),
            "c": lambda s: countries.number(" ".join(s.state.withheld_in)),
            "onset": lambda s: ms_or_none(s.onset_after),
            "from": lambda s: ms(s.since),
            "to": lambda s: ms_or_none(s.until),
        },
    )
