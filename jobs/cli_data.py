"""Commands about what is watched and what is known: accounts, orders, alerts, status, export and others."""

import typer

from jobs import (
    cli_alerts,
    cli_backup,
    cli_claimed,
    cli_evidence,
    cli_export,
    cli_import,
    cli_order_papers,
    cli_order_show,
    cli_orders,
    cli_plan,
    cli_purge,
    cli_replay,
    cli_report,
    cli_status,
    cli_stories,
    cli_users,
    cli_watch,
    cli_workers,
)


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    cli_watch.register(cli)
    of_orders = cli_orders.register(cli)
    cli_order_papers.register(of_orders)
    cli_order_show.register(of_orders)
    cli_import.register(cli)
    cli_status.register(cli)
    cli_claimed.register(cli)
    cli_alerts.register(cli)
    cli_purge.register(cli)
    cli_backup.register(cli)
    cli_export.register(cli)
    cli_evidence.register(cli)
    cli_report.register(cli)
    cli_users.register(cli)
    cli_replay.register(cli)
    cli_stories.register(cli)
    cli_plan.register(cli)
    cli_workers.register(cli)
