"""From schema 20 to 21: what was told as provisional before is answered after."""

from storage.accounts.accounts import stop_watching
from storage.model.core.accounts import Platform
from storage.postgres.migrate import migrate
from storage.postgres.pool import open_pool, transaction
from tests.storage.postgres.test_migrate import execute
from tests.support.samples.readings import T0

BEFORE = """
    insert into account (platform, native_id, handle, added_at) values ('x', '1', 'a', now());
    insert into change (
        change_key, account_id, status, withheld_in, kind, strength, first_seen_new, recorded_at, source
    )
    select 'k', account_id, 'suspended', '{}', 'block', 'strong', now(), now(), 'x' from account;
    insert into pending_change (account_id, change_id, agreeing, next_read_at, last_agreeing_at)
    select account_id, change_id, 1, now(), now() from change;
    insert into alert (change_id, created_at, stage, decided_at, decision)
    select change_id, now(), 'provisional', now(), 'mailed' from change;
    insert into alert_rule (
        name, definition, position, origin, enabled, created_at, updated_at, digested_to, active_since
    )
    values ('Desk', '{"recipients": ["desk@example.org"]}', 1, 'hand', true, now(), now(), now(), now());
    insert into alert_decision (alert_id, rule_id, decision, decided_at)
    select alert_id, rule_id, 'mailed', now() from alert cross join alert_rule;
    insert into mail (message_id, recipients, subject, text_body, html_body, created_at, state)
    values ('<1@b>', '{desk@example.org}', 's', 't', 'h', now(), 'sent');
    insert into mail_alert select mail_id, alert_id from mail cross join alert;
"""


async def test_a_promise_of_before_is_kept(empty_dsn: str) -> None:
    await migrate(empty_dsn, revision="0020")
    await execute(empty_dsn, BEFORE)
    await migrate(empty_dsn)
    async with open_pool(empty_dsn, max_size=1) as pool:
        async with transaction(pool) as conn:
            await stop_watching(conn, Platform.X, "a", T0)
        assert await pool.fetchval("select array_agg(stage order by alert_id) from alert") == [
            "provisional",
            "unresolved",
        ]
