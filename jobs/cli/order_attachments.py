"""Commands about what belongs to an order: notices and claims, documents, keywords."""

import mimetypes
from pathlib import Path
from typing import Annotated

import typer

from jobs.base.atomic_files import whole_file
from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.input_files import file_content
from jobs.base.output import show, show_json
from jobs.base.wording import number
from jobs.cli.database import with_conn
from jobs.cli.options import COMMAND_LINE, AsJson, ConfigFile, moment_of
from jobs.cli.orders import MOST, Reference
from jobs.config.settings import load_settings
from jobs.orders import edits
from jobs.orders.listing import documents_listing
from storage.model.core.orders import Claim, ClaimedWhat, NewOrderEvent, OrderDocument, OrderEventKind
from storage.model.tables.csv_cells import CellError, keywords
from storage.model.text.states import clean
from storage.orders.documents import NewDocument, content_of
from storage.orders.orders import order_called
from storage.postgres.pool import Conn

_MOST_BYTES = 20 * 1024 * 1024
_UNKNOWN_TYPE = "application/octet-stream"

Source = Annotated[str, typer.Option("--source", help="Where it is from: an address, a name.")]


def register(orders: typer.Typer) -> None:
    """Add these commands to those about orders."""
    orders.command("event")(orders_event)
    orders.command("attach")(orders_attach)
    orders.command("documents")(orders_documents)
    orders.command("document")(orders_document)
    orders.command("keywords")(orders_keywords)


def orders_event(
    reference: Annotated[str, typer.Argument(metavar="REFERENCE", help="- for what belongs to no order.")],
    *,
    kind: Annotated[OrderEventKind, typer.Option("--kind")],
    at: Annotated[str, typer.Option("--at", help="When: a time in UTC, ISO 8601.")],
    text: Annotated[str, typer.Option("--text", help="What was said or done.")],
    source: Source,
    at_from: Annotated[
        str | None, typer.Option("--from", help="Where the date is disputed: the earliest.")
    ] = None,
    at_to: Annotated[str | None, typer.Option("--to", help="And the latest.")] = None,
    claimed: Annotated[
        int | None, typer.Option("--claimed", min=0, max=MOST, help="The number in it.")
    ] = None,
    of: Annotated[int | None, typer.Option("--of", min=0, max=MOST, help="Of how many.")] = None,
    what: Annotated[ClaimedWhat | None, typer.Option("--what", help="What the number counts.")] = None,
    at_least: Annotated[bool, typer.Option("--at-least", help="It is that many or more.")] = False,
    config: ConfigFile = None,
) -> None:
    """Put a notice, claim, statement or ruling on record: it stands on every time line from then on."""
    if (claimed is None) != (what is None) or (claimed is None and (of is not None or at_least)):
        raise typer.BadParameter("a number needs --claimed and --what; --of and --at-least belong to them.")
    if not text.strip() or not source.strip():
        raise typer.BadParameter("--text and --source must not be empty.")
    now = system_clock()
    when = moment_of(at, "--at") or now
    first, last = moment_of(at_from, "--from"), moment_of(at_to, "--to")
    if not (first or when) <= when <= (last or when):
        raise CommandError("--at is not between --from and --to.")
    event = NewOrderEvent(
        None if reference == "-" else reference,
        kind,
        when,
        first,
        last,
        text.strip(),
        source.strip(),
        now,
        None if claimed is None or what is None else Claim(claimed, of, what, at_least),
    )
    show(with_conn(load_settings(config), lambda conn: edits.say(conn, event, COMMAND_LINE, now)))


def orders_attach(
    reference: Reference,
    file: Annotated[Path, typer.Argument()],
    *,
    source: Source,
    config: ConfigFile = None,
) -> None:
    """Keep a file with an order, under its hash. The same file is kept once."""
    content = file_content(file, _MOST_BYTES, "a file")
    if len(content) > _MOST_BYTES:
        raise CommandError(f"{file}: more than 20 MB.")
    if not content:
        raise CommandError(f"{file}: the file is empty.")
    if not source.strip():
        raise typer.BadParameter("--source must not be empty.")
    media_type = mimetypes.guess_type(file.name)[0] or _UNKNOWN_TYPE
    document, now = NewDocument(file.name, media_type, source.strip(), content), system_clock()
    settings = load_settings(config)
    show(with_conn(settings, lambda conn: edits.attach(conn, reference, document, COMMAND_LINE, now)))


def orders_documents(reference: Reference, *, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """The documents of an order, with their hashes."""
    listing = with_conn(load_settings(config), lambda conn: documents_listing(conn, reference))
    listing.show("documents", as_json=as_json)


def orders_document(
    reference: Reference,
    document: Annotated[str, typer.Argument(metavar="NAME-OR-SHA256")],
    *,
    out: Annotated[Path, typer.Option("--out", help="The file to write, which must not be there yet.")],
    config: ConfigFile = None,
) -> None:
    """Write a document of an order to a file, if it still has its hash."""

    async def found(conn: Conn) -> tuple[OrderDocument, bytes]:
        return await content_of(conn, (await order_called(conn, reference)).order_id, document)

    told, content = with_conn(load_settings(config), found)
    with whole_file(out) as file:
        file.write(content)
    size = number(told.size, "byte")
    show(f"{clean(told.name)} ({size}) is written to {out}; its sha256 is {told.sha256}, as when attached.")


def orders_keywords(
    reference: Reference,
    *,
    add: Annotated[list[str] | None, typer.Option(help="A word, or several with spaces between.")] = None,
    remove: Annotated[list[str] | None, typer.Option(help="The same, to take away.")] = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The words by which a post is recognised as being about an order; a hashtag stands without its sign."""
    try:
        more, less = keywords(" ".join(add or ())), keywords(" ".join(remove or ()))
    except CellError as fault:
        raise CommandError(str(fault)) from fault
    if both := set(more) & set(less):
        raise CommandError(f"{', '.join(sorted(both))}: it cannot be added and removed at once.")
    now = system_clock()
    words = with_conn(
        load_settings(config),
        lambda conn: edits.change_keywords(conn, reference, more, less, COMMAND_LINE, now),
    )
    if as_json:
        show_json({"reference": reference, "keywords": words})
    else:
        said = f"has the keywords {', '.join(map(clean, words))}" if words else "has no keywords"
        show(f"Order {clean(reference)} {said}.")
