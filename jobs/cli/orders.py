"""Commands about legal orders: what they are, and whom they name."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.input_files import table_content
from jobs.base.output import show
from jobs.cli.database import with_conn, with_pool
from jobs.cli.options import COMMAND_LINE, AsJson, AsKnownAt, ConfigFile, Partial, moment_of, moment_past
from jobs.collect.resolve_handles import Resolver
from jobs.config.settings import load_settings
from jobs.imports.order_fields import NONE, Edit
from jobs.imports.report import print_report
from jobs.orders import edits
from jobs.orders.import_orders import import_order_file
from jobs.orders.listing import print_names, stored_names
from jobs.orders.parse_names import said_names
from jobs.orders.resolve_names import name_accounts, unresolved
from jobs.status.listings import orders_listing
from storage.model.core.accounts import Platform
from storage.model.core.orders import NewOrder
from storage.model.tables.csv_cells import CellError, country
from storage.model.tables.csv_rows import TableError
from storage.postgres.pool import Conn

orders = typer.Typer(help="Legal orders that name accounts.", no_args_is_help=True)

MOST = 999_999_999
"""No order names more, and the database takes it."""

Reference = Annotated[str, typer.Argument(metavar="REFERENCE")]
OrdersFile = Annotated[Path, typer.Argument(metavar="FILE", help="CSV with a header line, or JSON of Lumen.")]
Title = Annotated[str | None, typer.Option("--title", help="What it is called.")]
Issuer = Annotated[str | None, typer.Option("--issuer", help="Who issued it.")]
Country = Annotated[str | None, typer.Option("--country", help="Two capital letters.")]
Basis = Annotated[str | None, typer.Option("--basis", help="The law that it rests on.")]
IssuedAt = Annotated[str | None, typer.Option("--issued-at", help="A time in UTC, ISO 8601.")]
IssuedFrom = Annotated[
    str | None, typer.Option("--issued-from", help="Where the date is disputed: the earliest; or none.")
]
IssuedTo = Annotated[str | None, typer.Option("--issued-to", help="And the latest; or none.")]
Deadline = Annotated[str | None, typer.Option("--deadline", help="Until when it is to be obeyed; or none.")]
Named = Annotated[
    int | None, typer.Option("--named", min=0, max=MOST, help="How many accounts it is said to name.")
]
ListName = Annotated[str | None, typer.Option("--list", help="The list of its accounts.")]


def register(cli: typer.Typer) -> typer.Typer:
    """Add these commands to the command line; returns their group, for more of them."""
    cli.add_typer(orders, name="orders")
    return orders


@orders.command("import")
def orders_import(
    file: OrdersFile,
    *,
    by_day: Annotated[
        bool, typer.Option("--by-day", help="Of a table of legal demands: one order a day, not one a notice.")
    ] = False,
    in_country: Annotated[
        str | None, typer.Option("--country", help="Of a notice of Lumen that does not tell its country.")
    ] = None,
    partial: Partial = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Store legal orders, each with the list of the accounts that it names.

    Columns: reference, title, issuer, country, legal_basis, issued_at, deadline_at, named_count, list, and
    where the date is disputed issued_from and issued_to. Or a notice of the archive Lumen as JSON, or a
    published table of legal demands (notice_date,notice_id,…): these bring their names, and nobody is looked
    up or watched for them.
    """
    try:
        where = None if in_country is None else country(in_country)
    except CellError as fault:
        raise CommandError(f"--country: {fault}") from fault
    settings = load_settings(config)
    content = table_content(file)
    report = with_pool(
        settings,
        lambda pool: import_order_file(
            pool,
            content,
            file.name,
            system_clock(),
            COMMAND_LINE,
            partial=partial,
            by_day=by_day,
            country=where,
        ),
    )
    print_report(file.name, report, as_json=as_json)


