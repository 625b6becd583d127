"""From schema 22 to 23: nobody knows what became of the attempts of before."""

from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool
from tests.storage.postgres.test_migrate import execute

BEFORE = """
    insert into mail (message_id, recipients, subject, text_body, html_body, created_at, state, attempts)
    values
        ('<1@b>', '{desk@example.org}', 's', 't', 'h', now(), 'queued', 2),
        ('<2@b>', '{desk@example.org}', 's', 't', 'h', now(), 'queued', 0),
        ('<3@b>', '{desk@example.org}', 's', 't', 'h', now(), 'sent', 1);
"""


async def test_a_mail_that_was_tried_before_may_have_been_accepted(empty_dsn: str) -> None:
    await migrate(empty_dsn, revision="0022")
    await execute(empty_dsn, BEFORE)
    await migrate(empty_dsn)
    async with open_pool(empty_dsn, max_size=1) as pool:
        rows = await pool.fetch("select uncertain_offers > 0 as may_be from mail order by message_id")
        assert [r["may_be"] for r in rows][:2] == [True, False]
