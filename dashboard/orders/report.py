"""The data of a report on an order, read in one go, for the server and the command line."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

from dashboard.orders.facts import OrderFigures, read_order
from dashboard.orders.report_html import Imprint, report_html
from dashboard.orders.restoration import restoration_of, section
from storage.model.core.late import gap_after
from storage.orders.report_sources import ReportSources, grounds
from storage.postgres.installation import is_synthetic
from storage.postgres.pool import Conn, Pool
from storage.postgres.recording_order import settle_at_most
from storage.postgres.replica import snapshot


@dataclass(frozen=True, slots=True)
class OrderReport:
    """The content of a report, before it is written."""

    found: OrderFigures
    behind: ReportSources
    imprint: Imprint

    def html(self) -> str:
        """Return the whole page. Estimating the time to restoration may take seconds of CPU time."""
        blocked = [one for one in self.found.sections if one.funnel.ever_blocked]
        restored = [section(restoration_of(one)) for one in blocked]
        return report_html(self.found, self.behind, self.imprint, restored)

    def name(self, suffix: str) -> str:
        """Return the name of its file: `report-IN-69A-2021-02-04-2021-02-11.html`."""
        signs = (
            c if c.isascii() and (c.isalnum() or c in "._-") else "-" for c in self.found.order.reference
        )
        reference = "".join(signs).strip(".-")[:80] or f"order-{self.found.order.order_id}"
        return f"report-{reference}-{self.found.at.astimezone(UTC):%Y-%m-%d}{suffix}"


async def read_report(
    conn: Conn, order_id: int, at: datetime, known_at: datetime | None, imprint: Imprint
) -> OrderReport | None:
    """The report on an order at `at`, as known at `known_at` (None: now); None when there is no such order.

    A report on a demonstration says that it is invented, whatever `imprint` says.
    """
    found = await read_order(conn, order_id, at, gap_after(imprint.sweep_every), known_at)
    if found is None:
        return None
    synthetic = imprint.synthetic or await is_synthetic(conn)
    behind = await grounds(conn, replace(found.cohort, members=found.members), at, known_at)
    return OrderReport(found, behind, replace(imprint, synthetic=synthetic))


async def settled_report(
    pool: Pool, order_id: int, at: datetime, known_at: datetime | None, imprint: Imprint
) -> OrderReport | None:
    """Return the same with the heads of past days final, because the report contains them."""
    await settle_at_most(pool, imprint.made_at)
    async with snapshot(pool, known_at=known_at, limited=True) as conn:
        return await read_report(conn, order_id, at, known_at, imprint)
