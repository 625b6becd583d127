"""The accounts behind the figures of Live and of the replay film: tiles, drawings and groups of changes.

The name of a figure of the board says of which of its accounts, what, and when:
`board/7/status/W/2021-01-25T12:00:00Z` are the accounts of list 7 that were withheld at that moment.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from dashboard.ui import words
from dashboard.ui.figures import FigureAccounts, FigureRequest, FigureSource, time_in
from dashboard.wire.compact_json import letter
from storage.health.status_at import provisional_at, recent_changes, unread
from storage.live.board_accounts import accounts_watched, checked_at
from storage.live.lists_and_executives import lists
from storage.live.snapshot import LiveAccount, accounts_changed, changes, spells
from storage.model.core.accounts import AccountId, TargetKind
from storage.model.core.availability import ChangeKind
from storage.model.text.states import clean
from storage.model.text.units import number

_KIND_WORDS = {ChangeKind.BLOCK: "new block", ChangeKind.RESTORATION: "restoration"}
Counted = Callable[[int], str]
"""Returns a number of accounts in words: "34 accounts of the list Press"."""
MOST_CHANGES = 20_000
"""Changes of one group that an address may name."""
_RANGE = re.compile(r"(\d{1,15})(?:-(\d{1,15}))?")
_CHECKED = "APWSGDN"
_LETTER_WORDS = {
    "A": "available",
    "P": "protected",
    "W": "withheld",
    "S": "suspended",
    "WS": "blocked",
    "NGD": "not found, deleted or deactivated",
    "U": "not checked",
    _CHECKED: "checked",
}
"""What the drawings tell apart, by the letters of `dashboard/assets/board/state.mjs`."""


async def _read(request: FigureRequest) -> FigureAccounts | None:
    match list(request.name):
        case ["of", written]:
            return await _group(request, written)
        case [name] if name in list(ChangeKind) and ChangeKind(name) in _KIND_WORDS:
            return await _recent(request, ChangeKind(name))
        case _:
            return None


async def _group(request: FigureRequest, written: str) -> FigureAccounts | None:
    """The accounts of the changes with these numbers: a group in the feed."""
    ids = _numbers(written)
    accounts = [] if ids is None else await accounts_changed(request.conn, ids)
    if not accounts:
        return None
    return FigureAccounts(f"{words.accounts(len(accounts))} of one group of changes", accounts)


async def _recent(request: FigureRequest, kind: ChangeKind) -> FigureAccounts:
    """The accounts of the changes of one kind in the 24 hours before: a tile."""
    found = (await recent_changes(request.conn, request.at, request.at))[kind]
    accounts = sorted(set(found))
    changed = number(len(found), _KIND_WORDS[kind])
    return FigureAccounts(
        f"{changed} of {words.accounts(len(accounts))}, first seen in the 24 hours before", accounts
    )


def _numbers(written: str) -> list[int] | None:
    """The numbers of "3,5-9"; None for another text, or for too many."""
    found: list[int] = []
    for part in written.split(","):
        if (match := _RANGE.fullmatch(part)) is None:
            return None
        first = int(match[1])
        last = int(match[2] or first)
        if last - first >= MOST_CHANGES - len(found):
            return None
        found += range(first, last + 1)
    return found


@dataclass(frozen=True, slots=True)
class _Shown:
    """The accounts that a figure counts: `all`, `7` (a list) or `changed@TIME`; then `*accounts` or `*posts`
    for one kind only; then `~` and a part of a handle.
    """

    list_id: int | None
    changed_since: datetime | None
    kind: TargetKind | None
    """None: accounts and posts."""
    text: str

    def counted(self, list_name: str | None, n: int) -> str:
        """Return `n` in words. Accounts include posts unless one kind is chosen; the page Accounts adds how
        many of them are posts.
        """
        out = number(n, "post" if self.kind is TargetKind.POSTS else "account")
        out += "" if list_name is None else f" of the list {clean(list_name, 80)}"
        out += "" if self.changed_since is None else " with changes"
        return out + (f" with “{clean(self.text, 40)}” in the handle" if self.text else "")

    def has(self, account: LiveAccount) -> bool:
        listed = self.list_id is None or self.list_id in account.list_ids
        is_kind = self.kind is None or account.is_post is (self.kind is TargetKind.POSTS)
        return listed and is_kind and self.text in account.handle.lower()


def _shown(written: str) -> _Shown | None:
    """None for what names no part of the board."""
    which, _, text = written.partition("~")
    which, star, named = which.partition("*")
    if star and named not in list(TargetKind):
        return None
    kind = TargetKind(named) if star else None
    if which == "all":
        return _Shown(None, None, kind, text)
    if which.isascii() and which.isdecimal() and len(which) <= 15:
        return _Shown(int(which), None, kind, text)
    if which.startswith("changed@") and (since := time_in(which.removeprefix("changed@"))) is not None:
        return _Shown(None, since, kind, text)
    return None


async def _board(request: FigureRequest) -> FigureAccounts | None:
    """A figure of the accounts that are watched at the moment of knowing."""
    return await _of_shown(request, watched_then=False)


async def _moment(request: FigureRequest) -> FigureAccounts | None:
    """A figure of the accounts that were watched at the moment shown: the replay film."""
    return await _of_shown(request, watched_then=True)


async def _of_shown(request: FigureRequest, *, watched_then: bool) -> FigureAccounts | None:
    match list(request.name):
        case [written, what, *rest, last] if (
            (shown := _shown(written)) is not None
            and (at := time_in(last)) is not None
            and (at <= request.at or what == "changes")
        ):
            names = {one.list_id: one.name for one in await lists(request.conn)}
            if shown.list_id is not None and shown.list_id not in names:
                return None
            accounts = await _accounts(request, shown, at, watched_then=watched_then)
            counted = partial(shown.counted, None if shown.list_id is None else names[shown.list_id])
            return await _figure(request, counted, accounts, what, rest, at)
        case _:
            return None


async def _accounts(
    request: FigureRequest, shown: _Shown, at: datetime, *, watched_then: bool
) -> list[AccountId]:
    """The accounts of the board; or all that were watched at a moment, as the replay counts them."""
    watched_at = min(at, request.at) if watched_then else request.at
    watched = await accounts_watched(request.conn, watched_at, controls=watched_then)
    found = [a.account_id for a in watched if shown.has(a)]
    if shown.changed_since is not None:
        told = await changes(request.conn, shown.changed_since, (), request.at)
        changed = {c.account_id for c in told if c.kind is not ChangeKind.BASELINE}
        found = [a for a in found if a in changed]
    return [AccountId(a) for a in found]


async def _figure(
    request: FigureRequest,
    counted: Counted,
    accounts: Sequence[AccountId],
    what: str,
    rest: Sequence[str],
    at: datetime,
) -> FigureAccounts | None:
    when = f"at {words.exact(at)}"
    match [what, *rest]:
        case ["status" | "confirmed", letters] if letters in _LETTER_WORDS:
            found = await _in_status(request, accounts, letters, at, checked=what == "status")
            said = _LETTER_WORDS[letters] if what == "status" else f"{_LETTER_WORDS[letters]} when last read"
        case ["fresh" | "stale", letters] if letters in _LETTER_WORDS:
            confirmed = await _in_status(request, accounts, letters, at, checked=False)
            found = await _by_age(request, confirmed, at, late=what == "stale")
            said = f"{_LETTER_WORDS[letters]} when last read, {_age_words(request, late=what == 'stale')}"
        case ["in" | "in-late", country]:
            confirmed = await _withheld_in(request, accounts, country, at)
            found = confirmed if what == "in" else await _by_age(request, confirmed, at, late=True)
            said = f"withheld in {clean(country, 20)}" + (
                f", {_age_words(request, late=True)}" if what == "in-late" else ""
            )
        case ["unconfirmed"]:
            confirmed = await _in_status(request, accounts, _CHECKED, at, checked=False)
            found, said = sorted(set(accounts) - set(confirmed)), "without a confirmed status"
        case ["watched"]:
            found, said = list(accounts), "watched"
        case ["provisional"]:
            among = set(accounts)
            found = [a for a in await provisional_at(request.conn, at, request.at) if a in among]
            said = "with a provisional change"
        case ["late"]:
            found = await _by_age(request, accounts, at, late=True)
            said = _age_words(request, late=True)
        case ["recent", kind] if kind in list(ChangeKind) and ChangeKind(kind) in _KIND_WORDS:
            told = (await recent_changes(request.conn, at, request.at))[ChangeKind(kind)]
            among = set(accounts)
            found = [a for a in told if a in among]
            return _of_changes(found, ChangeKind(kind), counted, f"in the 24 hours to {words.exact(at)}")
        case ["changes", kind, since] if (
            kind in list(ChangeKind)
            and ChangeKind(kind) in _KIND_WORDS
            and (begin := time_in(since)) is not None
        ):
            return await _changed(request, counted, accounts, ChangeKind(kind), begin, at)
        case _:
            return None
    return FigureAccounts(f"{counted(len(found))}, {said} {when}", found)


async def _in_status(
    request: FigureRequest, accounts: Sequence[AccountId], letters: str, at: datetime, *, checked: bool
) -> list[AccountId]:
    """Those in one of these statuses. `checked` leaves out those of which the status was not known then."""
    told = await spells(request.conn, None if letters == "U" else at, accounts, request.at)
    begun = [s for s in told if s.since <= at]
    held = {
        AccountId(s.account_id): letter(s.state, s.flags) for s in begun if s.until is None or at < s.until
    }
    if not checked:
        return sorted(a for a, s in held.items() if s in letters)
    known = await checked_at(request.conn, accounts, at, request.at, request.gap_after)
    if letters == "U":
        return sorted({AccountId(s.account_id) for s in begun} - (held.keys() & known))
    return sorted(a for a in held.keys() & known if held[a] in letters)


async def _withheld_in(
    request: FigureRequest, accounts: Sequence[AccountId], country: str, at: datetime
) -> list[AccountId]:
    told = await spells(request.conn, at, accounts, request.at)
    return sorted(
        {
            AccountId(s.account_id)
            for s in told
            if s.since <= at and (s.until is None or at < s.until) and country in s.state.withheld_in
        }
    )


async def _by_age(
    request: FigureRequest, accounts: Sequence[AccountId], at: datetime, *, late: bool
) -> list[AccountId]:
    """Those that were not read in time before `at`, or those that were."""
    unseen = await unread(request.conn, at - request.late_after, at, request.at, accounts)
    return unseen if late else sorted(set(accounts) - set(unseen))


def _age_words(request: FigureRequest, *, late: bool) -> str:
    return f"{'not read' if late else 'read'} in the {words.span(request.late_after)} before"


async def _changed(
    request: FigureRequest,
    counted: Counted,
    accounts: Sequence[AccountId],
    kind: ChangeKind,
    since: datetime,
    until: datetime,
) -> FigureAccounts:
    """Count the confirmed changes of one kind that were first seen from `since` on, and before `until`."""
    told, among = await changes(request.conn, since, (), request.at), set(accounts)
    found = [
        AccountId(c.account_id)
        for c in told
        if c.kind is kind
        and c.outcome == "confirmed"
        and since <= c.first_seen_new < until
        and c.account_id in among
    ]
    when = f"from {words.exact(since)} to {words.exact(min(until, request.at))}"
    return _of_changes(found, kind, counted, when)


def _of_changes(
    changed_ids: Sequence[AccountId], kind: ChangeKind, counted: Counted, when: str
) -> FigureAccounts:
    """The accounts of some changes, each of which names its account."""
    found = sorted(set(changed_ids))
    changed = number(len(changed_ids), _KIND_WORDS[kind])
    return FigureAccounts(f"{changed} of {counted(len(found))}, first seen {when}", found)


CHANGE_FIGURES = FigureSource("changes", _read)
BOARD_FIGURES = FigureSource("board", _board)
MOMENT_FIGURES = FigureSource("moment", _moment)
