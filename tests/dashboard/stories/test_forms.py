"""Which lists the form of a story offers."""

import pytest

from dashboard.stories.forms import new_form
from storage.live.lists_and_executives import LiveList
from tests.support.clients.page_text import said

LISTS = (LiveList(1, "Press", 3), LiveList(2, "Old desk", 3, is_archived=True))
EMPTY = dict.fromkeys(("title", "from", "to", "view", "as_known_at", "at", "text"), "")


@pytest.mark.parametrize(
    ("chosen", "shown", "hidden"),
    [
        pytest.param("", "Press", "Old desk", id="an archived list is not offered"),
        pytest.param("2", "Old desk (archived)", "Nowhere", id="a link names it by its number"),
        pytest.param("Old desk", "Old desk (archived)", "Nowhere", id="a story names it"),
        pytest.param("Nowhere", "Nowhere", "archived", id="a list that is not there is refused by name"),
    ],
)
def test_a_story_is_offered_lists_in_use_and_the_one_that_it_has(
    chosen: str, shown: str, hidden: str
) -> None:
    text = said(new_form({**EMPTY, "list": chosen}, LISTS))
    assert shown in text
    assert hidden not in text
