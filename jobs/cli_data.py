"""Commands about what is watched: accounts, orders, executives, lists, status, check, doctor."""

import typer

from jobs import cli_status, cli_watch


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli_watch.register(cli)
    cli_status.register(cli)
