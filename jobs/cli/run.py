"""The command `run`: the monitor, or some of its parts."""

import logging
from typing import Annotated

import typer

from jobs.base.event_loop import for_ever, run
from jobs.base.log_format import LogFormat, configure_logs
from jobs.cli.command import ConfigFile, examples
from jobs.config.database import database
from jobs.config.settings import load_settings
from jobs.runtime import app
from jobs.runtime.app import ProcessRole

log = logging.getLogger(__name__)


def register(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command("run", epilog=examples("blockline run", "blockline run --role collect"))(run_command)


def run_command(
    *,
    config: ConfigFile = None,
    role: Annotated[
        list[ProcessRole] | None,
        typer.Option(help="Run only this part; can be repeated. Default: all parts."),
    ] = None,
) -> None:
    """Settings are read from blockline.toml and from environment variables that start with BLOCKLINE_."""
    settings = load_settings(config)
    configure_logs(LogFormat(settings.log_format))
    roles = role or list(ProcessRole)
    app.check(settings, roles)
    with database(settings) as dsn:

        async def work() -> None:
            async with app.running(settings, dsn, roles) as said:
                for sentence in said:
                    log.info("%s", sentence, extra={"event": "started"})
                await for_ever()

        run(work)
