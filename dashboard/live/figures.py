"""The accounts behind the figures of the Live page that count changes."""

import re

from dashboard.ui import words
from dashboard.ui.figures import FigureAccounts, FigureRequest, FigureSource
from storage.health.status_at import recent_changes
from storage.live.snapshot import accounts_changed
from storage.model.core.availability import ChangeKind
from storage.model.text.units import number

_KIND_WORDS = {ChangeKind.BLOCK: "new block", ChangeKind.RESTORATION: "restoration"}
MOST_CHANGES = 20_000
"""Changes of one group that an address may name."""
_RANGE = re.compile(r"(\d{1,15})(?:-(\d{1,15}))?")


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
    changes = number(len(found), _KIND_WORDS[kind])
    return FigureAccounts(
        f"{changes} of {words.accounts(len(accounts))}, first seen in the 24 hours before", accounts
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


CHANGE_FIGURES = FigureSource("changes", _read)
