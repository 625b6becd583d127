"""The commands `apply` and `setup`: what is watched, alerted and ordered, as one file."""

from collections import Counter
from pathlib import Path
from typing import Annotated

import typer

from jobs.base.atomic_files import refuse_taken, whole_file
from jobs.base.errors import CommandError
from jobs.base.input_files import file_content
from jobs.base.output import show, show_json
from jobs.base.wording import number
from jobs.cli.command import COMMAND_LINE, AsJson, ConfigFile, examples
from jobs.config.database import with_conn
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from jobs.setup.apply import apply_setup
from jobs.setup.difference import SetupLimits
from jobs.setup.setup_file import read_setup
from jobs.setup.setup_text import setup_text
from jobs.setup.steps import SetupDifference, SetupStep
from jobs.setup.stored_setup import stored_setup
from storage.model.sizing.question import PlannerKind
from storage.model.tables.csv_rows import TableError
from storage.postgres.pool import Conn

DIFFERS = 2
"""Exit code of `apply --dry-run` if there is a difference."""
_MOST_BYTES = 32 * 1024 * 1024


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command(
        "apply",
        epilog=examples("blockline apply setup.toml --dry-run", "blockline apply setup.toml --prune"),
    )(apply_command)
    cli.command("setup", epilog=examples("blockline setup --output setup.toml"))(setup_command)


def apply_command(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML file that declares the setup.")],
    *,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show the difference and write nothing. Exit code 2 if there is one."),
    ] = False,
    prune: Annotated[
        bool,
        typer.Option(
            "--prune",
            help="Also stop watching, disable and withdraw what is not in the file, in its sections only.",
        ),
    ] = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The file has tables under [[lists]], [[accounts]], [[executives]], [[rules]] and [[orders]].

    Everything is written, or nothing. Applying a file again changes nothing. docs/how-to/setup.md explains
    each key.
    """
    settings, now = load_settings(config), command_clock()
    parsed = read_setup(file_content(file, _MOST_BYTES, "a TOML file"), file.name, now)
    _refuse(parsed.problems)
    limits = SetupLimits(settings.platforms, settings.planner is PlannerKind.ADAPTIVE)
    (setup,) = parsed.rows

    async def work(conn: Conn) -> SetupDifference:
        found = await apply_setup(conn, setup, limits, COMMAND_LINE, now, prune=prune, dry_run=dry_run)
        _refuse(found.problems)
        return found

    found = with_conn(settings, work)
    if as_json:
        show_json(_as_json(found, is_written=not dry_run))
    else:
        _show(found, is_written=not dry_run)
    if dry_run and found.steps:
        raise typer.Exit(DIFFERS)


def setup_command(
    *,
    out: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="New file to write.", show_default="standard output"),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """The file holds the lists, watched accounts, executives, alert rules and orders.

    Applied to the same installation, it changes nothing. Rules of the settings and files attached to orders
    are left out.
    """
    settings = load_settings(config)
    if out is not None:
        refuse_taken(out)
    text = setup_text(with_conn(settings, stored_setup))
    if out is None:
        print(text, end="")
        return
    with whole_file(out) as file:
        file.write(text.encode())
    show(f"The setup is written to {out}.")


def _refuse(problems: tuple[TableError, ...]) -> None:
    """Raise CommandError with every problem, if there is one."""
    if problems:
        said = [str(problem) for problem in problems]
        raise CommandError("\n".join([*said, "Nothing was written. Correct the file and apply it again."]))


def _show(found: SetupDifference, *, is_written: bool) -> None:
    for step in found.steps:
        show(step.sentence)
    if found.unchanged:
        counted = ", ".join(number(n, kind) for kind, n in found.unchanged.items())
        show(f"unchanged {counted}")
    for note in found.notes:
        show(f"Note: {note}")
    if not found.steps:
        show("No changes.")
        return
    verbs = Counter(step.verb.value for step in found.steps)
    counted = ", ".join(f"{n:,} to {verb}" for verb, n in verbs.items())
    if is_written:
        show(f"{number(len(found.steps), 'change')} written.")
    else:
        show(f"{number(len(found.steps), 'change')}: {counted}. Nothing was written.")


def _as_json(found: SetupDifference, *, is_written: bool) -> dict[str, object]:
    return {
        "written": is_written and bool(found.steps),
        "changes": [_step(step) for step in found.steps],
        "unchanged": dict(found.unchanged),
        "notes": list(found.notes),
    }


def _step(step: SetupStep) -> dict[str, object]:
    return {
        "do": step.verb.value,
        "kind": step.kind,
        "name": step.name,
        "what": step.words,
        "line": step.line,
    }
