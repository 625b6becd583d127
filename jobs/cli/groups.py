"""Commands about what is watched and what is known: accounts, orders, alerts, status, export and others."""

import typer

from jobs.cli import (
    accounts_and_lists,
    alerts,
    backup,
    evidence,
    export,
    import_records,
    order_attachments,
    order_show,
    orders,
    plan,
    published,
    purge,
    replay,
    report,
    status,
    stories,
    users,
    workers,
)


def register(cli: typer.Typer) -> None:
    """Add these commands to the command line."""
    accounts_and_lists.register(cli)
    of_orders = orders.register(cli)
    order_attachments.register(of_orders)
    order_show.register(of_orders)
    import_records.register(cli)
    status.register(cli)
    published.register(cli)
    alerts.register(cli)
    purge.register(cli)
    backup.register(cli)
    export.register(cli)
    evidence.register(cli)
    report.register(cli)
    users.register(cli)
    replay.register(cli)
    stories.register(cli)
    plan.register(cli)
    workers.register(cli)
