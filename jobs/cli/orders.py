"""Commands about legal orders: the accounts they name, events and documents, and compliance."""

import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer

from dashboard.orders.facts import OrderFigures, read_order
from dashboard.orders.order_json import order_json
from dashboard.orders.restoration import restoration_json, restoration_of
from dashboard.orders.words import (
    claim_words,
    compared_words,
    kind,
    observed_words,
    sentences,
    verdict_words,
)
from jobs.base.atomic_files import whole_file
from jobs.base.errors import CommandError
from jobs.base.input_files import file_content, table_content
from jobs.base.output import show, show_json
from jobs.base.wording import number
from jobs.cli.command import (
    COMMAND_LINE,
    AsJson,
    AsKnownAt,
    AtMoment,
    ConfigFile,
    Partial,
    examples,
    moment_of,
    moment_past,
    moments_past,
    renamed,
)
from jobs.collect.name_lookup import Resolver
from jobs.config.database import with_conn, with_pool
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from jobs.imports.report import print_report
from jobs.orders import edits
from jobs.orders.import_orders import import_order_file
from jobs.orders.listing import documents_listing, print_names, stored_names
from jobs.orders.resolve_names import name_accounts, unresolved
from jobs.status.listings import orders_listing
from storage.model.core.accounts import Platform
from storage.model.core.late import gap_after
from storage.model.core.orders import (
    Claim,
    ClaimedTargets,
    ClaimedWhat,
    NewOrder,
    NewOrderEvent,
    OrderDocument,
    OrderEventKind,
)
from storage.model.orders.order_fields import MOST_NAMED, NONE, OrderEdit, day_around
from storage.model.tables.csv_cells import CellError, country, is_day, keywords
from storage.model.tables.csv_rows import TableError
from storage.model.tables.said_names import said_names
from storage.model.text.states import clean
from storage.orders.documents import NewDocument, content_of, media_type_of
from storage.orders.order_edits import LARGEST_DOCUMENT
from storage.orders.orders import order_called
from storage.orders.orders import orders as stored_orders
from storage.postgres.pool import Conn

Bound = TypeVar("Bound", datetime | None, datetime | str | None)
orders = typer.Typer(no_args_is_help=True, epilog=examples("blockline orders list"))

Reference = Annotated[str, typer.Argument(metavar="ORDER", help="Reference of the order.")]
OrdersFile = Annotated[
    Path, typer.Argument(metavar="FILE", help="CSV file with a header line, or JSON from Lumen.")
]
Title = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="Title of the order.")]
Issuer = Annotated[str | None, typer.Option("--issuer", metavar="TEXT", help="Authority that issued it.")]
Country = Annotated[
    str | None, typer.Option("--country", metavar="COUNTRY", help="Country code, such as IN.")
]
Basis = Annotated[str | None, typer.Option("--basis", metavar="TEXT", help="Legal basis.")]
IssuedAt = Annotated[
    str | None, typer.Option("--issued-at", metavar="DATE", help="Time of issue (ISO 8601, UTC), or a day.")
]
IssuedFrom = Annotated[
    str | None,
    typer.Option(
        "--issued-from", metavar="DATE", help="Earliest time of issue, if disputed; none removes it."
    ),
]
IssuedTo = Annotated[
    str | None, typer.Option("--issued-to", metavar="DATE", help="Latest time of issue; none removes it.")
]
Deadline = Annotated[
    str | None, typer.Option("--deadline", metavar="DATE", help="Deadline, or its last day; none removes it.")
]
Named = Annotated[
    int | None, typer.Option("--named", metavar="N", min=0, max=MOST_NAMED, help="Stated number of accounts.")
]
ListName = Annotated[str | None, typer.Option("--list", metavar="LIST", help="List of its accounts.")]

Source = Annotated[str, typer.Option("--source", metavar="TEXT", help="Source: an address or a name.")]


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.add_typer(orders, name="orders")


@orders.command("import", epilog=examples("blockline orders import orders.csv"))
def orders_import(
    file: OrdersFile,
    *,
    by_day: Annotated[
        bool,
        typer.Option("--by-day", help="For a table of legal demands: one order per day, not per notice."),
    ] = False,
    in_country: Annotated[
        str | None,
        typer.Option(
            "--country", metavar="COUNTRY", help="Country of a Lumen notice that does not name one."
        ),
    ] = None,
    partial: Partial = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Import legal orders from a file.

    A CSV file has the columns reference, title, issuer, country, legal_basis, issued_at, deadline_at,
    named_count and list. If the date is disputed, add issued_from and issued_to.

    The file can also be a notice of the Lumen archive as JSON, or a published table of legal demands
    (notice_date,notice_id,…). The names in these are stored, but not looked up and not watched.
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
            command_clock(),
            COMMAND_LINE,
            partial=partial,
            by_day=by_day,
            country=where,
        ),
    )
    print_report(file.name, report, as_json=as_json)


