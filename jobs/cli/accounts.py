"""The commands about accounts and executives."""

from pathlib import Path
from typing import Annotated

import typer

from jobs.base.errors import CommandError
from jobs.base.input_files import table_content
from jobs.base.output import show, show_json
from jobs.base.wording import PLATFORM_KEYS, handle_name
from jobs.cli.command import (
    COMMAND_LINE,
    AsJson,
    ConfigFile,
    OnPlatform,
    Partial,
    RepeatedlyBlocked,
    examples,
    moment_past,
)
from jobs.collect.name_lookup import Resolver
from jobs.config.database import with_conn, with_pool
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from jobs.imports.account_lookup import find_account
from jobs.imports.engagement import import_engagement
from jobs.imports.published_records import LONGEST_NAME, without_endings
from jobs.imports.report import print_report
from jobs.imports.table_imports import import_accounts, import_executives
from jobs.status.listings import (
    accounts_listing,
    executives_listing,
)
from storage.accounts.accounts import stop_watching
from storage.accounts.tags import change_tags
from storage.model.core.accounts import Account, Platform
from storage.model.tables.account_references import AddressError, read_address
from storage.model.tables.csv_cells import CellError
from storage.model.tables.csv_cells import tags as tags_of
from storage.model.text.states import clean
from storage.postgres.pool import Conn

CsvFile = Annotated[Path, typer.Argument(metavar="FILE", help="CSV file in UTF-8 with a header line.")]

accounts = typer.Typer(no_args_is_help=True, epilog=examples("blockline accounts import accounts.csv"))
executives = typer.Typer(no_args_is_help=True, epilog=examples("blockline executives list"))


def register(cli: typer.Typer) -> None:
    cli.add_typer(accounts, name="accounts")
    cli.add_typer(executives, name="executives")


