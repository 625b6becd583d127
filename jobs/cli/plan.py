"""The command `plan`: an estimate of what it takes to watch a number of accounts and posts."""

from datetime import timedelta
from typing import Annotated

import typer
from rich.table import Table

from jobs.base.errors import CommandError
from jobs.base.output import show, show_json
from jobs.cli.command import AsJson, examples
from storage.model.core.accounts import Platform
from storage.model.sizing.question import PlannerKind, SizingQuestion, SizingRefused
from storage.model.sizing.sizing import size
from storage.model.sizing.words import BASIS_WORDS, BESIDE, as_json, headline, tables, verdict
from storage.model.text.units import parse_duration


def register(cli: typer.Typer) -> None:
    """Add the command to the command line."""
    cli.command("plan", epilog=examples("blockline plan --platform x --accounts 10000 --every 15m"))(_plan)


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