@orders.command("list", epilog=examples("blockline orders list"))
def orders_list(*, as_known_at: AsKnownAt = None, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List the stored orders by date."""
    known = None if as_known_at is None else moment_past(as_known_at, "--as-known-at", command_clock())
    listing = with_conn(load_settings(config), lambda conn: orders_listing(conn, known), known)
    listing.show("orders", as_json=as_json)


@orders.command(
    "add",
    epilog=examples(
        "blockline orders add REF1 --title Block --issuer MeitY --country IN \\",
        '  --basis "IT Act 69A" --issued-at 2021-02-04',
    ),
)
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
    """Add an order.

    --title, --issuer, --country, --basis and --issued-at are required. Without --named, the number of names
    added to the order is used. Without --list, its list has the order's reference as its name.
    """
    needed = {"--title": title, "--issuer": issuer, "--country": country, "--basis": basis}
    missing = [name for name, value in (needed | {"--issued-at": issued_at}).items() if not value]
    if missing:
        raise typer.BadParameter(f"Also give {', '.join(missing)}.")
    now = command_clock()
    at, first, last = _with_day(
        issued_at,
        "--issued-at",
        moment_of(issued_from, "--issued-from"),
        moment_of(issued_to, "--issued-to"),
    )
    order = NewOrder(
        reference=reference,
        title=title or "",
        issuer=issuer or "",
        country=country or "",
        legal_basis=basis or "",
        issued_at=at or now,
        issued_from=first,
        issued_to=last,
        deadline_at=_deadline(deadline),
        named_count=named or 0,
        list_name=reference if list_name is None else list_name,
        known_at=now,
    )
    show(with_conn(load_settings(config), lambda conn: edits.create(conn, order, COMMAND_LINE, now)))


def _with_day(
    text: str | None, option: str, first: Bound, last: Bound
) -> tuple[datetime | None, Bound | datetime, Bound | datetime]:
    """The time given with an option, with its range. A day without a time may be any time of the day, unless
    a range was given.
    """
    at = moment_of(text, option)
    if text is None or at is None or not is_day(text) or first is not None or last is not None:
        return at, first, last
    return at, *day_around(at)


def _deadline(text: str | None) -> datetime | None:
    """The time of --deadline. A day without a time ends at its last minute."""
    at = moment_of(text, "--deadline")
    if text is None or at is None or not is_day(text):
        return at
    return at + timedelta(hours=23, minutes=59)


@orders.command("edit", epilog=examples("blockline orders edit REF1 --deadline 2021-02-06"))
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
    """Change an order.

    Only the given options change. The value `none` removes a time; --list renames the order's list. The
    audit log keeps the earlier values, and earlier moments show the order as it was then.
    """
    at, first, last = _with_day(
        issued_at,
        "--issued-at",
        issued_from if issued_from == NONE else moment_of(issued_from, "--issued-from"),
        issued_to if issued_to == NONE else moment_of(issued_to, "--issued-to"),
    )
    edit = OrderEdit(
        title=title,
        issuer=issuer,
        country=country,
        legal_basis=basis,
        issued_at=at,
        issued_from=first,
        issued_to=last,
        deadline_at=deadline if deadline == NONE else _deadline(deadline),
        named_count=named,
        list_name=list_name,
    )
    if edit == OrderEdit():
        raise typer.BadParameter("Give at least one option to change.")
    settings, now = load_settings(config), command_clock()
    show(with_conn(settings, lambda conn: edits.change(conn, reference, edit, COMMAND_LINE, now)))


@orders.command("names", epilog=examples("blockline orders names REF1 names.txt --platform x"))
def orders_names(
    reference: Reference,
    file: Annotated[
        str | None, typer.Argument(metavar="FILE", help="File of names; - is standard input.")
    ] = None,
    *,
    platform: Annotated[
        Platform | None, typer.Option("--platform", help="Platform of handles that do not name one.")
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="TEXT", help="Source of the names.", show_default="the file"),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Look up stored names again that are not resolved.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch/--no-watch", help="Watch the accounts that are found.")
    ] = True,
    partial: Partial = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Add names to an order, or list its names.

    A name is a handle, the address of a profile or a post, a DID, or id:ID. Write one per line, or separate
    them with commas or spaces. A name can start with its platform, such as x:NASA. Accounts that are found
    are added to the order's list and watched. Names that are ambiguous or not found are still stored.
    """
    settings = load_settings(config)
    if file is None and not again:

        async def show_names(conn: Conn) -> None:
            await print_names(conn, reference, as_json=as_json)

        with_conn(settings, show_names)
        return
    resolver = Resolver(settings, command_clock)
    called = "stored names" if file is None else "standard input" if file == "-" else Path(file).name
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
    """Read the text in a file or on standard input. Raises CommandError or TableError."""
    content = sys.stdin.buffer.read() if file == "-" else table_content(Path(file))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TableError(called, line, "the text is not UTF-8.") from error
    if "\0" in text:
        raise TableError(called, None, "the text contains a null character.")
    return text


@orders.command(
    "event",
    cls=renamed(**{"from": "at-from", "to": "at-to"}),
    epilog=examples(
        "blockline orders event REF1 --kind notice --at 2021-02-05 \\",
        '  --text "The platform was notified." --source https://example.org',
    ),
)
def orders_event(
    reference: Annotated[
        str, typer.Argument(metavar="ORDER", help="Reference of the order; - for no order.")
    ],
    *,
    kind: Annotated[OrderEventKind, typer.Option("--kind", help="Kind of event.")],
    at: Annotated[str, typer.Option("--at", metavar="DATE", help="Time of the event (ISO 8601, UTC).")],
    text: Annotated[str, typer.Option("--text", metavar="TEXT", help="What was said or done.")],
    source: Source,
    at_from: Annotated[
        str | None, typer.Option("--at-from", metavar="DATE", help="Earliest time, if disputed.")
    ] = None,
    at_to: Annotated[str | None, typer.Option("--at-to", metavar="DATE", help="Latest time.")] = None,
    claimed: Annotated[
        int | None, typer.Option("--claimed", metavar="N", min=0, max=MOST_NAMED, help="Claimed number.")
    ] = None,
    of: Annotated[
        int | None,
        typer.Option("--of", metavar="N", min=0, max=MOST_NAMED, help="Total that the number is part of."),
    ] = None,
    what: Annotated[ClaimedWhat | None, typer.Option("--what", help="What the number counts.")] = None,
    targets: Annotated[
        ClaimedTargets | None,
        typer.Option("--targets", help="Of which kind the number is. Leave out if the source does not say."),
    ] = None,
    at_least: Annotated[bool, typer.Option("--at-least", help="The number is a minimum.")] = False,
    config: ConfigFile = None,
) -> None:
    """Add a notice, claim, statement or ruling to an order.

    It is shown on every time line. Use - as the reference if the event belongs to no order.
    """
    needs_number = of is not None or at_least or targets is not None
    if (claimed is None) != (what is None) or (claimed is None and needs_number):
        raise typer.BadParameter(
            "Give both --claimed and --what, or neither. --of, --at-least and --targets need both."
        )
    if not text.strip() or not source.strip():
        raise typer.BadParameter("--text and --source must not be empty.")
    now = command_clock()
    when, first, last = _with_day(at, "--at", moment_of(at_from, "--at-from"), moment_of(at_to, "--at-to"))
    event = NewOrderEvent(
        None if reference == "-" else reference,
        kind,
        when or now,
        first,
        last,
        text,
        source,
        now,
        None if claimed is None or what is None else Claim(claimed, of, what, at_least, targets),
    )
    show(with_conn(load_settings(config), lambda conn: edits.say(conn, event, COMMAND_LINE, now)))


@orders.command(
    "attach", epilog=examples("blockline orders attach REF1 order.pdf --source https://example.org")
)
def orders_attach(
    reference: Reference,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to attach.")],
    *,
    source: Source,
    config: ConfigFile = None,
) -> None:
    """Attach a file to an order.

    The file is stored under its hash; attaching the same file twice stores it once.
    """
    if not source.strip():
        raise typer.BadParameter("--source must not be empty.")
    content = file_content(file, LARGEST_DOCUMENT, "a file")
    document, now = NewDocument(file.name, media_type_of(file.name), source, content), command_clock()
    settings = load_settings(config)
    show(with_conn(settings, lambda conn: edits.attach(conn, reference, document, COMMAND_LINE, now)))


@orders.command(
    "withdraw", epilog=examples('blockline orders withdraw REF1 x:NASA --reason "taken back on 4 March"')
)
def orders_withdraw(
    reference: Reference,
    names: Annotated[list[str], typer.Argument(metavar="NAME…", help="Names, as the order has them.")],
    *,
    reason: Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why they are withdrawn.")],
    config: ConfigFile = None,
) -> None:
    """Withdraw names from an order.

    They stay visible with the reason. Their accounts leave the order's list, but stay watched. To name them
    again, add them again.
    """
    now = command_clock()
    show(
        with_conn(
            load_settings(config),
            lambda conn: edits.withdraw(conn, reference, names, reason, COMMAND_LINE, now),
        )
    )


@orders.command("documents", epilog=examples("blockline orders documents REF1"))
def orders_documents(reference: Reference, *, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """List the documents of an order with their hashes."""
    listing = with_conn(load_settings(config), lambda conn: documents_listing(conn, reference))
    listing.show("documents", as_json=as_json)


@orders.command(
    "document",
    cls=renamed(out="output"),
    epilog=examples("blockline orders document REF1 order.pdf --output copy.pdf"),
)
def orders_document(
    reference: Reference,
    document: Annotated[str, typer.Argument(metavar="DOCUMENT", help="Name or SHA-256 of the document.")],
    *,
    out: Annotated[Path, typer.Option("--output", metavar="FILE", help="New file to write.")],
    config: ConfigFile = None,
) -> None:
    """Write a document of an order to a file.

    Nothing is written if the document no longer matches its hash.
    """

    async def found(conn: Conn) -> tuple[OrderDocument, bytes]:
        return await content_of(conn, (await order_called(conn, reference)).order_id, document)

    stored, content = with_conn(load_settings(config), found)
    with whole_file(out) as file:
        file.write(content)
    size = number(stored.size, "byte")
    show(f"{clean(stored.name)} ({size}) is written to {out}. Its SHA-256 is unchanged: {stored.sha256}")


@orders.command("keywords", epilog=examples("blockline orders keywords REF1 --add blockade"))
def orders_keywords(
    reference: Reference,
    *,
    add: Annotated[
        list[str] | None, typer.Option(metavar="WORDS", help="Keywords to add, separated by spaces.")
    ] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="WORDS", help="Keywords to remove.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show or change the keywords of an order.

    A post with one of these words is shown as about the order. Write a hashtag without #.
    """
    try:
        more, less = keywords(" ".join(add or ())), keywords(" ".join(remove or ()))
    except CellError as fault:
        raise CommandError(str(fault)) from fault
    if both := set(more) & set(less):
        raise CommandError(f"{', '.join(sorted(both))}: a keyword cannot be in both --add and --remove.")
    now = command_clock()
    words = with_conn(
        load_settings(config),
        lambda conn: edits.change_keywords(conn, reference, more, less, COMMAND_LINE, now),
    )
    if as_json:
        show_json({"reference": reference, "keywords": words})
    else:
        said = f"has the keywords {', '.join(map(clean, words))}" if words else "has no keywords"
        show(f"Order {clean(reference)} {said}.")


@orders.command("show", epilog=examples("blockline orders show REF1 --restoration"))
def orders_show(
    reference: Reference,
    *,
    at: AtMoment = None,
    as_known_at: AsKnownAt = None,
    restoration: Annotated[
        bool, typer.Option("--restoration", help="Also show how long accounts and posts took to come back.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Show the compliance with an order.

    The output shows blocked and restored accounts, their times, and each claim beside what was observed.
    """
    now = command_clock()
    then, known = moments_past(at, as_known_at, now)
    settings = load_settings(config)

    async def read(conn: Conn) -> OrderFigures:
        order_id = next(
            (o.order_id for o in await stored_orders(conn, known) if o.reference == reference), None
        )
        limit = gap_after(settings.sweep_every)
        found = None if order_id is None else await read_order(conn, order_id, then, limit, known)
        if found is None:
            raise CommandError(f"There is no order with the reference {clean(reference, 120)}.")
        return found

    found = with_conn(settings, read, known)
    if as_json:
        more = {"restoration": restoration_json(found)} if restoration else {}
        show_json({**order_json(found), **more})
        return
    for sentence in sentences(found):
        show(sentence)
    for one in found.sections:
        if len(found.sections) > 1:
            show(f"{one.noun.capitalize()}s:")
        for share in one.shares:
            stale = f" ({share.stale:,} not read lately)" if share.stale else ""
            show(f"  {share.accounts:>7,}  {kind(share.kind, found.order.country)}{stale}")
    for claim in found.claims:
        said = f"Claimed: {claim_words(claim.claim)}. Observed: {observed_words(claim)}."
        show(f"{said} {verdict_words(claim)} {compared_words(claim)}".strip())
    for one in found.sections if restoration else ():
        if len(found.sections) > 1:
            show(f"Time to restoration of {one.noun}s:")
        for sentence in restoration_of(one).sentences:
            show(sentence)
