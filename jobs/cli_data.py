"""Commands about what is watched: accounts, orders, executives, status, check."""

import typer


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
