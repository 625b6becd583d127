"""The command `status`: the state of the installation, now or at an earlier moment."""

from pathlib import Path

import typer

from jobs.base.event_loop import run
from jobs.base.output import show, show_json
from jobs.cli.command import AsJson, AsKnownAt, AtMoment, ConfigFile, examples, moments_past
from jobs.config.database import LOCK_S, database, ready, with_conn
from jobs.config.demonstration import command_clock
from jobs.config.settings import load_settings
from jobs.status import report
from storage.health.status import Overview, overview
from storage.health.status_at import status_at
from storage.postgres.pool import open_pool, transaction


def register(cli: typer.Typer) -> None:
    """Add this command to the command line."""
    cli.command("status", epilog=examples("blockline status", "blockline status --at 2026-02-01"))(
        status_command
    )


def status_command(
    *,
    at: AtMoment = None,
    as_known_at: AsKnownAt = None,
    as_json: AsJson = False,
    config: ConfigFile = None,
) -> None:
    """The output shows accounts by status and country, coverage, issues, and emails that wait."""
    if at is not None or as_known_at is not None:
        print_status_at(at, as_known_at, config, as_json=as_json)
        return
    settings = load_settings(config)

    async def counted(dsn: str) -> Overview:
        await ready(settings, dsn)
        async with open_pool(dsn, max_size=1, lock_s=LOCK_S) as pool, transaction(pool) as conn:
            return await overview(conn, command_clock(), settings.sweep_every)

    with database(settings) as dsn:
        stand = run(lambda: counted(dsn))
    if as_json:
        show_json(report.as_json(stand))
    else:
        show(report.as_text(stand))


def print_status_at(at: str | None, as_known_at: str | None, config: Path | None, *, as_json: bool) -> None:
    """Print the status at a moment, as known at another."""
    when, known_at = moments_past(at, as_known_at, command_clock())
    settings = load_settings(config)
    stand = with_conn(settings, lambda conn: status_at(conn, when, known_at, settings.sweep_every), known_at)
    if as_json:
        show_json(report.then_json(stand))
    else:
        show(report.then_text(stand))
