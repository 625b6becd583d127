"""A handle is a stranger's text: no page lets it turn the words around or hide."""

from typing import Any

from collectors.bluesky.declaration import BLUESKY
from dashboard.live.snapshot_cache import live_json
from dashboard.wire.compact_json import news_json
from storage.live.updates import LiveNews
from storage.postgres.pool import Pool, transaction
from tests.support.clients.page_text import said
from tests.support.samples.readings import AVAILABLE, WITHHELD_IN, minutes
from tests.support.seeds.changes import become, enlist, roster_of
from tests.support.servers.dashboard import SETTINGS, page_of

HOSTILE = "ev\u202eil\u200b"
HARMLESS = "hev\ufffdil\ufffd"


async def test_direction_marks_and_invisible_characters_of_a_handle_reach_no_page(pool: Pool) -> None:
    async with transaction(pool) as conn:
        accounts = await enlist(conn, BLUESKY, [HOSTILE], ("List",))
        roster = await roster_of(conn, accounts)
        await become(conn, roster, accounts[0], None, AVAILABLE, minutes(0))
        await become(conn, roster, accounts[0], AVAILABLE, WITHHELD_IN, minutes(15))
        account_id = accounts[0].account_id
        live: Any = await live_json(conn, "all", minutes(20), SETTINGS)
        pages = [
            said(await page_of(conn, path, minutes(20), SETTINGS, "light"))
            for path in (f"/account/{account_id}", "/countries/IN/all")
        ]
    assert live["accounts"]["handle"] == [HARMLESS]
    for page in pages:
        assert f"@{HARMLESS}" in page
        assert f"@h{HOSTILE}" not in page


def test_a_renamed_account_brings_no_hostile_handle_with_the_news() -> None:
    news = LiveNews(1, 2, frozenset({"rename"}), (), (), (), ((7, f"h{HOSTILE}"),), (), (), ())
    assert news_json(news)["renames"] == [(7, HARMLESS)]
