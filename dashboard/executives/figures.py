"""The accounts behind the bars of blocks and restorations below an executive's engagement."""

from datetime import timedelta

from dashboard.ui import words
from dashboard.ui.figures import FigureAccounts, FigureRequest, FigureSource, time_in, written_time
from storage.executives.engagement_report import BlockCount, counts_of_blocks
from storage.model.core.availability import ChangeKind
from storage.model.text.units import number


def block_figure(count: BlockCount, step: timedelta) -> str:
    """The name of the figure of one bar."""
    first, last = written_time(count.start), written_time(count.start + step)
    return f"blocks/{count.kind.value}/{first}/{last}"


async def _read(request: FigureRequest) -> FigureAccounts | None:
    match list(request.name):
        case [kind, first, last] if (
            kind in list(ChangeKind)
            and (since := time_in(first)) is not None
            and (until := time_in(last)) is not None
            and since < until
        ):
            counts, of_orders = await counts_of_blocks(request.conn, since, until, until - since)
            found = next((c for c in counts if c.kind.value == kind and c.start == since), None)
            if found is None:
                return None
            accounts = sorted(set(found.account_ids))
            changes = number(found.n, found.kind.value)
            named = " named by orders" if of_orders else ""
            when = f"first seen from {words.exact(since)} to {words.exact(until)}"
            return FigureAccounts(f"{changes} of {words.accounts(len(accounts))}{named}, {when}", accounts)
        case _:
            return None


BLOCK_FIGURES = FigureSource("blocks", _read)
