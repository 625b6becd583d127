"""The page of a rule warns of names that are not stored, and of rules before it that leave it nothing."""

from datetime import datetime

from dashboard.auth.access import acting_as
from storage.accounts.watch_lists import make_list
from storage.alerts.rules import keep_to_settings
from storage.model.alerts.rules import AlertRule, Match
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import said
from tests.support.servers.dashboard import SETTINGS, page_of

DESK = ("desk@example.org",)


async def rule_page(pool: Pool, now: datetime, *rules: AlertRule) -> str:
    """What the page of the last of these rules says."""
    async with transaction(pool) as conn:
        await make_list(conn, "india", "Asha", now)
        await keep_to_settings(conn, rules, now)
        number = await conn.fetchval("select max(rule_id) from alert_rule")
        with acting_as(Actor("Asha", Role.ADMIN)):
            return said(await page_of(conn, f"/alerts/rules/{number}", now, SETTINGS, "light"))


async def test_a_list_that_is_not_stored_is_said_with_the_nearest_name(pool: Pool, now: datetime) -> None:
    rule = AlertRule(DESK, "Desk", Match(lists=frozenset({"indai"})))
    page = await rule_page(pool, now, rule)
    assert "There is no list 'indai', so nothing matches it; did you mean 'india'?" in page
    assert "never notifies" not in page


async def test_a_rule_that_earlier_rules_leave_nothing_says_so(pool: Pool, now: datetime) -> None:
    rule = AlertRule(DESK, "India desk", Match(lists=frozenset({"india"})))
    page = await rule_page(pool, now, AlertRule(DESK, "Everything"), rule)
    assert (
        "This rule never notifies anybody: all that it matches is sent to the same people by 'Everything', "
        "tried before it." in page
    )
