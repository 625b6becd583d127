"""Answers that are kept for repeated requests: for a day, and without the accounts that were purged."""

import pytest

from collectors.x.declaration import X
from storage.people.api_answers import (
    KeptAnswer,
    RequestKey,
    begin_request,
    keep_answer,
)
from storage.postgres.pool import Conn, Pool, transaction
from storage.purge.purge import purge_account
from tests.support.samples.readings import T0, minutes
from tests.support.seeds.changes import enlist

KEY = RequestKey("ada", "/api/v1/accounts", "one")
DIGEST = bytes(32)


async def answered(conn: Conn, body: str) -> None:
    assert await begin_request(conn, KEY, DIGEST, T0) is None
    await keep_answer(conn, KEY, 200, "application/json", body.encode())


@pytest.mark.parametrize(
    ("body", "left"),
    [
        pytest.param('{"account": "x @H1"}', b"", id="an answer that names the account"),
        pytest.param('{"account": "x @h2"}', b'{"account": "x @h2"}', id="an answer that names another"),
    ],
)
async def test_a_purge_empties_the_answers_and_no_request_is_done_twice(
    pool: Pool, body: str, left: bytes
) -> None:
    async with transaction(pool) as conn:
        one, _ = await enlist(conn, X, ["1", "2"])
        await answered(conn, body)
        await purge_account(conn, one.account_id, minutes(1))
        kept = await begin_request(conn, KEY, DIGEST, minutes(2))
    assert isinstance(kept, KeptAnswer)
    assert (kept.status, kept.body) == (200, left)
