"""Adding an executive is in the audit log, in the same transaction."""

import pytest

from collectors.x.declaration import X
from storage.executives.signals import add_executive
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, transaction
from tests.support.samples.readings import minutes


async def test_the_log_says_who_added_or_changed_an_executive_and_nothing_twice(pool: Pool) -> None:
    async with transaction(pool) as conn:
        for minute, title in enumerate(("Chief", "Chief", "Owner")):
            await add_executive(conn, X, "7", "ada", "Ada", title, minutes(minute), "Asha")
        account_id = await conn.fetchval("select account_id from executive")
        said = [(a.actor, a.action, a.subject, dict(a.detail)) for a in reversed(await acts(conn, 9))]
    assert said == [
        ("Asha", "executive added", f"account {account_id}", {}),
        ("Asha", "executive changed", f"account {account_id}", {}),
    ]


async def _add_and_fail(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await add_executive(conn, X, "7", "ada", "Ada", "Chief", minutes(0))
        raise RuntimeError


async def test_an_executive_that_was_not_stored_after_all_is_not_in_the_log(pool: Pool) -> None:
    with pytest.raises(RuntimeError):
        await _add_and_fail(pool)
    async with transaction(pool) as conn:
        assert await acts(conn, 9) == []