@accounts.command(
    "import",
    epilog=examples("blockline accounts import accounts.csv"),
    help=f"""Import accounts from a CSV file, and watch them.

    Columns: platform and handle; optional: account_id, list, tags, followers. The platform is
    {PLATFORM_KEYS}. A handle can be the address of a profile. Separate several lists or tags in one cell
    with semicolons. Tags are added to those that an account already has. The file can also be a crawl of
    withheld accounts.
    """,
)
def accounts_import(
    file: CsvFile, *, partial: Partial = False, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    settings = load_settings(config)
    content = table_content(file)
    resolver = Resolver(settings, command_clock)
    report = with_pool(
        settings,
        lambda pool: import_accounts(
            pool, content, file.name, resolver, COMMAND_LINE, command_clock(), partial=partial
        ),
    )
    print_report(file.name, report, as_json=as_json)


@accounts.command(
    "list", epilog=examples("blockline accounts list --list Desk", "blockline accounts list --at 2026-02-01")
)
def accounts_list(
    *,
    list_name: Annotated[
        str | None,
        typer.Option(
            "--list", metavar="LIST", help="Show only this list, including accounts that are not watched."
        ),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE", help="Show this moment (ISO 8601, UTC).")
    ] = None,
    as_known_at: Annotated[
        str | None,
        typer.Option("--as-known-at", metavar="DATE", help="Use only what was recorded by this time."),
    ] = None,
    platform: OnPlatform = None,
    repeatedly_blocked: RepeatedlyBlocked = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """List the watched accounts with their last confirmed status.

    With --at the list shows an earlier moment.
    """
    now = command_clock()
    when, known_at = moment_past(at, "--at", now), moment_past(as_known_at, "--as-known-at", now)
    settings = load_settings(config)
    listing = with_conn(
        settings,
        lambda conn: accounts_listing(
            conn, list_name, when, known_at, platform, repeatedly_blocked=repeatedly_blocked
        ),
        None if as_known_at is None else known_at,
    )
    listing.show("accounts", as_json=as_json)


@accounts.command("remove", epilog=examples("blockline accounts remove x NASA"))
def accounts_remove(
    platform: Annotated[Platform, typer.Argument(help="The platform of the account.")],
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="Handle, address of a profile, or id:ID.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Stop watching an account.

    Its readings and changes are kept. To remove data, use `blockline purge`.
    """
    try:
        address = read_address(handle, platform)
    except AddressError as error:
        raise CommandError(str(error)) from error
    gone = with_conn(
        load_settings(config),
        lambda conn: stop_watching(conn, platform, address.name, command_clock(), is_id=address.is_id),
    )
    show(
        f"{handle_name(gone.handle)} ({gone.native_id}) is no longer watched. "
        "Its readings and changes are kept."
    )


@accounts.command("tag", epilog=examples("blockline accounts tag NASA --platform x --add science"))
def accounts_tag(
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="Handle, address of a profile, or id:ID.")],
    *,
    add: Annotated[
        list[str] | None, typer.Option(metavar="TAGS", help="Tags to add, separated by spaces.")
    ] = None,
    remove: Annotated[list[str] | None, typer.Option(metavar="TAGS", help="Tags to remove.")] = None,
    platform: OnPlatform = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Add tags to an account, or remove them.

    Alert rules can select accounts by tag.
    """
    if not add and not remove:
        raise typer.BadParameter("Give --add, --remove, or both.")
    try:
        more, less = tags_of(";".join(add or ())), tags_of(";".join(remove or ()))
    except CellError as error:
        raise CommandError(str(error)) from error
    if both := set(more) & set(less):
        raise CommandError(f"{', '.join(sorted(both))}: a tag cannot be in both --add and --remove.")

    async def changed(conn: Conn) -> tuple[Account, tuple[str, ...]]:
        account = await find_account(conn, handle, platform)
        return account, await change_tags(conn, account, more, less, COMMAND_LINE, command_clock())

    account, tags = with_conn(load_settings(config), changed)
    if as_json:
        show_json({"platform": account.platform.value, "account_id": account.native_id, "tags": list(tags)})
    else:
        words = f"is tagged {', '.join(map(clean, tags))}" if tags else "has no tags"
        show(f"{handle_name(account.handle)} ({account.native_id}) {words}.")


@executives.command(
    "import",
    epilog=examples("blockline executives import executives.csv"),
    help=f"""Import executives, and collect their engagements.

    The CSV file has the columns platform, handle, name, title; optional: account_id. The platform is
    {PLATFORM_KEYS}. A handle can be the address of a profile.
    """,
)
def executives_import(
    file: CsvFile, *, partial: Partial = False, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    settings = load_settings(config)
    content = table_content(file)
    resolver = Resolver(settings, command_clock)
    report = with_pool(
        settings,
        lambda pool: import_executives(pool, content, file.name, resolver, command_clock(), partial=partial),
    )
    print_report(file.name, report, as_json=as_json)


@executives.command("list", epilog=examples("blockline executives list --platform x"))
def executives_list(
    *, platform: OnPlatform = None, as_json: AsJson = False, config: ConfigFile = None
) -> None:
    """List the executives, with the time of the last collection."""
    listing = with_conn(load_settings(config), lambda conn: executives_listing(conn, platform))
    listing.show("executives", as_json=as_json)


@executives.command(
    "engagement", epilog=examples("blockline executives engagement follows.csv --as x:elonmusk --name Crawl")
)
def executives_engagement(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="CSV file in UTF-8, plain or gzipped.")],
    *,
    whose: Annotated[
        str,
        typer.Option("--as", metavar="PLATFORM:HANDLE", help="The stored executive that the file is about."),
    ],
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Source of the record.", show_default="the file's name"),
    ] = None,
    partial: Partial = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Import engagements of an executive that others recorded.

    A second import of the same file stores nothing. The header decides how the file is read: follows
    (window_start,window_end,actor,signal,target[,note]), engagements
    (observed_at,event_at,actor,signal,target,post_id) or counters
    (actor,observed_at,statuses,following,followers,likes).
    """
    if name is not None and (not name or clean(name, LONGEST_NAME) != name):
        raise CommandError(f"--name: {clean(name, LONGEST_NAME)!r} must be one line of text.")
    settings = load_settings(config)
    content = table_content(file)
    report = with_pool(
        settings,
        lambda pool: import_engagement(
            pool,
            content,
            file.name,
            whose,
            name or without_endings(file.name),
            command_clock(),
            partial=partial,
        ),
    )
    print_report(file.name, report, as_json=as_json)
