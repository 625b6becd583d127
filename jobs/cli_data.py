"""Commands about what is watched: accounts, orders, executives, lists, status, check, doctor, purge."""

import typer

from jobs import cli_purge, cli_status, cli_watch


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli_watch.register(cli)
    cli_status.register(cli)
    cli_purge.register(cli)
