"""Each page on an empty database: a sentence says what is missing and how to get it, and no zero stands for
what nobody looked at.
"""

from dataclasses import replace

import pytest

from dashboard.auth.access import acting_as
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from tests.conftest import NOW
from tests.support.clients.page_text import said
from tests.support.servers.dashboard import SETTINGS, page_of

REAL = replace(SETTINGS, synthetic=False)
PAGES = {
    "/first-run": ("No accounts are watched yet", "paste handles or addresses, or upload a table"),
    "/accounts": ("Add accounts",),
    "/accounts/add": ("Paste handles, ids and addresses of profiles or posts",),
    "/orders": ("No orders", "Add an order with the accounts and posts that it names"),
    "/orders/new": ("Store the order",),
    "/causes": ("No cause is recorded", "Record one on the page of an account or an order, or import a file"),
    "/executives": ("No executive is stored yet", "blockline executives import people.csv"),
    "/countries": ("No account is known to be withheld in a country", "import a published record"),
    "/replay": ("No account was watched at this moment", "Add accounts"),
    "/replay/rules": ("Only stored readings count.",),
    "/stories": ("No stories yet", "Write a story"),
    "/stories/new": ("Save story",),
    "/mail": ("No emails yet", "when a rule selects a confirmed change", "Alerts"),
    "/alerts": ("No open incidents. A rule opens one", "No rules, so no alerts are sent. Add a rule."),
    "/incidents": ("No incident is open. A rule opens one",),
    "/alerts/decisions/muted": ("No decision of this kind yet.",),
    "/alerts/deliveries": ("No email or message was written yet.", "when an alert rule selects"),
    "/health": ("No requests yet", "Start reading with:", "Not set up."),
    "/plan": ("No accounts are watched yet. Enter a number to estimate.",),
    "/settings": ("To require a login, change the setting auth",),
    "/glossary": ("Glossary",),
    "/help": ("Your first alert", "Watch real accounts"),
}
"""By address: what has to be said."""


@pytest.mark.parametrize("path", PAGES)
async def test_a_page_without_data_says_what_is_missing_and_how_to_get_it(pool: Pool, path: str) -> None:
    with acting_as(Actor("ada", Role.ADMIN)):
        async with transaction(pool) as conn:
            shown = said(await page_of(conn, path, NOW, REAL, "light"))
    assert [sentence for sentence in PAGES[path] if sentence not in shown] == []
