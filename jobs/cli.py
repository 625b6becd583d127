"""The command line: `blockline`. Exit codes: 0 done, 1 refused or failed with one sentence, 2 usage."""

import dataclasses
import json
import logging
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from collectors.simulator.faults import PROFILES
from collectors.simulator.files import load_history
from jobs import app as installation
from jobs import cli_data, cli_simulate, demo, rehearse
from jobs.app import Role
from jobs.command import CommandError, exit_code, for_ever, run
from jobs.database import database
from jobs.durations import parse_duration
from jobs.options import AsJson, ConfigFile, moment_of
from jobs.settings import load_settings
from jobs.simulated import Plan
from jobs.simulators import Played, played
from jobs.web import listen_on
from storage.embedded import embedded_postgres
from storage.migrate import grant_running, migrate

cli = typer.Typer(
    name="blockline",
    help="Watches flagged social-media accounts: blocked when, where, for how long, and back when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
cli_data.register(cli)

err = Console(stderr=True)


def main() -> None:
    """The console script."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=err, show_path=False, show_level=False)],
    )
    sys.exit(exit_code(cli))


@contextmanager
def _scratch_database() -> Generator[str]:
    """An empty, migrated database that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="blockline-postgres-"))
    try:
        with embedded_postgres(folder) as dsn:
            run(lambda: migrate(dsn))
            yield dsn
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _progress(start: datetime, end: datetime, *, shown: bool) -> Generator[tuple[Progress, TaskID]]:
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f}%"),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
        console=err,
        disable=not shown,
        transient=True,
    )
    with bar:
        task = bar.add_task(f"{start:%Y-%m-%d}", total=(end - start).total_seconds(), said="")
        yield bar, task


@cli.command("demo")
def demo_command(
    *,
    headless: Annotated[
        bool, typer.Option(help="No dashboard, as fast as it goes, and end by itself.")
    ] = False,
    as_json: AsJson = False,
    port: Annotated[
        int, typer.Option(help="Port of the dashboard; 0 takes a free one.", min=0, max=65535)
    ] = 8050,
) -> None:
    """Play the India 2021 scenario through the whole pipeline and show it live."""
    story = demo.scenario()
    with ExitStack() as stack:
        listener = None if headless else stack.enter_context(listen_on("127.0.0.1", port))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="blockline-demo-")))
        err.print("Starting Postgres …")
        dsn = stack.enter_context(_scratch_database())
        bar, task = stack.enter_context(_progress(story.start, story.end, shown=err.is_terminal))

        def after(at: datetime, tally: demo.Tally) -> None:
            bar.update(
                task,
                completed=(at - story.start).total_seconds(),
                description=f"{at:%d %b %Y %H:%M} UTC",
                said=f"{tally.readings:,} readings",
            )

        async def at_once(_: datetime) -> None:
            """Headless, nobody is waited for."""

        def tell(ended: demo.Ended) -> None:
            if as_json:
                print(json.dumps(dataclasses.asdict(ended)), flush=True)
            else:
                err.print(_ended_sentence(ended))

        async def play() -> None:
            if listener is None:
                tell(await demo.play(dsn, folder, dashboard_url=None, before=at_once, after=after))
                return
            clock = demo.paced_clock()
            async with demo.shown(dsn, listener, clock) as address:
                err.print(
                    f"Dashboard on {address} (synthetic, about {demo.minutes_long():.0f} min; Ctrl-C ends it)"
                )
                tell(await demo.play(dsn, folder, dashboard_url=address, before=clock.wait_for, after=after))
                err.print("The scenario has ended; the dashboard stays until Ctrl-C.")
                await for_ever()

        run(play)


def _ended_sentence(ended: demo.Ended) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in ended.changes.items() if n)
    return (
        f"{ended.accounts:,} accounts, {ended.readings:,} readings, confirmed changes: {kinds}; "
        f"{ended.mails} mails; false changes: {ended.false_changes}."
    )