@orders.command("list")
def orders_list(*, as_known_at: AsKnownAt = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The stored orders, by date."""
    known = None if as_known_at is None else moment_past(as_known_at, "--as-known-at", system_clock())
    listing = with_conn(load_settings(config), lambda conn: orders_listing(conn, known))
    listing.show("orders", as_json=as_json)


@orders.command("add")
def orders_add(
    reference: Reference,
    *,
    title: Title = None,
    issuer: Issuer = None,
    country: Country = None,
    basis: Basis = None,
    issued_at: IssuedAt = None,
    issued_from: IssuedFrom = None,
    issued_to: IssuedTo = None,
    deadline: Deadline = None,
    named: Named = None,
    list_name: ListName = None,
    config: ConfigFile = None,
) -> None:
    """Store an order: its title, issuer, country, basis and --issued-at are needed.

    Without --named it is said to name as many accounts as are put on it; its list is called like it.
    """
    needed = {"--title": title, "--issuer": issuer, "--country": country, "--basis": basis}
    missing = [name for name, value in (needed | {"--issued-at": issued_at}).items() if not value]
    if missing:
        raise typer.BadParameter(f"say also {', '.join(missing)}.")
    at, now = moment_of(issued_at, "--issued-at"), system_clock()
    order = NewOrder(
        reference=reference,
        title=title or "",
        issuer=issuer or "",
        country=country or "",
        legal_basis=basis or "",
        issued_at=at or now,
        issued_from=moment_of(issued_from, "--issued-from"),
        issued_to=moment_of(issued_to, "--issued-to"),
        deadline_at=moment_of(deadline, "--deadline"),
        named_count=named or 0,
        list_name=reference if list_name is None else list_name,
        known_at=now,
    )
    show(with_conn(load_settings(config), lambda conn: edits.create(conn, order, COMMAND_LINE, now)))


@orders.command("edit")
def orders_edit(
    reference: Reference,
    *,
    title: Title = None,
    issuer: Issuer = None,
    country: Country = None,
    basis: Basis = None,
    issued_at: IssuedAt = None,
    issued_from: IssuedFrom = None,
    issued_to: IssuedTo = None,
    deadline: Deadline = None,
    named: Named = None,
    list_name: ListName = None,
    config: ConfigFile = None,
) -> None:
    """Change what is given of an order; the rest stays. `none` takes a time away; --list renames its list.

    The audit log keeps what was before, and who looks back sees the order as it stood then.
    """
    edit = Edit(
        title=title,
        issuer=issuer,
        country=country,
        legal_basis=basis,
        issued_at=moment_of(issued_at, "--issued-at"),
        issued_from=issued_from if issued_from == NONE else moment_of(issued_from, "--issued-from"),
        issued_to=issued_to if issued_to == NONE else moment_of(issued_to, "--issued-to"),
        deadline_at=deadline if deadline == NONE else moment_of(deadline, "--deadline"),
        named_count=named,
        list_name=list_name,
    )
    if edit == Edit():
        raise typer.BadParameter("say what to change.")
    settings, now = load_settings(config), system_clock()
    show(with_conn(settings, lambda conn: edits.change(conn, reference, edit, COMMAND_LINE, now)))


@orders.command("names")
def orders_names(
    reference: Reference,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="A list of names; - for what is typed or piped in.")
    ] = None,
    *,
    platform: Annotated[
        Platform | None, typer.Option("--platform", help="Of handles that do not tell theirs.")
    ] = None,
    source: Annotated[
        str | None, typer.Option("--source", help="Where the names are from.", show_default="the file")
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Look up again what is on record and not resolved.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Watch the accounts that are found.")
    ] = True,
    partial: Partial = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Put names on an order, or list those that it has.

    A name is a handle, the address of a profile or a post, a DID or id:ID, one a line or with commas or
    spaces between. Before it may stand x:, bluesky: or mastodon:. Accounts that are found go on the list of
    the order and are watched. What is ambiguous, or found nowhere, is part of the order all the same.
    """
    settings = load_settings(config)
    if file is None and not again:

        async def told(conn: Conn) -> None:
            await print_names(conn, reference, as_json=as_json)

        with_conn(settings, told)
        return
    resolver = Resolver(settings, system_clock)
    called = "what is on record" if file is None else "standard input" if file == "-" else Path(file).name
    if file is not None:
        parsed = said_names(_text(file, called), called, platform)
    else:
        names = with_conn(settings, lambda conn: stored_names(conn, reference))
        parsed = unresolved(names, platform)
    report = with_pool(
        settings,
        lambda pool: name_accounts(
            pool, reference, parsed, source or called, resolver, COMMAND_LINE, partial=partial, watch=watch
        ),
    )
    print_report(called, report, as_json=as_json)


def _text(file: str, called: str) -> str:
    """The text in a file, or what is typed or piped in. Raises CommandError or TableError."""
    content = sys.stdin.buffer.read() if file == "-" else table_content(Path(file))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(called, line, "not UTF-8 text.") from error
    if "\0" in text:
        raise TableError(called, None, "not a text file.")
    return text
