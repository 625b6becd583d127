"""The commands `purge` and `purges`: remove an account's data, and list the removals."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated

import typer

from dashboard.accounts.purge_words import preview_sentences, purge_sentences
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.output import OutputTable, moment, show, show_json
from jobs.base.wording import handle_name, number
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile, examples
from jobs.config.database import database, ready
from jobs.config.demonstration import command_clock
from jobs.config.settings import Settings, load_settings
from storage.accounts.lookup import accounts_named
from storage.model.core.accounts import Account, Platform
from storage.model.tables.account_references import Address, AddressError, read_address
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.pool import open_pool, transaction
from storage.purge.deliberate_purge import preview_purge, purge_as
from storage.purge.purge import LoggedPurge, Purged, purges


def register(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command(
        "purge",
        epilog=examples('blockline purge x SomeHandle --reason "request of 2026-02-01"'),
    )(purge_command)
    cli.command("purges", epilog=examples("blockline purges"))(purges_command)


def purge_command(
    platform: Annotated[Platform, typer.Argument(help="The platform of the account.")],
    handle: Annotated[str, typer.Argument(metavar="HANDLE", help="Handle, address of a profile, or id:ID.")],
    *,
    whole: Annotated[
        bool,
        typer.Option("--whole", help="Also remove all other data of the account, including its changes."),
    ] = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Reason and requester; this is stored.")
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be removed, and remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The account's id, statuses and times are kept. With --whole they are removed too, and what is left is
    a number that identifies no one.
    """
    try:
        address = read_address(handle, platform)
    except AddressError as error:
        raise CommandError(str(error)) from error
    settings = load_settings(config)
    with database(settings) as dsn:
        account = run(lambda: _account(settings, dsn, platform, address))
        name = _name(account)
        if dry_run:
            preview = run(lambda: _preview(dsn, account, whole=whole))
            if as_json:
                show_json({"platform": platform.value, "dry_run": True, **dataclasses.asdict(preview)})
            else:
                show("\n".join(preview_sentences(name, preview)))
            return
        if not yes and not typer.confirm(_question(account, whole=whole), err=True):
            raise CommandError("Nothing was purged.")
        purged = run(lambda: _purge(dsn, account, reason, whole=whole))
    if as_json:
        show_json({"platform": platform.value, **dataclasses.asdict(purged)})
    else:
        for sentence in purge_sentences(name, purged):
            show(sentence)


def purges_command(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Each line shows the time, the account, the number of removed items and the reason."""
    settings = load_settings(config)
    with database(settings) as dsn:
        done = run(lambda: _purges(settings, dsn))
    _listing(done).show("purges", as_json=as_json)


async def _purges(settings: Settings, dsn: str) -> list[LoggedPurge]:
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return await purges(conn)


def _listing(done: Sequence[LoggedPurge]) -> OutputTable:
    out = OutputTable(
        ("Time", "Platform", "Id", "What", "Evidence", "Handles", "Facts", "Emails", "Changes", "Reason"),
        "No account was purged yet.",
    )
    for p in done:
        what = "the whole account" if p.whole else "its content"
        counts = (p.evidence, p.handles, p.facts, p.mails, p.changes)
        out.add(
            (
                moment(p.at),
                p.platform,
                clean(p.native_id),
                what,
                *(f"{n:,}" for n in counts),
                clean(p.reason, 400),
            ),
            {**dataclasses.asdict(p), "at": p.at.isoformat()},
        )
    return out


async def _account(settings: Settings, dsn: str, platform: Platform, address: Address) -> Account:
    """Return the account with this address. Raises CommandError if there is none, or more than one."""
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        found = await accounts_named(conn, platform, address.name, is_id=address.is_id)
    if not found:
        raise CommandError(
            f"No account on {PLATFORM_NAME[platform]} is stored as {clean(address.name, 120)}."
        )
    if len(found) > 1:
        ids = ", ".join(f"id:{account.native_id}" for account in found)
        raise CommandError(
            f"{number(len(found), 'account')} have the handle {clean(address.name)}. Give one of these "
            f"ids: {ids}."
        )
    return found[0]


async def _purge(dsn: str, account: Account, reason: str, *, whole: bool) -> Purged:
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return await purge_as(
            conn, account.account_id, command_clock(), COMMAND_LINE, whole=whole, reason=reason
        )


async def _preview(dsn: str, account: Account, *, whole: bool) -> Purged:
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        return await preview_purge(conn, account.account_id, command_clock(), whole=whole)


def _question(account: Account, *, whole: bool) -> str:
    if whole:
        return (
            f"{_name(account)}: all its data, including its changes, is removed permanently. Only an earlier "
            "backup still has it. Purge the whole account?"
        )
    return (
        f"{_name(account)}: its evidence and handles are removed permanently, and it is no longer watched. "
        "Purge it?"
    )


def _name(account: Account) -> str:
    return f"{handle_name(account.handle)} ({account.native_id})"