@cli.command("rehearse")
def rehearse_command(
    history: Annotated[Path, typer.Argument(help="Status history, CSV, gzipped or not.")],
    *,
    start: Annotated[str | None, typer.Option("--from", help="First moment, ISO 8601 in UTC.")] = None,
    end: Annotated[str | None, typer.Option("--to", help="Last moment, ISO 8601 in UTC.")] = None,
    every: Annotated[str, typer.Option(help="How often every account is read: 15m, 1d, …")] = "15m",
    platform: Annotated[
        Played | None, typer.Option(help="Play every account on this platform; as the file says by default.")
    ] = None,
    faults: Annotated[str, typer.Option(help=f"What goes wrong: {', '.join(PROFILES)}.")] = "none",
    report: Annotated[Path | None, typer.Option(help="Write every wrong case there, as JSON Lines.")] = None,
    as_json: AsJson = False,
) -> None:
    """Drive the real pipeline through a recorded history in simulated time, and hold it against the truth."""
    truth = played(load_history(history), platform)
    try:
        first, last = rehearse.span(truth)
    except ValueError as error:
        raise CommandError(f"{history.name}: {error}.") from error
    plan = Plan(
        moment_of(start, "--from") or first, moment_of(end, "--to") or last, _duration(every, "--every")
    )
    cli_simulate.fault_plan(faults)
    if plan.end <= plan.start:
        raise CommandError(f"--to ({plan.end.isoformat()}) is not after --from ({plan.start.isoformat()}).")
    if report is not None and not report.parent.is_dir():
        raise CommandError(f"--report: the folder {report.parent} does not exist.")
    with _scratch_database() as dsn, _progress(plan.start, plan.end, shown=err.is_terminal) as (bar, task):

        def on_progress(at: rehearse.Progress) -> None:
            bar.update(
                task,
                completed=(at.at - plan.start).total_seconds(),
                description=f"{at.at:%d %b %Y}",
                said=f"{at.readings:,} readings",
            )

        found = run(lambda: rehearse.rehearse(history, platform, truth, plan, faults, dsn, on_progress))
    if report is not None:
        rehearse.write_report(report, found)
    if as_json:
        print(json.dumps(found.figures))
    else:
        for name, value in found.figures.items():
            print(f"{name:<28} {value}")
    if not found.is_right:
        raise CommandError(
            f"{len(found.verdict.false)} false changes, {len(found.verdict.wrong_interval)} wrong intervals"
            + (f": see {report}." if report else "; run again with --report FILE to see them.")
        )


def _duration(text: str, option: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        raise CommandError(f"{option}: {error}") from error


cli_simulate.register(cli)


@cli.command("run")
def run_command(
    *,
    config: ConfigFile = None,
    role: Annotated[list[Role] | None, typer.Option(help="Only these parts; all by default.")] = None,
) -> None:
    """The real monitor, from blockline.toml and BLOCKLINE_*."""
    settings = load_settings(config)
    roles = role or list(Role)
    installation.check(settings, roles)
    with database(settings) as dsn:

        async def work() -> None:
            async with installation.running(settings, dsn, roles) as said:
                for sentence in said:
                    err.print(sentence)
                await for_ever()

        run(work)


@cli.command("migrate")
def migrate_command(
    *,
    grant: Annotated[
        str | None,
        typer.Option(metavar="ROLE", help="Also let this database role run Blockline, and rewrite nothing."),
    ] = None,
    config: ConfigFile = None,
) -> None:
    """Bring the database to the schema of this version."""
    settings = load_settings(config)
    with database(settings) as dsn:
        done = run(lambda: migrate(dsn))
        if grant is not None:
            run(lambda: grant_running(dsn, grant))
    if done.before == done.after:
        print(f"The database has schema {done.after} already.")
    else:
        print(f"The database went from schema {done.before or 'nothing'} to {done.after}.")
    if grant is not None:
        print(f"The role {grant} can run Blockline: it reads everything, and what is append-only it adds to.")


if __name__ == "__main__":
    main()
