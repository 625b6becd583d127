"""Looking up the names of name checks, which users pasted or uploaded, at their platform."""

from jobs.collect.name_lookup import Resolver
from storage.accounts.name_checks import answer, take_waiting
from storage.model.core.accounts import Platform
from storage.orders.checked_names import join_orders
from storage.postgres.pool import Pool, transaction

_AT_ONCE = 100
"""Names per batch: what one request to X takes."""


async def look_names_up(pool: Pool, platform: Platform, resolver: Resolver) -> None:
    """Ask a platform for all names that wait for it, batch by batch. No transaction waits for the platform.

    Of several processes each takes its own names. What is found of an order's name joins the
    order. Raises SettingsError and StorageError.
    """
    while True:
        async with transaction(pool) as conn:
            names = await take_waiting(conn, platform, resolver.clock(), _AT_ONCE)
        if not names:
            return
        answers = await resolver.look_up(platform, (name.said.asked for name in names))
        async with transaction(pool) as conn:
            now = resolver.clock()
            await answer(conn, names, answers, now)
            await join_orders(conn, {name.check_id for name in names}, now)
