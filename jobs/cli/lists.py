"""The commands about lists of accounts."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from jobs.base.errors import CommandError
from jobs.base.output import show, show_json
from jobs.base.wording import handle_name, minute
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile, OnPlatform, examples
from jobs.config.database import with_conn
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from jobs.imports.account_lookup import find_account
from jobs.replay.threshold_preview import load_threshold_preview
from jobs.runtime.evidence_retention import parse_keeping
from jobs.status.listings import (
    lists_listing,
    set_promise,
    set_retention,
)
from storage.accounts.list_thresholds import newest_thresholds, set_list_thresholds
from storage.accounts.lookup import list_called
from storage.accounts.watch_lists import (
    archive_list,
    make_list,
    move_accounts,
    put_accounts_on,
    rename_list,
    take_accounts_off,
)
from storage.model.alerts.rule_preview import PREVIEW_PERIOD
from storage.model.bitemporal.reevaluation import Effect
from storage.model.bitemporal.threshold_preview import ThresholdPreview, threshold_preview_words
from storage.model.core.accounts import Account, AccountId, Platform
from storage.model.core.list_thresholds import (
    DEFAULT_THRESHOLDS,
    STRICTEST_HOLDS,
    ListThresholds,
    thresholds_sentence,
)
from storage.model.tables.tag_and_list_edits import OUTCOME_WORDS, Edited, EditOutcome, list_name_fault
from storage.model.text.states import clean
from storage.model.text.units import parse_duration
from storage.postgres.pool import Conn

lists = typer.Typer(invoke_without_command=True, epilog=examples("blockline lists"))


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.add_typer(lists, name="lists")


@lists.callback()
def lists_command(
    context: typer.Context,
    *,
    archived: Annotated[bool, typer.Option("--archived", help="Show the archived lists.")] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Each list is shown with its accounts, its retention and its guaranteed interval."""
    if context.invoked_subcommand is None:
        listing = with_conn(load_settings(config), lambda conn: lists_listing(conn, archived=archived))
        listing.show("lists", as_json=as_json)


