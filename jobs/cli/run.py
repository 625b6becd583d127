"""Commands that start everything at once: `run` the monitor, `demo` the same on simulated platforms."""

import dataclasses
import json
import tempfile
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from jobs.base.event_loop import for_ever, run
from jobs.cli.command import AsJson, ConfigFile
from jobs.cli.rehearse import progress, scratch_database
from jobs.config.database import database
from jobs.config.settings import load_settings
from jobs.rehearsal import demo
from jobs.runtime import app
from jobs.runtime.app import ProcessRole
from jobs.runtime.web import listen_on

err = Console(stderr=True)


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli.command("run")(run_command)
    cli.command("demo")(demo_command)


def run_command(
    *,
    config: ConfigFile = None,
    role: Annotated[list[ProcessRole] | None, typer.Option(help="Only these parts; all by default.")] = None,
) -> None:
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
