"""The command `import`: records that others published."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from jobs.base.clock import system_clock
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.input_files import table_content
from jobs.base.output import EscapingConsole, show, show_json
from jobs.cli.command import AsJson, ConfigFile, Partial, examples
from jobs.config.database import database, ready
from jobs.config.settings import Settings, load_settings
from jobs.imports.published_records import LONGEST_NAME, Say, import_record
from jobs.imports.table_imports import ImportReport
from storage.model.text.states import clean
from storage.postgres.pool import open_pool


def register(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command("import", epilog=examples("blockline import history.csv --name Crawl"))(import_command)


def import_command(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE", help="CSV files in UTF-8, plain or gzipped.")
    ],
    *,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Source of the records.", show_default="the file's name"),
    ] = None,
    list_name: Annotated[
        str | None,
        typer.Option(
            "--list", metavar="LIST", help="List for the accounts.", show_default="the source's name"
        ),
    ] = None,
    partial: Partial = False,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """A second import of the same file stores nothing. The header decides how a file is read:

    \b
    - a status history: platform,account_id,handle,at,status,withheld_in
    - periods: account_id,platform,status,seen_from,seen_to
    - restorations: account_id,suspended_seen_at,restored_seen_at
    - a crawl of withheld accounts
    - figures of legal demands: period, iso2 or country, source, source_url,
      and any of court_orders, other_legal_demands, total_demands,
      accounts_specified, accounts_withheld, tweets_withheld, accounts_tos,
      pct_some_withheld

    `blockline published CODE` shows the figures of demands beside what was observed.
    """
    for text, option in ((name, "--name"), (list_name, "--list")):
        if text is not None and (not text or clean(text, LONGEST_NAME) != text):
            raise CommandError(f"{option}: {clean(text, LONGEST_NAME)!r} must be one line of text.")
    settings = load_settings(config)
    with database(settings) as dsn, _waiting() as progress:
        task = progress.add_task("")

        def say(what: str) -> None:
            progress.update(task, description=what)

        reports: list[tuple[Path, ImportReport]] = []
        try:
            for file in files:
                report = run(
                    lambda file=file: _imported(
                        settings, dsn, file, say, source=name, list_name=list_name, partial=partial
                    )
                )
                reports.append((file, report))
                if report.problems:
                    break
        finally:
            progress.stop()
            _show(reports, as_json=as_json)
    _raise_problems(reports, files)


async def _imported(
    settings: Settings,
    dsn: str,
    file: Path,
    say: Say,
    *,
    source: str | None,
    list_name: str | None,
    partial: bool,
) -> ImportReport:
    say(f"{file.name}: reading")
    content = table_content(file)
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool:
        return await import_record(
            pool,
            content,
            file.name,
            system_clock(),
            say,
            source=source,
            list_name=list_name,
            partial=partial,
        )


def _waiting() -> Progress:
    console = EscapingConsole(stderr=True)
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )


def _show(reports: list[tuple[Path, ImportReport]], *, as_json: bool) -> None:
    if as_json:
        show_json({"files": [_as_json(file.name, report) for file, report in reports]})
        return
    for file, report in reports:
        if report.ignored:
            ignored = ", ".join(map(clean, report.ignored))
            show(f"{file.name}: ignored columns: {ignored}.")
        if report.summary:
            show(f"{file.name}: {report.summary}")


def _as_json(file: str, report: ImportReport) -> dict[str, object]:
    return {
        "file": file,
        "kind": report.kind,
        "stored": report.stored,
        **report.figures,
        "refused": [{"line": problem.line, "why": str(problem)} for problem in report.problems],
        "ignored_columns": list(report.ignored),
    }


def _raise_problems(reports: list[tuple[Path, ImportReport]], files: list[Path]) -> None:
    """Raise CommandError with every refused line, and whether the others are stored."""
    file, report = reports[-1]
    if not report.problems:
        return
    notes = [str(problem) for problem in report.problems]
    refused = "1 line was refused" if len(notes) == 1 else f"{len(notes):,} lines were refused"
    notes.append(
        f"{refused}; the other lines of {file.name} are stored."
        if report.stored
        else f"{refused}, so nothing was stored. Correct {file.name}, or store the rest with --partial."
    )
    if rest := files[len(reports) :]:
        notes.append(f"Not read: {', '.join(clean(f.name) for f in rest)}.")
    raise CommandError("\n".join(notes))
