"""Each page that shows statuses says so when nobody has read for days."""

from datetime import timedelta

from dashboard.auth.access import acting_as
from storage.model.core.people import Actor, Role
from storage.postgres.pool import Pool, transaction
from tests.conftest import NOW
from tests.support.clients.page_text import said
from tests.support.seeds.every_page import Everything
from tests.support.servers.dashboard import SETTINGS, page_of

LATER = NOW + timedelta(days=10)
PAGES = {
    "/orders": ("all not read lately",),
    "/orders/{order}": ("2 are blocked now (2 of them not read lately)", "10 not read lately"),
    "/orders/{order}/restoration": ("Still blocked when last seen: 2.",),
    "/account/{blocked}": (
        "Available, last read 1 Feb 2021",
        "That was at its last reading, 1 Feb 2021, 11:53 UTC. No later status is known.",
        "not checked since 1 Feb 2021",
    ),
    "/account/{unreachable}": ("last read 1 Feb 2021, 11:00 UTC. No later status is known.",),
    "/account/{imported}": ("last read 8 Jan 2021",),
    "/countries": ("withheld at the last reading", "10 days ago"),
    "/countries/TR": ("as of the last reading, 1 Feb 2021",),
    "/replay": ("Blocked then not known", "42 of 42 watched; not read in the last"),
    "/incidents/{incident}": ("2 not known to be back",),
    "/health": ("Not reading: 2 of 2 collectors.", "no worker is running"),
    "/executives/{executive}": ("never read by Blockline",),
    "/names/{check}": ("Names wait, because no process with the role collect is running.",),
}
"""By address: what has to be said ten days after the last reading."""


async def test_a_page_says_that_its_readings_are_late(pool: Pool, everything: Everything) -> None:
    missing: list[tuple[str, str]] = []
    for path, sentences in PAGES.items():
        filled = path.format(**everything.numbers)
        with acting_as(Actor("ada", Role.ADMIN)):
            async with transaction(pool) as conn:
                shown = said(await page_of(conn, filled, LATER, SETTINGS, "light"))
        missing += [(path, sentence) for sentence in sentences if sentence not in shown]
    assert missing == []
