"""A handle is a stranger's text: no page lets it turn the words around or hide."""

from dashboard.wire.compact_json import news_json
from storage.live.updates import LiveNews

HOSTILE = "ev\u202eil\u200b"
HARMLESS = "hev\ufffdil\ufffd"


def test_a_renamed_account_brings_no_hostile_handle_with_the_news() -> None:
    news = LiveNews(1, 2, frozenset({"rename"}), (), (), (), ((7, f"h{HOSTILE}"),), (), (), ())
    assert news_json(news)["renames"] == [(7, HARMLESS)]
