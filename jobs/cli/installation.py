"""The installation before it runs: `init` writes its settings, `where` names its files, `plan` its size."""

import os
import sys
from datetime import timedelta
from importlib import resources
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from jobs.base.atomic_files import private_folder, refuse_taken, whole_file
from jobs.base.errors import CommandError
from jobs.base.output import show, show_json
from jobs.cli.command import AsJson, ConfigFile, examples
from jobs.config import places
from jobs.config.settings import chosen_file, is_there, load_settings
from storage.model.core.accounts import Platform
from storage.model.sizing.question import PlannerKind, SizingQuestion, SizingRefused
from storage.model.sizing.sizing import size
from storage.model.sizing.words import BASIS_WORDS, BESIDE, as_json, headline, tables, verdict
from storage.model.text.units import parse_duration


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command("init", epilog=examples("blockline init", "blockline init blockline.toml"))(init_command)
    cli.command("where", epilog=examples("blockline where"))(where_command)
    cli.command("plan", epilog=examples("blockline plan --platform x --accounts 10000 --every 15m"))(_plan)


def init_command(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="FILE", help="The file to write. Default: the one of the user."),
    ] = None,
) -> None:
    """The file explains the settings that most installations need. Only its owner can read it."""
    path = places.settings_file() if file is None else file
    if file is None:
        private_folder(path.parent)
    refuse_taken(path)
    template = resources.files("jobs.config") / "settings_template.toml"
    with whole_file(path) as written:
        os.fchmod(written.fileno(), 0o600)
        written.write(template.read_bytes())
    load_settings(path)
    option = "" if path.absolute() == chosen_file().absolute() else f" --config {path}"
    show(f"Wrote {path}. With it, Blockline reads the platforms that need no key.")
    show("For email, set recipients and smtp_host in it.")
    show(f"Then check the installation with: blockline doctor{option}")


def where_command(*, as_json: AsJson = False, config: ConfigFile = None) -> None:
    """Nothing is contacted or written."""
    settings = load_settings(config)
    file = chosen_file() if config is None else config
    if settings.database_url is None:
        stored = str(settings.data_dir / "postgres")
    else:
        stored = f"the server of setting database_url (in {settings.where('database_url')})"
    named = {
        "version": version("blockline"),
        "program": str(Path(sys.argv[0]).absolute()),
        "settings": str(file.absolute()),
        "data": str(settings.data_dir),
        "database": stored,
        "backups": str(places.backup_folder(settings.data_dir)),
    }
    if as_json:
        show_json(named | {"settings_exist": is_there(file)})
        return
    absent = "" if is_there(file) else " (does not exist; `blockline init` writes it)"
    for name, place in (named | {"settings": named["settings"] + absent}).items():
        show(f"{name:<10} {place}")


def _plan(
    *,
    platform: Annotated[Platform, typer.Option(help="The platform of the accounts.")],
    accounts: Annotated[int, typer.Option(metavar="N", help="Number of accounts to watch.")],
    posts: Annotated[int, typer.Option(metavar="N", help="Number of posts to watch beside them.")] = 0,
    every: Annotated[
        str | None, typer.Option(metavar="SPAN", help="Interval between readings: 15m, 6h, 1d.")
    ] = None,
    budget: Annotated[float | None, typer.Option(metavar="N", help="Or: readings per hour.")] = None,
    money: Annotated[
        float | None,
        typer.Option(metavar="USD", help="Or: daily cost limit in US dollars; needs --planner adaptive."),
    ] = None,
    lists: Annotated[
        list[int] | None,
        typer.Option("--list", metavar="N", help="Number of accounts on a list; can be repeated."),
    ] = None,
    planner: Annotated[
        PlannerKind, typer.Option(help="sweep reads in turn; adaptive reads lists with recent changes first.")
    ] = PlannerKind.SWEEP,
    servers: Annotated[
        int, typer.Option(metavar="N", help="Number of servers, on a federated platform.")
    ] = 1,
    json: AsJson = False,
) -> None:
    """Give one of --every, --budget and --money. Each figure names its basis. No database and no network are
    needed.
    """
    try:
        asked = SizingQuestion(
            platform=platform,
            accounts=accounts,
            posts=posts,
            every=_duration(every),
            budget=budget,
            money=money,
            planner=planner,
            lists=tuple(lists or ()),
            servers=servers,
        )
    except SizingRefused as error:
        raise CommandError(f"--{error.field}: {error}") from error
    found = size(asked)
    if json:
        show_json(as_json(found))
        return
    show(headline(found))
    show(verdict(found))
    shown = tables(found)
    table = Table("", "Figure", "Basis", "Note")
    for one in shown:
        table.add_row(one.title.upper())
        for row in one.rows:
            table.add_row(row.name, row.value, row.basis.value, row.note)
        table.add_section()
    show(table)
    show(BESIDE)
    used = {row.basis for one in shown for row in one.rows}
    for basis, meaning in BASIS_WORDS.items():
        if basis in used:
            show(f"{basis.value}: {meaning}.")


def _duration(text: str | None) -> timedelta | None:
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CommandError(f"--every: {error}") from error
