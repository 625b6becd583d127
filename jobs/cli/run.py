"""The command `run`: the monitor, or some of its parts."""

from typing import Annotated

import typer
from rich.console import Console

from jobs.base.event_loop import for_ever, run
from jobs.cli.command import ConfigFile
from jobs.config.database import database
from jobs.config.settings import load_settings
from jobs.runtime import app
from jobs.runtime.app import ProcessRole

err = Console(stderr=True)


def register(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command("run")(run_command)


def run_command(
    *,
    config: ConfigFile = None,
    role: Annotated[list[ProcessRole] | None, typer.Option(help="Only these parts; all by default.")] = None,
) -> None:
    """Settings are read from blockline.toml and from environment variables that start with BLOCKLINE_."""
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
