"""Thresholds of lists as they are stored: from when they hold, and that the log has each edit."""

import pytest

from storage.accounts.list_thresholds import (
    load_threshold_history,
    newest_thresholds,
    set_list_thresholds,
)
from storage.accounts.watch_lists import list_row, make_list
from storage.model.core.accounts import ListId
from storage.model.core.list_thresholds import ListThresholds
from storage.postgres.audit_log import acts
from storage.postgres.pool import Pool, Refused, transaction
from tests.support.samples.readings import minutes

OWN = ListThresholds(3, 5)


async def test_thresholds_hold_a_minute_later_and_the_log_has_them(pool: Pool) -> None:
    async with transaction(pool) as conn:
        desk = ListId(await make_list(conn, "Desk", "Asha", minutes(0)))
        assert await set_list_thresholds(conn, "Desk", OWN, "Asha", minutes(10))
        assert not await set_list_thresholds(conn, "Desk", OWN, "Asha", minutes(20))
        assert await set_list_thresholds(conn, "Desk", None, "Ravi", minutes(30))

        history = await load_threshold_history(conn)
        held = [history.of([desk], minutes(m))[0] for m in (10.9, 11, 30.9, 31)]
        assert held == [None, OWN, OWN, None]
        assert await newest_thresholds(conn, desk) is None
        row = await list_row(conn, desk)
        assert row is not None
        assert row.thresholds is None
        logged = [(a.actor, a.action, a.subject, a.detail["thresholds"]) for a in await acts(conn, 2)]
    assert logged == [
        ("Ravi", "thresholds of a list set", "list Desk", None),
        ("Asha", "thresholds of a list set", "list Desk", {"strong": 3, "weak": 5}),
    ]


async def test_thresholds_of_an_unknown_list_are_refused_with_the_names(pool: Pool) -> None:
    async with transaction(pool) as conn:
        await make_list(conn, "Desk", "Asha", minutes(0))
        with pytest.raises(Refused, match="There is no list 'Dask'"):
            await set_list_thresholds(conn, "Dask", OWN, "Asha", minutes(1))
