"""The command `report`: the report on an order, as HTML or PDF."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from dashboard.asgi.security_headers import proxied_origin
from dashboard.orders.report import OrderReport, made_by, read_report
from dashboard.orders.report_html import Imprint
from dashboard.ui.words import accounts
from jobs.base.atomic_files import refuse_taken, whole_file
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import moment, show
from jobs.base.pdf import PdfError, find_chromium, pdf_of
from jobs.cli.command import AsKnownAt, AtMoment, ConfigFile, examples, moments_past, renamed
from jobs.config.database import database, ready
from jobs.config.settings import Settings, load_settings
from storage.model.text.states import clean
from storage.orders.orders import orders
from storage.postgres.pool import Conn, open_pool
from storage.postgres.recording_order import as_known, settle_at_most

HTML, PDF = ".html", ".pdf"


def register(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command(
        "report",
        cls=renamed(out="output"),
        epilog=examples("blockline report REF1", "blockline report REF1 --output report.pdf"),
    )(report_command)


def report_command(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="Reference or number of the order.")],
    *,
    out: Annotated[
        Path | None,
        typer.Option(
            "--output", metavar="FILE", help="New .html or .pdf file to write.", show_default="report-….html"
        ),
    ] = None,
    at: AtMoment = None,
    as_known_at: AsKnownAt = None,
    config: ConfigFile = None,
) -> None:
    """The report shows compliance with the order: figures, tables, methods and coverage. It is one file that
    needs nothing else. A PDF needs Chromium.
    """
    now = system_clock()
    then, known = moments_past(at, as_known_at, now)
    settings = load_settings(config)
    suffix = HTML if out is None else out.suffix.lower()
    if suffix not in {HTML, PDF}:
        raise CommandError(f"{out}: the name of a report must end with .html or .pdf.")
    if out is not None:
        refuse_taken(out)
    try:
        chromium = find_chromium(settings.chromium) if suffix == PDF else None
        with database(settings) as dsn:
            found = run(lambda: _read(settings, dsn, order, then, known, now))
        path = out or Path(found.name(suffix))
        refuse_taken(path)
        html = found.html()
        content = html.encode() if chromium is None else pdf_of(html, chromium)
    except PdfError as error:
        raise CommandError(str(error)) from error
    with whole_file(path) as file:
        file.write(content)
    listed = accounts(len(found.found.cohort.members))
    show(
        f"{path} contains the report on order {clean(found.found.order.reference)}, {listed}, {moment(then)}."
    )


async def _read(
    settings: Settings, dsn: str, name: str, at: datetime, known: datetime | None, now: datetime
) -> OrderReport:
    await ready(settings, dsn)
    address = proxied_origin(settings.dashboard_url)
    imprint = Imprint(
        now, made_by(), synthetic=False, sweep_every=settings.sweep_every, dashboard_url=address
    )
    async with open_pool(dsn, max_size=1) as pool:
        # The report contains the heads of past days, so they must be final.
        await settle_at_most(pool, now)
        async with as_known(pool, known) as conn:
            found = await read_report(conn, await _number(conn, name, known), at, known, imprint)
    if found is None:
        raise CommandError(_unknown(name, known))
    return found


async def _number(conn: Conn, name: str, known: datetime | None) -> int:
    """Return the number of the order with this reference, or else this number. Raises CommandError."""
    known_orders = await orders(conn, known)
    named = [o.order_id for o in known_orders if o.reference == name]
    numbered = [o.order_id for o in known_orders if str(o.order_id) == name]
    if not named and not numbered:
        raise CommandError(_unknown(name, known))
    return (named or numbered)[0]


def _unknown(name: str, known: datetime | None) -> str:
    then = "" if known is None else f" that was stored by {moment(known)}"
    return f"There is no order with the reference or the number {clean(name, 120)}{then}."
