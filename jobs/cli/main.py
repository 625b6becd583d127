"""The command line: `blockline`. Exit codes: 0 done, 1 refused or failed with one sentence, 2 usage."""

import dataclasses
import json
import logging
import sys
import tempfile
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.logging import RichHandler

from jobs.cli import (
    accounts_and_lists,
    alerts,
    backup,
    evidence,
    export,
    import_records,
    orders,
    plan,
    published,
    purge,
    rehearse,
    replay,
    report,
    simulate,
    status,
    stories,
    users,
    workers,
)
from jobs.cli.command import AsJson, ConfigFile, exit_code, for_ever, run
from jobs.cli.rehearse import progress, scratch_database
from jobs.config.database import database
from jobs.config.settings import load_settings
from jobs.rehearsal import demo
from jobs.runtime import app
from jobs.runtime.app import ProcessRole
from jobs.runtime.web import listen_on
from storage.postgres.migrate import grant_running, migrate

cli = typer.Typer(
    name="blockline",
    help="Watches flagged social-media accounts: blocked when, where, for how long, and back when.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for group in (
    accounts_and_lists,
    orders,
    import_records,
    status,
    published,
    alerts,
    purge,
    backup,
    export,
    evidence,
    report,
    users,
    replay,
    stories,
    plan,
    workers,
):
    group.register(cli)

err = Console(stderr=True)


def main() -> None:
    """The console script."""
    logging.basicConfig(
        level=logging.WARNING,
        format="%(message)s",
        handlers=[RichHandler(console=err, show_path=False, show_level=False)],
    )
    sys.exit(exit_code(cli))


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
        dsn = stack.enter_context(scratch_database())
        bar, task = stack.enter_context(progress(story.start, story.end, shown=err.is_terminal))

        def after(at: datetime, tally: demo.MonitorCounts) -> None:
            bar.update(
                task,
                completed=(at - story.start).total_seconds(),
                description=f"{at:%d %b %Y %H:%M} UTC",
                said=f"{tally.readings:,} readings",
            )

        async def at_once(_: datetime) -> None:
            """Headless, nobody is waited for."""

        def tell(ended: demo.DemoResult) -> None:
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


def _ended_sentence(ended: demo.DemoResult) -> str:
    kinds = ", ".join(f"{n} {kind}" for kind, n in ended.changes.items() if n)
    return (
        f"{ended.accounts:,} accounts, {ended.readings:,} readings, confirmed changes: {kinds}; "
        f"{ended.mails} mails; false changes: {ended.false_changes}."
    )


rehearse.register(cli)
simulate.register(cli)


@cli.command("run")
def run_command(
    *,
    config: ConfigFile = None,
    role: Annotated[list[ProcessRole] | None, typer.Option(help="Only these parts; all by default.")] = None,
) -> None:
    """The real monitor, from blockline.toml and BLOCKLINE_*."""
    settings = load_settings(config)
    roles = role or list(ProcessRole)
    app.check(settings, roles)
    with database(settings) as dsn:

        async def work() -> None:
            async with app.running(settings, dsn, roles) as said:
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
    elif done.before is None:
        print(f"The database was empty and has schema {done.after} now.")
    else:
        print(f"The database went from schema {done.before} to {done.after}.")
    if grant is not None:
        print(f"The role {grant} can run Blockline: it reads everything, and what is append-only it adds to.")


if __name__ == "__main__":
    main()
