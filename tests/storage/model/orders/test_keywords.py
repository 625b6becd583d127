"""Which words an act holds: whole words and hashtags, in one form, in any writing."""

import json

import pytest

from collectors.mastodon.wire.timeline import MastodonTimelinePage, read_page
from storage.model.orders.keywords import words_of, words_of_html


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("Farmers, protest!", {"farmers", "protest"}, id="in lower case, without signs"),
        pytest.param("#FarmersProtest now", {"farmersprotest", "now"}, id="a hashtag without its sign"),
        pytest.param("ＦＡＲＭ", {"farm"}, id="one form of each letter"),
        pytest.param("किसान आंदोलन", {"किसान", "आंदोलन"}, id="with the vowel signs of Hindi"),
        pytest.param("ਕਿਸਾਨ", {"ਕਿਸਾਨ"}, id="and of Punjabi"),
        pytest.param("cafe\u0301", {"caf\u00e9"}, id="marks join their letters"),
        pytest.param("a" + "\u0301" * 1_000_000, {"\u00e1"}, id="of a million marks the first counts"),
        pytest.param("it's well-known", {"it's", "well-known"}, id="inner marks stay"),
        pytest.param("x" * 65, set[str](), id="what is no word is none"),
        pytest.param(None, set[str](), id="no text"),
    ],
)
def test_the_words_of_a_text(text: object, words: set[str]) -> None:
    assert words_of(text) == words


def test_the_words_of_a_text_with_markup() -> None:
    content = '<p>One<br>two &amp; <a href="https://evil">#<span>Three</span></a></p><p>four</p>'
    assert words_of_html(content) == {"one", "two", "three", "four"}


def test_an_act_on_mastodon_carries_the_words_of_its_status() -> None:
    status = {"id": "5", "uri": "https://s.example/5", "content": "<p>Farmers</p>"}
    page = read_page(200, json.dumps([status]).encode(), "s.example")
    assert isinstance(page, MastodonTimelinePage)
    assert page.acts[0].signal.words == {"farmers"}
