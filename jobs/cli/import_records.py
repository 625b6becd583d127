"""The commands `import` and `published`: records that others published, and published figures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from dashboard.countries import published_words
from dashboard.countries.published_json import claimed_json
from jobs.base.errors import CommandError
from jobs.base.event_loop import run
from jobs.base.input_files import table_content
from jobs.base.output import EscapingConsole, show, show_json
from jobs.cli.command import AsJson, ConfigFile, Partial, examples
from jobs.config.database import database, ready
from jobs.config.demonstration import command_clock
from jobs.config.settings import Settings, load_settings
from jobs.imports.published_records import LONGEST_NAME, Say, import_record
from jobs.imports.table_imports import ImportReport
from storage.countries.label_census import LabelHalfYear, label_half_years
from storage.countries.published_report import claimed, published_by_country
from storage.model.orders.published_vs_observed import FIGURES, Claimed
from storage.model.text.countries import country_name
from storage.model.text.states import PLATFORM_NAME, clean
from storage.postgres.pool import open_pool, transaction


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command("import", epilog=examples("blockline import history.csv --name Crawl"))(import_command)
    cli.command("published", epilog=examples("blockline published IN"))(published_command)


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
            command_clock(),
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


def published_command(
    code: Annotated[str, typer.Argument(metavar="COUNTRY", help="Country code of two letters, such as IN.")],
    *,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The figures are imported with `blockline import`. Do not add figures of different sources together."""
    settings, now = load_settings(config), command_clock()
    with database(settings) as dsn:
        found, labels, known = run(lambda: _published(settings, dsn, code.upper()))
    if not found and not labels:
        stored = f"Figures are stored for: {', '.join(known)}." if known else "No figures are stored."
        raise CommandError(f"There is no published or observed data for {clean(code)}. {stored}")
    if as_json:
        show_json(claimed_json(code.upper(), found, labels, now))
        return
    if found:
        show(_figures(found, code.upper()))
        for sentence in _sentences(found, code.upper()):
            show(sentence)
    for one in labels:
        show(published_words.label_line(one))
    if labels:
        show(published_words.LABELS_NOTE)


async def _published(
    settings: Settings, dsn: str, code: str
) -> tuple[tuple[Claimed, ...], list[LabelHalfYear], list[str]]:
    """Read the figures and the labels of a country, and the codes of all countries with stored figures."""
    await ready(settings, dsn)
    async with open_pool(dsn, max_size=1) as pool, transaction(pool) as conn:
        now = command_clock()
        found, labels = await claimed(conn, code, now), await label_half_years(conn, code, now)
        return found, labels, sorted(await published_by_country(conn))


def _sentences(found: tuple[Claimed, ...], code: str) -> Iterator[str]:
    unseen: list[str] = []
    for one in found:
        when = f"{one.half.name}, {PLATFORM_NAME[one.platform]}"
        yield from (f"{when}: {line}" for line in published_words.disagreement_lines(one))
        if one.own is None and one.recorded is None and one.posts is None:
            unseen.append(when)
            continue
        for said in published_words.observer_summaries(one, code):
            yield f"{when}, {said.who}: {said.head}. {' '.join(said.lines)}"
    if unseen:
        yield f"{published_words.NOT_OBSERVED}, because Blockline read no accounts: {'; '.join(unseen)}."
    yield published_words.WHAT_IT_DOES_NOT_SAY


def _figures(found: tuple[Claimed, ...], code: str) -> Table:
    names = ("demands", "accounts_specified", "accounts_withheld", "tweets_withheld", "accounts_tos")
    table = Table(title=f"{country_name(code)}: published figures of demands", title_justify="left")
    for title in ("Half-year", "Platform", "Source"):
        table.add_column(title)
    for title in ("Demands", "Specified", "Withheld", "Posts withheld", "Under own rules"):
        table.add_column(title, justify="right")
    for one in found:
        for report in one.published:
            values = [FIGURES[name](report) for name in names]
            table.add_row(
                one.half.name,
                PLATFORM_NAME[one.platform],
                clean(report.source),
                *["–" if v is None else f"{v:,}" for v in values],
            )
    return table
