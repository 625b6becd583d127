"""The accounts behind the figures of the Live page that count changes."""

from dashboard.ui import words
from dashboard.ui.figures import FigureAccounts, FigureRequest, FigureSource
from storage.health.status_at import recent_changes
from storage.model.core.availability import ChangeKind
from storage.model.text.units import number

_KIND_WORDS = {ChangeKind.BLOCK: "new block", ChangeKind.RESTORATION: "restoration"}


async def _read(request: FigureRequest) -> FigureAccounts | None:
    match list(request.name):
        case [name] if name in list(ChangeKind) and (kind := ChangeKind(name)) in _KIND_WORDS:
            found = (await recent_changes(request.conn, request.at, request.at))[kind]
        case _:
            return None
    accounts = sorted(set(found))
    changes = number(len(found), _KIND_WORDS[kind])
    return FigureAccounts(
        f"{changes} of {words.accounts(len(accounts))}, first seen in the 24 hours before", accounts
    )


CHANGE_FIGURES = FigureSource("changes", _read)