@lists.command("add", epilog=examples("blockline lists add Desk"))
def lists_add(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Add an empty list."""
    if (fault := list_name_fault(name)) is not None:
        raise CommandError(fault)
    with_conn(load_settings(config), lambda conn: make_list(conn, name, COMMAND_LINE, command_clock()))
    show(f"The list {clean(name, 100)} is added. It has no accounts yet.")


_ListName = Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")]
_Handles = Annotated[
    list[str], typer.Argument(metavar="HANDLE…", help="Handles, addresses of profiles, or id:ID.")
]


@lists.command("put", epilog=examples("blockline lists put Desk NASA --platform x"))
def lists_put(
    name: _ListName,
    handles: _Handles,
    *,
    platform: OnPlatform = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Add stored accounts to a list. Whether they are read does not change."""
    _edit_members(handles, platform, config, partial(put_accounts_on, list_name=name), as_json=as_json)


@lists.command("take", epilog=examples("blockline lists take Desk NASA --platform x"))
def lists_take(
    name: _ListName,
    handles: _Handles,
    *,
    platform: OnPlatform = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Remove accounts from a list. They stay watched."""
    _edit_members(handles, platform, config, partial(take_accounts_off, list_name=name), as_json=as_json)


@lists.command("move", epilog=examples("blockline lists move Inbox Desk NASA --platform x"))
def lists_move(
    name: Annotated[str, typer.Argument(metavar="FROM", help="The list that the accounts leave.")],
    to: Annotated[str, typer.Argument(metavar="TO", help="The list that they join.")],
    handles: _Handles,
    *,
    platform: OnPlatform = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Move accounts from one list to another, in one transaction."""
    moved = partial(move_accounts, from_list=name, to_list=to)
    _edit_members(handles, platform, config, moved, as_json=as_json)


def _edit_members(
    handles: list[str],
    platform: Platform | None,
    config: Path | None,
    edit: Callable[..., Awaitable[list[Edited]]],
    *,
    as_json: bool,
) -> None:
    """Edit lists for all accounts that can be, and say why not for the others: then the exit code is 1."""

    async def done(conn: Conn) -> list[tuple[Account, Edited]]:
        found = {a.account_id: a for a in [await find_account(conn, text, platform) for text in handles]}
        edits = await edit(conn, account_ids=list(found), actor=COMMAND_LINE, now=command_clock())
        return [(found[AccountId(one.account_id)], one) for one in edits]

    edits = with_conn(load_settings(config), done)
    refused = [(account, one) for account, one in edits if one.outcome.is_refusal]
    if as_json:
        each = [
            {"platform": account.platform.value, "account_id": account.native_id, "outcome": one.outcome}
            for account, one in edits
        ]
        show_json({"accounts": each})
    else:
        changed = sum(one.outcome is EditOutcome.DONE for _, one in edits)
        same = len(edits) - changed - len(refused)
        show(f"{changed:,} changed, {same:,} unchanged, {len(refused):,} refused.")
    if refused:
        raise CommandError(
            "\n".join(
                f"{handle_name(account.handle)} ({account.native_id}): {OUTCOME_WORDS[one.outcome]}."
                for account, one in refused
            )
        )


@lists.command("archive", epilog=examples("blockline lists archive Desk"))
def lists_archive(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Archive a list, so that no account can be added to it.

    Its accounts stay on it and are read as before, alert rules that name it still match, and its history is
    kept. `blockline lists --archived` shows archived lists.
    """
    _archive(name, config, archived=True)


@lists.command("restore", epilog=examples("blockline lists restore Desk"))
def lists_restore(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Restore an archived list, so that accounts can be added to it."""
    _archive(name, config, archived=False)


def _archive(name: str, config: Path | None, *, archived: bool) -> None:
    changed = with_conn(
        load_settings(config),
        lambda conn: archive_list(conn, name, COMMAND_LINE, command_clock(), archived=archived),
    )
    status = "archived" if archived else "in use"
    show(f"The list {clean(name, 100)} {'is' if changed else 'was already'} {status}.")


@lists.command("rename", epilog=examples("blockline lists rename Desk 'News desk'"))
def lists_rename(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")],
    new_name: Annotated[str, typer.Argument(metavar="NAME", help="The new name.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Rename a list.

    Alert rules name lists by their name: those that name this list are printed, to be changed.
    """
    if (fault := list_name_fault(new_name)) is not None:
        raise CommandError(fault)
    rules = with_conn(
        load_settings(config),
        lambda conn: rename_list(conn, name, new_name, COMMAND_LINE, command_clock()),
    )
    show(f"The list {clean(name, 100)} is now called {clean(new_name, 100)}.")
    if rules:
        named = ", ".join(clean(rule) for rule in rules)
        show(f"These alert rules have its old name, so they no longer match it: {named}.")


@lists.command("retention", epilog=examples("blockline lists retention Desk 365d"))
def lists_retention(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")],
    keep: Annotated[str, typer.Argument(metavar="SPAN", help="A number of days such as 365d, or forever.")],
    *,
    config: ConfigFile = None,
) -> None:
    """Set how long the raw evidence of a list is kept.

    After that time only the hash of each piece of evidence is kept. Statuses and times are always kept.
    """
    try:
        days = parse_keeping(keep)
    except ValueError as error:
        raise CommandError(str(error)) from error
    show(
        with_conn(
            load_settings(config), lambda conn: set_retention(conn, name, days, COMMAND_LINE, command_clock())
        )
    )


@lists.command(
    "thresholds",
    epilog=examples(
        "blockline lists thresholds Desk 3 5 --preview", "blockline lists thresholds Desk default"
    ),
)
def lists_thresholds(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")],
    strong: Annotated[
        str | None,
        typer.Argument(metavar="STATED", help="Readings for a statement of the platform; or default."),
    ] = None,
    weak: Annotated[str | None, typer.Argument(metavar="ABSENT", help="Readings for a mere absence.")] = None,
    *,
    preview: Annotated[
        bool, typer.Option("--preview", help="Store nothing; count what would differ in the last 30 days.")
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """Set how many agreeing readings confirm a change on a list.

    Without numbers the present ones are shown. They hold for readings made a minute later or after. An
    account on several lists needs the most readings that any of its lists asks for.
    """
    wanted = _thresholds(strong, weak)
    now = command_clock()

    async def done(conn: Conn) -> ListThresholds | ThresholdPreview | None:
        list_id = await list_called(conn, name)
        before = await newest_thresholds(conn, list_id)
        if preview:
            tried = before if strong is None else wanted
            return await load_threshold_preview(conn, name, tried, now - PREVIEW_PERIOD, now)
        if strong is not None:
            await set_list_thresholds(conn, name, wanted, COMMAND_LINE, now)
            return wanted
        return before

    found = with_conn(load_settings(config), done)
    if isinstance(found, ThresholdPreview):
        _show_threshold_preview(found, as_json=as_json)
    elif as_json:
        numbers = found or DEFAULT_THRESHOLDS
        readings = {"strong_readings": numbers.strong_readings, "weak_readings": numbers.weak_readings}
        show_json({"list": name, "own": found is not None, **readings})
    else:
        show(thresholds_sentence(found))
        show(STRICTEST_HOLDS)


def _thresholds(strong: str | None, weak: str | None) -> ListThresholds | None:
    """The numbers of a command; None for the default ones. Raises CommandError."""
    if strong in {None, "default"}:
        if weak is not None:
            raise CommandError("Give two numbers, such as 3 5, or the word default alone.")
        return None
    if weak is None or not (strong or "").isdecimal() or not weak.isdecimal():
        raise CommandError("Give two numbers, such as 3 5, or the word default alone.")
    try:
        return ListThresholds(int((strong or "")[:4]), int(weak[:4]))
    except ValueError as error:
        raise CommandError(str(error)) from error


def _show_threshold_preview(found: ThresholdPreview, *, as_json: bool) -> None:
    if as_json:
        show_json(
            {
                "since": found.since.isoformat(),
                "until": found.until.isoformat(),
                "accounts": found.accounts,
                "changes": found.changes,
                "more": found.counts[Effect.BESIDES],
                "fewer": found.counts[Effect.NEVER],
                "earlier": found.counts[Effect.EARLIER],
                "later": found.counts[Effect.LATER],
                "was_read": found.was_read,
            }
        )
        return
    show(threshold_preview_words(found))
    for one in found.cases:
        show(f"{minute(one.first_seen)}: {handle_name(clean(one.handle, 60))}, {one.status}: {one.words}")


@lists.command("read-every", epilog=examples("blockline lists read-every Desk 5m"))
def lists_read_every(
    name: Annotated[str, typer.Argument(metavar="LIST", help="Name of the list.")],
    every: Annotated[
        str, typer.Argument(metavar="SPAN", help="A time such as 5m or 2h; turn removes the interval.")
    ],
    *,
    config: ConfigFile = None,
) -> None:
    """Set the guaranteed interval of a list.

    Each account on the list is read at least once per interval. The setting planner = "adaptive" is needed.
    """
    try:
        often = None if every == "turn" else parse_duration(every)
    except ValueError as error:
        raise CommandError(str(error)) from error
    if often is not None and often < timedelta(minutes=1):
        raise CommandError("The shortest guaranteed interval is 1m.")
    settings = load_settings(config)
    show(
        with_conn(
            settings, lambda conn: set_promise(conn, name, often, settings, COMMAND_LINE, command_clock())
        )
    )
